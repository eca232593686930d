"""The names of the data sets, for `--help`, which loads no data."""

DIGITS, FASHION_MNIST, CIFAR_10, CIFAR_100, IMAGENET = (
    "digits",
    "fashion-mnist",
    "cifar-10",
    "cifar-100",
    "imagenet",
)

DATA = {
    DIGITS: "1,797 grayscale images of 8x8 pixels in 10 classes, which come with resspec",
    FASHION_MNIST: "70,000 grayscale images of 28x28 pixels in 10 classes",
    CIFAR_10: "60,000 color images of 32x32 pixels in 10 classes",
    CIFAR_100: "60,000 color images of 32x32 pixels in 100 classes",
    IMAGENET: "1,331,167 photographs in 1,000 classes, as folders train and val",
}
