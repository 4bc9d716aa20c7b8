#!/usr/bin/env python3
"""Draws a run's loss curves, log.csv -> loss.png."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

INK, BLUE, ORANGE = "#333333", "#2f6db3", "#d9822b"


def columns(path: Path) -> dict[str, list[float]]:
    """The columns of log.csv by name; an empty field is not a number."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}


def draw(log: dict[str, list[float]], path: Path) -> None:
    """Training loss (left scale) and held-out bits per byte (right scale) over tokens seen."""
    seen = [tokens / 1e6 for tokens in log["tokens"]]
    figure, left = plt.subplots(figsize=(7.2, 3.6), dpi=110)
    right = left.twinx()
    left.plot(seen, log["train_nats_per_token"], color=ORANGE, linewidth=1.8)
    right.plot(seen, log["heldout_bits_per_byte"], color=BLUE, linewidth=1.8)
    left.set_xlabel("training tokens (millions)", color=INK)
    left.set_ylabel("training loss (nats per token)", color=ORANGE)
    right.set_ylabel("held-out bits per byte", color=BLUE)
    last = log["heldout_bits_per_byte"][-1]
    right.annotate(f"{last:.3f}", (seen[-1], last), textcoords="offset points", xytext=(-4, 8), ha="right", color=BLUE)
    left.grid(alpha=0.25)
    for axis in (left, right):
        axis.spines["top"].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path, help="log.csv of a run")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    args = parser.parse_args()
    draw(columns(args.log), args.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
