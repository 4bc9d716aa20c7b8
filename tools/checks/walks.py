# SPDX-License-Identifier: Apache-2.0
"""Walks through the code in docs/architecture.md: tables whose rows name a file and a function in it. Each function stands in its
file, and the walk from the command to a kernel, the first table, stays short."""

from __future__ import annotations

import re

from checks.tree import Finding, Tree

DOCUMENT = "docs/architecture.md"
MAX_STOPS, MAX_FILES = 25, 16
_HEAD = re.compile(r"\| stop \| file \| function \|")
_STOP = re.compile(r"\| (\d+) \| `([^`]+)` \| `(\w+)` \|")


def check(tree: Tree) -> list[Finding]:
    if not tree.exists(DOCUMENT):
        return []
    findings: list[Finding] = []
    walks: list[tuple[int, list[str]]] = []  # the line of a head, and the files of its stops
    for number, line in enumerate(tree.lines(DOCUMENT), 1):
        if _HEAD.match(line):
            walks.append((number, []))
        stop = _STOP.match(line)
        if not stop or not walks:
            continue
        index, file, function = int(stop[1]), stop[2], stop[3]
        walks[-1][1].append(file)
        if index != len(walks[-1][1]):
            findings.append(Finding(DOCUMENT, number, f"is stop {index} of a walk, and the {len(walks[-1][1])}. in its table",
                                    "number the stops as they follow each other"))
        if not tree.exists(file):
            findings.append(Finding(DOCUMENT, number, f"names {file}, which does not exist", "name the file that the stop is in"))
        elif not re.search(rf"\b{function}\(", tree.text(file)):
            findings.append(Finding(DOCUMENT, number, f"names {function}, which is not in {file}",
                                    "walk the path again and correct the table"))
    if walks:
        number, files = walks[0]
        if len(files) > MAX_STOPS or len(set(files)) > MAX_FILES:
            findings.append(Finding(DOCUMENT, number, f"has {len(files)} stops in {len(set(files))} files before a kernel",
                                    f"at most {MAX_STOPS} in {MAX_FILES}: shorten the path"))
    return findings
