"""1,797 handwritten digits of 8x8 pixels in 17 gray levels (UCI), as scikit-learn ships them."""

from __future__ import annotations

import torch
from torch import Tensor

from resspec.training.data.dataset import Dataset, LoadOptions
from resspec.training.data.memory import ImageArrays, in_memory
from resspec.training.names import DIGITS

TEST_EVERY = 5


def load(options: LoadOptions) -> Dataset:
    """Return the digits; the same 43 people wrote those to train on and those to test with."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = torch.from_numpy(bunch.target).long()
    images = torch.from_numpy(bunch.images).to(torch.uint8).unsqueeze(1)
    train, test = (ImageArrays(images[part], labels[part], part) for part in stratified(labels))
    return in_memory(DIGITS, tuple("0123456789"), train, test, options.normalize)


def stratified(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the indices of training and of test images: every fifth of each class is for tests."""
    is_test = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        of_class = (labels == label).nonzero().flatten()
        is_test[of_class[TEST_EVERY - 1 :: TEST_EVERY]] = True
    return (~is_test).nonzero().flatten(), is_test.nonzero().flatten()
