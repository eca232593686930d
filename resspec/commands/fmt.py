"""`resspec fmt`: the canonical layout."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from resspec.commands import given
from resspec.commands.terminal import complain, show
from resspec.diagnostics import SpecError, UsageError

SUMMARY = "format specs in the one canonical layout"
EXAMPLES = """\
  resspec fmt specs/ my.res            rewrites files whose layout differs
  resspec fmt --check specs/           exit code 1 if there is such a file
  resspec fmt --diff my.res            what would change
  resspec fmt - < my.res               from standard input to standard output

Only spaces, line ends and `;` change, never words or comments; a file that does
not parse stays as it is.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a file, a folder, or `-` for standard input"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit code 1 if the layout of a file differs",
    )
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")


def run(arguments: Namespace) -> int:
    if arguments.files == ["-"]:
        return _stream(arguments)
    from resspec.files import read
    from resspec.syntax.parse import ENOUGH

    files = [Path(name) for each in arguments.files for name in given.files(each)]
    code, changed = 0, 0
    for path in files:
        try:
            before = read(path, ENOUGH)
            after = _formatted(path.as_posix(), before)
            if after != before:
                changed += 1
                _change(path, before, after, arguments)
        except SpecError as error:
            show(error.diagnostics)
            code = max(code, 1)
        except UsageError as error:
            complain(str(error), error.code)
            code = 2
    if not arguments.diff:
        what = "would be reformatted" if arguments.check else "reformatted"
        print(f"{changed} of {len(files)} file{'s' * (len(files) != 1)} {what}")
    return max(code, 1) if changed and arguments.check else code


def _stream(arguments: Namespace) -> int:
    """Format standard input to standard output; print nothing where it does not parse."""
    from resspec.syntax.parse import ENOUGH

    before = sys.stdin.buffer.read(ENOUGH)
    after = _formatted("<stdin>", before)
    if arguments.diff:
        sys.stdout.writelines(given.difference("<stdin>", before, after))
    elif not arguments.check:
        sys.stdout.buffer.write(after)
    return 1 if arguments.check and after != before else 0


def _change(path: Path, before: bytes, after: bytes, arguments: Namespace) -> None:
    from resspec.files import rewrite
    from resspec.render import visible

    if arguments.diff:
        sys.stdout.writelines(given.difference(path.as_posix(), before, after))
    elif arguments.check:
        print(visible(path.as_posix()))
    else:
        rewrite(path, before, after)


def _formatted(name: str, text: bytes) -> bytes:
    """Raises SpecError, and UsageError where what comes out is too large for a spec."""
    from resspec.syntax.errors import MAX_BYTES
    from resspec.syntax.format import lay_out
    from resspec.syntax.parse import read

    found = lay_out(read(name, text)).encode()
    if len(found) > MAX_BYTES:
        raise UsageError(
            f"{name} would have {len(found):,} bytes when formatted; "
            f"a spec has at most {MAX_BYTES:,}"
        )
    return found
