"""Who declares what: the files of a spec and the libraries they use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from resspec.diagnostics import Diagnostic, Reporter, SpecError
from resspec.ir.ops import OPS
from resspec.lowering import name_errors, shape_errors
from resspec.lowering.functions import FUNCTIONS
from resspec.source import Source, Span
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.parse import parse_partly

RESERVED = frozenset(
    "use let block shortcut network input stem stage stages head init replace expect preact "
    "residual after x in out stride index count true false if else sequential output".split()
)
MERGES = ("add", "concat", "mul")
CASES = ("same", "widen", "narrow", "change")  # what a shortcut option has arms for
BUILT_IN = frozenset({*OPS, *MERGES, *FUNCTIONS, "none"})
MAX_USES = 64  # files of which each uses the next
MAX_SUGGESTIONS = 25

Named = ast.Let | ast.Block | ast.Option | ast.NetworkDecl | ast.Derived | ast.Broken
_Sound = ast.Let | ast.Block | ast.Option | ast.NetworkDecl | ast.Derived
Reader = Callable[
    [ast.UseDecl, Source], Source
]  # one source for each file; raises SpecError where there is none
BaseReader = Callable[[ast.Identifier, Source], Source | None]  # None: no spec has a plain name
Elsewhere = Callable[[str], Sequence[str]]  # the libraries that could be used, and declare a name


class Base(NamedTuple):
    """A network of another spec, which a network of this one is derived from."""

    library: Library
    name: str


@dataclass(eq=False, repr=False)
class Library:
    """One file: what it declares, and the libraries that it uses; `partial` where one of these
    could not be read.
    """

    source: Source
    file: ast.SpecFile | None = None
    own: dict[str, Named] = field(default_factory=dict)
    used: list[Library] = field(default_factory=list)
    bases: dict[str, Base | None] = field(default_factory=dict)  # of other specs, by their paths
    partial: bool = False
    elsewhere: Elsewhere = lambda _: ()
    suggestions: int = 0  # that were asked for

    def find(self, name: str, *kinds: type) -> list[tuple[Named, Library]]:
        """Declarations of a name: the own one, else those of all libraries used, directly or
        through others.
        """
        found: list[tuple[Named, Library]] = []
        reached = [self]
        for library in reached:
            declared = library.own.get(name)
            if declared is not None and isinstance(declared, (*kinds, ast.Broken)):
                found.append((declared, library))
            else:
                reached += [used for used in dict.fromkeys(library.used) if used not in reached]
        return found

    def all(self) -> list[Library]:
        """This library and, each once, all that it uses or derives networks from."""
        reached = [self]
        for library in reached:
            bases = [base.library for base in library.bases.values() if base]
            others = dict.fromkeys([*library.used, *bases])
            reached += [other for other in others if other not in reached]
        return reached

    def all_used(self) -> list[Library]:
        """This library and, each once, all that it uses, directly or through others."""
        reached = [self]
        for library in reached:
            reached += [used for used in dict.fromkeys(library.used) if used not in reached]
        return reached

    def span(self, text: str) -> Span:
        """The place that the IR keeps as `file:line:column-line:column`, in this file or one that
        it uses.
        """
        name, line, column, last = text.rsplit(":", 3)
        source = next(library.source for library in self.all() if library.source.name == name)
        end_line = column.rsplit("-", 1)[-1]
        return Span(
            source,
            source.offset(int(line), int(column.split("-")[0])),
            source.offset(int(end_line), int(last)),
        )

    def names(self, *kinds: type) -> set[str]:
        """Every name that `find` finds."""
        kinds = (*kinds, ast.Broken)
        return {
            name
            for library in self.all_used()
            for name, declared in library.own.items()
            if isinstance(declared, kinds)
        }


class Loader:
    """Reads a file and, each once, all that it uses."""

    def __init__(
        self, read: Reader, read_base: BaseReader, report: Reporter, elsewhere: Elsewhere
    ) -> None:
        self._read = read
        self._read_base = read_base
        self._elsewhere = elsewhere
        self._report = report
        self._loaded: dict[Source, Library] = {}
        self._open: list[tuple[Source, Span]] = []

    def load(self, source: Source) -> Library:
        library = self._loaded[source] = Library(source, partial=True, elsewhere=self._elsewhere)
        file, mistakes = parse_partly(source)
        if file is None:
            raise SpecError(mistakes)
        for mistake in mistakes:
            self._report(mistake)
        library.file, library.partial = file, False
        for declaration in file.declarations:
            match declaration:
                case ast.UseDecl():
                    self._use(library, declaration)
                case ast.Broken(word=word, name=name):
                    self._declare_broken(library, word, name, declaration)
                case _:
                    self._declare(library, declaration)
        for declaration in file.declarations:
            if isinstance(declaration, ast.Derived):
                self._derive(library, declaration.base)
        return library

    def _source(self, use: ast.UseDecl, user: Source) -> Source:
        """The one that is meant, where that is no question, so that its names are known."""
        try:
            return self._read(use, user)
        except SpecError as error:
            fix = error.diagnostics[0].fix
            if fix is None or fix.span.source is not user:
                raise
            self._report(error.diagnostics[0])
            return self._read(
                use._replace(target=ast.Identifier(fix.text.strip('"'), use.target.span)), user
            )

    def _declare_broken(
        self, library: Library, word: str, name: ast.Identifier, declaration: ast.Broken
    ) -> None:
        """Its name stands for anything; where there is none to be seen, any name may be meant."""
        if not name.text or word == "use":
            library.partial = True
        else:
            library.own.setdefault(name.text, declaration)

    def _use(self, library: Library, use: ast.UseDecl) -> None:
        used = self._opened(library, use.span, lambda: self._source(use, library.source))
        if used is None:
            library.partial = True
        else:
            library.used.append(used)
            library.partial |= used.partial

    def _derive(self, library: Library, base: ast.Identifier) -> None:
        """Read the spec that a network is derived from, unless its base is declared here."""
        is_path = "/" in base.text
        if base.text in library.bases:
            return
        if not is_path and (
            library.partial or library.find(base.text, ast.NetworkDecl, ast.Derived)
        ):
            return
        try:
            source = self._read_base(base, library.source)
        except SpecError as error:
            library.bases[base.text] = None
            self._report(error.diagnostics[0])
            return
        if source is None:
            return
        library.bases[base.text] = None
        if other := self._opened(library, base.span, lambda: source):
            library.bases[base.text] = self._network(other, base)

    def _network(self, other: Library, base: ast.Identifier) -> Base | None:
        """Return the network of a spec that has the file's name, or that is the only one."""
        declared = other.own.items()
        names = [name for name, each in declared if isinstance(each, ast.NetworkDecl | ast.Derived)]
        stem = base.text.rpartition("/")[2]
        if stem in names:
            return Base(other, stem)
        if len(names) == 1:
            return Base(other, names[0])
        if not any(isinstance(each, ast.Broken) for _, each in declared):
            self._report(name_errors.unnamed_base(base.span, other.source.name, names))
        return None

    def _opened(self, library: Library, span: Span, read: Callable[[], Source]) -> Library | None:
        """Return another file, loaded; None once something was reported."""
        if len(self._open) >= MAX_USES:
            self._report(shape_errors.too_deep(span, "files use files", MAX_USES))
            return None
        try:
            source = read()
            if source is library.source or any(source is opened for opened, _ in self._open):
                places = [span for _, span in self._open]
                self._report(name_errors.use_cycle(span, source.name, places))
                return None
            if source not in self._loaded:
                self._open.append((library.source, span))
                try:
                    self.load(source)
                finally:
                    self._open.pop()
        except SpecError as error:
            for diagnostic in error.diagnostics:
                self._report(diagnostic)
            return None
        return self._loaded[source]

    def _declare(self, library: Library, declaration: _Sound) -> None:
        first = library.own.get(declaration.name.text)
        if self._is_sound(declaration.name, first.name if first else None):
            library.own[declaration.name.text] = declaration
        inside: dict[str, ast.Identifier] = {}
        for name in _names_inside(declaration):
            if self._is_sound(name, inside.get(name.text)):
                inside[name.text] = name
        if isinstance(declaration, ast.Option):
            self._arms(declaration)

    def _arms(self, option: ast.Option) -> None:
        seen: dict[str, ast.Identifier] = {}
        for case, _ in option.arms:
            if case.text not in CASES:
                self._report(name_errors.unknown_arm(case.span, alike(case.text, CASES)))
            elif first := seen.get(case.text):
                self._report(name_errors.defined_twice(case.span, first.span))
            seen.setdefault(case.text, case)

    def _is_sound(self, name: ast.Identifier, first: ast.Identifier | None) -> bool:
        """Return whether the name can be declared."""
        if name.text in RESERVED:
            self._report(name_errors.reserved(name.span))
        elif name.text in BUILT_IN:
            self._report(name_errors.redefines_layer(name.span))
        elif first is not None:
            self._report(name_errors.defined_twice(name.span, first.span))
        else:
            return True
        return False


