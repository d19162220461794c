#!/usr/bin/env python3
"""Writes samples.txt: synthetic series for every metric of catalogue.tsv, with the labels its queries ask for.

A line is `NAME{LABELS} @OFFSET VALUE VALUE _ VALUE`: samples STEP ms apart from START plus OFFSET, `_` where one is
missing, `x` where a staleness marker ends the series. The two header lines give START and STEP. Deterministic: the same catalogue gives the same file."""
import itertools
import os
import random
import re

HERE = os.path.dirname(os.path.abspath(__file__))
START, STEP, COUNT = 1_767_225_600_000, 20_000, 22

BUCKETS = ["0.05", "0.1", "0.25", "0.5", "1", "+Inf"]
# What a label may be, by the matcher that asks for it.
MATCHED = {
    "5..": ["503", "200"],
    "Running|Pending|Unknown": ["Running", "Succeeded"],
    "MemoryPressure|DiskPressure|PIDPressure": ["MemoryPressure", "Ready"],
    "idle|iowait|steal": ["idle", "iowait", "steal", "user"],
    "systemd|timex|filesystem|cpu|meminfo": ["systemd", "textfile"],
    "(nginx|chronyd?|rsyslogd?|sshd?)\\\\.service": ["nginx.service", "cron.service"],
    "tmpfs|overlay|squashfs|ramfs|fuse.*|nsfs": ["ext4", "tmpfs"],
    "loop.*|zram.*|ram.*": ["nvme0n1", "loop0"],
    "lo|veth.+": ["eth0", "lo"],
    "template.*": ["shop", "template1"],
    "(?i)b.pop.*|blmove|xread.*|wait|subscribe|monitor|psync": ["get", "set", "BLPOP"],
    "WATCH|CONNECT": ["GET", "WATCH"],
}
# Two members of each grouping label; the first of one label goes with the first of another.
MEMBERS = {
    "instance": ["10.0.1.11:9100", "10.0.2.12:9100"],
    "namespace": ["shop", "infra"],
    "service": ["orders", "payments"],
    "pod": ["orders-7d9f-abcde", "payments-5c6b-fghij"],
    "container": ["app", "sidecar"],
}
# Labels that no query names and the exporters have.
MORE = {
    "node_cpu_seconds_total": {"cpu": ["0", "1"]},
    "http_requests_total": {"code": ["200", "404", "503"]},
    "kube_pod_container_resource_limits": {"resource": ["cpu", "memory"]},
    "node_filesystem_files": {"fstype": ["ext4", "tmpfs"]},
    "node_filesystem_readonly": {"fstype": ["ext4", "tmpfs"]},
    "rollout_info": {"phase": ["Healthy", "Progressing"]},
}
# Values that a query needs to have an answer.
FIXED = {
    "node_filesystem_readonly": 0,
    "node_filesystem_size_bytes": 1e12,
    "kube_pod_container_status_waiting_reason": 1,
    "kube_pod_status_phase": 1,
    "kube_pod_status_ready": 0,
    "pg_replication_slots_active": 0,
}
ON_NODE = {"up", "node_uname_info"}
WORDS = set("sum avg min max count by without on and or unless bool rate increase time vector abs".split())


