"""Shipped networks by template: the suite takes a small one of each, tests/campaign the others."""

from __future__ import annotations

from resspec.opening import shipped_names

# Each has a smaller network of the same template, or of the same blocks, in SMALL.
_LARGER = """
plain32 plain34 plain44 plain56 plain110 plain1202
preact_resnet152 preact_resnet200 preact_resnet1001 pyramidnet110_a270
resnet32 resnet34 resnet44 resnet56 resnet101 resnet110 resnet152 resnet1202 vgg19
torchvision/convnext_base torchvision/convnext_large torchvision/convnext_small
torchvision/densenet161 torchvision/densenet169 torchvision/densenet201
torchvision/efficientnet_b1 torchvision/efficientnet_b2 torchvision/efficientnet_b3
torchvision/efficientnet_b4 torchvision/efficientnet_b5 torchvision/efficientnet_b6
torchvision/efficientnet_b7 torchvision/efficientnet_v2_l torchvision/efficientnet_v2_m
torchvision/mnasnet0_75 torchvision/mnasnet1_0 torchvision/mnasnet1_3
torchvision/mobilenet_v3_large
torchvision/regnet_x_1_6gf torchvision/regnet_x_3_2gf torchvision/regnet_x_8gf
torchvision/regnet_x_16gf torchvision/regnet_x_32gf torchvision/regnet_x_800mf
torchvision/regnet_y_1_6gf torchvision/regnet_y_3_2gf torchvision/regnet_y_8gf
torchvision/regnet_y_16gf torchvision/regnet_y_32gf torchvision/regnet_y_128gf
torchvision/regnet_y_800mf
torchvision/resnet34 torchvision/resnet101 torchvision/resnet152
torchvision/resnext101_32x8d torchvision/resnext101_64x4d torchvision/wide_resnet101_2
torchvision/wide_resnet50_2
torchvision/shufflenet_v2_x1_0 torchvision/shufflenet_v2_x1_5 torchvision/shufflenet_v2_x2_0
torchvision/squeezenet1_0
torchvision/vgg11 torchvision/vgg13 torchvision/vgg13_bn torchvision/vgg16 torchvision/vgg16_bn
torchvision/vgg19 torchvision/vgg19_bn
"""

LARGER = _LARGER.split()
SMALL = [name for name in shipped_names() if name not in LARGER]
