"""Specs rewritten at random places: operands swapped, steps moved into scopes and out of them,
repeats written out. A rewritten spec may mean the same network, another one, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from resspec.source import Source, Span
from resspec.syntax import ast
from resspec.syntax.parse import parse

PLAIN = frozenset("relu relu6 silu gelu sigmoid softmax maxpool avgpool dropout identity".split())


class Rewriting(NamedTuple):
    kind: str
    span: Span
    text: str


def rewritten(text: str, random: Random, times: int) -> tuple[str, list[str]]:
    """The spec after so many rewritings, and their kinds."""
    kinds = []
    for _ in range(times):
        by_kind: dict[str, list[Rewriting]] = {}
        for each in rewritings(text):
            by_kind.setdefault(each.kind, []).append(each)
        if not by_kind:
            break
        chosen = random.choice(by_kind[random.choice(sorted(by_kind))])
        start, end = chosen.span.start, chosen.span.end
        text = text[:start] + chosen.text + text[end:]
        kinds.append(chosen.kind)
    return text, kinds


def rewritings(text: str) -> Iterator[Rewriting]:
    for number, node in enumerate(_nodes(parse(Source("n.res", text)).declarations)):
        match node:
            case ast.MergeCall(name=name, paths=[one, other]) if name.text in ("add", "mul"):
                swapped = f"{name.text} {{ {other.span.text} | {one.span.text} }}"
                yield Rewriting("swap", node.span, swapped)
            case ast.Chain(steps=steps):
                yield from _moves(steps, number)


def _moves(steps: list[ast.ChainStep], number: int) -> Iterator[Rewriting]:
    for i, step in enumerate(steps):
        match step.item:
            case ast.Group(chain=ast.Chain(steps=[ast.ChainStep(item=ast.MergeCall() as merge)])):
                if step.label:
                    paths = " | ".join(_in(step, path.span.text) for path in merge.paths)
                    text = f"{merge.name.text} {{ {paths} }}"
                    yield Rewriting("scope into a merge", step.span, text)
            case ast.Group(chain=ast.Chain(steps=[first, *_, last])) if step.label:
                inside = step.item.chain.span
                before = inside.source.text[inside.start : last.span.start].rstrip(" \n->")
                after = inside.source.text[first.span.end : inside.end].lstrip(" \n->")
                if _is_plain(last):
                    text = f"{_in(step, before)} -> {last.span.text}"
                    yield Rewriting("out at the end", step.span, text)
                if _is_plain(first):
                    text = f"{first.span.text} -> {_in(step, after)}"
                    yield Rewriting("out at the start", step.span, text)
            case ast.RepeatedStep(turns=ast.Number(value=turns)) if turns in (2, 3):
                if step.label is None:
                    text = " -> ".join([step.item.step.span.text] * int(turns))
                    yield Rewriting("written out", step.span, text)
            case ast.LayerCall() if _is_plain(step):
                yield Rewriting("wrapped", step.span, f"w{number}x{i}: {{ {step.span.text} }}")
        following = steps[i + 1] if i + 1 < len(steps) else None
        if isinstance(step.item, ast.Group) and step.label and following and _is_plain(following):
            text = _in(step, f"{step.item.chain.span.text} -> {following.span.text}")
            yield Rewriting("in at the end", step.span.to(following.span), text)


def _in(step: ast.ChainStep, text: str) -> str:
    assert step.label
    return f"{step.label.span.text}: {{ {text} }}"


def _is_plain(step: ast.ChainStep) -> bool:
    return (
        step.label is None and isinstance(step.item, ast.LayerCall) and step.item.name.text in PLAIN
    )


def _nodes(node: Any) -> Iterator[Any]:
    if isinstance(node, list | tuple) and not isinstance(node, Span):
        yield node
        for part in node:
            yield from _nodes(part)


def nested(random: Random) -> str:
    """A spec of labeled chains in merges and repeats, whose values all have one shape."""
    return f"network n {{ input 4x5x5; stem {_chain(random, 3)}; head {_chain(random, 3)} }}"


def _chain(random: Random, depth: int) -> str:
    return " -> ".join(_step(random, depth) for _ in range(random.randint(1, 4)))


def _step(random: Random, depth: int) -> str:
    form = random.choice(["layer", "layer", "tensors", "scope", "merge", "repeat", "turns"])
    if depth == 0 or form == "layer":
        return random.choice(["relu", "gelu", "dropout 0.5", "identity", "avgpool 3x3, padding=1"])
    if form == "tensors":
        return random.choice(["conv 1x1, 4", "bn", "conv 3x3, 4"])
    inside = _chain(random, depth - 1)
    label = f"{random.choice('abc')}{random.randint(0, 3)}"
    match form:
        case "scope":
            return f"{label}: {{ {inside} }}"
        case "merge":
            word = random.choice(["add", "add", "mul", "concat"])
            merge = f"{word} {{ {inside} | {_chain(random, depth - 1)} }}"
            return f"{merge} -> slice 0, 4" if word == "concat" else merge
        case "repeat":
            return f"{random.randint(1, 3)} x {{ {inside} }}"
        case _:
            return f"{label}..: {random.randint(1, 3)} x {{ {inside} }}"
