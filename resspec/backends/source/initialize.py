"""The initial weights: one loop over all modules, by their classes and, where that is not enough,
their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from resspec.backends.source import copied
from resspec.backends.source.classes import EmittedClass
from resspec.backends.source.layout import BLANK, Code, Statement, block, call
from resspec.backends.source.syntax import literal, quoted
from resspec.backends.source.terms import TorchLayer, leaves
from resspec.backends.source.torch_layers import initial
from resspec.ir import walk
from resspec.ir.ops.layer import plain
from resspec.ir.init import CONSTANTS, LAWS, Init
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


def initialization(classes: Iterable[EmittedClass], network: Network) -> list[Statement]:
    """Return the loop over all modules in the network's constructor.

    An initializer has one branch for all layers of a class where it is the same for them, else one
    for each group of layers, by their names.
    """
    found: dict[str, list[TorchLayer]] = {}
    for cls in classes:
        for leaf in (leaf for term in cls.terms() for leaf in leaves(term)):
            if isinstance(leaf, TorchLayer):
                found.setdefault(leaf.module, []).append(leaf)
    branches: list[InitBranch] = []
    for module, layers in found.items():
        name = copied.qualified(module)
        is_base = any(copied.base(other) == name for other in found)
        law = _common(layers)
        if law is None:
            bodies = _by_name(module, network)
            branches += [InitBranch([name], body, names, is_base) for names, body in bodies]
        else:
            body = _start(law, guarded=not all(layer.bias for layer in layers))
            _add_whole(InitBranch([name], body, None, is_base), branches)
    lines: list[Statement] = []
    for branch in branches:
        word = "elif" if lines else "if"
        lines += block(branch.test().after(f"{word} ").before(":"), branch.body)
    is_named = any(branch.names for branch in branches)
    over = "name, module in self.named_modules()" if is_named else "module in self.modules()"
    return [BLANK, *block(f"for {over}:", lines)] if lines else []


def _add_whole(new: InitBranch, branches: list[InitBranch]) -> None:
    """Add a branch for all modules of a class, or the class to one with the same body."""
    for branch in branches:
        if new.is_whole and branch.is_whole and branch.body == new.body:
            branch.classes += new.classes
            return
    branches.append(new)


def _by_name(module: str, network: Network) -> list[tuple[Code | None, list[Statement]]]:
    """Return a test of the name and the body of each initializer of a class of layers; the most
    frequent is the last, and has no test.
    """
    groups: dict[Init, list[str]] = {}
    for path, step in walk.layers(walk.whole(network)):
        op = step.node
        if isinstance(op, Op) and op.layer.at(0).call(op.input).module == module:
            groups.setdefault(initial(op), []).append(path)
    *rarer, most = sorted(groups, key=lambda init: len(groups[init]))
    branches: list[tuple[Code | None, list[Statement]]] = []
    for init in rarer:
        others = [path for other, paths in groups.items() if other != init for path in paths]
        branches.append((_named(groups[init], others), _start(init) or [Code("pass")]))
    return [*branches, (None, _start(most))]


def _common(layers: list[TorchLayer]) -> Init | None:
    """Return the law that holds for all layers of a class, those without a bias left out where it
    is about the bias.
    """
    weights = {layer.init[:2] for layer in layers}
    biases = {layer.init.bias for layer in layers if layer.bias} or {None}
    if len(weights) > 1 or len(biases) > 1:
        return None
    return Init(*weights.pop(), biases.pop())


def _start(init: Init, *, guarded: bool = False) -> list[Statement]:
    """Return `nn.init.…(module.weight)` and the same for the bias; `guarded`: there may be none."""
    body: list[Statement] = []
    if init.law != "default":
        body.append(_fill(init.law, dict(init.arguments), "module.weight"))
    if init.bias is not None:
        filled: list[Statement] = [_fill("constant", {"value": init.bias}, "module.bias")]
        body += block("if module.bias is not None:", filled) if guarded else filled
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
