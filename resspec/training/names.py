"""What the data sets are called; apart from them, since `--help` tells it and loads nothing."""

DIGITS, FASHION_MNIST, CIFAR_10, CIFAR_100, IMAGENET = DATA = (
    "digits",
    "fashion-mnist",
    "cifar-10",
    "cifar-100",
    "imagenet",
)
