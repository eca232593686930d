"""Layers as calls of torch, each argument with its formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resspec.backends.source.terms import LayerArgument, ParameterOperand, TorchLayer
from resspec.ir.formulas import FormulaValue, Variable, binary, constant, evaluate
from resspec.ir.init import AS_TORCH, STARTS_AS_ONE, Init
from resspec.ir.ops.layer import CHANNELS, Ramp, plain
from resspec.ir.nodes import Op
from resspec.ir.ops.factors import LearnedOperand
from resspec.ir.ops.norm import Norm
from resspec.passes.call_levels import UNKNOWN, CallLevel
from resspec.passes.declared import DeclaredBody, DeclaredLayer, DeclaredModule


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
    """Return the torch call of a layer with the formulas of its arguments; numbers that grow over a
    repeat stay ramps.
    """
    layer, declared = op.layer, place.call(index)
    made = layer.at(0).call(op.input)
    given = made.args | made.kwargs
    formulas = _formulas(op, declared) if isinstance(declared, DeclaredLayer) else {}
    arguments: list[LayerArgument] = []
    for name in dict.fromkeys([*made.args, *layer.torch_defaults, *made.kwargs]):
        field = getattr(layer, name, None)
        is_ramp = isinstance(field, Ramp)
        is_default = name not in given and not is_ramp
        value = field if is_ramp else given.get(name, plain(field))
        known, formula = constant(value), formulas.get(name)
        if formula is not None and isinstance(declared, DeclaredLayer):
            known = place.known(value, formula, declared.level)
        if is_default and known.is_constant:
            continue
        depends = formula == UNKNOWN or is_ramp
        if depends and known.is_constant and place.is_varying(depth):
            known = place.varying(value, op.kind if name == "p" else name)
        arguments.append(LayerArgument(name, name in made.args, is_default, known))
    tensors = layer.parameters(op.input)
    is_free = not tensors and not layer.buffers(op.input)
    return TorchLayer(
        made.module,
        tuple(arguments),
        initial(op),
        "bias" in tensors,
        is_free,
        layer,
        _operand(op),
    )


def _operand(op: Op) -> ParameterOperand | None:
    if not isinstance(op.layer, LearnedOperand):
        return None
    return ParameterOperand(op.layer.operator, op.layer.shape, op.layer.is_viewed(op.input))


def _formulas(op: Op, declared: DeclaredLayer) -> dict[str, FormulaValue]:
    """Return what a declaration says of the arguments of torch's constructor."""
    fields, entering = declared.fields, declared.entering
    found = dict.fromkeys(CHANNELS, entering) | dict(fields)
    if op.kind == "pad_channels":
        amount = binary("-", fields["out_channels"].formula, entering.formula)
        found["amount"] = FormulaValue(None, amount)
    if op.kind == "slice":
        found.setdefault("stop", entering)
    if op.kind == "chunk":
        width = binary("//", entering.formula, fields["chunks"].formula)
        part = fields["part"].formula
        found["start"] = FormulaValue(None, binary("*", part, width))
        found["stop"] = FormulaValue(None, binary("*", binary("+", part, 1), width))
    return found


def initial(op: Op) -> Init:
    """Return the initialization of a layer's tensors, where torch's constructor does otherwise."""
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
