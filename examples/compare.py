"""Count a few networks, and see how two ResNet-50s differ."""

import resspec

NAMES = ["resnet50", "torchvision/resnet50", "resnet50d", "se_resnet50", "mobilenet_v2"]


def main() -> None:
    print(f"{'network':<22}{'params':>12}{'macs':>16}")
    for name in NAMES:
        totals = resspec.report(resspec.load(name)).totals
        print(f"{name:<22}{totals['params']:>12,}{totals['macs']:>16,}")

    paper = resspec.load("resnet50")
    torchvision = resspec.load("torchvision/resnet50")
    print()
    print(resspec.diff(paper, torchvision))


if __name__ == "__main__":
    main()
