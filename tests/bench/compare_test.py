#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/compare_llamacpp.py with two engines that are small scripts: the order of turns, what becomes of their numbers, and errors.

    python3 tests/bench/compare_test.py
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import compare_llamacpp  # noqa: E402

# Times of a prompt of 10 tokens, a turn a list; a turn is counted in the file `log`.
ENGINE = """#!{python}
import json, sys
arguments = sys.argv[1:]
if arguments[0] == "-c":
    sys.exit(0)
if arguments[0] == "make-random":
    open(arguments[1], "w").write("GGUF")
    sys.exit(0)
with open({log!r}, "a") as log:
    log.write({name!r})
turn = open({log!r}).read().count({name!r}) - 1
answer = {answer}
answer["results"][0]["seconds"] = {turns}[turn]
if "ceilings" in answer:
    answer["results"][0]["share_of_peak"] -= turn / 4
    answer["ceilings"]["read_gb_per_second"] += turn
print(json.dumps(answer))
"""

CEILINGS = {"read_gb_per_second": 10, "peaks": [{"number": "int8", "unit": "vnni", "gflop_per_second": 100}],
            "peak_of_this_model": {"number": "int8", "unit": "vnni"}}
RESULT = {"test": "prompt", "n_tok": 10, "n_seq": 1}
KRAIT = {"krait": "9.9", "machine": {"cpu": "A CPU", "features": "f", "os": "o", "processors": 2, "memory_bytes": 2**30},
         "model": {"file": "m.gguf", "bytes": 2**19}, "ceilings": CEILINGS, "load": {"seconds": 1, "first_token_seconds": 3, "read_once_seconds": 2},
         "peak_memory_bytes": 2**20, "results": [dict(RESULT, gb_per_second=2, gflop_per_second=50, share_of_read=0.2, share_of_peak=0.5)]}
PEER = {"version": "1", "system": "s", "settings": {}, "load": {"seconds": 1, "first_token_seconds": 2}, "peak_memory_bytes": 2**20,
        "results": [RESULT]}


class CompareTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.model = self.root / "m.gguf"
        self.model.write_text("GGUF", encoding="utf-8")
        self.engine("A", KRAIT, [[1.0, 2.0], [3.0, 2.0]])
        self.engine("B", PEER, [[8.0, 4.0], [4.0, 2.0]])

    def engine(self, name: str, answer: dict, turns: list) -> None:
        path = self.root / name
        path.write_text(ENGINE.format(python=sys.executable, log=str(self.root / "log"), name=name, answer=answer, turns=turns),
                        encoding="utf-8")
        path.chmod(0o755)

    def run_it(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = compare_llamacpp.main(["--krait", str(self.root / "A"), "--peer-python", str(self.root / "B"), "--rounds", "2",
                                              "--dir", str(self.root / "made"), "-o", str(self.root / "out"), *arguments])
            except SystemExit as stop:
                code = int(stop.code or 0)
        return code, out.getvalue(), err.getvalue()

    def test_turns_alternate_and_medians_are_of_all(self) -> None:
        code, text, errors = self.run_it(str(self.model))
        self.assertEqual(code, 0, errors)
        self.assertEqual((self.root / "log").read_text(encoding="utf-8"), "ABAB")
        report = json.loads((self.root / "out.json").read_text(encoding="utf-8"))
        krait, peer = (report["files"][0]["engines"][name] for name in ("krait cpu", "llama.cpp"))
        self.assertEqual(krait["results"][0]["seconds"], [1, 2, 3, 2])
        self.assertEqual(krait["results"][0]["tokens_per_second"], {"median": 5, "min": 10 / 3, "max": 10})
        self.assertEqual(peer["results"][0]["tokens_per_second"]["median"], 2.5)
        self.assertEqual(report["files"][0]["ratios"], [dict(RESULT, engine="krait cpu", ratio=2)])
        # Each turn's share is of its own ceiling: 0.5 and 0.25.
        self.assertAlmostEqual(krait["results"][0]["share_of_peak"], 0.375)
        self.assertIn("38% of peak | **2.00**", text)
        self.assertIn("read 10.0 .. 11.0 GB/s", text)
        self.assertEqual(krait["ceilings"]["read_gb_per_second"], 11)
        self.assertIn("1.50 x reading the file once", text)
        self.assertEqual((self.root / "out.md").read_text(encoding="utf-8"), text)

    def test_threads_and_layers_go_to_those_that_have_them(self) -> None:
        code, text, errors = self.run_it("m.gguf", "--dry-run", "--threads", "3", "--devices", "cpu:avx2,vulkan0", "--peer-gpu-layers", "99")
        self.assertEqual(code, 0, errors)
        cpu, vulkan, peer = text.splitlines()
        self.assertIn("-d cpu:avx2:threads=3 ", cpu)
        self.assertIn("-d vulkan0 ", vulkan)
        self.assertTrue(peer.endswith("--gpu-layers 99"), peer)

    def test_models_are_made_once(self) -> None:
        for _ in range(2):
            code, _, errors = self.run_it("--models", "mamba-130m", "--types", "Q4_K,F16", "--rounds", "1")
            self.assertEqual(code, 0, errors)
            (self.root / "log").unlink()
        self.assertEqual(sorted(f.name for f in (self.root / "made").iterdir()), ["mamba-130m-f16.gguf", "mamba-130m-q4_k.gguf"])
        self.assertNotIn("making", errors)

    def test_errors_say_what_is_wrong(self) -> None:
        for arguments, words in (((), "no models"), (("gone.gguf",), "gone.gguf"), (("-b", "0"), "at least 1"), (("-p", "x"), "'x'"),
                                 (("--rounds", "1,2"), "more than one"), ((str(self.model), "--krait", "/nowhere/krait"), "/nowhere/krait"),
                                 ((str(self.model), "--peer-python", "/nowhere/python"), "--no-binary llama-cpp-python")):
            with self.subTest(arguments):
                code, _, errors = self.run_it(*arguments)
                self.assertNotEqual(code, 0)
                self.assertIn(words, errors)

    def test_an_engine_that_fails_is_named(self) -> None:
        (self.root / "A").write_text(f"#!{sys.executable}\nimport sys\nsys.exit('out of luck')\n", encoding="utf-8")
        code, _, errors = self.run_it(str(self.model))
        self.assertEqual(code, 1)
        self.assertIn("krait cpu on", errors)
        self.assertIn("out of luck", errors)


if __name__ == "__main__":
    unittest.main()
