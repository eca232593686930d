"""Build a module and train it in a plain PyTorch loop, on scikit-learn's digits."""

from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

import resspec

SPEC = Path(__file__).with_name("gated.res")


def main(epochs: int = 5) -> None:
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(images))
    train, test = order[:1500], order[1500:]

    model = resspec.build(resspec.load(SPEC))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(epochs):
        model.train()
        for batch in train[torch.randperm(len(train))].split(50):
            loss = cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        model.eval()
        with torch.no_grad():
            correct = model(images[test]).argmax(1) == labels[test]
        accuracy = correct.double().mean().item()
        print(f"epoch {epoch + 1}: test accuracy {accuracy:.1%}")


if __name__ == "__main__":
    main()
