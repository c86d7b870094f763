#!/usr/bin/env bash
# benches/edits/run.sh FOLDER [evaluate.py's options]
# How exact is invalidation: every case of a measure of edits, and the table of its peers with our row.
# FOLDER holds evaluate.py, README.md with the peers' table, and cases/. BIN (target/release/tl-bench) is the binary.
set -euo pipefail
folder=$(realpath "${1:?benches/edits/run.sh FOLDER}")
shift
here=$(dirname "$(realpath "$0")")
bin=$(realpath "${BIN:-$here/../../target/release/tl-bench}")
results=$(mktemp)
trap 'rm -f "$results"' EXIT
# It ends with 1 unless every case is exact; what matters is in the results.
python3 "$folder/evaluate.py" "$folder/cases" --check-output --json "$results" "$@" \
  --run "$bin -C {dir} run {entry}::{app} --input {input} --quiet" \
  --rerun "$bin -C {dir} run {entry}::{app} --input {input} --mode adaptive --quiet" || true
echo
python3 "$here/table.py" "$folder/README.md" "$results"
