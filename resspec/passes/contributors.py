"""The parts that a quantity is made of: the layers that have most of it; where it is no sum over
layers, what decides it.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest
from typing import NamedTuple

from resspec.ir.quantities import DTYPES, OPTIMIZERS
from resspec.passes.inference import Peak, inference_lower_bound
from resspec.passes.ledger import Trail, path
from resspec.passes.peak import inference_peak
from resspec.passes.quantities import Facts


class Contributor(NamedTuple):
    """`what`: `layer3.1..35.conv2` is the `conv2` of 35 blocks, all counted in `value`. `lines`:
    `file:line` of where it stands and, where that is another file than the network's, of where the
    network's own calls it.
    """

    what: str
    value: int
    lines: tuple[str, ...] = ()


def contributors(facts: Facts, quantity: str, most: int = 5) -> list[Contributor]:
    """Return the largest first. Of `layers` sections, of a training bound tensors and layers, of an
    inference peak where it stands.
    """
    match quantity:
        case "layers":
            parts = _sections(facts)
        case "training_bound_bytes":
            parts = _training(facts)
        case "inference_bound_bytes":
            parts = _place(facts, inference_lower_bound(facts.network))
        case "inference_peak_bytes":
            parts = _place(facts, inference_peak(facts.network))
        case _:
            parts = _layers(facts, quantity)
    return nlargest(most, (part for part in parts if part.value), key=lambda part: part.value)


def _sections(facts: Facts) -> Iterator[Contributor]:
    for section, figures in zip(facts.network.sections, facts.sections, strict=True):
        yield Contributor(section.label, figures["layers"], (_line(section.span),))


def _layers(facts: Facts, quantity: str) -> Iterator[Contributor]:
    file = _file(facts.network.span)
    for entry, figures in facts.entries:
        yield Contributor(path(entry.trail), figures[quantity], _lines(entry.trail, file))


def _training(facts: Facts) -> Iterator[Contributor]:
    optimizer, size = facts.at.optimizer, DTYPES[facts.at.dtype]
    learning = size * facts.total("trainable")
    yield Contributor("all parameters", size * facts.total("params"))
    yield Contributor("their gradients", learning)
    yield Contributor(f"the state of {optimizer}", OPTIMIZERS[optimizer] * learning)
    yield from _layers(facts, "saved_bytes")


def _place(facts: Facts, peak: Peak) -> Iterator[Contributor]:
    elements = facts.at.batch * peak.elements
    yield Contributor(
        peak.path, DTYPES[facts.at.dtype] * elements, (_line(peak.span),) if peak.span else ()
    )


def _lines(trail: Trail, file: str) -> tuple[str, ...]:
    node = trail[-1]
    caller = next((outer for outer in reversed(trail) if _file(outer.span) == file), node)
    return tuple(dict.fromkeys((_line(node.span), _line(caller.span))))


def _line(span: str) -> str:
    return ":".join(span.rsplit(":", 3)[:2])


def _file(span: str) -> str:
    return span.rsplit(":", 3)[0]
