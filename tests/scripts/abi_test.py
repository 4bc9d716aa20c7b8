#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/abi.py on a small library: what it calls compatible, what it refuses, and that the baseline of libkrait is of today's headers.

    python3 tests/scripts/abi_test.py
"""

import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEADER = """#ifndef SMALL_H
#define SMALL_H
#include <stddef.h>
#define KRAIT_API __attribute__((visibility("default")))
typedef enum small_kind { SMALL_ONE = 1, SMALL_TWO = 2 } small_kind;
typedef struct small_options {
    size_t struct_size; /* KRAIT_API int of_a_comment(void); */
    int first;
    small_kind kind;
    int last;
} small_options;
typedef struct small_pair {
    float a;
    int b;
} small_pair;
KRAIT_API int small_open(const small_options* options,
                         int (*progress)(void* user, int done));
KRAIT_API void small_close(int handle);
KRAIT_API small_pair* small_pairs(int handle);
#endif
"""
SOURCE = """#include "small/small.h"
int small_open(const small_options* options, int (*progress)(void* user, int done)) { return options && progress; }
void small_close(int handle) { (void)handle; }
small_pair* small_pairs(int handle) { (void)handle; return 0; }
"""
MISSING = [command for command in ("abidw", "abidiff", "cc", "nm", "readelf") if not shutil.which(command)]


@unittest.skipIf(MISSING, f"{', '.join(MISSING)} is not installed")
@unittest.skipIf(platform.machine() != "x86_64", "the baseline is of x86-64")
class Abi(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "small").mkdir()
        self.build()
        done = self.abi("write")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def build(self, header=HEADER, source=SOURCE, soname="libsmall.so.1"):
        (self.folder / "small/small.h").write_text(header)
        (self.folder / "small.c").write_text(source)
        subprocess.run(["cc", "-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{self.folder}", f"-Wl,-soname,{soname}",
                        str(self.folder / "small.c"), "-o", str(self.folder / "libsmall.so")], check=True)

    def abi(self, action):
        return subprocess.run([sys.executable, "-B", str(ROOT / "tools/abi.py"), action, "--library", str(self.folder / "libsmall.so"),
                               "--headers", str(self.folder / "small"), "--baseline", str(self.folder / "small.abi")],
                              capture_output=True, text=True, check=False)

    def changed(self, old, new):
        self.assertIn(old, HEADER)
        return HEADER.replace(old, new)

    def expect_refused(self, *words):
        done = self.abi("check")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for word in words + ("raise the minor version in CMakeLists.txt", "tools/abi.py write"):
            self.assertIn(word, done.stdout)

    def expect_added(self, *words):
        done = self.abi("check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for word in words + ("what was added is compatible",):
            self.assertIn(word, done.stdout)

    def test_the_same_is_compatible(self):
        done = self.abi("check")
        self.assertEqual((done.returncode, done.stdout), (0, "tools/abi.py: 3 functions, as in the baseline\n"), done.stderr)

    def test_what_is_written_is_the_same_each_time(self):
        baseline = self.folder / "small.abi"
        first = baseline.read_text()
        self.assertIn("path='interface.c'", first)
        self.abi("write")
        self.assertEqual(baseline.read_text(), first)

    def test_a_removed_function_is_refused(self):
        self.build(self.changed("KRAIT_API void small_close(int handle);\n", ""), SOURCE.replace("void small_close", "static void small_close"))
        self.expect_refused("1 Removed", "small_close")

    def test_another_parameter_is_refused(self):
        self.build(self.changed("void small_close(int handle)", "void small_close(long handle)"), SOURCE.replace("small_close(int", "small_close(long"))
        self.expect_refused("small_close", "parameter 1")

    def test_a_struct_that_is_changed_in_its_middle_is_refused(self):
        self.build(self.changed("    int first;\n", "    int before;\n    int first;\n"))
        self.expect_refused("small_options", "before")

    def test_a_field_of_another_type_is_refused(self):
        self.build(self.changed("    int first;\n", "    long first;\n"))
        self.expect_refused("small_options", "first")

    def test_a_struct_without_its_size_does_not_grow(self):
        self.build(self.changed("    int b;\n", "    int b;\n    int c;\n"))
        self.expect_refused("small_pair")

    def test_another_value_of_an_enumerator_is_refused(self):
        self.build(self.changed("SMALL_TWO = 2", "SMALL_TWO = 3"))
        self.expect_refused("SMALL_TWO")

    def test_another_soname_is_refused(self):
        self.build(soname="libsmall.so.2")
        self.expect_refused("SONAME")

    def test_functions_may_be_added(self):
        self.build(self.changed("#endif\n", "KRAIT_API int small_more(void);\n#endif\n"), SOURCE + "int small_more(void) { return 1; }\n")
        self.expect_added("small_more")

    def test_sized_structs_may_grow(self):
        self.build(self.changed("    int last;\n", "    int last;\n    double more;\n"))
        self.expect_added("more")
        # Not with something else that changes at the same time.
        self.build(self.changed("    int last;\n", "    int last;\n    double more;\n").replace("SMALL_TWO = 2", "SMALL_TWO = 3"))
        self.expect_refused("SMALL_TWO")

    def test_padding_is_no_place_for_a_field(self):
        self.build(self.changed("    int last;\n", "    int last;\n    int more;\n"))
        self.expect_refused("small_options", "more")

    def test_enumerators_may_be_added(self):
        self.build(self.changed("SMALL_TWO = 2", "SMALL_TWO = 2, SMALL_THREE = 3"))
        self.expect_added("SMALL_THREE")

    def test_the_library_exports_what_the_headers_declare(self):
        self.build(source=SOURCE.replace("void small_close(int handle) { (void)handle; }", "KRAIT_API int small_other(void) { return 1; }"))
        done = self.abi("check")
        self.assertEqual(done.returncode, 1)
        for sentence in ("lacks small_close, which a header declares", "exports small_other, which no header declares"):
            self.assertIn(sentence, done.stdout)

    def test_a_missing_baseline_is_told(self):
        (self.folder / "small.abi").unlink()
        done = self.abi("check")
        self.assertEqual(done.returncode, 2)
        self.assertIn("small.abi; tools/abi.py write makes it", done.stderr)

    def test_the_baseline_is_of_these_headers(self):
        done = subprocess.run([sys.executable, "-B", str(ROOT / "tools/abi.py"), "check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        baseline = (ROOT / "capi/libkrait.abi").read_text()
        version = re.search(r"project\(\w+ VERSION (\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertIn(f"soname='libkrait.so.{version}'", baseline)
        self.assertNotIn(str(ROOT), baseline)


if __name__ == "__main__":
    unittest.main()
