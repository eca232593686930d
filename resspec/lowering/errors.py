"""E02 names and arguments, E03 shapes and structure. Each function's docstring is the page of its code."""

from __future__ import annotations

from collections.abc import Sequence

from resspec.diagnostics import Diagnostic, Fix, Label
from resspec.source import Span
from resspec.suggest import any_of

CIRCULAR = "E0241"
UNMET = "E0311"


def _at(
    code: str, message: str, span: Span, help: str | None = None, text: str = "", instead: str | None = None
) -> Diagnostic:
    """At one place, where a machine may write another text `instead`."""
    return Diagnostic(code, message, (Label(span, text),), help, fix=None if instead is None else Fix(span, instead))


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _meant(near: Sequence[str]) -> str | None:
    return f"did you mean {any_of(near)}?" if near else None


def _only(near: Sequence[str]) -> str | None:
    """What a machine may write: nothing where several are meant equally well."""
    return near[0] if len(near) == 1 else None


def _stride(value: str) -> str:
    return f"/{value}" if value.isalnum() else f"/({value})"


# --- E02: names and arguments ---


def unknown_layer(span: Span, near: Sequence[str], is_word: bool = False) -> Diagnostic:
    """E0201: no layer or block has this name, here or in a used library."""
    if is_word:
        return _at("E0201", "no layer or block stands here", span, "a layer, where the clause before it ends too early",
                   f"`{span.text}` is a word of the language")
    is_upper = len(near) == 1 and span.text[0].isupper() and span.text.lower().startswith(near[0])
    help = f"block names are lower case here: `{near[0]}`" if is_upper else _meant(near)
    return _at("E0201", f"no layer or block is called `{span.text}`", span, help, instead=_only(near))


def unknown_name(span: Span, near: Sequence[str]) -> Diagnostic:
    """E0202: a value names nothing that is known at this place."""
    return _at("E0202", f"nothing is called `{span.text}` here", span, _meant(near), instead=_only(near))


def unknown_argument(
    span: Span, callee: str, near: Sequence[str], takes: Sequence[str] = (), others: Sequence[str] = ()
) -> Diagnostic:
    """E0203: a layer, block or quantity has no argument of this name; others may."""
    is_stride = _only(near) == "stride"
    help = "did you mean the stride? it is written `/2`" if is_stride else _meant(near)
    listed = f"it takes {_list(takes)}" if takes else f"it is for {_list(others)}" if others else None
    return _at("E0203", f"`{callee}` takes no `{span.text}`", span, help or listed,
               instead=None if is_stride else _only(near))


def stride_as_keyword(span: Span, value: str) -> Diagnostic:
    """E0204: the stride of a call is written `/2`, nowhere `stride=2`."""
    return _at("E0204", "a stride is written with a slash", span, f"`/{value}`", instead=_stride(value))


def too_many_arguments(span: Span, callee: str, takes: int, near: str | None, named: Sequence[str] = ()) -> Diagnostic:
    """E0205: more bare arguments than the layer or block declares."""
    amount = {0: "no argument", 1: "one argument"}.get(takes, f"{takes} arguments")
    amount += " without a name" if named and not near else ""
    help = _meant([near] if near else []) or (f"`name=value`, with one of {_list(named)}" if named else None)
    text, end = span.source.text, span.end
    is_last = near is not None and not text[end:].lstrip(" \t").startswith(",")
    before = len(text[: span.start].rstrip(" \t").removesuffix(","))
    fix = Fix(Span(span.source, before, end), f" -> {span.text}") if is_last else None
    return Diagnostic("E0205", f"`{callee}` takes {amount}", (Label(span),), help, fix=fix)


def missing_argument(span: Span, callee: str, needs: str, example: str | None) -> Diagnostic:
    """E0206: a layer or block needs an argument that was not given."""
    return _at("E0206", f"`{callee}` needs its {needs}", span, example)


