"""The command as a user meets it: what is printed where, exit codes, files, and never a traceback."""

from __future__ import annotations

import json
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
from resspec.compiler import load
from resspec.ir.fingerprint import fingerprint
from resspec.opening import shipped_names

Captured = pytest.CaptureFixture[str]
SPECS = Path(__file__).parents[1] / "specs"
RESSPEC = [sys.executable, "-m", "resspec"]

GOOD = "network {} {{ input 3x8x8; stage a: conv 3x3, 4; head avgpool -> fc 2 }}\n"
WRONG = GOOD.replace("fc 2", "fcc 2")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


def spec(path: str, text: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text.replace("{}", Path(path).stem).replace("{{", "{").replace("}}", "}"), encoding="utf-8")
    return path


def ran(command: str, capsys: Captured, code: int = 0) -> tuple[str, str]:
    """What a command prints on stdout and on stderr."""
    assert cli.run(shlex.split(command)) == code
    return capsys.readouterr()


# --- check ---


def test_check_of_what_is_clean(capsys: Captured) -> None:
    assert ran(f"check {spec('good.res', GOOD)}", capsys) == ("good.res: no mistakes\n", "")
    assert ran("check resnet152 torchvision/resnet18 good.res", capsys) == ("3 specs: no mistakes\n", "")


def test_check_shows_mistakes_on_stderr(capsys: Captured) -> None:
    out, err = ran(f"check {spec('wrong.res', WRONG)}", capsys, 1)
    assert out == ""
    assert err == """\
error[E0201]: no layer or block is called `fcc`
 --> wrong.res:1:68
  |
1 | network wrong { input 3x8x8; stage a: conv 3x3, 4; head avgpool -> fcc 2 }
  |                                                                    ^^^
  |
  = help: did you mean `fc`?

1 mistake in wrong.res
"""


def test_check_searches_folders(capsys: Captured) -> None:
    spec("specs/good.res", GOOD)
    spec("specs/deep/also.res", GOOD)
    spec("specs/.hidden/wrong.res", WRONG)
    assert ran("check specs", capsys) == ("2 specs: no mistakes\n", "")
    spec("specs/deep/wrong.res", WRONG)
    out, err = ran("check specs", capsys, 1)
    assert out == "" and err.endswith("1 mistake in 1 of 3 specs\n")
    Path("empty").mkdir()
    assert ran("check empty", capsys, 2) == ("", "error: there is no .res file in empty\n")


def test_a_mistake_in_a_library_is_told_once(capsys: Captured) -> None:
    spec("lib.res", "block b { conv 3x3, 4, strid=2 }\nlet a = 1\nlet a = 2\n")
    for name in ("one.res", "two.res"):
        spec(name, "use lib\n" + GOOD)
    _, err = ran("check one.res two.res", capsys, 1)
    assert err.count("error[E0212]") == 1
    assert err.endswith("1 mistake in 2 of 2 specs\n")


def test_check_goes_on_after_what_it_cannot_read(capsys: Captured) -> None:
    _, err = ran(f"check nowhere.res {spec('wrong.res', WRONG)}", capsys, 2)
    assert "error: there is no spec 'nowhere.res'" in err
    assert "error[E0201]" in err


def test_an_expectation_that_is_not_met(capsys: Captured) -> None:
    spec("e.res", GOOD.replace("fc 2", "fc 2; expect params == 7"))
    _, err = ran("check e.res", capsys, 1)
    assert "`params` is 118, expected 7" in err
    assert "the largest contributors\n" in err
    assert re.search(r"108  91\.5%  a\S*  +e\.res:1", err)
    ran("report e.res", capsys)


# --- report, expand, compile ---


def test_report(capsys: Captured) -> None:
    out, err = ran("report resnet152", capsys)
    assert "60,192,808" in out and err == ""
    assert max(map(len, out.splitlines())) == 80


def test_report_fills_the_terminal(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "130")
    assert "of macs" in ran("report resnet152", capsys)[0]


def test_report_as_json(capsys: Captured) -> None:
    document = json.loads(ran("report resnet152 --format json", capsys)[0])
    assert document["totals"]["layers"] == 152
    assert document["hash"] == fingerprint(load("resnet152"))


