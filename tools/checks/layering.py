# SPDX-License-Identifier: Apache-2.0
"""Who may know whom (docs/architecture.md), proved by the includes and by what plugins link.

    tools, tests -> bench -> capi -> engine -> models -> graph -> core
                                     models -> formats, text -> core
    tools -> server -> include
    within models/: session -> memory -> placement -> architectures -> layers -> loading

A layer is the longest prefix in MAY_INCLUDE that a file's path has; it may include the prefixes listed, and itself. A prefix that ends with
"/*" stands for the files in that folder without its subfolders. Files of a layer above do not include each other in a circle. Backends
see a part of core, backends/common and themselves; the reference is a backend of its own, because an oracle that shares
code with what it judges shares its bugs.
"""

from __future__ import annotations

import re

from checks.tree import CODE, Finding, Tree

LIBRARY = ("core", "graph", "formats", "text", "models", "engine", "capi", "include")
FOR_BACKENDS = ("core/abi", "core/base", "core/quant", "core/ops", "core/tensor", "backends/common")

MAY_INCLUDE = {
    "core": (),
    "graph": ("core",),
    "formats": ("core",),
    "text": ("core",),
    # The subfolders of models/, lowest first; "models" itself are the files that load a model and describe it.
    "models/sampler": ("core",),
    "models/loading": ("core", "formats", "text"),
    "models/layers": ("core", "graph", "models/loading"),
    "models/architectures": ("core", "graph", "formats", "models/layers", "models/loading"),
    "models/placement": ("core", "graph", "models/loading", "models/architectures"),
    "models/memory": ("core", "graph", "models/layers", "models/architectures", "models/placement"),
    "models/demo": ("core",),
    "models": ("core", "graph", "formats", "models/demo", "models/loading", "models/architectures", "models/placement"),
    "models/session": ("core", "graph", "models/sampler", "models/architectures", "models/memory", "models/*"),
    "models/quantize": ("core", "formats", "models/architectures", "models/session", "models/evaluation", "models/*"),
    "models/evaluation": ("core", "text", "models/sampler", "models/session", "models/*"),
    "models/debug": ("core", "graph", "models/architectures", "models/memory", "models/session", "models/*"),
    "models/profile": ("core", "graph", "models/architectures"),
    "models/random": ("core", "formats", "text", "models/sampler", "models/architectures", "models/quantize"),
    "engine/prefix": ("core", "graph", "models", "engine/*"),
    "engine": ("core", "graph", "models", "engine/prefix"),
    "include": (),
    "capi": ("core", "graph", "formats", "text", "models", "engine", "include"),
    # HTTP knows nothing of models; the families of endpoints know the rest of the server, and llama.cpp's chats are OpenAI's.
    "server/http": ("include",),
    "server": ("include", "server/http"),
    "examples": ("include",),
    # Backends that are built outside of the tree: they see what is installed for them.
    "examples/backend-cpp": FOR_BACKENDS,
    "backends/common": tuple(p for p in FOR_BACKENDS if p != "backends/common"),
    # main() of the test programs, and where they find files.
    "tests/main": (),
    "tests/harness": LIBRARY + ("tests/main",),
    # Not a part of the harness but plugins with a defect each, which it must find.
    "tests/harness/broken": FOR_BACKENDS + ("backends/cpu/reference",),
    # A plugin whose device fails when it is asked to, and the tests that ask it.
    "tests/faults": FOR_BACKENDS + ("backends/cpu/reference", "core/runtime", "graph", "models", "engine", "tests/golden",
                                    "tests/main", "tests/models"),
    "tests": LIBRARY + ("server", "backends", "tests/harness", "tests/main", "bench"),
    "bench": LIBRARY + ("tests/harness", "bench/ceilings"),
    # Measures the processor and knows nothing of the engine.
    "bench/ceilings": (),
    # How programs read their arguments.
    "tools/command_line": ("core",),
    "bench/cublaslt": LIBRARY + ("bench", "tools/command_line"),
    "tools": LIBRARY + ("server", "tests/harness", "bench", "tools/command_line"),
}

# Static libraries that a plugin may hold its own copy of, and the interface target with the warning flags.
FOR_PLUGINS = {"krait_base", "krait_contracts", "krait_quant", "krait_options"}

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
    if prefix.endswith("/*"):
        return path.rpartition("/")[0] == prefix[:-2]
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
    findings += find_cycles(tree)
    for file in tree.files:
        if file.startswith("backends/") and file.endswith("CMakeLists.txt"):
            findings += check_links(tree, file)
    return findings


def check_include(tree: Tree, file: str, number: int, layer: str, target: str) -> list[Finding]:
    if target.startswith("krait/"):  # "krait/krait.h": include/ is on the path of those who may
        target = f"include/{target}"
    beside = f"{file.rpartition('/')[0]}/{target}"
    if layer.startswith("examples/") and tree.exists(beside):  # a project of its own has its own root
        target = beside
    if not tree.exists(target):
        return [Finding(file, number, f"includes '{target}', which does not exist",
                        "write the path from the root of the tree, and foreign headers in <>")]
    other = layer_of(target)
    if other == layer or any(is_under(target, prefix) for prefix in allowed(layer)):
        return []
    known = ", ".join(allowed(layer)) or "nothing else of ours"
    return [Finding(file, number, f"{layer} includes {target}", f"{layer} may include itself and: {known} (docs/architecture.md)")]


# Where a header and its source file count as one unit, so that two units that know each other are found too.
UNITS_WITHOUT_CYCLES = ("models", "engine", "formats", "capi", "tools")


def find_cycles(tree: Tree) -> list[Finding]:
    """Headers that include each other in a circle, and units that do in UNITS_WITHOUT_CYCLES."""
    headers: dict[str, set[str]] = {}
    units: dict[str, set[str]] = {}
    for file in tree.with_suffix(*CODE):
        targets = {m[1] for m in map(_INCLUDE.match, tree.lines(file)) if m and m[1] and tree.exists(m[1])}
        if file.endswith((".h", ".hpp", ".cuh", ".glsl")):
            headers[file] = targets
        if any(is_under(file, prefix) for prefix in UNITS_WITHOUT_CYCLES):
            unit = file.rpartition(".")[0]
            units.setdefault(unit, set()).update(t.rpartition(".")[0] for t in targets if t.rpartition(".")[0] != unit)
    findings = []
    found: list[set[str]] = []
    for graph in (headers, units):
        for cycle in strongly_connected(graph):
            stems = {re.sub(r"\.\w+$", "", name) for name in cycle}
            if any(stems <= other for other in found):  # the headers of these units were told
                continue
            found.append(stems)
            first = min(cycle)
            file = next((f for f in (first, f"{first}.cpp", f"{first}.hpp", f"{first}.h") if tree.exists(f)), first)
            findings.append(Finding(file, 1, f"includes itself through {', '.join(sorted(cycle - {first})) or 'itself'}",
                                    "move what both need into a file of its own"))
    return findings


def strongly_connected(graph: dict[str, set[str]]) -> list[set[str]]:
    """Sets of two nodes and more that reach each other, and nodes that name themselves."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph.get(start, ()))
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += graph.get(node, ())
        return seen

    reach = {node: reached(node) for node in graph}
    in_cycle = [node for node in graph if node in reach[node]]
    found: list[set[str]] = []
    for node in in_cycle:
        if not any(node in cycle for cycle in found):
            found.append({other for other in in_cycle if other in reach[node] and node in reach[other]})
    return found


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
