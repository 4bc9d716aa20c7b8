#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that tools/check finds what it is there to find: a small sound tree, and one thing wrong with it at a time.

    python3 tests/checks/check_test.py
"""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import op_support  # noqa: E402
from checks import api_only, documents, heads, layering, layout, operators, python_declarations, walks, words, wrapped  # noqa: E402
from checks.tree import Tree  # noqa: E402

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
HEADER = LICENCE + "//\n// What this is for.\n#pragma once\n"

SOUND = {
    "CMakePresets.json": '{"configurePresets": [{"name": "base", "hidden": true}, {"name": "release"}]}\n',
    "README.md": "# Krait\n\nSee [how it is built](docs/build.md#second-step) and `core/base/result.hpp`.\n",
    "docs/build.md": "# Build\n\n## Second step\n\n`cmake --preset release`, then look into build/release/bin.\n",
    "core/base/result.hpp": HEADER,
    "core/ops/op_list.def": LICENCE + "//\n// Every operator, one line.\nKRAIT_OP(0, scale, Scale, 8)\n",
    "core/ops/scale.hpp": LICENCE + "//\n// scale: y = x * scale. Nothing else.\n//   x f32 [T, E] -> y f32 [T, E]\n#pragma once\n",
    "core/quant/formats.def": LICENCE + "//\n// Every format, one line.\nKRAIT_FORMAT(0, F32, 1, 4)\nKRAIT_FORMAT(8, Q8_0, 32, 34)\n",
    "core/quant/q8_0.hpp": HEADER,
    "backends/common/plugin_shim.hpp": HEADER + '#include "core/base/result.hpp"\n',
    "backends/cpu/CMakeLists.txt": "target_link_libraries(krait-cpu PRIVATE krait_base)\n",
    "backends/cpu/ops/scale.cpp": LICENCE + '#include "backends/common/plugin_shim.hpp"\n#include "core/ops/scale.hpp"\n',
    "backends/cpu/reference/ops/scale.cpp": LICENCE,
    "tests/ops/scale.cpp": LICENCE,
    "graph/graph.hpp": HEADER + '#include "core/base/result.hpp"\n',
    "include/krait/krait.h": "/* SPDX-License-Identifier: Apache-2.0\n *\n * The C API of Krait.\n */\n#ifndef KRAIT_H\n#define KRAIT_H\n#endif\n",
    "examples/host.c": LICENCE + "#include <krait/krait.h>\n",
}


class CheckTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for path, text in SOUND.items():
            self.write(path, text)
        op_support.write(self.root)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def expect(self, module, *wanted: str) -> None:
        """One finding for each of wanted, which holds its words."""
        findings = [str(f) for f in module.check(Tree(self.root))]
        self.assertEqual(len(findings), len(wanted), findings)
        for words_, finding in zip(wanted, sorted(findings)):
            self.assertIn(words_, finding)

    def test_a_sound_tree_has_no_findings(self) -> None:
        for module in (layering, api_only, heads, operators, documents, walks, words, wrapped):
            with self.subTest(module.__name__):
                self.expect(module)

    def test_lower_layer_includes_higher(self) -> None:
        self.write("graph/graph.hpp", HEADER)
        self.write("core/base/result.hpp", HEADER + '#include "graph/graph.hpp"\n')
        self.expect(layering, "core/base/result.hpp:5: core includes graph/graph.hpp")

    def test_command_on_the_api_includes_the_library(self) -> None:
        self.write("tools/commands/run.cpp", LICENCE + '#include <krait/krait.h>\n#include "core/base/result.hpp"\n')
        self.expect(api_only, "tools/commands/run.cpp:3: includes core/base/result.hpp, and a command that stands on")

    def test_header_of_a_command_on_the_api_includes_the_library(self) -> None:
        self.write("tools/commands/run.cpp", LICENCE + '#include "tools/bar.hpp"\n')
        self.write("tools/bar.hpp", HEADER + '#include "tools/line.hpp"\n')
        self.write("tools/line.hpp", HEADER + '#include "graph/graph.hpp"\n')
        self.expect(api_only, "tools/line.hpp:5: includes graph/graph.hpp")

    def test_source_beside_such_a_header_may_include_core_alone(self) -> None:
        self.write("tools/commands/run.cpp", LICENCE + '#include "tools/bar.hpp"\n')
        self.write("tools/bar.hpp", HEADER)
        self.write("tools/bar.cpp", LICENCE + '#include "core/base/result.hpp"\n#include "graph/graph.hpp"\n')
        self.expect(api_only, "tools/bar.cpp:3: includes graph/graph.hpp")

    def test_command_of_the_list_is_missing(self) -> None:
        self.write("tools/krait.cpp", LICENCE)
        self.expect(api_only, *(f"{command}:1: is a command that does not exist" for command in sorted(api_only.COMMANDS)))

    def test_bench_command_reaches_the_library(self) -> None:
        self.write("tools/commands/bench.cpp", LICENCE + '#include "bench/report.hpp"\n#include "tools/bar.hpp"\n')
        self.write("bench/report.hpp", HEADER + '#include <krait/krait.h>\n#include "bench/serving.hpp"\n#include "core/base/result.hpp"\n')
        self.write("bench/serving.hpp", HEADER + '#include "graph/graph.hpp"\n')
        self.write("bench/serving.cpp", LICENCE + '#include "models/model.hpp"\n')
        self.write("bench/other.cpp", LICENCE + '#include "models/model.hpp"\n')  # nothing that the command includes
        self.write("tools/bar.hpp", HEADER + '#include "core/base/result.hpp"\n')
        self.expect(api_only, "bench/serving.cpp:2: includes models/model.hpp", "bench/serving.hpp:5: includes graph/graph.hpp",
                    "tools/bar.hpp:5: includes core/base/result.hpp")

    def test_source_without_a_header_is_reached_too(self) -> None:
        self.write("tools/commands/bench.cpp", LICENCE + '#include "bench/report.hpp"\n')
        self.write("bench/report.hpp", HEADER)
        self.write("bench/report_json.cpp", LICENCE + '#include "bench/report.hpp"\n#include "graph/graph.hpp"\n')
        self.expect(api_only, "bench/report_json.cpp:3: includes graph/graph.hpp")

    def test_function_of_the_c_api_without_a_wrapper(self) -> None:
        self.write("include/krait/model.h", SOUND["include/krait/krait.h"] +
                   "KRAIT_API const char*\nkrait_model_name(int);\nKRAIT_API int krait_model_size(int);\n")
        self.write("include/krait/model.hpp", HEADER + "// krait_model_name\ninline int size() { return krait_model_size(1); }\n")
        self.expect(wrapped, "include/krait/model.h:9: krait_model_name has no counterpart")

    def test_declarations_of_python_are_those_of_the_headers(self) -> None:
        header = ("/* SPDX-License-Identifier: Apache-2.0 */\ntypedef enum krait_kind { KRAIT_KIND_A = 0, KRAIT_KIND_B = 1 } krait_kind;\n"
                  "typedef struct krait_options {\n    size_t struct_size;\n    const char* name;\n    int32_t count;\n} krait_options;\n"
                  "#define KRAIT_OPTIONS_INIT \\\n    { sizeof(krait_options), NULL, 7 }\n"
                  "KRAIT_API int krait_use(const krait_options* options, krait_kind kind);\n")
        self.write("include/krait/use.h", header)
        self.write(python_declarations.FOLDER + "sized.py", "")
        names = [python_declarations.FOLDER + name for name in ("enums.py", "functions.py", "structs.py")]
        self.expect(python_declarations, *(f"{name}:1: is not what the headers say" for name in names))
        python_declarations.fix(Tree(self.root))
        self.expect(python_declarations)
        self.assertIn('_defaults_ = {"count": 7}', (self.root / names[2]).read_text())
        self.write("include/krait/use.h", header.replace("NULL, 7", "NULL, 8"))
        self.expect(python_declarations, f"{names[2]}:1: is not what the headers say")

    def test_backend_includes_graph(self) -> None:
        self.write("backends/cpu/ops/scale.cpp", LICENCE + '#include "graph/graph.hpp"\n')
        self.expect(layering, "backends/cpu/ops/scale.cpp:2: backends/cpu includes graph/graph.hpp")

    def test_backend_includes_another(self) -> None:
        self.write("backends/null/null.c", LICENCE + '#include "backends/cpu/cpu.hpp"\n')
        self.write("backends/cpu/cpu.hpp", HEADER)
        self.expect(layering, "backends/null includes backends/cpu/cpu.hpp")

    def test_oracle_includes_what_it_judges(self) -> None:
        self.write("backends/cpu/simd.hpp", HEADER)
        self.write("backends/cpu/reference/ops/scale.cpp", LICENCE + '#include "backends/cpu/simd.hpp"\n')
        self.expect(layering, "backends/cpu/reference includes backends/cpu/simd.hpp")

    def test_library_includes_tests(self) -> None:
        self.write("tests/harness/case.hpp", HEADER)
        self.write("graph/graph.hpp", HEADER + '#include "tests/harness/case.hpp"\n')
        self.expect(layering, "graph includes tests/harness/case.hpp")

    def test_example_includes_more_than_the_public_headers(self) -> None:
        self.write("examples/host.c", LICENCE + '#include "core/base/result.hpp"\n')
        self.expect(layering, "examples includes core/base/result.hpp")

    def test_include_of_nothing(self) -> None:
        self.write("graph/graph.hpp", HEADER + '#include "result.hpp"\n')
        self.expect(layering, "includes 'result.hpp', which does not exist")

    def test_folder_of_models_includes_one_above_it(self) -> None:
        self.write("models/session/session.hpp", HEADER)
        self.write("models/placement/placement.hpp", HEADER + '#include "models/session/session.hpp"\n')
        self.expect(layering, "models/placement includes models/session/session.hpp")

    def test_only_files_of_the_folder_itself(self) -> None:
        self.write("models/model.hpp", HEADER)
        self.write("models/random/random_model.hpp", HEADER)
        self.write("models/session/session.hpp", HEADER + '#include "models/model.hpp"\n#include "models/random/random_model.hpp"\n')
        self.expect(layering, "models/session includes models/random/random_model.hpp")

    def test_headers_in_a_circle(self) -> None:
        self.write("core/base/a.hpp", HEADER + '#include "core/base/b.hpp"\n')
        self.write("core/base/b.hpp", HEADER + '#include "core/base/c.hpp"\n')
        self.write("core/base/c.hpp", HEADER + '#include "core/base/a.hpp"\n')
        self.expect(layering, "core/base/a.hpp:1: includes itself through core/base/b.hpp, core/base/c.hpp")

    def test_units_of_models_in_a_circle(self) -> None:
        self.write("models/placement/a.hpp", HEADER)
        self.write("models/placement/a.cpp", LICENCE + '#include "models/placement/b.hpp"\n')
        self.write("models/placement/b.hpp", HEADER + '#include "models/placement/a.hpp"\n')
        self.expect(layering, "models/placement/a.cpp:1: includes itself through models/placement/b")

    def test_plugin_links_the_library(self) -> None:
        self.write("backends/cpu/CMakeLists.txt", "# target_link_libraries(a krait_graph)\n\ntarget_link_libraries(krait-cpu PRIVATE krait_graph)\n")
        self.expect(layering, "backends/cpu/CMakeLists.txt:3: a plugin links krait_graph")

    def test_header_without_head(self) -> None:
        self.write("core/base/result.hpp", LICENCE + "#pragma once\n")
        self.expect(heads, "core/base/result.hpp:2: does not say what it is for")

    def test_header_without_guard(self) -> None:
        self.write("core/base/result.hpp", HEADER.replace("#pragma once\n", ""))
        self.expect(heads, "can be read twice")

    def test_no_licence(self) -> None:
        self.write("tests/ops/scale.cpp", "int x;\n")
        self.expect(heads, "tests/ops/scale.cpp:1: does not begin with its licence")

    def test_long_file(self) -> None:
        self.write("tests/ops/scale.cpp", LICENCE + "int f();\n" * 500)
        self.expect(heads, "has 501 lines")

    def test_op_without_oracle(self) -> None:
        (self.root / "backends/cpu/reference/ops/scale.cpp").unlink()
        self.expect(operators, "core/ops/op_list.def:4: the op 'scale' has no backends/cpu/reference/ops/scale.cpp", "docs/op-support.md:1")

    def test_format_without_header(self) -> None:
        (self.root / "core/quant/q8_0.hpp").unlink()
        self.expect(operators, "the format 'q8_0' has no core/quant/q8_0.hpp")

    def test_old_op_support(self) -> None:
        self.write("backends/cuda/ops/scale.cu", LICENCE)
        self.expect(operators, "docs/op-support.md:1: is not what the code says")
        operators.fix(Tree(self.root))
        self.expect(operators)
        self.assertIn("| cpu | cuda | reference |", (self.root / "docs/op-support.md").read_text(encoding="utf-8"))

    def test_broken_link(self) -> None:
        self.write("docs/build.md", "[a](../README.md) [b](README.md) [c](../README.md#nothing)\n")
        self.write("README.md", "# Krait\n")
        self.expect(documents, "docs/build.md:1: links to ../README.md#nothing", "docs/build.md:1: links to README.md")

    def test_path_in_a_sentence(self) -> None:
        self.write("README.md", "`core/base/gone.hpp` and `core/ops/<op>.hpp`\n\n```\n`core/base/example.hpp`\n```\n")
        self.expect(documents, "README.md:1: speaks of `core/base/gone.hpp`")

    def test_paths_of_declared_examples(self) -> None:
        self.write("docs/build.md", "<!-- examples: clamp -->\n## Second step\n`core/ops/clamp.hpp` `backends/clamp/any.cpp` `core/ops/clip.hpp`\n")
        self.expect(documents, "docs/build.md:3: speaks of `core/ops/clip.hpp`")

    def write_walk(self, *stops: tuple[str, str]) -> None:
        rows = "".join(f"| {i} | `{file}` | `{function}` | |\n" for i, (file, function) in enumerate(stops, 1))
        self.write("docs/architecture.md", "# A\n\n| stop | file | function | what it does |\n|---|---|---|---|\n" + rows)

    def test_walk_to_a_function_that_moved(self) -> None:
        self.write("graph/run.cpp", LICENCE + "void run() { submit(); }\nvoid rerun() {}\n")
        self.write_walk(("graph/run.cpp", "run"), ("graph/gone.cpp", "run"), ("graph/run.cpp", "rerun"), ("graph/run.cpp", "sub"))
        self.expect(walks, "docs/architecture.md:6: names graph/gone.cpp", "docs/architecture.md:8: names sub, which is not in")
        self.write("docs/architecture.md", self.root.joinpath("docs/architecture.md").read_text().replace("| 3 |", "| 4 |"))
        self.expect(walks, "gone.cpp", "docs/architecture.md:7: is stop 4 of a walk, and the 3.", "sub")

    def test_walk_that_is_too_long(self) -> None:
        for i in range(17):
            self.write(f"graph/run{i}.cpp", LICENCE + "void run() {}\n")
        self.write_walk(*((f"graph/run{i % 16}.cpp", "run") for i in range(25)))
        self.expect(walks)
        self.write_walk(*((f"graph/run{i % 16}.cpp", "run") for i in range(26)))
        self.expect(walks, "docs/architecture.md:3: has 26 stops in 16 files")
        self.write_walk(*((f"graph/run{i}.cpp", "run") for i in range(17)))
        self.expect(walks, "has 17 stops in 17 files")

    def test_preset_that_is_not_there(self) -> None:
        self.write("scripts/test.sh", "cmake --preset fast\n")
        self.expect(documents, "scripts/test.sh:1: speaks of the preset 'fast'")

    def test_words(self) -> None:
        self.write("docs/build.md", "TO" + "DO\n/ho" + "me/me/krait\nbuild/wo" + "rk/x ../ro" + "ot/y\n\tx\nblank \nend")
        self.expect(words, "docs/build.md:1: holds 'TO", "docs/build.md:2: holds a path of one machine", "docs/build.md:4: holds a tab",
                    "docs/build.md:5: has blanks", "docs/build.md:6: does not end with a newline")

    @unittest.skipIf(layout.find_program() is None, f"there is no clang-format {layout.VERSION}")
    def test_layout(self) -> None:
        self.write(".clang-format", "BasedOnStyle: Google\nSortIncludes: Never\n")
        self.write("tests/ops/scale.cpp", LICENCE + "int  f( );\n")
        self.expect(layout, "tests/ops/scale.cpp:2: is laid out otherwise")
        layout.fix(Tree(self.root))
        self.expect(layout)

    def test_long_lines(self) -> None:
        longest = "// " + "ö" * (layout.COLUMNS - 3)
        self.write("graph/graph.hpp", HEADER + f"{longest}\n{longest}x\n")
        self.write("core/ops/op_list.def", LICENCE + f"{longest}xy\n")
        self.write(next(iter(layout.LONG_LINES)), LICENCE + f"{longest}x\n")
        self.assertEqual([f"{f.file}:{f.line}: {f.what}" for f in layout.check_columns(Tree(self.root))],
                         ["graph/graph.hpp:6: has 129 columns", "core/ops/op_list.def:2: has 130 columns"][::-1])


if __name__ == "__main__":
    unittest.main()
