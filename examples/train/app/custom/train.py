"""Tell three species of penguins apart: softmax regression with numpy on the data set of the study."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

DATA = Path("/data/penguins/measurements/penguins.csv")
FEATURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
EPOCHS, RATE = 300, 0.5


def load(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return standardised features, class numbers and class names; rows with gaps are left out."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[name] not in ("", "NA") for name in FEATURES)]
    species = sorted({row["species"] for row in rows})
    data = np.array([[float(row[name]) for name in FEATURES] for row in rows])
    return (
        (data - data.mean(axis=0)) / data.std(axis=0),
        np.array([species.index(r["species"]) for r in rows]),
        species,
    )


def probabilities(data: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the softmax of ``data @ weights``."""
    scores = np.exp(data @ weights)
    return scores / scores.sum(axis=1, keepdims=True)


def main() -> int:
    """Train, print the accuracy on held-out rows, and fail if nothing was learned."""
    data, labels, species = load(DATA)
    data = np.hstack([data, np.ones((len(data), 1))])
    order = np.random.default_rng(0).permutation(len(data))
    held_out, train = order[: len(order) // 5], order[len(order) // 5 :]
    weights = np.zeros((data.shape[1], len(species)))
    targets = np.eye(len(species))[labels]
    for epoch in range(EPOCHS):
        errors = probabilities(data[train], weights) - targets[train]
        weights -= RATE * data[train].T @ errors / len(train)
        if epoch % 100 == 0:
            loss = -np.log(probabilities(data[train], weights)[targets[train] == 1]).mean()
            print(f"epoch {epoch:3d}  loss {loss:.4f}", flush=True)
    accuracy = (probabilities(data[held_out], weights).argmax(axis=1) == labels[held_out]).mean()
    print(f"{len(train)} penguins seen, {len(held_out)} held out, accuracy {accuracy:.3f}")
    return 0 if accuracy > 0.9 else 1  # noqa: PLR2004


if __name__ == "__main__":
    sys.exit(main())
