"""The emitted file, put together: imports, copied layers, classes, the function that makes the network."""

from __future__ import annotations

import ast

from resspec.backends.source import copied, docstrings
from resspec.backends.source.attributes import Attributes
from resspec.backends.source.collect import collect
from resspec.backends.source.families import Class, families
from resspec.backends.source.forward import Forward
from resspec.backends.source.initialise import Plan, own_statements, plan
from resspec.backends.source.formulas import with_locals
from resspec.backends.source.modules import Constructors, signature
from resspec.backends.source.patterns import RowPattern
from resspec.backends.source.printer import Marks, Printer
from resspec.backends.source.syntax import GLOBALS, Names, call, constant, dotted, is_same, name
from resspec.diagnostics import InternalError
from resspec.ir.nodes import Network

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
    """The text of a Python file with a function, called like the network, that makes its module: parameters named and
    ordered as in the IR, started alike under the same seed, outputs and gradients bitwise those of the module that
    `resspec.build` makes. `fingerprint`: the spec's hash, for the docstring."""
    taken = GLOBALS | copied.names()
    function = Names(taken).new(network.name)
    classes = families(collect(network), {function, *taken})
    begin = plan(classes, network)
    marks = Marks()
    written: list[ast.stmt] = [
        _definition(cls, begin, marks, docstrings.of_class(cls)) for cls in classes[:-1]
    ]
    written.append(
        _definition(classes[-1], begin, marks, docstrings.of_network(network), last=True)
    )
    own = name(classes[-1].name)
    written.append(
        _function(function, _arguments(), own, [_words(docstrings.FUNCTION), ast.Return(call(own))])
    )
    used = {
        node.id
        for statement in written
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
    }
    definitions = copied.definitions(used)
    if used & {"named", "numbered"}:
        definitions = [_NAMED, *([_NUMBERED] if "numbered" in used else []), *definitions]
    printer = Printer(marks)
    body = [*definitions, *(_printed(statement, printer) for statement in written)]
    used |= {
        node.id
        for text in definitions
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name)
    }
    public = f'__all__ = ["{classes[-1].name}", "{function}"]'
    head = [docstrings.of_file(network, function, fingerprint), "", *_imports(used), "", public]
    return "\n".join([*head, "\n", "\n\n\n".join(body), ""])


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


def _definition(
    cls: Class, begin: Plan, marks: Marks, docstring: str, *, last: bool = False
) -> ast.stmt:
    constructors = Constructors(cls, marks)
    if cls.form != "class":
        return _chain(cls, constructors)
    attributes = Attributes(cls, constructors, shapes=last)
    loop = begin.loop() if last else []
    marks.spaced.update(loop)
    body = [*attributes.body, *own_statements(cls, attributes, begin), *loop]
    start = ast.Expr(call(ast.Attribute(call(name("super")), "__init__")))
    comments = marks.comments if last else None
    forward = Forward(
        cls.slots, cls.template.result, attributes, main="x" if last else "out", comments=comments
    )
    methods = [
        _function(
            "__init__",
            _parameters(cls, ast.arg("self")),
            constant(None),
            [start, *with_locals(cls.solver, body)],
        ),
        _function(
            "forward",
            _arguments(ast.arg("self"), ast.arg("x", name("Tensor"))),
            name("Tensor"),
            forward.statements(),
        ),
    ]
    return ast.ClassDef(cls.name, [dotted("nn.Module")], [], [_words(docstring), *methods], [])


def _words(text: str) -> ast.stmt:
    return ast.Expr(constant(text))


def _chain(cls: Class, constructors: Constructors) -> ast.stmt:
    """A function that returns modules in a row."""
    pattern = cls.slots[0].pattern
    assert isinstance(pattern, RowPattern)
    result, made = dotted("nn.Sequential"), constructors.expression(pattern)
    if cls.form == "list":
        made, result = (
            ast.List(constructors.modules(pattern.items)),
            ast.Subscript(name("list"), dotted("nn.Module")),
        )
    return _function(
        cls.name, _parameters(cls), result, with_locals(cls.solver, [ast.Return(made)])
    )


def _parameters(cls: Class, *first: ast.arg) -> ast.arguments:
    parameters = signature(cls.parameters)
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
