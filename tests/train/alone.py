"""Predicts from a file of weights alone, as somebody would who has no resspec: `alone.py FILE.onnx
IMAGE …`, or `alone.py FILE.safetensors MODULE.py FUNCTION IMAGE …`, where MODULE.py is what
`resspec compile` writes.
"""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import numpy as np
from PIL import Image, ImageOps

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def shown(path: str, preprocessing: Any) -> Any:
    """What the network reads of an image: 1xCxHxW."""
    image: Any = Image.open(path)
    if preprocessing["exif"] == "upright":
        image = ImageOps.exif_transpose(image)
    image = image.convert("L" if preprocessing["input"][0] == 1 else "RGB")
    if preprocessing["resize"]:
        width, height = image.size
        least = min(width, height)
        size = (width * preprocessing["resize"] // least, height * preprocessing["resize"] // least)
        image = image.resize(size, FILTERS[preprocessing["interpolation"]])
    if crop := preprocessing["crop"]:
        left, top = round((image.width - crop) / 2), round((image.height - crop) / 2)
        image = image.crop((left, top, left + crop, top + crop))
    pixels = (
        np.asarray(image, np.float32).reshape(image.height, image.width, -1).transpose(2, 0, 1)
        / 255
    )
    mean = (
        preprocessing["mean_image"]
        if preprocessing["mean"] is None
        else np.reshape(preprocessing["mean"], (-1, 1, 1))
    )
    return ((pixels - mean) / np.reshape(preprocessing["std"], (-1, 1, 1))).astype(np.float32)[None]


def of_onnx(path: str, images: list[str]) -> tuple[dict[str, str], list[Any]]:
    from onnxruntime import InferenceSession

    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    preprocessing = json.loads(metadata["preprocessing"])
    return metadata, [
        session.run(None, {"images": shown(image, preprocessing)})[0][0] for image in images
    ]


def of_safetensors(
    path: str, module: str, function: str, images: list[str]
) -> tuple[dict[str, str], list[Any]]:
    import torch
    from safetensors import safe_open

    found = spec_from_file_location("emitted", module)
    assert found and found.loader
    emitted = module_from_spec(found)
    found.loader.exec_module(emitted)
    net = getattr(emitted, function)().eval()
    with safe_open(path, "pt") as file, torch.no_grad():
        metadata = file.metadata()
        net.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (it is no dict)
        preprocessing = json.loads(metadata["preprocessing"])
        return metadata, [
            net(torch.from_numpy(shown(image, preprocessing)))[0].numpy() for image in images
        ]


if __name__ == "__main__":
    path, *rest = sys.argv[1:]
    if path.endswith(".onnx"):
        metadata, scores = of_onnx(path, rest)
    else:
        metadata, scores = of_safetensors(path, rest[0], rest[1], rest[2:])
    assert "resspec" not in sys.modules
    classes = json.loads(metadata["classes"])
    predicted = [classes[int(each.argmax())] for each in scores]
    print(
        json.dumps(
            {
                "metadata": metadata,
                "predicted": predicted,
                "scores": [each.tolist() for each in scores],
            }
        )
    )
