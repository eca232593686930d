"""The meaning of names in a declaration: values, and the formulas that give them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple

from resspec.diagnostics import Diagnostic
from resspec.ir.formulas import (
    ENTERING,
    STRIDE,
    FormulaValue,
    Variable,
    binary,
    constant,
    substitute,
    variables,
)
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.layer import plain
from resspec.lowering.arguments import sort
from resspec.lowering.block import usable_case
from resspec.lowering.derivation import levels
from resspec.lowering.evaluation import evaluate, names_in, with_arguments
from resspec.lowering.functions import FUNCTIONS
from resspec.lowering.network import Declared
from resspec.lowering.scope import Library, find_one
from resspec.lowering.values import BlockRef, Entries, OptionRef
from resspec.syntax import ast

UNKNOWN = FormulaValue(None, None)  # what depends on `index` or `count`


class DeclarationMismatch(Exception):
    """The declaration does not say what stands in the tree."""


def ignore(diagnostic: Diagnostic) -> None:
    """Report nothing: what was lowered has no mistakes."""
    raise DeclarationMismatch(diagnostic.message)


@dataclass(eq=False)
class CallLevel:
    """A call of a block, or the network: its variables' values, and what they are in the variables
    of the caller.
    """

    name: str = ""
    caller: CallLevel | None = None
    arguments: dict[str, FormulaValue] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    lets: dict[str, FormulaValue] = field(default_factory=dict)
    names: tuple[str, ...] = ()  # of its parameters, as they are declared
    defaults: dict[str, FormulaValue] = field(default_factory=dict)
    bare: frozenset[str] = frozenset()  # arguments that are given by position
    fixed: set[str] = field(default_factory=set)  # variables that decide about more than numbers
    arms: frozenset[str] = frozenset()  # those that the shortcut option has
    arm: str = ""  # the one that is taken: same, widen, narrow or change
    leaving: FormulaValue = UNKNOWN  # the channels of the residual, which the option looks at
    varying: dict[str, Any] = field(
        default_factory=dict
    )  # variables for what depends on the place of the block

    @property
    def entering(self) -> FormulaValue:
        return self.variable(ENTERING) if ENTERING in self.arguments else UNKNOWN

    def expanded(self, formula: Any) -> Any:
        """Return the formula with those of the body's constants in their places."""
        lets = self.lets
        return substitute(
            formula,
            lambda name: self.expanded(lets[name].formula) if name in lets else Variable(name),
        )

    def copy(self) -> CallLevel:
        """Return the level for another body of the same declaration."""
        return replace(self, values={**self.values}, varying={})

    def variable(self, name: str) -> FormulaValue:
        """Return an argument as the block's own body knows it."""
        value = self.arguments[name].value
        if value is None or isinstance(value, BlockRef | OptionRef | Entries):
            return self.arguments[name]
        self.values[name] = plain(value)
        return FormulaValue(value, Variable(name))

    def fix(self, formula: Any) -> None:
        """Note that the tree would be another for other values of the formula's variables."""
        for name in variables(formula):
            if name in self.lets:
                self.fix(self.lets[name].formula)
            elif name not in self.fixed:
                self.fixed.add(name)
                if self.caller is not None:
                    self.caller.fix(self.arguments[name].formula)

    def outside(self, known: FormulaValue) -> FormulaValue:
        """Return what is known here in the variables of the caller."""
        return FormulaValue(known.value, substitute(known.formula, self._meaning))

    def _meaning(self, name: str) -> Any:
        if name in self.lets:
            return self.outside(self.lets[name]).formula
        return plain(self.arguments[name].formula)


