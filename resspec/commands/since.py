"""`resspec diff --since REV`: every network of a git repository that differs from a revision."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resspec.commands.apart import text_from
from resspec.commands.terminal import note
from resspec.diagnostics import ResspecError, SpecError, UsageError
from resspec.importing.sources import FILES

if TYPE_CHECKING:
    from resspec.backends.diff import Diff
    from resspec.compiler import Loaded, Shared
    from resspec.project import ProjectNetwork
    from resspec.revision import Revision

    Load = Callable[[Shared], Loaded]
    Found = tuple[str, "_Sides | _Broken"]


def since(arguments: Namespace, text_of: Callable[[Diff], str]) -> int:
    """Print the networks that differ from a revision, also where only a library of theirs changed.

    A network that is broken on either side is skipped with a note. Returns 2 where it is broken
    now.
    """
    from resspec.changed import changed
    from resspec.revision import Revision

    revision = Revision.fork(arguments.since)
    heading = "### `{}`\n" if arguments.format == "markdown" else "{}\n"
    differ, is_broken = False, False
    specs = (found for path in changed(revision) for found in _of_file(path, revision))
    others = _of_project(revision, runs_code=arguments.allow_code)
    for name, found in chain(specs, others):
        compared = found if isinstance(found, _Broken) else _difference(found, arguments.ignore)
        if isinstance(compared, _Broken):
            is_broken = is_broken or compared.now
            when = "it is broken now" if compared.now else f"it was broken in {arguments.since}"
            note(f"{name} was skipped, {when}: {_brief(compared.error)}")
        elif not compared.same:
            differ = True
            print(heading.format(name), text_of(compared), sep="")
    return 2 if is_broken else int(differ and not arguments.exit_zero)


def _brief(error: ResspecError) -> str:
    """Return one line about an error."""
    return error.diagnostics[0].brief if isinstance(error, SpecError) else str(error)


class _Broken(NamedTuple):
    error: ResspecError
    now: bool


class _Sides(NamedTuple):
    then: Load
    now: Load


def _of_file(path: Path, revision: Revision) -> Iterator[Found]:
    """Yield each network of a file, as `FILE:NAME`."""
    from resspec.compiler import load_revised
    from resspec.opening import networks

    shown = os.path.relpath(path)
    try:
        names = [name for name, missing in networks(path).items() if not missing]
    except (SpecError, UsageError) as error:
        yield shown, _Broken(error, now=True)
        return
    try:
        before = networks(path, revision) if names else {}
    except SpecError as error:
        yield shown, _Broken(error, now=False)
        return
    for name in names:
        now, then = f"{shown}:{name}", f"{revision.shown(path)}:{name}"
        if before.get(name) == []:
            yield now, _Sides(partial(load_revised, then), partial(load_revised, now))
        else:
            try:
                load_revised(now)
            except SpecError as error:
                yield now, _Broken(error, now=True)


def _difference(given: _Sides, ignores: str | None) -> Diff | _Broken:
    """Return the difference of two networks, or the one that is broken; the one of now first."""
    from resspec.backends.diff import DiffSide, diff
    from resspec.backends.report import report
    from resspec.compiler import Shared
    from resspec.ir.uninitialized import without_init
    from resspec.passes.quantities import Known

    known, shared = Known(), Shared()
    sides = []
    for load, is_now in ((given.now, True), (given.then, False)):
        try:
            network, place = load(shared)
        except (SpecError, UsageError) as error:
            return _Broken(error, is_now)
        network = without_init(network) if ignores else network
        sides.append(DiffSide(report(network, known=known), network, place))
    now, then = sides
    return diff(then, now, known.digests)


def _of_project(revision: Revision, *, runs_code: bool) -> Iterator[Found]:
    """Yield the networks of `resspec.toml` that were there."""
    from resspec.project import networks_now, networks_then

    now = networks_now(revision.root)
    if not now:
        return
    then = networks_then(revision)
    before = now if then is None else then
    names = [name for name in now if name in before]
    allowed = [name for name in names if runs_code or not _is_code(now[name], before[name])]
    for name in names:
        if name not in allowed:
            runs = f"importing {now[name].source} runs Python code"
            note(f"{name} was skipped: {runs}, which needs --allow-code")
    if not allowed:
        return
    with revision.checked_out() as folder:
        for name in allowed:
            load_now = partial(_imported, now[name], revision.root, now[name].source)
            shown = f"{revision.name}:{before[name].source}"
            load_then = partial(_imported, before[name], folder, shown)
            yield name, _Sides(load_then, load_now)


def _is_code(*networks: ProjectNetwork) -> bool:
    return any(":" in each.source or not each.source.endswith(FILES) for each in networks)


def _imported(network: ProjectNetwork, folder: Path, name: str, shared: Shared) -> Loaded:
    """Return a network that a process of its own imports in a folder. Raises UsageError."""
    from resspec.compiler import load_text

    return load_text(name, text_from(network, folder), shared)
