// SPDX-License-Identifier: Apache-2.0
//
// Host and plugin must agree on operators and weight formats beyond the ABI itself. These are the numbers that the
// loader compares (core/runtime/plugin.cpp): one hash for each operator and one for the list of weight formats. FNV-1a, 64
// bits.
//   op_hash        name, id, size of the parameters, revision, and the operands: names, kinds, meanings of indices, which are
//                  optional
//   formats_hash   core/quant/formats.def: names, ids, sizes of blocks
// core/abi/op_versions.h has them as constants for plugins in C; the build writes it.
#pragma once

#include "core/abi/backend_abi.h"
#include "core/ops/op_list.hpp"

namespace krait {

class Fnv1a {
  public:
    constexpr Fnv1a& add(const char* text) {  // with its end, so that "a", "bc" is not "ab", "c"
        do mix(static_cast<uint8_t>(*text));
        while (*text++ != '\0');
        return *this;
    }
    constexpr Fnv1a& add(uint64_t number) {
        for (int shift = 0; shift < 64; shift += 8) mix(static_cast<uint8_t>(number >> shift));
        return *this;
    }
    constexpr Fnv1a& add(std::span<const OperandSpec> operands) {
        add(operands.size());
        for (const OperandSpec& operand : operands)
            add(operand.name)
                .add(static_cast<uint64_t>(operand.kind))
                .add(static_cast<uint64_t>(operand.index))
                .add(operand.of)
                .add(static_cast<uint64_t>(operand.optional));
        return *this;
    }
    constexpr uint64_t value() const { return hash_; }

  private:
    constexpr void mix(uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3u; }
    uint64_t hash_ = 0xcbf29ce484222325u;
};

constexpr uint64_t op_hash(const OpSpec& spec) {
    return Fnv1a()
        .add(spec.name)
        .add(static_cast<uint64_t>(spec.id))
        .add(static_cast<uint64_t>(spec.params_size))
        .add(static_cast<uint64_t>(spec.revision))
        .add(spec.inputs)
        .add(spec.outputs)
        .value();
}

constexpr uint64_t formats_hash() {
    Fnv1a hash;
#define KRAIT_FORMAT(id, Name, block_elems, block_bytes) \
    hash.add(#Name).add(uint64_t{id}).add(uint64_t{block_elems}).add(uint64_t{block_bytes});
#define KRAIT_INDEX_TYPE(id, Name, bytes) KRAIT_FORMAT(id, Name, 1, bytes)
#include "core/quant/formats.def"
    return hash.value();
}

// The hashes that a plugin of this tree exports: those of all operators that there were when it was built.
inline constexpr std::array<krait_op_version, kOpCount> kOpVersions = [] {
    std::array<krait_op_version, kOpCount> versions{};
    for (size_t i = 0; i < kOpCount; ++i) versions[i] = {static_cast<uint32_t>(i), op_hash(kOps[i])};
    return versions;
}();

}  // namespace krait
