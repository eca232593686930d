"""From a module or a file to a spec, and a proof that both are the same network."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resspec.diagnostics import UsageError
from resspec.importing import names, reading
from resspec.importing.errors import Obstacle, gaps_in_words
from resspec.importing.gaps import partial
from resspec.importing.nest import network as nested
from resspec.importing.proof import Proof
from resspec.importing.sources import ImportSource
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Op
from resspec.ir.ops.layer import tensor_name
from resspec.ir.shape import Shape
from resspec.lowering.scope import BUILT_IN, RESERVED
from resspec.render import visible
from resspec.source import Source
from resspec.syntax.format import lay_out

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import.

    Attributes:
        dims: The sizes of a sample, instead of those it was made for: all of them, height and
            width, or one number for both.
        arguments: The arguments of the callable that makes the module, by name.
        part: The path of the submodule to import instead.
        flat: Whether each block is written out with its numbers.
        carries: Whether values on branches that cross are carried in one: see `carried.py`.
        init: The initialization, as written after `init`; it cannot be read from a module.
        verifies: Whether outputs and gradients are compared.
        partial: Whether placeholders may stand for what cannot be written as a spec.
    """

    dims: tuple[int, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    flat: bool = False
    carries: bool = False
    init: str = ""
    verifies: bool = True
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported network. It prints as its spec.

    Attributes:
        text: The spec.
        network: The network that it describes.
        proof: The result of its comparison with the source.
        notes: The changes that the exporter of a file made, a sentence each.
        gaps: What placeholders stand for, in lines.
    """

    text: str
    network: Network
    proof: Proof
    notes: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    @property
    def summary(self) -> str:
        """The import and its proof in one line."""
        blocks = sum(line.startswith("block ") for line in self.text.splitlines())
        lines = sum(bool(line.strip()) for line in self.text.splitlines())
        counted = f"{_count(blocks, 'block')}, {_count(lines, 'line')}"
        return f"imported {self.network.name}: {counted}; {self.proof}"


def import_source(source: ImportSource, options: ImportOptions) -> Imported:
    """Return the network of a source. This runs its code, unless it is a file.

    Raises:
        SpecError: The initialization has mistakes.
        UsageError: There is no such network, or it cannot be written as a spec.
    """
    if not source.runs_code:
        return _of_file(source, options)
    with _torch_installed(source.word), redirect_stdout(sys.stderr):  # a spec is on stdout
        return _of_python(source, options)


def _of_python(source: ImportSource, options: ImportOptions) -> Imported:
    from resspec.importing.record.modules import module_of

    def make() -> nn.Module:
        made = module_of(source.word, options.arguments, on_meta=False).module
        return made.get_submodule(options.part)

    found = module_of(source.word, options.arguments)
    shape = _shape(found.shape, options.dims)
    module, name = found.module, found.name
    if options.part:
        module, shape, name = _part(module, shape, options.part)
    return import_made(module, shape, name, make, options, source.word)


def _of_file(source: ImportSource, options: ImportOptions) -> Imported:
    """Return the network of a file, without computing anything."""
    from resspec.importing import onnx, pt2
    from resspec.importing.part import part

    if options.arguments:
        given = ", ".join(options.arguments)
        raise UsageError(f"{source.word} is a file, which takes no arguments: leave out {given}")
    if options.dims and source.kind == "pt2":
        raise UsageError(f"{source.word} was exported for one size: leave out the input")
    path = Path(source.word)
    shape = _shape(Shape((3, 1, 1)), options.dims) if options.dims else None
    if source.kind == "pt2":
        found = pt2.read(path, partial=options.partial)
    else:
        found = onnx.read(path, shape, partial=options.partial)
    graph, inside = found.graph, ""
    if options.part:
        graph, inside = part(found.graph, tuple(options.part.split("."))), f"{options.part}."
    text = _text(nested(graph, carries=options.carries), options, source.word, found.gaps)
    network = reading.network(text)
    theirs = {
        name.removeprefix(inside): tensor.dims
        for name, tensor in found.tensors.items()
        if name.startswith(inside)
    }
    ours = _tensors(network)
    for name in [name for name in ours if name.endswith(".num_batches_tracked")]:
        if name not in theirs:  # what a batch norm counts in training is in no ONNX file
            del ours[name]
    proof = Proof.of_shapes(theirs, ours, _prefixes(found.gaps))
    return Imported(text, network, proof, found.notes, tuple(gaps_in_words(found.gaps)))


def _tensors(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the sizes of all parameters and buffers by their names."""
    return {
        tensor_name(path, name): dims
        for path, step in walk.layers(walk.whole(network))
        if isinstance(step.node, Op)
        for name, dims in _tensors_of(step.node).items()
    }


def _tensors_of(op: Op) -> dict[str, tuple[int, ...]]:
    return {**op.layer.parameters(op.input), **op.layer.buffers(op.input)}


def import_object(module: nn.Module, options: ImportOptions) -> Imported:
    """Return the network of a module, which is left unchanged. Raises SpecError, UsageError."""
    from copy import deepcopy

    from resspec.importing.record.modules import channels_of

    def make() -> nn.Module:
        return deepcopy(module).to("cpu")

    name = type(module).__name__
    shape = _shape(Shape((channels_of(module), 1, 1)), options.dims)
    return import_made(deepcopy(module), shape, name, make, options, name)


def import_made(
    module: nn.Module,
    shape: Shape,
    name: str,
    make: Callable[[], nn.Module],
    options: ImportOptions,
    origin: str,
) -> Imported:
    """Return the network of a module, which is moved to the meta device.

    Args:
        module: The module.
        shape: The shape of a sample.
        name: The network's name, or that of a class.
        make: A function that returns the module, on the CPU, each time it is called.
        options: The options of the import.
        origin: The source to name in the text.
    """
    from resspec.importing.lift.lift import lift
    from resspec.importing.record.run import record
    from resspec.importing.verify import compare

    trace, called = record(module, shape), network_name(name)
    gaps: tuple[Obstacle, ...] = ()
    if options.partial:
        graph, gaps = partial(trace, called, carries=options.carries)
    else:
        graph = lift(trace, called)
    text = _text(nested(graph, carries=options.carries), options, origin, gaps)
    network = reading.network(text)
    theirs = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    proof = Proof.of_shapes(theirs, _tensors(network), _prefixes(gaps))
    if options.verifies and not gaps:
        proof = compare.verify(text, make, proof)
    return Imported(text, network, proof, gaps=tuple(gaps_in_words(gaps)))


def _prefixes(gaps: Sequence[Obstacle]) -> tuple[str, ...]:
    """Return what the names of tensors begin with that placeholders stand for."""
    return tuple(f"{'.'.join(each.path)}." for each in gaps if each.path)


def network_name(name: str) -> str:
    """Return the name of a model or class as a network of the language is called.

    Examples:
        >>> network_name("ResNetCIFAR"), network_name("resnet50.a1_in1k"), network_name("Input")
        ('res_net_cifar', 'resnet50_a1_in1k', 'input_net')
    """
    found = names.block(name) or "net"
    if found[0].isdigit():
        found = f"net_{found}"
    return f"{found}_net" if found in RESERVED | BUILT_IN else found


# --- from a graph to a text ---


def _text(
    network: Network, options: ImportOptions, origin: str, gaps: Sequence[Obstacle] = ()
) -> str:
    """Return the text of a network, with its source, its gaps and its initialization."""
    from resspec.backends.expand import expand
    from resspec.importing.fold import text

    written = expand(network) if options.flat else text(network)
    lines = [line for line in written.splitlines() if not line.startswith("#")]
    body = "\n".join(lines).strip().removesuffix("}")
    law = f"init {options.init}\n" if options.init else ""
    notes = [f"imported from {origin}", *gaps_in_words(gaps)]
    head = "\n".join(f"# {visible(line)}" for line in notes)
    return lay_out(Source(origin, f"{head}\n\n{body}{law}}}\n"))


# --- from a source to a module ---


def _shape(default: Shape, dims: tuple[int, ...]) -> Shape:
    match dims:
        case ():
            return default
        case (side,):
            return Shape((default.channels, side, side))
        case (height, width):
            return Shape((default.channels, height, width))
        case _:
            return Shape(dims)


def _part(module: nn.Module, shape: Shape, path: str) -> tuple[nn.Module, Shape, str]:
    """Return a submodule with the shape that enters it, and its name. Raises UsageError."""
    from resspec.importing.record.part import shape_of_part
    from resspec.suggest import did_you_mean

    known = [name for name, _ in module.named_modules()]
    if path not in known:
        raise UsageError(f"there is no submodule {path!r}{did_you_mean(path, known)}")
    name = path.rpartition(".")[2]
    class_name = type(module.get_submodule(path)).__name__
    found = shape_of_part(module, shape, path)
    return module.get_submodule(path), found, class_name if name.isdigit() else name


@contextmanager
def _torch_installed(word: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        install = "pip install 'resspec[torch]'"
        raise UsageError(f"{word} is imported with torch, which is missing: {install}") from None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
