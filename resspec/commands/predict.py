"""`resspec predict`: the classes of images, by the network of a run."""

from __future__ import annotations

import csv
import gc
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.commands import numbers
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import color, complain, note, width
from resspec.diagnostics import UsageError

if TYPE_CHECKING:
    from resspec.training.predict import Prediction, TrainedModel

    Rows = Sequence[tuple[Path, list[Prediction]]]

SUMMARY = "predict the classes of images with a trained network"
EXAMPLES = """\
  resspec predict runs/a cat.jpg       the most probable classes
  resspec predict runs/a photos --top-k 1 --format csv
  resspec predict weights.safetensors cat.jpg --tta
                                       a file that a run wrote

--tta averages the probabilities of the center, the corners, and their mirror
images. The exit code is 2 if an image cannot be read; the others are still
classified.
"""
BATCH = 64  # images at a time
SCHEMA = "resspec.predict/1"
FORMATS = ("table", "json", "csv")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="the folder of a run, or its weights.safetensors"
    )
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="images, or folders of images"
    )
    parser.add_argument(
        "--top-k", type=numbers.batch, default=3, metavar="N", help="classes per image (3)"
    )
    parser.add_argument(
        "--tta", action="store_true", help="average over crops and their mirror images"
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help="(table)")


def run(arguments: Namespace) -> int:
    gc.enable()
    with torch_installed("predict"):
        from resspec.training import predict

        model = predict.opened(arguments.run)
        if model.note:
            note(model.note)
        rows: list[tuple[Path, list[Prediction]]] = []
        unreadable = 0
        for paths in batched(_files(arguments.images)):
            for path, found in _predicted(model, paths, arguments):
                if isinstance(found, UsageError):
                    complain(str(found), found.code)
                    unreadable += 1
                else:
                    rows.append((path, found))
    if rows:
        _print(rows, arguments.format)
    return 2 if unreadable else 0


def _predicted(
    model: TrainedModel, paths: list[Path], arguments: Namespace
) -> Iterator[tuple[Path, list[Prediction] | UsageError]]:
    """Yield each image with its predictions, or with the error in reading it."""
    options = {"top_k": arguments.top_k, "tta": arguments.tta}
    try:
        yield from zip(paths, model.predict(paths, **options), strict=True)
    except UsageError as error:
        if len(paths) == 1:
            yield paths[0], error
            return
        for path in paths:
            yield from _predicted(model, [path], arguments)


def batched(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Yield paths in lists of a batch."""
    waiting = iter(paths)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _files(given: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that are given, and the images in folders. Raises UsageError."""
    from resspec.training.data.scan import is_image

    for path in given:
        if not path.is_dir():
            yield path
            continue
        found = sorted(each for each in path.rglob("*") if is_image(each.name) and each.is_file())
        if not found:
            raise UsageError(f"there is no image in {path}")
        yield from found


def _print(rows: Rows, form: str) -> None:
    match form:
        case "json":
            print(to_json(rows))
        case "csv":
            _write_csv(rows)
        case _:
            print(to_table(rows), end="")


def to_json(rows: Rows) -> str:
    """Return predictions as a JSON document."""
    images = [
        {
            "image": str(path),
            "predictions": [
                {"class": each.label, "index": each.index, "probability": each.probability}
                for each in found
            ],
        }
        for path, found in rows
    ]
    return json.dumps({"schema": SCHEMA, "images": images}, indent=2)


def _write_csv(rows: Rows) -> None:
    """Write a line for each class of each image."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("image", "rank", "class", "index", "probability"))
    for path, found in rows:
        for rank, each in enumerate(found, 1):
            writer.writerow((path, rank, each.label, each.index, each.probability))


def to_table(rows: Rows) -> str:
    """Return predictions as a table with a line for each image."""
    from resspec.backends.table import Column, longest, shown, taken
    from resspec.backends.table import filled as table_of

    ranks = max(len(found) for _, found in rows)
    headings = ["image", *(word for _ in range(ranks) for word in ("class", ""))]
    lines = [(str(path), *_cells(found)) for path, found in rows]
    columns = [
        Column(heading, longest(heading, *cells), figures=bool(i) and i % 2 == 0)
        for i, (heading, *cells) in enumerate(zip(headings, *lines, strict=True))
    ]
    return shown([table_of(columns, lines)], max(width(), taken(columns)), color(sys.stdout))


def _cells(found: list[Prediction]) -> Iterator[str]:
    for each in found:
        yield each.label
        yield f"{each.probability:.1%}"
