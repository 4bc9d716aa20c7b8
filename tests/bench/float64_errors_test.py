#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/float64_errors.py on the golden models, where numpy and gguf are installed: logits that transformers agrees with.

    python3 tests/bench/float64_errors_test.py
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
sys.path.insert(0, str(ROOT / "bench"))


@unittest.skipUnless(importlib.util.find_spec("numpy") and importlib.util.find_spec("gguf"), "needs numpy and gguf")
class Float64ErrorsTest(unittest.TestCase):
    def run_it(self, model: str, *logits: Path, tokens: str = "") -> tuple[int, str, str]:
        import float64_errors
        import numpy as np

        tokens = tokens or ",".join(map(str, np.load(GOLDEN / f"{model}.tokens.npy")))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = float64_errors.main([str(GOLDEN / f"{model}.gguf"), "--tokens", tokens, *map(str, logits)])
        return code, out.getvalue(), err.getvalue()

    def test_golden_logits_have_no_error(self) -> None:
        for model in ("mamba", "falcon_mamba", "mamba2"):
            with self.subTest(model):
                golden = GOLDEN / f"{model}.logits.npy"
                code, text, errors = self.run_it(model, golden, golden)
                self.assertEqual(code, 0, errors)
                nmse = json.loads(text)["nmse"]
                self.assertEqual(len(nmse), 2)
                self.assertLess(max(nmse), 1e-28)

    def test_logits_of_other_tokens_are_far_off(self) -> None:
        tokens = ",".join(["1"] * 40)
        code, text, errors = self.run_it("mamba", GOLDEN / "mamba.logits.npy", tokens=tokens)
        self.assertEqual(code, 0, errors)
        self.assertGreater(json.loads(text)["nmse"][0], 0.1)

    def test_what_cannot_be_compared_is_refused(self) -> None:
        for tokens, words in (("1,2", "shape [40, 101]; expected is [2, 101]"), ("101", "0 to 100")):
            code, _, errors = self.run_it("mamba", GOLDEN / "mamba.logits.npy", tokens=tokens)
            self.assertEqual(code, 2)
            self.assertIn(words, errors)
        code, _, errors = self.run_it("mamba", ROOT / "README.md")
        self.assertEqual(code, 2)
        self.assertIn("float64_errors.py: ", errors)


if __name__ == "__main__":
    unittest.main()
