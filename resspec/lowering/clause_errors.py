"""E02, clauses and labels: where they may stand. A function's docstring is the page of its code."""

from __future__ import annotations

from collections.abc import Sequence

from resspec.diagnostics import Diagnostic, at
from resspec.source import Label, Span
from resspec.suggest import listed, meant, only


def misplaced(span: Span, clause: str, owner: str, help: str | None = None) -> Diagnostic:
    """E0230: a clause that this kind of declaration does not have."""
    return at("E0230", f"{owner} has no `{clause}`", span, help)


def clause_twice(span: Span, clause: str, first: Span) -> Diagnostic:
    """E0231: a clause that may be given once is given twice."""
    labels = (Label(span, "again"), Label(first, "first here"))
    return Diagnostic(
        "E0231", f"there are two `{clause}` clauses", labels, "keep one of the two clauses"
    )


def unknown_stage(
    span: Span, template: str, near: Sequence[str], stages: Sequence[str]
) -> Diagnostic:
    """E0250: a derived network replaces a stage that its base does not have."""
    has = f"the stages of `{template}` are {listed(stages)}" if stages else None
    help = meant(near) or has or f"`{template}` has no stages: replace its `stem` or `head`"
    message = f"`{template}` has no stage `{span.text}` to replace"
    return at("E0250", message, span, help, instead=only(near))


def unknown_output(
    span: Span, near: Sequence[str], stages: Sequence[str], module: str | None
) -> Diagnostic:
    """E0253: an output that is no stage, layer or module of the network, or is inside a module."""
    help = meant(near) or (
        f"the stages are {listed(stages)}" if stages else "name a layer or module"
    )
    if module and not near:
        help = f"`{module}` is a module: only its own output can be returned, as `{module}`"
    return at(
        "E0253",
        f"no stage, layer or module of this network is named `{span.text}`",
        span,
        help,
        instead=only(near),
    )


def output_twice(span: Span, first: Span) -> Diagnostic:
    """E0254: an output that is named twice."""
    labels = (Label(span, "again"), Label(first, "first here"))
    return Diagnostic("E0254", f"`{span.text}` is named twice", labels, "keep one of the two")


def missing_clause(span: Span, owner: str, clause: str, help: str) -> Diagnostic:
    """E0232: a declaration without a clause that it needs."""
    return at("E0232", f"{owner} has no {clause}", span, help)


def mixed_body(span: Span, other: Span) -> Diagnostic:
    """E0233: a block in braces has clauses, or is just one chain."""
    return Diagnostic(
        "E0233",
        "a block has clauses or one chain, not both",
        (Label(span), Label(other, "next to this")),
        "write `after …` for what follows the sum, and `->` between the layers of a chain",
    )


def stages_without_number(span: Span) -> Diagnostic:
    """Return an E0234 about the label of `stages`."""
    message = f"the label `{span.text}` names one stage, but `stages` makes several"
    return at("E0234", message, span, f"write `stages {span.text}1..:`")


def no_list(label: Span) -> Diagnostic:
    """E0257: `stages` without a list, which leaves their number unknown."""
    help = (
        "give a list, one entry for each stage, such as `[64, 128, 256]`; for a single stage, "
        "write `stage`"
    )
    return at("E0257", "these stages have no list", label, help)


def bad_label(span: Span, why: str) -> Diagnostic:
    """E0234: a label that cannot name a module."""
    return at("E0234", "this label cannot name a module", span, "use a label such as `conv1`", why)


def label_twice(span: Span, name: str, first: Span) -> Diagnostic:
    """E0235: two modules of one name in one scope."""
    if first == span:
        labels: tuple[Label, ...] = (Label(span, "at each turn of a repeat"),)
        numbered = f"write `{name}1..:` before the repeat, which numbers the modules"
        help = f"leave the label out, or {numbered}"
    else:
        labels, help = (
            (Label(span, f"`{name}` again"), Label(first, f"`{name}` first")),
            "give one of them another label",
        )
    return Diagnostic("E0235", f"two modules are called `{name}`", labels, help)


def unfit_law(span: Span, law: str, kind: str, why: str, help: str | None = None) -> Diagnostic:
    """E0243: an initialization that does not apply to a kind of layer."""
    what = "a residual" if kind == "residual" else f"`{kind}`"
    return at("E0243", f"`{law}` cannot initialize {what}", span, help, why)


def loose_chain(span: Span) -> Diagnostic:
    """E0244: layers in a network that are not in a clause."""
    message = "these layers belong to no part of the network"
    return at("E0244", message, span, "put them into `stem …`, `stage NAME: …` or `head …`")


def clause_with_colon(word: Span) -> Diagnostic:
    """E0249: a clause of a network with a colon after its word, which makes a label of it."""
    whole = Span(word.source, word.start, word.end + 1)
    message = f"`{word.text}:` is a label, not a clause"
    if word.text == "stage":
        return at("E0249", message, whole, "`stage NAME: …`")
    help = f"leave out the colon: `{word.text} …`"
    return at("E0249", message, whole, help, instead=word.text)


def two_chains(span: Span, what: str, first: Span) -> Diagnostic:
    """E0245: a block in braces has one chain; the next line begins another."""
    labels = (Label(span, f"another {what}"), Label(first, "the first one"))
    return Diagnostic(
        "E0245",
        "a block has only one chain",
        labels,
        f"`-> {span.text.split()[0]}` continues the first one",
    )
