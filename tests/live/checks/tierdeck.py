"""The console as a process: one report, or one a second for as long as a check watches."""
import json
import os
import subprocess
import threading
import time

from report import Mismatch
from servers import folder, write

HEALTHS = {"ok", "warn", "critical", "unknown", "no-traffic", "maintenance"}


class Console:
    def __init__(self):
        self.binary = os.environ["TIERDECK"]
        home = folder("home")
        # Nothing of this machine's own configuration may take part.
        self.environment = {
            "HOME": home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TMPDIR": folder("tmp"),
            "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home, "XDG_CACHE_HOME": home,
        }

    def config(self, name, text):
        return write(os.path.join(folder("configs"), f"{name}.toml"), f'[environment]\nname = "{name}"\n{text}')

    def status(self, config, wait=15):
        """One report and the exit code."""
        argv = [self.binary, "--config", config, "status", "--json", "--wait", str(wait)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=wait + 45, env=self.environment)
        if not done.stdout:
            raise Mismatch(f"status ended with {done.returncode} and no report: {done.stderr.strip()}")
        return json.loads(done.stdout), done.returncode

    def watch(self, config):
        return Watch(self, config)


class Watch:
    """`status --json --watch 1`: every report with the monotonic time at which it came."""

    def __init__(self, console, config):
        argv = [console.binary, "--config", config, "status", "--json", "--watch", "1"]
        self.reports = []
        self.news = threading.Condition()
        self.child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=console.environment
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            with self.news:
                self.reports.append((time.monotonic(), json.loads(line)))
                self.news.notify_all()

    def until(self, condition, deadline, what):
        """The first report from now on that meets the condition, and how many seconds it took. Times are those at which
        reports came, so a machine that is busy elsewhere is not held against the console."""
        begun = time.monotonic()
        with self.news:
            seen = len(self.reports)
            while True:
                for at, report in self.reports[seen:]:
                    if condition(report):
                        return report, at - begun
                seen = len(self.reports)
                left = begun + deadline - time.monotonic()
                if left <= 0 or self.child.poll() is not None:
                    raise Mismatch(f"not within {deadline} s: {what}\nlast: {self.last_words()}")
                self.news.wait(min(left, 1))

    def since(self, moment):
        """The reports that came after a monotonic time."""
        with self.news:
            return [report for at, report in self.reports if at > moment]

    def last_words(self):
        if not self.reports:
            return "no report"
        report = self.reports[-1][1]
        sources = [(source["id"], source["state"], source["error"]) for source in report["sources"]]
        tiers = {tier["tier"]: tier["health"] for tier in report["tiers"]}
        return f"health {report['health']}, evidence {report['evidence']}, sources {sources}, tiers {tiers}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.reader.join(5)


def components(report):
    """Every component of a report by its id."""
    return {row["id"]: row for tier in report["tiers"] for row in tier["components"]}


def source(report, identifier):
    return next((row for row in report["sources"] if row["id"] == identifier), {"state": "missing", "error": None})


def healths(report):
    """Every health in a report by where it stands."""
    found = {"": report["health"]}
    for tier in report["tiers"]:
        found[tier["tier"]] = tier["health"]
        found.update({row["id"]: row["health"] for row in tier["components"]})
    return found


def figures(value, path=""):
    """Every figure of a report, and every figure that one is computed from, with where it stands."""
    if isinstance(value, dict):
        if "unit" in value and "at" in value:
            yield path, value
        for name, inner in value.items():
            yield from figures(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            label = inner.get("id") or inner.get("tier") or inner.get("part") if isinstance(inner, dict) else None
            yield from figures(inner, f"{path}/{label or index}")


def computed(figure):
    """The value of a derived figure from its parts."""
    parts = [part["value"] if "formula" not in part else computed(part) for part in figure["from"]]
    return eval(figure["formula"], {"__builtins__": {}}, dict(zip("abcdefgh", parts)))
