"""Valid specs and recipes, damaged: bytes, words, lines, splices, truncations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

_FOLDER = Path(__file__).parents[1] / "specs"
SPECS = [path.read_bytes() for path in sorted(_FOLDER.rglob("*.res"))]
RECIPES = [path.read_bytes() for path in sorted(_FOLDER.rglob("*.yaml"))]
_WORD = re.compile(rb"[A-Za-z0-9_.]+:?|->|\S")
_ODD = [
    *(sign.encode() for sign in "\0 \r \u202e é × \uff11 \" # { } ( ) -> | / // - = .. : ; \n".split(" ")), b"\xff",
    *b"0 1e9 999999999999999999 x 3x3 in out none identity true".split(b" "),
]
_ODD_IN_YAML = [
    *_ODD,
    *b"&a *a !!python/object:x ? [ ] {} --- ... << .inf .nan 0x1F 1:30:00 2026-13-45 ~ ' \t %YAML".split(b" "),
]


def mutant(seed: int) -> bytes:
    return _mutant(Random(seed), SPECS, _ODD)


def recipe_mutant(seed: int) -> bytes:
    return _mutant(Random(seed), RECIPES, _ODD_IN_YAML)


def _mutant(random: Random, texts: Sequence[bytes], odd: Sequence[bytes]) -> bytes:
    text = random.choice(texts)
    for _ in range(random.choice([1, 1, 2, 5])):
        match random.randrange(7):
            case 0:
                text = _byte(text, random)
            case 1 | 2 | 3:
                text = _word(text, random, odd)
            case 4:
                text = _line(text, random)
            case 5:
                text = _splice(text, random, texts)
            case _:
                text = _cut(text, random)
    return text


def _byte(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text) + 1)
    return text[:at] + bytes([random.randrange(256)]) + text[at + random.randint(0, 1) :]


def _word(text: bytes, random: Random, odd: Sequence[bytes]) -> bytes:
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word, other = random.choice(words), random.choice(words)
    instead = random.choice([b"", other[0], random.choice(odd), word[0] + b" " + other[0], word[0] + random.choice(odd)])
    return text[: word.start()] + instead + text[word.end() :]


def _line(text: bytes, random: Random) -> bytes:
    lines = text.split(b"\n")
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    line = lines.pop(at) if random.random() < 0.7 else lines[at]
    lines[to:to] = [line] * random.choice([0, 1, 1, 2])
    return b"\n".join(lines)


def _splice(text: bytes, random: Random, texts: Sequence[bytes]) -> bytes:
    other = random.choice(texts)
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other)) :]


def _cut(text: bytes, random: Random) -> bytes:
    return text[: random.randrange(len(text) + 1)]
