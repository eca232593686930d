"""The IR as an ONNX file: torch.onnx exports the built module, and the file is checked."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.backends.onnx_pools import without_ceil
from resspec.diagnostics import InternalError, ResspecError, UsageError
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Op
from resspec.passes.quantities import Facts
from resspec.units import size_of

OPSET = 20
MOST = 1 << 31  # bytes of a protocol buffer
TOLERANCE = 1e-4  # of the largest output


class Off(NamedTuple):
    """The distance of onnxruntime's outputs from torch's, as a share of the largest output.

    Attributes:
        found: The distance of the whole network.
        pieces: Where that is over the tolerance, the largest distance of the file's pieces, each of
            which begins with torch's own values.
    """

    found: float
    pieces: float | None = None


class OnnxExport(NamedTuple):
    """An ONNX file.

    Attributes:
        content: Its bytes.
        off: Its distance from torch; None where the outputs of these weights are not finite.
    """

    content: bytes
    off: Off | None


class Inexpressible(ResspecError):
    """An error: ONNX has no operator for these layers, which are given with their places."""

    def __init__(self, ops: list[tuple[Op, str]]) -> None:
        super().__init__(", ".join(op.kind for op, _ in ops))
        self.ops = ops


def to_onnx(
    network: Network,
    start: Callable[[nn.Module], None] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> OnnxExport:
    """Export a network for evaluation: batch norm with its running statistics, no dropout.

    The model turns `images`, NxCxHxW, into `logits`, or into the network's outputs by their names;
    N may be any number.

    Args:
        network: What to export.
        start: Puts weights into the module.
        metadata: Texts by name that the file says of itself, as its `metadata_props`.

    Raises:
        Inexpressible: There is no operator for some of its layers.
        UsageError: The file would be too large.
        InternalError: It is not what torch computes.
    """
    import onnx

    facts = Facts(network)
    size = 4 * (facts.total("params") + facts.total("buffers"))
    if size >= MOST:
        taken = f"the weights of {network.name} take {size_of(size)}"
        raise UsageError(f"{taken}; an ONNX file can hold {size_of(MOST)}")
    module = build(network)
    if start:
        start(module)
    module.eval()
    names = list(network.outputs) or ["logits"]
    module = _Listed(module) if network.outputs else module
    images = torch.randn(2, *network.input.dims, generator=torch.Generator().manual_seed(0))
    content = _exported(module, images, names)
    if content is None:
        found = list(_inexpressible(network))
        if not found:
            whole = f"torch.onnx cannot export {network.name} as a whole"
            raise InternalError(f"{whole}, although it exports each of its layers")
        raise Inexpressible(found)
    content = _described(content, metadata or {})
    onnx.checker.check_model(content, full_check=True)
    return OnnxExport(content, _off(content, module, images))


def _described(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return an ONNX file with metadata."""
    import onnx

    model = onnx.load_from_string(content)
    onnx.helper.set_model_props(model, dict(metadata))
    described: bytes = model.SerializeToString()
    return described


class _Listed(nn.Module):
    """The values of a network's outputs in their order, without their names."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.module(images).values())


def _exported(
    module: nn.Module, images: Tensor, names: Sequence[str] = ("logits",)
) -> bytes | None:
    """Return an ONNX file; None where torch.onnx has no operator for something."""
    with _quiet():
        try:
            program = torch.onnx.export(
                module,
                (images,),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=["images"],
                output_names=list(names),
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            )
        except torch.onnx.OnnxExporterError:
            return None
    assert program is not None
    model = program.model_proto
    without_ceil(model)
    content: bytes = model.SerializeToString()
    return content


def _inexpressible(network: Network) -> Iterator[tuple[Op, str]]:
    """Yield layers that torch.onnx does not export even alone; of equal ones the first."""
    seen = set()
    for located in walk.distinct(walk.whole(network)):
        op = located.node
        if not isinstance(op, Op) or located.name is None or op in seen:
            continue
        seen.add(op)
        section = replace(network.sections[0], located=located)
        alone = replace(network, sections=(section,), input=op.input, output=op.output, outputs=())
        if _exported(build(alone).eval(), torch.zeros(2, *op.input.dims)) is None:
            yield op, located.span


def _off(content: bytes, module: nn.Module, images: Tensor) -> Off | None:
    """Compare a file with the module on three images; it was exported with two others."""
    images = torch.cat([images.flip(0), images[:1] / 2])
    with torch.no_grad():
        left = module(images)
    wanted = [left] if isinstance(left, Tensor) else list(left)
    if not all(value.isfinite().all() and value.any() for value in wanted):
        return None
    found = max(map(distance, _run(content, {"images": images}), wanted))
    if found <= TOLERANCE:
        return Off(found)
    pieces = pieces_off(content, module, images) if len(wanted) == 1 else found
    if pieces > TOLERANCE:
        differ = f"they differ by {found:.1e} of the largest output"
        raise InternalError(f"onnxruntime does not compute what torch does: {differ}")
    return Off(found, pieces)


def pieces_off(content: bytes, module: nn.Module, images: Tensor) -> float:
    """Return the largest distance of all pieces from ReLU to ReLU, in the order in which they run.

    In deep plain networks, whose gradients explode, rounding errors grow as the gradients do, in
    float64 too, and no two implementations agree on the outputs. Piece by piece they agree, or one
    of them computes something else. Return infinity where the numbers of ReLUs differ.
    """
    import onnx

    model, wanted = onnx.load_from_string(content), _after_relus(module, images)
    relus = [node.output[0] for node in model.graph.node if node.op_type == "Relu"]
    if len(relus) != len(wanted) - 1:
        return float("inf")
    given = {name: f"torch's {name}" for name in relus}
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = given.get(name, name)
    for name in relus:
        model.graph.input.append(
            onnx.helper.make_tensor_value_info(given[name], onnx.TensorProto.FLOAT, None)
        )
        model.graph.output.append(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        )
    inputs = dict(zip(given.values(), wanted[1:], strict=True))
    return max(map(distance, _run(model.SerializeToString(), {"images": images, **inputs}), wanted))


@torch.no_grad()
def _after_relus(module: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the output, and what each ReLU leaves."""
    left: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, result: left.append(result.clone()))
        for layer in module.modules()
        if isinstance(layer, nn.ReLU)
    ]
    try:
        return [module(images), *left]
    finally:
        for hook in hooks:
            hook.remove()


def distance(found: Tensor, wanted: Tensor) -> float:
    """Return the largest difference, as a share of the largest value that is wanted.

    It is infinity where a value is not a number.
    """
    largest = wanted.abs().max().clamp(min=torch.finfo().tiny)
    return float(((found - wanted).abs().max() / largest).nan_to_num(torch.inf, torch.inf))


def _run(content: bytes, inputs: dict[str, Tensor]) -> list[Tensor]:
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, torch.get_num_threads()
    session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    found = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    return [torch.from_numpy(array) for array in found]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's progress and advice."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
