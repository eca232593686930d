"""The command as a whole: usage, exit codes, a process among others, and never a traceback."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import resspec
from resspec import cli
from resspec.commands import COMMANDS, parser
from tests.commands.typed import WRONG, Captured, spec
from tests.limits import HANGS

pytestmark = pytest.mark.usefixtures("here")
RESSPEC = [sys.executable, "-m", "resspec"]


@pytest.mark.parametrize(
    "argv",
    [
        "",
        "check",
        "repor resnet18",
        "report",
        "report resnet18 --set n",
        "report resnet18 --set 3=4",
        "report resnet18 --format yaml",
        "compile digits --emit torch",
        "train digits --seed x",
    ],
)
def test_a_usage_error_is_one_line_and_names_the_help(argv: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.run(shlex.split(argv))
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and out == ""
    assert re.fullmatch(r"error: .+\nhelp: resspec.* --help\n", err)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ("report resnet51", "did you mean 'resnet5"),
        ("report digits:digit", "did you mean 'digits'"),
        ("report digits --set n=3", "n"),
        ("report lib/he2015:cifar --set n=)", "is not a value"),
        ("report .", "no .res file in ."),
        ("report ''", "no spec ''"),
        ("report 'a\x1b[2J'", "a\\x1b[2J"),
    ],
)
def test_requests_that_make_no_sense(argv: str, says: str, capsys: Captured) -> None:
    code = cli.run(shlex.split(argv))
    out, err = capsys.readouterr()
    assert code in (1, 2) and out == "" and err.startswith("error") and says in err
    assert "\x1b" not in err


def test_version_prints_the_version(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.run(["--version"])
    assert (stopped.value.code, capsys.readouterr().out) == (0, f"resspec {resspec.__version__}\n")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_readable_and_its_examples_parse(command: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.run([*command.split(), "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    whole = re.sub(r" \\\n +", " ", out)
    examples = re.findall(r"^  resspec (.+?)(?:  .*| [|>].*)?$", whole, re.MULTILINE)
    assert len(examples) >= 2
    for example in examples:
        assert parser().parse_args(shlex.split(example)).command in COMMANDS


# --- as a process ---


def process(command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command for a shell."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")
    } | settings
    command = command.replace("resspec", shlex.join(RESSPEC))
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture
def writing() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has begun to print more than its pipe holds, and waits for a reader."""
    command = [*RESSPEC, "compile", "resnet18", "--emit", "ir-json"]
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pipesize=4096,
        env=settings,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509, nothing else runs in this process
    ) as running:
        assert running.stdout is not None
        assert running.stdout.read(1) == b"{"
        yield running


def _heed_interrupts() -> None:
    """A shell starts its background jobs with interrupts ignored, and a process hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_closed_pipe_is_no_error(writing: subprocess.Popen[bytes]) -> None:
    assert writing.stdout is not None and writing.stderr is not None
    writing.stdout.close()
    assert (writing.wait(HANGS), writing.stderr.read()) == (cli.CLOSED_PIPE, b"")


def test_ctrl_c_is_no_traceback(writing: subprocess.Popen[bytes]) -> None:
    writing.send_signal(signal.SIGINT)
    _, err = writing.communicate(timeout=HANGS)
    assert (writing.returncode, err) == (cli.INTERRUPTED, b"")


@pytest.mark.parametrize("module", ["argparse", "resspec.cli", "resspec.commands"])
def test_ctrl_c_in_an_import_is_no_traceback(module: str) -> None:
    interrupting = f"import os, runpy, sys; sys.addaudithook(lambda event, given: event == 'import' and given[0] == '{module}'"
    interrupting += (
        " and os.kill(os.getpid(), 2)); runpy.run_module('resspec', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", interrupting],
        capture_output=True,
        check=False,
        preexec_fn=_heed_interrupts,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize("redirection", [">/dev/full", "--format json >/dev/full"])
def test_a_full_disk_is_reported(redirection: str) -> None:
    done = process(f"resspec report digits {redirection}")
    assert (done.returncode, done.stderr) == (
        2,
        "error: cannot write the result: No space left on device\n",
    )


FAILING = "import sys; from resspec import cli; from resspec.commands import check; check.run = {}; sys.exit(cli.main())"
IN_A_THREAD = "lambda _: [t := __import__('threading').Thread(target=lambda: 1 / 0), t.start(), t.join()] and 0"
IN_A_DESTRUCTOR = r"lambda _: exec('class Left:\n def __del__(self): 1 / 0\nLeft()') or 0"


@pytest.mark.parametrize(
    ("what", "code", "output"),
    [
        (
            "check.arguments = lambda _: 1 / 0",
            2,
            r"error\[E0615\]: ZeroDivisionError: .* \(while reading the command line\)\n  ",
        ),
        ("lambda _: 1 / 0", 2, r"error\[E0615\]: ZeroDivisionError: .* \(in `resspec check`\)\n  "),
        ("lambda _: sys.exit(0)", 2, r"error\[E0615\]: SystemExit: 0 \(in `resspec check`\)\n  "),
        (IN_A_THREAD, 0, r"note: ZeroDivisionError: .* \(in the thread Thread-1 .*\); "),
    ],
)
def test_an_unforeseen_exception_is_one_report(
    what: str, code: int, output: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", FAILING.format(what), "check", "digits"]
    settings = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    report = rf"{output}the traceback is in ({tmp_path}/\S+); please report it\n"
    found = re.fullmatch(report, done.stderr)
    assert found, done.stderr
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback (most recent call last)" in Path(found[1]).read_text(encoding="utf-8")


def test_what_python_ignores_is_no_traceback() -> None:
    command = [sys.executable, "-c", FAILING.format(IN_A_DESTRUCTOR), "check", "digits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_closed_stdout_is_no_traceback() -> None:
    done = process("resspec report digits >&-")
    assert "Traceback" not in done.stderr


def test_an_ascii_terminal_gets_ascii() -> None:
    done = process("resspec report resnet18", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stdout.isascii() and done.stderr == ""


@pytest.mark.parametrize(
    ("settings", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
    ],
)
def test_colour_is_for_terminals(settings: dict[str, str], coloured: bool) -> None:
    import pty

    leader, follower = pty.openpty()
    environment = {
        name: value for name, value in os.environ.items() if name != "NO_COLOR"
    } | settings
    done = subprocess.run(
        [*RESSPEC, "check", spec("wrong.res", WRONG)], stderr=follower, env=environment, check=False
    )
    os.close(follower)
    assert done.returncode == 1
    assert (b"\x1b[" in os.read(leader, 65536)) == coloured
    os.close(leader)


def test_no_colour_in_a_file() -> None:
    assert "\x1b" not in process(f"resspec check {spec('wrong.res', WRONG)}").stderr


@pytest.mark.parametrize(
    "command",
    [
        "check resnet152",
        "compile resnet152",
        "expand resnet152",
        "report resnet152",
        "report resnet152 --format json",
        "diff resnet50 resnet152",
        "--version",
    ],
)
def test_torch_is_not_imported(command: str) -> None:
    script = (
        "import sys\nfrom resspec import cli\n"
        f"try: cli.run({command.split()!r})\nexcept SystemExit: pass\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'numpy', 'yaml', 'rich'}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    with_table = command.startswith(("compile", "diff", "report")) and "json" not in command
    assert done.stderr.splitlines()[-1] == ("['rich']" if with_table else "[]")
