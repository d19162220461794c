#!/usr/bin/env python3
"""Records what a real Prometheus answers to catalogue.tsv and forms.tsv on samples.txt, as expected.json.

Usage: record.py [PROMETHEUS [PROMTOOL]]. The unit test of the evaluator compares itself with the record."""
import json
import re
import sys

from reference import Reference, get, queries, sibling

# Seconds after the first sample: in the middle of the data and near its end, on no sample's moment.
MOMENTS = [215.5, 431.25]
STEP = 37


def samples():
    with open(sibling("samples.txt"), encoding="utf-8") as file:
        start, step = (int(next(file).split()[1]) for _ in range(2))
        for line in file:
            name, labels, offset, values = re.fullmatch(r"([^{]+)\{(.*)\} @(\d+) (.*)\n", line).groups()
            pairs = {k: v.replace("\\\\", "\\") for k, v in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)}
            at = [start + int(offset) + n * step for n in range(len(values.split()))]
            yield {"__name__": name, **pairs}, [(t, v) for t, v in zip(at, values.split()) if v != "_"]


def compact(answer):
    """An answer without its times, elements in the order of their labels."""
    if answer["status"] == "error":
        return {"errorType": answer["errorType"], "error": answer["error"]}
    data = answer["data"]
    if data["resultType"] in ("scalar", "string"):
        return {data["resultType"]: data["result"][1]}
    elements = [[e["metric"], e["value"][1] if "value" in e else e["values"]] for e in data["result"]]
    return {data["resultType"]: sorted(elements, key=lambda e: sorted(e[0].items()))}


def main():
    series = list(samples())
    start = min(at for _, points in series for at, _ in points) / 1000
    base = int(start)
    recorded = []
    with Reference([], *sys.argv[1:3]) as reference:
        reference.push(series)
        for identifier, query in queries(sibling("catalogue.tsv")) + queries(sibling("forms.tsv")):
            for moment in MOMENTS:
                answer = compact(get(reference.url, "/api/v1/query", query=query, time=base + moment))
                recorded.append({"id": identifier, "query": query, "time": base + moment, "expect": answer})
            frame = {"start": base + 60, "end": base + 400, "step": STEP}
            answer = compact(get(reference.url, "/api/v1/query_range", query=query, **frame))
            if identifier.startswith("form."):
                recorded.append({"id": identifier, "query": query, **frame, "expect": answer})
    empty = {r["id"] for r in recorded} - {r["id"] for r in recorded if r["expect"].get("vector") != []}
    print("without any result:", sorted(empty))
    with open(sibling("expected.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in recorded) + "\n]\n")


if __name__ == "__main__":
    main()
