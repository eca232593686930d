"""For all tests: one thread each, no deadlines, golden files, and needs of the machine."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import system

GOLDEN = Path(__file__).parent / "golden"

# Several workers share the cores: one thread each is faster for all of them. Set before torch is
# first imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Time says nothing about a property: the machine may be busy with other work.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


# matplotlib's list of fonts takes seconds to make: it stays where it is.
os.environ.setdefault("MPLCONFIGDIR", str(Path("~/.cache/matplotlib").expanduser()))

gc.disable()


def pytest_collection_finish() -> None:
    """Hide modules and tests from the garbage collector, which took a tenth of the time for them."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is remembered from an earlier session, and nothing left in the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="write golden files instead of comparing with them"
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden("resnet152.py", text)`: the text is exactly what tests/golden/resnet152.py holds."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        with path.open(encoding="utf-8", newline="") as file:
            assert text == file.read(), (
                f"{path.name} is another now: look at `pytest --update`, then at its diff"
            )

    return compare


@pytest.fixture(scope="session")
def font() -> str:
    """A font of this machine, in which pictures and pages are drawn."""
    return system.required(system.font)
