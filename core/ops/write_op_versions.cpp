// SPDX-License-Identifier: Apache-2.0
//
// Part of the build: writes core/abi/op_versions.h, the hashes of core/ops/op_hash.hpp as constants for plugins in C, which
// cannot compute them from contracts in C++. A file that is right already is left alone, so that nothing is built again because
// of it.
//   krait_write_op_versions FILE
#include <fstream>
#include <iterator>

#include "core/ops/op_hash.hpp"

namespace {

std::string header() {
    std::string text = fmt::format(R"(/* SPDX-License-Identifier: Apache-2.0
 *
 * Written by the build from the contracts in core/ops and from core/quant/formats.def: what a plugin in C says that it was
 * built with (krait_backend).
 *   static const krait_op_version ops[] = {{KRAIT_OP_VERSIONS}};
 * KRAIT_MEMORY_USES is KRAIT_MEMORY_USE(operator, operand, layout) for each operand that is a memory: what the uses of
 * krait_memory_desc may be.
 */
#ifndef KRAIT_OP_VERSIONS_H
#define KRAIT_OP_VERSIONS_H

#include "core/abi/backend_abi.h"

#define KRAIT_FORMATS_HASH 0x{:016x}u

)",
                                   krait::formats_hash());
    for (const krait::OpSpec& spec : krait::kOps)
        text += fmt::format("#define KRAIT_OP_VERSION_{} {{{}u, 0x{:016x}u}}\n", spec.name, static_cast<uint32_t>(spec.id),
                            krait::op_hash(spec));
    text += "\n#define KRAIT_OP_VERSIONS";
    for (const krait::OpSpec& spec : krait::kOps)
        text += fmt::format("{} KRAIT_OP_VERSION_{}", &spec == krait::kOps ? "" : ",", spec.name);
    text += "\n\n#define KRAIT_MEMORY_USES";
    for (const krait::OpSpec& spec : krait::kOps)
        if (const int operand = krait::find_memory(spec.inputs); operand >= 0)
            text += fmt::format(" KRAIT_MEMORY_USE({}u, {}u, {})", static_cast<uint32_t>(spec.id), operand,
                                krait::find_state(spec.inputs) == operand ? "KRAIT_MEMORY_SLOTS" : "KRAIT_MEMORY_PAGES");
    return text + "\n\n#endif\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const std::string text = header();
    if (std::ifstream old(argv[1]); std::string(std::istreambuf_iterator<char>(old), {}) == text) return 0;
    std::ofstream file(argv[1]);
    file << text;
    return file.flush() ? 0 : 1;
}
