"""The initial weights: one loop over all modules where a law holds for every layer of a class, and
what differs from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from resspec.backends.source import copied
from resspec.backends.source.attributes import ClassAttributes
from resspec.backends.source.classes import EmittedClass, EmittedStatement
from resspec.backends.source.layout import BLANK, Code, Statement, block, call
from resspec.backends.source.syntax import attribute, literal, quoted
from resspec.backends.source.terms import (
    RowModule,
    SequentialRow,
    Term,
    TorchLayer,
    leaves,
)
from resspec.backends.source.torch_layers import initial
from resspec.ir import walk
from resspec.ir.formulas import plain
from resspec.ir.init import AS_TORCH, CONSTANTS, LAWS, Init
from resspec.ir.network import Network
from resspec.ir.nodes import Op


@dataclass
class InitBranch:
    """A branch of the loop over all modules.

    Attributes:
        classes: The classes whose modules it initializes.
        body: The statements that initialize a module.
        names: The names of those that it initializes, if not all.
        is_exact: Whether a subclass of one of them is initialized differently.
    """

    classes: list[str]
    body: list[Statement]
    names: Code | None
    is_exact: bool

    @property
    def is_whole(self) -> bool:
        return self.names is None and not self.is_exact

    def test(self) -> Code:
        classes = ", ".join(self.classes)
        if len(self.classes) > 1:
            classes = f"({classes})"
        test = f"type(module) is {classes}" if self.is_exact else f"isinstance(module, {classes})"
        return self.names.after(f"{test} and ") if self.names else Code(test)


class Initialization:
    """The loop over all modules in the network's constructor, and the layers that their own classes
    initialize.
    """

    def __init__(self, classes: Iterable[EmittedClass], network: Network) -> None:
        """Choose which initializer goes where, by the class of the layers: for all of them in the
        loop, else in the constructors of their blocks, else, where the order of random numbers asks
        for it, by name in the loop.
        """
        self._network = network
        self._branches: list[InitBranch] = []
        self._over = "for module in self.modules():"
        self._own: set[int] = set()  # layers by `id`
        found: dict[str, list[TorchLayer]] = {}
        reachable: set[int] = set()
        for cls in classes:
            for leaf in (leaf for term in cls.terms() for leaf in leaves(term)):
                if isinstance(leaf, TorchLayer):
                    found.setdefault(leaf.module, []).append(leaf)
            reachable.update(id(leaf) for term, _ in _alone(cls) for leaf, _ in _places(term, ""))
        self._modules = set(found)
        for module, layers in found.items():
            started = [layer for layer in layers if layer.init != AS_TORCH]
            law = _common(layers)
            if law is not None:
                guarded = not all(layer.bias for layer in layers)
                body = _start(law, "module", guarded=guarded)
                self._add_whole(self._branch(module, body))
            elif all(id(layer) in reachable and layer.init.law in _FIXED for layer in started):
                self._own.update(map(id, started))
            else:
                self._add_by_name(module)

    def loop(self) -> list[Statement]:
        """Return the loop over all modules."""
        lines: list[Statement] = []
        for branch in self._branches:
            word = "elif" if lines else "if"
            lines += block(branch.test().after(f"{word} ").before(":"), branch.body)
        over = block(self._over, lines)
        return [BLANK, *over] if over else []

    def own_statements(self, cls: EmittedClass, attributes: ClassAttributes) -> Iterator[Statement]:
        """Yield what a class initializes itself: the last norm of a residual at zero."""
        for term, slot in _alone(cls):
            for leaf, node in _places(term, attributes[slot]):
                if id(leaf) in self._own:
                    yield from _start(leaf.init, node, guarded=False)

    def _add(self, branch: InitBranch) -> None:
        if branch.body:
            self._branches.append(branch)

    def _branch(self, module: str, body: list[Statement], names: Code | None = None) -> InitBranch:
        cls = copied.qualified(module)
        is_base = any(copied.base(other) == cls for other in self._modules)
        return InitBranch([cls], body, names, is_exact=is_base)

    def _add_whole(self, new: InitBranch) -> None:
        """Add a branch for all modules of a class, or the class to one with the same body."""
        for branch in self._branches:
            if new.is_whole and branch.is_whole and branch.body == new.body:
                branch.classes += new.classes
                return
        self._add(new)

    def _add_by_name(self, module: str) -> None:
        self._over = "for name, module in self.named_modules():"
        groups: dict[Init, list[str]] = {}
        for path, step in walk.layers(walk.whole(self._network)):
            op = step.node
            if isinstance(op, Op) and op.layer.at(0).call(op.input).module == module:
                groups.setdefault(initial(op), []).append(path)
        *rarer, most = sorted(groups, key=lambda init: len(groups[init]))
        for init in rarer:
            others = [path for other, paths in groups.items() if other != init for path in paths]
            body = _start(init, "module", guarded=False) or [Code("pass")]
            self._add(self._branch(module, body, _named(groups[init], others)))
        self._add(self._branch(module, _start(most, "module", guarded=False)))


_FIXED = ("constant", "default")  # laws that draw no random numbers


def _common(layers: list[TorchLayer]) -> Init | None:
    """Return the law that holds for all layers of a class, those without a bias left out where it
    is about the bias.
    """
    weights = {layer.init[:2] for layer in layers}
    biases = {layer.init.bias for layer in layers if layer.bias} or {None}
    if len(weights) > 1 or len(biases) > 1:
        return None
    return Init(*weights.pop(), biases.pop())


def _start(init: Init, module: str, *, guarded: bool) -> list[Statement]:
    """Return `nn.init.…(module.weight)` and the same for the bias; `guarded`: there may be none."""
    body: list[Statement] = []
    if init.law != "default":
        body.append(_fill(init.law, dict(init.arguments), f"{module}.weight"))
    if init.bias is not None:
        filled: list[Statement] = [_fill("constant", {"value": init.bias}, f"{module}.bias")]
        body += block(f"if {module}.bias is not None:", filled) if guarded else filled
    return body


def _fill(law: str, arguments: dict[str, str | Fraction], tensor: str) -> Code:
    given = [
        f"{word}={literal(plain(value))}"
        for word, value in arguments.items()
        if isinstance(value, str) or value != LAWS[law][word]  # else it is torch's default
    ]
    if law == "constant":
        value = arguments["value"]
        law = next((word for word, known in CONSTANTS.items() if known == value), law)
        given = [] if law in CONSTANTS else [literal(plain(value))]
    return call(f"nn.init.{law}_", map(Code, [tensor, *given]))


# --- which module ---


def _named(paths: list[str], others: list[str]) -> Code:
    """Return whether `name` is one of these and none of the others: by how they end, where that is
    enough.
    """
    for depth in (1, 2):
        ends = tuple(dict.fromkeys(["." + ".".join(path.split(".")[-depth:]) for path in paths]))
        is_other = any(f".{path}".endswith(ends) for path in others)
        if not is_other and all(path.endswith(ends) for path in paths):
            return call("name.endswith", [_texts(ends)])
    return _texts(paths).after("name == " if len(paths) == 1 else "name in ")


def _texts(texts: Sequence[str]) -> Code:
    quotes = tuple([Code(quoted(text)) for text in texts])
    return quotes[0] if len(quotes) == 1 else Code("(", quotes, ")", rows="each")


def _alone(cls: EmittedClass) -> Iterator[tuple[Term, EmittedStatement]]:
    """Yield the modules that every instance of a class has."""
    for slot in () if cls.is_row else cls.slots:
        if slot.term is not None and slot.optional is None:
            yield slot.term, slot


def _places(term: Term, node: str) -> Iterator[tuple[TorchLayer, str]]:
    """Yield the layers in a term, and how to get there from the module that it makes."""
    match term:
        case TorchLayer():
            yield term, node
        case SequentialRow(items=items):
            for i, item in enumerate(items):
                if not isinstance(item, RowModule) or item.is_spread:
                    return
                name = item.names[0].at()
                inner = f"{node}[{i}]" if name == str(i) else attribute(node, quoted(name))
                yield from _places(item.term, inner)
        case _:
            pass
