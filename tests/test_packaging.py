"""The wheel and the sdist hold what the package needs, and an installed package finds it."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import resspec

ROOT = Path(__file__).parents[1]
SHIPPED = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("grammar", "specs")
    for path in (ROOT / folder).rglob("*.*")
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path) -> Path:
    """The unpacked wheel, as an installation lays it out."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(built / "site")
    return built / "site"


def test_the_wheel_holds_the_package_and_what_it_ships_and_nothing_else(installed: Path) -> None:
    top = {path.name for path in installed.iterdir()}
    assert {name.partition("-")[0] for name in top} == {"resspec"}
    assert (installed / "resspec" / "py.typed").is_file()
    assert {"grammar/resspec.lark", "specs/resnet152.res", "specs/lib/he2015.res"} <= set(SHIPPED)
    for path in (ROOT / "resspec").rglob("*.*"):
        if path.suffix != ".pyc":
            assert (installed / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    for name in SHIPPED:
        assert (installed / "resspec" / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_sdist_can_run_the_tests(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    here = Path(__file__).relative_to(ROOT).as_posix()
    assert {
        "Makefile",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "resspec/shipped.py",
        here,
        *SHIPPED,
    } <= names


def test_an_installed_package_finds_its_own_specs(installed: Path, tmp_path: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); import resspec; from resspec import shipped; "
        "print(shipped.path('specs')); print(resspec.load('resnet152').output)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(installed / "resspec" / "specs"), "1000"]


def test_the_command_is_installed_in_this_environment() -> None:
    script = Path(sys.executable).with_name("resspec")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["resspec", "0.1.0"]


def test_what_messages_and_documents_tell_to_install_is_an_extra_and_the_tests_have_it() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    texts = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "resspec").rglob("*.py")]
    told = {name for text in texts for name in re.findall(r"resspec\[([a-z]+)\]", text.read_text())}
    assert {"onnx", "png", "tensorboard"} <= told <= extras.keys()
    assert f"resspec[{','.join(sorted(extras.keys() - {'dev'}))}]" in extras["dev"]


def test_hosted_ci_runs_on_every_supported_python_and_names_files_that_exist() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    classifiers = re.findall(
        r"Python :: (3\.\d+)$", "\n".join(project["classifiers"]), re.MULTILINE
    )
    assert matrix["python"] == classifiers

    steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    named = re.findall(r"(?:tests|\.ci)/[\w/.]+", "\n".join(steps))
    assert named and all((ROOT / path).exists() for path in named)


def test_the_citation_has_the_version_of_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == resspec.__version__
