#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/demo.sh and test.sh on machines that are not this one: a copy of the scripts, with a cmake, a nvidia-smi and headers that only
seem to be some. What they decide to build, what they say of the rest, which tests a name stands for, what is listed as not tested."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEADERS = ["fmt/format.h", "CLI/CLI.hpp", "nlohmann/json.hpp", "pcre2.h", "tl/expected.hpp", "xxhash.h", "vulkan/vulkan.h",
           "gtest/gtest.h"]
COMMANDS = ["c++", "ninja", "pkg-config", "glslangValidator"]

# Writes down how it was called; what it builds is a krait that prints its arguments.
CMAKE = """#!/bin/bash
printf '%s\\n' "$@" >>"{log}"
if [[ "$1" == --preset ]]; then echo "{says}"; exit; fi
mkdir -p "$2/bin"
printf '#!/bin/bash\\nprintf "<%%s>" "$@"\\n' >"$2/bin/krait"
chmod +x "$2/bin/krait"
"""


def bash(script, *arguments, **environment):
    """What the functions of the scripts print, called by `script`."""
    done = subprocess.run(["bash", "-c", f'source "{ROOT}/scripts/dependencies.sh"; {script}', "test.sh", *arguments],
                          capture_output=True, text=True, env={**os.environ, **environment}, cwd=ROOT)
    return done.stdout + done.stderr


class Machine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, text=""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def command(self, name, text="#!/bin/bash\n"):
        self.file("bin/" + name, text).chmod(0o755)


