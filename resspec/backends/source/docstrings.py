"""The docstrings of the emitted file: only shapes, counts and names of ours, and labels
without odd characters.
"""

from __future__ import annotations

import re

from resspec.backends.source.classes import EmittedClass
from resspec.backends.source.signature import Signature
from resspec.backends.source.syntax import formula_text
from resspec.ir.network import Network
from resspec.passes.measure import measure
from resspec.passes.schedule import MergeStatement

_MOST = 40  # sections, more of which are no overview
FUNCTION = '"""The network, untrained."""'


def of_file(network: Network, function: str, fingerprint: str | None) -> str:
    """Return the network at a glance, section by section."""
    assert fingerprint is None or re.fullmatch(r"[A-Za-z0-9]+", fingerprint), fingerprint
    rows = [("", "output", "parameters")]
    for section in network.sections if len(network.sections) <= _MOST else ():
        label = re.sub(r"[^A-Za-z0-9_.-]", "_", section.label.removesuffix(".."))
        rows.append((label, str(section.body.output), f"{measure(section.body).params:,}"))
    rows.append(("total", "", f"{measure(network).params:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        f"    {a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows
    ]
    origin = f"the spec with hash {fingerprint[:16]}" if fingerprint else "a spec"
    use = [f"    from {function} import {function}", f"    net = {function}()"]
    head = [f'"""{function}: {network.input} -> {network.output}', ""]
    return "\n".join(
        [*head, *table, "", f"Written by resspec from {origin}. To use it:", "", *use, '"""']
    )


def of_network(network: Network) -> str:
    totals = measure(network)
    return f"{totals.layers} layers with weights; {totals.macs:,} multiply-adds for one input."


def of_class(cls: EmittedClass, signature: Signature) -> str:
    """Return what kind of block it is, and its channels."""
    merges = [slot.statement for slot in cls.slots if isinstance(slot.statement, MergeStatement)]
    match merges[-1] if merges else None:
        case None:
            what = "A row of layers"
        case MergeStatement(kind="add", residual=residual):
            what = "A sum of paths" if residual is None else "A residual block"
        case MergeStatement(kind="mul"):
            what = "A gate"
        case _:
            what = "A concatenation of paths"
    if all(each.channels[0].value == each.channels[1].value for each in cls.bodies):
        return f"{what} that keeps its channels."
    x, y = map(formula_text, signature.channels)
    return f"{what} from {x} to {y}{'' if y.endswith('channels') else ' channels'}."
