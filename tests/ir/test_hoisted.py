"""What the hash counts, against a naive version: all steps written out, with full names."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from resspec.backends.module import build
from resspec.diagnostics import SpecError
from resspec.ir import walk
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Parallel, Scope
from tests.random_specs import random_spec
from tests.rewritten import nested, rewritten
from tests.texts import load_text

Token = tuple[Any, ...]
SEEDS = range(16)
REWRITINGS = 12


def flat(network: Network) -> tuple[str, list[Token]]:
    """Every step with tensors by its full name, every other one without, in order."""
    return str(network.input), row(walk.whole(network), "", (), None, at_fork=False)


def row(
    located: Located, scope: str, turns: tuple[int, ...], turn: int | None, *, at_fork: bool
) -> list[Token]:
    found: list[Token] = []
    for step in walk.unrolled(located, turns, turn):
        is_first = at_fork and not found
        match step.node:
            case Op(init=init) as op if op.kind != "identity":
                fields = {name: v for name, v in vars(step.layer).items() if name != "inplace"}
                held = op.layer.parameters(op.input) or op.layer.buffers(op.input)
                name = f"{scope}{step.name}" if held else ""
                if init is not None and "bias" not in held:
                    init = init._replace(bias=Fraction(0))
                found.append((op.kind, name, str(fields), str(init)))
            case Scope():
                inside = step.located.body
                found += row(inside, f"{scope}{step.name}.", (), step.turn, at_fork=is_first)
            case Parallel(merge=merge):
                paths = [
                    row(path, scope, step.turns, step.turn, at_fork=True)
                    for path in step.located.parts
                ]
                if may_swap(merge, paths) and not is_first:
                    paths.sort()
                found.append((merge, paths))
    return found


def may_swap(merge: str, paths: list[list[Token]]) -> bool:
    if merge == "concat" or len(paths) != 2 or sum(map(readers, paths)) > 2:
        return False
    names = [any(each[1] for each in layers(path)) for path in paths]
    draws = [any(each[0] in ("dropout", "drop_path") for each in layers(p)) for p in paths]
    return sum(names) < 2 and sum(draws) < 2


def readers(path: list[Token]) -> int:
    return sum(map(readers, path[0][1])) if path and len(path[0]) == 2 else 1


def layers(path: list[Token]) -> list[Token]:
    return [
        layer
        for token in path
        for layer in ([token] if len(token) > 2 else [x for p in token[1] for x in layers(p)])
    ]


def sound(random: Random, folder: Path) -> tuple[str, Network]:
    """A spec of nested scopes without mistakes."""
    while True:
        text = nested(random)
        try:
            return text, load_text(folder, text)
        except SpecError:  # such as a label that is there twice
            continue


def pairs(seed: int, folder: Path) -> list[tuple[Network, Network, list[str]]]:
    """A network and what came of it."""
    random = Random(seed)
    text, network = sound(random, folder) if seed % 2 else (random_spec(seed), None)
    network, found = network or load_text(folder, text), []
    for _ in range(REWRITINGS):
        other, kinds = rewritten(text, random, random.randint(1, 5))
        try:
            found.append((network, load_text(folder, other), kinds))
        except SpecError:  # such as a label that is there twice
            continue
    return found


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_networks_of_one_hash_have_the_same_steps_and_names(seed: int, tmp_path: Path) -> None:
    for network, other, kinds in pairs(seed, tmp_path):
        is_same = flat(network) == flat(other)
        assert (fingerprint(network) == fingerprint(other)) == is_same, kinds


def test_rewritings_of_every_kind_keep_the_hash_somewhere(tmp_path: Path) -> None:
    same, changed = set[str](), set[str]()
    kinds = {"swap", "out at the end", "out at the start", "written out", "wrapped"}
    for seed in range(1, 200, 2):  # of nested scopes
        for network, other, tried in pairs(seed, tmp_path):
            if len(tried) == 1:
                is_same = fingerprint(network) == fingerprint(other)
                (same if is_same else changed).update(tried)
        if same >= kinds and "swap" in changed:
            return
    pytest.fail(f"the same: {same}; another: {changed}")


@pytest.mark.parametrize("seed", SEEDS)
def test_networks_of_one_hash_compute_the_same_bits(seed: int, tmp_path: Path) -> None:
    """Names, initial values, outputs, and gradients of parameters and input."""
    for network, other, kinds in pairs(seed, tmp_path)[:4]:
        if fingerprint(network) == fingerprint(other):
            assert bits(network) == bits(other), kinds


def bits(network: Network) -> list[tuple[str, bytes]]:
    torch.manual_seed(1)
    module = build(network)
    x = torch.randn(2, *network.input.dims, requires_grad=True)
    torch.manual_seed(2)
    y = module(x)
    torch.manual_seed(3)
    y.backward(torch.randn_like(y))
    held = [(name, value) for name, value in module.state_dict().items()]
    grads = [(name, value.grad) for name, value in module.named_parameters()]
    return [
        (name, b"" if value is None else value.detach().numpy().tobytes())
        for name, value in [*held, *grads, ("input", x.grad), ("output", y)]
    ]
