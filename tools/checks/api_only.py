# SPDX-License-Identifier: Apache-2.0
"""Commands that stand on the public API alone, so that it is known to be enough for an application.

The files of COMMANDS, and the headers of tools/ that they include, directly or not, include of Krait nothing but include/krait and
tools/. The sources beside those headers may also include core: how text is shown and files are written is no part of the API.
"""

from __future__ import annotations

from checks.layering import _INCLUDE, is_under
from checks.tree import Finding, Tree

COMMANDS = (
    "tools/commands/inspect.cpp",
    "tools/commands/logits.cpp",
    "tools/commands/perplexity.cpp",
    "tools/commands/run.cpp",
    "tools/commands/tokenize.cpp",
)

FOR_HEADERS = ("include/krait", "tools")
FOR_SOURCES = FOR_HEADERS + ("core",)
# Sources beside the headers that use the C++ library all the same, and why.
ON_THE_LIBRARY = {
    "tools/profile_replay.cpp": "the API has no observer of nodes, which `krait run --profile` needs",
}


def check(tree: Tree) -> list[Finding]:
    findings = []
    reached: dict[str, str] = {}  # a header of tools/, and a file that includes it
    waiting = [command for command in COMMANDS if tree.exists(command)]
    findings += [Finding(c, 1, "is a command that does not exist", "correct COMMANDS in tools/checks/api_only.py")
                 for c in COMMANDS if tree.exists("tools/krait.cpp") and not tree.exists(c)]
    while waiting:
        file = waiting.pop()
        for number, target in includes(tree, file):
            if not any(is_under(target, prefix) for prefix in FOR_HEADERS):
                findings.append(refuse(file, number, target, FOR_HEADERS))
            elif is_under(target, "tools") and target not in reached:
                reached[target] = file
                waiting.append(target)
    for header in reached:
        source = header.rpartition(".")[0] + ".cpp"
        if not tree.exists(source) or source in ON_THE_LIBRARY or source in COMMANDS:
            continue
        findings += [refuse(source, number, target, FOR_SOURCES) for number, target in includes(tree, source)
                     if not any(is_under(target, prefix) for prefix in FOR_SOURCES)]
    return findings


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
