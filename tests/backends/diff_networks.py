"""Small networks whose differences are looked at."""

from __future__ import annotations

from pathlib import Path

from resspec.backends.diff import DiffSide, diff
from resspec.backends.diff.structure import Structure, structure
from resspec.backends.diff.words import lines
from resspec.backends.report import report
from resspec.compiler import load
from resspec.ir.fingerprint import Digests, fingerprint
from resspec.ir.network import Network

BLOCKS = """
block basic(width, groups=1) {
    residual conv 3x3, width, /stride -> bn -> relu -> conv 3x3, width, groups=groups -> bn
    shortcut
    after relu
}
shortcut A { same: identity; change: subsample /stride -> pad_channels out }
shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }
"""
PROJECT = "shortcut C { same: conv 1x1, out -> bn; change: conv 1x1, out, /stride -> bn }"
STEM = "stem conv 3x3, 16 -> bn -> relu"
STAGE = "stage layer1: 4 x basic 16"
HEAD = "head avgpool -> fc 10"


def network(folder: Path, name: str, *clauses: str, blocks: str = BLOCKS) -> Network:
    path = folder / f"{name}.res"
    lines = [*blocks.strip().split("\n"), f"network {name} {{", "input 3x32x32", *clauses, "}"]
    path.write_text("\n".join(lines), encoding="utf-8")
    return load(path)


def found(a: Network, b: Network) -> Structure:
    changes = structure(a, b, Digests())
    assert (fingerprint(a) == fingerprint(b)) == (structure_of(a, b).changes == ())
    return changes


def structure_of(a: Network, b: Network) -> Structure:
    made = diff(DiffSide(report(a), a), DiffSide(report(b), b)).structure
    assert made
    return made


def said(changes: Structure) -> list[str]:
    return [f"{line.sign} {line.where}: {line.what}" for line in lines(changes)]
