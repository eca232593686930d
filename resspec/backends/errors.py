"""E04: what a backend cannot write. Each diagnostic's docstring is the page of its code."""

from __future__ import annotations

from resspec.diagnostics import Diagnostic
from resspec.ir.document import DocumentError
from resspec.source import Label, Span


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
