"""The results of checking a document: problems, networks, and the nodes of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

from resspec.compiler import Examined, examine_opened
from resspec.diagnostics import Diagnostic, SpecError, UsageError
from resspec.ir.network import Network
from resspec.ir.nodes import Node
from resspec.lowering.network import Lowered
from resspec.lowering.scope import Library
from resspec.lsp.documents import Document
from resspec.lsp.figures import Figures, figures
from resspec.lsp.history import History
from resspec.lsp.recipes import is_recipe, mistakes
from resspec.opening import Opened, open_spec
from resspec.source import Source, Span
from resspec.syntax import ast
from resspec.texts import Overlay

_one_at_a_time = Lock()  # the compiler shares nodes between networks


class Analysis:
    """The result of checking a document.

    Attributes:
        document: The document at the version that was checked.
        problems: The errors and warnings, as `check` prints them.
        failure: A sentence where the check could not be carried out.
        asked: The paths of all files that were looked for.
        source: The text as the parser reads it, if it can be read at all.
        library: The declarations, if there are any.
        figures: The figures of the networks, once they are counted.
        before: Those of the last commit.
    """

    def __init__(
        self, document: Document, opened: Opened | None, examined: Examined, asked: frozenset[str]
    ) -> None:
        self.document = document
        self.problems = [*examined.diagnostics, *examined.warnings()]
        self.failure: str | None = None
        self.asked = asked
        self.library: Library | None = opened.library if opened else None
        self.source: Source | None = self.library.source if self.library else None
        self.paths: Mapping[Source, Path] = opened.paths if opened else {}
        self.networks: dict[str, Network] = {each.name: each for each in examined.networks}
        self.figures: dict[str, Figures] = {}
        self.before: dict[str, Figures] = {}
        self.is_counted = False
        self.lowered: dict[str, Lowered] = {each.declared.name: each for each in examined.lowered}

    @property
    def file(self) -> ast.SpecFile | None:
        """The statements that could be read."""
        return self.library.file if self.library else None

    def nodes(self, span: Span, network: str | None = None) -> list[Node]:
        """Return the nodes that a step became, once for each of its inputs.

        Args:
            span: The place of the step.
            network: The network; by default all of the file.
        """
        chosen = [self.lowered[network]] if network else list(self.lowered.values())
        return list(dict.fromkeys(node for each in chosen for node in each.parts.get(span, ())))

    def count(self, history: History) -> None:
        """Count the figures of the networks, and of those of the last commit."""
        with _one_at_a_time:
            self.figures = {name: figures(each) for name, each in self.networks.items()}
            self.before = history.figures(self.document.path)
            self.is_counted = True


def check(document: Document, buffers: Mapping[str, bytes], *, lowers: bool = True) -> Analysis:
    """Check a document.

    Args:
        document: The document.
        buffers: The texts of all open buffers by their paths, links followed.
        lowers: Whether its networks are checked, too, and not its declarations alone.
    """
    if not document.is_spec:
        return _of_recipe(document)
    with _one_at_a_time:
        overlay = Overlay({**buffers, document.real: document.data})
        return _checked(document, overlay, lowers=lowers)


def _checked(document: Document, overlay: Overlay, *, lowers: bool) -> Analysis:
    opened: Opened | None = None
    try:
        opened = open_spec(document.path, overlay)
        examined = examine_opened(opened) if lowers else Examined([], [], None)
    except SpecError as error:
        examined = Examined(list(error.diagnostics), [], None)
    except UsageError as error:
        found = Analysis(document, None, Examined([], [], None), frozenset(overlay.asked))
        found.failure = str(error)
        return found
    return Analysis(document, opened, examined, frozenset(overlay.asked))


def _of_recipe(document: Document) -> Analysis:
    """Return the check of a recipe; for other YAML, an empty one."""
    found, failure = list[Diagnostic](), None
    if is_recipe(document):
        try:
            found = mistakes(document)
        except UsageError as error:
            failure = str(error)
    analysis = Analysis(document, None, Examined(found, [], None), frozenset())
    analysis.failure = failure
    return analysis


def fixable(problems: Sequence[Diagnostic], source: Source) -> list[Diagnostic]:
    """Return the problems with an edit in a source."""
    return [each for each in problems if each.fix and each.fix.span.source.name == source.name]
