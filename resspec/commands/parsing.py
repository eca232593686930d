"""The parser of the command line: argparse, with our form of errors, and no option that is lost."""

from __future__ import annotations

import sys
from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any, NoReturn

from resspec.suggest import did_you_mean, joined


class Parser(ArgumentParser):
    """A parser that refuses two values for an option, and knows which command has which option."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.actions: list[Action] = []
        self.commands: dict[str, Parser] = {}
        super().__init__(*arguments, **{"allow_abbrev": False, **options})
        self.register("action", None, StoreOnce)
        self.register("action", "store", StoreOnce)

    def add_argument(self, *names: Any, **options: Any) -> Action:
        action = super().add_argument(*names, **options)
        self.actions.append(action)
        return action

    def add_subparsers(self, **options: Any) -> Any:
        made = super().add_subparsers(**options)
        self.commands = made.choices  # filled as commands are added
        return made

    def all_options(self) -> set[str]:
        """Return its options, and those of its own commands, as they are written: `--set`, `-o`."""
        own = {option for action in self.actions for option in action.option_strings}
        return own.union(*(command.all_options() for command in self.commands.values()))

    def error(self, message: str) -> NoReturn:
        """Exit with two lines in the form of every other message."""
        self.exit(2, f"error: {message}\nhelp: {self.prog} --help\n")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Return the arguments and the unknown ones; exit where the command is unknown."""
        given = sys.argv[1:] if args is None else args
        word = next((each for each in given if not each.startswith("-")), None)
        if self.commands and word is not None and word not in self.commands:
            from resspec.commands.synonyms import instead

            self.error(f"there is no command {word!r}{instead(word, list(self.commands))}")
        return super().parse_known_args(args, namespace)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Return the arguments; exit with the command's help where some are unknown."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._refuse(parsed, unknown)
        return parsed

    def _refuse(self, parsed: Any, unknown: Sequence[str]) -> NoReturn:
        command = self.commands.get(getattr(parsed, "command", ""), self)
        option = next(
            (each.partition("=")[0] for each in unknown if each.startswith("-") and each != "-"),
            None,
        )
        if option is None:
            command.error(f"unexpected arguments: {' '.join(unknown)}")
        command.error(
            f"there is no option {option} here{_elsewhere(option, command, self.commands)}"
        )


def _elsewhere(option: str, command: Parser, commands: dict[str, Parser]) -> str:
    """Return what an unknown option may mean: a similar one of this command, or who has it."""
    owners = [f"`{each.prog}`" for each in commands.values() if option in each.all_options()]
    if not owners:
        options = command.all_options()
        begun = [each for each in options if each.startswith(option)]
        return f"; did you mean {begun[0]}?" if len(begun) == 1 else did_you_mean(option, options)
    return f"; {joined(owners)} {'has' if len(owners) == 1 else 'have'} it"


class StoreOnce(Action):
    """The action that stores a value once; argparse would keep the last of several."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        del parser, option_string
        before = getattr(self, "_stored", None)
        if before is not None and before[0] is namespace and before[1] != values:
            raise ArgumentError(
                self, f"given twice, as {_shown(before[1])} and as {_shown(values)}"
            )
        self._stored = (namespace, values)
        setattr(namespace, self.dest, values)


class AppendOnce(Action):
    """Append a NAME=VALUE pair; another value for the same name is a mistake."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        del parser, option_string
        known = list(getattr(namespace, self.dest) or [])
        name, value = values
        for other, before in known:
            if other == name and before != value:
                raise ArgumentError(self, f"`{name}` is given twice, as {before} and as {value}")
        setattr(namespace, self.dest, known if values in known else [*known, values])


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
