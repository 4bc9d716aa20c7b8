// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: the encoder of each format, for neighbouring blocks of a row. There are block_elems<Block> weights a
// block and as many numbers of importance, a usable one in every block, or importance is null; `out` has sizeof(Block) bytes a
// block, at any address. Contract and treatment of odd values: codec.hpp.
//
// Encoders are compiled for several instruction sets, with the same results (lanes.hpp).
#pragma once

#include <span>

#include "core/quant/blocks.hpp"
#include "core/quant/lanes.hpp"

namespace krait {

enum class InstructionSet { portable, avx2, avx512 };

// Does this processor have it?
bool has(InstructionSet set);

struct BlocksIn {
    const float* weights;
    const float* importance;
    int64_t count;
};

template <class Block>
void encode_blocks(InstructionSet set, const BlocksIn& in, unsigned char* out);
#define KRAIT_FORMAT(id, Name, elems, bytes) \
    template <>                              \
    void encode_blocks<Block##Name>(InstructionSet set, const BlocksIn& in, unsigned char* out);
#include "core/quant/formats.def"

// encode_row with the given instruction set, which the processor has.
void encode_row(InstructionSet set, DType dtype, std::span<const float> in, std::span<const float> importance, void* blocks);

// Encoder::encode<Isa>(in, out) as compiled for an instruction set.
#if defined(__x86_64__)
template <class Encoder>
KRAIT_AVX512 __attribute__((flatten)) void encode_avx512(const BlocksIn& in, unsigned char* out) {
    Encoder::template encode<Avx512>(in, out);
}
template <class Encoder>
KRAIT_AVX2 __attribute__((flatten)) void encode_avx2(const BlocksIn& in, unsigned char* out) {
    Encoder::template encode<Avx2>(in, out);
}
#endif
template <class Encoder>
void encode_with([[maybe_unused]] InstructionSet set, const BlocksIn& in, unsigned char* out) {
#if defined(__x86_64__)
    if (set == InstructionSet::avx512) return encode_avx512<Encoder>(in, out);
    if (set == InstructionSet::avx2) return encode_avx2<Encoder>(in, out);
#endif
    Encoder::template encode<Portable>(in, out);
}

}  // namespace krait