class Demo(Machine):
    def setUp(self):
        super().setUp()
        shutil.copytree(ROOT / "scripts", self.folder / "scripts")
        for header in HEADERS:
            self.file("include/" + header)
        for command in COMMANDS:
            self.command(command)
        self.command("nvidia-smi", "#!/bin/bash\nexit 9\n")
        self.cmake()

    def cmake(self, says=""):
        self.command("cmake", CMAKE.format(log=self.folder / "calls", says=says))

    def run_script(self, *arguments, **environment):
        done = subprocess.run([self.folder / "scripts/demo.sh", *arguments], capture_output=True, text=True,
                              env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "CPATH": f"{self.folder}/include", **environment})
        calls = self.folder / "calls"
        return done.stdout, done.stderr, calls.read_text().split("\n") if calls.exists() else []

    def test_without_a_gpu_nothing_is_built_for_one(self):
        out, said, calls = self.run_script("The sea", "-n", "5")
        self.assertEqual(out, "<run><-p><The sea><-n><5>")
        self.assertIn("-DKRAIT_CUDA=OFF", calls)
        self.assertIn("CUDA (there is no NVIDIA GPU that nvidia-smi knows; --cuda)", said)
        self.assertIn("krait_command", calls)
        if not list(pathlib.Path("/dev").glob("dri/renderD*")):
            self.assertIn("-DKRAIT_VULKAN=OFF", calls)
            self.assertIn("Vulkan (there is no GPU (no render node /dev/dri/renderD*); --vulkan)", said)

    def test_an_nvidia_gpu_and_nvcc_are_used_for_its_own_architecture(self):
        self.command("nvidia-smi", "#!/bin/bash\necho 9.0\necho 7.5\necho 9.0\n")
        self.command("nvcc")
        _, said, calls = self.run_script()
        self.assertIn("-DKRAIT_CUDA=AUTO", calls)
        self.assertIn("-DCMAKE_CUDA_ARCHITECTURES=75-real;90a-real", calls)
        self.assertNotIn("CUDA (", said)

    @unittest.skipIf(os.path.exists("/usr/local/cuda/bin/nvcc"), "there is an nvcc")
    def test_an_nvidia_gpu_without_nvcc_says_so(self):
        self.command("nvidia-smi", "#!/bin/bash\necho 9.0\n")
        _, said, calls = self.run_script()
        self.assertIn("-DKRAIT_CUDA=OFF", calls)
        self.assertIn("CUDA (there is no nvcc", said)

    def test_more_can_be_asked_for(self):
        _, said, calls = self.run_script("The sea", "--cuda", "--vulkan", "--cmake", "-DKRAIT_WERROR=ON")
        for argument in ["-DKRAIT_CUDA=ON", "-DKRAIT_VULKAN=ON", "-DKRAIT_WERROR=ON"]:
            self.assertIn(argument, calls)
        self.assertNotIn("CUDA", said)
        self.assertNotIn("Vulkan", said)
        _, said, calls = self.run_script("--all")
        self.assertIn("-DKRAIT_CPU_VARIANTS=all", calls)
        self.assertNotIn("Not built", said)

    def test_what_cmake_cannot_build_is_said_too(self):
        self.cmake(says="-- cuda: not built, nvcc is 11.8; 12.4 or newer is needed")
        self.assertIn("Not built: CUDA (nvcc is 11.8; 12.4 or newer is needed)", self.run_script("--all")[1])

    def test_all_behind_the_dashes_is_for_krait(self):
        self.assertEqual(self.run_script("The sea", "--", "--cuda", "-h")[0], "<run><-p><The sea><--cuda><-h>")
        self.assertEqual(self.run_script("-n", "3", "-h")[0], "<run><-p><Once upon a time><-n><3><-h>")

    def test_precompiled_headers_are_for_builds_without_ccache(self):
        self.assertIn("-DKRAIT_PCH=ON", self.run_script(CCACHE_DISABLE="1")[2])
        self.command("ccache")
        self.file("calls").unlink()
        self.assertIn("-DKRAIT_PCH=OFF", self.run_script()[2])

    def test_wrong_options_are_refused(self):
        self.assertIn("--jobs wants a number, not 'many'", self.run_script("--jobs", "many")[1])
        self.assertIn("nothing after --cmake", self.run_script("--cmake")[1])

    def test_what_krait_would_refuse_is_refused_before_the_build(self):
        shutil.copytree(ROOT / "tools", self.folder / "tools")
        for arguments, words in [(["The sea", "--vulcan"], "neither this script nor krait run has an option '--vulcan'"),
                                 (["The sea", "-x80"], "has an option '-x'"),
                                 (["The", "sea"], "'sea' is a second prompt"),
                                 (["-n", "80", "The sea"], "'The sea' comes after options; the prompt comes first")]:
            _, said, calls = self.run_script(*arguments)
            self.assertIn(words, said)
            self.assertEqual(calls, [])
        # An option of each source that has some: of the model, of what is written, of the profile, of the command.
        options = ["-n", "-1", "--seed=3", "-d", "cpu", "--tokenizer", "t", "--profile", "--no-history"]
        self.assertEqual(self.run_script("The sea", *options)[0], f"<run><-p><The sea><{'><'.join(options)}>")