def wrong_kind(span: Span, argument: str, needs: str, got: str) -> Diagnostic:
    """E0207: an argument of another kind than the layer takes: a size for a number, a fraction for a whole number."""
    return _at("E0207", f"{argument} is {needs}, not {got}", span)


def not_whole(span: Span, argument: str, got: str) -> Diagnostic:
    """E0208: a division with a remainder where a whole number is needed."""
    return _at("E0208", f"{argument} is a whole number, and this is {got}", span, "`//` rounds down")


def out_of_range(span: Span, argument: str, limits: str, got: str) -> Diagnostic:
    """E0209: a number that no layer can have: zero channels, stride 0, a probability of 2."""
    return _at("E0209", f"{argument} is {limits}, not {got}", span)


def given_twice(span: Span, name: str) -> Diagnostic:
    """E0210: an argument that is given twice."""
    return _at("E0210", f"`{name}` is given twice", span, "leave out one of them")


def unused_stride(span: Span, callee: str, is_block: bool = False) -> Diagnostic:
    """E0211: a stride that nobody uses: the layer takes none, or the block never reads `stride`."""
    other = ", or write `/stride` in the block" if is_block else ""
    return _at("E0211", f"`{callee}` does not use this stride", span, f"leave it out{other}")


def defined_twice(span: Span, first: Span) -> Diagnostic:
    """E0212: one name, two declarations."""
    return Diagnostic("E0212", f"`{span.text}` is defined twice", (Label(span, "again"), Label(first, "first here")),
                      "keep one of them, or give one another name")


def reserved(span: Span) -> Diagnostic:
    """E0213: a word of the language used as a name."""
    return _at("E0213", f"`{span.text}` is a word of the language", span, f"another name, such as `{span.text}_`")


def redefines_layer(span: Span) -> Diagnostic:
    """E0214: a layer cannot be redefined."""
    help = f"another name, such as `my_{span.text}`"
    return _at("E0214", f"`{span.text}` is built in and cannot be redefined", span, help)


def ambiguous(span: Span, places: Sequence[Span]) -> Diagnostic:
    """E0215: two libraries define the name differently, and this file uses both."""
    labels = (Label(span), *(Label(place, "one of them") for place in places))
    return Diagnostic("E0215", f"`{span.text}` is defined by {len(places)} libraries", labels,
                      "declare it in this file: an own declaration wins")


def use_cycle(span: Span, name: str, trail: Sequence[Span]) -> Diagnostic:
    """E0216: files that use each other."""
    labels = (Label(span, f"uses {name}, which is being read"), *(Label(place, "used from here") for place in trail))
    return Diagnostic("E0216", "these files use each other", labels, "move what both need into a third file")


def no_library(span: Span, looked: Sequence[str], near: Sequence[str]) -> Diagnostic:
    """E0217: a library or file that is not there."""
    where = f"looked for {', '.join(looked)}"
    quote = '"' if span.text.startswith('"') else ""
    fix = Fix(span, f"{quote}{near[0]}{quote}") if len(near) == 1 else None
    return Diagnostic("E0217", f"there is no library `{span.text.strip(chr(34))}`", (Label(span),), _meant(near), (where,), fix)


def outside_root(span: Span, root: str) -> Diagnostic:
    """E0218: a spec reads files of its own project only."""
    help, where = "move or copy it into the project", f"the project is {root}"
    return Diagnostic("E0218", "this file is outside of the project", (Label(span),), help, (where,))


def recursion(span: Span, name: str, trail: Sequence[Span]) -> Diagnostic:
    """E0219: a block that contains itself."""
    labels = (Label(span, "here again"), *(Label(place, "called from here") for place in trail))
    return Diagnostic("E0219", f"`{name}` contains itself", labels, "repeat with `N x …`; there is no recursion")


def not_here(span: Span, why: str, help: str) -> Diagnostic:
    """E0220: `in`, `stride`, `out`, `index` and `count` have a value in some places only."""
    return _at("E0220", f"`{span.text}` has no value here", span, help, why)


