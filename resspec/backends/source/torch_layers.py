"""Layers as calls of torch, each argument with its formula."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from resspec.backends.source.copied import positions
from resspec.backends.source.terms import ParameterOperand, TorchLayer
from resspec.ir.formulas import FormulaValue, Variable, binary, constant, evaluate, plain
from resspec.ir.init import AS_TORCH, STARTS_AS_ONE, Init
from resspec.ir.ops.layer import Ramp
from resspec.ir.nodes import Op
from resspec.ir.ops.factors import LearnedOperand
from resspec.ir.ops.norm import Norm
from resspec.passes.call_levels import UNKNOWN, CallLevel
from resspec.passes.declared import DeclaredBody, DeclaredLayer, DeclaredModule

# What torch's constructors call the channels that enter.
_ENTERING = "in_channels in_features num_features num_channels normalized_shape channels".split()
# Fields that a call leaves out where they are torch's default.
_OPTIONAL = (
    "stride padding output_padding dilation groups bias inplace eps momentum affine "
    "elementwise_affine ceil_mode "
    "count_include_pad track_running_stats"
).split()


@dataclass(eq=False)
class BodyPlace:
    """A scope's body while its terms are made: what its declaration says, at which level, and whose
    variables its class has.
    """

    template: DeclaredBody | None
    level: CallLevel
    own: CallLevel
    depth: int = 0  # of repeats around all of it
    # Nothing depends on where the module stands: it is the network, or a repeat in its class is
    # around it.
    is_fixed: bool = False

    def is_varying(self, depth: int) -> bool:
        """Return whether numbers at this depth of repeats may depend on where the module stands."""
        return not self.is_fixed and depth == self.depth

    def call(self, index: int) -> DeclaredLayer | DeclaredModule | None:
        return self.template.calls.get(index) if self.template else None

    def known(self, value: Any, said: FormulaValue, level: CallLevel) -> FormulaValue:
        """Return the value with the formula that is said of it at a level inside, if that holds."""
        while level is not self.level:
            if level.caller is None:
                return constant(value)
            said, level = level.outside(said), level.caller
        formula = plain(said.formula)
        if said.is_constant or plain(evaluate(formula, self.own.values)) != value:
            return constant(value)
        return FormulaValue(value, formula)

    def varying(self, value: Any, role: str) -> FormulaValue:
        """Return a value that depends on where the module stands: a variable that the declaration
        does not have.
        """
        name = f"{role}:{len(self.own.varying)}"
        self.own.values[name] = self.own.varying[name] = value
        return FormulaValue(value, Variable(name))


def torch_layer(op: Op, index: int, place: BodyPlace, depth: int) -> TorchLayer:
    """Return the torch call of a layer, its arguments by name; numbers that grow over a repeat stay
    ramps.
    """
    call = place.call(index)
    said = dict(_said(op, call)) if isinstance(call, DeclaredLayer) else {}
    given, left_out = _given(op), set[str]()
    for name in _OPTIONAL:
        if name in said and name not in given and isinstance(call, DeclaredLayer):
            value = plain(getattr(op.layer, name))
            if not place.known(value, said[name], call.level).is_constant:
                given[name] = value
                left_out.add(name)
    values = []
    names = _ordered(given, op)
    for name in names:
        value, known = given[name], constant(given[name])
        if name in said and isinstance(call, DeclaredLayer):
            known = place.known(value, said[name], call.level)
        depends = said.get(name) == UNKNOWN or isinstance(value, Ramp)
        if known.is_constant and depends and place.is_varying(depth):
            known = place.varying(value, op.kind if name == "p" else name)
        values.append(known)
    tensors = op.layer.parameters(op.input)
    free = not tensors and not op.layer.buffers(op.input)
    module = op.layer.at(0).call(op.input).module
    return TorchLayer(
        module,
        names,
        initial(op),
        "bias" in tensors,
        free,
        tuple(values),
        frozenset(left_out),
        op.layer,
        _operand(op),
    )


def _operand(op: Op) -> ParameterOperand | None:
    if not isinstance(op.layer, LearnedOperand):
        return None
    return ParameterOperand(op.layer.operator, op.layer.shape, op.layer.is_viewed(op.input))


def _given(op: Op) -> dict[str, Any]:
    """Return the arguments of a layer's call by name."""
    layer, x = op.layer, op.input
    calls = [layer.at(turn).call(x) for turn in (0, 1)]
    names = positions(calls[0].module)
    ramps = [value for value in vars(layer).values() if isinstance(value, Ramp)]
    given: dict[str, Any] = {}
    for i, value in enumerate(calls[0].args):
        grows = calls[1].args[i] != value
        given[names[i]] = next(r for r in ramps if float(r.start) == value) if grows else value
    for keyword, value in (*calls[0].kwargs, *calls[1].kwargs):
        field = getattr(layer, keyword, None)
        given[keyword] = field if isinstance(field, Ramp) else value
    return given


def _ordered(given: Iterable[str], op: Op) -> tuple[str, ...]:
    """Arguments in the order in which they are written: by position, then as the fields of the
    layer stand.
    """
    positional = positions(op.layer.at(0).call(op.input).module)
    order = [*positional, *(field.name for field in fields(op.layer))]
    return tuple(
        sorted(given, key=lambda name: (order.index(name) if name in order else len(order), name))
    )


def _said(op: Op, call: DeclaredLayer) -> Iterator[tuple[str, FormulaValue]]:
    """Yield what a call says of the arguments of torch's constructor."""
    yield from call.fields.items()
    for name in _ENTERING:
        yield name, call.entering
    if op.kind == "pad_channels":
        formula = binary("-", call.fields["out_channels"].formula, call.entering.formula)
        yield "amount", FormulaValue(None, formula)
    if op.kind == "chunk":
        width = binary("//", call.entering.formula, call.fields["chunks"].formula)
        part = call.fields["part"].formula
        yield "start", FormulaValue(None, binary("*", part, width))
        yield "stop", FormulaValue(None, binary("*", binary("+", part, 1), width))


def initial(op: Op) -> Init:
    """Return how a layer's tensors start, as far as torch's constructor makes them otherwise."""
    if op.init is None:
        return AS_TORCH
    tensors = op.layer.parameters(op.input)
    law, arguments, bias = op.init if "weight" in tensors else AS_TORCH._replace(bias=op.init.bias)
    if "bias" not in tensors:
        bias = None
    if isinstance(op.layer, Norm):
        bias = bias or None
        if (law, arguments) == STARTS_AS_ONE[:2]:
            law, arguments, _ = AS_TORCH
    return Init(law, arguments, bias)
