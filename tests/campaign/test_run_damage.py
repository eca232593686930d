"""Every file of a run, damaged in every way before every command that reads it.

Nothing ends with a traceback, and each message names the file.
"""

from contextlib import chdir
from pathlib import Path
from random import Random

from tests.campaign.progress import run_campaign
from tests.train.damage import COMMANDS, DAMAGE, FILES, at_random, check, lay_out, restore

CASES = [(command, name, kind) for command in COMMANDS for name in FILES for kind in DAMAGE]


def test_every_damage_is_named() -> None:
    def damage_one(seed: int, folder: Path) -> None:
        _restore_runs(folder)
        command, name, kind = CASES[seed % len(CASES)]
        with chdir(folder):
            DAMAGE[kind](Path("a", name))
            check(command, name, kind)

    run_campaign("run-damage", len(CASES), damage_one)


def test_random_damage_is_named() -> None:
    def damage_one(seed: int, folder: Path) -> None:
        _restore_runs(folder)
        rng = Random(seed)
        command, name = rng.choice(list(COMMANDS)), rng.choice(FILES)
        with chdir(folder):
            at_random(Path("a", name), rng)
            check(command, name, "at random")

    run_campaign("random-run-damage", 5_000, damage_one)


def _restore_runs(folder: Path) -> None:
    with chdir(folder):
        if not Path("b").exists():
            lay_out(folder)
            restore(Path("good"), Path("a"))
        restore(Path("a"), Path("good"))
