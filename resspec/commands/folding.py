"""`resspec compile --fold`: the files of a folded network, and a summary of the folding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from resspec.commands.exporting import exported
from resspec.commands.installed import onnx_installed, torch_installed
from resspec.commands.terminal import note, say
from resspec.suggest import joined

if TYPE_CHECKING:
    from resspec.compiler import Compiled
    from resspec.passes.folded import Folding

Contents = dict[str, bytes]  # of files, by their suffixes
MOST_NAMED = 3


def folded(compiled: Compiled) -> tuple[Compiled, Folding]:
    """Return a compiled network folded, and what was folded."""
    from resspec.backends.report import report
    from resspec.passes.folding import fold

    folding = fold(compiled.network)
    after = compiled._replace(network=folding.network, report=report(folding.network))
    return after, folding


def made(compiled: Compiled, path: Path | None, target: str) -> tuple[Compiled, Contents]:
    """Return a folded network, and its files: source, ONNX or weights, and where these come from.

    Args:
        compiled: The network before.
        path: Its weights.
        target: What to compile to: `pytorch` or `onnx`.

    Raises:
        SpecError: ONNX has no operator for a layer.
        UsageError: The weights do not fit, or a package is not installed.
    """
    from resspec.backends.folding import to_json
    from resspec.backends.source import emit

    after, folding = folded(compiled)
    _describe(folding)
    contents: Contents = {}
    if target == "onnx":
        with onnx_installed():
            tensors, described = _weights(compiled, folding, path)
            load = lambda module: module.load_state_dict(tensors)  # noqa: E731
            contents[".onnx"] = exported(after, load, described)
    else:
        contents[".py"] = emit(after.network, after.report.hash).encode()
        if path:
            with torch_installed("compile --fold --weights"):
                contents[".safetensors"] = _stored(*_weights(compiled, folding, path))
    contents[".folding.json"] = to_json(folding).encode()
    return after, contents


def _describe(folding: Folding) -> None:
    """Print how much was folded, and which batch norms are left."""
    if folding.removed:
        layers = "1 layer is" if folding.removed == 1 else f"{folding.removed:,} layers are"
        say(f"{layers} folded into others")
    else:
        say("no layer can be folded into another")
    if left := folding.left:
        first = left[:MOST_NAMED]
        named = ", ".join([*first, "…"]) if len(left) > MOST_NAMED else joined(first)
        norms = "1 batch norm is" if len(left) == 1 else f"{len(left):,} batch norms are"
        them = "it" if len(left) == 1 else "them"
        note(f"{norms} left, since no layer can absorb {them}: {named}")


def _weights(
    compiled: Compiled, folding: Folding, path: Path | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the folded weights of a file, or of initial values, with their metadata.

    It prints how much the outputs differ from those of the original network.
    """
    from resspec.backends.module import build
    from resspec.training import weights
    from resspec.training.weights import metadata
    from resspec.training.weights.folding import difference, fold_weights

    read = weights.read(path) if path else None
    module = build(compiled.network)
    if read:
        read.telling(note)(module)
    tensors = module.state_dict()
    off = difference(compiled.network, folding, tensors)
    say(f"in float32, the outputs differ by {off:.0e} of the largest output")
    described = metadata.folded(folding.network, read.metadata if read else {})
    return fold_weights(folding, tensors), described


def _stored(tensors: dict[str, Any], described: dict[str, str]) -> bytes:
    from safetensors.torch import save

    from resspec.training.weights.header import with_metadata

    return with_metadata(save(tensors), described)
