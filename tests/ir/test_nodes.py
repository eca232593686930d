"""Nodes are frozen, and made once for equal fields; what stands in many places costs what it costs
once.
"""

from __future__ import annotations

import gc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import process_time

import pytest

from resspec.backends.report import report
from resspec.compiler import load
from resspec.ir import interning
from resspec.ir.fingerprint import fingerprint
from resspec.ir.json import from_json, to_json
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.activation import Relu
from resspec.ir.ops.conv import Conv
from resspec.ir.ops.layer import Ramp
from resspec.ir.ops.regularize import DropPathOp
from resspec.ir.shape import Name, Shape
from resspec.passes.measure import measure
from tests.texts import load_text

X = Shape((4, 8, 8))
CONV = Conv((3, 3), 4, padding=(1, 1))


def test_equal_nodes_are_one_object() -> None:
    op = Op(X, X, CONV)
    assert Op(input=X, output=X, layer=Conv((3, 3), 4, padding=(1, 1)), init=None) is op
    assert Series(X, X, (op, op)) is Series(X, X, (op, op))
    assert Repeat(X, X, 3, op) is Repeat(X, X, 3, op)
    assert Scope(X, X, op) is Scope(X, X, op)
    assert Parallel(X, X, "add", (op, op), 0) is Parallel(X, X, "add", (op, op), residual=0)


def test_nodes_that_differ_in_a_field_are_others() -> None:
    op, other = Op(X, X, CONV), Op(X, X, Relu())
    nodes: list[object] = [
        op,
        other,
        replace(op, layer=replace(CONV, groups=2)),
        Series(X, X, (op,)),
        Series(X, X, (other,)),
        Scope(X, X, op),
        Repeat(X, X, 2, op),
        Repeat(X, X, 3, op),
        *(Parallel(X, X, "add", (op, op), f, i) for f in (None, 0, 1) for i in (None, False, True)),
    ]
    assert len(set(nodes)) == len(nodes)


def test_a_layer_that_varies_is_not_the_one_of_its_first_turn() -> None:
    assert DropPathOp(Ramp(Fraction(0), Fraction(1))) is not DropPathOp(Fraction(0))


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (Op(X, X, CONV), "input"),
        (CONV, "groups"),
    ],
)
def test_no_node_can_be_changed(made: object, field: str) -> None:
    with pytest.raises(AttributeError):
        setattr(made, field, None)


def test_what_nobody_holds_is_forgotten() -> None:
    gc.collect()
    before = len(interning._made)
    kept = [Op(Shape((i, 3, 3)), X, CONV) for i in range(1, 1001)]
    assert len(interning._made) == before + 1000
    del kept
    assert len(interning._made) == before


def test_one_body_called_twice_is_one_object(tmp_path: Path) -> None:
    text = """
        block unit { conv 3x3, 4 -> relu }
        network n { input 4x8x8; head first: unit -> unit -> { x.y: unit } -> conv 1x1, 2 }
    """
    (section,) = load_text(tmp_path, text).sections
    assert isinstance(section.body, Series)
    a, b, c, *_ = section.located.parts
    assert a.node is b.node is c.body.node
    assert a.body is b.body is c.body.body
    assert [str(each.name) for each in (a, b, c, c.body)] == ["first", "unit1", "x", "y"]


def test_the_same_spec_read_twice_is_the_same_tree() -> None:
    a, b = load("resnet50"), load("resnet50")
    assert a == b == from_json(to_json(a))
    for x, y in zip(a.sections, b.sections, strict=True):
        assert x.body is y.body
    renamed = replace(a.sections[0].located, name=Name("other"))
    other = replace(a, sections=(replace(a.sections[0], located=renamed), *a.sections[1:]))
    assert other != a


def test_forty_levels_that_hold_the_one_below_twice_are_hashed_and_counted_at_once() -> None:
    """2^40 layers, of which a few nodes are distinct."""
    network = doubled(40)
    start = process_time()
    found = report(network)
    assert fingerprint(network) == found.hash
    assert process_time() - start < 0.5
    assert found.totals["params"] == 2**40 * measure(Op(X, X, CONV)).params
    assert found.totals["layers"] == 2**40


def doubled(levels: int) -> Network:
    span = "n.res:1:1-1:2"
    located = Located(Op(X, X, CONV), span, (), Name("conv", 1))
    for _ in range(levels):
        half = Scope(X, X, located.node)
        row = tuple(Located(half, span, (located,), Name("half", i), "half") for i in (1, 2))
        located = Located(Series(X, X, (half, half)), span, row)
    section = Section("head", "head", located, span)
    return Network("doubled", X, X, (section,), located.span)
