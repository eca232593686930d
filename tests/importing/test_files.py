"""Networks through files: what comes back computes the same with the file's weights. What is no such
file is refused by name, and nothing in a file is run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from resspec import cli
from resspec.diagnostics import ResspecError
from tests.importing.damaged import assert_damage_is_named_or_harmless
from tests.importing.exported import distance, export, module_of, randomized, read

TEXTS = Path(__file__).parents[1] / "diagnostics" / "imports"  # the text of each code
KINDS = ("pt2", "new.onnx", "old.onnx", "old-open.onnx")


class Squeeze(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(width, width // 2, 1)
        self.fc2 = nn.Conv2d(width // 2, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = torch.sigmoid(self.fc2(torch.relu(self.fc1(self.pool(x)))))
        return x * gate


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, groups=2, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.act = nn.SiLU()
        self.gate = Squeeze(width)

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.gate(self.act(self.bn(self.conv(x))))
        return x + inner


class Net(nn.Module):
    """Small, with a part of everything that the readers have a way for."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.blocks = nn.Sequential(Block(8), Block(8))
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.up = nn.Upsample(scale_factor=2)
        self.dropout = nn.Dropout(0.2, inplace=True)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.blocks(nn.functional.relu6(self.norm(self.stem(x)))))
        batch, channels, height, width = x.shape
        split = x.view(batch, 2, channels // 2, height, width)
        x = split.transpose(1, 2).reshape(batch, channels, height, width)
        left, right = x.chunk(2, 1)
        x = torch.cat([self.up(left), self.up(right * 0.5)], 1)
        x = nn.functional.hardswish(nn.functional.pad(x, (0, 1, 0, 1)))
        logits: Tensor = self.fc(self.dropout(x.mean((2, 3))))
        return logits


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return randomized(Net())


@pytest.fixture(scope="module")
def files(net: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    found = {kind: folder / f"net.{kind}" for kind in KINDS}
    for kind, path in found.items():
        export(net, torch.zeros(1, 3, 32, 32), path, kind)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_comes_back_through_a_file(
    kind: str, net: nn.Module, files: dict[str, Path]
) -> None:
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = read(files[kind])
    with torch.no_grad():
        result, wanted = module_of(found)(x), net(x)
    assert distance(result, wanted) < 1e-5
    if kind == "pt2":
        assert torch.equal(result, wanted)
        assert found.tensors.keys() == net.state_dict().keys()
        assert found.graph.classes["blocks", "1", "gate"] == "Squeeze"
    if kind in ("old.onnx", "new.onnx"):
        assert "3 batch norms" in found.notes[0]


def test_a_file_is_imported_as_a_spec(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.res"
    assert cli.run(["import", str(files["pt2"]), "-o", str(out)]) == 0
    assert cli.run(["check", str(out)]) == 0
    assert "block squeeze" in out.read_text(encoding="utf-8")
    assert "load strictly" in capsys.readouterr().err


# --- what is refused ---


def rewritten(
    path: Path, new: Path, change: Callable[[str, bytes], bytes | None], packed: bool = False
) -> Path:
    """Write an archive again, with the entries that a function returns."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(new, "w") as archive:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                archive.writestr(name, content, kind)
    return new


def refused(path: Path) -> str:
    with pytest.raises(ResspecError) as raised:
        read(path)
    return str(raised.value).replace(str(path), "FILE")


def test_pickled_tensors_are_refused_by_name(files: dict[str, Path], tmp_path: Path) -> None:
    def pickle(name: str, content: bytes) -> bytes:
        if not name.endswith("model_weights_config.json"):
            return content
        table = json.loads(content)
        table["config"]["fc.weight"]["use_pickle"] = True
        return json.dumps(table).encode()

    message = refused(rewritten(files["pt2"], tmp_path / "a.pt2", pickle))
    assert f"{message}\n" == (TEXTS / "E0722.txt").read_text(encoding="utf-8")


def test_compressed_entries_are_refused(files: dict[str, Path], tmp_path: Path) -> None:
    path = rewritten(files["pt2"], tmp_path / "a.pt2", lambda _, content: content, packed=True)
    assert "is compressed" in refused(path)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a\0b", "", "."])
def test_data_outside_of_the_folder_is_refused(
    location: str, files: dict[str, Path], tmp_path: Path
) -> None:
    import onnx

    (tmp_path / "secret").write_bytes(bytes(1 << 16))
    (tmp_path / "inside").mkdir()
    path = tmp_path / "inside" / "net.onnx"
    model = onnx.load(files["old.onnx"])
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())
    assert "is outside of its folder" in refused(path)


@pytest.mark.parametrize("kind", ["pt2", "onnx"])
@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"not a file" * 100])
def test_other_files_are_refused(kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"net.{kind}"
    path.write_bytes(content)
    assert refused(path).startswith("cannot read a network from FILE: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("a.pt2", "a.onnx"):
        message = refused(tmp_path / name)
        assert f"{message}\n" == (TEXTS / "E0721.txt").read_text(encoding="utf-8")


# --- damage ---


@pytest.mark.parametrize("kind", ["pt2", "new.onnx"])
def test_damage_is_named_or_harmless(kind: str, files: dict[str, Path], tmp_path: Path) -> None:
    for seed in range(40):
        assert_damage_is_named_or_harmless(seed, files[kind], tmp_path)


WATCHED = """
import sys
from pathlib import Path
import google.protobuf.message, numpy, onnx.numpy_helper, onnx.shape_inference
from resspec.importing import onnx as readers, pt2

seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
path = Path(sys.argv[1])
network = (readers if path.suffix == ".onnx" else pt2).read(path)
for tensor in network.tensors.values():
    tensor.content()
for event, arguments in list(seen):
    if event in ("exec", "compile", "pickle.find_class", "os.system", "subprocess.Popen"):
        print(event, arguments)
    if event == "open":
        print("open", arguments[0])
"""


@pytest.mark.parametrize("kind", ["pt2", "new.onnx", "old.onnx"])
def test_nothing_in_a_file_is_run(kind: str, files: dict[str, Path]) -> None:
    command = [sys.executable, "-c", WATCHED, str(files[kind])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert set(_foreign(done.stdout.splitlines(), files[kind])) == set()


def _foreign(lines: list[str], path: Path) -> Iterator[str]:
    """What is neither the file, nor data beside it, nor Python's own modules."""
    libraries = (sys.prefix, sys.base_prefix, str(Path(__file__).parents[2] / "resspec"))
    for line in lines:
        event, _, rest = line.partition(" ")
        is_module = any(each in rest for each in libraries)
        if event == "open" and (rest.startswith(str(path)) or is_module):
            continue
        if event in ("exec", "compile") and is_module:
            continue
        yield line
