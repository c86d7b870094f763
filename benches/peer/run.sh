#!/bin/bash
# tl-bench beside raw sqlite3 (and other peers), repetitions interleaved so that noise hits all alike.
#   DATA=/dev/shm/peers REPS=3 WORK="W1 W2 W3 W4 W5 W6" benches/peer/run.sh OUT.jsonl
# Needs the peers' folder in target/peers (or TL_BENCH_PEERS) and a release build. PEERS="raw diskcache" runs more of them.
set -u
HERE=$(cd "$(dirname "$0")" && pwd); ROOT=$(cd "$HERE/../.." && pwd)
export TL_BENCH_PEERS=${TL_BENCH_PEERS:-$ROOT/target/peers} BENCH_RAW=${BENCH_RAW:-wal-full}
OUT=${1:-$ROOT/target/bench.jsonl}; REPS=${REPS:-3}; DATA=${DATA:-$ROOT/target/bench-data}; N=${N:-1000}
WORK=${WORK:-W1 W2 W3 W4 W5 W6}; PEERS=${PEERS:-raw}
one() { # peer workload n [more]
  local peer=$1 python=python3; shift
  local script=$TL_BENCH_PEERS/$peer/w.py
  [ "$peer" = tl-bench ] && script=$HERE/w.py
  [ -x "$TL_BENCH_PEERS/venv-$peer/bin/python" ] && python=$TL_BENCH_PEERS/venv-$peer/bin/python
  "$python" "$script" --workload "$1" --n "$2" --dir "$DATA/$peer" "${@:3}" >> "$OUT"
}
for rep in $(seq "$REPS"); do
  for w in $WORK; do
    for peer in $PEERS tl-bench; do
      case $w in
        W5) one "$peer" W5 1 --store-steps "${STORE_STEPS:-20000}" ;;
        W6) one "$peer" W6 "${N6:-200}" ;;
        *) one "$peer" "$w" "$N" ;;
      esac
    done
  done
  echo "repetition $rep done" >&2
done
python3 "$TL_BENCH_PEERS/table.py" "$OUT"
