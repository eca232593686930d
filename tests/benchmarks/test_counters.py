"""Speed and memory beside counters that build a network with torch first: `make bench`."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import process_time
from typing import NamedTuple

import torchvision

from resspec.backends.report import report
from resspec.backends.report.json import to_json
from resspec.compiler import load
from tests.benchmarks.test_report_speed import ENVIRONMENT, ROOT, interleaved
from tests.passes.counters import counted

FVCORE = """
import torch, torchvision; torch.set_num_threads(1)
from fvcore.nn import FlopCountAnalysis
print(FlopCountAnalysis(torchvision.models.resnet152().eval(), torch.zeros(1, 3, 224, 224)).total())
"""
OURS = """
import sys
from resspec.cli import main
sys.argv[1:] = ["report", "resnet152", "--format", "json"]
assert main() == 0
"""
STATUS = "\nimport sys; print(open('/proc/self/status').read(), file=sys.stderr)"
SPECS = 50  # of a sweep
FASTER = 22  # than fvcore


class Taken(NamedTuple):
    """CPU seconds and the peak of resident memory in MiB."""

    seconds: float
    memory: float


def process(script: str) -> Taken:
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", script + STATUS],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    after = getrusage(RUSAGE_CHILDREN)
    found = re.search(r"VmHWM:\s+(\d+) kB", done.stderr)
    assert found
    return Taken(
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(found[1]) / 1024
    )


def test_report_beside_fvcore() -> None:
    process(OURS), process(FVCORE)
    rounds = [(process(OURS), process(FVCORE)) for _ in range(5)]
    seconds = [median(taken.seconds for taken in column) for column in zip(*rounds, strict=True)]
    memory = [median(taken.memory for taken in column) for column in zip(*rounds, strict=True)]
    faster, smaller = seconds[1] / seconds[0], memory[1] / memory[0]
    print(
        f"\nResNet-152: {seconds[0]:.2f} s of CPU time and {memory[0]:.0f} MiB; fvcore takes {faster:.1f} times the time "
        f"({seconds[1]:.2f} s), at least 15, and {smaller:.1f} times the memory ({memory[1]:.0f} MiB), at least 8"
    )
    assert faster >= 15
    assert smaller >= 8


def candidate(number: int, draw: random.Random) -> str:
    """A spec of ResNet-50's size, unlike all others of a sweep."""
    widths, depths = (
        [8 * draw.randint(4, 40) for _ in range(5)],
        [draw.randint(2, 9) for _ in range(4)],
    )
    stages = (
        f"    stage layer{i}: {depth} x bottleneck {width}{', /2' if i > 1 else ''}\n"
        for i, (depth, width) in enumerate(zip(depths, widths[1:], strict=True), 1)
    )
    return (
        f"use he2015\n\nnetwork candidate{number} {{\n    input 3x{32 * draw.randint(5, 9)}x224\n    shortcut B\n"
        f"    stem conv 7x7, {widths[0]}, /2 -> bn -> relu -> maxpool 3x3, /2\n{''.join(stages)}"
        "    head avgpool -> fc 1000\n\n    init kaiming_normal\n}\n"
    )


def test_reports_of_a_sweep(tmp_path: Path) -> None:
    """Parse, lower and count networks of ResNet-50's size, beside fvcore's count of a built one.

    No network is read twice: all that they have in common is the library.
    """
    draw = random.Random(0)
    resnet50 = torchvision.models.resnet50()

    def ours() -> float:
        paths = [tmp_path / f"candidate{i}.res" for i in range(SPECS)]
        for i, path in enumerate(paths):
            path.write_text(candidate(i, draw), encoding="utf-8")
        start = process_time()
        for path in paths:
            to_json(report(load(path)))
        return (process_time() - start) / SPECS

    def fvcore() -> float:
        start = process_time()
        assert counted("fvcore", resnet50, (3, 224, 224))
        return process_time() - start

    one, built = interleaved(9, ours, fvcore)
    print(
        f"\nfull reports of networks like ResNet-50: {one * 1000:.1f} ms each; fvcore counts a "
        f"built ResNet-50 in {built * 1000:.0f} ms, {built / one:.1f} times as long; at least {FASTER}"
    )
    assert built / one >= FASTER
