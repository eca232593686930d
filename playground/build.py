"""Build the playground: one static folder, `build/playground`.

    python playground/build.py

npm and esbuild must be reachable; what npm installs is kept in build/npm.
"""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from html import escape
from importlib import metadata
from pathlib import Path
from string import Template

from resspec.commands.panes import policy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VIEWER = ROOT / "resspec" / "viewer"
MODULES = ROOT / "build" / "npm"
SITE = ROOT / "build" / "playground"
PYODIDE = (
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide.mjs",
    "pyodide-lock.json",
    "python_stdlib.zip",
)
LEFT_OUT = {"resspec/study", "resspec/training"}
NEEDED = {"resspec/training/__init__.py", "resspec/training/names.py"}


def main() -> None:
    """Build the folder from scratch."""
    _install()
    shutil.rmtree(SITE, ignore_errors=True)
    (SITE / "pyodide").mkdir(parents=True)
    for name in PYODIDE:
        shutil.copyfile(MODULES / "node_modules" / "pyodide" / name, SITE / "pyodide" / name)
    _bundle()
    page = (HERE / "index.html").read_text(encoding="utf-8")
    panes = (VIEWER / "panes.html").read_text(encoding="utf-8")
    filled = Template(page).substitute(policy=escape(policy()), panes=panes)
    (SITE / "index.html").write_text(filled, encoding="utf-8")
    shutil.copyfile(VIEWER / "style.css", SITE / "style.css")
    _pack(SITE / "resspec.zip")


def _install() -> None:
    MODULES.mkdir(parents=True, exist_ok=True)
    wanted, there = HERE / "package.json", MODULES / "package.json"
    if there.is_file() and there.read_bytes() == wanted.read_bytes():
        return
    shutil.copyfile(wanted, there)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    try:
        subprocess.run(command, cwd=MODULES, check=True)
    except BaseException:
        there.unlink()
        raise


def _bundle() -> None:
    """Make one file of the page's modules and CodeMirror; the worker is copied unchanged."""
    esbuild = MODULES / "node_modules" / ".bin" / "esbuild"
    settings = ["--bundle", "--minify", "--format=esm", "--target=es2022"]
    command: list[str | Path] = [
        esbuild,
        HERE / "main.js",
        *settings,
        f"--outfile={SITE / 'main.js'}",
    ]
    environment = {"NODE_PATH": str(MODULES / "node_modules"), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, check=True, env=environment)
    shutil.copyfile(HERE / "worker.js", SITE / "worker.js")


def _pack(archive: Path) -> None:
    """Pack lark and resspec, without what needs torch."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, path in sorted(_files()):
            packed.write(path, name)


def _files() -> Iterator[tuple[str, Path]]:
    for packaged in metadata.files("lark") or ():
        if packaged.suffix in {".py", ".lark"} and "__pyinstaller" not in packaged.parts:
            yield packaged.as_posix(), Path(str(packaged.locate()))
    for folder in ("resspec", "grammar", "specs"):
        for path in (ROOT / folder).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            is_left_out = any(name.startswith(f"{each}/") for each in LEFT_OUT)
            if path.is_file() and path.suffix != ".pyc" and (name in NEEDED or not is_left_out):
                yield name, path


if __name__ == "__main__":
    main()
