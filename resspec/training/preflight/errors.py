"""E053x: errors before the first step. Each docstring is the title of its code's page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from resspec.diagnostics import Diagnostic
from resspec.source import Label, Span
from resspec.suggest import alike, listed, meant


def damaged_image(path: Path, part: str, why: str) -> Diagnostic:
    """E0514: a file of the data is damaged, or is not what its name says."""
    help = "replace or remove it"
    return Diagnostic(
        "E0514", f"this {part} image cannot be read: {why}", (Label(Span.of_file(path)),), help
    )


def mixed_sizes(
    recipe: Span, sizes: Sequence[tuple[str, Path]], total: int, side: int, test: str
) -> Diagnostic:
    """E0530: training images have different sizes, and the recipe does not bring them to one."""
    examples = ", ".join(f"{size} ({path})" for size, path in sizes)
    others = total - len(sizes)
    more = f" and {others:,} more size{'s' * (others > 1)}" if others else ""
    return Diagnostic(
        "E0530",
        f"training images have different sizes: {examples}{more}",
        (Label(recipe, "nothing here makes them one size"),),
        f"`data: {{random_resized_crop: {{size: {side}}}{test}}}`, or "
        f"`data: {{resize: {side}, crop: {side}{test}}}`",
    )


def unreadable_size(
    layer: Span, recipe: Span, images: str, size: str, problem: str, input: str
) -> Diagnostic:
    """E0531: the transforms give images of a size that the network cannot read."""
    return Diagnostic(
        "E0531",
        f"the network cannot read {images} of {size}",
        (Label(layer, problem), Label(recipe, f"gives {size}")),
        f"use transforms that give {input}, the network's `input`, "
        "or a head that begins with `avgpool`",
    )


def single_value(layer: Span, setting: Span | None, reads: str, images: str) -> Diagnostic:
    """E0532: a norm would see a single value of each channel, which torch refuses to normalize."""
    return Diagnostic(
        "E0532",
        f"this norm would see a single value per channel: {images}",
        (Label(layer, f"reads {reads}"), *([Label(setting)] if setting else [])),
        "use at least 2 images at a time, or a norm that does not normalize over the batch",
    )


def no_room(
    folder: Span,
    needs: str,
    has: str,
    help: str = "choose a folder on another disk, or a smaller `keep`",
) -> Diagnostic:
    """E0533: the disk has no room for what the run will write."""
    return Diagnostic(
        "E0533",
        f"the run will write {needs}, but {has}",
        (Label(folder),),
        help,
    )


def cannot_write(folder: Span, why: str) -> Diagnostic:
    """E0535: the folder cannot be written to."""
    return Diagnostic(
        "E0535",
        f"this folder cannot be written to: {why}",
        (Label(folder),),
        "choose another folder",
    )


def unknown_section(place: Span, word: str, network: str, labels: Sequence[str]) -> Diagnostic:
    """E0536: the recipe names a section that the network does not have."""
    near = alike(word, labels)
    return Diagnostic(
        "E0536",
        f"`{network}` has no section `{word}`",
        (Label(place),),
        meant(near) or f"it has {listed(labels)}",
    )


def nothing_trained(place: Span, network: str) -> Diagnostic:
    """E0537: the recipe freezes all of the network."""
    return Diagnostic(
        "E0537",
        f"every section of `{network}` that has parameters is frozen",
        (Label(place),),
        "leave out at least one section, such as `head`",
    )


def unsuitable_size(place: Span, why: str, image: Path, others: int, help: str) -> Diagnostic:
    """E0515: a transform of the recipe does not fit the size of an image."""
    more = f" and {others:,} other sizes" if others else ""
    notes = (f"the image is {image}{more}",) if image.name else ()
    return Diagnostic("E0515", why, (Label(place),), help, notes)
