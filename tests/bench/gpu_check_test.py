#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/gpu_check.sh where nothing is real but the script and its report: cmake "builds" a krait that answers as a GPU would make it.

What is not run or cut off is listed, by time and by signal; which steps a device of compute capability 9.0 gets, and in which order;
products lie beside cublasLt's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CMAKE = r"""#!/bin/bash
while (($# > 0)); do
    if [[ "$1" == -B ]]; then
        mkdir -p "$2/bin"
        cp "$FAKES/krait" "$2/bin/krait"
        [[ -z "${FAKE_YARDSTICK:-}" ]] || cp "$FAKES/cublaslt_bench" "$2/bin/cublaslt_bench"
    fi
    shift
done
"""

# bench takes long where FAKE_SLOW is set; a case named *fails* fails.
KRAIT = r"""#!/bin/bash
case "$1" in
    devices) printf 'cuda0  gpu  a GPU\n        activations=f16 sm_%s sms=132\nPLUGIN\n' "${FAKE_SM:-90}" ;;
    make-random) : >"$2" ;;
    bench)
        [[ -z "${FAKE_SLOW:-}" ]] || sleep 600
        echo '{"results": []}' ;;
    test-ops)
        if [[ "$*" == *"--shapes models"* ]]; then
            words="$*"
            format="${words##*--case }"
            format="${format%%.*}"
            printf '{"device": "%s", "cases": [{"case": "%s.t1.n10240.k2560.2.8b.in", "us": 20.0},
                {"case": "%s.t512.n10240.k2560.2.8b.in", "us": 40.0}, {"case": "%s.t8.n9.k9.2.8b.in", "error": "declined"}]}' \
                "$3" "$format" "$format" "$format"
        else
            [[ -z "${FAKE_FAILURE:-}" ]] || { echo "FAILED mul_mat"; exit 1; }
        fi ;;
esac
"""

YARDSTICK = r"""#!/bin/bash
[[ "$*" == "--device 0 --output json" ]] || exit 2
echo '{"products": [{"name": "F16.t1.n10240.k2560.2.8b.in", "us": 30.0}, {"name": "F16.t512.n10240.k2560.2.8b.in", "us": 20.0},
    {"name": "F16.t8.n1.k1.130m.x", "error": "no algorithm"}]}'
