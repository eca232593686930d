"""The layers that torch.nn lacks, as text to copy: resspec/backends/layers.py is read, never
imported, since it needs torch.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_LAYERS = Path(__file__).parent.parent / "layers.py"


def is_copied(module: str) -> bool:
    """Return whether a layer is one of ours."""
    return module in _definitions()


def names() -> frozenset[str]:
    """Return what the file defines and what it uses without defining it: none may mean something
    else where it is copied to.
    """
    tree = ast.parse(_source())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return frozenset({node.id for node in nodes} - own) | frozenset(_definitions())


def base(module: str) -> str:
    """Return the class of torch.nn whose instances these are as well, or the class itself."""
    definition = _definitions().get(module)
    if isinstance(definition, ast.ClassDef) and isinstance(
        parent := definition.bases[0], ast.Attribute
    ):
        return module if parent.attr == "Module" else parent.attr
    return module


def definitions(modules: Iterable[str]) -> list[str]:
    """Return the source of these layers and of what they use, in the order of the file."""
    known, wanted, todo = (
        _definitions(),
        set[str](),
        [module for module in modules if module in _definitions()],
    )
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += [
                node.id
                for node in ast.walk(known[name])
                if isinstance(node, ast.Name) and node.id in known
            ]
    return [_text(definition) for name, definition in known.items() if name in wanted]


def _text(definition: ast.stmt) -> str:
    first = min(node.lineno for node in (definition, *getattr(definition, "decorator_list", ())))
    return "\n".join(_source().splitlines()[first - 1 : definition.end_lineno])


@cache
def _definitions() -> dict[str, ast.stmt]:
    """Top-level classes, functions and constants by name."""
    found: dict[str, ast.stmt] = {}
    for statement in ast.parse(_source()).body:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = statement
            case _:
                pass
    return found


@cache
def _source() -> str:
    return _LAYERS.read_text(encoding="utf-8")
