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
import unittest.mock
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import compare_llamacpp  # noqa: E402

# Times of a prompt of 10 tokens, a turn a list; a turn is counted in the file `log`. It stands in for the peer's interpreter as well, with the
# worker and the judge of logits.
ENGINE = """#!{python}
import json, sys
arguments = [argument for argument in sys.argv[1:] if argument != "-B"]
if arguments[0] == "-c":
    sys.exit(arguments[1] in {missing} and "no such package")
if arguments[0] == "make-random":
    open(arguments[1], "w").write("GGUF " + " ".join(arguments[2:]))
    sys.exit(0)
if "logits" in arguments or "--logits" in arguments:
    name = arguments[arguments.index("-d") + 1] if "-d" in arguments else "peer"
    open(arguments[arguments.index("-o" if "-o" in arguments else "--logits") + 1], "w").write(name)
    sys.exit(0)
if "float64_errors" in arguments[0]:
    made, logits = open(arguments[1]).read().split(), [open(path).read() for path in arguments[4:]]
    seed = int(made[made.index("--seed") + 1])
    errors = {{"cpu:threads=2": 2**-12, "reference": 2**-13, "peer": 0.5}}
    print(json.dumps({{"nmse": [errors[name] * (1 + seed) for name in logits]}}))
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
PEER = {"version": "1", "system": "s", "settings": {}, "load": {"seconds": 1, "first_token_seconds": 2}, "peak_memory_bytes": 2**21,
        "memory_before_load_bytes": 2**18, "weight_buffers_mib": {"AMX": 0.5}, "results": [RESULT]}


class CompareTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.model = self.root / "m.gguf"
        self.model.write_text("GGUF", encoding="utf-8")
        self.engine("A", KRAIT, [[1.0, 2.0], [3.0, 2.0]])
        self.engine("B", PEER, [[8.0, 4.0], [4.0, 2.0]])

    def engine(self, name: str, answer: dict, turns: list, missing: str = "") -> None:
        path = self.root / name
        path.write_text(ENGINE.format(python=sys.executable, log=str(self.root / "log"), name=name, answer=answer, turns=turns,
                                      missing=[f"import {missing}"]), encoding="utf-8")
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
        self.assertEqual(krait["results"][0]["tokens_per_second"], {"median": 5, "q1": 5 - 5 / 12, "q3": 6.25, "min": 10 / 3, "max": 10})
        self.assertEqual(peer["results"][0]["tokens_per_second"]["median"], 2.5)
        # Rounds: 7.5 to 1.875 and 4.1666 to 3.75 tokens/s.
        rounds = {"median": 2.5555555, "q1": 1.8333333, "q3": 3.2777777, "min": 1.1111111, "max": 4}
        ratio = report["files"][0]["ratios"][0]
        for name, value in rounds.items():
            self.assertAlmostEqual(ratio["of_rounds"][name], value, 5)
        self.assertEqual(ratio, dict(RESULT, engine="krait cpu", ratio=2, of_rounds=ratio["of_rounds"]))
        # Each turn's share is of its own ceiling: 0.5 and 0.25. The peer does the same work in twice the time.
        self.assertAlmostEqual(krait["results"][0]["share_of_peak"], 0.375)
        self.assertAlmostEqual(peer["results"][0]["share_of_peak"], 0.1875)
        self.assertIn("38% of peak | **2.00** (", text)
        self.assertIn("| 19% of peak |", text)
        self.assertIn("read 10.0 .. 11.0 GB/s", text)
        self.assertEqual(krait["ceilings"]["read_gb_per_second"], 11)
        self.assertIn("1.50 x reading the file once", text)
        self.assertIn("memory 2 MiB, 4.00 x the file, of which 0 MiB before it loaded the file (Python); weights 0 MiB in AMX", text)
        self.assertIn("| 5 / 2 = **2.00** | 2.00 / 4.00 | - / - |", text)  # no errors of a file that was not made here
        self.assertEqual((self.root / "out.md").read_text(encoding="utf-8"), text)

    def test_errors_are_means_of_small_models_of_each_family_and_format(self) -> None:
        code, text, errors = self.run_it("--models", "mamba-370m,mamba-130m", "--types", "Q4_K_M", "--rounds", "1", "--error-seeds", "0,2",
                                         "--threads", "2")
        self.assertEqual(code, 0, errors)
        report = json.loads((self.root / "out.json").read_text(encoding="utf-8"))
        self.assertEqual([(case["family"], case["type"]) for case in report["errors"]], [("mamba", "Q4_K_M")])
        self.assertEqual(report["errors"][0]["engines"]["llama.cpp"], {"mean": 1, "seeds": [0.5, 1.5]})
        self.assertIn("| mamba | Q4_K_M | 4.88e-04 (2.4e-04 .. 7.3e-04) | 2.44e-04 (1.2e-04 .. 3.7e-04) | 1.00e+00 (wrong) (", text)
        self.assertEqual(text.count("| 4.88e-04 / 1.00e+00 (wrong) |"), 2)  # both sizes have the errors of their family
        self.assertIn("[4/6] mamba-370m-q4_k_m.gguf: round 1 of 1: llama.cpp", errors)

    def test_others_that_use_the_machine_are_told(self) -> None:
        load = {"seconds": 1.0, "processors_of_others": 0.5, "processors_stolen": 0.0}
        with unittest.mock.patch.object(compare_llamacpp.Watch, "stop", lambda _: load), \
                unittest.mock.patch.object(compare_llamacpp.os, "getloadavg", lambda: (3.0, 0, 0)):
            code, text, errors = self.run_it(str(self.model))
        self.assertEqual(code, 0, errors)
        self.assertIn("the load average is 3.0", errors)
        self.assertIn("warning: m.gguf: other programs kept up to 0.5 processors busy", errors)
        self.assertIn("| m (!) |", text)

    def test_a_quiet_machine_is_not_marked(self) -> None:
        load = {"seconds": 1.0, "processors_of_others": 0.02, "processors_stolen": 0.0}
        with unittest.mock.patch.object(compare_llamacpp.Watch, "stop", lambda _: load), \
                unittest.mock.patch.object(compare_llamacpp.os, "getloadavg", lambda: (0.1, 0, 0)):
            _, text, errors = self.run_it(str(self.model))
        self.assertNotIn("warning", errors)
        self.assertNotIn("(!)", text)

    def test_threads_and_layers_go_to_those_that_have_them(self) -> None:
        code, text, errors = self.run_it("m.gguf", "--dry-run", "--threads", "3", "--devices", "cpu:avx2,vulkan0", "--peer-gpu-layers", "99")
        self.assertEqual(code, 0, errors)
        cpu, vulkan, peer = text.splitlines()
        self.assertIn("-d cpu:avx2:threads=3 ", cpu)
        self.assertIn("-d vulkan0 ", vulkan)
        self.assertIn(" --threads 3 --gpu-layers 99 ", peer)

    def test_models_are_made_once(self) -> None:
        for _ in range(2):
            code, _, errors = self.run_it("--models", "mamba-130m", "--types", "Q4_K,F16", "--rounds", "1", "--error-seeds", "none")
            self.assertEqual(code, 0, errors)
            (self.root / "log").unlink()
        self.assertEqual(sorted(f.name for f in (self.root / "made").iterdir()), ["mamba-130m-f16.gguf", "mamba-130m-q4_k.gguf"])
        self.assertNotIn("making", errors)

    def test_errors_say_what_is_wrong(self) -> None:
        for arguments, words in (((), "no models"), (("gone.gguf",), "gone.gguf"), (("-b", "0"), "at least 1"), (("-p", "x"), "'x'"),
                                 (("--rounds", "1,2"), "more than one"), (("--error-seeds", "some"), "'some'"), ((str(self.model), "--krait", "/nowhere/krait"), "/nowhere/krait"),
                                 ((str(self.model), "--peer-python", "/nowhere/python"), "--no-binary llama-cpp-python")):
            with self.subTest(arguments):
                code, _, errors = self.run_it(*arguments)
                self.assertEqual(code, 2)
                self.assertIn(words, errors)

    def test_a_package_that_is_missing_is_named(self) -> None:
        self.engine("B", PEER, [[8.0], [4.0]], missing="gguf")
        code, _, errors = self.run_it("--models", "mamba-130m")
        self.assertEqual(code, 2)
        self.assertIn("importing gguf in", errors)
        self.assertIn("pip install --no-binary llama-cpp-python llama-cpp-python gguf", errors)
        code, _, errors = self.run_it("--models", "mamba-130m", "--error-seeds", "none")  # which needs no judge
        self.assertEqual(code, 0, errors)

    def test_an_engine_that_fails_is_named(self) -> None:
        (self.root / "A").write_text(f"#!{sys.executable}\nimport sys\nsys.exit('out of luck')\n", encoding="utf-8")
        code, _, errors = self.run_it(str(self.model))
        self.assertEqual(code, 1)
        self.assertIn("krait cpu on", errors)
        self.assertIn("out of luck", errors)

    def test_an_engine_that_crashes_is_named_with_its_signal(self) -> None:
        (self.root / "A").write_text(f"#!{sys.executable}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", encoding="utf-8")
        code, _, errors = self.run_it(str(self.model))
        self.assertEqual(code, 1)
        self.assertIn("was ended by signal 9: ", errors)


if __name__ == "__main__":
    unittest.main()
