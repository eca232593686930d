"""Pictures of three plainly different classes: a blue cross, a red disk, or green stripes, anywhere
on a background of any color.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

CLASSES = ("cross", "disk", "stripes")
Color = tuple[int, int, int]


def draw_shapes(
    folder: Path, train: int = 80, test: int = 20, size: tuple[int, int] = (96, 80)
) -> Path:
    """Draw so many JPEGs of each class into `train` and `val`; 0 leaves the folder out."""
    random = Random(0)
    for part, count in (("train", train), ("val", test)):
        for name in CLASSES:
            for number in range(count):
                path = folder / part / name / f"{number:03}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                shape(name, random, size).save(path, quality=90)
    return folder


def shape(name: str, random: Random, size: tuple[int, int]) -> Image.Image:
    """Return one picture, two colors apart in brightness."""
    width, height = size
    back, front = _color(random, 0, 255), _of_class(name, random)
    image = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(image)
    x, y = random.randint(width // 3, 2 * width // 3), random.randint(height // 3, 2 * height // 3)
    radius = random.randint(height // 5, height // 3)
    match name:
        case "disk":
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), front)
        case "cross":
            arm = max(radius // 4, 2)
            draw.rectangle((x - radius, y - arm, x + radius, y + arm), front)
            draw.rectangle((x - arm, y - radius, x + arm, y + radius), front)
        case _:
            step = random.randint(10, 16)
            for left in range(random.randint(0, step), width, step):
                draw.rectangle((left, 0, left + step // 2, height), front)
    return image


def _of_class(name: str, random: Random) -> Color:
    low, high = random.randint(0, 60), random.randint(190, 255)
    return {"disk": (high, low, low), "stripes": (low, high, low)}.get(name, (low, low, high))


def _color(random: Random, low: int, high: int) -> Color:
    red, green, blue = (random.randint(low, high) for _ in range(3))
    return red, green, blue
