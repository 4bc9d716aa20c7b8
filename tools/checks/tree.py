# SPDX-License-Identifier: Apache-2.0
"""The files that are checked, and what a finding looks like."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CODE = (".c", ".h", ".cpp", ".hpp", ".cu", ".cuh", ".def")
HEADERS = (".h", ".hpp", ".cuh", ".def")
SHADERS = (".comp", ".glsl")
TEXT = CODE + SHADERS + (".md", ".py", ".sh", ".cmake", ".txt", ".json", ".in", ".svg")


@dataclass(frozen=True, order=True)
class Finding:
    file: str
    line: int
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.mend}"


class Tree:
    """Paths are relative to the root, with '/'. Files that git ignores are left out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lines: dict[str, list[str]] = {}

    @cached_property
    def files(self) -> list[str]:
        listed = subprocess.run(["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                capture_output=True, check=False) if (self.root / ".git").exists() else None
        if listed is not None and listed.returncode == 0:
            names = {name for name in listed.stdout.decode().split("\0") if name}
        else:  # an unpacked archive
            names = set()
            for folder, folders, files in os.walk(self.root):
                folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__", ".cache")]
                names |= {os.path.relpath(os.path.join(folder, f), self.root).replace(os.sep, "/") for f in files}
        return sorted(name for name in names if (self.root / name).is_file())

    def with_suffix(self, *suffixes: str) -> list[str]:
        return [f for f in self.files if f.endswith(suffixes)]

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def text(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8", errors="replace")

    def lines(self, file: str) -> list[str]:
        if file not in self._lines:
            self._lines[file] = self.text(file).splitlines()
        return self._lines[file]
