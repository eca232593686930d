"""How fast a network runs here: each way as it says, what a run makes of it, and what `resspec
bench` tells of it.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from time import process_time

import pytest
import torch
from torch import Tensor, nn

from resspec.cli import run
from resspec.commands import bench
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.training import recipe_file
from resspec.training.machine import Machine, speed
from resspec.training.machine.decide import decide
from resspec.training.machine.speed import Speed, race, ways
from tests.train.small import ALONE, tiny

CPU = torch.device("cpu")


def test_every_way_is_run_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, torch.dtype, bool]] = []
    forward = nn.Conv2d.forward

    def watched(self: nn.Conv2d, x: Tensor) -> Tensor:
        result = forward(self, x)
        last = (
            self.weight.is_contiguous(memory_format=torch.channels_last)
            and not self.weight.is_contiguous()
        )
        seen.append((self.training, result.dtype, last))
        return result

    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    monkeypatch.setattr(nn.Conv2d, "forward", watched)
    race(tiny(tmp_path), ways(CPU, 3, compiled=False), 3, CPU, rounds=1)
    expected = [
        (training, dtype, last)
        for dtype in (torch.float32, torch.bfloat16)
        for last in (False, True)
        for training in (False, True)
    ]
    assert seen[1:16:2] == expected  # the second layer: with one channel there is no last one


def test_a_network_of_more_work_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock of the process, which stands still while others have the core."""
    monkeypatch.setattr(speed, "perf_counter", process_time)
    way = [Machine("fp32", 8, False, False, 1)]
    small, large = (race(load("lib/he2015:cifar", n=n), way, 8, CPU, rounds=3)[0] for n in (1, 4))
    assert large.forward > 1.5 * small.forward
    assert large.step > 1.5 * small.step
    assert large.parts[1] > large.parts[0] > large.parts[2] > 0


def test_a_backbone_is_timed_with_all_of_its_outputs() -> None:
    network = load("digits", output=["layer1", "layer3"])
    (found,) = race(network, [Machine("fp32", 2, False, False, 1)], 2, CPU, rounds=1)
    assert found.forward > 0
    assert min(found.parts) > 0


def test_ratios_are_to_the_first_way_and_shares_of_its_own_step() -> None:
    two = ways(CPU, 10, compiled=False)[:2]
    said = bench.text(
        load("digits"), 10, two, [Speed(0.1, (0.2, 0.2, 0.1)), Speed(0.05, (0.1, 0.24, 0.06))], CPU
    )
    lines = [re.split(r"\s{2,}", line.strip()) for line in said.splitlines()[4:]]
    assert lines == [
        ["fp32", "100.0", "1.00", "20.0", "1.00", "40.0%", "40.0%", "20.0%"],
        ["fp32, channels last", "200.0", "2.00", "25.0", "1.25", "25.0%", "60.0%", "15.0%"],
    ]


@pytest.mark.parametrize(
    ("fast", "chosen", "raced"), [(True, "bf16", True), (False, "fp32", False)]
)
def test_a_run_races_what_is_fast(
    fast: bool, chosen: str, raced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here bfloat16 is the faster one, wherever this runs."""
    races: list[Sequence[Machine]] = []

    def measured(
        _: Network, ways: Sequence[Machine], *others: object, **more: object
    ) -> list[Speed]:
        del others, more
        races.append(ways)
        return [Speed(2, (2, 2, 2)), Speed(1, (1, 1, 1))]

    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: fast)
    monkeypatch.setattr("resspec.training.machine.decide.race", measured)
    recipe = recipe_file.load("cifar-he2015")
    assert decide(load("resnet20"), recipe, ALONE).precision == chosen
    assert bool(races) is raced


@pytest.mark.parametrize("fast", [True, False])
def test_the_command(
    fast: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: fast)
    assert run(["bench", "digits", "--batch-size", "4", "--seconds", "0.1", "--device", "cpu"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert re.match(r"digits   input 1x8x8   batch 4   cpu, \d+ thread", out)
    expected = ["fp32", "fp32, channels last", "bf16", "bf16, channels last"]
    assert [line.partition("  ")[0] for line in out.splitlines()[4:]] == (
        expected
        if fast
        else [
            *expected[:2],
            "",
            "bf16 is left out: torch has no fast convolutions in it for this CPU",
        ]
    )
    with pytest.raises(SystemExit):
        run(["bench", "digits", "--batch-size", "0"])
    assert "--batch-size: '0' is not a whole number from 1" in capsys.readouterr().err


def test_a_compiler_that_is_missing_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (None, "/nonexistent"))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    path = tiny(tmp_path) and tmp_path / "tiny.res"
    assert (
        run(
            [
                "bench",
                str(path),
                "--batch-size",
                "2",
                "--seconds",
                "0.1",
                "--compile",
                "--device",
                "cpu",
            ]
        )
        == 2
    )
    assert re.fullmatch(
        r"error: torch\.compile does not work here: .*No working C\+\+ compiler.*\n",
        capsys.readouterr().err,
    )
