# SPDX-License-Identifier: Apache-2.0
"""C and C++ files are laid out as .clang-format says, and no line is longer than its ColumnLimit. Versions of clang-format differ,
so only the one named here decides; it breaks no comments and no string literals, so that lines are counted here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from checks.tree import Finding, Tree

VERSION = "14"
FORMATTED = (".c", ".h", ".cpp", ".hpp", ".cu", ".cuh")
COLUMNS = 128
# Files with lines that may be longer, and why.
LONG_LINES = {
    "core/ops/write_op_versions.cpp": "the head of a generated file in a raw string literal",
    "tools/command_line/completion.cpp": "scripts of shells in raw string literals, printed as they are",
}
_MESSAGE = re.compile(r"^(.*?):(\d+):\d+: (?:error|warning): code should be clang-formatted")


def find_program() -> str | None:
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path:
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            if re.search(rf"version {VERSION}\.", said):
                return path
    return None


def run_on_all(tree: Tree, program: str, *options: str) -> str:
    """clang-format over all files, a share for each processor; what it printed on stderr."""
    files = tree.with_suffix(*FORMATTED)
    shares = max(1, os.cpu_count() or 1)

    def run(share: list[str]) -> str:
        if not share:
            return ""
        return subprocess.run([program, "--style=file", *options, *share], cwd=tree.root, capture_output=True, text=True, check=False).stderr

    with ThreadPoolExecutor(shares) as pool:
        return "".join(pool.map(run, [files[i::shares] for i in range(shares)]))


def check_columns(tree: Tree) -> list[Finding]:
    return [Finding(file, number, f"has {len(line)} columns", f"break the line at {COLUMNS}")
            for file in tree.with_suffix(*FORMATTED, ".def") if file not in LONG_LINES
            for number, line in enumerate(tree.lines(file), 1) if len(line) > COLUMNS]


def check(tree: Tree) -> list[Finding]:
    return check_columns(tree) + check_formatting(tree)


def check_formatting(tree: Tree) -> list[Finding]:
    program = find_program()
    if program is None:
        return [Finding(".clang-format", 1, f"layout was not checked: there is no clang-format {VERSION}",
                        f"install clang-format-{VERSION}, or name other checks on the command line")]
    first: dict[str, int] = {}
    for line in run_on_all(tree, program, "--dry-run").splitlines():
        match = _MESSAGE.match(line)
        if match:
            first.setdefault(match[1], int(match[2]))
    return [Finding(file, line, "is laid out otherwise than .clang-format says", "run tools/check --fix layout")
            for file, line in first.items()]


def fix(tree: Tree) -> None:
    program = find_program()
    if program is not None:
        run_on_all(tree, program, "-i")
