"""table.py README RESULTS: the peers' table of the measure, with a row of the results of evaluate.py --json."""

import json
import sys
from pathlib import Path

readme, results = sys.argv[1:3]
rows = json.loads(Path(results).read_text())


def functions(key):
    return sum(len(row.get(key) or ()) for row in rows)


exact = sum(not any(value for key, value in row.items() if key not in ("case", "family")) for row in rows)
lines = Path(readme).read_text(encoding="utf-8").splitlines()
start = next(i for i, line in enumerate(lines) if line.startswith("| peer |"))
table = []
for line in lines[start:]:
    if not line.startswith("|"):
        break
    table.append(line)
errors = sum("error" in row for row in rows)
ours = f"| **tl-bench** ({len(rows)} cases) | {exact} | {functions('false_hits')} | {functions('false_invalidations')} | {errors} |"
print("\n".join([*table[:2], ours, *table[2:]]))
print(f"\nThe peers' rows are the measure's own; ours is of the {len(rows)} cases that were run now.")
