"""E04: what a backend cannot write. Each diagnostic's docstring is the page of its code."""

from __future__ import annotations

from resspec.diagnostics import Diagnostic, Label
from resspec.source import Span


def no_operator(span: Span, kind: str, flow: str) -> Diagnostic:
    """E0401: ONNX has no operator for this layer."""
    return Diagnostic("E0401", f"ONNX has no operator for this `{kind}`", (Label(span, flow),),
                      "another layer here; the PyTorch file can have it")
