"""The checks of tests/live: tierdeck beside real servers on loopback.

Usage: main.py [AREA]...   (kubernetes, operations, prometheus, probes, cloudwatch, oracle, promql, sinks; all when none is named)

Prints one line for each check, with its time, and the sum at the end; exits 1 when one failed. `tests/live/run` sets the
environment: RIG, BIN, DEBS, VENV, SANDBOX and TIERDECK. The sandbox is removed at the end; after a failure what the servers
said is kept."""
import glob
import os
import shutil
import signal
import sys
import tempfile
import time

import cloudwatch
import kubernetes
import operations
import oracle
import probes
import prometheus
import promql
import sinks
from report import Report
from tierdeck import Console

AREAS = {
    area.__name__: area.run
    for area in (kubernetes, operations, prometheus, probes, cloudwatch, oracle, promql, sinks)
}


def tidy(sandbox, keep_logs):
    # A control plane that did not come down has not put its own aside.
    logs = [path for path in (f"{sandbox}/logs", f"{sandbox}/rig/log") if keep_logs and os.path.isdir(path)]
    kept = tempfile.mkdtemp(prefix="tierdeck-live-logs-") if logs else None
    for path in logs:
        for file in glob.glob(f"{path}/*"):
            shutil.move(file, kept)
    shutil.rmtree(sandbox, ignore_errors=True)
    if kept:
        print(f"what the servers said: {kept}")


def main(names):
    unknown = [name for name in names if name not in AREAS]
    if unknown:
        sys.exit(f"no such area: {', '.join(unknown)}; there are {', '.join(AREAS)}")
    # Ending through the context managers is what stops the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report, console, begun = Report(), Console(), time.monotonic()
    try:
        for name in names or AREAS:
            report.area = name
            with report.check("its servers start and stop, and its checks run to their end", quiet=True):
                AREAS[name](report, console)
    finally:
        tidy(os.environ["SANDBOX"], keep_logs=report.failed > 0)
    print(f"{report.passed} passed, {report.failed} failed in {time.monotonic() - begun:.0f} s")
    return 1 if report.failed or not report.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
