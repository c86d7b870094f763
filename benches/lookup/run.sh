#!/usr/bin/env bash
# benches/lookup/run.sh [SIZE ...]
# A map whose items each read a prompt file, replayed with everything served: what looking up one call costs when its
# witness must hold, and how that grows. BIN (target/release/tl-bench) is the binary, REPS (3) the replays of each size,
# DATA the folder to work below (a temporary one).
set -euo pipefail
here=$(dirname "$(realpath "$0")")
bin=$(realpath "${BIN:-$here/../../target/release/tl-bench}")
work=$(mktemp -d "${DATA:-${TMPDIR:-/tmp}}/lookup.XXXXXX")
trap 'rm -rf "$work"' EXIT
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(100 1000 10000)
python3 "$here/measure.py" "$bin" "$work" "${REPS:-3}" "${sizes[@]}"
