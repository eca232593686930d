"""Exported programs of `torch.export.save`, `.pt2`, read without torch: nothing in them is run."""

from __future__ import annotations

from pathlib import Path

from resspec.importing.files.errors import Malformed, unreadable
from resspec.importing.files.network import FileNetwork, lifted
from resspec.importing.graph import Graph
from resspec.importing.pt2.archive import Archive
from resspec.importing.pt2.program import program_of
from resspec.importing.pt2.traced import trace_of
from resspec.importing.pt2.weights import tensors_of


def graph_of(path: Path) -> Graph:
    """Return the graph of an exported program. Raises UsageError."""
    return read(path).graph


def read(path: Path, *, partial: bool = False) -> FileNetwork:
    """Return an exported program: its graph, and its tensors.

    Args:
        path: The file.
        partial: Whether placeholders may stand for operations that have no layer.

    Raises:
        UsageError: It is no exported program, it holds pickled tensors, or some of its operations
            have no layer.
    """
    archive = Archive(path)
    tensors = tensors_of(archive)
    try:
        trace = trace_of(program_of(archive.json(archive.model)), tensors)
    except Malformed as error:
        raise unreadable(path, str(error)) from None
    return lifted(path, trace, tensors, partial=partial)
