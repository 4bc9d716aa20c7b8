# SPDX-License-Identifier: Apache-2.0
"""Documents speak of what is there: links, headings they point to, paths in `code`, presets.

A document that explains how to make something says in its first line which files do not exist: `<!-- examples: clamp -->` lets it
speak of every path whose last or last but one part is `clamp`, with any suffix.
"""

from __future__ import annotations

import json
import posixpath
import re

from checks.tree import Finding, Tree

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"")
_CODE = re.compile(r"`([^`]+)`")
_PATH = re.compile(r"^\.?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+/?$")
_PRESET = re.compile(r"--preset[ =]([a-z0-9]+)|\bbuild/([a-z0-9]+)/")
# Folders of build/ that are no preset: made by .ci/run, .ci/nightly and the tools that they call.
_OTHER_BUILDS = {"fuzz", "mutation", "tidy", "wheel", "wheels"}


def check(tree: Tree) -> list[Finding]:
    findings = []
    top = {file.split("/")[0] for file in tree.files if "/" in file}
    presets = {p["name"] for p in json.loads(tree.text("CMakePresets.json"))["configurePresets"] if not p.get("hidden")}
    for file in tree.with_suffix(".md"):
        fenced = False
        declared = re.match(r"<!-- examples: ([\w ,]+) -->", (tree.lines(file) or [""])[0])
        examples = set(re.findall(r"\w+", declared[1])) if declared else set()
        for number, line in enumerate(tree.lines(file), 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            if not fenced:
                findings += check_links(tree, file, number, re.sub(r"`[^`]*`", "", line))
                findings += check_paths(tree, file, number, line, top, examples)
            findings += check_presets(file, number, line, presets)
    for file in [*tree.with_suffix(".sh"), *(f for f in tree.files if f.startswith(".ci/"))]:
        for number, line in enumerate(tree.lines(file), 1):
            findings += check_presets(file, number, line, presets)
    return findings


def check_links(tree: Tree, file: str, number: int, line: str) -> list[Finding]:
    findings = []
    for match in _LINK.finditer(line):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        resolved = posixpath.normpath(posixpath.join(posixpath.dirname(file), path)) if path else file
        if resolved.startswith("..") or not tree.exists(resolved):
            findings.append(Finding(file, number, f"links to {target}, which does not exist", "links are relative to the document"))
        elif heading and resolved.endswith(".md") and heading not in headings(tree, resolved):
            findings.append(Finding(file, number, f"links to {target}, but {resolved} has no such heading",
                                    "headings become lower case with '-' for spaces"))
    return findings


def headings(tree: Tree, file: str) -> set[str]:
    names = set()
    for line in tree.lines(file):
        if line.startswith("#"):
            text = line.lstrip("#").strip().lower().replace("`", "")
            names.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return names


def check_paths(tree: Tree, file: str, number: int, line: str, top: set[str], examples: set[str]) -> list[Finding]:
    """`core/ops/scale.hpp` in a sentence must exist; what holds a placeholder, a blank or a wildcard is not a path."""
    findings = []
    for match in _CODE.finditer(line):
        path = match[1]
        parts = [part.partition(".")[0] for part in path.split("/")[-2:]]
        if not _PATH.match(path) or path.split("/")[0] not in top or examples & set(parts):
            continue
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        if not any(tree.exists(p + suffix) for p in (path, beside) for suffix in ("", ".hpp", ".h")):
            findings.append(Finding(file, number, f"speaks of `{path}`, which does not exist", "name what is there"))
    return findings


def check_presets(file: str, number: int, line: str, presets: set[str]) -> list[Finding]:
    used = {match[1] or match[2] for match in _PRESET.finditer(line)} - _OTHER_BUILDS
    return [Finding(file, number, f"speaks of the preset '{name}'", f"CMakePresets.json has {', '.join(sorted(presets))}")
            for name in sorted(used - presets)]
