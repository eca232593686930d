"""Where a network's layers stand in its file, for messages."""

from pathlib import Path

from resspec.compiler import load
from resspec.training import errors

SPEC = """network tiny {
    input 3x8x8
    stem conv 3x3, 4
    head avgpool -> fc 2
}
"""


def test_a_layer_is_found_in_its_file_as_long_as_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "tiny.res"
    path.write_text(SPEC)
    place = load(path).sections[-1].located.span
    assert errors.place(place).text == "avgpool -> fc 2"

    path.write_text("# shorter")
    assert str(errors.place(place)) == f"{path}:1:1-1:1"
    path.unlink()
    assert str(errors.place(place)) == f"{place.partition(':')[0]}:1:1-1:1"
