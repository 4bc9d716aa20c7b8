# SPDX-License-Identifier: Apache-2.0
"""Functions of the C API that its C++ layer lacks: a header of include/krait/*.hpp calls each, or UNWRAPPED says why none does."""

from __future__ import annotations

import re

from checks.tree import Finding, Tree

FOLDER = "include/krait/"
UNWRAPPED: dict[str, str] = {}

_DECLARED = re.compile(r"\bKRAIT_API\b[^;(]*?\b(krait_\w+)\s*\(")
_COMMENT = re.compile(r"//[^\n]*")


def check(tree: Tree) -> list[Finding]:
    headers = [file for file in tree.with_suffix(".h") if file.startswith(FOLDER)]
    wrappers = [file for file in tree.with_suffix(".hpp") if file.startswith(FOLDER)]
    code = "\n".join(_COMMENT.sub("", tree.text(file)) for file in wrappers)
    called = set(re.findall(r"\bkrait_\w+", code))
    declared: set[str] = set()
    findings = []
    for file in headers:
        text = tree.text(file)
        for match in _DECLARED.finditer(text):
            declared.add(match[1])
            if match[1] not in called and match[1] not in UNWRAPPED:
                line = text.count("\n", 0, match.start(1)) + 1
                findings.append(Finding(file, line, f"{match[1]} has no counterpart in {FOLDER}*.hpp",
                                        "wrap it there, or say in UNWRAPPED of tools/checks/wrapped.py why not"))
    findings += [Finding("tools/checks/wrapped.py", 1, f"{name} is in UNWRAPPED and {problem}", "correct UNWRAPPED")
                 for name in UNWRAPPED for problem in problems(name, declared, called)] if headers else []
    return findings


def problems(name: str, declared: set[str], called: set[str]) -> list[str]:
    return ["is not declared"] * (name not in declared) + ["is wrapped"] * (name in called)
