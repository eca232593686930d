"""The resolved spec: every name, default and repeat as the compiler understood it. It is itself a
spec, of the same hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import fields
from fractions import Fraction
from itertools import count
from typing import Any

from resspec.backends.inits import has_scale, init_clauses
from resspec.collector import paused
from resspec.ir import walk
from resspec.ir.fingerprint import fingerprint
from resspec.ir.init import Init
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.ops.layer import short
from resspec.ir.ops.norm import Norm
from resspec.ir.ops.window import Pool
from resspec.ir.shape import Name
from resspec.source import Source
from resspec.syntax.ast import MAX_DIGITS
from resspec.syntax.format import lay_out


@paused()
def expand(network: Network) -> str:
    """Return a `.res` text that stands alone, as `resspec fmt` lays it out: each distinct body of a
    block once, then the network.
    """
    clauses = init_clauses(network)
    blocks = _Blocks(network.name, clauses)
    shared = _shared(section.located for section in network.sections)
    sections = [_section(section, blocks, shared) for section in network.sections]
    inits = [f"init {name}: {_law_text(init)}" for name, init in sorted(clauses.items())]
    head = f"# resolved by `resspec expand`, hash {fingerprint(network)[:16]}"
    outputs = [f"output {' '.join(network.outputs)}"] if network.outputs else []
    start = [f"network {network.name} {{", f"input {network.input}", *inits]
    body = [*start, *sections, *outputs, "}"]
    return lay_out(Source(network.name, "\n".join([head, *blocks.declarations, *body])))


class _Blocks:
    """Block declarations for the bodies of scopes, equal ones shared."""

    def __init__(self, network: str, inits: Container[str]) -> None:
        self.network = network
        self.inits = inits
        self.declarations: list[str] = []
        self._names: dict[str, str] = {}  # by their bodies
        self._known: dict[tuple[Located, int | None], str] = {}
        self._varies: dict[Node, bool] = {}

    def varies(self, located: Located) -> bool:
        """Return whether anything in a part depends on the turn of a repeat."""
        return walk.varies(located.node, self._varies, inside_repeats=True)

    def name(self, scope: Located, turn: int | None) -> str:
        """Return the name of the block that stands for a scope's body at this turn."""
        key = (scope.body, turn if self.varies(scope) else None)
        if key not in self._known:
            text = _chain(self.all_steps(scope.body, turn))
            if text not in self._names:
                self._names[text] = self._free(scope.block or "part")
                self.declarations.append(f"block {self._names[text]} {{ {text} }}")
            self._known[key] = self._names[text]
        return self._known[key]

    def _free(self, block: str) -> str:
        """Return `bottleneck_1`, `bottleneck_2`, …; a number that is there already stays."""
        stem, _, number = block.rpartition("_")
        base = stem if stem and number.isdigit() else block
        taken = {self.network, *self._names.values()}
        return next(name for i in count(1) if (name := f"{base}_{i}") not in taken)

    def call(self, called: Located, turn: int | None = None) -> str:
        """Return the call of a layer, or of the block that stands for a module."""
        if isinstance(called.node, Op):
            return self._call(called.node, turn)
        return self.name(called, turn)

    def all_steps(self, body: Located, turn: int | None) -> list[str]:
        """Return the steps of a whole scope, each with its label."""
        return list(self.steps(body, _shared([body]), (), turn))

    def steps(
        self,
        located: Located,
        shared: set[str],
        turns: tuple[int, ...],
        turn: int | None,
        path: str = "",
    ) -> Iterator[str]:
        """Yield the steps of a part of a scope; `turns` of the scope's repeats, `turn` of the
        nearest, `path` of the dotted label so far. Scopes to which several places add steps, the
        `shared`, have dotted labels, and so have those of one step; any other is in braces.
        """
        node, name = located.node, located.name
        match node:
            case Op():
                if name is not None:
                    yield f"{path}{name.at(*turns)}: {self._call(node, turn)}"
            case Scope():
                assert name is not None
                yield from self._scope(located, name, shared, turns, turn, path)
            case Series():
                for child in located.parts:
                    yield from self.steps(child, shared, turns, turn, path)
            case Parallel(merge=merge):
                chains = [
                    list(self.steps(branch, shared, turns, turn, path)) for branch in located.parts
                ]
                paths = [_chain(chain) if chain else "identity" for chain in chains]
                yield f"{merge} {{ {' | '.join(paths)} }}"
            case Repeat(count=n) if not turns and self._counts_up(located.body):
                body = located.body
                assert body.name is not None
                yield f"{path}{body.name.at(0)}..: {n} x {self.call(body, turn)}"
            case Repeat(count=n):
                for i in range(n):
                    yield from self.steps(located.body, shared, (*turns, i), i, path)

    def _scope(
        self,
        scope: Located,
        name: Name,
        shared: set[str],
        turns: tuple[int, ...],
        turn: int | None,
        path: str,
    ) -> Iterator[str]:
        body, label = scope.body, f"{path}{name.at(*turns)}"
        if scope.block is not None:
            yield f"{label}: {self.name(scope, turn)}"
        elif path + name.at() in shared:
            yield from self.steps(body, shared, (), turn, f"{path}{name.at()}.")
        else:
            inside = self.all_steps(body, turn)
            if len(inside) == 1 and not isinstance(body.node, Parallel):
                yield f"{label}.{inside[0]}"
            else:
                yield f"{label}: {{ {_chain(inside)} }}"

    def _counts_up(self, located: Located) -> bool:
        """Return whether a repeat of this step can stay one: its names count up by one, as a
        label's would, and nothing varies.
        """
        name = located.name
        if name is None or name.steps != (1,) or name.prefix[-1:].isdigit():
            return False
        return not self.varies(located)

    def _call(self, op: Op, turn: int | None) -> str:
        layer = op.layer if turn is None else op.layer.at(turn)
        arguments = list(_arguments(layer))
        if has_scale(op):
            arguments.append(f"scale={number_text(_scale(op.init))}")
        elif (
            op.init is None
            and layer.kind in self.inits
            and isinstance(layer, Norm)
            and layer.parameters(op.input)
        ):
            arguments.append("scale=1")  # otherwise the law of its kind would start it
        return f"{layer.kind} {', '.join(arguments)}".rstrip()


