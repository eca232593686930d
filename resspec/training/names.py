"""The names of the data sets, for `--help`, which loads no data."""

DIGITS, FASHION_MNIST, CIFAR_10, CIFAR_100, IMAGENET = DATA = (
    "digits",
    "fashion-mnist",
    "cifar-10",
    "cifar-100",
    "imagenet",
)
