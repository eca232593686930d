"""Valid specs, damaged: bytes, words, lines, splices, truncations."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

SPECS = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "specs").rglob("*.res"))]
_WORD = re.compile(rb"[A-Za-z0-9_.]+:?|->|\S")
_ODD = [
    *(sign.encode() for sign in "\0 \r \u202e é × \uff11 \" # { } ( ) -> | / // - = .. : ; \n".split(" ")), b"\xff",
    *b"0 1e9 999999999999999999 x 3x3 in out none identity true".split(b" "),
]


def mutant(seed: int) -> bytes:
    random = Random(seed)
    text = random.choice(SPECS)
    for _ in range(random.choice([1, 1, 2, 5])):
        text = random.choice([_byte, _word, _word, _word, _line, _splice, _cut])(text, random)
    return text


def _byte(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text) + 1)
    return text[:at] + bytes([random.randrange(256)]) + text[at + random.randint(0, 1) :]


def _word(text: bytes, random: Random) -> bytes:
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word, other = random.choice(words), random.choice(words)
    instead = random.choice([b"", other[0], random.choice(_ODD), word[0] + b" " + other[0], word[0] + random.choice(_ODD)])
    return text[: word.start()] + instead + text[word.end() :]


def _line(text: bytes, random: Random) -> bytes:
    lines = text.split(b"\n")
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    line = lines.pop(at) if random.random() < 0.7 else lines[at]
    lines[to:to] = [line] * random.choice([0, 1, 1, 2])
    return b"\n".join(lines)


def _splice(text: bytes, random: Random) -> bytes:
    other = random.choice(SPECS)
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other)) :]


def _cut(text: bytes, random: Random) -> bytes:
    return text[: random.randrange(len(text) + 1)]
