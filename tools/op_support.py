#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/op-support.md: which backend has which op, and every op's contract, read from the code.

    tools/op_support.py        writes the document
    tools/check operators      tells whether it is current

A backend has an op where it has ops/<op>.* in its folder. Whether it takes a particular node (a size, a format) is for its
supports() to say: `krait test-ops --device NAME` shows it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

OP_LIST = "core/ops/op_list.def"
DOCUMENT = "docs/op-support.md"


@dataclass(frozen=True)
class Op:
    id: int
    name: str
    line: int  # in OP_LIST


def read_ops(root: Path) -> list[Op]:
    ops = []
    for number, line in enumerate((root / OP_LIST).read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r"KRAIT_OP\((\d+), *(\w+),", line)
        if match:
            ops.append(Op(int(match[1]), match[2], number))
    return ops


def backend_folders(root: Path) -> list[tuple[str, Path]]:
    """(name, folder) of every folder under backends/ that has an ops/ folder, in the order of their names."""
    found = [(ops.parent.name, ops.parent) for pattern in ("*/ops", "cpu/reference/ops") for ops in (root / "backends").glob(pattern)]
    return sorted(found)


def contract(root: Path, op: Op) -> list[str]:
    """The head comment of the op's header, without the licence."""
    path = root / "core/ops" / f"{op.name}.hpp"
    if not path.exists():
        return []
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        if not line.startswith("//"):
            break
        lines.append(line[2:].removeprefix(" ").rstrip())
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def summary(lines: list[str], op: Op) -> str:
    """The head's first sentence, without the op's name."""
    text = []
    for line in lines:
        if text and (not line or line.startswith(" ")):
            break
        text.append(line)
    sentence = re.split(r"(?<=\.)\s+(?=[A-Z])", " ".join(text), maxsplit=1)[0] if text else ""
    return sentence.removeprefix(f"{op.name}: ").rstrip(".").replace("|", "\\|")


def render(root: Path) -> str:
    ops = read_ops(root)
    backends = backend_folders(root)
    out = ["# Operators, and which backend has them", "",
           f"Written by `tools/op_support.py` from `{OP_LIST}`, the heads of `core/ops/` and the `ops/` folders of the backends. Do not edit.",
           "A tick says that the backend has a kernel; a backend may still decline a node, with a reason.", "",
           "| id | op | what it does | " + " | ".join(name for name, _ in backends) + " |",
           "|---|---|---|" + ":-:|" * len(backends)]
    for op in ops:
        marks = ["✓" if any(folder.glob(f"ops/{op.name}.*")) else "" for _, folder in backends]
        out.append(f"| {op.id} | [`{op.name}`](#{op.name}) | {summary(contract(root, op), op)} | " + " | ".join(marks) + " |")
    out += ["", "## Contracts", "",
            "T = rows (tokens) of a run over all its sequences; `?` = may be absent; shapes are row-major.", ""]
    for op in ops:
        out += [f"### {op.name}", "", "```text", *contract(root, op), "```", ""]
    return "\n".join(out).rstrip("\n") + "\n"


def write(root: Path) -> None:
    (root / DOCUMENT).parent.mkdir(exist_ok=True)
    (root / DOCUMENT).write_text(render(root), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parent.parent)
    sys.exit(0)
