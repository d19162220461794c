#!/usr/bin/env bash
# Compares the embedded Prometheus with a real one on the same samples, for every query of the signal catalogue, in its
# plain form (promql/catalogue.tsv) and as tierdeck sends them (src/model/signals/prometheus).
#
# Usage: promql.sh URL [PROMETHEUS [PROMTOOL]]
#   URL         the embedded server, as `tierdeck demo --serve --json` prints it
#   PROMETHEUS  the binary of a real Prometheus (2.42 is what the evaluator follows); default: from PATH
# Exits 0 when every answer is the same to 1e-9.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
url=${1:?usage: promql.sh URL [PROMETHEUS [PROMTOOL]]}
exec python3 "$here/promql/compare.py" "$url" --signals "$here/../../src/model/signals/prometheus" --prometheus "${2:-prometheus}" --promtool "${3:-promtool}"
