#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that .ci/run and .ci/nightly have the stages that docs/testing.md lists, and how their runner counts.

    python3 tests/checks/stages_test.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ROOT / script), *arguments], capture_output=True, text=True, check=False)


def documented(script: str) -> list[str]:
    text = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
    table = text.partition(f"| stage of `{script}` | what it runs |\n|---|---|\n")[2].partition("\n\n")[0]
    return re.findall(r"^\| (\w+) \|", table, re.MULTILINE)


class StagesTest(unittest.TestCase):
    def test_the_document_lists_the_stages(self) -> None:
        for script in (".ci/run", ".ci/nightly"):
            with self.subTest(script):
                listed = [line.split()[0] for line in run(script, "--list").stdout.splitlines()]
                self.assertGreater(len(listed), 5)
                self.assertEqual(listed, documented(script))

    def test_an_unknown_stage_is_refused(self) -> None:
        done = run(".ci/run", "nosuch")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no stage 'nosuch'", done.stderr)

    def stages(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        script = Path(folder.name) / "script"
        script.write_text(f'source "{ROOT}/.ci/stages.sh"\n{text}\nrun_stages "$@"\n', encoding="utf-8")
        return subprocess.run(["bash", str(script), *arguments], capture_output=True, text=True, check=False)

    def test_a_stage_that_fails_fails_all_and_the_others_run(self) -> None:
        done = self.stages('broken() { echo begins; echo complains >&2; false; echo went on; }\nstage packages p true\nstage broken b broken\nstage last l echo "two words"')
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("went on", done.stdout)  # set -e holds in stages
        self.assertIn("\ntwo words\n", done.stdout)
        self.assertRegex(done.stdout, r"\nbroken +\d+ s  FAILED \(1\)\nlast +\d+ s  passed\n")
        self.assertIn("======== the last lines of broken ========\nbegins\ncomplains\n\n======== summary ========\n", done.stdout)
        self.assertNotIn("the last lines of last", done.stdout)
        self.assertTrue(done.stdout.endswith("\n2 passed, 1 failed\n"))

    def test_a_stage_alone_runs_behind_the_packages(self) -> None:
        done = self.stages("stage packages p echo installs\nstage one 1 echo uno\nstage two 2 echo due", "two")
        self.assertEqual(done.returncode, 0)
        self.assertIn("installs", done.stdout)
        self.assertNotIn("uno", done.stdout)
        self.assertTrue(done.stdout.endswith("\n2 passed, 0 failed\n"))


if __name__ == "__main__":
    sys.exit(unittest.main())
