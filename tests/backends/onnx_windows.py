"""Random pools, as text."""

from __future__ import annotations

from random import Random


def random_pool(random: Random) -> tuple[str, tuple[int, int]]:
    """Return a pool and the size of its image, which its stride often does not divide."""
    kernel, stride = ((random.randint(1, 5), random.randint(1, 5)) for _ in range(2))
    padding = random.randint(0, kernel[0] // 2), random.randint(0, kernel[1] // 2)
    kind = random.choice(["maxpool", "avgpool"])
    sizes = [
        f"{kernel[0]}x{kernel[1]}",
        f"/{stride[0]}x{stride[1]}",
        f"padding={padding[0]}x{padding[1]}",
    ]
    if random.random() < 0.7:
        sizes.append("ceil=true")
    if kind == "maxpool" and random.random() < 0.4:
        sizes.append(f"dilation={random.randint(1, 3)}x{random.randint(1, 3)}")
    if kind == "avgpool" and random.random() < 0.5:
        sizes.append("count_padding=false")
    return f"{kind} {', '.join(sizes)}", (random.randint(4, 13), random.randint(4, 13))


def spec(pools: list[str], size: tuple[int, int]) -> str:
    """Return a network of parallel pools, each with a classifier of its own."""
    paths = " | ".join(f"{pool} -> flatten -> fc 3" for pool in pools)
    head = f"add {{ {paths} }}" if len(pools) > 1 else paths
    return f"network pool {{ input 2x{size[0]}x{size[1]}; head {head} }}"
