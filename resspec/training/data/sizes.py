"""The sizes that a recipe's transforms give to images, without reading one."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.training.data.dataset import View
from resspec.training.recipe import DataConfig

Size = tuple[int, int]  # height and width

MOST_PIXELS = 1 << 28  # of one image after resizing; 800 MB in three channels of bytes


class DoesNotSuit(Exception):
    """A size that the transforms cannot bring to what they promise.

    Attributes:
        key: The recipe's key, such as `data.test.crop`.
        why: What is wrong, as a sentence.
        help: A change that works.
    """

    def __init__(self, key: str, why: str, help: str) -> None:
        super().__init__(why)
        self.key = key
        self.why = why
        self.help = help


def sizes_after(view: View, size: Size, *, keeps_size: bool) -> Iterator[Size]:
    """Yield every size that an image of one size can have in a batch.

    Args:
        view: The transforms of training or of test images.
        size: Height and width of the image as stored, upright.
        keeps_size: Whether a random `resize` without a crop cuts a window of the stored size, as it does for sets in
            memory, or leaves the size that was drawn, as it does for images in folders.

    Raises:
        DoesNotSuit: A crop or a border does not fit this size.
    """
    match view:
        case DataConfig(random_resized_crop=part) if part:
            yield part.size, part.size
        case DataConfig(resize=tuple() as ends):
            yield from _resized_at_random(view, size, ends, keeps_size=keeps_size)
        case DataConfig(resize=shorter):
            assert not isinstance(shorter, tuple)
            yield _cut(view, _resized(size, shorter, "data.resize"))
        case _:
            shown = _resized(size, view.resize, "data.test.resize")
            yield _cropped(shown, view.crop, "data.test.crop", "data.test.resize", border=0)


def _resized_at_random(
    view: DataConfig, size: Size, ends: tuple[int, int], *, keeps_size: bool
) -> Iterator[Size]:
    low, high = ends
    smallest = _resized(size, low, "data.resize")
    _resized(size, high, "data.resize")
    cut = _cut(view, smallest)

    if view.crop:
        yield cut
    elif keeps_size:
        if smallest[0] < size[0] or smallest[1] < size[1]:
            side = min(size)
            why = f"`resize: [{low}, {high}]` can make images of {_text(size)} smaller, and nothing crops them"
            raise DoesNotSuit(
                "data.resize", why, f"`crop: {low}`, or `resize: [{side}, {max(high, side)}]`"
            )
        yield size
    else:
        for shorter in range(low, high + 1):
            yield _cut(view, _resized(size, shorter, "data.resize"))


def _cut(view: DataConfig, size: Size) -> Size:
    border = view.padding or view.shift
    if view.padding_mode == "reflect" and border >= min(size):
        key = "data.padding" if view.padding else "data.shift"
        why = f"a border of {border} pixels cannot be reflected from an image of {_text(size)}"
        raise DoesNotSuit(key, why, f"at most {min(size) - 1}, or `padding: zeros`")
    return _cropped(size, view.crop, "data.crop", "data.resize", border=border)


def _cropped(size: Size, crop: int | None, key: str, resize_key: str, *, border: int) -> Size:
    if crop is None:
        return size
    height, width = size[0] + 2 * border, size[1] + 2 * border
    if crop > min(height, width):
        padded = f" with a border of {border}" if border else ""
        why = f"a crop of {crop}x{crop} pixels does not fit into images of {_text(size)}{padded}"
        resize = resize_key.rpartition(".")[2]
        raise DoesNotSuit(
            key, why, f"`crop: {min(height, width)}`, or `{resize}: {crop}` before it"
        )
    return crop, crop


def _resized(size: Size, shorter: int | None, key: str) -> Size:
    if shorter is None:
        return size
    height, width = size
    least = min(size)
    shown = height * shorter // least, width * shorter // least
    if shown[0] * shown[1] > MOST_PIXELS:
        why = f"`resize: {shorter}` turns an image of {_text(size)} into one of {_text(shown)}"
        raise DoesNotSuit(key, why, "remove images this long and narrow, or crop them first")
    return shown


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
