#!/usr/bin/env python3
"""Compares a server's answers to queries with a real Prometheus' answers on the same samples.

Usage: compare.py URL [--prometheus BINARY] [--promtool BINARY] [--queries FILE]... [--signals FOLDER]

Reads the samples that the queries need from the server at URL, imports them into a Prometheus on loopback, and asks
both every query at one moment. Prints the queries whose metrics the server does not have and the answers that differ;
exits 0 when none differs, 1 when one does or nothing could be compared."""
import argparse
import glob
import os
import re
import sys
import tomllib

from reference import Reference, get, queries, sibling

LOOKBACK = 300
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text):
    return sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)(ms|[smhdw])", text))


def reach(query):
    """How many seconds before the moment of evaluation the query looks, at most."""
    found = re.findall(r"\[([^\]:]+)|\boffset ([0-9a-z]+)", query)
    return LOOKBACK + sum(duration(ranged or offset) for ranged, offset in found)


def filled(row, metric):
    """The query of a row of the signal catalogue for all subjects."""
    query = row["query"].replace("$G", ", ".join(row.get("by", []))).replace("$D", metric)
    query = query.replace(",$M", "").replace("{$M}", "")
    return f"({query}) {row['only']}" if "only" in row else query


def signals(folder, known):
    """Every query of the signal catalogue's files: for each metric that makes a row apply (for none, its first), and
    where it has a rate's window, a week earlier too. Rows of native histograms are left out."""
    native = []
    for path in sorted(glob.glob(os.path.join(folder, "*.toml"))):
        with open(path, "rb") as file:
            rows = [(signal["id"], signal["promql"]) for signal in tomllib.load(file).get("signal", [])]
        for identifier, row in rows:
            if re.search(r"histogram_(count|sum|avg|fraction)\(", row["query"]) or identifier.startswith("app.otel.nh"):
                native.append(identifier)
                continue
            patterns = [(".+" + p[1:]) if p.startswith("*") else p for p in row["detect"].split("|")]
            found = sorted(name for name in known if re.fullmatch("|".join(patterns), name))
            for metric in found or [patterns[0]]:
                query = filled(row, metric)
                yield identifier, query.replace("$W", "1m")
                if "[$W]" in query:
                    yield f"{identifier} a week earlier", query.replace("[$W]", "[5m] offset 1w")
    print(f"native histograms, left out ({len(native)}): {' '.join(native)}")


def ask(url, query, at):
    answer = get(url, "/api/v1/query", query=query, time=f"{at / 1000:.3f}")
    if answer["status"] != "success":
        sys.exit(f"{query}: {answer['error']}")
    return answer["data"]["result"]


def labels_key(metric):
    return tuple(sorted(metric.items()))


def moment(url, selector):
    """In ms, a little before the server's now, when every scrape is in, and not the moment of any sample: what is
    pushed must be newer than what is imported."""
    now = get(url, "/api/v1/query", query="time()")["data"]["result"][1]
    at = round(float(now) * 1000) - 20_000
    taken = {round(t * 1000) for series in ask(url, f"{selector}[2s]", at) for t, _ in series["values"]}
    return next(t for t in range(at, at - 2_000, -1) if t not in taken)


def ended(url, selector, at):
    """The series that have samples within the look-back and yet are over: a marker has ended them."""
    alive = {labels_key(series["metric"]) for series in ask(url, selector, at)}
    recent = (series["metric"] for series in ask(url, f"{selector}[{LOOKBACK}s]", at))
    return [metric for metric in recent if labels_key(metric) not in alive]


def series_of(url, reaches, at):
    for name, seconds in sorted(reaches.items()):
        for series in ask(url, f"{name}[{int(seconds)}s]", at):
            yield series["metric"], [(round(t * 1000), value) for t, value in series["values"]]


def close(a, b):
    a, b = float(a), float(b)
    return a == b or (a != a and b != b) or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def difference(ours, theirs):
    if "error" in (ours["status"], theirs["status"]):
        kinds = ours.get("errorType"), theirs.get("errorType")
        return None if kinds[0] == kinds[1] else f"{ours.get('error', 'an answer')} | {theirs.get('error', 'an answer')}"
    ours, theirs = ours["data"], theirs["data"]
    if ours["resultType"] != theirs["resultType"]:
        return f"{ours['resultType']} | {theirs['resultType']}"
    if ours["resultType"] != "vector":
        return None if close(ours["result"][1], theirs["result"][1]) else f"{ours['result']} | {theirs['result']}"
    ours, theirs = ({labels_key(e["metric"]): e["value"][1] for e in side["result"]} for side in (ours, theirs))
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours or key not in theirs or not close(ours[key], theirs[key]):
            return f"{dict(key)}: {ours.get(key)} | {theirs.get(key)}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--prometheus", default="prometheus")
    parser.add_argument("--promtool", default="promtool")
    parser.add_argument("--queries", action="append", help="lines IDENTIFIER<tab>QUERY; default: catalogue.tsv")
    parser.add_argument("--signals", help="the folder of the signal catalogue's PromQL rows (*.toml)")
    options = parser.parse_args()
    url = options.url.rstrip("/")

    known = set(get(url, "/api/v1/label/__name__/values")["data"])
    wanted = [pair for path in options.queries or [sibling("catalogue.tsv")] for pair in queries(path)]
    wanted += signals(options.signals, known) if options.signals else []
    named = [(i, q, known.intersection(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", q))) for i, q in wanted]
    absent = [identifier for identifier, _, names in named if not names]
    asked = [(identifier, query, names) for identifier, query, names in named if names]
    if not asked:
        sys.exit("the server has no metric of any query")
    reaches = {}
    for _, query, names in asked:
        for name in names:
            reaches[name] = max(reaches.get(name, 0), reach(query))
    selector = '{__name__=~"' + "|".join(sorted(reaches)) + '"}'
    at = moment(url, selector)
    over = ended(url, selector, at)
    differ, empty = [], []
    with Reference(series_of(url, reaches, at), options.prometheus, options.promtool) as reference:
        # An import carries no markers, and queries that look at one moment need only the last one.
        reference.push([(metric, [(at, "x")]) for metric in over])
        for identifier, query, _ in asked:
            ours, theirs = (get(base, "/api/v1/query", query=query, time=f"{at / 1000:.3f}") for base in (url, reference.url))
            why = difference(ours, theirs)
            if why:
                differ.append(identifier)
                print(f"DIFFERS {identifier}: {why}\n  {query}")
            elif not theirs.get("data", {}).get("result"):
                empty.append(identifier)
    print(f"without metrics here ({len(absent)}): {' '.join(absent)}")
    print(f"empty on both sides ({len(empty)}): {' '.join(empty)}")
    print(f"series that had just ended: {len(over)}")
    print(f"compared {len(asked)} queries over {len(reaches)} metrics at {at / 1000:.3f}: {len(differ)} differ")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
