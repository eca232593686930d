"""ONNX files of commands, and a sentence about how far onnxruntime is from torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resspec.commands.terminal import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resspec.backends.onnx import Off
    from resspec.compiler import Compiled


def exported(
    compiled: Compiled, start: Callable[[Any], Any] | None, metadata: Mapping[str, str]
) -> bytes:
    """Return a network as an ONNX file, after saying how far it is from torch. Raises SpecError,
    UsageError.
    """
    from resspec.compiler import to_onnx

    made = to_onnx(compiled, start, metadata)
    say(_agreement(made.off))
    return made.content


def _agreement(off: Off | None) -> str:
    if off is None:
        reason = "with these weights the outputs are not finite, or all zero"
        return f"the file was not compared with torch: {reason}"
    agreed = f"onnxruntime agrees with torch to {off.found:.0e} of the largest output"
    if off.pieces is None:
        return agreed
    amplified = "this network with these weights amplifies rounding that much"
    pieces = f"they agree to {off.pieces:.0e}"
    return (
        f"{agreed}: {amplified}; from each ReLU to the next, given what torch has there, {pieces}"
    )