def no_arithmetic(span: Span, got: str) -> Diagnostic:
    """E0221: arithmetic is for numbers."""
    return _at("E0221", f"this is {got}, not a number", span)


def division_by_zero(span: Span) -> Diagnostic:
    """E0222: a division by zero."""
    return _at("E0222", "this divides by zero", span)


def number_too_large(span: Span, limit: int) -> Diagnostic:
    """E0223: a number beyond what any network needs."""
    return _at("E0223", f"this number is beyond {limit:,}", span)


def unknown_option(span: Span, near: Sequence[str], known: Sequence[str]) -> Diagnostic:
    """E0224: no shortcut option has this name."""
    return _at("E0224", f"no shortcut option is called `{span.text}`", span, _meant(near) or f"there are {_list(known[:12])}",
               instead=_only(near))


def unknown_network(span: Span, near: Sequence[str]) -> Diagnostic:
    """E0225: no network has this name."""
    return _at("E0225", f"no network is called `{span.text}`", span, _meant(near), instead=_only(near))


def unknown_arm(span: Span, near: Sequence[str]) -> Diagnostic:
    """E0226: a shortcut option has the arms `same`, `widen` and `change`."""
    return _at("E0226", f"a shortcut option has no arm `{span.text}`", span, _meant(near) or "`same`, `widen` or `change`",
               instead=_only(near))


def unknown_law(span: Span, near: Sequence[str]) -> Diagnostic:
    """E0227: no law of initialisation has this name."""
    return _at("E0227", f"no initialisation is called `{span.text}`", span, _meant(near), instead=_only(near))


def unknown_kind(span: Span, near: Sequence[str]) -> Diagnostic:
    """E0228: `init KIND:` and `replace KIND:` name a layer kind."""
    return _at("E0228", f"no layer is called `{span.text}`", span, _meant(near), instead=_only(near))


def bad_choice(span: Span, argument: str, choices: Sequence[str], near: Sequence[str]) -> Diagnostic:
    """E0229: an argument that takes one of a few words."""
    return _at("E0229", f"{argument} is one of {', '.join(choices)}", span, _meant(near), instead=_only(near))


def misplaced(span: Span, clause: str, owner: str, help: str | None = None) -> Diagnostic:
    """E0230: a clause that this kind of declaration does not have."""
    return _at("E0230", f"{owner} has no `{clause}`", span, help)


def clause_twice(span: Span, clause: str, first: Span) -> Diagnostic:
    """E0231: a clause that may stand once stands twice."""
    labels = (Label(span, "again"), Label(first, "first here"))
    return Diagnostic("E0231", f"`{clause}` stands twice", labels, "keep one of them")


def missing_clause(span: Span, owner: str, clause: str, help: str) -> Diagnostic:
    """E0232: a declaration without a clause that it needs."""
    return _at("E0232", f"{owner} has no {clause}", span, help)


def mixed_body(span: Span, other: Span) -> Diagnostic:
    """E0233: a block in braces has clauses, or is just one chain."""
    return Diagnostic("E0233", "a block has clauses or one chain, not both", (Label(span), Label(other, "beside this")),
                      "`after …` for what follows the sum; `->` between layers of a chain")


def bad_label(span: Span, why: str) -> Diagnostic:
    """E0234: a label that cannot name a module."""
    return _at("E0234", "this label cannot name a module", span, "another label", why)


def label_twice(span: Span, name: str, first: Span) -> Diagnostic:
    """E0235: two modules of one name in one scope."""
    if first == span:
        labels: tuple[Label, ...] = (Label(span, "at each turn of a repeat"),)
        help = f"no label here, or `{name}1..:` before the repeat, which numbers what it names"
    else:
        labels, help = (Label(span, f"`{name}` again"), Label(first, f"`{name}` first")), "another label"
    return Diagnostic("E0235", f"two modules are called `{name}`", labels, help)


