"""`resspec completion`: what a shell needs to complete commands, options, specs and codes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from resspec import shipped
from resspec.commands.parsing import Parser
from resspec.training.names import DATA

if TYPE_CHECKING:
    from argparse import Action

SUMMARY = "print a script that completes commands in bash, zsh or fish"
EXAMPLES = """\
  resspec completion bash > ~/.local/share/bash-completion/completions/resspec
  resspec completion zsh > "${fpath[1]}/_resspec"
  resspec completion fish > ~/.config/fish/completions/resspec.fish

Start a new shell afterwards.
"""
SHELLS = ("bash", "zsh", "fish")
FOLDERS = "*/"

Completions = dict[str, str | dict[str, str]]


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run(arguments: Namespace) -> int:
    print(script(arguments.top, arguments.shell), end="")
    return 0


def script(top: Parser, shell: str) -> str:
    """Return the completion script of a parser and its commands."""
    import shtab

    specs = _words("specs", _specs(), "*.res")
    known = {
        "A B": specs,
        "CODE": _words("codes", _stems("grammar", "diagnostics", pattern="*.md"), None),
        "COMMAND": _words("commands", top.commands, None),
        "DIR": shtab.DIRECTORY,
        "FILE": shtab.FILE,
        "SPEC": specs,
    }
    by_name = {
        "data": _words("data", DATA, FOLDERS),
        "recipe": _words("recipes", _stems("specs", "recipes", pattern="*.yaml"), "*.yaml"),
    }
    for action in _actions(top):
        completions = by_name.get(action.dest) or known.get(str(action.metavar))
        if completions and not action.choices:
            action.complete = completions  # type: ignore[attr-defined]  # where shtab looks
    return f"{shtab.complete(top, shell).rstrip()}\n"


def _actions(parser: Parser) -> Iterator[Action]:
    yield from parser.actions
    for command in parser.commands.values():
        yield from _actions(command)


def _specs() -> list[str]:
    """Return the names of the networks that come with resspec."""
    folder = shipped.path("specs")
    paths = [*folder.glob("*.res"), *folder.glob("torchvision/*.res")]
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in paths)


def _stems(*folder: str, pattern: str) -> list[str]:
    return sorted(path.stem for path in shipped.path(*folder).glob(pattern))


def _words(kind: str, words: Iterable[str], files: str | None) -> Completions:
    """Return completions for shtab: one of some words, or a file of a pattern, or a folder."""
    name, listed = f"_resspec_{kind}_glob", " ".join(words)
    bash = [f'compgen -W "{listed}" -- "$1"']
    zsh = [f"'words:{kind}:({listed})'"]
    fish = [f"printf '%s\\n' {listed}"]
    if files:
        bash += [f"compgen -f -X '!{files}' -- \"$1\"", 'compgen -d -- "$1"']
        zsh.append(f"""'files:file:_files -g "{files}"'""")
        suffix = files.removeprefix("*")
        fish.append(
            "__fish_complete_directories"
            if files == FOLDERS
            else f"__fish_complete_suffix {suffix}"
        )
    return {
        "bash": name,
        "zsh": name,
        "fish": f"({name})",
        "preamble": {
            "bash": f"{name}() {{\n  {'; '.join(bash)}\n}}\n",
            "zsh": f"{name}() {{\n  _alternative {' '.join(zsh)}\n}}\n",
            "fish": f"function {name}\n  {'; '.join(fish)}\nend\n",
        },
    }
