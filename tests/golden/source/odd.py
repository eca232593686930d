"""class_: 3x16x16 -> 5

                output  parameters
    stem         8x8x8         232
    while        8x8x8       5,920
    two-0       16x4x4      11,772
    three.a      8x8x8         512
    4            8x8x8       3,332
    three.b      8x8x8         576
    three.c.x0   8x8x8       1,920
    head             5         103
    total                   24,367

Written by resspec from a spec. To use it:

    from class_ import class_
    net = class_()
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Class", "class_"]


def named(**modules: nn.Module) -> nn.Sequential:
    """The modules in a row, under these names."""
    row = nn.Sequential()
    for name, module in modules.items():
        row.add_module(name, module)
    return row


def numbered(prefix: str, *modules: nn.Module, start: int = 0) -> nn.Sequential:
    """The modules in a row, under the names prefix0, prefix1, ..."""
    return named(**{f"{prefix}{i}": module for i, module in enumerate(modules, start)})


class LayerNorm2d(nn.LayerNorm):
    """Layer normalization over the channels of each pixel of NCHW."""

    def __init__(self, channels: int, eps: float = 1e-6, bias: bool = True) -> None:
        super().__init__(channels, eps, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class DropPath(nn.Module):
    """Stochastic depth: zero samples with probability p, and scale the others by 1 / (1 - p)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_ones(x.shape[0], *(1,) * (x.dim() - 1))
        return x * F.dropout(kept, self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


class LayerScale(nn.Module):
    """A learnable factor for each channel, which `spatial` axes follow."""

    def __init__(self, channels: int, init_value: float, spatial: int = 0) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), init_value))
        self.shape = (channels,) + (1,) * spatial

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma.view(self.shape)


class Subsample(nn.Module):
    """Every `stride`-th pixel of NCHW."""

    def __init__(self, stride: int | tuple[int, int]) -> None:
        super().__init__()
        self.stride = (stride, stride) if isinstance(stride, int) else stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride[0], :: self.stride[1]]

    def extra_repr(self) -> str:
        return f"stride={self.stride}"


class PadChannels(nn.Module):
    """Adds `amount` channels of zeros after those of NCHW."""

    def __init__(self, amount: int) -> None:
        super().__init__()
        self.amount = amount

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, 0, 0, 0, self.amount))

    def extra_repr(self) -> str:
        return f"amount={self.amount}"


class Slice(nn.Module):
    """The entries from `start` up to, not including, `stop` along one axis."""

    def __init__(self, start: int, stop: int, dim: int = 1) -> None:
        super().__init__()
        self.start, self.stop, self.dim = start, stop, dim

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.stop - self.start)

    def extra_repr(self) -> str:
        return f"{self.start}, {self.stop}, dim={self.dim}"


class ToLast(nn.Module):
    """NCHW to NHWC."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1)


class ToFirst(nn.Module):
    """NHWC to NCHW."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


