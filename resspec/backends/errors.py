"""E04: what a backend cannot write. Each diagnostic's docstring is the page of its code."""

from __future__ import annotations

from resspec.diagnostics import Diagnostic, UsageError
from resspec.ir.document import DocumentError
from resspec.ir.network import Network
from resspec.passes.placeholders import placeholder_paths
from resspec.source import Label, Span
from resspec.suggest import joined

MOST_NAMED = 4  # placeholders in a message


def no_operator(span: Span, kind: str, flow: str) -> Diagnostic:
    """E0401: ONNX has no operator for this layer."""
    return Diagnostic(
        "E0401",
        f"ONNX has no operator for this `{kind}`",
        (Label(span, flow),),
        "use another layer here; a PyTorch file can have this one",
    )


def damaged_document(span: Span, error: DocumentError) -> Diagnostic:
    """E0402: a saved report or IR that is damaged, or that is not one."""
    path = ".".join(map(str, error.path))
    labels = (Label(span, f"at `{path}`" if path else ""),)
    return Diagnostic(
        "E0402",
        f"this is not a {error.schema} document: {error.what}",
        labels,
        "save it again with `resspec compile`",
    )


def need_no_placeholder(network: Network) -> None:
    """E0403: a placeholder, of which only the shape of its output is known. Raises UsageError."""
    paths = placeholder_paths(network)
    if not paths:
        return
    named = [f"`{path}`" for path in paths[:MOST_NAMED]]
    others = len(paths) - len(named)
    listed = joined([*named, f"{others} more"] if others else named)
    are = "are placeholders" if len(paths) > 1 else "is a placeholder"
    raise UsageError(
        f"{network.name} cannot be run: {listed} {are}; write the layers there first", "E0403"
    )
