"""The hash is of what a network means: equal for equal meaning, another for any change of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import pytest

from resspec.compiler import load
from resspec.ir import walk
from resspec.ir.fingerprint import VERSION, fingerprint
from resspec.ir.init import Init
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Merge, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Name
from resspec.opening import shipped_names
from tests.random_specs import random_spec
from tests.relaid import relaid
from tests.texts import load_text

NETWORK = "network n {{ input 3x8x8; {} }}"
BLOCKS = """
block unit(w) { conv 3x3, w, /stride -> bn }
block short(w, act=relu) = conv 3x3, w, /stride -> act
block res(w) { residual conv 3x3, w, /stride -> bn; shortcut B; after relu }
block sum(w, s=1) { add { conv 3x3, w -> bn scale=s | downsample: conv 1x1, w } -> relu }
shortcut B { same: identity; change: conv 1x1, out, /stride }
let eight = 8
"""


def fingerprint_of(folder: Path, text: str) -> str:
    return fingerprint(
        load_text(folder, text if "network" in text else BLOCKS + NETWORK.format(text))
    )


EQUAL = [
    # names, templates, layout
    ("head conv 3x3, 8", "head conv 3, eight  # three\n"),
    ("head conv 3x3, 8", "network other(w=2 * 4) { input 3x8x8; head conv 3x3, w; expect params == 216 }"),
    ("head short 8", "head conv 3x3, 8 -> relu"),
    ("head short 8, gelu", "head { conv 3x3, 8 } -> { gelu }"),
    # where a repeat is written out
    ("head 3 x unit 3", "head unit 3 -> unit 3 -> unit 3"),
    ("head 3 x unit 3", "head unit 3 -> 2 x unit 3"),
    ("head 3 x unit 3, /2", "head unit 3, /2 -> 2 x unit 3"),
    ("head 6 x conv 1x1, 3", "head 2 x 3 x conv 1x1, 3"),
    ("head 4 x { conv 1x1, 3 -> bn }", "head conv 1x1, 3 -> bn -> 3 x { conv 1x1, 3 -> bn }"),
    ("stage s: 3 x res 3", "stage s: 0: res 3 -> 1..: 2 x res 3"),
    ("head 1 x unit 3 -> 0 x relu", "head unit 3"),
    # the division into sections, and labels that only repeat what is there
    ("stem conv 3x3, 4 -> bn; head conv 3x3, 4", "head conv 3x3, 4 -> bn -> conv 3x3, 4"),
    ("stage s: unit 4", "head s: unit 4"),
    ("stage s: 1 x unit 4", "head s: { unit 4 }"),
    ("stage s: short 4", "head s: sequential { conv 3x3, 4 -> relu }"),
    ("stage s.1..: 2 x unit 3", "stem s.1: unit 3; head s.2: unit 3"),
    ("stage s: a: { bn } -> b: { bn }", "stem s.a: { bn }; head s.b.0: bn"),
    # names of what has no parameters
    ("head conv 3x3, 8 -> relu", "head conv 3x3, 8 -> act: relu"),
    ("head conv 3x3, 8 -> relu", "head conv 3x3, 8 -> act: { relu }"),
    ("head avgpool -> fc 4", "head pool: avgpool -> flatten -> fc 4"),
    # what does nothing
    ("head identity -> bn -> identity", "head bn"),
    ("head concat { identity | bn }", "head concat { identity -> identity | bn }"),
    # residual blocks are sums
    ("head res 8", "head res1: sum 8"),
    ("head 2 x add { bn | identity }", "head add { bn | identity } -> add { bn | identity }"),
    # initial values
    ("init ones; init conv: zeros; head conv 3x3, 3", "init conv: constant value=0, bias=0; head conv 3x3, 3"),
    ("init kaiming_normal; init fc: default; head conv 3x3, 3 -> fc 4", "init conv: kaiming_normal; head conv 3x3, 3 -> fc 4"),
    ("init conv: normal bias=default; head conv 3x3, 3", "init conv: normal; head conv 3x3, 3"),  # there is no bias
    ("init bn: ones; head bn", "head bn scale=1"),
    ("init residual: zeros; head res 8", "head res1: sum 8, 0"),
    # in place or not, and the order in which equal things are said
    ("head conv 3x3, 8 -> relu", "head conv 3x3, 8 -> relu inplace=false"),
    ("replace bn: gn 1; head unit 8", "head unit1: { conv1: conv 3x3, 8 -> bn1: gn groups=1 }"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal(tmp_path: Path, one: str, other: str) -> None:
    assert fingerprint_of(tmp_path, one) == fingerprint_of(tmp_path, other)


DIFFERENT = [
    ("head conv 3x3, 8", "network n { input 3x8x9; head conv 3x3, 8 }"),
    ("head conv 3x3, 8", "head a: conv 3x3, 8"),
    ("head conv 3x3, 8", "stage s: conv 3x3, 8"),
    ("head unit 8", "head conv 3x3, 8 -> bn"),
    ("head unit 8 -> unit 8", "head unit 8 -> unit3: unit 8"),
    ("head 2 x unit 3", "head 3 x unit 3"),
    ("head bn -> relu", "head relu -> bn"),
    ("head relu -> dropout 0.5", "head dropout 0.5 -> relu"),
    ("head bn -> dropout 0.5", "head bn"),
    ("head add { bn | conv 1x1, 3 }", "head add { conv 1x1, 3 | bn }"),
    ("head add { bn | conv 1x1, 3 }", "head mul { bn | conv 1x1, 3 }"),
    ("head add { bn | identity }", "head bn"),
    ("head concat { bn | identity }", "head concat { identity | bn }"),
    ("head bn", "head bn scale=0"),
    ("head bn scale=0.5", "head bn scale=0"),
    ("init conv: zeros; head conv 3x3, 3", "head conv 3x3, 3"),
    (
        "init conv: normal; head conv 3x3, 3, bias=true",
        "init conv: normal bias=1; head conv 3x3, 3, bias=true",
    ),
    ("head conv 3x3, 3 -> relu", "head conv 3x3, 3 -> gelu"),
    ("head gelu", "head gelu tanh=true"),
    ("head unit 8, /2", "head unit 8"),
    ("head unit 8, /2 -> unit 8", "head unit 8 -> unit 8, /2"),
    ("head maxpool 3x3, /2", "head avgpool 3x3, /2"),
    ("head maxpool 3x3, /2", "head maxpool 3x3, /2, ceil=true"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(tmp_path: Path, one: str, other: str) -> None:
    assert fingerprint_of(tmp_path, one) != fingerprint_of(tmp_path, other)


SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_layout_repeats_abbreviations_and_constants_do_not_count(tmp_path: Path, seed: int) -> None:
    text = random_spec(seed)
    expected = fingerprint_of(tmp_path, text)
    assert fingerprint_of(tmp_path, relaid(text, seed)) == expected
    assert fingerprint_of(tmp_path, random_spec(seed, plainly=True)) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_any_change_of_a_network_counts(tmp_path: Path, seed: int) -> None:
    """Fields, names, initial values, counts, merges, order, and what is there at all."""
    network = load_text(tmp_path, random_spec(seed))
    random, known = Random(seed), {fingerprint(network)}
    changed = list(variants(network))
    for _, variant in random.sample(changed, min(len(changed), 30)):
        found = fingerprint(variant)
        assert found not in known
    kinds = {kind for kind, _ in changed}
    assert {"field", "name", "init", "left out"} <= kinds


def test_every_kind_of_change_is_tried(tmp_path: Path) -> None:
    kinds = {
        kind for seed in range(8) for kind, _ in variants(load_text(tmp_path, random_spec(seed)))
    }
    assert kinds == {"field", "name", "init", "left out", "order", "count", "merge"}


def test_a_change_at_one_turn_counts(tmp_path: Path) -> None:
    """Numbers that grow from turn to turn are seen at each turn."""
    block = "block u {{ residual bn -> drop_path {}; shortcut identity }}\nnetwork n {{ input 3x8x8; head 5 x u }}"
    hashes = {
        fingerprint_of(tmp_path, block.format(p))
        for p in ("0.1 * index", "0.1 * index / 2", "0.1", "0.1 * (index + 1)")
    }
    assert len(hashes) == 4
    assert (
        fingerprint_of(tmp_path, block.format("0.4 * index / (count - 1)")) in hashes
    )  # as 0.1 * index


# --- one change at one place ---


def variants(network: Network) -> Iterator[tuple[str, Network]]:
    """Every network that differs at one place, with the kind of change."""
    for i, section in enumerate(network.sections):
        for kind, located in changes(section.located):
            other = replace(section, located=located)
            sections = (*network.sections[:i], other, *network.sections[i + 1 :])
            yield kind, replace(network, sections=sections)


def changes(located: Located) -> Iterator[tuple[str, Located]]:
    node, own = located.node, located.name
    match node:
        case Op(layer=layer):
            for name, value in vars(layer).items():
                if name != "inplace" and value is not None:
                    words = layer.choices.get(name, ())
                    changed = replace(layer, **{name: other(value, words)})
                    yield "field", replace(located, node=replace(node, layer=changed))
            if has_tensors(node):
                init = Init("constant", (("value", Fraction(7)),))
                yield "init", replace(located, node=replace(node, init=init))
        case Parallel(paths=(_, _, *_)):
            merge: Merge = "mul" if node.merge != "mul" else "add"
            yield "merge", replace(located, node=replace(node, merge=merge))
        case Repeat() if does_something(node):
            yield "count", replace(located, node=replace(node, count=node.count + 1))
    yield from rows(located)
    if own is not None and has_tensors(node):
        yield "name", replace(located, name=Name("renamed", *own[1:]))


def rows(located: Located) -> Iterator[tuple[str, Located]]:
    is_row, parts = isinstance(located.node, Series), located.parts
    for i, part in enumerate(parts):
        before, after = parts[:i], parts[i + 1 :]
        for kind, changed in changes(part):
            yield kind, walk.with_parts(located, (*before, changed, *after))
        if is_row and does_something(part.node):
            yield "left out", walk.with_parts(located, (*before, *after))
        if i and order_counts(located.node, parts[i - 1].node, part.node):
            yield "order", walk.with_parts(located, (*parts[: i - 1], part, parts[i - 1], *after))


def order_counts(around: Node, first: Node, second: Node) -> bool:
    """Return whether it surely matters which of two neighbors comes first."""
    may_swap = isinstance(around, Parallel) and around.merge != "concat"
    if may_swap and not (has_tensors(first) and has_tensors(second)):
        return False
    both_do_something = does_something(first) and does_something(second)
    return both_do_something and kinds(first) != kinds(second)


def other(value: Any, words: Sequence[str]) -> Any:
    match value:
        case bool():
            return not value
        case str() if value in words:
            return words[words.index(value) - 1]
        case str():
            return f"not {value}"
        case (int(first), int(second)) if not isinstance(value, Ramp):
            return (first + 1, second)
        case Ramp(start, step):
            return Ramp(start, step + 1)
        case _:
            return value + 1


def all_ops(node: Node) -> Iterator[Op]:
    match node:
        case Op():
            yield node
        case Scope(body=body) | Repeat(body=body):
            yield from all_ops(body)
        case Series(children=parts) | Parallel(paths=parts):
            for part in parts:
                yield from all_ops(part)


def kinds(node: Node) -> list[str]:
    return [op.kind for op in all_ops(node)]


def has_tensors(node: Node) -> bool:
    return any(op.layer.parameters(op.input) or op.layer.buffers(op.input) for op in all_ops(node))


def does_something(node: Node) -> bool:
    return any(kind != "identity" for kind in kinds(node))


# --- cost ---


def test_a_deep_network_costs_what_a_shallow_one_does() -> None:
    def seconds(network: Network) -> float:
        start = process_time()
        for _ in range(20):
            fingerprint(network)
        return process_time() - start

    shallow, deep = load("resnet20"), load("resnet1202")
    taken = [(seconds(shallow), seconds(deep)) for _ in range(5)]
    shallow_best, deep_best = map(min, zip(*taken, strict=True))
    assert deep_best < 2 * shallow_best


def test_the_hash_of_each_shipped_network_is_the_one_of_this_version(
    golden: Callable[[str, str], None],
) -> None:
    """A change of one of these changes the version."""
    hashes = [f"{name} {fingerprint(load(name))}" for name in shipped_names()]
    golden("hashes.txt", "\n".join([*hashes, VERSION, ""]))
