"""Heads made convolutional: the same network at its own size, and on larger pictures every crop at
once.
"""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.passes.convolutional import convolutional


def both(network: Network) -> tuple[nn.Module, nn.Module]:
    """The network and its convolutional form with the same weights, in double precision."""
    torch.manual_seed(0)
    plain, dense = build(network).double().eval(), build(convolutional(network)).double().eval()
    wanted = dense.state_dict()
    dense.load_state_dict(
        {name: tensor.view(wanted[name].shape) for name, tensor in plain.state_dict().items()}
    )
    return plain, dense


def written(text: str, folder: Path) -> Network:
    path = folder / "net.res"
    path.write_text(text)
    return load(path)


@torch.no_grad()
@pytest.mark.parametrize(
    "spec", ["resnet20", "digits", "resnet18", "se_resnet50", "densenet121", "mobilenet_v2"]
)
def test_at_its_own_size_it_is_the_same_network(spec: str) -> None:
    network = load(spec)
    plain, dense = both(network)
    x = torch.randn(1, *network.input.dims, dtype=torch.float64)
    scores = dense(x)
    assert (
        scores.shape == (1, *convolutional(network).output.dims) == (1, *network.output.dims, 1, 1)
    )
    torch.testing.assert_close(scores.flatten(1), plain(x))


@torch.no_grad()
@pytest.mark.parametrize(
    "head",
    [
        "avgpool -> fc 5",
        "fc 5",
        "avgpool to=5x4 -> fc 7 -> relu -> dropout 0.5 -> fc 5",
        "maxpool 2x2, /1 -> flatten -> linear 5",
        "conv 5x4, 6, padding=0 -> avgpool -> fc 5",
    ],
)
def test_on_a_larger_picture_it_leaves_the_scores_of_every_crop(head: str, tmp_path: Path) -> None:
    """Exactly, where no layer pads: the stem steps by 2, so neighbouring places are crops 2 pixels
    apart.
    """
    network = written(
        f"""network net {{
        input 3x13x11
        stem conv 3x3, 8, /2, padding=0 -> bn -> relu -> conv 2x2, 8, padding=0
        head {head}
    }}""",
        tmp_path,
    )
    plain, dense = both(network)
    x = torch.randn(2, 3, 19, 17, dtype=torch.float64)
    scores: Tensor = dense(x)
    assert scores.shape == (2, 5, 4, 4)
    for i in range(4):
        for j in range(4):
            torch.testing.assert_close(
                scores[:, :, i, j], plain(x[:, :, 2 * i : 2 * i + 13, 2 * j : 2 * j + 11])
            )


@pytest.mark.parametrize(
    "head", ["avgpool to=3x3 -> fc 5", "to_last -> linear 5 -> to_first -> avgpool -> fc 5"]
)
def test_what_has_no_convolutional_form_is_refused(head: str, tmp_path: Path) -> None:
    text = f"network net {{ input 3x12x12; stem conv 3x3, 8 -> bn -> relu; head {head} }}"
    with pytest.raises(UsageError, match=r"net\.res:1:.* no convolutional form"):
        convolutional(written(text, tmp_path))
