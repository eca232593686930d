"""The speed of what never imports torch, as ratios measured in one run: `make bench`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import process_time

import pytest

from resspec.backends.report import report
from resspec.compiler import check, load

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}


def seconds(*command: str) -> float:
    """CPU time of a process."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True
    )
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def interleaved(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure, taken in turns after one round that does not count."""
    for measure in measures:
        measure()
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [median(column) for column in zip(*taken, strict=True)]


@pytest.mark.parametrize(("form", "limit"), [("json", 2.2), ("table", 3.0)])
def test_report_as_a_process(form: str, limit: float) -> None:
    ours, base = interleaved(
        15,
        lambda: seconds("-m", "resspec", "report", "specs/resnet152.res", "--format", form),
        lambda: seconds("-c", "import lark"),
    )
    print(
        f"\nreport --format {form}: {ours * 1000:.0f} ms of CPU time, {ours / base:.2f} times "
        f"`import lark` ({base * 1000:.0f} ms); at most {limit}"
    )
    assert ours / base <= limit


def test_memory_of_a_report() -> None:
    script = (
        "import sys; from resspec.cli import run; run(['report', 'specs/resnet152.res']); "
        "print(open('/proc/self/status').read(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"VmHWM:\s+(\d+) kB", done.stderr)
    assert found
    peak = int(found[1]) / 1024
    print(f"\nreport: peak of {peak:.0f} MiB; at most 30")
    assert peak < 30


def distinct(blocks: int, folder: Path) -> Path:
    """A network of so many residual blocks, no two of the same width."""
    path = folder / f"n{blocks}.res"
    stages = (range(start, min(start + 100, blocks)) for start in range(0, blocks, 100))
    lines = (
        f"stage s{i}: " + " -> ".join(f"wide {1 + width}" for width in stage)
        for i, stage in enumerate(stages)
    )
    block = "block wide(width) { residual conv 3x3, width -> bn -> relu -> conv 3x3, 16 -> bn; shortcut; after relu }"
    text = "\n".join(
        [
            "input 3x32x32",
            "shortcut B",
            "stem conv 3x3, 16 -> bn -> relu",
            *lines,
            "head avgpool -> fc 10",
        ]
    )
    path.write_text(f"use he2015\n{block}\nnetwork n{blocks} {{\n{text}\n}}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("command", "peer", "limit"),
    [("check", ("-c", "import lark"), 90), ("report", ("-m", "resspec", "check"), 2)],
)
def test_distinct_blocks_take_linear_time(
    command: str, peer: tuple[str, ...], limit: float, tmp_path: Path
) -> None:
    """`report` lowers a network as `check` does, before it counts."""
    sizes = [1250 * 2**i for i in range(4)]
    paths = {size: str(distinct(size, tmp_path)) for size in sizes}
    *taken, base = interleaved(
        3,
        *(lambda path=path: seconds("-m", "resspec", command, path) for path in paths.values()),
        lambda: seconds(*peer, paths[sizes[-1]]),
    )
    print(
        f"\n{command}:",
        ", ".join(f"{size:,} blocks {time:.2f} s" for size, time in zip(sizes, taken, strict=True)),
    )
    ratios = [after / before for before, after in pairwise(taken)]
    print(
        "each doubling:",
        ", ".join(f"{ratio:.2f}" for ratio in ratios),
        "times; at most 2.3",
    )
    print(f"{taken[-1] / base:.2f} times `python {' '.join(peer)}`; at most {limit}")
    assert taken[-1] / base <= limit
    assert max(ratios) <= 2.3


def test_repeats_are_symbolic() -> None:
    def measure(spec: str) -> Callable[[], float]:
        def once() -> float:
            start = process_time()
            for _ in range(5):
                assert check(spec) == []
                report(load(spec))
            return process_time() - start

        return once

    deep, shallow = interleaved(15, measure("resnet1202"), measure("resnet20"))
    print(f"\nResNet-1202 takes {deep / shallow:.2f} times as long as ResNet-20; at most 1.2")
    assert deep / shallow <= 1.2
