"""A network from a file: its graph, its tensors, and notes about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resspec.importing.errors import Obstacle
from resspec.importing.files.errors import unreadable
from resspec.importing.files.tensors import StoredTensor
from resspec.importing.gaps import partial as with_placeholders
from resspec.importing.graph import Graph, entering
from resspec.importing.lift.lift import lift
from resspec.importing.trace import Trace
from resspec.ir.ops.layer import Layer, tensor_name


@dataclass(frozen=True, slots=True)
class FileNetwork:
    """A network from a file.

    Attributes:
        graph: The network.
        tensors: Its parameters and buffers by their names in the network.
        notes: The changes that the file's exporter made, a sentence each.
        gaps: What placeholders stand for.
    """

    graph: Graph
    tensors: Mapping[str, StoredTensor]
    notes: tuple[str, ...] = ()
    gaps: tuple[Obstacle, ...] = ()


def lifted(
    path: Path,
    trace: Trace,
    tensors: Mapping[str, StoredTensor],
    notes: Sequence[str] = (),
    *,
    partial: bool = False,
) -> FileNetwork:
    """Return the network that the calls in a file make up. Raises UsageError."""
    gaps: tuple[Obstacle, ...] = ()
    try:
        if partial:
            graph, gaps = with_placeholders(trace, _name(path))
        else:
            graph = lift(trace, _name(path))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise unreadable(path, f"its operations are inconsistent ({error})") from None
    names = tensor_dims(graph)
    used = {name: tensor for name, tensor in tensors.items() if name in names}
    kept = used if not gaps else dict(tensors)
    return FileNetwork(graph, kept, tuple(notes), gaps)


def tensor_dims(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Return the sizes of all parameters and buffers by their names."""
    found: dict[str, tuple[int, ...]] = {}
    for i, step in enumerate(graph.steps):
        if isinstance(step.does, Layer):
            x = entering(graph, i)
            own = ".".join(step.path)
            tensors = step.does.parameters(x) | step.does.buffers(x)
            found |= {tensor_name(own, name): dims for name, dims in tensors.items()}
    return found


def _name(path: Path) -> str:
    """Return a name of the language for a file."""
    name = re.sub("[^a-z0-9]+", "_", path.stem.lower()).strip("_")
    return name if name and not name[0].isdigit() else f"net_{name}".strip("_")