class Torch(nn.Module):
    """A residual block from in_channels to width channels."""

    def __init__(self, in_channels: int, width: int, drop_path: float, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.drop_path = DropPath(drop_path)
        self.downsample = nn.Identity()
        if stride != 1 or in_channels != width:
            self.downsample = nn.Sequential(Subsample(stride), PadChannels(width - in_channels))

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out = self.drop_path(out)
        out += self.downsample(x)
        return self.relu(out)


class Squeeze(nn.Module):
    """A gate that keeps its channels."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, in_channels, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.avgpool(x)
        scale = self.relu(self.conv1(scale))
        scale = self.sigmoid(self.conv2(scale))
        return x * scale


class NN(nn.Module):
    """A sum of paths that keeps its channels."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(in_channels, in_channels, 1, bias=False)
        self.silu = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(x)
        shortcut = self.conv2(x)
        out += shortcut
        out += x
        return self.silu(out)


class Branches(nn.Module):
    """A concatenation of paths that keeps its channels."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        hidden_channels = in_channels // 2
        self.chunk = Slice(0, hidden_channels)
        self.chunk2 = Slice(hidden_channels, 2 * hidden_channels)
        self.conv1 = nn.Conv2d(hidden_channels, hidden_channels, 3, padding=1, bias=False)
        self.ln2d1 = LayerNorm2d(hidden_channels)
        self.gelu = nn.GELU()
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.chunk(x)
        branch2 = self.chunk2(x)
        branch2 = self.gelu(self.ln2d1(self.conv1(branch2)))
        out = torch.cat((branch1, branch2), 1)
        return self.shuffle(out)


class Last(nn.Module):
    """A sum of paths that keeps its channels."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.to_last = ToLast()
        self.slice = Slice(0, 4, dim=-1)
        self.linear1 = nn.Linear(in_channels, 4)
        self.ln1 = nn.LayerNorm(8)
        self.linear2 = nn.Linear(8, 8)
        self.to_first = ToFirst()
        self.layer_scale1 = LayerScale(8, 0.5, spatial=2)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.to_last(x)
        branch1 = self.slice(skip)
        branch2 = self.linear1(skip)
        skip = torch.cat((branch1, branch2), -1)
        shortcut = self.ln1(skip)
        shortcut2 = self.linear2(skip)
        out = skip + shortcut + shortcut2
        out = self.to_first(out)
        return self.layer_scale1(out)


class Many(nn.Module):
    """A row of layers that keeps its channels."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.drop_path = DropPath(0.1)
        for i in range(40):
            self.add_module(f"conv{i + 1}", nn.Conv2d(in_channels, in_channels, 1, bias=False))
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(in_channels))

    def forward(self, x: Tensor) -> Tensor:
        for i in range(40):
            x = self.relu(getattr(self, f"bn{i + 1}")(getattr(self, f"conv{i + 1}")(x)))
            x = self.drop_path(x)
        return x


class Class(nn.Module):
    """66 layers with weights; 941,531 multiply-adds for one input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.gn1 = nn.GroupNorm(2, 8)
        self.relu = nn.ReLU6(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.add_module(
            "while", nn.Sequential(*(Torch(8, 8, drop_path=3 * (i + 1) / 70) for i in range(5)))
        )
        self.add_module("two-0", Torch(8, 16, drop_path=0.2571428571428571, stride=2))
        self.add_module("two-1", Torch(16, 16, drop_path=0.3))
        self.add_module("two-2", Squeeze(16, 4))
        self.add_module("two-3", Squeeze(16, 8))
        self.add_module("two-4", NN(16))
        self.add_module("two-5", Branches(16))
        self.three = nn.Module()
        self.three.a = nn.ConvTranspose2d(16, 8, 2, stride=2, bias=False)
        self.three.b = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, bias=False),
            nn.Hardswish(),
            nn.Dropout(0.5),
        )
        self.three.c = numbered("x", *(NN(8) for _ in range(3)))
        self.add_module("4", nn.Sequential(Last(8), Many(8)))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.add_module("import", nn.Linear(8, 7))
        self.self = nn.Linear(7, 5)

        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d) and name in (
                "while.0.bn2",
                "while.1.bn2",
                "while.2.bn2",
                "while.3.bn2",
                "while.4.bn2",
                "two-0.bn2",
                "two-1.bn2",
            ):
                nn.init.zeros_(module.weight)
            elif isinstance(module, nn.Linear) and name.endswith((".linear1", ".linear2")):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.gn1(self.conv1(x)))  # 8x16x16
        x = self.maxpool(x)  # 8x8x8
        x = getattr(self, "while")(x)  # 8x8x8
        x = getattr(self, "two-0")(x)  # 16x4x4
        x = getattr(self, "two-1")(x)  # 16x4x4
        x = getattr(self, "two-2")(x)  # 16x4x4
        x = getattr(self, "two-3")(x)  # 16x4x4
        x = getattr(self, "two-4")(x)  # 16x4x4
        x = getattr(self, "two-5")(x)  # 16x4x4
        x = self.three.a(x)  # 8x8x8
        x = getattr(self, "4")(x)  # 8x8x8
        x = self.three.b(x)  # 8x8x8
        x = self.three.c(x)  # 8x8x8
        x = self.avgpool(x)  # 8x1x1
        x = torch.flatten(x, 1)  # 8
        x = getattr(self, "import")(x)  # 7
        return self.self(x)  # 5


def class_() -> Class:
    """The network, untrained."""
    return Class()
