// SPDX-License-Identifier: Apache-2.0
#include "models/demo/demo_model.hpp"

// KRAIT_DEMO_MODEL_PATH: the file, as a string literal, from CMakeLists.txt. Aligned as a mapped file is.
__asm__(
    ".section .rodata\n"
    ".balign 4096\n"
    ".hidden krait_demo_model_begin\n"
    ".global krait_demo_model_begin\n"
    "krait_demo_model_begin:\n"
    ".incbin \"" KRAIT_DEMO_MODEL_PATH
    "\"\n"
    ".hidden krait_demo_model_end\n"
    ".global krait_demo_model_end\n"
    "krait_demo_model_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
extern const std::byte krait_demo_model_begin[];
extern const std::byte krait_demo_model_end[];
}

namespace krait {

std::span<const std::byte> demo_model_bytes() { return {krait_demo_model_begin, krait_demo_model_end}; }

}  // namespace krait
