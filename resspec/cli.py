"""The command: reads its arguments, calls the compiler, prints, writes files. Results go to stdout, all else to stderr.

Exit codes: 0 clean, 1 diagnostics (of `diff`: a difference), 2 a request that cannot be carried out.
"""

from __future__ import annotations

import gc
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from resspec.arguments import parser
from resspec.diagnostics import Diagnostic, InternalError, ResspecError, SpecError, UsageError

if TYPE_CHECKING:
    from resspec.backends.diff import Side
    from resspec.backends.report import Report
    from resspec.ir.fingerprint import Digests
    from resspec.ir.nodes import Network

INTERRUPTED, CLOSED_PIPE = 130, 141  # as a shell reports a command that SIGINT or SIGPIPE ended


def main() -> int:
    """The process. It ends before garbage matters: to collect cycles, also at its very end, would take a third of the
    time of a large spec."""
    gc.disable()
    try:
        return run(sys.argv[1:])
    finally:
        gc.freeze()


def run(argv: Sequence[str]) -> int:
    """One command; gives its exit code, raises SystemExit for `--help`, `--version` and a wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # where there is none, or it is no file
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        try:
            arguments = parser().parse_args(argv)
            return COMMANDS[arguments.command](arguments)
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except SpecError as error:
        show(error.diagnostics)
        return 1
    except InternalError as error:
        complain(f"a mistake of resspec itself, please report it with the spec: {error}")
    except ResspecError as error:
        complain(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return CLOSED_PIPE
    except OSError as error:
        _silence_stdout()
        complain(f"cannot write the result: {error.strerror}")
    return 2


def show(diagnostics: Sequence[Diagnostic], shown: set[str] | None = None) -> None:
    """Diagnostics on stderr, but for those that were `shown` already."""
    from resspec.render import render

    for diagnostic in diagnostics:
        text = render(diagnostic, color=_color(sys.stderr))
        if shown is None or text not in shown:
            print(text, file=sys.stderr)
            if shown is not None:
                shown.add(text)


def complain(message: str) -> None:
    from resspec.render import visible

    print(f"error: {visible(message)}", file=sys.stderr)


# --- the commands ---


def _check(arguments: Namespace) -> int:
    from resspec.compiler import check

    specs = [spec for given in arguments.specs for spec in _specs(given)]
    shown: set[str] = set()
    wrong, unreadable = 0, 0
    for spec in specs:
        try:
            if diagnostics := check(spec):
                wrong += 1
                show(diagnostics, shown)
        except UsageError as error:
            unreadable += 1
            complain(str(error))
    total = f"{len(specs)} specs" if len(specs) > 1 else specs[0]
    if wrong:
        where = f"{wrong} of {total}" if len(specs) > 1 else total
        print(f"{len(shown)} mistake{'s' * (len(shown) != 1)} in {where}", file=sys.stderr)
    if wrong or unreadable:
        return 2 if unreadable else 1
    print(f"{total}: no mistakes")
    return 0


def _compile(arguments: Namespace) -> int:
    from resspec.compiler import compile_spec
    from resspec.files import write

    if arguments.emit:
        print(_emitted(arguments), end="")
        return 0
    compiled = compile_spec(arguments.spec, **dict(arguments.set))
    for name, text in compiled.files.items():
        write(arguments.out / name, text.encode())
    _print_report(compiled.report)
    print("wrote " + " and ".join(str(arguments.out / name) for name in compiled.files), file=sys.stderr)
    return 0


def _expand(arguments: Namespace) -> int:
    from resspec.backends.expand import expand

    print(expand(_load(arguments)), end="")
    return 0


def _report(arguments: Namespace) -> int:
    report = _reported(_load(arguments))
    if arguments.format == "json":
        from resspec.backends.report import to_json

        print(to_json(report), end="")
    else:
        _print_report(report)
    return 0


def _diff(arguments: Namespace) -> int:
    from resspec.backends.diff import diff
    from resspec.ir.fingerprint import Digests

    digests = Digests()
    try:
        found = diff(_side(arguments.a, digests), _side(arguments.b, digests), digests)
    except SpecError as error:
        show(error.diagnostics)
        return 2
    match arguments.format:
        case "json":
            from resspec.backends.diff.json import to_json

            print(to_json(found), end="")
        case "markdown":
            from resspec.backends.diff.markdown import to_markdown

            print(to_markdown(found), end="")
        case _:
            from resspec.backends.diff.table import to_table

            print(to_table(found, width=_width(), color=_color(sys.stdout)), end="")
    return 0 if found.same or arguments.exit_zero else 1


def _train(arguments: Namespace) -> int:
    network = _load(arguments)
    folder = arguments.run or _free_folder(Path("runs"), network.name)
    gc.enable()
    try:
        from resspec.train.loop import train

        result = train(network, data=arguments.data, run=folder, seed=arguments.seed, epochs=arguments.epochs)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("resspec"):
            raise
        missing = error.name.split(".")[0]
        raise UsageError(f"`resspec train` needs torch and what comes with it, and {missing} is not installed: "
                         "pip install 'resspec[torch]'") from None
    print(f"test accuracy {result.accuracy:.2%} ({result.correct} of {result.total} images), "
          f"{result.seconds:.0f} s, recorded in {result.run}")
    return 0


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "check": _check, "compile": _compile, "expand": _expand, "report": _report, "diff": _diff, "train": _train,
}


# --- what they share ---


def _load(arguments: Namespace) -> Network:
    from resspec.compiler import load

    return load(arguments.spec, **dict(arguments.set))


def _reported(network: Network) -> Report:
    from resspec.backends.report import report

    return report(network)


def _print_report(report: Report) -> None:
    from resspec.backends.report_table import to_table

    print(to_table(report, width=_width(), color=_color(sys.stdout)), end="")


def _emitted(arguments: Namespace) -> str:
    """One stage of the pipeline as text."""
    match arguments.emit:
        case "ast":
            from resspec.compiler import locate, open_spec
            from resspec.syntax.parse import parse
            from resspec.syntax.text import to_text as tree

            return tree(parse(open_spec(locate(arguments.spec)[0]).library.source))
        case "ir":
            from resspec.ir.text import to_text

            return to_text(_load(arguments))
        case "ir-json":
            from resspec.ir.json import to_json

            return to_json(_load(arguments)) + "\n"
        case stage:
            from resspec.compiler import compile_spec

            made = compile_spec(arguments.spec, **dict(arguments.set))
            return made.files[made.network.name + {"source": ".py", "report": ".report.json"}[stage]]


def _side(given: str, digests: Digests) -> Side:
    """A side of a diff: a saved report or IR, or a spec."""
    from resspec.backends.diff import Side

    if not given.endswith(".json"):
        from resspec.backends.report import report
        from resspec.compiler import load_revised

        network = load_revised(given)
        return Side(report(network, digests), network)
    from resspec.backends.diff.saved import from_json

    try:
        return from_json(Path(given).read_text(encoding="utf-8"), digests)
    except (OSError, UnicodeDecodeError, UsageError) as error:
        raise UsageError(f"cannot read {given}: {getattr(error, 'strerror', None) or error}") from None


def _specs(given: str) -> Iterator[str]:
    """A spec itself, or all in a folder."""
    folder = Path(given)
    if not folder.is_dir():
        yield given
        return
    found = [path for path in sorted(folder.rglob("*.res")) if "/." not in f"/{path.relative_to(folder).as_posix()}"]
    if not found:
        raise UsageError(f"there is no .res file in {folder}")
    yield from map(str, found)


def _free_folder(parent: Path, name: str) -> Path:
    """`runs/digits`, or `runs/digits-2` where that is taken."""
    number = 1
    while (folder := parent / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder


def _color(stream: TextIO) -> bool:
    return bool(stream) and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _width() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _silence_stdout() -> None:
    """The interpreter flushes stdout once more when it ends, which must not fail again."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
