"""What a check says: passed, or what was expected and what was found."""
import contextlib
import time
import traceback


class Mismatch(Exception):
    """The console and the server disagree."""


def expect(truth, words):
    if not truth:
        raise Mismatch(words)


def same(found, wanted, what):
    """Two mappings are equal; the words name the entries that are not."""
    if found == wanted:
        return
    keys = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
    rows = [f"{key}: the console has {found.get(key)}, the server {wanted.get(key)}" for key in keys[:12]]
    raise Mismatch("\n".join([f"{what}: {len(keys)} differ", *rows]))


def close(found, wanted, what, tolerance=1e-9):
    """Two numbers are equal, relatively."""
    if found != wanted and abs(found - wanted) > tolerance * max(abs(found), abs(wanted)):
        raise Mismatch(f"{what}: the console has {found!r}, the server {wanted!r}")


class Report:
    def __init__(self):
        self.area, self.passed, self.failed = "", 0, 0

    @contextlib.contextmanager
    def check(self, name, quiet=False):
        """Runs its body as one check. A failure is told and counted, and the checks after it run; `quiet` tells and
        counts failures only."""
        begun = time.monotonic()
        try:
            yield
        except Exception as error:
            self.failed += 1
            words = str(error) if isinstance(error, Mismatch) else traceback.format_exc()
            print(f"FAIL {time.monotonic() - begun:6.1f} s  {self.area}: {name}", flush=True)
            print("\n".join(f"       {line}" for line in words.splitlines()), flush=True)
        else:
            if not quiet:
                self.passed += 1
                print(f"ok   {time.monotonic() - begun:6.1f} s  {self.area}: {name}", flush=True)
