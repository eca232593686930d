"""The initial weights: one loop over all modules where a law holds for every layer of a class, and
what differs from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from resspec.backends.source import copied
from resspec.backends.source.attributes import ClassAttributes, block
from resspec.backends.source.classes import EmittedClass
from resspec.backends.source.torch_layers import start
from resspec.backends.source.syntax import attribute, literal, quoted
from resspec.ir.formulas import plain
from resspec.backends.source.terms import (
    TorchLayer,
    RowRepeat,
    SequentialRow,
    Term,
    leaves,
)
from resspec.ir import walk
from resspec.ir.init import CONSTANTS, Init
from resspec.ir.network import Network
from resspec.ir.nodes import Op

NOTHING = Init("default", (), None)


@dataclass
class InitPlan:
    """The initialization in the loop of the network's constructor, and the layers that their
    classes start by themselves.
    """

    branches: list[tuple[str, list[str]]] = field(default_factory=list)
    by_name: bool = False
    own: set[int] = field(default_factory=set)  # by `id`

    def loop(self) -> list[str]:
        """Return the loop over all modules."""
        words = ["if", *["elif"] * len(self.branches)]
        lines: list[str] = []
        for word, (test, body) in zip(words, self.branches, strict=False):
            lines += block(f"{word} {test}:", body)
        if self.by_name:
            return block("for name, module in self.named_modules():", lines)
        return block("for module in self.modules():", lines)


def plan(classes: Iterable[EmittedClass], network: Network) -> InitPlan:
    """Choose which initializer goes where, by the class of the layers: for all of them in the loop,
    else in the constructors of their blocks, else, where the order of random numbers asks for it,
    by name in the loop.
    """
    found: dict[str, list[TorchLayer]] = {}
    reachable: set[int] = set()
    for cls in classes:
        for leaf in (leaf for term in cls.terms() for leaf in leaves(term)):
            if isinstance(leaf, TorchLayer):
                found.setdefault(leaf.module, []).append(leaf)
        for slot in () if cls.is_row else cls.slots:
            if slot.term is not None and slot.optional is None:
                reachable.update(id(leaf) for leaf, _ in _places(slot.term, "self"))
    result = InitPlan()
    for module, layers in found.items():
        _plan_module(result, module, layers, reachable, network, set(found))
    return result


def own_statements(cls: EmittedClass, attributes: ClassAttributes, plan: InitPlan) -> Iterator[str]:
    """Yield what a class initializes itself: the last norm of a residual at zero."""
    for slot in cls.slots:
        if slot.term is not None and slot.optional is None:
            for leaf, node in _places(slot.term, attributes[slot]):
                if id(leaf) in plan.own:
                    yield from _start(leaf.init or NOTHING, node, guarded=False)


def _plan_module(
    result: InitPlan,
    module: str,
    leaves: list[TorchLayer],
    reachable: set[int],
    network: Network,
    used: set[str],
) -> None:
    law = _common([(leaf.init or NOTHING, leaf) for leaf in leaves])
    if law is not None:
        biased = [leaf.bias for leaf in leaves]
        if body := _start(law, "module", guarded=not all(biased)):
            result.branches.append((_test(module, used), body))
        return
    special = [leaf for leaf in leaves if leaf.init is not None]
    if all(
        id(leaf) in reachable and leaf.init is not None and leaf.init.law in ("constant", "default")
        for leaf in special
    ):
        result.own.update(map(id, special))
        return
    result.by_name = True
    groups: dict[Init, list[str]] = {}
    for path, step in walk.layers(walk.whole(network)):
        op = step.node
        if isinstance(op, Op) and op.layer.at(0).call(op.input).module == module:
            groups.setdefault(start(op) or NOTHING, []).append(path)
    *rarer, most = sorted(groups, key=lambda init: len(groups[init]))
    for init in rarer:
        others = [path for other, paths in groups.items() if other != init for path in paths]
        test = f"{_test(module, used)} and {_named(groups[init], others)}"
        result.branches.append((test, _start(init, "module", guarded=False) or ["pass"]))
    if body := _start(most, "module", guarded=False):
        result.branches.append((_test(module, used), body))


def _common(laws: list[tuple[Init, TorchLayer]]) -> Init | None:
    """Return the law that holds for all layers of a class, those without a bias left out where it
    is about the bias.
    """
    weights = {init[:2] for init, _ in laws}
    biases = {init.bias for init, leaf in laws if leaf.bias} or {None}
    if len(weights) > 1 or len(biases) > 1:
        return None
    return Init(*weights.pop(), biases.pop())


def _start(init: Init, module: str, *, guarded: bool) -> list[str]:
    """`nn.init.…(module.weight)` and the same for the bias; `guarded`: there may be none."""
    body: list[str] = []
    if init.law != "default":
        body.append(_fill(init.law, dict(init.arguments), f"{module}.weight"))
    if init.bias is not None:
        filled = [_fill("constant", {"value": init.bias}, f"{module}.bias")]
        body += block(f"if {module}.bias is not None:", filled) if guarded else filled
    return body


def _fill(law: str, arguments: dict[str, str | Fraction], tensor: str) -> str:
    values = {word: literal(plain(value)) for word, value in arguments.items()}
    given = [f"{word}={value}" for word, value in values.items()]
    if law == "constant":
        value = arguments["value"]
        law = next((word for word, known in CONSTANTS.items() if known == value), law)
        given = [] if law in CONSTANTS else [values["value"]]
    return f"nn.init.{law}_({', '.join([tensor, *given])})"


# --- which module ---


def _test(module: str, used: set[str]) -> str:
    cls = module if copied.is_copied(module) else f"nn.{module}"
    if any(other != module and copied.base(other) == module for other in used):
        return f"type(module) is {cls}"
    return f"isinstance(module, {cls})"


def _named(paths: list[str], others: list[str]) -> str:
    """Return whether `name` is one of these and none of the others: by how they end, where that is
    enough.
    """
    for depth in (1, 2, 3):
        ends = dict.fromkeys("." + ".".join(path.split(".")[-depth:]) for path in paths)
        if not any(f".{path}".endswith(tuple(ends)) for path in others) and all(
            path.endswith(tuple(ends)) for path in paths
        ):
            return f"name.endswith({_strings(list(ends))})"
    return f"name {'==' if len(paths) == 1 else 'in'} {_strings(paths)}"


def _strings(texts: list[str]) -> str:
    return literal(texts[0] if len(texts) == 1 else tuple(texts))


def _places(term: Term, node: str) -> Iterator[tuple[TorchLayer, str]]:
    """Yield the layers in a term, and how to get there from the module that it makes."""
    match term:
        case TorchLayer():
            yield term, node
        case SequentialRow(items=items):
            for i, item in enumerate(items):
                if isinstance(item, RowRepeat) or item.is_spread:
                    return
                name = item.names[0].at()
                inner = f"{node}[{i}]" if name == str(i) else attribute(node, quoted(name))
                yield from _places(item.term, inner)
        case _:
            pass