def catalogue():
    with open(os.path.join(HERE, "catalogue.tsv"), encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def grouping(query):
    found = []
    for labels in re.findall(r"\b(?:by|on) ?\(([^()]*)\)", query):
        found += [label.strip() for label in labels.split(",") if label.strip()]
    return [label for label in dict.fromkeys(found) if label != "le"]


def selectors(query):
    bare = re.sub(r"\b(?:by|on|without) ?\([^()]*\)", " ", query)
    for name, matchers in re.findall(r"([a-zA-Z_:][\w:]*)(?![\w:]*\s*\()(?:\{([^}]*)\})?", re.sub(r'"[^"]*"(?![^{]*\})', " ", bare)):
        if name not in WORDS and "_" in name or name in ("up", "ALERTS"):
            yield name, re.findall(r'(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"', matchers or "")


def metrics():
    """Metric name -> (grouping labels, label -> possible values, is a counter, is 0 or 1)."""
    known = {}
    for _, query in catalogue():
        for name, matchers in selectors(query):
            by, values, traits = known.setdefault(name, ([], {}, set()))
            by += [label for label in grouping(query) if label not in by]
            for label, operator, value in matchers:
                own = MATCHED.get(value) or ([value or "app", ""] if operator == "!=" else [value, "other"])
                values.setdefault(label, [])
                values[label] += [v for v in own if v not in values[label]]
            if re.search(r"\b(?:rate|increase)\(" + name + r"\b", query):
                traits.add("counter")
            elif not name.endswith(("_bytes", "_seconds", "_files")) and re.search(r"[=!]= (?:bool )?[01]\b|_up\b|success|status_condition", query):
                traits.add("bool")
    return known


def label_sets(name, by, values):
    own = {label: list(options) for label, options in values.items()}
    for label, options in MORE.get(name, {}).items():
        own.setdefault(label, []).extend(v for v in options if v not in own[label])
    if name.endswith("_bucket"):
        own["le"] = BUCKETS
    plain = [label for label in by if label not in own]
    for member in (0, 1):
        fixed = {label: MEMBERS.get(label, [f"{label}-a", f"{label}-b"])[member] for label in plain}
        fixed.setdefault("instance", MEMBERS["instance"][member])
        fixed["job"] = ("node", "api")[member] if name == "up" else "node" if name in ON_NODE else name.split("_")[0]
        for chosen in itertools.product(*own.values()):
            yield {k: v for k, v in {**fixed, **dict(zip(own, chosen))}.items() if v}


def number(value):
    return repr(round(value, 4)).removesuffix(".0")


def values_of(rng, name, traits):
    if name in FIXED:
        yield from [float(FIXED[name])] * COUNT
    elif "counter" in traits:
        level, pace, reset = rng.uniform(0, 50), rng.uniform(0.05, 30), rng.randrange(COUNT) if rng.random() < 0.1 else -1
        for at in range(COUNT):
            level = rng.uniform(0, pace) if at == reset else level + rng.uniform(0, pace) * (rng.random() < 0.9)
            yield level
    elif "bool" in traits:
        fixed = rng.random() < 0.6 and rng.choice([0.0, 1.0])
        for _ in range(COUNT):
            yield rng.choice([0.0, 1.0]) if fixed is False else fixed
    else:
        level = 10 ** rng.uniform(-2, 5)
        for _ in range(COUNT):
            level *= rng.uniform(0.95, 1.05)
            yield float("nan") if rng.random() < 0.002 else level


def with_gaps(rng, values):
    """Some series begin late, some end early with or without a marker, many miss a scrape, a few end and come back."""
    first = rng.randrange(COUNT // 2) if rng.random() < 0.15 else 0
    last = rng.randrange(1, COUNT // 2) if rng.random() < 0.05 else COUNT
    marked = rng.random() < 0.5
    for at, value in enumerate(values):
        ends = at == last and marked or rng.random() < 0.01
        missing = at < first or at >= last or rng.random() < 0.04
        yield "x" if ends else "_" if missing else "NaN" if value != value else number(value)


def shown(name, labels):
    return name + "{" + ",".join(f'{k}="{v}"' for k, v in sorted(labels.items())) + "}"


def histogram(rng, sets):
    """Cumulative buckets of one label set, in the order of their bounds."""
    paces = [rng.uniform(0, 6) for _ in BUCKETS]
    levels, columns = [rng.uniform(0, 9) for _ in BUCKETS], []
    for _ in range(COUNT):
        levels = [level + rng.uniform(0, pace) for level, pace in zip(levels, paces)]
        columns.append(list(itertools.accumulate(levels)))
    return [(labels, [column[at] for column in columns]) for at, labels in enumerate(sets)]


def main():
    with open(os.path.join(HERE, "samples.txt"), "w", encoding="utf-8") as file:
        file.write(f"start {START}\nstep {STEP}\n")
        for name, (by, values, traits) in sorted(metrics().items()):
            rng = random.Random(name)
            sets = list(label_sets(name, by, values))
            if name.endswith("_bucket"):
                parts = [sets[at:at + len(BUCKETS)] for at in range(0, len(sets), len(BUCKETS))]
                series = [pair for part in parts for pair in histogram(rng, part)]
            else:
                series = [(labels, list(values_of(rng, name, traits))) for labels in sets]
            offsets = {instance: rng.randrange(STEP) for instance in MEMBERS["instance"]}
            for labels, numbers in series:
                offset = offsets.get(labels.get("instance"), 7_000)
                file.write(f"{shown(name, labels)} @{offset} {' '.join(with_gaps(rng, numbers))}\n")


if __name__ == "__main__":
    main()
