#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/gpu_check.sh where nothing is real but the script and its report: cmake "builds" a krait that answers as a GPU would make it.

What is not run or cut off is listed, by time and by signal; which steps a device of compute capability 9.0 gets, and in which order;
products lie beside cublasLt's; nothing that a step leaves behind keeps a report from being written.
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
        [[ -z "${FAKE_BASELINE:-}" ]] || cp "$FAKES/cublaslt_bench" "$2/bin/cublaslt_bench"
    fi
    shift
done
"""

# bench takes long where FAKE_SLOW is set; where FAKE_RACE is, logits are others with pdl.
KRAIT = r"""#!/bin/bash
case "$1" in
    devices)
        if [[ -n "${FAKE_HANG:-}" ]]; then sleep "$FAKE_HANG"; exit 3; fi
        [[ -z "${FAKE_NO_DEVICES:-}" ]] || { echo "plugin broken"; echo "it is broken" >&2; exit 1; }
        [[ -n "${FAKE_NO_GPU:-}" ]] ||
            printf 'cuda0  gpu  a GPU\n        activations=f16 sm_%s sms=132\n' "${FAKE_SM:-90}"
        printf 'vulkan0      emulated   llvmpipe\nPLUGIN\n' ;;
    make-random) : >"$2" ;;
    logits)
        words="$*"
        text="$6"
        [[ -z "${FAKE_RACE:-}" || "$4" != *pdl=on* ]] || text+=" another bit"
        echo "$text" >"${words##*--output }" ;;
    bench)
        [[ -z "${FAKE_SLOW:-}" ]] || sleep 600
        echo '{"results": []}' ;;
    test-ops)
        if [[ "$*" == *"--shapes models"* ]]; then
            echo "a driver's word" >&2
            words="$*"
            case="${words##*--case }"
            case="${case%% *}"
            printf '{"device": "%s", "cases": [{"case": "%s", "us": 20.0}, {"case": "F16.t8.n9.k9.2.8b.in", "error": "declined"}]}' \
                "$3" "${case%%.[*]*}.n10240.k2560.2.8b.in"
        else
            [[ -z "${FAKE_FAILURE:-}" ]] || { echo "FAILED mul_mat"; exit 1; }
        fi ;;
esac
"""

# Beside what it timed, a product that failed.
BASELINE = r"""#!/bin/bash
[[ "$*" == "--device 0 --sizes 2.8b --rows "*" --output json" ]] || exit 2
printf '{"products": [{"name": "F16.t%s.n10240.k2560.2.8b.in", "us": 30.0}, {"name": "F16.t%s.n1.k1.2.8b.x", "error": "no algorithm"}]}' \
    "$6" "$6"
if [[ -n "${FAKE_FAILING_BASELINE:-}" ]]; then
    echo "cublaslt_bench: 1 of 2 products failed" >&2
    exit 1