def test_report_of_a_folder(capsys: Captured) -> None:
    """Every network in it once, of libraries none; what is wrong is told, and all else reported."""
    spec("all/one.res", GOOD)
    spec("all/lib.res", "block b { conv 3x3, 4 }\nnetwork t(n) { input 3x8x8; head fc n }\n")
    spec("all/two.res", "use lib\nnetwork two = t n=2\nnetwork three = t n=3\n")
    out, err = ran("report all --format csv", capsys)
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == ["all/one.res", "all/two.res:two", "all/two.res:three"]
    assert err == ""
    for name, text in (("broken", "network b { input 3x8x8 stem relu }\n"), ("wrong", WRONG), ("part", GOOD + "block c { x")):
        spec(f"all/{name}.res", text)
    assert len(ran("report all --format csv", capsys, 1)[0].splitlines()) == 4
    spec("libraries/lib.res", "block b { conv 3x3, 4 }\n")
    assert "no file in libraries has a network" in ran("report libraries", capsys, 2)[1]
    shipped = [entry["spec"] for entry in json.loads(ran(f"report {SPECS} --format json", capsys)[0])["reports"]]
    assert len(set(shipped)) == len(shipped)
    assert {Path(name.rpartition(".res")[0]).relative_to(SPECS).as_posix() for name in shipped} == set(shipped_names())


def test_set_gives_parameters(capsys: Captured) -> None:
    out = ran("report lib/he2015:cifar --set n=3 --set option=B --format json", capsys)[0]
    assert json.loads(out)["totals"]["layers"] == 20
    assert json.loads(out)["totals"]["params"] == 272_474


def test_a_network_of_a_file(capsys: Captured) -> None:
    spec("two.res", GOOD + "network other { input 3x8x8; stage a: conv 3x3, 5; head fc 2 }\n")
    assert json.loads(ran("report two.res:other --format json", capsys)[0])["network"] == "other"
    assert json.loads(ran("report two.res --format json", capsys)[0])["network"] == "two"


def test_expand_is_a_spec_of_the_same_network(capsys: Captured) -> None:
    Path("again.res").write_text(ran("expand resnet18", capsys)[0], encoding="utf-8")
    assert ran("diff resnet18 again.res", capsys)[0].endswith("the same network: equal hashes\n")


def test_compile_writes_two_files_and_prints_the_report(capsys: Captured) -> None:
    out, err = ran("compile digits", capsys)
    assert out == ran("report digits", capsys)[0]
    assert err == "wrote build/digits.py and build/digits.report.json\n"
    assert sorted(path.name for path in Path("build").iterdir()) == ["digits.py", "digits.report.json"]
    assert ran("report digits --format json", capsys)[0] == Path("build/digits.report.json").read_text(encoding="utf-8")
    assert ran("compile digits --emit source", capsys)[0] == Path("build/digits.py").read_text(encoding="utf-8")


def test_compile_to_another_folder(capsys: Captured) -> None:
    ran("compile digits --out a/b", capsys)
    assert Path("a/b/digits.py").is_file()
    assert not Path("build").exists()


def test_a_file_that_cannot_be_written_is_told(capsys: Captured) -> None:
    Path("file").touch()
    out, err = ran("compile digits --out file", capsys, 2)
    assert out == "" and re.fullmatch(r"error: cannot write file/digits\.py: .+\n", err)


def test_a_message_says_nothing_to_the_terminal(capsys: Captured) -> None:
    Path("\x1b[2J").touch()
    assert "cannot write <U+001B>[2J/digits.py" in ran("compile digits --out '\x1b[2J'", capsys, 2)[1]


@pytest.mark.parametrize(("stage", "first"), [
    ("ast", "File"), ("ir", "network digits: 1x8x8 -> 10"), ("ir-json", "{"), ("source", '"""digits'), ("report", "{"),
])
def test_emit(stage: str, first: str, capsys: Captured) -> None:
    out, err = ran(f"compile digits --emit {stage}", capsys)
    assert out.startswith(first) and out.endswith("\n") and err == ""
    assert not Path("build").exists()


