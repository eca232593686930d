"""The convolutional networks of torchvision and timm, by the sources that `import` takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from resspec.importing.trace import Trace

# Classifiers of torchvision and files of timm without a convolutional network
_TORCHVISION = ("maxvit", "swin", "vit")
_TIMM = frozenset(
    """
    beit cait coat convit crossvit davit deepseek_vit deit eva gemma4_vit hiera hieradet_sam2
    mlp_mixer mvitv2 naflexvit nest pit pvt_v2 qwen3_vit swin_transformer swin_transformer_v2
    swin_transformer_v2_cr tiny_vit tnt twins vision_transformer vision_transformer_hybrid
    vision_transformer_relpos vision_transformer_sam vitamin volo xcit
    """.split()
)
# Functions of attention; a network that calls one is not convolutional
_ATTENTION = frozenset(
    """
    __matmul__ baddbmm bmm einsum lstm matmul mm multi_head_attention_forward
    scaled_dot_product_attention
    """.split()
)
# The bodies of detectors that are not called `backbone.body`
_BODIES = {"ssd300_vgg16": "backbone.features", "ssdlite320_mobilenet_v3_large": "backbone"}


class Case(NamedTuple):
    """A network, or a submodule of one.

    Attributes:
        kind: `torchvision`, `timm`, or `bodies` of torchvision's detectors and segmenters.
        source: The source of the network.
        part: The path of the submodule.
    """

    kind: str
    source: str
    part: str = ""

    @property
    def word(self) -> str:
        return f"{self.source} {self.part}".rstrip()


def cases() -> Iterator[Case]:
    """Yield all networks, the smaller groups first."""
    import timm
    from torchvision import models

    for name in models.list_models(module=models):
        if not name.startswith(_TORCHVISION):
            yield Case("torchvision", f"torchvision:{name}")
    for name in models.list_models(module=models.segmentation):
        yield Case("bodies", f"torchvision:{name}", "backbone")
    for name in models.list_models(module=models.detection):
        yield Case("bodies", f"torchvision:{name}", _BODIES.get(name, "backbone.body"))
    others = {name for file in _TIMM for name in timm.list_models(module=file)}
    for name in timm.list_models():
        if name not in others:
            yield Case("timm", f"timm:{name}")


def is_convolutional(trace: Trace) -> bool:
    """Return whether a network has convolutions and no attention."""
    called = {call.name for call in trace.calls}
    return "conv2d" in called and not called & _ATTENTION
