"""Signal and gradient by block equal those of hooks and torch.autograd.grad.

The seed equation holds, and is seen to fail.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from resspec import cli
from resspec.backends.module import Flow, build, run_steps
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.study import probe, seed
from tests.train.small import train

SPEC = """
use he2016
block bare(width) { residual conv 1x1, width; shortcut identity }
network preactivated = cifar n=3, F=two_layers, option=A
network narrow { input 1x2x2; stem conv 1x1, 1; stage body: 2 x bare 1; head flatten -> fc 2 }
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "nets.res"
    path.write_text(SPEC, encoding="utf-8")
    return path


def shown(network: Network, count: int = 6) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    module = build(network)
    return (
        module,
        torch.randn(count, *network.input.dims),
        torch.randint(network.output.channels, (count,)),
    )


def test_against_hooks_and_autograd(spec: Path) -> None:
    network = load(f"{spec}:preactivated")
    module, images, labels = shown(network)
    paths = probe.blocks(network)
    assert paths == [f"layer{stage}.{turn}" for stage in (1, 2, 3) for turn in range(3)]
    found, responses = probe.measured(module, paths, images, labels)
    for child in module.modules():  # the same values, and none written over
        if isinstance(child, nn.ReLU):
            child.inplace = False
    values: list[torch.Tensor] = []
    x = images.clone().requires_grad_()
    assert isinstance(module, Flow)
    steps = module.__steps__
    x = run_steps(module, steps[: steps.index("layer1")], x)
    for path in paths:
        values.append(x)
        x = module.get_submodule(path)(x)
    reached = [value.detach() for value in (*values[1:], x)]
    scores = run_steps(module, steps[steps.index("layer3") + 1 :], x)
    gradients = torch.autograd.grad(cross_entropy(scores, labels), values)
    for block, output, gradient in zip(found, reached, gradients, strict=True):
        assert block.spread == pytest.approx(float(output.std()), rel=1e-4)
        assert block.mean == pytest.approx(float(output.mean()), rel=1e-3, abs=1e-5)
        assert block.gradient == pytest.approx(float(gradient.norm()), rel=1e-3)
    assert len(responses) == sum(isinstance(child, nn.Conv2d) for child in module.modules())


def test_a_tiny_network_by_hand(spec: Path) -> None:
    """x + w x twice: the gradient grows by 1 + w from block to block, 1 + w0 scales the signal."""
    network = load(f"{spec}:narrow")
    module, images, labels = shown(network)
    stem, first, second = (
        module.get_submodule(path) for path in ("conv1", "body.0.conv1", "body.1.conv1")
    )
    for layer, weight in ((stem, 2.0), (first, 0.5), (second, -0.25)):
        nn.init.constant_(layer.weight, weight)  # type: ignore[arg-type]
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    blocks, responses = probe.measured(module, ["body.0", "body.1"], images, labels)
    assert blocks[0].spread == pytest.approx(2 * 1.5 * float(images.std()), rel=1e-5)
    assert blocks[1].spread == pytest.approx(2 * 1.5 * 0.75 * float(images.std()), rel=1e-5)
    assert blocks[0].gradient == pytest.approx(1.5 * blocks[1].gradient, rel=1e-5)
    assert [r.spread for r in responses] == pytest.approx(
        [s * float(images.std()) for s in (2, 2 * 0.5, 3 * 0.25)], rel=1e-5
    )


def test_a_response_is_what_the_norm_leaves() -> None:
    module, images, labels = shown(load("resnet20"))
    _, responses = probe.measured(module, ["layer1.0"], images, labels)
    assert len(responses) == 19 and all(
        response.spread == pytest.approx(1, abs=0.01) for response in responses
    )


def test_the_seed_equation(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(f"{spec}:preactivated")
    module, images, labels = shown(network)
    paths = probe.blocks(network)
    found = seed.check(module, paths, images, lambda scores: cross_entropy(scores, labels))
    assert [(run.first, run.last, run.blocks) for run in found] == [
        ("layer1.0", "layer1.2", 3),
        ("layer2.1", "layer2.2", 2),
        ("layer3.1", "layer3.2", 2),
    ]
    assert all(run.error < 1e-10 and run.share > 0.1 for run in found)
    # Broken: the last F is left out of the sum.
    through = seed.through_residuals
    monkeypatch.setattr(
        seed, "through_residuals", lambda blocks, *rest: through(blocks[:-1], *rest)
    )
    assert all(
        run.error > 1e-3
        for run in seed.check(module, paths, images, lambda scores: cross_entropy(scores, labels))
    )


def test_no_run_of_identities() -> None:
    for name in ("resnet20", "plain20"):
        network = load(name)
        module = build(network)
        assert seed.runs(module, probe.blocks(network)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["FOLDER"], "FOLDER does not contain a run"),
        (["FOLDER/wide.res"], "there is not enough memory: 360 GB more are needed"),
        (["FOLDER/flat.res"], "there is nothing to probe in n"),
    ],
)
def test_refusals(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wide.res").write_text(
        "network n { input 3x8x8; stem conv 3x3, 100_000 -> conv 3x3, 100_000; head avgpool -> fc 10 }",
        encoding="utf-8",
    )
    (tmp_path / "flat.res").write_text(
        "network n { input 3x8x8; head avgpool -> fc 10 }", encoding="utf-8"
    )
    given = [argument.replace("FOLDER", str(tmp_path)) for argument in arguments]
    assert cli.run(["probe", *given, "--out", str(tmp_path / "out")]) == 2
    assert f": {words}".replace("FOLDER", str(tmp_path)) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("complete")
def test_the_command(tmp_path: Path, spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(load("digits"), tmp_path / "run", "iterations=4")
    out = tmp_path / "out"
    assert (
        cli.run(
            [
                "probe",
                f"{spec}:preactivated",
                "plain20",
                str(tmp_path / "run"),
                "--out",
                str(out),
                "--batch-size",
                "8",
            ]
        )
        == 0
    )
    printed = capsys.readouterr().out
    assert (
        "preactivated: the seed equation holds to" in printed
        and "says nothing of: plain20, run" in printed
    )
    with (out / "blocks.csv").open(encoding="utf-8") as file:
        assert [line["network"] for line in csv.DictReader(file)] == ["preactivated"] * 9 + [
            "plain20"
        ] * 9 + ["run"] * 3
    assert (out / "probe.png").is_file() and "plain20" in (out / "probe.svg").read_text(
        encoding="utf-8"
    )
    assert "holds to" in (out / "README.md").read_text(encoding="utf-8")