def test_wrong_specs_are_told_by_every_command(capsys: Captured) -> None:
    spec("wrong.res", WRONG)
    for command in ("report", "compile", "expand", "compile --emit ir", "train"):
        out, err = ran(f"{command} wrong.res", capsys, 1)
        assert out == "" and err.count("error[E0201]") == 1
    assert not Path("build").exists() and not Path("runs").exists()


# --- diff ---


def test_diff_exit_codes(capsys: Captured) -> None:
    spec("good.res", GOOD)
    spec("other.res", GOOD.replace("conv 3x3, 4", "conv 3x3, 5"))
    spec("wrong.res", WRONG)
    ran("diff good.res good.res", capsys)
    ran("diff good.res other.res", capsys, 1)
    ran("diff good.res other.res --exit-zero", capsys)
    for command in ("diff good.res wrong.res", "diff good.res nowhere.res", "diff good.res nowhere.json", "diff . good.res"):
        out, err = ran(command, capsys, 2)
        assert out == "" and err.startswith("error")


def test_diff_of_a_template_tells_what_works(capsys: Captured) -> None:
    """`diff` has no `--set`."""
    spec("t.res", "network t(n) { input 3x8x8; head fc n }\n")
    assert "or, where a command has none, `network my_t = t n=…`" in ran("diff t.res resnet18", capsys, 2)[1]
    spec("mine.res", "use t\nnetwork my_t = t n=3\n")
    ran("diff mine.res mine.res", capsys)


def test_diff_of_saved_reports(capsys: Captured) -> None:
    for name in ("resnet50", "torchvision/resnet50"):
        ran(f"compile {name} --out {name}", capsys)
    of_specs = json.loads(ran("diff resnet50 torchvision/resnet50 --format json", capsys, 1)[0])
    saved = "resnet50/resnet50.report.json torchvision/resnet50/resnet50.report.json"
    of_reports = json.loads(ran(f"diff {saved} --format json", capsys, 1)[0])
    assert of_reports == {**of_specs, "structure": None, "weights": None}
    assert of_specs["totals"]["macs"]["delta"] == 4_089_184_256 - 3_857_973_248
    Path("broken.json").write_text("{", encoding="utf-8")
    assert "cannot read broken.json: this is no resspec.report/1" in ran("diff broken.json resnet50", capsys, 2)[1]


# --- train ---


def test_train(capsys: Captured) -> None:
    for folder in ("runs/digits", "runs/digits-2"):
        out, err = ran("train digits --epochs 1", capsys)
        assert re.search(r"epoch   1\.02/1\.0\d+  loss \d\.\d{4}  accuracy  \d\d\.\d\d%  rate .* left\n", err)
        assert re.fullmatch(rf"test accuracy \d\d\.\d\d% \(\d+ of \d+ images\), loss \d\.\d+, recorded in {folder}\n", out)
        assert (Path(folder) / "weights.safetensors").is_file()


def test_train_plan(capsys: Captured) -> None:
    out, err = ran("train lib/he2015:cifar --set n=1 --set images=1x8x8 --set rate=0.2 --set batch=32 --plan", capsys)
    assert err == ""
    assert re.search(r"^network +cifar, 75,002 parameters$", out, re.MULTILINE)
    assert re.search(r"^optimizer +sgd, rate 0\.2,", out, re.MULTILINE)
    assert not Path("runs").exists()


@pytest.mark.parametrize(("setting", "says"), [
    ("ratee=1", "neither the network nor the recipe has `ratee`; did you mean `rate`?"),
    ("name=sgd", "`name` may be optimizer.name, schedule.name: say which"),
    ("batch=3", "`batch` is a parameter of the network and a key of the recipe: say net.batch or recipe.batch"),
])
def test_train_settings(setting: str, says: str, capsys: Captured) -> None:
    Path("own.res").write_text("network own(batch, rte) { input 1x8x8\n head fc batch\n }")
    assert says in ran(f"train own.res --plan --set {setting}", capsys, 2)[1]
    assert "sgd, rate 0.3" in ran("train own.res --plan --set net.batch=10 --set rte=1 --set recipe.rate=0.3", capsys)[0]


def test_train_where_the_data_does_not_fit(capsys: Captured) -> None:
    out, err = ran("train resnet18", capsys, 1)
    assert out == "" and "error[E0501]" in err and "1x8x8" in err


