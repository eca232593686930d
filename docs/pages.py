"""Pages of the documentation site that are made from what the repository holds elsewhere.

MkDocs loads this file as a hook: `on_files` adds the pages, `on_page_markdown` adapts links and
code blocks.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

import resspec
from resspec.commands import COMMANDS, explain, parser

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
DIAGNOSTICS = ROOT / "grammar" / "diagnostics"
MIRRORED = {  # from a document of the repository to its page
    "README.md": "index.md",
    "grammar/README.md": "language.md",
    "resspec/README.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
IMAGE = re.compile(r'(<img src=")([^"]+)(")')
FENCE = re.compile(
    r"^```res [^=\n]*$", re.MULTILINE
)  # `res chain`, `res E0301`: notes for the tests
HOME = "---\nhide: [navigation]\n---\n\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that have no file in docs/."""
    for source, page in MIRRORED.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        content = _relinked(text, source, page)
        if page == "index.md":
            content = HOME + content
        files.append(File.generated(config, page, content=content))

    made = {
        "commands.md": _commands(),
        "networks.md": _networks(),
        "diagnostics/index.md": _diagnostics(),
    }
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))

    for path in DIAGNOSTICS.glob("*.md"):
        files.append(File.generated(config, f"diagnostics/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's text with links into the repository adapted, and code blocks named by their
    language alone.
    """
    del config, files
    here = page.file.src_uri
    text = markdown if page.file.generated_by else _relinked(markdown, f"docs/{here}", here)
    return FENCE.sub("```res", text)


# --- links ---


def _relinked(text: str, source: str, page: str) -> str:
    """Return a document's text with links that work from its page; a link to a file that has no
    page becomes its text.
    """

    def link(found: re.Match[str]) -> str:
        target = _page_of(found[2], source, page)
        return found[1] if target is None else f"[{found[1]}]({target})"

    def image(found: re.Match[str]) -> str:
        return f"{found[1]}{_page_of(found[2], source, page)}{found[3]}"

    return IMAGE.sub(image, LINK.sub(link, text))


def _page_of(link: str, source: str, page: str) -> str | None:
    """Return where a link of a repository file leads on the site; None if to no page."""
    if link.startswith(("#", "https:", "http:", "mailto:")):
        return link
    path, mark, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if target in MIRRORED:
        found = MIRRORED[target]
    elif target.startswith("docs/") and (ROOT / target).is_file() and not target.endswith(".res"):
        found = target.removeprefix("docs/")
    else:
        return None
    return posixpath.relpath(found, posixpath.dirname(page) or ".") + mark + anchor


# --- made pages ---


def _commands() -> str:
    """Return the reference of the command line, from its own parsers."""
    top = parser()
    lines = ["# Commands", "", "```text", top.format_help().rstrip(), "```", ""]
    for name in COMMANDS:
        text = top.commands[name].format_help()
        lines += [f"## {name}", "", "```text", text.rstrip(), "```", ""]
    return "\n".join(lines)


def _diagnostics() -> str:
    """Return the index of all diagnostics, by the part of the compiler that finds them."""
    lines = ["# Diagnostics", "", "`resspec explain CODE` prints the page of a code.", ""]
    for group, titles in explain.groups().items():
        lines += [f"## {group}", "", "| code | |", "|---|---|"]
        lines += [f"| [{code}]({code}.md) | {_cell(title)} |" for code, title in titles.items()]
        lines.append("")
    return "\n".join(lines)


def _networks() -> str:
    """Return the shipped networks with their figures."""
    lines = [
        "# Networks",
        "",
        "These come with resspec. Use them by name, as in `resspec report torchvision/resnet50`.",
        "",
        "| name | input | params | macs | layers |",
        "|---|---|---:|---:|---:|",
        *_network_rows(),
    ]
    return "\n".join(lines)


def _network_rows() -> Iterator[str]:
    specs = ROOT / "specs"
    for path in sorted([*specs.glob("*.res"), *specs.glob("torchvision/*.res")]):
        name = path.relative_to(specs).with_suffix("").as_posix()
        network = resspec.load(name)
        totals = resspec.report(network).totals
        figures = " | ".join(f"{totals[key]:,}" for key in ("params", "macs", "layers"))
        yield f"| `{name}` | {network.input} | {figures} |"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