def _shared(bodies: Iterable[Located]) -> set[str]:
    """Return the scopes, by their dotted names, to which several places of these bodies of one
    scope add steps.
    """
    found = Counter(name for body in bodies for name in _opened(body, ""))
    return {name for name, n in found.items() if n > 1}


def _opened(located: Located, path: str) -> Iterator[str]:
    if isinstance(located.node, Scope):
        if located.block is not None or located.name is None:
            return
        yield path + located.name.at()
        path = f"{path}{located.name.at()}."
    for part in located.parts:
        yield from _opened(part, path)


def _section(section: Section, blocks: _Blocks, shared: set[str]) -> str:
    """Return `stage name: { … }`, or `stem …`; scopes that a label opens stand in the label."""
    body = section.located
    if section.kind != "stage":
        return f"{section.kind} {_chain(list(blocks.steps(body, shared, (), None)))}"
    numbers = section.label.endswith("..")
    path = section.label.removesuffix("..").split(".")
    for name in path[:-1] if numbers else path:
        body = _labeled(body, name)
        if isinstance(body.node, Op) or body.block is not None:
            return f"stage {section.label}: {blocks.call(body)}"
        body = body.body
        shared = {
            other.removeprefix(f"{name}.") for other in shared if other.startswith(f"{name}.")
        }
    return f"stage {section.label}: {_chain(list(blocks.steps(body, shared, (), None)))}"


def _labeled(located: Located, name: str) -> Located:
    """Return the layer or scope of this name, past an implied flattening."""
    if isinstance(located.node, Series):
        located = next(part for part in located.parts if part.name is not None)
    assert located.name is not None and located.name.at() == name, (located, name)
    return located


# --- parts of texts ---


def _chain(steps: list[str]) -> str:
    """Write out an empty part: a layer that is repeated no times."""
    return " -> ".join(steps) or "0 x identity"


# --- calls ---


def _arguments(layer: Layer) -> Iterator[str]:
    """Yield every field, defaults included, positional ones first; of an adaptive pool, only the
    target size.
    """
    if isinstance(layer, Pool) and layer.target is not None:
        if layer.to is not None:
            yield f"to={value_text(layer.to)}"
        return
    words = {name: word for word, name in layer.words.items()}
    by_position = [field for field in fields(layer) if field.name in layer.positional]
    by_name = [field for field in fields(layer) if field.name not in layer.positional]
    for field in (*by_position, *by_name):
        value = getattr(layer, field.name)
        if value is None:
            continue
        if field.name in layer.positional:
            yield value_text(value)
        elif field.name == "stride":
            if value != field.default:
                yield f"/{value_text(short(value))}"
        else:
            plain = short(value) if isinstance(value, tuple) else value
            yield f"{words.get(field.name, field.name)}={value_text(plain)}"


def value_text(value: Any) -> str:
    """Return a field of a layer as it is written."""
    match value:
        case bool():
            return "true" if value else "false"
        case (int(height), int(width)):
            return f"{height}x{width}"
        case Fraction():
            return number_text(value)
        case _:
            return str(value)


def number_text(value: Fraction) -> str:
    """Return a number exactly: as a decimal where a number of the language can be one, else as a
    fraction.
    """
    digits = next((d for d in range(MAX_DIGITS) if (value * 10**d).denominator == 1), MAX_DIGITS)
    text = str(abs(value.numerator) * 10**digits // value.denominator).rjust(digits + 1, "0")
    if len(text) <= MAX_DIGITS:
        return ("-" if value < 0 else "") + (
            f"{text[:-digits]}.{text[-digits:]}" if digits else text
        )
    whole, rest = divmod(abs(value.numerator), value.denominator)
    fraction = f"{rest} / {value.denominator}"
    text = f"{whole} + {fraction}" if whole else fraction
    return f"-({text})" if value < 0 else text


def _scale(init: Init | None) -> Fraction:
    values = [value for _, value in init.arguments] if init else []
    assert len(values) == 1 and isinstance(values[0], Fraction)
    return values[0]


def _law_text(init: Init) -> str:
    arguments = [f"{n}={v if isinstance(v, str) else number_text(v)}" for n, v in init.arguments]
    if init.bias is not None or init.law != "default":
        arguments.append(f"bias={'default' if init.bias is None else number_text(init.bias)}")
    return ", ".join([f"{init.law} {arguments[0]}", *arguments[1:]]) if arguments else init.law
