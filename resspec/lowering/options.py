"""Shortcut options by their names, with the arguments that they are given."""

from __future__ import annotations

from resspec.lowering import argument_errors, name_errors
from resspec.lowering.evaluation import with_arguments
from resspec.lowering.frame import Frame
from resspec.lowering.scope import find_one, report_unknown, suggestion
from resspec.lowering.values import BlockRef, OptionRef, Unknown, describe
from resspec.syntax import ast


def resolve_option(call: ast.LayerCall, frame: Frame) -> OptionRef | None:
    """Return a shortcut option with its arguments; None once something was reported."""
    option = _option_of(call.name, frame)
    if option and call.arguments:
        given = with_arguments(option, call, frame.value, frame.report)
        option = given if isinstance(given, OptionRef) else None
    parameters = option.option.parameters if option and option.option else []
    for parameter in parameters:
        name = parameter.name.text
        if option and name not in option.presets and parameter.default is None:
            signature = ", ".join(each.name.text for each in parameters)
            example = f"it is declared as `{option.name}({signature})`"
            frame.report(
                argument_errors.missing_argument(call.span, option.name, f"`{name}`", example)
            )
            return None
    return option


def _option_of(name: ast.Identifier, frame: Frame) -> OptionRef | None:
    """Return a shortcut option by name, or through a parameter or constant."""
    known = name.text in frame.names or name.text in ("identity", "none")
    if not known and not find_one(
        frame.library, name, frame.report, ast.Option, ast.Let, ast.Block
    ):
        own = {
            name for name, value in frame.names.items() if isinstance(value, OptionRef | Unknown)
        }
        near = suggestion(frame.library, name.text, {*own, "identity", "none"}, ast.Option)
        unknown = name_errors.unknown_option(
            name.span, near, _options(frame), frame.library.elsewhere(name.text)
        )
        report_unknown(frame.library, unknown, frame.report)
        return None
    value = frame.lookup(name)
    if isinstance(value, BlockRef) and value.name == "identity":
        return OptionRef("identity", None, None)
    if not isinstance(value, OptionRef | Unknown):
        frame.report(name_errors.no_option(name.span, describe(value), _options(frame)))
    return value if isinstance(value, OptionRef) else None


def _options(frame: Frame) -> list[str]:
    return sorted({*frame.library.names(ast.Option), "identity", "none"})


def bind_option(option: OptionRef, inner: Frame) -> None:
    """Set the parameters of an option in the frame of its arms."""
    inner.names.update({name: value for name, (value, _) in option.presets.items()})
    for parameter in option.option.parameters if option.option else ():
        if parameter.name.text not in inner.names and parameter.default is not None:
            inner.names[parameter.name.text] = inner.value(parameter.default)
