"""A real Prometheus that scrapes this machine: its figures are shown, and each can be asked for again."""
import json
import os
import signal
import time
import urllib.parse
import urllib.request

from report import close, expect
from servers import Process, folder, free_port, package, write
from tierdeck import components, computed, figures, healths, source

SIGNALS = {"host.up", "host.cpu", "host.load", "host.mem"}


def configuration(own, node):
    rules = write(os.path.join(folder("prometheus"), "rules.yml"), """
groups:
- name: always
  rules:
  - alert: AlwaysFiring
    expr: vector(1)
    labels: {severity: warning}
    annotations: {summary: "it always fires"}
""")
    return write(os.path.join(folder("prometheus"), "prometheus.yml"), f"""
global: {{scrape_interval: 5s, evaluation_interval: 5s}}
rule_files: ["{rules}"]
scrape_configs:
- job_name: prometheus
  static_configs: [{{targets: ["127.0.0.1:{own}"]}}]
- job_name: node
  static_configs: [{{targets: ["127.0.0.1:{node}"]}}]
""")


def prometheus(port, config):
    argv = [
        package("usr/bin/prometheus"), f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
        f"--storage.tsdb.path={folder('prometheus', 'data')}",
    ]
    return Process("prometheus", argv).wait_for(f"http://127.0.0.1:{port}/-/ready")


def ask(url, query, at):
    """The one value that Prometheus gives for a query at a time."""
    parameters = urllib.parse.urlencode({"query": query, "time": at})
    with urllib.request.urlopen(f"{url}/api/v1/query?{parameters}", timeout=10) as answer:
        result = json.load(answer)["data"]["result"]
    expect(len(result) == 1, f"{len(result)} series instead of one: {query} at {at}")
    return float(result[0]["value"][1])


def recomputed(report, url):
    """Asks for every figure of a report again; gives how many there were."""
    asked, derived, answers = 0, 0, {}
    for path, figure in figures(report):
        if figure.get("api") == "promql":
            question = figure["query"], figure["at"]
            if question not in answers:
                answers[question] = ask(url, *question)
            close(figure["value"], answers[question], f"{path}: {question[0]} at {question[1]}")
            asked += 1
        elif "formula" in figure and figure["value"] is not None:
            close(figure["value"], computed(figure), f"{path}: {figure['formula']}")
            derived += 1
    return asked, derived


def machine():
    """What this machine says of itself, as node_exporter reads it."""
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = {line.split(":")[0]: int(line.split()[1]) for line in file}
    with open("/proc/loadavg", encoding="ascii") as file:
        load = float(file.read().split()[0])
    with open("/proc/stat", encoding="ascii") as file:
        processors = sum(1 for line in file if line.startswith("cpu") and line[3].isdigit())
    return {"host.mem": 1 - memory["MemAvailable"] / memory["MemTotal"], "host.load": load / processors, "host.up": 1.0}


def host(report, node):
    found = [row for row in components(report).values() if row["name"] == f"127.0.0.1:{node}"]
    return found[0] if found else None


def has_signals(report, node):
    row = host(report, node)
    return row and SIGNALS <= {name for name, figure in row["signals"].items() if figure}


def run(report, console):
    own, node = free_port(), free_port()
    url = f"http://127.0.0.1:{own}"
    settings = configuration(own, node)
    config = console.config("machine", f'[[prometheus]]\nname = "prom"\nurl = "{url}"\npoll = 5\n')
    exporter = Process("node_exporter", [package("usr/bin/prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{node}"])
    with exporter.wait_for(f"http://127.0.0.1:{node}/metrics"), prometheus(own, settings) as server:
        with console.watch(config) as watch:
            with report.check("this machine's figures are on the board"):
                found, _ = watch.until(lambda r: has_signals(r, node), 60, f"{SIGNALS} of 127.0.0.1:{node}")
                said = machine()
                signals = host(found, node)["signals"]
                expect(abs(signals["host.mem"]["value"] - said["host.mem"]) < 0.1, f"mem {signals['host.mem']} {said}")
                expect(abs(signals["host.load"]["value"] - said["host.load"]) < 0.25 * said["host.load"] + 0.5, f"load {signals['host.load']} {said}")
                expect(signals["host.up"]["value"] == 1.0, f"up {signals['host.up']}")
                expect("AlwaysFiring" in [alert["name"] for alert in found["alerts"]], f"alerts {found['alerts']}")
            with report.check("every figure is what its own query gives over plain HTTP at its own time"):
                found, _ = console.status(config)
                asked, _ = recomputed(found, url)
                expect(asked > 20, f"only {asked} figures were asked for again")
            stops(report, watch, server, node)
        with report.check("after its restart the figures are fresh again, and right"):
            with prometheus(own, settings), console.watch(config) as watch:
                fresh = watch.until(lambda r: has_signals(r, node) and not host(r, node)["signals"]["host.load"].get("stale_seconds"), 30, "fresh figures")
                asked, _ = recomputed(fresh[0], url)
                expect(asked > 20, f"only {asked} figures were asked for again")


def is_dark(found, node):
    """Nothing that rested on Prometheus is more than unknown, and no figure of it is called fresh."""
    known = [health for health in healths(found).values() if health != "unknown"]
    row = host(found, node)
    signals = row["signals"].items() if row else []
    fresh = [name for name, figure in signals if figure and "stale_seconds" not in figure]
    return found["evidence"] != "full" and source(found, "prom")["state"] == "failed" and not known and not fresh


def is_bright(found, node):
    """Prometheus answers, its figures of this machine are fresh, and what rests on them is judged again."""
    row = host(found, node)
    figures = [figure for figure in row["signals"].values() if figure] if row else []
    fresh = figures and not any("stale_seconds" in figure for figure in figures)
    # The whole stays unknown: nothing here tells what users feel.
    judged = "unknown" not in [health for name, health in healths(found).items() if name]
    return fresh and source(found, "prom")["state"] == "live" and judged


def stops(report, watch, server, node):
    with report.check("a silent server's figures are old within 10 s, and come back with it"):
        server.signal(signal.SIGSTOP)
        try:
            found, _ = watch.until(lambda r: is_dark(r, node), 10.5, "every figure old and every health unknown")
            expect(source(found, "prom")["error"], "a failed source says why")
        finally:
            server.signal(signal.SIGCONT)
        watch.until(lambda r: is_bright(r, node), 30, "the figures are back")
    with report.check("a stopped server's figures are old within 10 s"):
        server.stop()
        begun = time.monotonic()
        found, _ = watch.until(lambda r: is_dark(r, node), 10.5, "every figure old and every health unknown")
        expect("refused" in source(found, "prom")["error"], f"{source(found, 'prom')}")
        row = host(found, node)
        expect(row and any(row["signals"].values()), "the last figures stay")
        expect(time.monotonic() - begun < 12, "within 10 s")
