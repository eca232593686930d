"""Arguments that several commands share: specs, folders of specs, values of parameters."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resspec.commands import numbers
from resspec.commands.parsing import AppendOnce
from resspec.commands.terminal import note, show
from resspec.diagnostics import Collected, UsageError

if TYPE_CHECKING:
    from resspec.importing.sources import ImportSource
    from resspec.ir.network import Network
    from resspec.passes.quantities import Known

_WORDS = ("spec", "specs", "sides", "source")  # what commands call the networks they are given

_NO_PARAMETERS = {
    "spec": "pass the spec as the first argument, and rename a parameter of this name",
    "network": "write FILE:NAME to choose a network of a file",
    "input": "use --input SIZE",
    "output": "use --output NAMES",
}


def takes_spec(command: ArgumentParser) -> None:
    command.add_argument(
        "spec", metavar="SPEC", help="a file, FILE:NAME, or a name that comes with resspec"
    )
    takes_values(command)


def takes_values(command: ArgumentParser) -> None:
    command.add_argument(
        "--set",
        type=setting,
        action=AppendOnce,
        default=[],
        metavar="NAME=VALUE",
        help="give a parameter of the network a value; may be given several times",
    )
    command.add_argument(
        "--input",
        metavar="SIZE",
        help="an input size in place of the network's own: 192, 160x192 or 3x224x224",
    )


def takes_output(command: ArgumentParser) -> None:
    command.add_argument(
        "--output",
        metavar="NAMES",
        help="stages, layers or modules whose outputs are returned: layer2,layer4",
    )


def takes_data(command: ArgumentParser, default: str | None, otherwise: str) -> None:
    """`otherwise`: what `--help` says is read without it."""
    from resspec.training.names import DATA

    names = ", ".join(DATA)
    command.add_argument(
        "--data",
        default=default,
        metavar="NAME",
        help=f"{names}, or the folder of one ({otherwise})",
    )


def takes_download(command: ArgumentParser) -> None:
    command.add_argument(
        "--download", action="store_true", help="download the data set if it is missing"
    )


def takes_workers(command: ArgumentParser) -> None:
    command.add_argument(
        "--workers",
        type=numbers.workers,
        default=0,
        metavar="N",
        help="DataLoader workers for a folder of images (0)",
    )


def takes_device(command: ArgumentParser) -> None:
    command.add_argument("--device", metavar="NAME", help="cpu, cuda (a GPU where there is one)")


def takes_full_check(command: ArgumentParser) -> None:
    command.add_argument(
        "--full-check",
        action="store_true",
        help="decode every training image before the first step, as test images always are",
    )


def load(arguments: Namespace) -> Network:
    """Return the network of `spec` with the values of `--set`. Raises SpecError, UsageError."""
    from resspec import compiler

    return compiler.load(arguments.spec, **values(arguments))


def values(arguments: Namespace) -> dict[str, Any]:
    """Return the values of `--set`, `--input` and `--output` as the compiler takes them."""
    return {
        "input": arguments.input,
        "output": getattr(arguments, "output", None),
        **dict(arguments.set),
    }


def warn(loaded: Iterable[tuple[str, Network]], known: Known | None = None) -> None:
    """Print the warnings about specs and the networks loaded from them, each once."""
    from resspec import compiler

    found = Collected()
    for spec, network in loaded:
        found.add(*compiler.warnings(spec, network, known))
    if found:
        show(found)


def import_all(arguments: Namespace) -> None:
    """Import the modules and files that a command was given in place of specs.

    Print a note before any code runs, and another about the result. Raises SpecError, UsageError.
    """
    from resspec.importing.sources import source_of

    words: list[str] = []
    for name in _WORDS:
        word = getattr(arguments, name, None) or []
        words += [word] if isinstance(word, str) else word
    sources = [source for word in dict.fromkeys(words) if (source := source_of(word))]
    if is_first_process():
        for source in sources:
            say_what_runs(source)
    if arguments.command == "carry":  # whose two networks are made with different values
        return
    for source in sources:
        from resspec.importing.values import imported

        found = imported(source.word, _of_source(arguments))
        if is_first_process():
            for sentence in (*found.notes, found.summary):
                note(sentence)


def is_first_process() -> bool:
    """Return whether this is the process that speaks for all that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _of_source(arguments: Namespace) -> dict[str, Any]:
    """Return the values that a module is made with; those of `train` begin with `net.`."""
    found = values(arguments)
    if arguments.command != "train":
        return found
    of_network = {name[4:]: value for name, value in found.items() if name.startswith("net.")}
    return {"input": arguments.input, **of_network}


def say_what_runs(source: ImportSource) -> None:
    if source.runs_code:
        note(f"importing {source.word} runs Python code")


def specs(given: str) -> list[str]:
    """Return a spec itself, or all of a folder, which may be one that comes with resspec.

    Raises UsageError where a folder has none.
    """
    return _shipped_in(given) or files(given)


def files(given: str) -> list[str]:
    """Return a file itself, or the specs in a folder. Raises UsageError where it has none."""
    from resspec.opening import is_run

    folder = Path(given)
    if not given or not folder.is_dir() or is_run(folder):
        return [given]
    found = [
        path
        for path in sorted(folder.rglob("*.res"))
        if "/." not in f"/{path.relative_to(folder).as_posix()}" and not path.is_dir()
    ]
    if not found:
        raise UsageError(f"there is no .res file in {folder}")
    return [str(path) for path in found]


def is_folder(given: str) -> bool:
    """Return whether `specs` takes this for a folder."""
    from resspec.opening import is_run

    if not given or is_run(Path(given)):
        return False
    return Path(given).is_dir() or bool(_shipped_in(given))


def _shipped_in(given: str) -> list[str]:
    """Return the specs of a folder that comes with resspec, unless there is one here."""
    from resspec.opening import shipped_names

    folder = Path(given)
    if folder == Path() or folder.exists():
        return []
    return [name for name in shipped_names() if name.startswith(f"{folder.as_posix()}/")]


def difference(name: str, before: bytes, after: bytes) -> Iterator[str]:
    """Yield the lines of a unified diff, ready for a terminal; bytes that are no UTF-8 as `�`."""
    from difflib import unified_diff

    from resspec.render import visible

    old, new = (text.decode(errors="replace").split("\n") for text in (before, after))
    for line in unified_diff(old, new, visible(name), visible(name), lineterm=""):
        yield "\t".join(map(visible, line.split("\t"))) + "\n"


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    words = name.replace("-", "_").split(".")  # the recipe answers `weight-decay` with its name
    if not (equals and all(map(str.isidentifier, words)) and value.strip()):
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    if name in _NO_PARAMETERS:
        raise ArgumentTypeError(f"{name!r} is not a parameter of a network: {_NO_PARAMETERS[name]}")
    return name, value.strip()
