"""`resspec eval`: how good a network is on test images, beside what was published."""

from __future__ import annotations

import gc
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from resspec.commands import given, numbers
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import note, wrote
from resspec.diagnostics import UsageError
from resspec.training.names import CIFAR_10, CIFAR_100, IMAGENET

if TYPE_CHECKING:
    from torch import Tensor

    from resspec.ir.network import Network
    from resspec.ir.shape import Shape
    from resspec.training.distributed.processes import Processes
    from resspec.training.evaluate import Evaluation, Protocol
    from resspec.training.recipe import Recipe
    from resspec.training.weights import LoadedWeights

SUMMARY = "evaluate a network on test images, next to published results"
EXAMPLES = """\
  resspec eval runs/digits             a finished run
  resspec eval torchvision/resnet50 --weights resnet50.pth --data imagenet
  resspec eval resnet50 --weights he.pth --data /data/imagenet
      --recipe imagenet-he2015 --protocol 10-crop --workers 4
  resspec eval runs/a --confusion figures    confusion.csv, .png and .svg

Protocols: 1-crop, as the recipe shows test images; 10-crop, four corners and
the center with their mirror images; multi-scale, the whole image at five sizes
with the head made convolutional. Scores are averaged; each image counts once.
"""


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="the weights of SPEC: .safetensors, or .pth"
    )
    given.takes_data(parser, None, "the run's own")
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="how to preprocess images (the run's own, or the data set's)",
    )
    parser.add_argument(
        "--protocol",
        choices=("1-crop", "10-crop", "multi-scale"),
        default="1-crop",
        help="(1-crop)",
    )
    parser.add_argument(
        "--batch", type=numbers.batch, default=64, metavar="N", help="images at a time (64)"
    )
    parser.add_argument(
        "--workers",
        type=numbers.workers,
        default=0,
        metavar="N",
        help="DataLoader workers for a folder of images (0)",
    )
    parser.add_argument(
        "--download", action="store_true", help="download the data set if it is missing"
    )
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda (a GPU where there is one)")
    parser.add_argument(
        "--bf16", action="store_true", help="compute in bfloat16 where that is safe (float32)"
    )
    parser.add_argument(
        "--confusion", type=Path, metavar="DIR", help="write the confusion matrix into this folder"
    )


class Asked(NamedTuple):
    """A network to evaluate, with its weights, data and preprocessing.

    Attributes:
        recipe_name: None for a recipe that does not ship with resspec.
        digest: Of the test images that a run was tested with; None for a spec.
        classes: The classes that the network was trained on, where they are known.
        preprocessing: How it was trained to see images, where that is known.
    """

    network: Network
    weights: dict[str, Tensor]
    recipe: Recipe
    recipe_name: str | None
    data: str
    digest: str | None
    classes: list[str] | None
    preprocessing: Mapping[str, Any] | None


def run(arguments: Namespace) -> int:
    gc.enable()
    with torch_installed("eval"):
        from resspec.training.distributed import processes

        with processes.joined(arguments.device) as together:
            _evaluate(arguments, together)
    return 0


def _evaluate(arguments: Namespace, together: Processes) -> None:
    """Raises SpecError, UsageError."""
    from resspec.ir.fingerprint import fingerprint
    from resspec.training import classes, data, preflight
    from resspec.training.evaluate import EvalConfig, evaluate
    from resspec.training.output.curves import draw_confusion
    from resspec.training.output.progress import counting
    from resspec.training.weights.preprocessing import normalized_as

    asked = _asked(arguments)
    shown = asked.recipe.data
    found = data.load(
        asked.data, normalize=shown.normalize, exif=shown.exif, download=arguments.download
    )
    if asked.classes is not None:
        classes.check_same(
            asked.classes,
            found.classes,
            whose=str(arguments.weights or arguments.spec),
            data=found.name,
        )
    if asked.digest is not None and asked.digest != found.test.digest and not arguments.data:
        told_of = (
            f"the test images of `{found.name}` have changed since {arguments.spec} was tested"
        )
        raise UsageError(f"{told_of}; pass --data to evaluate it on the current ones", "E0621")
    if asked.preprocessing is not None:
        found = normalized_as(asked.preprocessing, found)

    view = asked.recipe.data.test
    request = preflight.Request(
        network=asked.network,
        processes=together,
        data=found,
        recipe=asked.recipe,
        tests=arguments.protocol,
        batch=arguments.batch,
        facts={
            "hash": fingerprint(asked.network),
            "data": found.test.digest,
            "protocol": arguments.protocol,
            "recipe": asked.recipe.model_dump(mode="json"),
        },
        folder=arguments.confusion,
    )
    bar = counting if together.is_main else preflight.silent
    inspections = preflight.require([request], tell=note, bar=bar)
    shapes = preflight.test_shapes(request, inspections)
    other = _other_size(asked.network, shapes, arguments.protocol)
    if other and asked.preprocessing is None and not arguments.recipe:
        raise UsageError(f"{other}: pass --recipe to say how to preprocess them")

    config = EvalConfig(
        found.test,
        view,
        arguments.protocol,
        arguments.batch,
        arguments.workers,
        "bf16" if arguments.bf16 else "fp32",
    )
    measured = evaluate(asked.network, asked.weights, config, together)
    if together.is_main:
        print(
            text(asked.network, found.name, arguments.protocol, measured, asked.recipe_name), end=""
        )
        if arguments.confusion:
            paths = draw_confusion(measured.confusion, found.classes, arguments.confusion)
            wrote(paths)


