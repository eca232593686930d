"""Who declares what: the files of a spec and the libraries they use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from resspec.diagnostics import Diagnostic, SpecError
from resspec.ir.ops import OPS
from resspec.lowering import errors
from resspec.source import Source, Span
from resspec.suggest import nearest
from resspec.syntax import ast
from resspec.syntax.parse import parse

RESERVED = frozenset(
    "use let block shortcut network input stem stage head init replace expect preact residual after "
    "x in out stride index count true false".split()
)
MERGES = ("add", "concat", "mul")
BUILT_IN = frozenset({*OPS, *MERGES, "none"})

Named = ast.Let | ast.Block | ast.Option | ast.Network | ast.Derived
Reader = Callable[[ast.Use, Source], Source]  # raises SpecError where there is no such library


@dataclass(eq=False, repr=False)
class Library:
    """One file: what it declares, and the libraries that it uses."""

    source: Source
    own: dict[str, Named] = field(default_factory=dict)
    used: list[tuple[ast.Use, Library]] = field(default_factory=list)

    def find(self, name: str, *kinds: type) -> list[tuple[Named, Library]]:
        """Declarations of a name: the own one, else those of all libraries used, directly or through others."""
        own = self.own.get(name)
        if own is not None and isinstance(own, kinds):
            return [(own, self)]
        found: dict[int, tuple[Named, Library]] = {}
        for _, library in self.used:
            for declared, owner in library.find(name, *kinds):
                found[id(declared)] = (declared, owner)
        return list(found.values())

    def span(self, text: str) -> Span:
        """The place that the IR keeps as `file:line:column-line:column`, in this file or one that it uses."""
        name, line, column, last = text.rsplit(":", 3)
        source = next(s for s in self._sources() if s.name == name)
        end_line = column.rsplit("-", 1)[-1]
        return Span(source, source.offset(int(line), int(column.split("-")[0])), source.offset(int(end_line), int(last)))

    def _sources(self) -> list[Source]:
        return [self.source, *(source for _, library in self.used for source in library._sources())]

    def names(self, *kinds: type) -> set[str]:
        """Every name that `find` finds."""
        own = {name for name, declared in self.own.items() if isinstance(declared, kinds)}
        return own.union(*(library.names(*kinds) for _, library in self.used))


class Loader:
    """Reads a file and, each once, all that it uses."""

    def __init__(self, read: Reader, report: Callable[[Diagnostic], None]) -> None:
        self._read = read
        self._report = report
        self._loaded: dict[str, Library] = {}
        self._open: list[tuple[str, Span]] = []

    def load(self, source: Source) -> Library:
        library = self._loaded[source.name] = Library(source)
        file = parse(source)
        for declaration in file.declarations:
            if isinstance(declaration, ast.Use):
                self._use(library, declaration)
            else:
                self._declare(library, declaration)
        return library

    def _use(self, library: Library, use: ast.Use) -> None:
        try:
            source = self._read(use, library.source)
            if source.name in (name for name, _ in self._open) or source.name == library.source.name:
                self._report(errors.use_cycle(use.span, source.name, [span for _, span in self._open]))
                return
            if source.name not in self._loaded:
                self._open.append((library.source.name, use.span))
                try:
                    self.load(source)
                finally:
                    self._open.pop()
            library.used.append((use, self._loaded[source.name]))
        except SpecError as error:
            for diagnostic in error.diagnostics:
                self._report(diagnostic)

    def _declare(self, library: Library, declaration: Named) -> None:
        name = declaration.name
        if name.text in RESERVED:
            self._report(errors.reserved(name.span))
        elif name.text in BUILT_IN:
            self._report(errors.redefines_layer(name.span))
        elif first := library.own.get(name.text):
            self._report(errors.defined_twice(name.span, first.name.span))
        else:
            library.own[name.text] = declaration


def find_one(
    library: Library, name: ast.Name, report: Callable[[Diagnostic], None], *kinds: type
) -> tuple[Named, Library] | None:
    """The declaration of a name; two libraries that define it differently are reported. None where there is none."""
    found = library.find(name.text, *kinds)
    if len(found) > 1:
        report(errors.ambiguous(name.span, [declared.name.span for declared, _ in found]))
    return found[0] if found else None


def suggestion(library: Library, word: str, extra: set[str], *kinds: type) -> str | None:
    return nearest(word, library.names(*kinds) | extra)