"""

# The report is made by the real one; golden logits are only asked for.
PYTHON = f"""#!/bin/bash
[[ "$*" == *npy_compare.py* ]] || exec {sys.executable} "$@"
"""

NVIDIA_SMI = '#!/bin/bash\necho "${FAKE_CAPABILITY:-9.0}"\n'


class GpuCheck(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="krait-gpu-check-"))
        self.addCleanup(shutil.rmtree, self.folder)
        fakes = self.folder / "fakes"
        fakes.mkdir()
        for name, text in (("cmake", CMAKE), ("krait", KRAIT), ("cublaslt_bench", YARDSTICK), ("nvidia-smi", NVIDIA_SMI), ("python3", PYTHON),
                           ("compute-sanitizer", "#!/bin/bash\n")):
            (fakes / name).write_text(text)
            (fakes / name).chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{fakes}:{os.environ['PATH']}", "FAKES": str(fakes)}
        self.out = self.folder / "out"

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen([ROOT / "tools/gpu_check.sh", "--out", self.out, "--build", self.folder / "build", *arguments],
                                env={**self.environment, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_to_end(self, *arguments: str, expected: int = 0, **environment: str) -> str:
        process = self.start(*arguments, **environment)
        text, _ = process.communicate(timeout=240)
        self.assertEqual(process.returncode, expected, text)
        return text

    def report(self) -> dict:
        return json.loads((self.out / "report.json").read_text())

    def verdicts(self) -> dict[str, str]:
        steps = self.report()["steps"]
        verdicts = {step["name"]: step["verdict"] for step in steps}
        self.assertEqual(len(verdicts), len(steps), "two steps have one name")
        return verdicts

    def test_everything_runs_in_the_order_of_what_it_tells(self) -> None:
        self.run_to_end("--models", "mamba-2.8b", FAKE_YARDSTICK="1")
        verdicts = self.verdicts()
        self.assertEqual(set(verdicts.values()), {"passed"})
        names = list(verdicts)
        order = ["configure for 90a-real", "build", "test-ops cuda0", "golden logits mamba chunk 512 cuda0", "test-ops cuda0:wgmma=on",
                 "test-ops cuda0:pdl=on", "bench mamba-2.8b-Q4_K cuda0", "bench mamba-2.8b-Q4_K cuda0 chain 16",
                 "bench mamba-2.8b-Q4_K cuda0:pdl=on", "bench mamba-2.8b-Q4_K cuda0:wgmma=on", "bench mamba-2.8b-Q8_0 cuda0",
                 "cublasLt cuda0", "products cuda0 F16.*.2.8b.*", "compute-sanitizer memcheck cuda0", "perf cuda0",
                 "bench mamba-2.8b-Q4_K cuda0 in full"]
        self.assertEqual(sorted(order, key=names.index), order)
        self.assertEqual(list(self.out.glob("*.gguf")), [])

    def test_products_beside_cublaslt(self) -> None:
        self.run_to_end("--models", "mamba-130m", FAKE_YARDSTICK="1")
        products = {row["product"]: row for row in self.report()["products"]}
        self.assertEqual(set(products), {"t1.n10240.k2560.2.8b.in", "t512.n10240.k2560.2.8b.in"})
        one = products["t1.n10240.k2560.2.8b.in"]
        self.assertEqual((one["device"], one["cublaslt_us"]), ("cuda0", 30.0))
        self.assertEqual(one["krait"]["Q4_K"], {"us": 20.0, "ratio": 1.5})
        self.assertEqual(products["t512.n10240.k2560.2.8b.in"]["krait"]["F16 wgmma=on"], {"us": 40.0, "ratio": 0.5})
        self.assertIn("| cuda0 | t1.n10240.k2560.2.8b.in | 30.0 | 20.0 (1.50 x) |", (self.out / "report.md").read_text())

    def test_another_capability_has_neither_option_and_no_yardstick_is_told(self) -> None:
        self.run_to_end("--models", "mamba-130m", FAKE_CAPABILITY="8.6", FAKE_SM="86")
        verdicts = self.verdicts()
        self.assertFalse([name for name in verdicts if "=on" in name])
        self.assertIn("not built", verdicts["cublasLt cuda0"])
        self.assertEqual(self.report()["products"], [])

    def test_capabilities_beyond_have_pdl_alone(self) -> None:
        self.run_to_end("--quick", FAKE_CAPABILITY="12.0", FAKE_SM="120")
        self.assertEqual([name for name in self.verdicts() if "=on" in name and "golden" not in name], ["test-ops cuda0:pdl=on"])

    def test_a_failure_is_told_and_the_rest_goes_on(self) -> None:
        self.run_to_end("--quick", expected=1, FAKE_FAILURE="1")
        verdicts = self.verdicts()
        self.assertEqual(verdicts["test-ops cuda0"], "failed (1)")
        self.assertEqual(verdicts["golden logits mamba2 chunk 1 cuda0"], "passed")
        self.assertIn("FAILED mul_mat", (self.out / "report.md").read_text())

    def test_what_does_not_fit_the_time_is_listed(self) -> None:
        # What comes before bench takes a second or two; bench by itself would take ten minutes.
        self.run_to_end("--models", "mamba-2.8b", "--minutes", "0.3", FAKE_SLOW="1")
        steps = self.report()["steps"]
        cut = [i for i, step in enumerate(steps) if step["verdict"] == "cut off: out of time"]
        self.assertLessEqual(len(cut), 1)
        passed = [step for step in steps if step["verdict"] == "passed"]
        self.assertEqual(passed, steps[:len(passed)])
        self.assertGreater(len(passed), 2)
        rest = steps[len(passed) + len(cut):]
        self.assertEqual({step["verdict"] for step in rest if "cublasLt" not in step["name"]}, {"not run: out of time"})
        self.assertIn("bench mamba-2.8b-Q8_0 cuda0 in full", [step["name"] for step in rest])
        self.assertIn("| perf cuda0 | not run: out of time | 0 |", (self.out / "report.md").read_text())

    def test_an_interrupted_script_leaves_a_report(self) -> None:
        process = self.start("--models", "mamba-2.8b", FAKE_SLOW="1")
        running = self.out / "bench_mamba_2_8b_Q4_K_cuda0.txt"
        for _ in range(2400):
            if running.exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=240)  # bench would sleep on for 600 s
        self.assertEqual(process.returncode, 130, text)
        verdicts = self.verdicts()
        self.assertEqual(verdicts["bench mamba-2.8b-Q4_K cuda0"], "cut off: interrupted")
        self.assertEqual(verdicts["bench mamba-2.8b-Q8_0 cuda0 in full"], "not run: interrupted")
        self.assertEqual(verdicts["test-ops cuda0"], "passed")

    def test_bad_arguments(self) -> None:
        for arguments in (("--minutes", "soon"), ("--minutes", "0"), ("--minutes",), ("--fast",)):
            text = self.run_to_end(*arguments, expected=2)
            self.assertIn(arguments[0], text)
            self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()
