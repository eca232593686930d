"""Describe a network with a block of its own, hold it to a budget, draw it, and write its PyTorch
file.
"""

from pathlib import Path

import resspec

SPEC = Path(__file__).with_name("gated.res")


def main() -> None:
    for diagnostic in resspec.check(SPEC, budget="macs <= 2M"):
        print(diagnostic)

    network = resspec.load(SPEC)
    print(resspec.report(network))

    out = Path("build")
    out.mkdir(exist_ok=True)
    resspec.draw(network, layers=True).save(out / "gated.svg")
    (out / "gated.py").write_text(resspec.compile(network), encoding="utf-8")
    print(f"wrote {out / 'gated.svg'} and {out / 'gated.py'}")

    try:
        resspec.load(SPEC, n=3, input="1x0x8")
    except resspec.ResspecError as error:
        print(error)


if __name__ == "__main__":
    main()
