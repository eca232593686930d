"""The sizes that a recipe's transforms give to images, without reading one."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.training.data.dataset import Transform
from resspec.training.recipes.images import DataConfig

Size = tuple[int, int]  # height and width

MAX_PIXELS = 1 << 28  # of one image after resizing; 800 MB in three channels of bytes


class UnsuitableSize(Exception):
    """A size of an image that a transform cannot handle.

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


def output_sizes(transform: Transform, size: Size, *, keeps_size: bool) -> Iterator[Size]:
    """Yield every size that an image of one size can have in a batch.

    Args:
        transform: The transforms of training or of test images.
        size: Height and width of the stored image, upright.
        keeps_size: Whether a random `resize` without a crop returns windows of the stored size, as
            for sets in memory, and not the size that was drawn, as for images in folders.

    Raises:
        UnsuitableSize: A crop or a border does not fit this size.
    """
    match transform:
        case DataConfig(random_resized_crop=crop) if crop:
            yield crop.size, crop.size
        case DataConfig(resize=tuple() as ends):
            yield from _random_resizes(transform, size, ends, keeps_size=keeps_size)
        case DataConfig(resize=shorter):
            assert not isinstance(shorter, tuple)
            yield _padded_crop(transform, _resized(size, shorter, "data.resize"))
        case _:
            resized = _resized(size, transform.resize, "data.test.resize")
            yield _cropped(resized, transform.crop, "data.test")


def _random_resizes(
    transform: DataConfig, size: Size, ends: tuple[int, int], *, keeps_size: bool
) -> Iterator[Size]:
    low, high = ends
    smallest = _resized(size, low, "data.resize")
    _resized(size, high, "data.resize")
    cropped = _padded_crop(transform, smallest)

    if transform.crop:
        yield cropped
    elif keeps_size:
        if smallest[0] < size[0] or smallest[1] < size[1]:
            images = f"can make images of {_text(size)} smaller, and nothing crops them"
            side = min(size)
            help = f"`crop: {low}`, or `resize: [{side}, {max(high, side)}]`"
            raise UnsuitableSize("data.resize", f"`resize: [{low}, {high}]` {images}", help)
        yield size
    else:
        for shorter in range(low, high + 1):
            yield _padded_crop(transform, _resized(size, shorter, "data.resize"))


def _padded_crop(transform: DataConfig, size: Size) -> Size:
    border = transform.padding or transform.shift
    if transform.padding_mode == "reflect" and border >= min(size):
        key = "data.padding" if transform.padding else "data.shift"
        images = f"an image of {_text(size)}"
        why = f"a border of {border} pixels cannot be reflected from {images}"
        help = f"at most {min(size) - 1}, or `padding_mode: zeros`"
        raise UnsuitableSize(key, why, help)
    return _cropped(size, transform.crop, "data", border)


def _cropped(size: Size, crop: int | None, section: str, border: int = 0) -> Size:
    if crop is None:
        return size
    largest = min(size) + 2 * border
    if crop > largest:
        padded = f" with a border of {border}" if border else ""
        images = f"images of {_text(size)}{padded}"
        why = f"a crop of {crop}x{crop} pixels does not fit into {images}"
        help = f"`crop: {largest}`, or `resize: {crop}` before it"
        raise UnsuitableSize(f"{section}.crop", why, help)
    return crop, crop


def _resized(size: Size, shorter: int | None, key: str) -> Size:
    if shorter is None:
        return size
    height, width = size
    resized = height * shorter // min(size), width * shorter // min(size)
    if resized[0] * resized[1] > MAX_PIXELS:
        why = f"`resize: {shorter}` turns an image of {_text(size)} into one of {_text(resized)}"
        help = "remove images this long and narrow, or crop them first"
        raise UnsuitableSize(key, why, help)
    return resized


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
