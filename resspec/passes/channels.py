"""The channels that leave a layer, as a formula of those that enter it."""

from __future__ import annotations

from resspec.ir.formulas import FormulaValue, binary, constant


def channels_after(
    kind: str, fields: dict[str, FormulaValue], entering: FormulaValue, channels: int
) -> FormulaValue:
    """Return the channels that leave a layer, with their formula if one is known."""
    out = fields.get("out_channels") or fields.get("out_features")
    formula = entering.formula
    if out is not None:
        return checked(out, channels)
    if kind == "flatten" and channels % entering.value == 0:
        return FormulaValue(channels, binary("*", channels // entering.value, formula))
    if kind == "slice" and "stop" not in fields:
        return FormulaValue(channels, binary("-", formula, fields["start"].formula))
    if kind == "chunk":
        return FormulaValue(channels, binary("//", formula, fields["chunks"].formula))
    return checked(entering, channels)


def checked(known: FormulaValue, value: int) -> FormulaValue:
    """Return what is known where it is this value, else the value alone."""
    return known if known.value == value else constant(value)