fi
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
        for name, text in (("cmake", CMAKE), ("krait", KRAIT), ("cublaslt_bench", BASELINE), ("nvidia-smi", NVIDIA_SMI), ("python3", PYTHON),
                           ("compute-sanitizer", "#!/bin/bash\n")):
            (fakes / name).write_text(text)
            (fakes / name).chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{fakes}:{os.environ['PATH']}", "FAKES": str(fakes)}
        self.out = self.folder / "out"

    def wait_for(self, path: Path) -> None:
        for _ in range(2400):
            if path.exists():
                return
            time.sleep(0.05)
        self.fail(f"{path} does not come")

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
        self.run_to_end("--models", "mamba-2.8b,mamba-130m,mamba-2.8b", FAKE_BASELINE="1")
        verdicts = self.verdicts()
        self.assertEqual(set(verdicts.values()), {"passed"})
        names = list(verdicts)
        order = ["configure for 90a-real", "build", "devices", "test-ops cuda0", "golden logits mamba chunk 512 cuda0",
                 "test-ops cuda0:wgmma=on", "golden logits mamba chunk 512 cuda0:pdl=on", "golden logits mamba2 chunk 1 cuda0:pdl=on",
                 "same logits mamba-130m-Q4_K chunk 512 cuda0 cuda0:pdl=on", "same logits mamba-130m-Q4_K chunk 1 cuda0 cuda0:pdl=on",
                 "same logits mamba-130m-Q4_K chunk 512 cuda0:wgmma=on cuda0:wgmma=on:pdl=on",
                 "same logits mamba2-130m-Q4_K chunk 1 cuda0 cuda0:pdl=on", "test-ops cuda0:pdl=on", "test-ops cuda0:wgmma=on:pdl=on",
                 "bench mamba-2.8b-Q4_K cuda0", "bench mamba-2.8b-Q4_K cuda0 chain 16",
                 "bench mamba-2.8b-Q4_K cuda0:pdl=on", "bench mamba-2.8b-Q4_K cuda0:wgmma=on", "bench mamba-130m-Q4_K cuda0",
                 "bench mamba-2.8b-Q8_0 cuda0", "cublasLt cuda0 1 rows", "products cuda0 F16.t1.*.2.8b.*",
                 "products cuda0:pdl=on F16.t1.*.2.8b.*", "products cuda0:wgmma=on:pdl=on F16.t512.*.2.8b.*", "cublasLt cuda0 16 rows",
                 "compute-sanitizer memcheck cuda0 ssm_scan *t5.h8*", "compute-sanitizer memcheck cuda0 attention F16.length513",
                 "perf cuda0", "bench mamba-2.8b-Q4_K cuda0 in full"]
        self.assertEqual(sorted(order, key=names.index), order)
        self.assertFalse([name for name in names if "vulkan0" in name])

    def test_what_it_did_not_make_it_leaves(self) -> None:
        self.out.mkdir()
        for name in ("mine.gguf", "mamba-2.8b-Q4_K.gguf", "mine.gguf.partial"):
            (self.out / name).write_text("somebody's")
        self.run_to_end("--models", "mamba-2.8b")
        self.assertEqual(self.verdicts()["random mamba-2.8b-Q4_K"], "passed")
        self.assertEqual({path.name: path.read_text() for path in self.out.rglob("*.gguf*")},
                         {"mine.gguf": "somebody's", "mamba-2.8b-Q4_K.gguf": "somebody's", "mine.gguf.partial": "somebody's"})
        self.assertEqual([path for path in self.out.iterdir() if path.is_dir()], [])

    def test_products_beside_cublaslt(self) -> None:
        # What a program writes to standard error, and that a product failed, takes no figure out of the table.
        self.run_to_end("--models", "mamba-130m", expected=1, FAKE_BASELINE="1", FAKE_FAILING_BASELINE="1")
        self.assertEqual(self.verdicts()["cublasLt cuda0 1 rows"], "failed (1)")
        products = {row["product"]: row for row in self.report()["products"]}
        self.assertEqual(set(products), {f"t{rows}.n10240.k2560.2.8b.in" for rows in (1, 8, 16, 32, 512)})
        one = products["t1.n10240.k2560.2.8b.in"]
        self.assertEqual((one["device"], one["cublaslt_us"]), ("cuda0", 30.0))
        self.assertEqual(one["krait"], {f"{kind}{options}": {"us": 20.0, "ratio": 1.5} for kind in ("F16", "Q4_K", "Q8_0")
                                        for options in ("", " pdl=on")})
        many = products["t512.n10240.k2560.2.8b.in"]["krait"]
        self.assertLessEqual({"F16", "F16 wgmma=on", "F16 wgmma=on:pdl=on"}, set(many))
        text = (self.out / "report.md").read_text()
        self.assertIn("| cuda0 | t1.n10240.k2560.2.8b.in | 30.0 | 20.0 (1.50 x) |", text)
        self.assertIn("1 of 2 products failed", text)
        self.assertIn("a driver's word", text)

    def test_a_bit_that_pdl_makes_another_is_a_failure(self) -> None:
        self.run_to_end("--quick", expected=1, FAKE_RACE="1")
        failed = {name for name, verdict in self.verdicts().items() if verdict == "failed (1)"}
        options = [(chunk, "cuda0 cuda0:pdl=on") for chunk in (512, 1)] + [(512, "cuda0:wgmma=on cuda0:wgmma=on:pdl=on")]
        self.assertEqual(failed, {f"same logits {model}-Q4_K chunk {chunk} {devices}" for model in ("mamba-130m", "mamba2-130m")
                                  for chunk, devices in options})

    def test_another_capability_has_neither_option_and_no_baseline_is_told(self) -> None:
        self.run_to_end("--models", "mamba-130m", FAKE_CAPABILITY="8.6", FAKE_SM="86")
        verdicts = self.verdicts()
        self.assertFalse([name for name in verdicts if "=on" in name])
        self.assertIn("not built", verdicts["cublasLt cuda0 1 rows"])
        self.assertEqual(self.report()["products"], [])

    def test_capabilities_beyond_have_pdl_alone(self) -> None:
        self.run_to_end("--quick", FAKE_CAPABILITY="12.0", FAKE_SM="120")
        self.assertEqual([name for name in self.verdicts() if "=on" in name and "logits" not in name], ["test-ops cuda0:pdl=on"])

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
        self.wait_for(self.out / "bench_mamba_2_8b_Q4_K_cuda0.txt")
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=240)  # bench would sleep on for 600 s
        self.assertEqual(process.returncode, 130, text)
        verdicts = self.verdicts()
        self.assertEqual(verdicts["bench mamba-2.8b-Q4_K cuda0"], "cut off: interrupted")
        self.assertEqual(verdicts["bench mamba-2.8b-Q8_0 cuda0 in full"], "not run: interrupted")
        self.assertEqual(verdicts["test-ops cuda0"], "passed")

    def test_a_signal_before_there_is_a_child_to_tell(self) -> None:
        # While bench's step, which has begun, names its file. Bench would sleep on for 600 s.
        fake = self.folder / "fakes/tr"
        fake.write_text(f"""#!/bin/bash
text="$(cat)"
if [[ "$text" == bench* ]]; then : >"$FAKES/naming"; sleep 2; fi
exec {shutil.which("tr")} "$@" <<<"$text"
""")
        fake.chmod(0o755)
        process = self.start("--models", "mamba-2.8b", FAKE_SLOW="1")
        self.wait_for(self.folder / "fakes/naming")
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 130, text)
        self.assertEqual(self.verdicts()["bench mamba-2.8b-Q4_K cuda0"], "cut off: interrupted")

    def test_an_interrupted_step_has_ended_before_the_report(self) -> None:
        # It takes a second to end; the second signal does not shorten the wait for it.
        krait = self.folder / "fakes/krait"
        krait.write_text(krait.read_text().replace("sleep 600\n        echo", """{
            trap 'sleep 1; ls "$(dirname "$2")" >"$FAKES/ended"; exit 0' TERM
            : >"$FAKES/begun"
            while :; do sleep 0.05; done
        }\n        echo"""))
        process = self.start("--models", "mamba-2.8b", FAKE_SLOW="1")
        self.wait_for(self.folder / "fakes/begun")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 130, text)
        self.assertIn("mamba-2.8b-Q4_K.gguf", (self.folder / "fakes/ended").read_text())
        self.assertEqual(self.verdicts()["bench mamba-2.8b-Q4_K cuda0"], "cut off: interrupted")

    def test_cut_off_is_what_the_time_ended(self) -> None:
        # What fails by itself after the deadline has failed: this one outlasts it, since nothing tells it to end.
        timeout = self.folder / "fakes/timeout"
        timeout.write_text(f'#!/bin/bash\n[[ -n "${{FAKE_NO_TIMEOUT:-}}" ]] && exec "${{@:3}}"\nexec {shutil.which("timeout")} "$@"\n')
        timeout.chmod(0o755)
        late = self.folder / "late"
        processes = [self.start("--minutes", "0.15", FAKE_HANG="600"),
                     self.start("--minutes", "0.15", "--out", str(late), "--build", str(late / "build"), FAKE_HANG="10", FAKE_NO_TIMEOUT="1")]
        for process in processes:
            text, _ = process.communicate(timeout=240)
            self.assertEqual(process.returncode, 1, text)
        self.assertEqual(self.verdicts()["devices"], "cut off: out of time")
        self.out = late
        self.assertEqual(self.verdicts()["devices"], "failed (3)")

    def test_devices_are_a_step(self) -> None:
        text = self.run_to_end(expected=1, FAKE_NO_DEVICES="1")
        self.assertIn("1 failed", text)
        self.assertEqual(self.verdicts()["devices"], "failed (1)")
        self.assertIn("it is broken", (self.out / "report.md").read_text())

        text = self.run_to_end(expected=1, FAKE_NO_GPU="1")
        self.assertIn("1 failed", text)
        self.assertEqual(self.verdicts()["a GPU device"], "failed (there is none)")
        self.assertIn("llvmpipe", (self.out / "report.md").read_text())

    def test_a_device_that_is_named(self) -> None:
        self.run_to_end("--quick", "--device", "vulkan0", "--device", "vulkan0")
        names = [name for name in self.verdicts() if "test-ops" in name]  # each once
        self.assertEqual(names, ["test-ops vulkan0"])

    def test_bad_arguments(self) -> None:
        a_file = self.folder / "file"
        a_file.write_text("")
        for arguments in (("--minutes", "soon"), ("--minutes", "0"), ("--minutes",), ("--fast",), ("--device", ""),
                          ("--device", "cuda0:pdl=on"), ("--device", "cuda0,cuda1"), ("--models", "a,,b"), ("--models", ""), ("--out", ""),
                          ("--out", str(a_file)), ("--build", str(a_file))):
            text = self.run_to_end(*arguments, expected=2)
            self.assertIn(f"gpu_check.sh: {arguments[0]}" if arguments[0] != "--fast" else "'--fast'", text)
            self.assertFalse(self.out.exists())


