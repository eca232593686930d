"""The panes of the playground, as its page requests them."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import resspec
from resspec.commands.panes import Playground, policy

URI = "file:///home/pyodide/mine.res"


@pytest.fixture(scope="module")
def playground() -> Playground:
    return Playground()


@pytest.fixture(scope="module")
def example(playground: Playground) -> str:
    return str(json.loads(playground.about())["examples"]["resnet152"])


def pane(playground: Playground, kind: str, text: str, **more: Any) -> dict[str, Any]:
    request = {"kind": kind, "name": "mine.res", "text": text, "baseName": "example/mine.res"}
    answer: dict[str, Any] = json.loads(playground.pane(json.dumps({**request, **more})))
    return answer


def test_every_pane_is_of_the_network_in_the_text(playground: Playground, example: str) -> None:
    network = resspec.load("resnet152")
    digest = resspec.report(network).hash[:16]
    assert digest in pane(playground, "report", example)["html"]
    assert ET.fromstring(pane(playground, "drawing", example)["svg"]).tag.endswith("svg")
    assert pane(playground, "source", example)["source"] == resspec.compile(network)
    changed = example.replace("36", "35")
    assert changed != example
    page = pane(playground, "diff", changed, base=example)["html"]
    assert "resnet152, now" in page


def test_parameters_have_fields_and_values(playground: Playground) -> None:
    text = "network net(classes=10, width=8) { input 3x8x8; stem conv 3x3, width; head avgpool -> fc classes }"
    answer = pane(playground, "source", text, values={"classes": "7", "width": " "})
    assert answer["networks"] == {"net": {"classes": "10", "width": "8"}}
    assert "classes: int = 7, width: int = 8" in answer["source"]


def test_a_file_of_several_networks_offers_them(playground: Playground) -> None:
    one = "network {} {{ input 3x8x8; stem conv 3x3, {}; head avgpool -> fc 2 }}"
    text = f"{one.format('a', 4)}\n{one.format('b', 8)}"
    assert list(pane(playground, "source", text)["networks"]) == ["a", "b"]
    assert "problem" in pane(playground, "source", text)
    assert "Conv2d(3, 8" in pane(playground, "source", text, network="b")["source"]


def test_a_text_with_mistakes_has_its_diagnostics(playground: Playground) -> None:
    answer = pane(playground, "report", "network net { input 3x8x8; head rleu -> fc 2 }")
    assert "did you mean `relu`?" in answer["problem"]
    assert "html" not in answer


def test_half_of_a_character_is_a_mistake(playground: Playground) -> None:
    text = "network net { input 3x8x8; head avgpool -> fc 2 }  # \ud83d"
    assert "is not UTF-8" in pane(playground, "report", text)["problem"]


def test_an_unmet_budget_does_not_hide_a_network(playground: Playground) -> None:
    text = "network net { input 3x8x8; head avgpool -> fc 2; expect params <= 1 }"
    assert "html" in pane(playground, "report", text)


def test_messages_reach_the_language_server(playground: Playground) -> None:
    def send(**message: Any) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = json.loads(playground.message(json.dumps(message)))
        return answers

    (begun,) = send(jsonrpc="2.0", id=1, method="initialize", params={"capabilities": {}})
    assert begun["result"]["serverInfo"]["name"] == "resspec"
    text = "network net { input 3x8x8; head rleu -> fc 2 }"
    document = {"uri": URI, "languageId": "resspec", "version": 1, "text": text}
    answers = send(jsonrpc="2.0", method="textDocument/didOpen", params={"textDocument": document})
    (found,) = (each for each in answers if each["method"] == "textDocument/publishDiagnostics")
    assert found["params"]["diagnostics"][0]["code"] == "E0201"


def test_the_policy_allows_the_script_of_reports_and_no_other(
    playground: Playground, example: str
) -> None:
    page = pane(playground, "report", example)["html"]
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy()
    assert "unsafe-inline" not in policy().split("style-src")[0]
    assert "http" not in policy()


def test_source_is_python(playground: Playground, example: str) -> None:
    ast.parse(pane(playground, "source", example)["source"])
