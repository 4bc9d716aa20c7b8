# SPDX-License-Identifier: Apache-2.0
"""Every op of core/ops/op_list.def, and every format of core/quant/formats.def, has its files in every place that needs one."""

from __future__ import annotations

import op_support
from checks.tree import Finding, Tree

OP_LIST = op_support.OP_LIST
FORMATS = "core/quant/formats.def"
PLACES = ("core/ops/{}.hpp", "backends/cpu/ops/{}.cpp", "backends/cpu/reference/ops/{}.cpp", "tests/ops/{}.cpp")


def check(tree: Tree) -> list[Finding]:
    findings = []
    for op in op_support.read_ops(tree.root):
        for place in PLACES:
            if not tree.exists(place.format(op.name)):
                findings.append(Finding(OP_LIST, op.line, f"the op '{op.name}' has no {place.format(op.name)}",
                                        "write it (docs/adding-an-op.md)"))
    for number, line in enumerate(tree.lines(FORMATS), 1):
        if line.startswith("KRAIT_FORMAT("):
            name = line.split(",")[1].strip().lower()
            if name != "f32" and not tree.exists(f"core/quant/{name}.hpp"):
                findings.append(Finding(FORMATS, number, f"the format '{name}' has no core/quant/{name}.hpp",
                                        "write its block struct and its formula there"))
    if not tree.exists(op_support.DOCUMENT):
        findings.append(Finding(op_support.DOCUMENT, 1, "is missing", "run tools/check --fix operators"))
    elif tree.text(op_support.DOCUMENT) != op_support.render(tree.root):
        findings.append(Finding(op_support.DOCUMENT, 1, "is not what the code says", "run tools/check --fix operators"))
    return findings


def fix(tree: Tree) -> None:
    op_support.write(tree.root)