class Devices(Machine):
    AVX512 = "fma avx2 f16c avx512f avx512bw avx512dq avx512vl avx512_vnni"

    def test_levels_of_processors(self):
        for flags, levels in [("sse2 avx", "portable|avx2 avxvnni avx512bw avx512 amx"),
                              ("sse2 avx avx2 fma f16c", "portable avx2|avxvnni avx512bw avx512 amx"),
                              ("sse2 avx avx2 fma f16c avx_vnni", "portable avx2 avxvnni|avx512bw avx512 amx"),
                              (self.AVX512, "portable avx2 avx512bw avx512|avxvnni amx"),
                              (self.AVX512.replace("f16c", "avx_vnni"), "portable|avx2 avxvnni avx512bw avx512 amx"),
                              (self.AVX512.replace("_vnni", "_bf16"), "portable avx2 avx512bw|avxvnni avx512 amx"),
                              (self.AVX512 + " avx_vnni avx512_bf16 amx_tile amx_int8 amx_bf16", "portable avx2 avxvnni avx512bw avx512 amx|")]:
            file = self.file("cpuinfo", f"model name\t: some\nflags\t\t: fpu {flags}\nflags\t\t: fpu\n")
            self.assertEqual(bash('find_cpu_levels "$1" x86_64; echo "$found|$lack"', str(file)).strip(), levels)
        for features, levels in [("fp asimd aes crc32", "portable|"), ("fp asimd aes crc32 atomics asimdrdm asimddp", "portable neon|"),
                                 ("fp asimd atomics asimddp svei8mm", "portable neon|"), ("asimd atomics asimddp i8mm", "portable neon i8mm|")]:
            file = self.file("cpuinfo", f"processor\t: 0\nFeatures\t: {features}\nFeatures\t: fp\n")
            self.assertEqual(bash('find_cpu_levels "$1" aarch64; echo "$found|$lack"', str(file)).strip(), levels)
        choose = 'find_cpu_levels() { found="portable avx2"; lack="avxvnni amx"; }; choose_cpu_variants no %s; echo "${arguments[*]}|${omitted[*]}"'
        self.assertEqual(bash(choose % "").strip(), "-DKRAIT_CPU_VARIANTS=portable;avx2|cpu:avxvnni, cpu:amx (not in this processor; --all)")
        self.assertEqual(bash(choose % "emulated").strip(), "-DKRAIT_CPU_VARIANTS=portable;avx2;avxvnni_emulated;amx_emulated|"
                         "cpu:avxvnni, cpu:amx (not in this processor, so emulated; --all)")

    def test_a_variant_that_there_is_not_is_refused_with_those_that_there_are(self):
        done = subprocess.run(["cmake", "-S", ROOT, "-B", self.folder, "-DKRAIT_CPU_VARIANTS=portable;mmx", "-DKRAIT_CUDA=OFF",
                               "-DKRAIT_VULKAN=OFF", "-DKRAIT_BUILD_TESTS=OFF"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        said = " ".join(done.stderr.split())
        self.assertIn("KRAIT_CPU_VARIANTS='portable;mmx': AUTO, all, or a list", said)
        self.assertIn(f"of what there is for {os.uname().machine}: portable", said)

    def test_a_gpu_for_vulkan_has_a_node_and_a_driver(self):
        find = 'find_vulkan_gpu "$1/dri" "$1/icd"; echo "$found|$lack"'
        self.assertIn("|there is no GPU", bash(find, str(self.folder)))
        node = self.file("dri/renderD128")
        self.file("icd/lvp_icd.x86_64.json")
        if not list(pathlib.Path("/etc/vulkan/icd.d").glob("*.json")):
            self.assertIn("|the GPU has no Vulkan driver", bash(find, str(self.folder)))
        self.file("icd/radeon_icd.x86_64.json")
        self.assertEqual(bash(find, str(self.folder)).split("|")[0], str(node))

    def test_progress_is_shown_now_and_then_and_errors_at_once(self):
        said = bash("printf '[1/9] one\\nFAILED: two\\nerror: three\\nninja: no work to do.\\n' | show_some_progress")
        self.assertEqual(said, "FAILED: two\nerror: three\n")
        self.assertIn("[2/9] two", bash("{ echo '[1/9] one'; sleep 1.2; echo '[2/9] two'; } | kSecondsOfProgress=1 show_some_progress"))


class Test(Machine):
    def test_a_bare_name_or_an_empty_one_builds_nothing(self):
        for arguments, words in [(["ssm_scan"], "'ssm_scan' is no option; to run that alone: scripts/test.sh --only ssm_scan"),
                                 (["--only", ""], "--only '': the name is empty")]:
            done = subprocess.run([ROOT / "scripts/test.sh", *arguments], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(words, done.stderr)


class Selection(Machine):
    TABLE = """ops.ssm_scan.cpu krait_op_tests tests/ops/ssm_scan.cpp
ops.ssm_scan.vulkan krait_op_tests tests/ops/ssm_scan.cpp
ops.mul_mat.cpu krait_op_tests tests/ops/mul_mat.cpp
unit.mapped_file krait_unit_tests tests/unit/mapped_file_test.cpp
models.session_chain krait_models_tests tests/models/session_chain_test.cpp
golden.placement.1 krait_golden_tests tests/golden/placement_test.cpp
golden.placement.2 krait_golden_tests tests/golden/placement_test.cpp
cuda.races krait_command,krait-cuda-host tools/test_ops.cpp
bench.plot - tests/bench/plot_test.py
"""

    def select(self, *names):
        script = f'source "{ROOT}/scripts/test_selection.sh"; select_tests "$@"; echo "${{entries[*]}}|${{targets[*]}}|$filter"'
        return bash(script, str(self.file("entries.txt", self.TABLE)), *names).strip()

    def test_names(self):
        for name, entries, targets in [
                ("ssm_scan", "ops.ssm_scan.cpu ops.ssm_scan.vulkan", "krait_op_tests"),
                ("session_chain", "models.session_chain", "krait_models_tests"),
                ("golden.placement", "golden.placement.1 golden.placement.2", "krait_golden_tests"),
                ("ops.mul_mat.cpu", "ops.mul_mat.cpu", "krait_op_tests"),
                ("races", "cuda.races", "krait-cuda-host krait_command"),
                ("bench", "bench.plot", ""),
                ("tests/models/session_chain_test.cpp", "models.session_chain", "krait_models_tests"),
                ("tests/ops/ssm_scan.cpp", "ops.ssm_scan.cpu ops.ssm_scan.vulkan", "krait_op_tests"),
                ("backends/cpu/ops/ssm_scan.cpp", "ops.ssm_scan.cpu", "krait_op_tests"),
                ("backends/vulkan/ops/ssm_scan.comp", "ops.ssm_scan.vulkan", "krait_op_tests"),
                ("backends/cpu/ops/mul_mat_float.cpp", "ops.mul_mat.cpu", "krait_op_tests"),
                ("core/ops/ssm_scan.hpp", "ops.ssm_scan.cpu ops.ssm_scan.vulkan", "krait_op_tests"),
                ("core/base/mapped_file.cpp", "unit.mapped_file", "krait_unit_tests"),
                ("models/session/session_chain.cpp", "models.session_chain", "krait_models_tests")]:
            with self.subTest(name):
                self.assertEqual(self.select(name), f"{entries}|{targets}|")
        self.assertEqual(self.select("ssm_scan", "session_chain"),
                         "models.session_chain ops.ssm_scan.cpu ops.ssm_scan.vulkan|krait_models_tests krait_op_tests|")

    def test_suites_and_tests_become_a_filter(self):
        for name in ["ChainTest", "GoldenDevice.TakesPart", "Kinds/GoldenDevice.TakesPart/vulkan0", "TakesPart"]:
            with self.subTest(name):
                entries, _, filter_ = self.select(name).split("|")
                self.assertTrue(entries.startswith("models.session_chain" if name == "ChainTest" else "golden.placement.1"))
                self.assertIn({"ChainTest": "*/ChainTest.*", "TakesPart": "*.TakesPart/*"}.get(name, name), filter_.split(":"))

    def test_unknown_names_are_refused_with_names_like_them(self):
        self.assertIn("names like it:\n    ssm_scan", self.select("ssm_scn"))
        self.assertIn("names like it:\n    ChainTest", self.select("ChanTest"))
        self.assertIn("--only qqqqqq: no operator, test, suite or file that tests know has this name", self.select("qqqqqq"))
        self.assertIn("one at a time", self.select("ChainTest", "ssm_scan"))


class Report(Machine):
    def test_what_was_not_tested_is_listed_by_reason(self):
        skipped = '<testcase name="a">\n<skipped message="x.cpp:3&#x0A;there is no &quot;thing&quot;&#x0A;more"><![CDATA[x]]></skipped>\n'
        self.file("tests/results/unit.one.xml", skipped * 2)
        self.file("tests/results/unit.two.xml", skipped)
        self.file("Testing/Temporary/LastTest.log", "3/9 Test: bench.plot\nOK (skipped=2)\n4/9 Test: unit.one\n")
        said = bash(f'source "{ROOT}/scripts/test_report.sh"; omitted=("CUDA (none here)"); print_untested "$1"', str(self.folder))
        self.assertIn("==> Not tested:\n    CUDA (none here)\n", said)
        self.assertIn('    3 tests: there is no "thing" (unit.one, unit.two)\n', said)
        self.assertIn("    2 of bench.plot; ctest -V -R bench.plot says why\n", said)
        self.assertIn("    bench/op_bench (", said)


if __name__ == "__main__":
    unittest.main()
