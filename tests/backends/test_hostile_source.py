"""Whatever a spec calls things, the emitted file is plain code of a known kind that runs and
computes what the module does.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from torch import nn

from resspec.backends.module import build
from resspec.backends.source import emit
from resspec.compiler import load
from tests.backends.test_source import execute
from tests.hostile_specs import hostile_spec

PARTS, EACH = 4, 10  # the campaign takes 10,000
NODES = set(
    "Add Assign Attribute AugAssign BinOp Call ClassDef Constant Dict DictComp Expr For FormattedValue FunctionDef "
    "GeneratorExp Import ImportFrom JoinedStr List Load Module Mult Name Return Starred Store Subscript Tuple alias "
    "arg arguments comprehension keyword".split()
)
GLOBALS = set(
    "torch nn Tensor named numbered super enumerate range getattr str int bool float list type".split()
)
TORCH = set(
    "nn.AdaptiveAvgPool2d nn.BatchNorm2d nn.Conv2d nn.GroupNorm nn.Identity nn.Linear nn.Module nn.ReLU nn.Sequential "
    "nn.SiLU torch.flatten".split()
)
CALLED = {"super().__init__", "self.add_module", "row.add_module"}


@pytest.mark.parametrize("part", range(PARTS))
def test_hostile_specs(part: int, tmp_path: Path) -> None:
    for seed in range(part * EACH, (part + 1) * EACH):
        examine(seed, tmp_path)


def examine(seed: int, folder: Path) -> None:
    network = load(str(hostile_spec(seed, folder)))
    text = emit(network)
    assert text.isascii()
    assert_harmless(text)
    x = torch.randn(2, 2, 4, 4)
    torch.manual_seed(seed)
    emitted = execute(text)()
    torch.manual_seed(seed)
    module = build(network)
    assert list(emitted.state_dict()) == list(module.state_dict())
    with torch.no_grad():
        assert torch.equal(emitted(x), module(x))


def assert_harmless(text: str) -> None:
    """Statements, names and attributes are those that such a file needs, or names of its own."""
    tree = ast.parse(text)
    kinds = {type(node).__name__ for node in ast.walk(tree)}
    assert kinds <= NODES, kinds - NODES
    statements = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign
    assert all(isinstance(node, statements) for node in tree.body[1:])
    assert isinstance(tree.body[0], ast.Expr) and isinstance(
        tree.body[0].value, ast.Constant
    )  # what it says of itself
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own |= {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                assert name in GLOBALS | own, name
            case ast.Attribute(value=ast.Name(id="torch" | "nn")):
                assert ast.unparse(node) in TORCH, ast.unparse(node)
            case ast.Attribute(attr=name) if name.startswith("__"):
                assert ast.unparse(node) == "super().__init__"
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.Expr(value=value):
                assert isinstance(value, ast.Call) and ast.unparse(value.func) in CALLED, (
                    ast.unparse(value)
                )
            case ast.Import(names=names):
                assert [alias.name for alias in names] == ["torch"]
            case ast.ImportFrom(module=module):
                assert module == "torch"
            case ast.Call(func=ast.Name(id="getattr"), args=arguments):
                assert [type(argument) for argument in arguments] == [ast.Name, ast.Constant]
            case ast.FormattedValue(value=value):
                assert isinstance(value, ast.Name)


def test_a_call_of_another_kind_is_seen() -> None:
    text = emit(load("resnet20"))
    for statement in (
        "import os",
        "boom()",
        "x = eval('1')",
        "x = torch.load('x')",
        "x = lambda: 1",
        "x = ().__class__",
    ):
        with pytest.raises(AssertionError):
            assert_harmless(f"{text}{statement}\n")
    assert isinstance(execute(text)(), nn.Module)
