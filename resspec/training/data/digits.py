"""1,797 handwritten digits of 8x8 pixels in 17 greys (UCI), as scikit-learn ships them."""

from __future__ import annotations

import torch
from torch import Tensor

from resspec.training.data.dataset import Dataset, Request
from resspec.training.data.memory import Stored, in_memory
from resspec.training.names import DIGITS

TEST_EVERY = 5


def load(request: Request) -> Dataset:
    """The same 43 people wrote both parts: the split says how well their digits are told apart, not a stranger's."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = torch.from_numpy(bunch.target).long()
    images = torch.from_numpy(bunch.images).to(torch.uint8).unsqueeze(1)
    train, test = (Stored(images[part], labels[part], part) for part in stratified(labels))
    return in_memory(DIGITS, tuple("0123456789"), train, test, request.normalize)


def stratified(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the training and the test part: of each class, every fifth image is for the test."""
    test = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        test[(labels == label).nonzero().flatten()[TEST_EVERY - 1 :: TEST_EVERY]] = True
    return (~test).nonzero().flatten(), test.nonzero().flatten()