@pytest.mark.parametrize("missing", ["torch", "sklearn", "safetensors"])
def test_train_without_torch(missing: str) -> None:
    """In a process of its own, in which the package cannot be found."""
    train = "from resspec import cli; sys.exit(cli.run(['train', 'digits', '--epochs', '1']))"
    script = f"import sys; sys.modules[{missing!r}] = None; {train}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: `resspec train` needs torch and what comes with it, and ")
    assert done.stderr.endswith(f" {missing} is not installed: pip install 'resspec[torch]'\n")


# --- usage ---


@pytest.mark.parametrize("argv", [
    "", "check", "repor resnet18", "report", "report resnet18 --set n", "report resnet18 --set 3=4",
    "report resnet18 --format yaml", "compile digits --emit torch", "train digits --seed x",
])
def test_usage(argv: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.run(shlex.split(argv))
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and out == ""
    assert re.fullmatch(r"error: .+\nhelp: resspec.* --help\n", err)


@pytest.mark.parametrize(("argv", "says"), [
    ("report resnet51", "did you mean 'resnet5"),
    ("report digits:digit", "did you mean 'digits'"),
    ("report digits --set n=3", "n"),
    ("report lib/he2015:cifar --set n=)", "no value"),
    ("report .", "no .res file in ."),
    ("report ''", "no spec ''"),
    ("report 'a\x1b[2J'", "a\\x1b[2J"),
])
def test_requests_that_make_no_sense(argv: str, says: str, capsys: Captured) -> None:
    code = cli.run(shlex.split(argv))
    out, err = capsys.readouterr()
    assert code in (1, 2) and out == "" and err.startswith("error") and says in err
    assert "\x1b" not in err


def test_version(capsys: Captured) -> None:
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
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")} | settings
    command = command.replace("resspec", shlex.join(RESSPEC))
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)


@pytest.fixture
def writing() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has begun to print more than its pipe holds, and waits for a reader."""
    command = [*RESSPEC, "compile", "resnet18", "--emit", "ir-json"]
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096, env=settings,
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
    assert (writing.wait(30), writing.stderr.read()) == (cli.CLOSED_PIPE, b"")


def test_ctrl_c_is_no_traceback(writing: subprocess.Popen[bytes]) -> None:
    writing.send_signal(signal.SIGINT)
    _, err = writing.communicate(timeout=30)
    assert (writing.returncode, err) == (cli.INTERRUPTED, b"")


@pytest.mark.parametrize("redirection", [">/dev/full", "--format json >/dev/full"])
def test_a_full_disk_is_told(redirection: str) -> None:
    done = process(f"resspec report digits {redirection}")
    assert (done.returncode, done.stderr) == (2, "error: cannot write the result: No space left on device\n")


def test_a_closed_stdout_is_no_traceback() -> None:
    done = process("resspec report digits >&-")
    assert "Traceback" not in done.stderr


def test_an_ascii_terminal_gets_ascii() -> None:
    done = process("resspec report resnet18", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stdout.isascii() and done.stderr == ""


@pytest.mark.parametrize(("settings", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                                                    ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": ""}, True)])
def test_colour_is_for_terminals(settings: dict[str, str], coloured: bool) -> None:
    import pty

    leader, follower = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | settings
    done = subprocess.run([*RESSPEC, "check", spec("wrong.res", WRONG)], stderr=follower, env=environment, check=False)
    os.close(follower)
    assert done.returncode == 1
    assert (b"\x1b[" in os.read(leader, 65536)) == coloured
    os.close(leader)


def test_no_colour_in_a_file() -> None:
    assert "\x1b" not in process(f"resspec check {spec('wrong.res', WRONG)}").stderr


@pytest.mark.parametrize("command", ["check resnet152", "compile resnet152", "expand resnet152", "report resnet152",
                                     "report resnet152 --format json", "diff resnet50 resnet152", "--version"])
def test_torch_is_not_imported(command: str) -> None:
    script = (
        "import sys\nfrom resspec import cli\n"
        f"try: cli.run({command.split()!r})\nexcept SystemExit: pass\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'numpy', 'yaml', 'rich'}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    with_table = command.startswith(("compile", "diff", "report")) and "json" not in command
    assert done.stderr.splitlines()[-1] == ("['rich']" if with_table else "[]")
