"""Every file of a run damaged in every way, and at random, before every command that reads it: no traceback, and each named."""

from contextlib import chdir
from pathlib import Path
from random import Random

from tests.campaign.progress import onwards
from tests.train.damage import COMMANDS, DAMAGE, FILES, at_random, check, lay_out, restore

EACH = [(command, name, kind) for command in COMMANDS for name in FILES for kind in DAMAGE]
AT_RANDOM = 5_000


def test_every_damage() -> None:
    def one(seed: int, folder: Path) -> None:
        _laid_out(folder)
        command, name, kind = EACH[seed % len(EACH)]
        with chdir(folder):
            DAMAGE[kind](Path("a", name))
            check(command, name, kind)

    onwards("run-damage", len(EACH), one)


def test_random_damage() -> None:
    def one(seed: int, folder: Path) -> None:
        _laid_out(folder)
        chance = Random(seed)
        command, name = chance.choice(list(COMMANDS)), chance.choice(FILES)
        with chdir(folder):
            at_random(Path("a", name), chance)
            check(command, name, "at random")

    onwards("random-run-damage", AT_RANDOM, one)


def _laid_out(folder: Path) -> None:
    with chdir(folder):
        if not Path("b").exists():
            lay_out(folder)
            restore(Path("good"), Path("a"))
        restore(Path("a"), Path("good"))
