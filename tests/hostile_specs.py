"""Small valid specs whose names, comments, strings and paths try to be Python.

They use keywords, dunders, attributes of torch modules, names of emitted code, quotes, braces and
backslashes.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from torch import nn

from resspec.lowering.scope import BUILT_IN, RESERVED

_OWN = (
    "self x y z nn torch F Tensor module modules row rows name named numbered super i j k Net out_channels hidden_channels "
    "DropPath"
)
_LANGUAGE = {
    *RESERVED,
    *BUILT_IN,
}
_WORDS = sorted(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *dir(nn.Module()),
        *dir(nn),
        *dir(torch),
        *_OWN.split(),
        *"_ __ ___ __class__ __dict__ __import__ __builtins__ __all__ a b0 c_ A9 in_ boom os sys exec eval".split(),
    }
)
NAMES = [
    word
    for word in _WORDS
    if word not in _LANGUAGE and re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", word)
]
LABELS = [
    word
    for word in [*_WORDS, "2nd", "a-b", "00", "7-", "None.a", "a.class.b-0", "self.x"]
    if not any(part.startswith("__") or hasattr(nn.Module(), part) for part in word.split("."))
    and word.isascii()
]
PROSE = [
    "'",
    '"""',
    "'''",
    "\\",
    "\\n",
    "{boom()}",
    "%s",
    '"); boom(); ("',
    "# type: ignore",
    "'''; boom()",
    "\\\" \\' \\x00",
    "é 層",
    "${x}",
    "`boom`",
    "<script>",
    "*/",
    "\\N{BELL}",
    "{{",
    "}}",
    "{0}",
    "coding: utf-7",
    "!boom",
]


def hostile_spec(seed: int, folder: Path) -> Path:
    """Write a spec with one network in a folder of its own, perhaps with a library as odd."""
    random = Random(seed)
    write = _Writer(random)
    folder = folder / f"{random.choice(PROSE).replace('/', '|')}{seed}"
    folder.mkdir()
    path = folder / f"{random.choice(PROSE).replace('/', '|')}\n{random.choice(NAMES)}.res"
    texts = write.spec()
    if random.random() < 0.3:
        library = re.sub(r'["\\/\n]', "'", random.choice(PROSE)) + ".res"
        (folder / library).write_text(texts[0], encoding="utf-8")
        texts = [f'use "{library}"\n', *texts[1:]]
    path.write_text("".join(texts), encoding="utf-8")
    return path


class _Writer:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.names = _drawn(NAMES, 12, random)
        self.labels = [
            *_drawn([label for label in LABELS if "." not in label and label != "a"], 20, random),
            "a.class.b-0",
        ]

    def spec(self) -> list[str]:
        """Its declarations, and its network."""
        name = self.names.pop
        constant, option, unit, part, inner, network, width, kind = (name() for _ in range(8))
        residual = f"{self.row(width)} -> conv 3x3, {width}"
        declarations = [
            f"let {constant} = 4",
            f"shortcut {option} {{ same: identity; change: {self.label()}conv 1x1, out, /stride -> bn }}",
            f"block {unit}({width}) {{ residual {residual}; shortcut {self.label()}{option}; after relu }}",
            f"block {part}({kind}={constant}) {{ {self.row(kind)} }}",
            f"block {inner}({width}, {kind}=relu) = conv 1x1, {width} -> {kind}",
        ]
        steps = [
            f"{unit} {constant}",
            f"2 x {unit} 4",
            f"{part}",
            f"3 x {part} 4",
            f"{inner} 4",
            f"2 x {inner} {kind}=silu, {width}=4",
        ]
        lines = [f"network {network} {{", "input 2x4x4", f"stem {self.label()}conv 3x3, {constant}"]
        for label in (self.label() for _ in range(self.random.randint(1, 3))):
            chosen = self.random.sample(steps, 2)
            lines.append(
                f"stage {label or self.label(True)}{chosen[0]} -> {self.label(True)}{chosen[1]}"
            )
        lines += [f"head avgpool -> {self.label()}fc 3", "}"]
        return ["".join(self.remarked(declarations)), "".join(self.remarked(lines))]

    def row(self, width: str) -> str:
        first, merged = (
            self.random.choice(["bn", "gn 2", "relu", "identity"]),
            self.random.choice(["add", "mul"]),
        )
        inside = f"{merged} {{ identity | {self.label(True)}conv 1x1, in }}"
        last = self.random.choice([inside, f"{{ {inside} -> relu }}", "relu"])
        return f"{self.label()}conv 3x3, {width} -> {first} -> {last}"

    def label(self, always: bool = False) -> str:
        return f"{self.labels.pop()}: " if always or self.random.random() < 0.5 else ""

    def remarked(self, lines: Sequence[str]) -> list[str]:
        remarks = [
            f"  # {self.random.choice(PROSE)}" if self.random.random() < 0.5 else "" for _ in lines
        ]
        return [f"{line}{remark}\n" for line, remark in zip(lines, remarks, strict=True)]


def _drawn(words: Sequence[str], count: int, random: Random) -> list[str]:
    """Half of them what Python and the emitted code mean something by."""
    own = {*_OWN.split(), *keyword.kwlist, *dir(builtins)}
    ours = [word for word in words if word in own or word.startswith("__")]
    drawn = (random.choice(ours if random.random() < 0.5 else words) for _ in range(3 * count))
    return list(dict.fromkeys(drawn))[:count]
