#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves which files tools/tidy examines: what changed, the newest first, and for a header a source.

    python3 tests/checks/tidy_test.py
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
_TOOL = str(Path(__file__).resolve().parents[2] / "tools" / "tidy")
_LOADER = importlib.machinery.SourceFileLoader("tidy", _TOOL)
tidy = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", _LOADER))
_LOADER.exec_module(tidy)


class TidyTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(setattr, tidy, "ROOT", tidy.ROOT)
        tidy.ROOT = Path(folder.name)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, day: int = 1) -> None:
        date = f"2026-01-{day:02}T12:00:00Z"
        names = {f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", "-C", str(tidy.ROOT), *arguments], check=True, capture_output=True,
                       env={**os.environ, **names, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date})

    def commit(self, day: int, **files: str) -> None:
        for name, text in files.items():
            (tidy.ROOT / f"{name}.cpp").write_text(text)
        self.git("add", "-A", day=day)
        self.git("commit", "-q", "-m", "c", day=day)

    def test_a_branch_is_examined_since_it_left_main(self) -> None:
        self.commit(1, old="1")
        self.git("update-ref", "refs/remotes/origin/main", "HEAD")
        self.commit(1, new="1")
        self.commit(1, newer="1")
        (tidy.ROOT / "newest.cpp").write_text("1")
        self.assertEqual(tidy.changed_since(tidy.default_revision()), ["newest.cpp", "newer.cpp", "new.cpp"])

    def test_a_fresh_clone_is_examined_a_day_back(self) -> None:
        self.commit(1, old="1")
        self.commit(4, new="1")
        self.commit(4, newer="1")
        self.git("update-ref", "refs/remotes/origin/main", "HEAD")
        self.assertEqual(tidy.changed_since(tidy.default_revision()), ["newer.cpp", "new.cpp"])

    def test_a_header_is_examined_by_a_source(self) -> None:
        (tidy.ROOT / "a.cpp").write_text('#include "b.hpp"\n#include "own.hpp"\n')
        (tidy.ROOT / "own.cpp").write_text("")
        sources = ["a.cpp", "own.cpp"]
        self.assertEqual(tidy.to_examine(["b.hpp", "own.hpp", "a.cpp", "unused.hpp", "README.md"], sources), ["a.cpp", "own.cpp"])


if __name__ == "__main__":
    sys.exit(unittest.main())