class Report(unittest.TestCase):
    """tools/gpu_report.py on what a run may leave behind."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="krait-gpu-report-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_it(self, steps: list[tuple[str, str, str]], torn: str = "", expected: int = 0) -> dict:
        """Name, verdict and output of each step."""
        lines = []
        for i, (name, verdict, text) in enumerate(steps):
            (self.folder / f"{i}.txt").write_text(text)
            lines.append(f"{name}\t{verdict}\t1\t{i}.txt\n")
        (self.folder / "steps.tsv").write_text("".join(lines) + torn)
        return self.report(expected)

    def report(self, expected: int = 0) -> dict:
        done = subprocess.run([sys.executable, ROOT / "tools/gpu_report.py", self.folder], capture_output=True, text=True, timeout=240)
        self.assertEqual((done.returncode, done.stderr), (expected, ""))
        self.markdown = (self.folder / "report.md").read_text()
        return json.loads((self.folder / "report.json").read_text())

    def test_output_of_any_kind(self) -> None:
        good = '{"products": [{"name": "F16.t1.a", "us": 30}]}', '{"cases": [{"case": "Q4_K.t1.a", "us": 20}]}'
        for bad in ("[1, 2]", "3", "null", "{}", '{"products": null, "cases": {}}', '{"products": [1], "cases": [null]}', '{"cases": [{}]}', "",
                    '{"products": [{"name": "F16.t1.a", "us": 0}], "cases": [{"case": "Q4_K.t1.a", "us": 0}]}',
                    '{"products": [{"name": "F16.t1.a", "us": null}], "cases": [{"case": null, "us": 2}]}', '{"products": [{"na'):
            with self.subTest(bad=bad):
                report = self.run_it([("cublasLt cuda0 8 rows", "passed", bad), ("cublasLt cuda0 1 rows", "passed", good[0]),
                                      ("products cuda0 a", "passed", good[1]), ("products cuda0 b", "passed", bad)])
                self.assertEqual([row["krait"] for row in report["products"]], [{"Q4_K": {"us": 20, "ratio": 1.5}}])
        report = self.run_it([("cublasLt cuda0 1 rows", "passed", good[0].replace("30", "1" + "0" * 400)), ("products cuda0 a", "passed", good[1]),
                              ("bench x", "failed (1)", "why")], expected=1)
        self.assertIn("There is no table of products: OverflowError", self.markdown)
        self.assertIn("why", self.markdown)

    def test_a_torn_line_and_a_missing_file(self) -> None:
        report = self.run_it([("build", "passed", "x"), ("test-ops cuda0", "failed (1)", "y")], torn="bench mam", expected=1)
        self.assertEqual(len(report["steps"]), 2)
        self.assertIn("'bench mam'", self.markdown)
        (self.folder / "1.txt").unlink()
        self.assertEqual(self.report(expected=1)["steps"][1]["output"], "(missing)")
        self.assertIn("(missing)", self.markdown)

    def test_no_steps(self) -> None:
        self.assertEqual(self.report()["steps"], [])
        self.assertIn("no steps.tsv", self.markdown)

    def test_standard_error_stands_beside_the_figures(self) -> None:
        (self.folder / "0.err").write_text("a driver's word")
        report = self.run_it([("bench x", "passed", '{"a": 1}')])
        self.assertEqual((report["steps"][0]["result"], report["steps"][0]["errors"]), ({"a": 1}, "a driver's word"))
        self.assertIn("a driver's word", self.markdown)


if __name__ == "__main__":
    unittest.main()