@dataclass(eq=False)
class NamesInScope:
    """The names at a place in a body."""

    level: CallLevel
    library: Library | None
    names: dict[str, FormulaValue] = field(default_factory=dict)
    lets: dict[str, ast.Let] = field(default_factory=dict)
    x: FormulaValue = UNKNOWN
    stride: FormulaValue = UNKNOWN
    out: FormulaValue = UNKNOWN
    stage: int | None = None  # of `stages`, whose entries of lists are taken
    # parameters of the networks that this one is derived from
    inherited: dict[str, FormulaValue] = field(default_factory=dict)

    def define(self, clauses: Iterable[ast.Clause]) -> None:
        """Note the constants of a body."""
        self.lets = {clause.name.text: clause for clause in clauses if isinstance(clause, ast.Let)}

    def known(self, node: ast.Value) -> FormulaValue:
        """Return the value of an expression with its formula."""
        match node:
            case ast.Number(value=value):
                return constant(value)
            case ast.Size(dims=dims):
                return constant(dims)
            case ast.Identifier():
                return self._lookup(node.text, node)
            case ast.Negate(operand=operand):
                known = self.known(operand)
                is_list = isinstance(known.value, Entries)
                return self._decided(node) if is_list else _arithmetic("-", constant(0), known)
            case ast.BinaryExpr(operator="+" | "-" | "*" | "/" | "//" as operator):
                left, right = self.known(node.left), self.known(node.right)
                if isinstance(left.value, Entries) or isinstance(right.value, Entries):
                    return self._decided(node)
                return _arithmetic(operator, left, right)
            case ast.ListExpr(entries=entries):
                if self.stage is not None:
                    return self.known(entries[self.stage])
                return constant(Entries(tuple([self._fixed(entry) for entry in entries])))
            case ast.Applied(name=name) if name.text not in FUNCTIONS:
                return self.given(node)
            case ast.BinaryExpr() | ast.Choice() | ast.Applied():
                return self._decided(node)
            case _:
                raise DeclarationMismatch

    def given(self, call: ast.Applied | ast.LayerCall) -> FormulaValue:
        """Return a block, layer or option with some arguments given, which have no formulas."""
        callee = self.known(call.name).value
        if not isinstance(callee, BlockRef | OptionRef):
            raise DeclarationMismatch
        return constant(with_arguments(callee, call, self._fixed, ignore))

    def _fixed(self, node: ast.Value) -> Any:
        """Return the value of an argument, and fix the variables on which it depends."""
        known = self.known(node)
        self.level.fix(known.formula)
        return known.value

    def _decided(self, node: ast.Value) -> FormulaValue:
        """Return the value of a comparison, choice or function, which has no formula.

        The variables on which it depends are fixed.
        """
        names = [self._lookup(name.text, name) for name in names_in(node)]
        if any(known.value is None for known in names):
            return UNKNOWN
        for known in names:
            self.level.fix(known.formula)

        def lookup(name: ast.Identifier) -> Any:
            return self._lookup(name.text, name).value

        return constant(evaluate(node, lookup, ignore, stage=self.stage))

    def is_constant(self, name: str) -> bool:
        """Return whether a name is that of a parameter or constant."""
        is_own = name in {*self.names, *self.lets, *self.inherited}
        return is_own or bool(self.library and self.library.find(name, ast.Let))

    def _lookup(self, word: str, node: ast.Identifier) -> FormulaValue:
        known = self._meaning(word, node)
        if self.stage is None or not isinstance(known.value, Entries):
            return known
        return constant(known.value.values[self.stage])

    def _meaning(self, word: str, node: ast.Identifier) -> FormulaValue:
        if word in self.names:
            return self.names[word]
        match word:
            case "true" | "false":
                return constant(word == "true")
            case "in":
                return self.x
            case "stride":
                return self.stride
            case "out":
                return self.out
            case "index" | "count":
                return UNKNOWN
        if word in self.lets:
            value = replace(self, stage=None).known(self.lets[word].value)
            known = self.names[word] = self._own_constant(word, value)
            return known
        assert self.library is not None
        match find_one(self.library, node, ignore, ast.Let, ast.Block, ast.Option):
            case (ast.Let() as let, library):
                return constant(NamesInScope(CallLevel(), library).known(let.value).value)
            case (ast.Block() as block, library):
                return constant(BlockRef(word, block, library))
            case (ast.Option() as option, library):
                return constant(OptionRef(word, option, library))
        if word in self.inherited:
            return self.inherited[word]
        if word == "none":
            return constant(OptionRef("none", None, None))
        if word in OPS:
            return constant(BlockRef(word, None, None))
        raise DeclarationMismatch

    def _own_constant(self, word: str, known: FormulaValue) -> FormulaValue:
        """Return a constant of a block as a variable, where it is computed from parameters."""
        if known.is_constant:
            return known
        self.level.lets[word] = known
        self.level.values[word] = plain(known.value)
        return FormulaValue(known.value, Variable(word))


