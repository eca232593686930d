"""The emitted file, put together: imports, copied layers, classes, the function that makes the
network.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from resspec.backends.errors import need_no_placeholder
from resspec.backends.source import copied, docstrings
from resspec.backends.source.attributes import ClassAttributes
from resspec.backends.source.classes import EmittedClass, classify
from resspec.backends.source.collect import collect
from resspec.passes.declarations import read
from resspec.backends.source.forward import Forward
from resspec.backends.source.initialize import initialization
from resspec.backends.source.layout import BLANK, Block, Code, Statement, call, lay_out
from resspec.backends.source.modules import Constructors
from resspec.backends.source.signature import Signature
from resspec.backends.source.syntax import (
    FORMULAS,
    GLOBALS,
    LOCALS,
    LOOPS,
    Names,
    class_name,
    identifier,
    quoted,
)
from resspec.ir.network import Network
from resspec.lowering.network import Declared
from resspec.passes.receptive import feature_info

_IMPORTS = {"torch": "import torch", "F": "import torch.nn.functional as F"}
_NAMED = '''\
def named(**modules: nn.Module) -> nn.Sequential:
    """The modules in a row, under these names."""
    row = nn.Sequential()
    for name, module in modules.items():
        row.add_module(name, module)
    return row'''
_NUMBERED = '''\
def numbered(prefix: str, *modules: nn.Module, start: int = 0) -> nn.Sequential:
    """The modules in a row, under the names prefix0, prefix1, ..."""
    return named(**{f"{prefix}{i}": module for i, module in enumerate(modules, start)})'''


def emit(network: Network, fingerprint: str | None = None) -> str:
    """Return the text of a Python file with a function, called like the network, that makes its
    module.

    Parameters are named and ordered as in the IR, start alike under the same seed, and outputs and
    gradients are bitwise those of the module that `resspec.build` makes. A network that comes from
    a spec is written in the names of its declarations; of another one each distinct module has a
    class of its own.

    Args:
        network: The network.
        fingerprint: The spec's hash, for the docstring and `HASH`: weights of the same spec have it
            in their metadata.

    Raises:
        UsageError: The network has placeholders.
    """
    need_no_placeholder(network)
    declared = network.declared
    template = read(network, declared) if isinstance(declared, Declared) else None
    return _File(network, classify(collect(network, template))).text(fingerprint)


class _File:
    def __init__(self, network: Network, classes: list[EmittedClass]) -> None:
        self.network, self.classes, self.root = network, classes, classes[-1]
        taken = GLOBALS | copied.definitions().keys()
        self.function = Names(taken).new(network.name)
        _name(classes, {self.function, *taken})
        own = {self.function, *taken, *(cls.name for cls in classes)}
        self.signatures = {cls: Signature(cls, own, is_root=cls is self.root) for cls in classes}

    def text(self, fingerprint: str | None) -> str:
        """Return the text of the file."""
        written = [lay_out([self._definition(cls)]) for cls in self.classes]
        written.append(lay_out([self._function()]))
        used = _names("\n".join(written))
        definitions: list[str] = []
        while (needed := copied.needed(used)) != definitions:
            definitions = needed
            used |= _names("\n".join(definitions))
        if used & {"named", "numbered"}:
            definitions = [_NAMED, *([_NUMBERED] if "numbered" in used else []), *definitions]
        used |= _names("\n".join(definitions))
        names = [Code(quoted(name)) for name in (self.root.name, self.function)]
        public = Code("__all__ = [", tuple(names), "]", rows="each").lines()
        if fingerprint is not None:
            public.append(f'HASH = "{fingerprint}"  # of the spec')
        words = docstrings.of_file(self.network, self.function, fingerprint)
        head = [words, "", *_imports(used), "", *public]
        return "\n".join([*head, "\n", "\n\n\n".join([*definitions, *written]), ""])

    def _definition(self, cls: EmittedClass) -> Block:
        """Return a class, or a function that returns modules in a row."""
        signature = self.signatures[cls]
        constructors = Constructors(signature, self.signatures)
        parameters = [parameter.code for parameter in signature.parameters]
        if cls.is_row:
            (row,) = cls.terms()
            made = constructors.expression(row).after("return ")
            return _def(cls.name, parameters, "nn.Sequential", [*signature.locals, made])
        is_root = cls is self.root
        attributes = ClassAttributes(cls, constructors)
        start = [
            Code("super().__init__()"),
            *signature.locals,
            *attributes.body,
            *(initialization(self.classes, self.network) if is_root else []),
            *(self._feature_info() if is_root else []),
        ]
        program = cls.template.program
        forward = Forward(cls.slots, program, attributes, main="x" if is_root else "out")
        returns = "dict[str, Tensor]" if program.outputs else "Tensor"
        words = (
            docstrings.of_network(self.network) if is_root else docstrings.of_class(cls, signature)
        )
        methods: list[Statement] = [
            Code(f'"""{words}"""'),
            BLANK,
            _def("__init__", [Code("self"), *parameters], "None", start),
            BLANK,
            _def("forward", [Code("self"), Code("x: Tensor")], returns, forward.returned()),
        ]
        return Block(Code(f"class {cls.name}(nn.Module):"), methods)

    def _feature_info(self) -> list[Statement]:
        """Return the assignment of `feature_info`, as in timm's models."""
        items = []
        for each in feature_info(self.network):
            entry = [
                Code(f'"num_chs": {each["num_chs"]}'),
                Code(f'"reduction": {each["reduction"]}'),
            ]
            items.append(Code("{", (*entry, Code(f'"module": {quoted(each["module"])}')), "}"))
        return [Code("self.feature_info = [", tuple(items), "]", rows="each")] if items else []

    def _function(self) -> Block:
        """Return the function that makes the network, with the parameters of its declaration."""
        parameters, result = self.signatures[self.root].parameters, self.root.name
        made = call(result, [Code(parameter.name) for parameter in parameters])
        body = [Code(docstrings.FUNCTION), made.after("return ")]
        return _def(self.function, [parameter.code for parameter in parameters], result, body)


def _def(name: str, parameters: list[Code], result: str, body: Sequence[Statement]) -> Block:
    return Block(call(f"def {name}", parameters).before(f" -> {result}:"), body)


def _name(classes: list[EmittedClass], taken: set[str]) -> None:
    """Name classes and functions, the network's own first."""
    levels = [body.level for cls in classes for body in cls.bodies]
    variables = {
        name.partition(":")[0] for level in levels for name in (*level.values, *level.lets)
    }
    names = Names([*taken, *LOCALS, *LOOPS, *FORMULAS, "in_channels", *map(identifier, variables)])
    for cls in [classes[-1], *classes[:-1]]:
        kind = cls.template.kind
        cls.name = names.new(kind if cls.is_row else class_name(kind))


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _imports(used: set[str]) -> list[str]:
    lines = [line for word, line in _IMPORTS.items() if word in used]
    return [*lines, "from torch import Tensor, nn"]