def unknown_metric(span: Span, near: Sequence[str], known: Sequence[str]) -> Diagnostic:
    """E0236: `expect` names a total of the report."""
    return _at("E0236", f"the report has no `{span.text}`", span, _meant(near) or f"one of {', '.join(known)}",
               instead=_only(near))


def needs_values(span: Span, name: str, parameters: Sequence[str], derived: bool) -> Diagnostic:
    """E0237: a template without a value for a parameter is no network yet."""
    names = ", ".join(f"`{p}`" for p in parameters)
    call = f"{name} {', '.join(f'{p}=…' for p in parameters)}"
    outside = " ".join(f"--set {p}=…" for p in parameters)
    help = f"`{call}`" if derived else f"`{outside}`, or, where a command has none, `network my_{name} = {call}`"
    return _at("E0237", f"`{name}` is a template: {names} {'has' if len(parameters) == 1 else 'have'} no value", span, help)


def no_merge(span: Span, near: Sequence[str]) -> Diagnostic:
    """E0238: paths are merged by `add`, `concat` or `mul`."""
    return _at("E0238", f"`{span.text}` merges nothing", span, _meant(near) or "`add`, `concat` or `mul`", instead=_only(near))


def bad_replacement(span: Span) -> Diagnostic:
    """E0239: `replace` swaps one layer for another."""
    return _at("E0239", f"`{span.text}` is a block, and `replace` takes a layer", span)


def no_layer(span: Span, got: str) -> Diagnostic:
    """E0240: a name that is called like a layer, but stands for a number, a size or an option."""
    return _at("E0240", f"this is {got}, not a layer or block", span)


def circular(span: Span, name: str, trail: Sequence[Span]) -> Diagnostic:
    """E0241: a constant or a network that is defined by itself, or a number of blocks that depends on their `count`."""
    labels = (Label(span, "here again"), *(Label(place, "through this") for place in trail if place != span))
    return Diagnostic(CIRCULAR, f"`{name}` is defined by itself", labels)


def by_name_only(span: Span, template: str, parameter: str | None) -> Diagnostic:
    """E0242: the arguments of a network, and those of a quantity, are given by name."""
    named = f"{parameter}={span.text}" if parameter else None
    return _at("E0242", f"`{template}` takes its arguments by name", span, named and f"`{named}`", instead=named)


def unfit_law(span: Span, law: str, kind: str, why: str, help: str | None = None) -> Diagnostic:
    """E0243: an initialisation for a kind of layer that cannot start by it."""
    what = "a residual" if kind == "residual" else f"`{kind}`"
    return _at("E0243", f"`{law}` cannot start {what}", span, help, why)


def loose_chain(span: Span) -> Diagnostic:
    """E0244: layers in a network that stand in no clause."""
    return _at("E0244", "these layers belong to no part of the network", span, "`stem …`, `stage NAME: …` or `head …`")


def two_chains(span: Span, what: str, first: Span) -> Diagnostic:
    """E0245: a block in braces has one chain; the next line begins another."""
    labels = (Label(span, f"another {what}"), Label(first, "the first one"))
    return Diagnostic("E0245", "a block has one chain", labels, f"`-> {span.text.split()[0]}` goes on with the first")


def no_option(span: Span, got: str) -> Diagnostic:
    """E0246: a name that is used as a shortcut option, but stands for something else."""
    return _at("E0246", f"this is {got}, not a shortcut option", span)


def misplaced_bytes(span: Span, why: str) -> Diagnostic:
    """E0247: an amount of bytes where something else is counted."""
    number = span.text.removesuffix("B")
    return _at("E0247", why, span, f"`{number}`" if number[-1] != "i" else "a number without a unit")


def empty_range(span: Span, low: Span, high: Span) -> Diagnostic:
    """E0248: a range that ends below its start."""
    turned = f"{high.text} .. {low.text}"
    return _at("E0248", "nothing is within this range", span, f"the lower bound comes first: `{turned}`", instead=turned)


# --- E03: shapes and structure ---


