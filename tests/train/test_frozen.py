"""Frozen sections and rates by layer, against loops in plain torch and timm's groups."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file
from timm.optim._param_groups import param_groups_layer_decay
from torch import nn
from torch.nn.functional import cross_entropy

from resspec.backends.module import build
from resspec.compiler import load
from resspec.training import trainer
from resspec.training.data import Batch
from resspec.training.recipe import Recipe
from resspec.training.steps.frozen import lr_scales
from resspec.training.steps.step import Learner
from tests.train.small import job, plan, tiny, train

SPEC = """
network plain {
    input 1x8x8
    stem conv 3x3, 4, /2 -> bn -> relu
    stage body: conv 3x3, 6 -> bn -> relu
    head avgpool -> fc 10
}
"""
STEPS, UNTIL = 6, 3


def batches() -> list[Batch]:
    draw = torch.Generator().manual_seed(5)
    return [
        Batch(torch.randn(12, 1, 8, 8, generator=draw), torch.randint(0, 10, (12,), generator=draw))
        for _ in range(STEPS)
    ]


def in_torch(path: Path, lr: float, scales: dict[str, float], *, norms: bool) -> nn.Module:
    """Train with the stem frozen for UNTIL steps, in a loop as one writes it by hand."""
    torch.manual_seed(0)
    module = build(load(path))
    parameters = dict(module.named_parameters())
    groups = [
        {"params": [parameter], "lr": lr * scales.get(name.partition(".")[0], 1.0)}
        for name, parameter in parameters.items()
    ]
    optimizer = torch.optim.AdamW(groups, lr, weight_decay=0.05, fused=True)
    stem = [module.get_submodule(name) for name in ("conv1", "bn1")]
    for step, batch in enumerate(batches()):
        module.train()
        for child in stem:
            child.requires_grad_(step >= UNTIL)
        if norms and step < UNTIL:
            stem[1].eval()
        optimizer.zero_grad()
        cross_entropy(module(batch.images), batch.targets).backward()
        optimizer.step()
    return module


@pytest.mark.parametrize("norms", ["eval", "train"])
def test_a_frozen_stem_is_torchs_bit_for_bit(norms: str, tmp_path: Path) -> None:
    path = tmp_path / "plain.res"
    path.write_text(SPEC, encoding="utf-8")
    settings = [
        "optimizer.name=adamw",
        "optimizer.lr=0.01",
        "optimizer.weight_decay=0.05",
        "schedule=constant",
        "warmup=null",
        "ema=null",
        "batch_size=12",
        "precision=fp32",
        f"freeze={{sections: [stem], until: {UNTIL} iterations, batch_norm: {norms}}}",
        "lr_scale={body: 0.5}",
    ]
    decided = plan(job(load(path), *settings), tmp_path / "run")
    state = trainer.begun(decided)
    learner = Learner(decided, state)
    for batch in batches():
        learner.learn(batch)

    names = {name.partition(".")[0] for name, _ in state.module.named_parameters()}
    body = {name: 0.5 for name in names if name not in ("conv1", "bn1", "fc")}
    wanted = in_torch(path, 0.01, body, norms=norms == "eval")
    for (name, mine), other in zip(
        state.module.state_dict().items(), wanted.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, other), name


def test_rates_decay_by_the_layers_of_timm() -> None:
    recipe = Recipe.model_validate({"epochs": 1, "batch_size": 1, "layer_decay": 0.7})
    network = load("torchvision/resnet18")
    ours = lr_scales(build(network), network, recipe)
    model = timm.create_model("resnet18")
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    theirs = {
        names[id(parameter)]: group["lr_scale"]
        for group in param_groups_layer_decay(model, layer_decay=0.7)
        for parameter in group["params"]
    }
    assert ours == theirs
    assert len(set(ours.values())) == 10


def test_factors_of_a_section_and_of_its_layers_multiply() -> None:
    values = {"epochs": 1, "batch_size": 1, "layer_decay": 0.5, "lr_scale": {"layer4": 0.1}}
    network = load("torchvision/resnet18")
    scales = lr_scales(build(network), network, Recipe.model_validate(values))
    assert scales["fc.weight"] == 1
    assert scales["layer4.1.conv2.weight"] == 0.1 * 0.5
    assert scales["layer4.0.conv2.weight"] == 0.1 * 0.25
    assert scales["layer3.1.bn2.bias"] == 0.125


@pytest.mark.parametrize("precise", [0, 100])
def test_a_stem_that_is_frozen_to_the_end_keeps_every_bit(precise: int, tmp_path: Path) -> None:
    network = tiny(tmp_path)
    torch.manual_seed(0)
    start = build(network).state_dict()
    settings = ["epochs=0.2", "freeze=[stem]", "ema=0.5", f"precise_bn={precise}"]
    train(network, tmp_path / "run", *settings)
    trained = load_file(tmp_path / "run" / "weights.safetensors")
    same = {name for name in start if torch.equal(start[name], trained[name])}
    stem = {name for name in start if name.partition(".")[0] in ("conv1", "bn1")}
    assert stem
    assert same == stem


def test_only_what_is_trained_has_moments_and_their_bytes_are_as_planned(tmp_path: Path) -> None:
    network = tiny(tmp_path)
    wanted = job(network, "optimizer.name=adamw", "freeze=[stem, body]", "epochs=0.1", "ema=null")
    decided = plan(wanted, tmp_path / "run")
    state = trainer.begun(decided)
    learner = Learner(decided, state)
    for batch in batches():
        learner.learn(batch)
    moments = {
        name: tensor
        for name, tensor in state.tensors()
        if name.startswith("optimizer/") and "/step/" not in name
    }
    assert {name.rpartition("/")[2] for name in moments} == {"fc.weight", "fc.bias"}
    kept = sum(tensor.nbytes for tensor in moments.values())
    parameters = sum(parameter.nbytes for parameter in state.module.parameters())
    assert wanted.state_bytes == parameters + kept
