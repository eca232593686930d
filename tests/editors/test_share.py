"""Links of the playground, unpacked by Node.js: whole ones, damaged ones, and large ones."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SHARE = Path(__file__).resolve().parents[2] / "playground" / "share.js"
NODE = shutil.which("node") or ""
SCRIPT = """
const {{ packed, unpacked }} = await import({module});
const state = {state};
const link = {link};
try {{
  console.log(JSON.stringify({{ found: await unpacked(link) }}));
}} catch (error) {{
  console.log(JSON.stringify({{ problem: error.message }}));
}}
"""

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node.js")


def unpacked(state: str, link: str = "await packed(state)") -> dict[str, Any]:
    script = SCRIPT.format(module=json.dumps(SHARE.as_uri()), state=state, link=link)
    command = [NODE, "--input-type=module", "--eval", script]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return found


def test_a_link_holds_text_example_and_values() -> None:
    state = {"text": "# é 🙂\n" * 2_000, "example": "resnet18", "values": {"classes": "10"}}
    assert unpacked(json.dumps(state)) == {"found": state}


def test_values_that_are_not_text_are_left_out() -> None:
    found = unpacked('{ text: "a", values: { classes: 10, width: "8", names: ["x"] } }')["found"]
    assert found == {"text": "a", "example": "", "values": {"width": "8"}}


def test_a_link_that_grows_without_end_is_refused_early() -> None:
    large = '{ text: "x".repeat(1 << 26) }'
    assert unpacked(large)["problem"] == "too long"


@pytest.mark.parametrize(
    "link", ["'#1'", "'#1!!'", "'#1AAAA'", "await packed(null)", "await packed({ text: 5 })"]
)
def test_a_damaged_link_is_a_problem(link: str) -> None:
    assert unpacked("{}", link)["problem"]
