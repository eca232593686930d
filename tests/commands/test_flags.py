"""No flag is lost when given twice, and messages name only flags of the command at hand."""

from __future__ import annotations

import ast
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

import resspec
from resspec import cli
from resspec.commands import COMMANDS, parser, remedies
from resspec.commands.parsing import Parser, StoreOnce
from tests.commands.typed import Captured, ran, spec

PACKAGE = Path(resspec.__file__).parent
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
SHARED = {  # modules of several commands, and the commands that can print what they say
    "given": {"check", "compile", "expand", "report", "train", "eval", "probe", "study"},
    "installed": {"compile", "train"},
    "fixing": {"check"},
}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """All strings of a file but for docstrings: the parts of one f-string together."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
    } - {id(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)}
    for node in ast.walk(tree):
        if id(node) in docstrings or id(node) in inside:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
            yield node.lineno, "…".join(map(str, parts))


def is_of_another_program(path: Path, line: int) -> bool:
    """Whether the statement calls another program, or is CSS or a comment of HTML."""
    around = "\n".join(path.read_text(encoding="utf-8").splitlines()[max(0, line - 3) : line + 1])
    return (
        "_git(" in around
        or path.is_relative_to(PACKAGE / "backends" / "html")
        or path.name == "revision.py"
    )


CORE = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if PACKAGE / "commands" not in path.parents and path.name != "cli.py"
)


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_what_is_no_command_knows_no_flag(path: Path) -> None:
    named = [
        (line, text)
        for line, text in texts(path)
        if FLAG.search(text) and not is_of_another_program(path, line)
    ]
    assert named == []


def options(command: str) -> set[str]:
    return parser().commands[command].all_options()


@pytest.mark.parametrize("name", [*COMMANDS, *SHARED])
def test_a_command_names_flags_that_it_has(name: str) -> None:
    """Or those of another command that is named right before them: `resspec draw --diff`."""
    file = "import_" if name == "import" else name
    path = PACKAGE / "commands" / f"{file}.py"
    own = [options(command) for command in SHARED.get(name, {name})]
    for line, text in texts(path):
        for found in FLAG.finditer(text):
            line_before = text[: found.start()].rsplit("\n", 1)[-1]
            if "torchrun" in line_before:
                continue
            other = re.findall(r"resspec (\w+)|(\w+) \Z", line_before)
            commands = [word for pair in other for word in pair if word in COMMANDS]
            owners = [options(commands[-1])] if commands else own
            assert any(found[0] in each for each in owners), (path.name, line, text)


def test_a_remedy_names_flags_of_its_command() -> None:
    for sentences in (*remedies._BY_NAME.values(), *remedies._BY_CODE.values()):
        for command, sentence in sentences.items():
            assert set(FLAG.findall(sentence)) <= options(command) and FLAG.search(sentence)


# --- twice ---


def single_valued(command: Parser) -> Iterator[tuple[ArgumentParser, StoreOnce]]:
    for action in command._actions:
        if isinstance(action, StoreOnce) and action.option_strings:
            yield command, action
    for inner in command.commands.values():
        yield from single_valued(inner)


OPTIONS = [
    (command.prog, action.option_strings[-1], action)
    for command, action in single_valued(parser())
    if not action.choices or len(list(action.choices)) > 1  # one that has another value
]
VALUES = {"memory": ["24GB", "80GB"], "like": ["torch", "timm"]}
POSITIONAL = {
    "check": "a",
    "report": "a",
    "compile": "a",
    "expand": "a",
    "diff": "a b",
    "draw": "a",
    "train": "a",
    "eval": "a",
    "carry": "a --from a --to a -o a",
    "compare": "a",
    "bench": "a",
    "predict": "a b",
    "probe": "a",
    "import": "a",
    "view": "a",
}


def value_of(action: StoreOnce, number: int) -> str:
    if action.choices:
        return str(list(action.choices)[number])
    return VALUES.get(action.dest, ["3", "4"])[number]


@pytest.mark.parametrize(
    ("prog", "option", "action"), OPTIONS, ids=[f"{prog} {option}" for prog, option, _ in OPTIONS]
)
def test_another_value_is_a_mistake(
    prog: str, option: str, action: StoreOnce, capsys: Captured
) -> None:
    command = prog.split()[1:]
    given = [*command, *POSITIONAL.get(command[0], "").split()]
    for name in set(given) & {*action.option_strings}:  # a required one
        del given[given.index(name) : given.index(name) + 2]
    first, second = (value_of(action, number) for number in range(2))
    with pytest.raises(SystemExit) as stopped:
        cli.run([*given, option, first, option, second])
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert "given twice" in err and f"{prog} --help" in err
    has_other_words = action.dest in ("memory", "like")  # bytes, and a list of tools
    assert has_other_words or f"as {first} and as {second}" in err
    assert parser().parse_args([*given, option, first, option, first])


def test_there_are_many_of_them() -> None:
    assert len(OPTIONS) > 40


@pytest.mark.usefixtures("here")
def test_parameters(capsys: Captured) -> None:
    for command in ("report", "compile", "expand", "check", "train", "bench", "probe", "draw"):
        with pytest.raises(SystemExit):
            cli.run(
                [command, "lib/he2015:cifar", "--set", "n=2", "--set", "width=8", "--set", "n=3"]
            )
        assert "`n` is given twice, as 2 and as 3" in capsys.readouterr().err
    twice = ["--set", "n=2", "--set", "net.n=3", "--plan"]
    assert cli.run(["train", "lib/he2015:cifar", "--recipe", "digits", *twice]) == 2
    assert "`n` of the network is given twice, as 2 and as 3" in capsys.readouterr().err
    assert (
        ran("check lib/he2015:cifar --set n=2 --set n=2", capsys)[0]
        == "lib/he2015:cifar: no errors\n"
    )


@pytest.mark.usefixtures("here")
def test_a_budget_that_is_given_twice_is_told_once(capsys: Captured) -> None:
    path = spec("a.res", "network {} {{ input 3x8x8; head avgpool -> fc 2 }}")
    err = ran(
        f"check {path} --budget 'params < 3' --budget 'params < 3' --budget 'params < 2'", capsys, 1
    )[1]
    assert err.count("E0311") == 2


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (
            "compile a --by op",
            "no option --by here; `resspec report` has it\nhelp: resspec compile --help",
        ),
        ("compile a --ouut x", "did you mean --out?\nhelp: resspec compile --help"),
        ("fmt a --quiet", "no option --quiet here\nhelp: resspec fmt --help"),
        ("explain E0101 E0102", "unexpected arguments: E0102\nhelp: resspec explain --help"),
    ],
)
def test_unknown_options_are_answered_by_the_command_at_hand(
    command: str, says: str, capsys: Captured
) -> None:
    with pytest.raises(SystemExit):
        cli.run(command.split())
    assert says in capsys.readouterr().err
