#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what bench/compare_llamacpp.py measured: throughput against model size, and against the number of sequences, both engines.

    bench/plot.py bench/results/RESULT.json              # RESULT-size.svg and RESULT-batch.svg beside it
    bench/plot.py A.json B.json -o comparison --png      # of several runs together

A colour is a weight format; solid lines with dots are Krait, dashed ones with crosses llama.cpp. A dot is the median, its bar reaches from the slowest
repetition to the fastest. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

PEER = "llama.cpp"
COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#8e6c8a", "#c9822b", "#4d4d4d")


def weights_of(model: dict) -> int:
    return sum(kind["weights"] for kind in model["types"].values())


def format_of(model: dict) -> str:
    """Of most of the weights."""
    return max(model["types"], key=lambda name: model["types"][name]["weights"])


def points_of(reports: list[dict]) -> list[dict]:
    """One for every file, engine and test."""
    points = []
    for report in reports:
        for file in report["files"]:
            for engine, merged in file["engines"].items():
                for result in merged["results"]:
                    points.append({"weights": weights_of(file["model"]), "format": format_of(file["model"]), "engine": engine,
                                   "test": result["test"], "n_tok": result["n_tok"], "n_seq": result["n_seq"], "rate": result["tokens_per_second"]})
    return points


def lines_of(points: list[dict], x: str) -> dict[tuple[str, str], list[tuple[float, dict]]]:
    """By format and engine, in the order of x."""
    lines = defaultdict(list)
    for point in points:
        lines[point["format"], point["engine"]].append((point[x], point["rate"]))
    return {key: sorted(line, key=lambda p: p[0]) for key, line in sorted(lines.items())}


def style_of(format_name: str, engine: str, formats: list[str], engines: list[str]) -> dict:
    peer = engine == PEER
    own = [name for name in engines if name != PEER]
    return {"color": COLOURS[formats.index(format_name) % len(COLOURS)], "linestyle": "--" if peer else "-",
            "marker": "x" if peer else "osD^v"[own.index(engine) % 5], "label": f"{format_name}, {engine}"}


def draw(ticker, axes, points: list[dict], x: str, formats: list[str], engines: list[str]) -> None:
    for (format_name, engine), line in lines_of(points, x).items():
        rates = [rate for _, rate in line]
        median = [rate["median"] for rate in rates]
        spread = [[m - rate["min"] for m, rate in zip(median, rates)], [rate["max"] - m for m, rate in zip(median, rates)]]
        axes.errorbar([value for value, _ in line], median, yerr=spread, capsize=2, linewidth=1.4, elinewidth=0.8, markersize=5,
                      **style_of(format_name, engine, formats, engines))
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = sorted({point[x] for point in points})
    axes.set_xticks(ticks, [str(tick) if x == "n_seq" else f"{tick / 1e6:.0f} M" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())
    axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
    axes.set_ylabel("tokens per second")


def size_figure(pyplot, ticker, points: list[dict], formats: list[str], engines: list[str]):
    tests = sorted({(p["test"], p["n_tok"]) for p in points if p["n_seq"] == 1}, reverse=True)
    if not tests:
        return None
    figure, rows = pyplot.subplots(1, len(tests), figsize=(5.4 * len(tests), 4.4), squeeze=False)
    for axes, (test, n_tok) in zip(rows[0], tests):
        draw(ticker, axes, [p for p in points if (p["test"], p["n_tok"], p["n_seq"]) == (test, n_tok, 1)], "weights", formats, engines)
        axes.set_title(f"prompt of {n_tok} tokens" if test == "prompt" else "decoding one sequence")
        axes.set_xlabel("weights of the model")
    return figure


def batch_figure(pyplot, ticker, points: list[dict], formats: list[str], engines: list[str]):
    decodes = [p for p in points if p["test"] == "decode"]
    sizes = sorted({p["weights"] for p in decodes})
    if not sizes or max(p["n_seq"] for p in decodes) == 1:
        return None
    n_tok = max(p["n_tok"] for p in decodes)
    figure, rows = pyplot.subplots(1, len(sizes), figsize=(5.4 * len(sizes), 4.4), squeeze=False)
    for axes, size in zip(rows[0], sizes):
        draw(ticker, axes, [p for p in decodes if p["weights"] == size and p["n_tok"] == n_tok], "n_seq", formats, engines)
        axes.set_title(f"decoding, {size / 1e6:.0f} M weights")
        axes.set_xlabel("sequences side by side")
    return figure


def load(path: Path) -> dict:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        report["files"], report["machine"]["cpu"]
    except OSError as error:
        raise SystemExit(f"plot.py: {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"plot.py: {path} is no result of bench/compare_llamacpp.py: {error!r}") from error
    return report


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULT.json")
    parser.add_argument("-o", "--output", type=Path, metavar="STEM", help="pictures are STEM-size and STEM-batch (beside the first result)")
    parser.add_argument("--png", action="store_true", help="PNG instead of SVG")
    arguments = parser.parse_args(argv)
    reports = [load(path) for path in arguments.results]
    try:
        import matplotlib
    except ImportError:
        print("plot.py: needs matplotlib (apt-get install python3-matplotlib, or pip install matplotlib)", file=sys.stderr)
        return 1
    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    points = points_of(reports)
    formats = sorted({p["format"] for p in points})
    engines = sorted({p["engine"] for p in points})
    stem = arguments.output or arguments.results[0].with_suffix("")
    machine, threads = reports[0]["machine"]["cpu"], reports[0]["settings"]["threads"]
    for name, make in (("size", size_figure), ("batch", batch_figure)):
        figure = make(pyplot, ticker, points, formats, engines)
        if figure is None:
            print(f"plot.py: nothing to draw for '{name}'", file=sys.stderr)
            continue
        labels: dict = {}
        for axes in figure.axes:
            labels.update(dict(zip(*reversed(axes.get_legend_handles_labels()))))
        figure.suptitle(f"{machine}, {threads} threads", fontsize=10)
        figure.tight_layout(rect=(0, 0.1, 1, 1))
        figure.legend(labels.values(), labels.keys(), loc="lower center", ncols=4, fontsize=8, frameon=False)
        path = stem.with_name(f"{stem.name}-{name}.{'png' if arguments.png else 'svg'}")
        figure.savefig(path, dpi=150)
        if not arguments.png:  # lines that end in blanks
            path.write_text("".join(line.rstrip() + "\n" for line in path.read_text().splitlines()))
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
