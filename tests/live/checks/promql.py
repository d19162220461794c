"""The embedded Prometheus evaluates every query of the catalogue as a real one does, on the same samples."""
import os

from report import Mismatch
from servers import Demo, package, run as execute

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "promql.sh")


def run(report, console):
    for scenario in ("calm", "bad-canary"):
        with report.check(f"every query of the catalogue has Prometheus' own values in {scenario}"):
            with Demo(console, scenario) as demo:
                url = demo.about["prometheus"]
                said = execute(["bash", SCRIPT, url, package("usr/bin/prometheus"), package("usr/bin/promtool")], 300)
                if not said.strip():
                    raise Mismatch("the comparison said nothing")
                # What was left out stands beside what was compared.
                told = [line for line in said.splitlines() if line.startswith(("native", "compared"))]
                print("\n".join(f"       {line}" for line in told), flush=True)
