"""Streams that are closed, full or without a reader: a run trains, or it stops and is saved."""

import os
import re
from pathlib import Path
from threading import Thread

import pytest

from resspec import streams
from tests.train.broken import BROKEN
from tests.train.crash import Scenario, assert_same_files, assert_same_result, read_files
from tests.train.launch import Server, Trigger

READER = "a pipe without a reader"


AT_THE_START: list[dict[str, str]] = [
    {"2": "closed"},
    {"0": "closed", "1": "closed", "2": "closed"},
    {"1": "a full disk", "2": "a full disk"},
    {"1": READER, "2": "a closed terminal"},
]


def test_a_stream_that_is_broken_at_the_start_changes_nothing(
    server: Server, tmp_path: Path
) -> None:
    scenario = Scenario(server, tmp_path, "pictures")
    for number, broken in enumerate(AT_THE_START):
        code, output = server.run(tmp_path, *scenario.command(f"run{number}"), streams=broken)
        assert code == 0, (broken, output)
        assert "Traceback" not in output
        assert_same_files(scenario.reference, read_files(tmp_path / f"run{number}"))


def test_a_study_goes_on_where_its_log_is_full_at_the_start(server: Server, tmp_path: Path) -> None:
    """It says something before its first run: what fails then was so from the start."""
    Scenario(server, tmp_path, "momentum")
    command = (
        "study degradation --plain tiny.res --data digits --recipe recipe.yaml --out study".split()
    )
    code, output = server.run(tmp_path, *command, streams={"2": "a full disk"})
    assert code == 0, output
    assert (tmp_path / "study" / "README.md").exists()


@pytest.mark.parametrize("how", BROKEN)
def test_a_stream_that_breaks_in_mid_run_ends_it_and_it_is_saved(
    how: str, server: Server, tmp_path: Path
) -> None:
    scenario = Scenario(server, tmp_path, "momentum")
    code, output = scenario.run("run", Trigger("step", 25, breaks=how))
    assert code == 141
    assert "loss" in output
    assert not re.search("Traceback|error|stopped", output)
    saved = max(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert "step-00000025" < saved < "step-00000060"
    if how == READER:
        assert scenario.run("run")[0] == 0
        assert_same_result(scenario, "run")


def test_a_stream_that_takes_no_more_at_once_is_waited_for() -> None:
    """As a terminal or a pipe that another program has set so."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    content, read = os.urandom(1 << 20), bytearray()

    def drain() -> None:
        with os.fdopen(reader, "rb") as file:
            while part := file.read(1 << 12):
                read.extend(part)

    thread = Thread(target=drain)
    thread.start()
    written = streams._Raw(writer).write(content)
    os.close(writer)
    thread.join()
    assert (written, bytes(read)) == (len(content), content)


def test_a_reader_that_is_gone_before_the_first_step_ends_it(
    server: Server, tmp_path: Path
) -> None:
    scenario = Scenario(server, tmp_path, "momentum")
    code, output = server.run(tmp_path, *scenario.command("run"), streams={"2": READER})
    assert (code, output) == (141, "")
    assert not (tmp_path / "run" / "checkpoints").exists()
