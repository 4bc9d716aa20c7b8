#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves what tools/mutate_kernels.py changes, and what it leaves alone.

    python3 tests/checks/mutation_test.py
"""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import mutate_kernels  # noqa: E402


def changed(line: str) -> list[str]:
    return [m.apply(line + "\n").strip() for m in mutate_kernels.mutants_of("a.cpp", line + "\n")]


class MutantsTest(unittest.TestCase):
    def test_one_thing_at_a_time(self) -> None:
        self.assertEqual(changed("y += a * b[2];"), ["y -= a * b[2];", "y += a + b[2];", "y += a * b[3];"])
        self.assertEqual(changed("for (; i < n; ++i) s = std::fmax(s, 0.5f);"),
                         ["for (; i <= n; ++i) s = std::fmax(s, 0.5f);", "for (; i < n; ++i) s = std::fmin(s, 0.5f);",
                          "for (; i < n; ++i) s = std::fmax(s, 1.5f);"])
        self.assertEqual(changed("if (a == b && !c) break;"), ["if (a != b && !c) break;", "if (a == b || !c) break;"])

    def test_pointers_templates_names_and_comments_stay(self) -> None:
        for line in ("const float* x = row<const float>(t);", "int32_t y8 = x.f32;  // 1 + 2", 'fail("1 + 2");', "#include <a + b>",
                     "constexpr int kTile = 8 * 4;", 'return "a < b";'):
            with self.subTest(line):
                self.assertEqual(changed(line), [])

    def test_a_key_does_not_depend_on_the_line(self) -> None:
        keys = [mutate_kernels.mutants_of("a.cpp", text)[0].key(text) for text in ("y = a + b;\n", "\n\n    y = a + b;\n")]
        self.assertEqual(keys, ["a.cpp: y = a - b;"] * 2)

    def test_operators_are_those_of_the_files(self) -> None:
        self.assertEqual(mutate_kernels.op_of("backends/cpu/ops/mul_mat_int8.cpp"), "mul_mat")
        self.assertEqual(mutate_kernels.op_of("backends/cpu/reference/ops/ssm_scan.cpp"), "ssm_scan")

    def test_the_reason_of_an_equivalent_mutant(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / mutate_kernels.EQUIVALENT
            path.parent.mkdir(parents=True)
            path.write_text("# SPDX\n\n# the pad is never read\na.cpp: y = 1;\na.cpp: y = 2;\n\nb.cpp: y = 3;\n", encoding="utf-8")
            self.assertEqual(mutate_kernels.read_equivalent(Path(folder)),
                             {"a.cpp: y = 1;": "the pad is never read", "a.cpp: y = 2;": "the pad is never read", "b.cpp: y = 3;": ""})

    def test_every_equivalent_mutant_has_a_reason_and_exists(self) -> None:
        keys = set()
        for folder in mutate_kernels.FOLDERS:
            for path in sorted((mutate_kernels.ROOT / folder).glob("*.cpp")):
                text = path.read_text(encoding="utf-8")
                keys |= {m.key(text) for m in mutate_kernels.mutants_of(str(path.relative_to(mutate_kernels.ROOT)), text)}
        for key, reason in mutate_kernels.read_equivalent().items():
            with self.subTest(key):
                self.assertTrue(reason)
                self.assertIn(key, keys)


if __name__ == "__main__":
    sys.exit(unittest.main())
