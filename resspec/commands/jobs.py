"""The job that the arguments of `resspec train` describe: network, recipe and data."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resspec.diagnostics import UsageError
from resspec.training.names import DATA, DIGITS

if TYPE_CHECKING:
    from resspec.ir.network import Network
    from resspec.training.data import Dataset
    from resspec.training.plan import Job
    from resspec.training.recipe_file import ParsedRecipe


def _silent(sentence: str) -> None:
    """Say nothing."""


def job_of(arguments: Namespace, tell: Callable[[str], None] = _silent) -> Job:
    """Return the job that the arguments describe. Raises SpecError, UsageError.

    Args:
        arguments: The arguments of the command.
        tell: Receives a sentence about the values that are set from the data.
    """
    from resspec import compiler, opening
    from resspec.training import weights
    from resspec.training.fitted import fitted
    from resspec.training.plan import Job

    of_network, of_recipe = split(arguments.set, opening.parameters(arguments.spec))
    if arguments.epochs is not None:
        _check_epochs(arguments.epochs, of_recipe)
        of_recipe.append(("epochs", str(arguments.epochs)))
    values: dict[str, Any] = {"input": arguments.input, **dict(of_network)}
    written, network, images = _together(arguments, of_recipe, values)
    undecided = [name for name in opening.undecided(arguments.spec) if name not in values]

    def make(others: dict[str, Any]) -> Network:
        return compiler.load(arguments.spec, **values, **others)

    network, what = fitted(network, make, undecided, images)
    if what:
        tell(what)
    return Job(
        network,
        written.recipe,
        images,
        arguments.seed,
        weights.read(arguments.weights) if arguments.weights else None,
        arguments.workers,
        written,
    )


def _together(
    arguments: Namespace, of_recipe: list[tuple[str, str]], values: dict[str, Any]
) -> tuple[ParsedRecipe, Network, Dataset]:
    """Return the recipe, which is chosen where none is given, the network and the data."""
    from resspec import compiler
    from resspec.training import automatic, data, recipe_file
    from resspec.training.recipes.images import DataConfig

    name = arguments.data or DIGITS
    recipe = arguments.recipe or own_recipe(name, download=arguments.download)
    written = recipe_file.read(recipe, of_recipe) if recipe else None
    network = compiler.load(arguments.spec, **values)

    def loaded(transforms: DataConfig) -> Dataset:
        return data.load(
            name,
            normalize=transforms.normalize,
            exif=transforms.exif,
            channels=network.input.channels,
            download=arguments.download,
        )

    if written:
        return written, network, loaded(written.recipe.data)
    images = loaded(DataConfig())
    chosen = automatic.recipe_for(network, images, fine_tuning=bool(arguments.weights))
    written = recipe_file.parsed(chosen, of_recipe)
    transforms = written.recipe.data
    if (transforms.normalize, transforms.exif) != (DataConfig().normalize, DataConfig().exif):
        images = loaded(transforms)
    return written, network, images


def _check_epochs(epochs: int, of_recipe: list[tuple[str, str]]) -> None:
    """Check that no setting also says how long to train. Raises UsageError."""
    from resspec.training import recipe_file

    for name, value in of_recipe:
        if recipe_file.matching(name) in ([("epochs",)], [("iterations",)]):
            both = f"--epochs {epochs} and --set {name}={value} both say how long to train"
            raise UsageError(f"{both}: leave one out")


def own_recipe(name: str, *, download: bool) -> str | None:
    """Return the recipe with the name of the data set, or None. Raises UsageError without data."""
    from resspec.training import data, recipe_file

    if name in recipe_file.names():
        return name
    if not (download and name in DATA):  # a download waits until all else is right
        data.find(name)
    return None


def split(
    settings: list[tuple[str, str]], parameters: list[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the settings of the network and of the recipe.

    Raises:
        UsageError: A setting is of neither, or could be of both.
    """
    from resspec.suggest import nearest
    from resspec.training import recipe_file

    of_network, of_recipe = [], []
    for name, value in settings:
        owner, _, rest = name.partition(".")
        if owner == "net":
            of_network.append((rest, value))
        elif owner == "recipe":
            of_recipe.append((rest, value))
        elif name in parameters and recipe_file.matching(name):
            message = f"`{name}` is a parameter of the network and a key of the recipe"
            raise UsageError(f"{message}: write net.{name} or recipe.{name}")
        elif name in parameters:
            of_network.append((name, value))
        elif recipe_file.matching(name) or recipe_file.is_foreign(name):  # a mistake names ours
            of_recipe.append((name, value))
        else:
            near = nearest(name, [*parameters, *recipe_file.keys()])
            raise UsageError(
                f"neither the network nor the recipe has `{name}`"
                + (f"; did you mean `{near}`?" if near else "")
            )
    values = dict[str, str]()
    for name, value in of_network:
        if values.setdefault(name, value) != value:
            raise UsageError(
                f"`{name}` of the network is given twice, as {values[name]} and as {value}"
            )
    return of_network, of_recipe
