# SPDX-License-Identifier: Apache-2.0
"""Commands that stand on the public API alone, so that it is known to be enough for an application.

The files of COMMANDS, and the headers of tools/ that they include, directly or not, include of Krait nothing but include/krait,
tools/ and bench/. The sources of these headers, and headers that only sources include, may also include core: how text is shown and
files are written is no part of the API.
Headers and sources of bench/ that are reached in this way include nothing but include/krait, core and bench/: they measure the machine
too, which core/runtime describes. Models of the published sizes (bench/model_shapes.hpp), which time single operators for
`krait test-ops`, are reached by no command of the list and use the harness of the tests.

The source of a header is that of the same name. A source of bench/ that has no header belongs to all headers of bench/ that it includes.
"""

from __future__ import annotations

from checks.layering import _INCLUDE, is_under
from checks.tree import Finding, Tree

COMMANDS = (
    "tools/commands/bench.cpp",
    "tools/commands/grammar.cpp",
    "tools/commands/inspect.cpp",
    "tools/commands/logits.cpp",
    "tools/commands/perplexity.cpp",
    "tools/commands/run.cpp",
    "tools/commands/tokenize.cpp",
)

FOR_HEADERS = ("include/krait", "tools", "bench")
FOR_SOURCES = FOR_HEADERS + ("core",)
FOR_BENCH = ("include/krait", "core", "bench")


def check(tree: Tree) -> list[Finding]:
    findings = [Finding(c, 1, "is a command that does not exist", "correct COMMANDS in tools/checks/api_only.py")
                for c in COMMANDS if tree.exists("tools/krait.cpp") and not tree.exists(c)]
    reached: set[str] = set()
    findings += follow(tree, [command for command in COMMANDS if tree.exists(command)], FOR_HEADERS, reached)
    while new := {source for header in reached for source in sources_of(tree, header)} - reached:
        findings += follow(tree, sorted(new), FOR_SOURCES, reached)
    return findings


def follow(tree: Tree, files: list[str], for_tools: tuple[str, ...], reached: set[str]) -> list[Finding]:
    """Adds files to reached, with all that they include of tools/ and bench/."""
    findings = []
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file in reached:
            continue
        reached.add(file)
        allowed = FOR_BENCH if is_under(file, "bench") else for_tools
        for number, target in includes(tree, file):
            if not any(is_under(target, prefix) for prefix in allowed):
                findings.append(refuse(file, number, target, allowed))
            elif (is_under(target, "tools") or is_under(target, "bench")) and tree.exists(target):
                waiting.append(target)
    return findings


def sources_of(tree: Tree, header: str) -> list[str]:
    same = header.rpartition(".")[0] + ".cpp"
    without_header = [file for file in tree.with_suffix(".cpp")
                      if file.rpartition("/")[0] == "bench" and not tree.exists(file[:-4] + ".hpp")]
    return [same] * tree.exists(same) + [file for file in without_header
                                         if any(target == header for _, target in includes(tree, file))]


def includes(tree: Tree, file: str) -> list[tuple[int, str]]:
    """The files of this tree that a file includes, with the numbers of the lines."""
    found = []
    for number, line in enumerate(tree.lines(file), 1):
        match = _INCLUDE.match(line)
        if match:
            target = match[1] or match[2]
            found.append((number, f"include/{target}" if target.startswith("krait/") else target))
    return found


def refuse(file: str, number: int, target: str, allowed: tuple[str, ...]) -> Finding:
    return Finding(file, number, f"includes {target}, and a command that stands on the public API needs it",
                   f"of Krait {', '.join(allowed)} may be included here (tools/checks/api_only.py)")
