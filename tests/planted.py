"""Valid specs with mistakes whose codes and places are known: `planted(seed)`.

A clause has at most one mistake, where no other hides it. Behind a clause whose shape is unknown,
nobody can say whether shapes fit: a mistake of shapes has only sound clauses before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from resspec.ir.init import LAWS
from resspec.lowering.scope import BUILT_IN, RESERVED
from resspec.source import Source, Span
from resspec.syntax import ast
from resspec.syntax.parse import parse
from tests.planted_edits import Edit, Place, misfit, random_edit
from tests.random_specs import random_spec

_TEXTS = [
    path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[1] / "specs").rglob("*.res"))
]
SHIPPED = [text for text in _TEXTS if 'use "' not in text]


class Plant(NamedTuple):
    """A mistake at a range of the planted text, and in `meant` the word that was there."""

    kind: str
    codes: tuple[str, ...]
    start: int
    end: int
    meant: str | None = None


def planted(seed: int, amount: int | None = None) -> tuple[str, list[Plant]]:
    """A text with 2 to 8 mistakes, or as many as are asked for where they find room."""
    random = Random(seed)
    text = sound(random)
    return applied(text, edits(text, random, amount or random.randint(2, 8)))


def sound(random: Random) -> str:
    """A valid spec, some with more networks of the same clauses."""
    if random.random() < 0.3:
        return random.choice(SHIPPED)
    text = random_spec(random.randrange(10**9))
    network = text[text.index("network n {") :]
    stages = re.findall(r"stage ([\w.\-]*\w):", network)
    if stages and random.random() < 0.3:
        names = " ".join(name for name in dict.fromkeys(stages) if random.random() < 0.7)
        network = network.replace("    head", f"    output {names or stages[0]}\n    head")
        text = text[: text.index("network n {")] + network
    if stages and random.random() < 0.3:
        text += f"network derived = n {{ stage {stages[-1]}: identity; head avgpool -> fc 3 }}\n"
    others = ("second", "third")[: random.randrange(3)]
    return text + "".join(network.replace("network n {", f"network {name} {{") for name in others)


def applied(text: str, found: list[Edit]) -> tuple[str, list[Plant]]:
    parts, plants, end, shift = [], list[Plant](), 0, 0
    for edit in sorted(found, key=lambda each: each.start):
        parts += [text[end : edit.start], edit.new]
        at = edit.start + shift
        plants.append(
            Plant(edit.kind, edit.codes, at + edit.shown[0], at + edit.shown[1], edit.meant)
        )
        end, shift = edit.end, shift + len(edit.new) - (edit.end - edit.start)
    return "".join([*parts, text[end:]]), plants


def edits(text: str, random: Random, amount: int) -> list[Edit]:
    file = parse(Source("planted.res", text))
    places = list(_places(file))
    found, taken = list[Edit](), set[Span]()
    networks = [each for each in file.declarations if isinstance(each, ast.NetworkDecl)]
    for owner in (
        each for each in networks if all(parameter.default for parameter in each.parameters)
    ):
        sections = [
            each
            for each in places
            if each.owner is owner and isinstance(each.node, ast.Stage | ast.ChainClause)
        ]
        sections = [
            each
            for each in sections
            if isinstance(each.node, ast.Stage) or each.node.kind == "stem"
        ]
        if sections and len(found) < amount and random.random() < 0.6:
            at = random.randrange(len(sections))
            found.append(misfit(sections[at].node.chain, random))
            taken |= _before(owner, sections[: at + 1], places)
    random.shuffle(places)
    known = known_words() | {*_words(file)}
    outputs = [each for each in places if isinstance(each.node, ast.OutputClause)]
    if outputs and random.random() < 0.3:  # nobody knows what is wrong in them beside a mistake
        return list(filter(None, [random_edit(outputs[0], known, random)]))
    places = [each for each in places if each not in outputs]
    for place in places:
        if (
            len(found) < amount
            and place.span not in taken
            and (edit := random_edit(place, known, random))
        ):
            found.append(edit)
    return found


def known_words() -> set[str]:
    """The words of the language, of its layers and laws."""
    return {*BUILT_IN, *RESERVED, *LAWS, "default"}


def misbraced(seed: int) -> tuple[str, set[int]]:
    """Return a text with a brace missing or extra, and the lines that one would point at.

    These are the line of the change, and that of the brace that it belonged to.
    """
    random = Random(seed)
    text = sound(random)
    braces = [found for found in re.finditer(r'"[^"\n]*"|#[^\n]*|([{}])', text) if found[1]]
    if random.random() < 0.5:
        at = random.choice(braces).start()
        return text[:at] + text[at + 1 :], {_line(text, at), _line(text, _partner(braces, at))}
    gaps = [
        found.end()
        for found in re.finditer(r'"[^"\n]*"|#[^\n]*|([A-Za-z0-9_{}|>)])(?=[ \n])', text)
        if found[1]
    ]
    at = random.choice(gaps)
    return f"{text[:at]} {random.choice('{}')}{text[at:]}", {_line(text, at)}


def _partner(braces: list[re.Match[str]], at: int) -> int:
    stack = list[int]()
    for brace in braces:
        if brace[1] == "{":
            stack.append(brace.start())
        elif at in (opening := stack.pop(), brace.start()):
            return opening if at == brace.start() else brace.start()
    raise ValueError(at)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


# --- where ---


def _places(file: ast.SpecFile) -> Iterator[Place]:
    for declared in file.declarations:
        match declared:
            case ast.Derived():
                yield Place(declared, declared, declared.span)
            case ast.Block(is_module=True, clauses=clauses) | ast.NetworkDecl(clauses=clauses) if (
                clauses
            ):
                yield from (Place(clause, declared, clause.span) for clause in clauses)
            case ast.Block() | ast.Let() | ast.Option() | ast.UseDecl():
                yield Place(declared, declared, declared.span)


def _before(owner: ast.NetworkDecl, sections: list[Place], places: list[Place]) -> set[Span]:
    """What has to be sound for the shape behind these sections to be known."""
    names = {name for each in sections for name in _words(each.node)}
    while True:
        more = {
            name
            for each in places
            if isinstance(each.owner, ast.Block) and each.owner.name.text in names
            for name in _words(each.owner)
        } - names
        if not more:
            break
        names |= more
    is_needed = [
        each.span
        for each in places
        if (
            each.owner is owner
            and not isinstance(each.node, ast.Stage | ast.ChainClause | ast.InitClause | ast.Expect)
        )
        or (isinstance(each.owner, ast.Block) and each.owner.name.text in names)
        or isinstance(each.owner, ast.Let | ast.Option | ast.UseDecl)
    ]
    return {*is_needed, *(each.span for each in sections)}


def _words(node: Any) -> Iterator[str]:
    """Every name in a part of the AST."""
    if isinstance(node, ast.Identifier):
        yield node.text
    elif isinstance(node, list) or (hasattr(node, "_fields") and not isinstance(node, Span)):
        for each in node:
            yield from _words(each)