def _names_inside(declaration: _Sound) -> list[ast.Identifier]:
    """Return what a declaration declares for itself: its parameters and constants."""
    if isinstance(declaration, ast.Option):
        return [parameter.name for parameter in declaration.parameters]
    if not isinstance(declaration, ast.Block | ast.NetworkDecl | ast.Derived):
        return []
    constants = [clause.name for clause in declaration.clauses if isinstance(clause, ast.Let)]
    return [*(parameter.name for parameter in declaration.parameters), *constants]


def find_one(
    library: Library, name: ast.Identifier, report: Reporter, *kinds: type
) -> tuple[Named, Library] | None:
    """The declaration of a name; two libraries that define it are reported. None where there is
    none.
    """
    found = library.find(name.text, *kinds)
    if len(found) > 1:
        report(name_errors.ambiguous(name.span, [declared.name.span for declared, _ in found]))
    return found[0] if found else None


def report_unknown(library: Library, diagnostic: Diagnostic, report: Reporter) -> None:
    """Report a name that is declared nowhere, unless a library that may well declare it could not
    be read.
    """
    if not library.partial:
        report(diagnostic)


def suggestion(library: Library, word: str, extra: set[str], *kinds: type) -> tuple[str, ...]:
    """Did you mean; not beyond the first unknown names of a file, since each is compared with all
    that are known.
    """
    library.suggestions += 1
    return (
        () if library.suggestions > MAX_SUGGESTIONS else alike(word, library.names(*kinds) | extra)
    )