def residual_mismatch(
    shortcut: Span, residual: Span, f: str, h: str, what: str, help: str, notes: tuple[str, ...]
) -> Diagnostic:
    """E0301: the residual and the shortcut cannot be added."""
    labels = (Label(shortcut, h), Label(residual, f))
    return Diagnostic("E0301", f"the two sides of this shortcut have different {what}", labels, help, notes)


def shape(span: Span, code: str, message: str, help: str | None, incoming: str) -> Diagnostic:
    """E0302: a layer that reads another layout. E0303: a window or padding that does not fit. E0304: groups that do not
    divide. E0305: fields that exclude each other. E0306: channels out of range."""
    return _at(code, message, span, help, f"{incoming} comes in")


def unsafe_inplace(span: Span) -> Diagnostic:
    """E0307: writing in place here would change a value that is still needed."""
    return _at("E0307", "this cannot be done in place: its input is still needed", span, "leave out `inplace=true`")


def merge_mismatch(
    merge: str, first: Span, other: Span, shapes: tuple[str, str], what: str, help: str | None, notes: tuple[str, ...]
) -> Diagnostic:
    """E0308: paths whose shapes cannot be merged."""
    labels = (Label(other, f"this path leaves {shapes[1]}"), Label(first, f"this one leaves {shapes[0]}"))
    return Diagnostic("E0308", f"`{merge}` needs equal {what}", labels, help, notes)


def missing_arm(span: Span, option: str, case: str, declared: Span | None, why: str) -> Diagnostic:
    """E0309: the shortcut option does not say what to do where the shape changes like this."""
    labels = (Label(span, why), *([Label(declared, f"has no `{case}`")] if declared else []))
    help = f"add `{case}: …`, or choose another option"
    return Diagnostic("E0309", f"shortcut option `{option}` has no arm `{case}`", labels, help)


def too_many_layers(span: Span, total: int, limit: int, factors: Sequence[tuple[int, Span]]) -> Diagnostic:
    """E0310: a spec that would expand beyond all bounds is refused by arithmetic, before it is expanded."""
    labels = (Label(span), *(Label(place, f"{count:,} times") for count, place in factors if place != span))
    return Diagnostic("E0310", f"this expands to {total:,} layers; a network has at most {limit:,}", labels)


def expectation(
    span: Span, metric: str, found: str, expected: str, off: str, network: Span | None, notes: Sequence[str]
) -> Diagnostic:
    """E0311: the network is not what its author, or a budget from outside, expects."""
    labels = (Label(span, off), *([Label(network, "of this network")] if network else []))
    return Diagnostic(UNMET, f"`{metric}` is {found}, expected {expected}", labels, None, tuple(notes))


def no_shortcut(span: Span, network: Span) -> Diagnostic:
    """E0312: a block that leaves its shortcut to the network, in a network that chooses none."""
    labels = (Label(span, "whichever the network chose"), Label(network, "which chose none"))
    help = "`shortcut B` in the network, or `shortcut none` for a plain one"
    return Diagnostic("E0312", "no shortcut option was chosen", labels, help)


def too_deep(span: Span, what: str, limit: int) -> Diagnostic:
    """E0313: blocks in blocks, constants of constants or files that use files beyond all depth."""
    return _at("E0313", f"{what} more than {limit} levels deep", span)


def too_much(span: Span) -> Diagnostic:
    """E0314: a spec that would have to be written out far beyond its own length: distinct layers by the thousand."""
    return _at("E0314", "this expands to too many distinct layers", span, "a repeat of equal shapes costs nothing")


def no_norm(residual: Span, init: Span) -> Diagnostic:
    """E0315: `init residual:` starts the last norm of every residual, and one has none in its row of layers."""
    labels = (Label(residual, "no norm in this residual"), Label(init, "which this would start"))
    return Diagnostic("E0315", "`init residual` has nothing to start here", labels,
                      "leave it out, or write `scale=` at the norms that are meant")