def _arithmetic(operator: str, a: FormulaValue, b: FormulaValue) -> FormulaValue:
    """Exact, as the language has it; a formula is kept where whole numbers stay whole."""
    if a.value is None or b.value is None:
        return UNKNOWN
    x, y = Fraction(a.value), Fraction(b.value)
    match operator:
        case "/":
            value = x / y
        case "//":
            value = Fraction(x // y)
        case _:
            value = {"+": x + y, "-": x - y, "*": x * y}[operator]
    if value.denominator > 1 or (a.is_constant and b.is_constant):
        return constant(int(value) if value.denominator == 1 else value)
    return FormulaValue(
        int(value), binary(operator.replace("/", "//").replace("////", "//"), a.formula, b.formula)
    )


def block_scope(level: CallLevel, block: ast.Block, library: Library) -> NamesInScope:
    """Return the names in a block's body: its parameters are variables."""
    given = level.arguments
    env = NamesInScope(level, library, x=level.variable(ENTERING), stride=level.variable(STRIDE))
    level.names = tuple([parameter.name.text for parameter in block.parameters])
    for parameter in block.parameters:
        name = parameter.name.text
        if parameter.default is not None:
            level.defaults[name] = env.known(parameter.default)
            given.setdefault(name, level.outside(level.defaults[name]))
        env.names[name] = level.variable(name)
    env.define(block.clauses)
    return env


class ScopedClauses(NamedTuple):
    """The clauses of a network, with the names that they may use."""

    env: NamesInScope
    clauses: list[ast.Clause]


def network_scopes(declared: Declared) -> list[ScopedClauses]:
    """Return the clauses of a network's template, then those of the networks derived from it.

    The template's parameters are variables, those of the others are constants.
    """
    *derived, template = levels(declared.library, declared.name, ignore)
    outer = NamesInScope(CallLevel(), declared.library)
    given = {let.name.text: outer.known(let.value) for let in declared.overrides}
    level = CallLevel(declared.name, names=tuple(template.parameters))
    scopes = list[ScopedClauses]()
    for each in derived:
        env = NamesInScope(level, each.library)
        for name, parameter in each.parameters.items():
            env.names[name] = constant(_argument(given.pop(name, None), parameter, env).value)
        env.define(each.declared.clauses)
        own = {word: env.known(keyword.value) for word, keyword in each.arguments.items()}
        given = own | given
        scopes.append(ScopedClauses(env, each.declared.clauses))

    level.arguments = given
    env = NamesInScope(level, template.library)
    for name, parameter in template.parameters.items():
        given[name] = _argument(given.get(name), parameter, env)
        env.names[name] = level.variable(name)
        level.defaults[name] = constant(given[name].value)
    inherited = dict(env.names)
    for scope in reversed(scopes):
        scope.env.inherited = dict(inherited)
        inherited |= scope.env.names
    env.define(template.declared.clauses)
    return [ScopedClauses(env, template.declared.clauses), *scopes[::-1]]


def _argument(
    given: FormulaValue | None, parameter: ast.ParameterDecl, env: NamesInScope
) -> FormulaValue:
    if given is not None:
        return given
    if parameter.default is None:
        raise DeclarationMismatch
    return env.known(parameter.default)


def layer_fields(
    callee: BlockRef, call: ast.LayerCall, env: NamesInScope, strided: bool
) -> dict[str, FormulaValue]:
    """Return the fields of a layer that a call gives."""
    op = OPS[callee.name]
    given = sort(call.arguments, ignore)
    presets = {name: value for name, (value, _) in callee.presets.items()}
    fields = {name: constant(it) for name, it in presets.items() if not isinstance(it, str)}
    positional = [name for name in op.positional if name not in presets]
    fields |= {name: env.known(node) for name, node in zip(positional, given.bare, strict=False)}
    for word, keyword in given.keywords.items():
        name = op.words.get(word, word)
        if not _is_word(op, name, keyword.value):
            fields[name] = env.known(keyword.value)
    if given.stride is not None and strided:
        fields["stride"] = env.known(given.stride.value)
    kernel, dilation = fields.get("kernel_size"), fields.get("dilation", constant(1))
    if kernel is not None and "padding" not in fields:
        operator = "each //" if isinstance(plain(kernel.value), tuple) else "//"
        half = binary(operator, plain(kernel.formula), 2)
        fields["padding"] = FormulaValue(None, binary("*", plain(dilation.formula), half))
    return fields


def _is_word(op: type[Layer], field: str, value: ast.Value) -> bool:
    """Return whether a value is a word that a field takes, and no name in scope."""
    text = value.text if isinstance(value, ast.Identifier) else ""
    return text in (*op.choices.get(field, ()), *op.alternatives.get(field, ()))


def choose_arm(option: FormulaValue, env: NamesInScope, y: FormulaValue) -> ast.Chain | None:
    """Return the arm that a block's change of shape takes."""
    chosen = option.value
    if not isinstance(chosen, OptionRef):
        if isinstance(chosen, BlockRef) and chosen.name == "identity":
            return None
        raise DeclarationMismatch
    if chosen.option is None:
        return None
    chains = {arm.case.text: arm.chain for arm in chosen.option.arms}
    level = env.level
    level.leaving, level.arms = y, frozenset(chains)
    level.arm = arm_of(level.arms, plain(env.stride.value), level.values[ENTERING], y.value)
    return chains.get(level.arm)


def arm_of(arms: frozenset[str], stride: Any, entering: int, leaving: Any) -> str:
    """Return the arm of a shortcut option for a block with this stride and these channels."""
    if stride != 1:
        return "change"
    if leaving == entering:
        return "same"
    return usable_case("widen" if leaving > entering else "narrow", arms)


def whole(count: FormulaValue) -> int:
    """Return how often a repeat runs."""
    if not isinstance(count.value, int):
        raise DeclarationMismatch
    return int(count.value)
