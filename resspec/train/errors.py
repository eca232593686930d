"""E05: recipes and data. Each diagnostic's docstring is the page of its code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from resspec import shipped
from resspec.diagnostics import Diagnostic, Label
from resspec.ir.nodes import Network, Node, Scope, Series
from resspec.source import Source, Span
from resspec.train.data import Dataset


def misfits(network: Network, data: Dataset) -> Iterator[Diagnostic]:
    """What of a network does not fit the data: the images it reads, the classes it tells apart."""
    if network.input.dims != data.shape:
        yield wrong_images(_span(network.span), str(network.input), data)
    if network.output.dims != (len(data.classes),):
        yield wrong_classes(_span(_last(network.body).span), str(network.output), data)


def wrong_images(span: Span, reads: str, data: Dataset) -> Diagnostic:
    """E0501: the network reads images of another size, or with other channels, than the data has."""
    found = "x".join(map(str, data.shape))
    return Diagnostic("E0501", f"the images of `{data.name}` are {found}, the network reads {reads}",
                      (Label(span, f"reads {reads}"),), f"`input {found}`")


def wrong_classes(span: Span, leaves: str, data: Dataset) -> Diagnostic:
    """E0502: the network does not end with one number for each class of the data."""
    return Diagnostic("E0502", f"`{data.name}` has {len(data.classes)} classes, the network leaves {leaves}",
                      (Label(span, f"leaves {leaves}"),), f"`fc {len(data.classes)}`")


def _last(node: Node) -> Node:
    match node:
        case Series(children=(*_, last)):
            return _last(last)
        case Scope(body=body):
            return _last(body)
        case _:
            return node


def _span(place: str) -> Span:
    """The place that the IR keeps as text, in its file; the start of an empty text where that is gone."""
    found = re.fullmatch(r"(.*):(\d+):(\d+)-(\d+):(\d+)", place)
    name, *numbers = found.groups() if found else (place,)
    path = next((p for p in (Path(name), shipped.path(*Path(name).parts)) if p.is_file()), None)
    source = Source(name, path.read_text(encoding="utf-8-sig") if path else "")
    if path is None or not numbers:
        return Span(source, 0, 0)
    first, left, last, right = map(int, numbers)
    starts = [0, *(i + 1 for i, char in enumerate(source.text) if char == "\n")]
    return Span(source, starts[first - 1] + left - 1, starts[last - 1] + right - 1)
