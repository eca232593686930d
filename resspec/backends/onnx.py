"""The IR as an ONNX file: what torch.onnx makes of the built module, checked before anyone gets it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.diagnostics import InternalError, ResspecError, UsageError
from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.passes.quantities import Facts

OPSET = 20
MOST = 1 << 31  # bytes of a protocol buffer
TOLERANCE = 1e-4  # of the largest output
ROUNDING = 100  # onnxruntime may be off by so many times what rounding makes of the output in torch itself, which is chance


class Off(NamedTuple):
    """How far a file's outputs are from torch's, as a share of the largest: by onnxruntime in float32, and where that is over
    the tolerance, how far torch's own float32 is from its float64, and the file's graph in float64 from torch's."""

    found: float
    rounding: float | None = None
    exact: float | None = None


class Exported(NamedTuple):
    """An ONNX file's bytes. `off` is None where nothing can be compared, as the outputs of these weights are not finite."""

    content: bytes
    off: Off | None


class Inexpressible(ResspecError):
    """There is no operator for what these ops do."""

    def __init__(self, ops: list[Op]) -> None:
        super().__init__(", ".join(op.kind for op in ops))
        self.ops = ops


def to_onnx(network: Network, start: Callable[[nn.Module], None] | None = None) -> Exported:
    """From `images`, NxCxHxW, to `logits`; N may be any number. `start` puts weights into the module. For evaluation: batch
    norm with its running statistics, no dropout.

    Raises Inexpressible, UsageError where the file would be too large, InternalError where it is not what torch computes.
    """
    import onnx

    facts = Facts(network)
    if (size := 4 * (facts.total("params") + facts.total("buffers"))) >= MOST:
        raise UsageError(f"the weights of {network.name} take {size / 1e9:.1f} GB; an ONNX file holds less than 2.1")
    module = build(network)
    if start:
        start(module)
    module.eval()
    images = torch.randn(2, *network.input.dims, generator=torch.Generator().manual_seed(0))
    content = _exported(module, images)
    if content is None:
        if not (found := list(_strangers(network))):
            raise InternalError(f"torch.onnx does not export {network.name}, but each of its layers alone")
        raise Inexpressible(found)
    onnx.checker.check_model(content, full_check=True)
    return Exported(content, _off(content, module, images))


def _exported(module: nn.Module, images: Tensor) -> bytes | None:
    """None where torch.onnx knows no operator for something."""
    with _quiet():
        try:
            program = torch.onnx.export(
                module, (images,), dynamo=True, verbose=False, opset_version=OPSET, input_names=["images"],
                output_names=["logits"], dynamic_shapes=({0: torch.export.Dim("batch")},),
            )
        except torch.onnx.OnnxExporterError:
            return None
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content


def _strangers(network: Network) -> Iterator[Op]:
    """Ops that torch.onnx does not export even alone; of equal ones the first."""
    seen = set()
    for op in _ops(network.body):
        key = repr((op.layer.call(op.input), op.input))
        if op.name is None or key in seen:
            continue
        seen.add(key)
        alone = network.changed(
            sections=(network.sections[0].changed(body=op),), input=op.input, output=op.output)
        if _exported(build(alone).eval(), torch.zeros(2, *op.input.dims)) is None:
            yield op


def _ops(node: Node) -> Iterator[Op]:
    match node:
        case Op():
            yield node
        case Series(children=parts) | Parallel(paths=parts):
            for part in parts:
                yield from _ops(part)
        case Repeat(body=body) | Scope(body=body):
            yield from _ops(body)


def _off(content: bytes, module: nn.Module, images: Tensor) -> Off | None:
    """Another batch than the one it was exported with: three images, none of them seen."""
    images = torch.cat([images.flip(0), images[:1] / 2])
    with torch.no_grad():
        wanted = module(images)
    if not wanted.isfinite().all() or not wanted.any():
        return None
    off = Off(distance(_run(content, images), wanted))
    if off.found <= TOLERANCE:
        return off
    off = off._replace(rounding=rounding(module, images), exact=exactly_off(content, module, images))
    assert off.rounding is not None and off.exact is not None
    if not (off.found <= ROUNDING * off.rounding and off.exact <= TOLERANCE):
        raise InternalError(f"onnxruntime computes something else than torch: {off.found:.1e} of the largest output apart")
    return off


def _run(content: bytes, images: Tensor) -> Tensor:
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, torch.get_num_threads()
    session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def rounding(module: nn.Module, images: Tensor) -> float:
    """How far torch's own float32 is from its float64: in deep plain networks, whose gradients explode, rounding grows as
    they do, and no two implementations agree to more than that."""
    with torch.no_grad():
        return distance(module(images), deepcopy(module).double()(images.double()))


def exactly_off(content: bytes, module: nn.Module, images: Tensor) -> float:
    """The file's graph with the weights of a float64 export, run by ONNX's own reference (onnxruntime has no convolution in
    float64), beside torch in float64: whether it is the same function, whatever rounding makes of it. Infinity where the
    file's weights are not these, rounded."""
    import onnx
    from onnx.numpy_helper import to_array
    from onnx.reference import ReferenceEvaluator

    double, images = deepcopy(module).double(), images.double()
    exported = _exported(double, images[:2])
    assert exported is not None
    model, exact = onnx.load_from_string(content), onnx.load_from_string(exported)
    weights = {tensor.name: to_array(tensor) for tensor in exact.graph.initializer}
    for tensor in model.graph.initializer:
        if not np.allclose(to_array(tensor), weights[tensor.name], rtol=1e-5, atol=1e-6):
            return float("inf")
    model.graph.ClearField("initializer")
    model.graph.initializer.extend(exact.graph.initializer)
    (found,) = ReferenceEvaluator(model).run(None, {"images": images.numpy()})
    with torch.no_grad():
        return distance(torch.from_numpy(found), double(images))


def distance(found: Tensor, wanted: Tensor) -> float:
    """The largest difference, as a share of the largest value that is wanted."""
    return float((found - wanted).abs().max() / wanted.abs().max())


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's own progress and advice."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