def _other_size(network: Network, shapes: set[Shape], protocol: Protocol) -> str | None:
    """Return a message where all images have another size than the network's input."""
    if protocol == "multi-scale" or len(shapes) != 1 or network.input in shapes:
        return None
    (shape,) = shapes
    return f"the recipe makes images of {shape}, but the input of {network.name} is {network.input}"


def text(
    network: Network, data: str, protocol: Protocol, measured: Evaluation, recipe: str | None
) -> str:
    """Return the errors in percent, above the published ones of the same network and protocol."""
    from resspec.training.evaluate import PROTOCOLS
    from resspec.training.published import published

    wrong = measured.total - measured.correct
    has_top5 = network.output.elements > 5
    lines = [
        ("", "top-1 error", "top-5 error" * has_top5, ""),
        (
            "measured",
            f"{measured.top1_error:.2%}",
            f"{measured.top5_error:.2%}" * has_top5,
            f"{wrong:,} of {measured.total:,} wrong, loss {measured.loss:.4f}",
        ),
    ]
    lines += [
        (
            "published",
            f"{figure.top1:.2f}%",
            "" if figure.top5 is None else f"{figure.top5:.2f}%",
            f"{figure.source}; recipe {figure.recipe}",
        )
        for figure in published(network, protocol, data, recipe)
    ]
    rows = (
        f"{name:<9}  {top1:>11}  {f'{top5:>11}  ' * has_top5}{more}".rstrip()
        for name, top1, top5, more in lines
    )
    return "\n".join([f"{network.name} on {data}, {protocol}: {PROTOCOLS[protocol]}", *rows]) + "\n"


def _asked(arguments: Namespace) -> Asked:
    """Raises SpecError, UsageError."""
    from resspec import opening
    from resspec.training.run import record

    folder = Path(arguments.spec)
    if record.is_run(folder):
        return _run(arguments)
    try:
        opening.locate(arguments.spec)
    except UsageError as nowhere:
        message = f"{arguments.spec or folder} is not a run folder{record.runs_near(folder)}"
        raise UsageError(f"{message}; and {nowhere}") from None
    return _spec(arguments)


def _run(arguments: Namespace) -> Asked:
    """Raises UsageError for a run that has not ended or is damaged."""
    from resspec.training import recipe_file
    from resspec.training.run import ended

    folder = Path(arguments.spec)
    if arguments.set:
        raise UsageError(
            f"--set is for specs; the parameters of the network in {folder} already have values"
        )
    run = ended.load(folder, arguments.weights)
    facts = run.facts
    data = arguments.data or ended.data_of(folder, facts)
    recipe = recipe_file.load(arguments.recipe) if arguments.recipe else run.tested.recipe
    name = next((name for name in recipe_file.names() if recipe_file.load(name) == recipe), "")
    weights, classes = _fitting(run.weights, run.network), facts["data"]["classes"]
    return Asked(
        run.network, weights, recipe, name, data, run.tested.images, classes, facts["preprocessing"]
    )


def _spec(arguments: Namespace) -> Asked:
    """Raises SpecError, UsageError."""
    from resspec.training import recipe_file, weights
    from resspec.training.weights import metadata
    from resspec.training.weights.preprocessing import shown_as

    network = given.load(arguments)
    if not arguments.weights or not arguments.data:
        raise UsageError(
            "to evaluate a spec, pass --weights FILE and --data NAME; the folder of a finished run needs neither"
        )
    read = weights.read(arguments.weights)
    classes, preprocessing = metadata.classes(read), metadata.preprocessing_of(read)
    known = {
        IMAGENET: "imagenet-torchvision-v1",
        CIFAR_10: "cifar-he2015",
        CIFAR_100: "cifar-he2015",
    }
    name = arguments.recipe or known.get(arguments.data, arguments.data)
    if not arguments.recipe and name not in recipe_file.names():
        name = known[IMAGENET]
    recipe = recipe_file.load(name)
    if preprocessing and not arguments.recipe:
        recipe = shown_as(preprocessing, recipe)
    return Asked(
        network,
        _fitting(read, network),
        recipe,
        arguments.recipe if arguments.recipe in recipe_file.names() else None,
        arguments.data,
        None,
        classes,
        preprocessing,
    )


def _fitting(weights: LoadedWeights, network: Network) -> dict[str, Tensor]:
    """Raises UsageError, which tells all that does not fit."""
    from resspec.backends.module import build

    module = build(network)
    weights.into(module, may_be_new=False)
    return module.state_dict()
