"""The promise about the speed of a diff, as a ratio measured in one run: `make bench`."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.test_report_speed import ENVIRONMENT, ROOT, distinct, interleaved, seconds

BLOCKS, EDITS = 10_000, 100


def edited(path: Path) -> tuple[Path, dict[str, int]]:
    """Return the network with that many random edits, none next to another, and their kinds."""
    draw = random.Random(0)
    lines = path.read_text(encoding="utf-8").split("\n")
    stages = [i for i, line in enumerate(lines) if line.startswith("stage")]
    edits = {"changed": 0, "added": 0, "removed": 0}
    for i in draw.sample(stages, EDITS):
        label, chain = lines[i].split(": ")
        blocks = chain.split(" -> ")
        place, kind = draw.randrange(1, len(blocks) - 1), draw.choice(list(edits))
        match kind:
            case "changed":
                blocks[place] = f"wide {20_000 + i}"
            case "added":
                blocks.insert(place, f"wide {20_000 + i}")
            case "removed":
                del blocks[place]
        edits[kind] += 1
        lines[i] = f"{label}: {' -> '.join(blocks)}"
    other = path.with_name("edited.res")
    other.write_text("\n".join(lines), encoding="utf-8")
    return other, edits


def test_diff_of_large_networks(tmp_path: Path) -> None:
    a = distinct(BLOCKS, tmp_path)
    b, edits = edited(a)
    command = [sys.executable, "-m", "resspec", "diff", str(a), str(b), "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, check=False)
    changes = json.loads(done.stdout)["structure"]["changes"]
    assert {kind: sum(change["kind"] == kind for change in changes) for kind in edits} == edits
    assert len(changes) == EDITS
    taken, check = interleaved(
        3,
        lambda: seconds("-m", "resspec", "diff", "--exit-zero", str(a), str(b)),
        lambda: seconds("-m", "resspec", "check", str(a)),
    )
    print(
        f"\ndiff of two networks of {BLOCKS:,} blocks with {EDITS} edits: {taken:.2f} s, {taken / check:.2f} times one check "
        f"({check:.2f} s); at most 2.5"
    )
    assert taken / check <= 2.5
