#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes report.json and report.md of what tools/gpu_check.sh left in a folder.

    tools/gpu_report.py DIRECTORY

The folder has steps.tsv (name, verdict, seconds, file of the output; a line a step), the outputs, devices.txt and, with NVIDIA's
tools, nvidia-smi.txt. Products that `krait test-ops --perf --shapes models` and cublaslt_bench both timed stand in one table.
Exit code: 1 where a step failed; steps that were not run have not failed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

LONGEST_OUTPUT = 4000  # characters of what is no JSON: its end
UNFINISHED = ("not run", "cut off")


def read_steps(folder: Path) -> list[dict]:
    steps = []
    for line in (folder / "steps.tsv").read_text().splitlines():
        name, verdict, seconds, file = line.split("\t")
        step = {"name": name, "verdict": verdict, "seconds": int(seconds)}
        if file:
            text = (folder / file).read_text(errors="replace")
            try:
                step["result"] = json.loads(text)
            except ValueError:
                step["output"] = text[-LONGEST_OUTPUT:]
        steps.append(step)
    return steps


def products_of(steps: list[dict]) -> list[dict]:
    """A product of a CUDA device that cublasLt timed and Krait too: {device, product, cublaslt_us, krait: {name: {us, ratio}}}, where the
    name is a format, and a device's options where it has some; the ratio is cublasLt's time by Krait's, so more than 1 is faster."""
    yardstick = {}  # (device, "t1.n80.k1536.130m.x") -> us, of F16
    for step in steps:
        if step["name"].startswith("cublasLt ") and "result" in step:
            device = step["name"].split()[1]
            for product in step["result"]["products"]:
                kind, _, shape = product["name"].partition(".")
                if kind == "F16" and "us" in product:
                    yardstick[device, shape] = product["us"]
    rows: dict[tuple[str, str], dict] = {}
    for step in steps:
        if not step["name"].startswith("products ") or "result" not in step:
            continue
        device, _, options = step["result"]["device"].partition(":")
        for case in step["result"]["cases"]:
            kind, _, shape = case["case"].partition(".")
            if "us" not in case or (device, shape) not in yardstick:
                continue
            us = yardstick[device, shape]
            row = rows.setdefault((device, shape), {"device": device, "product": shape, "cublaslt_us": us, "krait": {}})
            row["krait"][f"{kind} {options}".strip()] = {"us": case["us"], "ratio": us / case["us"]}
    return list(rows.values())


def products_table(rows: list[dict]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row["krait"]))
    lines = ["", "## Products beside cublasLt", "",
             "Microseconds, and how many times as fast as cublasLt with F16: the same product, weights from memory.", "",
             "| device | product | cublasLt F16 | " + " | ".join(names) + " |", "|---|---|--:|" + "--:|" * len(names)]
    for row in rows:
        cells = [f"{row['krait'][name]['us']:.1f} ({row['krait'][name]['ratio']:.2f} x)" if name in row["krait"] else "" for name in names]
        lines.append(f"| {row['device']} | {row['product']} | {row['cublaslt_us']:.1f} | " + " | ".join(cells) + " |")
    return lines


def markdown(report: dict) -> str:
    steps = report["steps"]
    lines = ["# GPU check", ""]
    if report["devices"]:
        lines += ["```", report["devices"].rstrip(), "```", ""]
    lines += ["| step | verdict | seconds |", "|---|---|--:|"]
    lines += [f"| {s['name']} | {s['verdict']} | {s['seconds']} |" for s in steps]
    if report["products"]:
        lines += products_table(report["products"])
    for step in steps:
        told = "result" in step or "output" in step
        if told and (step["verdict"] != "passed" or step["name"].startswith(("bench", "perf", "products", "cublasLt"))):
            body = json.dumps(step["result"], indent=1) if "result" in step else step["output"]
            lines += ["", f"## {step['name']}", "", "```", body.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stdout if sys.argv[1:] in (["-h"], ["--help"]) else sys.stderr)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    folder = Path(sys.argv[1])
    steps = read_steps(folder)
    devices = folder / "devices.txt"
    report = {"devices": devices.read_text() if devices.exists() else "", "steps": steps, "products": products_of(steps)}
    if (folder / "nvidia-smi.txt").exists():
        report["nvidia_smi"] = (folder / "nvidia-smi.txt").read_text()
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "report.md").write_text(markdown(report))
    unfinished = sum(s["verdict"].startswith(UNFINISHED) for s in steps)
    failed = sum(s["verdict"].startswith("failed") for s in steps)
    print(f"{len(steps)} steps, {failed} failed, {unfinished} not run or cut off: {folder}/report.md")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
