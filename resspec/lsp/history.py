"""The figures of the networks in the last commit, counted once for each."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from resspec.compiler import examine_opened
from resspec.diagnostics import ResspecError
from resspec.lsp.figures import Figures, figures
from resspec.opening import open_spec
from resspec.revision import Revision
from resspec.texts import AtRevision

_SECONDS = 2.0  # between two looks at the repository


class History:
    """The last commits of some repositories."""

    def __init__(self) -> None:
        self._looked: dict[Path, tuple[float, Revision | None]] = {}
        self._known: dict[tuple[str, Path], dict[str, Figures]] = {}

    def figures(self, path: Path) -> dict[str, Figures]:
        """Return the figures of the networks of a file by their names; none where git has none."""
        revision = self._head(path.parent)
        if revision is None:
            return {}
        key = revision.commit, path
        if key not in self._known:
            self._known[key] = _figures(path, revision)
        return self._known[key]

    def _head(self, folder: Path) -> Revision | None:
        when, revision = self._looked.get(folder, (-_SECONDS, None))
        if monotonic() - when < _SECONDS:
            return revision
        try:
            revision = Revision("HEAD", folder)
        except ResspecError:
            revision = None
        self._looked[folder] = monotonic(), revision
        return revision


def _figures(path: Path, revision: Revision) -> dict[str, Figures]:
    texts = AtRevision(revision)
    try:
        if not revision.is_file(path):
            return {}
        networks = examine_opened(open_spec(path, texts)).networks
    except ResspecError:
        return {}
    return {network.name: figures(network) for network in networks}
