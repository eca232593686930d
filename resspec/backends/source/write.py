"""The emitted file, put together: imports, copied layers, classes, the function that makes the network."""

from __future__ import annotations

import ast

from resspec.backends.source import copied, docstrings
from resspec.backends.source.attributes import Attributes
from resspec.backends.source.classes import Class, classify
from resspec.backends.source.collect import collect
from resspec.backends.source.declared import read
from resspec.backends.source.forward import Forward
from resspec.backends.source.initialise import own_statements, plan
from resspec.backends.source.modules import Constructors
from resspec.backends.source.printer import Marks, Printer
from resspec.backends.source.signature import Signature
from resspec.backends.source.syntax import (
    FORMULAS,
    GLOBALS,
    LOCALS,
    LOOPS,
    Names,
    call,
    class_name,
    constant,
    dotted,
    identifier,
    is_same,
    name,
)
from resspec.diagnostics import InternalError
from resspec.ir.nodes import Network
from resspec.lowering.network import Declared

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
    """Return the text of a Python file with a function, called like the network, that makes its module.

    Parameters are named and ordered as in the IR, start alike under the same seed, and outputs and gradients are bitwise
    those of the module that `resspec.build` makes. A network that comes from a spec is written in the names of its
    declarations; of another one each distinct module has a class of its own.

    Args:
        network: The network.
        fingerprint: The spec's hash, for the docstring.
    """
    declared = network.declared
    template = read(network, declared) if isinstance(declared, Declared) else None
    return _File(network, classify(collect(network, template))).text(fingerprint)


class _File:
    def __init__(self, network: Network, classes: list[Class]) -> None:
        self.network, self.classes, self.root = network, classes, classes[-1]
        taken = GLOBALS | copied.names()
        self.function = Names(taken).new(network.name)
        _name(classes, {self.function, *taken})
        own = {self.function, *taken, *(cls.name for cls in classes)}
        self.signatures = {cls: Signature(cls, own, is_root=cls is self.root) for cls in classes}
        self.begin = plan(classes, network)
        self.marks = Marks()

    def text(self, fingerprint: str | None) -> str:
        written = [self._definition(cls) for cls in self.classes]
        written.append(self._constructor())
        used = {each for statement in written for each in _names(statement)}
        definitions = copied.definitions(used)
        if used & {"named", "numbered"}:
            definitions = [_NAMED, *([_NUMBERED] if "numbered" in used else []), *definitions]
        printer = Printer(self.marks)
        body = [*definitions, *(_printed(statement, printer) for statement in written)]
        used |= {each for text in definitions for each in _names(ast.parse(text))}
        public = f'__all__ = ["{self.root.name}", "{self.function}"]'
        head = [
            docstrings.of_file(self.network, self.function, fingerprint),
            "",
            *_imports(used),
            "",
            public,
        ]
        return "\n".join([*head, "\n", "\n\n\n".join(body), ""])

    def _definition(self, cls: Class) -> ast.stmt:
        signature = self.signatures[cls]
        constructors = Constructors(signature, self.signatures, self.marks)
        if cls.is_row:
            return _row(cls, signature, constructors)
        is_root = cls is self.root
        attributes = Attributes(cls, constructors, shapes=is_root)
        loop = self.begin.loop() if is_root else []
        self.marks.spaced.update(loop)
        start = ast.Expr(call(ast.Attribute(call(name("super")), "__init__")))
        body = [*attributes.body, *own_statements(cls, attributes, self.begin), *loop]
        body = [start, *signature.with_locals(body)]
        forward = Forward(
            cls.slots,
            cls.template.program.result,
            attributes,
            main="x" if is_root else "out",
            comments=self.marks.comments if is_root else None,
        )
        x = _arguments(ast.arg("self"), ast.arg("x", name("Tensor")))
        methods = [
            _function("__init__", _parameters(signature, ast.arg("self")), constant(None), body),
            _function("forward", x, name("Tensor"), forward.statements()),
        ]
        words = (
            docstrings.of_network(self.network) if is_root else docstrings.of_class(cls, signature)
        )
        return ast.ClassDef(cls.name, [dotted("nn.Module")], [], [_words(words), *methods], [])

    def _constructor(self) -> ast.stmt:
        """The function that makes the network, with the parameters that its declaration has."""
        signature, result = self.signatures[self.root], name(self.root.name)
        given = [name(parameter.name) for parameter in signature.parameters]
        body = [_words(docstrings.FUNCTION), ast.Return(call(result, *given))]
        return _function(self.function, _parameters(signature), result, body)


def _name(classes: list[Class], taken: set[str]) -> None:
    """Name classes and functions, the network's own first."""
    variables = {
        name.partition(":")[0]
        for cls in classes
        for body in cls.bodies
        for name in (*body.level.values, *body.level.lets)
    }
    names = Names([*taken, *LOCALS, *LOOPS, *FORMULAS, "in_channels", *map(identifier, variables)])
    for cls in [classes[-1], *classes[:-1]]:
        kind = cls.template.kind
        cls.name = names.new(kind if cls.is_row else class_name(kind))


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _printed(statement: ast.stmt, printer: Printer) -> str:
    """Its text, which parses to nothing else: whatever a spec says, it has not got out of its place."""
    text = "\n".join(printer.block([statement], 0))
    if not is_same(ast.parse(text), ast.Module([statement], [])):
        raise InternalError(f"the emitted text does not mean what it should: {text[:200]}")
    return text


def _imports(used: set[str]) -> list[str]:
    names = ", ".join(word for word in ("Tensor", "nn") if word in used)
    return [
        *(line for word, line in _IMPORTS.items() if word in used),
        f"from torch import {names}",
    ]


def _words(text: str) -> ast.stmt:
    return ast.Expr(constant(text))


def _row(cls: Class, signature: Signature, constructors: Constructors) -> ast.stmt:
    """A function that returns modules in a row."""
    row = cls.slots[0].term
    assert row is not None
    body: list[ast.stmt] = [ast.Return(constructors.expression(row))]
    return _function(
        cls.name, _parameters(signature), dotted("nn.Sequential"), signature.with_locals(body)
    )


def _parameters(signature: Signature, *first: ast.arg) -> ast.arguments:
    parameters = signature.parameters
    arguments = _arguments(*first, *(ast.arg(p.name, p.annotation) for p in parameters))
    arguments.defaults = [constant(p.default) for p in parameters if p.default is not None]
    return arguments


def _arguments(*given: ast.arg) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[], args=list(given), kwonlyargs=[], kw_defaults=[], defaults=[]
    )


def _function(
    text: str, arguments: ast.arguments, result: ast.expr, body: list[ast.stmt]
) -> ast.FunctionDef:
    return ast.FunctionDef(text, arguments, body, [], result)
