#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes report.json and report.md of what tools/gpu_check.sh left in a folder.

    tools/gpu_report.py DIRECTORY

The folder has steps.tsv (name, verdict, seconds, file of the output; a line a step), the outputs, what each step wrote to standard
error beside its output (.err for .txt), devices.txt and, with NVIDIA's tools, nvidia-smi.txt. Products that `krait test-ops --perf
--shapes models` and cublaslt_bench both timed stand in one table. There is a report of whatever is there: the run may have been cut off
anywhere, and a program that failed may have printed anything.
Exit code: 1 where a step failed; steps that were not run have not failed.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

LONGEST_OUTPUT = 4000  # characters of what is no JSON: its end
UNFINISHED = ("not run", "cut off")
MEASURED = ("bench", "perf", "products", "cublasLt")


def text_of(path: Path) -> str | None:
    """None where it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def object_in(text: str) -> dict | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def objects(value: object) -> list[dict]:
    """Those of a list that are objects; none of what is no list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def read_steps(folder: Path) -> tuple[list[dict], list[str]]:
    """The steps, and what there is to say of steps.tsv itself."""
    listed = text_of(folder / "steps.tsv")
    if listed is None:
        return [], ["There is no steps.tsv: nothing was run, or it was deleted."]
    steps, notes = [], []
    for number, line in enumerate(listed.splitlines(), 1):
        fields = line.split("\t")
        if len(fields) != 4 or not fields[2].isdecimal():
            notes.append(f"Line {number} of steps.tsv is torn and left out: {line!r}")
            continue
        name, verdict, seconds, file = fields
        step = {"name": name, "verdict": verdict, "seconds": int(seconds)}
        if file:
            text = text_of(folder / file)
            result = object_in(text) if text is not None else None
            if result is not None:
                step["result"] = result
            else:
                step["output"] = text[-LONGEST_OUTPUT:] if text is not None else "(missing)"
            if errors := text_of((folder / file).with_suffix(".err")):
                step["errors"] = errors[-LONGEST_OUTPUT:]
        steps.append(step)
    return steps, notes


def timed(entries: object, key: str) -> list[tuple[str, str, float]]:
    """Format, shape and microseconds of those products that have a time: of "F16.t1.n80.k1536.130m.x" they are F16 and the rest."""
    found = []
    for entry in objects(entries):
        kind, _, shape = str(entry.get(key)).partition(".")
        us = entry.get("us")
        if shape and isinstance(us, (int, float)) and math.isfinite(us) and us > 0:
            found.append((kind, shape, us))
    return found


def products_of(steps: list[dict]) -> list[dict]:
    """A product of a CUDA device that cublasLt timed and Krait too: {device, product, cublaslt_us, krait: {name: {us, ratio}}}, where the
    name is a format, and a device's options where it has some; the ratio is cublasLt's time by Krait's, so more than 1 is faster."""
    baseline = {}  # (device, shape) -> us, of F16
    for step in steps:
        kind, _, rest = step["name"].partition(" ")
        if kind == "cublasLt":
            for format_, shape, us in timed(step.get("result", {}).get("products"), "name"):
                if format_ == "F16":
                    baseline[rest.partition(" ")[0], shape] = us
    rows: dict[tuple[str, str], dict] = {}
    for step in steps:
        kind, _, rest = step["name"].partition(" ")
        if kind != "products":
            continue
        device, _, options = rest.partition(" ")[0].partition(":")
        for format_, shape, us in timed(step.get("result", {}).get("cases"), "case"):
            least = baseline.get((device, shape))
            if least is None:
                continue
            row = rows.setdefault((device, shape), {"device": device, "product": shape, "cublaslt_us": least, "krait": {}})
            row["krait"][f"{format_} {options}".strip()] = {"us": us, "ratio": least / us}
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


def section_of(step: dict) -> list[str]:
    """All that a step printed; nothing where that is not worth a reader's time."""
    if step["verdict"] == "passed" and not step["name"].startswith(MEASURED):
        return []
    parts = [json.dumps(step["result"], indent=1)] if "result" in step else []
    parts += [step[key].rstrip() for key in ("output", "errors") if step.get(key)]
    return ["", f"## {step['name']}"] + [line for part in parts for line in ("", "```", part, "```")] if parts else []


def markdown(report: dict, table: list[str]) -> str:
    lines = ["# GPU check", ""]
    if report["devices"]:
        lines += ["```", report["devices"].rstrip(), "```", ""]
    lines += [line for note in report["notes"] for line in (note, "")]
    lines += ["| step | verdict | seconds |", "|---|---|--:|"]
    lines += [f"| {s['name']} | {s['verdict']} | {s['seconds']} |" for s in report["steps"]]
    lines += table
    for step in report["steps"]:
        lines += section_of(step)
    return "\n".join(lines) + "\n"


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stdout if sys.argv[1:] in (["-h"], ["--help"]) else sys.stderr)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    folder = Path(sys.argv[1])
    steps, notes = read_steps(folder)
    products, table = [], []
    try:
        products = products_of(steps)
        table = products_table(products) if products else []
    except Exception as error:  # whatever a program printed, the rest of the report is worth having
        notes.append(f"There is no table of products: {error!r}")
    report = {"devices": text_of(folder / "devices.txt") or "", "notes": notes, "steps": steps, "products": products}
    smi = text_of(folder / "nvidia-smi.txt")
    if smi is not None:
        report["nvidia_smi"] = smi
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "report.md").write_text(markdown(report, table))
    unfinished = sum(s["verdict"].startswith(UNFINISHED) for s in steps)
    failed = sum(s["verdict"].startswith("failed") for s in steps)
    print(f"{len(steps)} steps, {failed} failed, {unfinished} not run or cut off: {folder}/report.md")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
