"""E03: shapes and structure. Each function's docstring is the page of its code."""

from __future__ import annotations

from collections.abc import Sequence

from resspec.diagnostics import TOO_DEEP, UNMET, Diagnostic, at
from resspec.source import Label, Span


def residual_mismatch(
    shortcut: Span, residual: Span, f: str, h: str, what: str, help: str, notes: tuple[str, ...]
) -> Diagnostic:
    """E0301: the residual and the shortcut cannot be added."""
    labels = (Label(shortcut, h), Label(residual, f))
    return Diagnostic(
        "E0301", f"the two sides of this shortcut have different {what}", labels, help, notes
    )


def shape(
    span: Span,
    code: str,
    message: str,
    help: str | None,
    incoming: str,
    replaced: Span | None = None,
) -> Diagnostic:
    """E0302: a layer that reads another layout. E0303: a window or padding that does not fit.
    E0304: groups that do not divide. E0305: fields that exclude each other. E0306: channels out of
    range.
    """
    labels = [Label(span, f"{incoming} comes in")]
    if replaced:
        labels.append(Label(replaced, "in place of this layer"))
    return Diagnostic(code, message, tuple(labels), help)


def unsafe_inplace(span: Span) -> Diagnostic:
    """E0307: writing in place here would change a value that is still needed."""
    return at(
        "E0307",
        "this cannot be done in place: its input is still needed",
        span,
        "leave out `inplace=true`",
    )


def merge_mismatch(
    merge: str,
    first: Span,
    other: Span,
    shapes: tuple[str, str],
    what: str,
    help: str | None,
    notes: tuple[str, ...],
) -> Diagnostic:
    """E0308: paths whose shapes cannot be merged."""
    labels = (
        Label(other, f"this path outputs {shapes[1]}"),
        Label(first, f"this one outputs {shapes[0]}"),
    )
    return Diagnostic("E0308", f"`{merge}` needs equal {what}", labels, help, notes)


def lone_path(span: Span, merge: str) -> Diagnostic:
    """E0317: a merge of a single path, which merges nothing."""
    help = f"add another path after `|`, or write the path without `{merge} {{ … }}`"
    return at("E0317", f"this `{merge}` has only one path", span, help)


def missing_arm(span: Span, option: str, case: str, declared: Span | None, why: str) -> Diagnostic:
    """E0309: the shortcut option does not say what to do where the shape changes like this."""
    labels = (Label(span, why), *([Label(declared, f"has no `{case}`")] if declared else []))
    help = f"add `{case}: …`, or choose another option"
    return Diagnostic("E0309", f"shortcut option `{option}` has no arm `{case}`", labels, help)


def too_many_layers(
    span: Span, total: int, limit: int, factors: Sequence[tuple[int, Span]]
) -> Diagnostic:
    """E0310: a spec that would expand to too many layers; it is refused before it is expanded."""
    labels = (
        Label(span),
        *(Label(place, f"{count:,} times") for count, place in factors if place != span),
    )
    message = f"this expands to {total:,} layers; a network has at most {limit:,}"
    return Diagnostic("E0310", message, labels, "use fewer repeats")


def expectation(
    span: Span,
    metric: str,
    found: str,
    expected: str,
    off: str,
    network: Span | None,
    notes: Sequence[str],
) -> Diagnostic:
    """E0311: the network is not what its author, or a budget from outside, expects."""
    labels = (Label(span, off), *([Label(network, "of this network")] if network else []))
    return Diagnostic(
        UNMET, f"`{metric}` is {found}, expected {expected}", labels, None, tuple(notes)
    )


def no_shortcut(span: Span, network: Span) -> Diagnostic:
    """E0312: a block that leaves its shortcut to the network, in a network that chooses none."""
    labels = (
        Label(span, "this block uses the option of its network"),
        Label(network, "which chooses none"),
    )
    help = "write `shortcut B` in the network, or `shortcut none` for a plain one"
    return Diagnostic("E0312", "no shortcut option was chosen", labels, help)


def too_deep(span: Span, what: str, limit: int) -> Diagnostic:
    """E0313: blocks in blocks, constants of constants or files that use files, nested too
    deeply.
    """
    return at(TOO_DEEP, f"{what} more than {limit} levels deep", span, "write some of them out")


def too_much(span: Span) -> Diagnostic:
    """E0314: a spec that would have to be written out far beyond its own length: distinct layers by
    the thousand.
    """
    return at(
        "E0314",
        "this expands to too many distinct layers",
        span,
        "use fewer repeats, or repeats that keep the shape",
    )


def too_large(span: Span, what: str, elements: int, limit: int, size: int) -> Diagnostic:
    """E0316: a tensor whose bytes torch cannot count."""
    return at(
        "E0316",
        f"{what} would be a tensor of {elements:,} elements",
        span,
        f"torch counts bytes in 64 bits: {limit:,} elements of {size} bytes at most",
    )


def no_norm(residual: Span, init: Span) -> Diagnostic:
    """E0315: `init residual:` initializes the last norm of every residual, and one has none in its
    row of layers.
    """
    labels = (
        Label(residual, "no norm in this residual"),
        Label(init, "which this would initialize"),
    )
    return Diagnostic(
        "E0315",
        "`init residual` has nothing to initialize here",
        labels,
        "leave it out, or write `scale=` at the norms themselves",
    )
