# SPDX-License-Identifier: Apache-2.0
"""Every C and C++ file names its licence in the first line; every header says what it is for and is read once; no file is long."""

from __future__ import annotations

import re

from checks.tree import CODE, HEADERS, SHADERS, Finding, Tree

LICENCE = "SPDX-License-Identifier: Apache-2.0"
LONGEST = 500

_COMMENT = re.compile(r"^\s*(//|/?\*+)\s*(.*?)\s*(\*/)?\s*$")


def check(tree: Tree) -> list[Finding]:
    findings = []
    for file in tree.with_suffix(*CODE, *SHADERS):
        lines = tree.lines(file)
        # GLSL wants #version before all else.
        first = lines[1] if len(lines) > 1 and lines[0].startswith("#version") else (lines[0] if lines else "")
        if LICENCE not in first:
            findings.append(Finding(file, 1, "does not begin with its licence", f"write '// {LICENCE}' in the first line"))
        if file.endswith(HEADERS):
            findings += check_header(file, lines)
    for file in tree.with_suffix(*CODE, *SHADERS, ".py", ".sh", ".cmake"):
        count = len(tree.lines(file))
        if count > LONGEST:
            findings.append(Finding(file, LONGEST, f"has {count} lines", f"split it by noun before it reaches {LONGEST}"))
    return findings


def check_header(file: str, lines: list[str]) -> list[Finding]:
    findings = []
    words = 0
    for line in lines[1:]:
        match = _COMMENT.match(line)
        if not match:
            break
        words += len(match[2].split())
    if words < 3:
        findings.append(Finding(file, 2, "does not say what it is for", "write a comment after the licence: purpose, contract, formula"))
    if file.endswith(".def"):  # meant to be read several times
        return findings
    guard = re.search(r"^#ifndef (\w+)\n#define \1\b", "\n".join(lines), re.M)
    if "#pragma once" not in lines and not guard:
        findings.append(Finding(file, 1, "can be read twice", "add '#pragma once' after the head comment"))
    return findings
