"""A report that was saved as JSON."""

from __future__ import annotations

from resspec.backends.report import Report
from resspec.backends.report.json import SCHEMA
from resspec.backends.report.values import MaxBatch, Tensors
from resspec.backends.report.views import VIEWS, OutputRow, ReportRow
from resspec.ir.document import JsonValue, parse
from resspec.ir.quantities import DTYPES, OPTIMIZERS, QUANTITIES, Conditions
from resspec.ir.tools import TOOLS
from resspec.passes.like import Item, Like
from resspec.passes.quantities import SUMS, Figures
from resspec.passes.receptive import Field

# The quantities that a difference shows. Others may have come after the version that wrote a
# report, which then lacks them.
ALWAYS = (
    "params",
    "macs",
    "flops",
    "acts",
    "layers",
    "moved_bytes",
    "saved_bytes",
    "training_bound_bytes",
)


def from_json(text: str) -> Report:
    """Return a report that was saved, with the quantities that its version of resspec had.

    Raises:
        DocumentError: The text is no report.
    """
    document = JsonValue(SCHEMA, parse(text, SCHEMA), ())
    document["schema"].one_of((SCHEMA,))
    fits = document["max_batch"]
    return Report(
        network=document["network"].text(),
        hash=document["hash"].text(),
        input=document["input"].text(),
        at=_conditions(document["at"]),
        by=document["by"].one_of(VIEWS),
        rows=tuple(_row(row) for row in document["rows"].items()),
        totals=_figures(document["totals"], tuple(QUANTITIES)),
        tensors=Tensors(*(_counts(document["tensors"][name]) for name in Tensors._fields)),
        max_batch=None if fits.value is None else _max_batch(fits),
        like=_likes(document["like"]),
        outputs=document.optional("outputs", _outputs) or (),
        placeholders=document.optional("placeholders", JsonValue.whole) or 0,
    )


def _conditions(part: JsonValue) -> Conditions:
    frozen = frozenset(label.text() for label in part["frozen"].items())
    batch, dtype = part["batch"].whole(), part["dtype"].one_of(DTYPES)
    return Conditions(batch, dtype, part["optimizer"].one_of(OPTIMIZERS), frozen)


def _max_batch(part: JsonValue) -> MaxBatch:
    batch = part["batch"]
    return MaxBatch(part["memory"].whole(), None if batch.value is None else batch.whole())


def _likes(part: JsonValue) -> tuple[Like, ...]:
    """Return the totals of tools; older versions wrote that of one, or null."""
    match part.value:
        case None:
            return ()
        case dict():
            return (_like(part),)
        case _:
            return tuple(map(_like, part.items()))


def _like(part: JsonValue) -> Like:
    items = part["bridge"].items()
    bridge = tuple(Item(item["label"].text(), item["value"].integer()) for item in items)
    total = part["total"].whole()
    if total != sum(item.value for item in bridge):
        raise part["bridge"].wrong("it does not lead to the total")
    uncounted = tuple(kind.text() for kind in part["uncounted"].items())
    tool, version, counts = part["tool"].one_of(TOOLS), part["version"], part["counts"]
    return Like(tool, version.text(), counts.text(), total, bridge, uncounted)


def _row(part: JsonValue) -> ReportRow:
    label, holds, output = (part[name].text() for name in ("label", "holds", "output"))
    seen = part["receptive_field"]
    field = None if seen.value is None else _field(seen)
    return ReportRow(label, holds, output, part["repeats"].whole(), _figures(part, SUMS), field)


def _outputs(part: JsonValue) -> tuple[OutputRow, ...]:
    return tuple(
        OutputRow(
            each["name"].text(),
            each["shape"].text(),
            each["channels"].whole(),
            _field(each["receptive_field"]),
        )
        for each in part.items()
    )


def _field(part: JsonValue) -> Field:
    (height, width), (down, right) = part["size"].pair(), part["stride"].pair()
    return Field((height.whole(), width.whole()), (down.fraction(), right.fraction()))


def _figures(part: JsonValue, names: tuple[str, ...]) -> Figures:
    given = part.values()
    return {name: part[name].whole() for name in names if name in ALWAYS or name in given}


def _counts(part: JsonValue) -> dict[str, int]:
    return {kind: count.whole() for kind, count in part.values().items()}
