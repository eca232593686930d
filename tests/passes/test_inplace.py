"""What the pass decides, and that no decision changes a result: random networks against themselves
without it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.activation import Activation
from resspec.lowering.network import lower
from resspec.opening import open_spec
from resspec.passes.inplace import UnsafeInplace, inplace


def undecided(tmp_path: Path, text: str) -> Network:
    path = tmp_path / "n.res"
    path.write_text(text, encoding="utf-8")
    opened = open_spec(path)
    lowered = lower(opened.library, "n")
    assert lowered.network is not None, lowered.diagnostics
    return lowered.network


def of_chain(tmp_path: Path, chain: str) -> Network:
    return undecided(tmp_path, f"network n {{ input 4x6x6; head {chain} }}")


def decisions(node: Node) -> Iterator[bool | None]:
    """Of activations and sums, in program order."""
    match node:
        case Op(layer=Activation(inplace=decision)):
            yield decision
        case Op():
            pass
        case Scope(body=body) | Repeat(body=body):
            yield from decisions(body)
        case Series(children=children):
            for child in children:
                yield from decisions(child)
        case Parallel(paths=paths, merge=merge, inplace=decision):
            for path in paths:
                yield from decisions(path)
            if merge == "add":
                yield decision


CONV = "conv 3x3, 4"
DECIDED = {
    f"{CONV} -> relu": [True],
    f"{CONV} -> silu -> relu": [False, True],  # not by default: it would save a copy
    f"{CONV} -> silu inplace=true -> relu": [True, True],
    f"{CONV} -> relu inplace=false -> maxpool 3x3 -> relu": [False, True],
    f"{CONV} -> dropout 0.5 -> relu": [True],
    f"{CONV} -> concat {{ {CONV} | {CONV} }} -> relu": [True],
    f"mul {{ {CONV} | {CONV} -> sigmoid }} -> relu": [True],
    # the input of the network is its caller's
    "relu": [False],
    "identity -> drop_path 0.5 -> relu": [False],
    # a backward pass reads what is there
    f"{CONV} -> relu -> relu6": [True, False],
    f"{CONV} -> sigmoid -> relu": [False],
    f"{CONV} -> relu -> dropout 0.5 -> relu": [True, False],  # dropout hands it on in evaluation
    f"{CONV} -> relu6 -> relu": [True, True],
    # a part of a larger tensor
    f"{CONV} -> slice 0, 2 -> relu": [False],
    f"{CONV} -> to_last -> to_first -> relu inplace=true": [True],
    f"{CONV} -> slice 0, 2 -> silu inplace=true -> relu": [True, False],
    # a sum is written into its first path
    f"add {{ {CONV} -> bn | identity }} -> relu": [True, True],
    f"add {{ identity | {CONV} -> bn }} -> relu": [False, True],
    f"add {{ {CONV} -> relu | identity }} -> relu": [True, False, True],
    f"{CONV} -> add {{ relu -> {CONV} | identity }} -> relu": [
        False,
        True,
        True,
    ],  # two read what conv left
    f"{CONV} -> add {{ {CONV} | add {{ identity | relu }} }}": [False, False, True],
    # a repeat reads what it left
    f"2 x {{ {CONV} -> relu }}": [True],
    f"{CONV} -> 2 x {{ relu -> {CONV} }}": [True],
    f"{CONV} -> 2 x relu": [False],
    f"2 x {{ relu -> {CONV} }}": [False],
    f"{CONV} -> sigmoid -> 2 x {{ relu -> {CONV} }}": [False],
    f"{CONV} -> 3 x {{ slice 0, 4 -> relu6 }}": [False],
    f"{CONV} -> 2 x {{ 2 x {{ relu -> {CONV} }} -> sigmoid }}": [False],
}


@pytest.mark.parametrize("chain", DECIDED)
def test_decisions(chain: str, tmp_path: Path) -> None:
    assert list(decisions(walk.whole(inplace(of_chain(tmp_path, chain))).node)) == DECIDED[chain]


def test_a_projection_is_added_in_place_unless_it_comes_first(tmp_path: Path) -> None:
    option = "shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }"
    for clauses, added in (
        ("residual conv 3x3, 8 -> bn; shortcut B", True),
        ("shortcut B; residual conv 3x3, 8 -> bn", False),
    ):
        text = f"{option}\nblock b {{ {clauses}; after relu }}\nnetwork n {{ input 4x6x6; head b -> b }}"
        assert list(decisions(walk.whole(inplace(undecided(tmp_path, text))).node)) == [
            added,
            True,
            added,
            True,
        ]


@pytest.mark.parametrize(
    ("chain", "refused"),
    [
        ("relu inplace=true", "relu inplace=true"),
        ("add { hardswish inplace=true | conv 3x3, 4 }", "hardswish inplace=true"),
        ("conv 3x3, 4 -> 2 x { relu inplace=true }", "relu inplace=true"),
    ],
)
def test_refuses_where_the_value_is_needed(chain: str, refused: str, tmp_path: Path) -> None:
    network = of_chain(tmp_path, chain)
    with pytest.raises(UnsafeInplace) as error:
        inplace(network)
    start = len("network n { input 4x6x6; head ") + chain.index(refused) + 1
    assert error.value.spans == (f"{tmp_path}/n.res:1:{start}-1:{start + len(refused)}",)


def test_tells_of_all_that_is_unsafe(tmp_path: Path) -> None:
    with pytest.raises(UnsafeInplace) as error:
        inplace(
            of_chain(
                tmp_path,
                "relu inplace=true -> silu inplace=true -> conv 3x3, 4 -> relu inplace=true",
            )
        )
    assert len(error.value.spans) == 2


def test_keeps_what_is_shared(tmp_path: Path) -> None:
    """Ten levels of blocks of two blocks each: a thousand layers, of which a few nodes are
    distinct.
    """
    blocks = "\n".join(f"block b{i + 1} {{ b{i} -> b{i} }}" for i in range(10))
    network = undecided(
        tmp_path,
        f"block b0 {{ conv 3x3, 4 -> relu }}\n{blocks}\nnetwork n {{ input 4x6x6; head b10 }}",
    )
    before = distinct(walk.whole(network).node)
    after = distinct(walk.whole(inplace(network)).node)
    assert before <= after <= 2 * before < 100


def distinct(*nodes: Node) -> int:
    """How many objects there are below the nodes."""
    known: dict[int, Node] = {}
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if id(node) in known:
            continue
        known[id(node)] = node
        match node:
            case Scope(body=body) | Repeat(body=body):
                todo.append(body)
            case Series(children=parts) | Parallel(paths=parts):
                todo.extend(parts)
            case _:
                pass
    return len(known)


# --- random networks ---

STEPS = [
    "relu",
    "relu",
    "relu",
    "relu6",
    "relu6",
    "sigmoid",
    "silu",
    "gelu",
    "hardsigmoid",
    "identity",
    "bn",
    "conv 3x3, 4",
    "conv 1x1, 4",
    "maxpool 3x3",
    "avgpool 3x3",
    "dropout 0.5",
    "drop_path 0.5",
    "layer_scale 0.5",
    "shuffle 2",
    "pad_channels 4",
    "subsample /1",
    "slice 0, 4",
    "chunk 1, 0",
    "to_last -> to_first",
    "to_last -> linear 4 -> to_first",
]
BLOCKS = ["b0", "b1", "2 x b1", "r0", "2 x r0", "r1"]


def random_chain(rng: random.Random, depth: int = 0) -> str:
    """Steps that keep 4x6x6."""
    return " -> ".join(random_step(rng, depth) for _ in range(rng.randint(1, 4)))


def random_step(rng: random.Random, depth: int) -> str:
    if depth == 3 or rng.random() < 0.6:
        return rng.choice(STEPS)
    chain, others = (
        random_chain(rng, depth + 1),
        [random_chain(rng, depth + 1) for _ in range(rng.randint(1, 2))],
    )
    return rng.choice(
        [
            f"add {{ {' | '.join([chain, *others])} }}",
            f"mul {{ {' | '.join([chain, *others])} }}",
            f"concat {{ {chain} -> chunk 2, 1 | chunk 2, 0 }}",
            f"{rng.randint(2, 3)} x {{ {chain} }}",
            f"{{ {chain} }}",
            rng.choice(BLOCKS) if depth < 2 else chain,
        ]
    )


def random_spec(rng: random.Random) -> str:
    clauses = [random_chain(rng, 2) for _ in range(6)]  # so deep that they call no block
    return (
        "shortcut P { same: conv 1x1, out -> bn }\n"
        f"block b0 {{ {clauses[0]} }}\nblock b1 = {clauses[1]}\n"
        f"block r0 {{ residual {clauses[2]}; shortcut identity; after {clauses[3]} }}\n"
        f"block r1 {{ preact {clauses[4]}; residual {clauses[5]}; shortcut P }}\n"
        f"network n {{ input 4x6x6; head {random_chain(rng)} }}"
    )


def outcome(module: nn.Module, x: Tensor, training: bool) -> list[Tensor]:
    """The output, all gradients, and the input as it is afterwards."""
    torch.manual_seed(0)
    module.train(training).zero_grad()
    given = x.clone().requires_grad_()
    y = module(given * 1)  # an input that is no leaf, so that writing over it is no error by itself
    y.square().sum().backward()
    kept = x.clone()
    module(kept)
    return [y, kept, *(t.grad for t in [given, *module.parameters()] if t.grad is not None)]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small tensors lose more than they gain by several, most of all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_changes_no_result(tmp_path: Path) -> None:
    """Outputs, gradients and what is left of the input, in training and in evaluation, bit for bit."""
    rng, written = random.Random(0), 0
    for _ in range(120):
        text = random_spec(rng)
        network = undecided(tmp_path, text)
        decided = inplace(network)
        written += sum(map(bool, decisions(walk.whole(decided).node)))
        plain, ours = build(network), build(decided)
        ours.load_state_dict(plain.state_dict())
        x = torch.randn(2, 4, 6, 6)
        for training in (True, False):
            expected, found = outcome(plain, x, training), outcome(ours, x, training)
            assert all(
                torch.equal(a, b) or bool(a.isnan().any())
                for a, b in zip(expected, found, strict=True)
            ), text
    assert written > 100
