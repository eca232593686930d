"""E05: recipes and data. Each diagnostic's docstring is the page of its code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from resspec import shipped
from resspec.diagnostics import Diagnostic
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Scope, Series
from resspec.source import Label, Source, Span
from resspec.suggest import listed
from resspec.training.data import Dataset


def other_classes(network: Network, data: Dataset) -> Iterator[Diagnostic]:
    """Yield a diagnostic if a network does not output one score for each class."""
    if network.outputs:
        yield several_outputs(place(network.span), network.name, network.outputs)
    elif network.output.dims != (len(data.classes),):
        yield wrong_classes(
            place(_last(walk.whole(network)).span),
            str(network.output),
            data.name,
            len(data.classes),
        )


def several_outputs(span: Span, network: str, outputs: Sequence[str]) -> Diagnostic:
    """Return an E0502 about a network that returns a dict of outputs."""
    return Diagnostic(
        "E0502",
        f"`{network}` returns the outputs {listed(outputs)}, but training needs only class scores",
        (Label(span, "has an `output` clause"),),
        "leave out `output`",
    )


def wrong_images(span: Span, reads: str, data: str, shown: str, instead: str = "") -> Diagnostic:
    """E0501: the recipe gives images another size or other channels than the network reads."""
    return Diagnostic(
        "E0501",
        f"the images of `{data}` are {shown}, the network reads {reads}",
        (Label(span, f"reads {reads}"),),
        f"`input {shown}`{instead}",
    )


def wrong_classes(span: Span, leaves: str, data: str, classes: int) -> Diagnostic:
    """E0502: the network does not output one score for each class of the data."""
    count = f"{classes} classes" if classes > 1 else "one class"
    return Diagnostic(
        "E0502",
        f"`{data}` has {count}, but the network outputs {leaves}",
        (Label(span, f"outputs {leaves}"),),
        f"`fc {classes}`" if classes > 1 else "add images of the other classes",
    )


def not_yaml(span: Span, why: str, help: str | None = None) -> Diagnostic:
    """E0503: the recipe is not YAML."""
    return Diagnostic("E0503", why, (Label(span),), help)


def key_twice(span: Span, first: Span, word: str) -> Diagnostic:
    """E0504: a section of the recipe has the same key twice; YAML would silently take the last."""
    return Diagnostic(
        "E0504",
        f"`{word}` is given twice",
        (Label(span), Label(first, "first here")),
        f"keep one `{word}`",
    )


def unknown_key(span: Span, word: str, owner: str, help: str) -> Diagnostic:
    """E0505: unknown key in a recipe."""
    return Diagnostic("E0505", f"{owner} has no key `{word}`", (Label(span),), help)


def missing_key(span: Span, owner: str, word: str, help: str) -> Diagnostic:
    """E0506: a required key is missing from the recipe."""
    return Diagnostic("E0506", f"{owner} needs `{word}`", (Label(span),), help)


def wrong_value(span: Span, why: str, help: str | None = None) -> Diagnostic:
    """E0507: a key of the recipe cannot have this value, or not together with another key's."""
    return Diagnostic("E0507", why, (Label(span),), help)


def unknown_kind(span: Span, section: str, word: str, help: str) -> Diagnostic:
    """E0508: unknown optimizer or schedule."""
    return Diagnostic("E0508", f"there is no {section} `{word}`", (Label(span),), help)


def beyond_recipes(span: Span, what: str, help: str) -> Diagnostic:
    """E0518: the recipe uses a feature of YAML that recipes do not support."""
    return Diagnostic("E0518", f"{what} is not allowed in a recipe", (Label(span),), help)


def foreign_key(span: Span, word: str, owner: str, why: str, help: str) -> Diagnostic:
    """E0540: the recipe has a key of another trainer, or one of its own in another section."""
    return Diagnostic("E0540", f"{owner} has no key `{word}`: {why}", (Label(span),), help)


def ambiguous_value(span: Span, why: str, help: str) -> Diagnostic:
    """E0541: YAML parsers do not agree on what this value is."""
    return Diagnostic("E0541", why, (Label(span),), help)


def _last(located: Located) -> Located:
    while isinstance(located.node, Series | Scope) and located.parts:
        located = located.parts[-1]
    return located


def place(text: str) -> Span:
    """Return the place that the IR keeps as text, in its file.

    Where the file is gone, or was changed meanwhile and is shorter, it is the start of its text.
    """
    found = re.fullmatch(r"(.*):(\d+):(\d+)-(\d+):(\d+)", text)
    name, *numbers = found.groups() if found else (text,)
    path = next((p for p in (Path(name), shipped.path(*Path(name).parts)) if p.is_file()), None)
    source = Source(name, path.read_text(encoding="utf-8-sig", errors="replace") if path else "")
    if path is None or not numbers:
        return Span(source, 0, 0)
    first, left, last, right = map(int, numbers)
    starts = [0, *(i + 1 for i, char in enumerate(source.text) if char == "\n")]
    if last > len(starts):  # the file was changed meanwhile
        return Span(source, 0, 0)
    return Span(source, starts[first - 1] + left - 1, starts[last - 1] + right - 1)
