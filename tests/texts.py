"""Specs given as texts."""

from __future__ import annotations

from pathlib import Path

from resspec.compiler import check, load
from resspec.diagnostics import Diagnostic
from resspec.ir.network import Network
from resspec.parameters import Parameter
from tests.specs.tensors import operations


def load_text(folder: Path, text: str, **parameters: Parameter) -> Network:
    """The network of a spec, which stands in a file of this folder."""
    return load(written(folder, text), network=None, input=None, output=None, **parameters)


def check_text(folder: Path, text: str) -> list[Diagnostic]:
    return check(written(folder, text))


def codes(folder: Path, text: str) -> list[str]:
    return [diagnostic.code for diagnostic in check_text(folder, text)]


def written(folder: Path, text: str, name: str = "spec.res") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def layers(network: Network) -> list[str]:
    """Return the full names of all layers in program order, with repeats written out."""
    return [name for name, _ in operations(network)]


def chain(steps: str, before: str = "", size: str = "3x8x8") -> str:
    """A spec whose network is one chain."""
    return f"{before}\nnetwork n {{ input {size}; head {steps} }}\n"
