"""Valid specs and recipes, damaged: trees, bytes, words, lines, splices, truncations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import NamedTuple

import yaml

from resspec.source import Source, Span
from resspec.syntax.parse import parse

_ROOT = Path(__file__).parents[1]
_WORD = re.compile(rb"[A-Za-z0-9_.]+:?|->|\S")
_ODD = [
    *(
        sign.encode()
        for sign in '\0 \r \u202e é × \uff11 " # { } ( ) -> | / // - = .. : ; \n'.split(" ")
    ),
    b"\xff",
    *b"0 1e9 999999999999999999 x 3x3 in out none identity true".split(b" "),
    *b"if else [ ] [1,2] > stages output sequential narrow: gn(groups=2) ..:".split(b" "),
]
_ODD_IN_YAML = [
    *_ODD,
    *b"&a *a !!python/object:x ? [ ] {} --- ... << .inf .nan 0x1F 1:30:00 2026-13-45 ~ ' \t %YAML".split(
        b" "
    ),
    *b"010 08 1_000 1:10 yes off null true .5 1. 1e3 1e-3 10% 128.0 '128' 5epochs 3/4 0,1 = sgd SGD adam cosine".split(
        b" "
    ),
    *b"lr: batch_size: epochs: momentum: optimizer: schedule: name: gamma: T_max: crop_pct: min_lr: warmup_ratio:".split(
        b" "
    ),
    *(sign.encode() for sign in "\ufeff \x85 \u2028 \uff11\uff12 \u0663 \r\n".split(" ")),
]


_JOINTS = (b" ", b"\n", b" -> ", b", ", b" | ", b"; ", b": ")


def mutant(seed: int) -> bytes:
    return _mutant(Random(seed), _specs(), _ODD)


def recipe_mutant(seed: int) -> bytes:
    return _mutant(Random(seed), _recipes(), _ODD_IN_YAML)


class _Tree(NamedTuple):
    """A subtree of a text: what it is, and which bytes."""

    kind: str
    start: int
    end: int


class _Text(NamedTuple):
    data: bytes
    trees: list[_Tree]


class _Texts(NamedTuple):
    """Small ones are drawn more often, since they take less time."""

    all: list[_Text]
    weights: list[float]

    def drawn(self, random: Random) -> _Text:
        return random.choices(self.all, cum_weights=self.weights)[0]


def _mutant(random: Random, texts: _Texts, odd: Sequence[bytes]) -> bytes:
    chosen = texts.drawn(random)
    is_tree = random.random() < 0.3
    text = _tree(chosen, random, texts) if is_tree else chosen.data
    for _ in range(random.choice([0, 0, 1] if is_tree else [1, 1, 2, 5])):
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


def _tree(text: _Text, random: Random, texts: _Texts) -> bytes:
    """Drop, double, swap or replace a subtree, mostly by one of its kind."""
    data, (kind, start, end) = text.data, random.choice(text.trees)
    source = text if random.random() < 0.5 else texts.drawn(random)
    alike = [each for each in source.trees if each.kind == kind]
    other = random.choice(alike if alike and random.random() < 0.8 else source.trees)
    match random.randrange(4):
        case 0:
            return data[:start] + data[end:]
        case 1:
            return data[:end] + random.choice(_JOINTS) + data[start:]
        case 2 if source is text and (end <= other.start or other.end <= start):
            (_, a, b), (_, c, d) = sorted(
                [_Tree("", start, end), other], key=lambda each: each.start
            )
            return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]
        case _:
            return data[:start] + source.data[other.start : other.end] + data[end:]


def _byte(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text) + 1)
    return text[:at] + bytes([random.randrange(256)]) + text[at + random.randint(0, 1) :]


def _word(text: bytes, random: Random, odd: Sequence[bytes]) -> bytes:
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word, other = random.choice(words), random.choice(words)
    instead = random.choice(
        [b"", other[0], random.choice(odd), word[0] + b" " + other[0], word[0] + random.choice(odd)]
    )
    return text[: word.start()] + instead + text[word.end() :]


def _line(text: bytes, random: Random) -> bytes:
    lines = text.split(b"\n")
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    line = lines.pop(at) if random.random() < 0.7 else lines[at]
    lines[to:to] = [line] * random.choice([0, 1, 1, 2])
    return b"\n".join(lines)


def _splice(text: bytes, random: Random, texts: _Texts) -> bytes:
    other = texts.drawn(random).data
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other)) :]


def _cut(text: bytes, random: Random) -> bytes:
    return text[: random.randrange(len(text) + 1)]


# --- what is damaged ---


@cache
def _specs() -> _Texts:
    paths = [*(_ROOT / "specs").rglob("*.res"), _ROOT / "tests" / "syntax" / "layouts.res"]
    return _texts(paths, lambda text: _spans(parse(Source("", text)).declarations))


@cache
def _recipes() -> _Texts:
    return _texts(
        (_ROOT / "specs" / "recipes").glob("*.yaml"),
        lambda text: _marks(yaml.compose(text, yaml.SafeLoader)),
    )


def _texts(paths: Iterable[Path], trees: Callable[[str], Iterator[_Tree]]) -> _Texts:
    texts = [path.read_text(encoding="utf-8") for path in sorted(paths)]
    found = [
        _Text(text.encode(), [_in_bytes(tree, text) for tree in trees(text)]) for text in texts
    ]
    return _Texts(found, list(accumulate(1 / (200 + len(each.data)) for each in found)))


def _in_bytes(tree: _Tree, text: str) -> _Tree:
    return tree._replace(start=len(text[: tree.start].encode()), end=len(text[: tree.end].encode()))


def _spans(node: object) -> Iterator[_Tree]:
    """Of each node of an AST that has one."""
    if isinstance(node, tuple | list):
        if isinstance(span := getattr(node, "span", None), Span):
            yield _Tree(type(node).__name__, span.start, span.end)
        for part in node:
            yield from _spans(part)


def _marks(node: yaml.Node | None) -> Iterator[_Tree]:
    assert node is not None
    yield _Tree(type(node).__name__, node.start_mark.index, node.end_mark.index)
    if isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _marks(part)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield _Tree("pair", key.start_mark.index, value.end_mark.index)
            yield from (*_marks(key), *_marks(value))
