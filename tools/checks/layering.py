# SPDX-License-Identifier: Apache-2.0
"""Who may know whom (docs/architecture.md), proved by the includes and by what plugins link.

    tools, tests -> bench -> capi -> models -> graph -> core

A layer is the longest prefix in MAY_INCLUDE that a file's path has; it may include the prefixes listed, and itself. Backends
see a part of core, backends/common and themselves; the reference is a backend of its own, because an oracle that shares
code with what it judges shares its bugs.
"""

from __future__ import annotations

import re

from checks.tree import CODE, Finding, Tree

LIBRARY = ("core", "graph", "models", "capi", "include")
FOR_BACKENDS = ("core/abi", "core/base", "core/quant", "core/ops", "core/tensor", "backends/common")

MAY_INCLUDE = {
    "core": (),
    "graph": ("core",),
    "models": ("core", "graph"),
    "include": (),
    "capi": ("core", "graph", "models", "include"),
    "examples": ("include",),
    "backends/common": tuple(p for p in FOR_BACKENDS if p != "backends/common"),
    # main() of the test programs, and where they find files.
    "tests/main": (),
    "tests/harness": LIBRARY + ("tests/main",),
    # Not a part of the harness but plugins with a defect each, which it must find.
    "tests/harness/broken": FOR_BACKENDS + ("backends/cpu/reference",),
    # A plugin whose device fails when it is asked to, and the tests that ask it.
    "tests/faults": FOR_BACKENDS + ("backends/cpu/reference", "core/runtime", "graph", "models", "tests/golden",
                                    "tests/main"),
    "tests": LIBRARY + ("backends", "tests/harness", "tests/main", "bench"),
    "bench": LIBRARY + ("tests/harness", "bench/ceilings"),
    # Measures the processor and knows nothing of the engine.
    "bench/ceilings": (),
    # How programs read their arguments.
    "tools/command_line": ("core",),
    "bench/cublaslt": LIBRARY + ("bench", "tools/command_line"),
    "tools": LIBRARY + ("tests/harness", "bench", "tools/command_line"),
}

# Static libraries that a plugin may hold its own copy of, and the interface target with the warning flags.
FOR_PLUGINS = {"krait_base", "krait_quant", "krait_options"}

_INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(krait/[^>]+)>)')
_LINK = re.compile(r"target_link_libraries\s*\(([^)]*)\)", re.S)


def layer_of(path: str) -> str | None:
    parts = path.split("/")
    if parts[0] == "backends" and len(parts) > 2:
        if path.startswith("backends/cpu/reference/"):  # lies inside another backend's folder, and is not part of it
            return "backends/cpu/reference"
        return "/".join(parts[:2])
    for end in range(len(parts) - 1, 0, -1):
        prefix = "/".join(parts[:end])
        if prefix in MAY_INCLUDE:
            return prefix
    return None


def allowed(layer: str) -> tuple[str, ...]:
    return MAY_INCLUDE.get(layer, FOR_BACKENDS)


def is_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def check(tree: Tree) -> list[Finding]:
    findings = []
    for file in tree.with_suffix(*CODE):
        layer = layer_of(file)
        if layer is None:
            findings.append(Finding(file, 1, "belongs to no layer", "name its folder in tools/checks/layering.py"))
            continue
        for number, line in enumerate(tree.lines(file), 1):
            match = _INCLUDE.match(line)
            if match:
                findings += check_include(tree, file, number, layer, match[1] or f"include/{match[2]}")
    for file in tree.files:
        if file.startswith("backends/") and file.endswith("CMakeLists.txt"):
            findings += check_links(tree, file)
    return findings


def check_include(tree: Tree, file: str, number: int, layer: str, target: str) -> list[Finding]:
    if target.startswith("krait/"):  # "krait/krait.h": include/ is on the path of those who may
        target = f"include/{target}"
    if not tree.exists(target):
        return [Finding(file, number, f"includes '{target}', which does not exist",
                        "write the path from the root of the tree, and foreign headers in <>")]
    other = layer_of(target)
    if other == layer or any(is_under(target, prefix) for prefix in allowed(layer)):
        return []
    known = ", ".join(allowed(layer)) or "nothing else of ours"
    return [Finding(file, number, f"{layer} includes {target}", f"{layer} may include itself and: {known} (docs/architecture.md)")]


def check_links(tree: Tree, file: str) -> list[Finding]:
    findings = []
    text = tree.text(file)
    for match in _LINK.finditer(re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), text)):
        for library in match[1].split()[1:]:
            if (library.startswith("krait_") or library == "krait") and library not in FOR_PLUGINS \
                    and not library.startswith(("krait_plugin", "krait_backend", "krait_cpu", "krait_reference")):
                findings.append(Finding(file, text.count("\n", 0, match.start()) + 1, f"a plugin links {library}",
                                        f"a plugin may link {', '.join(sorted(FOR_PLUGINS))} and what backends/ makes"))
    return findings
