# SPDX-License-Identifier: Apache-2.0
"""Nothing unfinished and nothing of one machine in the tree; no blanks at the ends of lines, no tabs, a newline at the end."""

from __future__ import annotations

import re

from checks.tree import TEXT, Finding, Tree

# Put together here, so that this file does not hold them.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
UNFILLED = re.compile(r"@[A-Z0-9_]+@")  # in documents; templates (.in) live of them
ONE_MACHINE = re.compile(r"(?<![\w.$}~*-])/(" + "|".join(("work", "home", "root", "tmp/krait")) + r")(/|\b(?![\w.-]))")

# Texts that are not ours to edit.
FOREIGN = ("LICENSE", "models/demo/heldout.txt", "tests/golden/", "tests/models/data/", "tests/unit/data/", "tests/fuzz/corpus/")


def check(tree: Tree) -> list[Finding]:
    findings = []
    for file in tree.files:
        named = file.endswith(TEXT) or file.startswith((".ci/", "scripts/", "tools/")) or file.startswith(".clang")
        if not named or (file.startswith(FOREIGN) and not file.endswith((".py", ".md", ".cpp", ".hpp"))):
            continue
        lines = tree.lines(file)
        for number, line in enumerate(lines, 1):
            match = UNFINISHED.search(line) or (UNFILLED.search(line) if file.endswith(".md") else None)
            if match:
                findings.append(Finding(file, number, f"holds '{match[0]}'", "finish it, or open an issue and say here what is true now"))
            match = ONE_MACHINE.search(line)
            if match:
                findings.append(Finding(file, number, f"holds a path of one machine, '{match[0]}'", "write paths relative to the tree"))
            if "\t" in line:
                findings.append(Finding(file, number, "holds a tab", "indent with spaces"))
            if line != line.rstrip():
                findings.append(Finding(file, number, "has blanks at its end", "remove them"))
        text = tree.text(file)
        if text and not text.endswith("\n"):
            findings.append(Finding(file, len(lines), "does not end with a newline", "add one"))
    return findings
