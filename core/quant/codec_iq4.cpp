// SPDX-License-Identifier: Apache-2.0
//
// Encoders of IQ4_NL and IQ4_XS: the searches of the other formats, over the codebook instead of whole numbers.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/quant/encode_single.hpp"
#include "core/quant/encode_super_block.hpp"
#include "core/quant/signed_scales.hpp"

namespace krait {

namespace {

// The nearest level changes from i to i + 1 at border(i); levels are whole numbers, so it is exact.
constexpr float border(int i) { return static_cast<float>(iq4_level(i) + iq4_level(i + 1)) * 0.5f; }

// The index of a level is found one bit after the other: after k bits, which make the number j, the next one is 1 from
// next[k][j] up. Tables have sixteen numbers for instructions that look up as many.
struct Tables {
    alignas(64) float next[4][16], level[16];
};
constexpr Tables kTables = [] {
    Tables tables{};
    for (int bits = 0; bits < 4; ++bits)
        for (int j = 0; j < 1 << bits; ++j) tables.next[bits][j] = border((2 * j + 1) * (8 >> bits) - 1);
    for (int i = 0; i < 16; ++i) tables.level[i] = static_cast<float>(iq4_level(i));
    return tables;
}();

// to[lane] = table[index[lane]], and in look_up_8 only the first eight numbers are asked for.
void look_up(const float (&table)[16], const Portable::Ints& index, Portable::Floats& to) {
    for (int lane = 0; lane < Portable::kLanes; ++lane) to[lane] = table[index[lane]];
}
void look_up_8(const float (&table)[16], const Portable::Ints& index, Portable::Floats& to) { look_up(table, index, to); }
// index = 2 * index + (t >= from)
void append_bit(const Portable::Floats& t, const Portable::Floats& from, Portable::Ints& index) {
    index = index + index - (t >= from);
}
#if defined(__x86_64__)
KRAIT_AVX2 inline void look_up_8(const float (&table)[16], const Avx2::Ints& index, Avx2::Floats& to) {
    to = _mm256_permutevar8x32_ps(_mm256_load_ps(table), reinterpret_cast<const __m256i&>(index));
}
KRAIT_AVX2 inline void look_up(const float (&table)[16], const Avx2::Ints& index, Avx2::Floats& to) {
    const auto& lanes = reinterpret_cast<const __m256i&>(index);
    const __m256 low = _mm256_permutevar8x32_ps(_mm256_load_ps(table), lanes);
    const __m256 high = _mm256_permutevar8x32_ps(_mm256_load_ps(table + 8), lanes);
    to = _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(lanes, 28)));  // by bit 3 of the index
}
KRAIT_AVX2 inline void append_bit(const Avx2::Floats& t, const Avx2::Floats& from, Avx2::Ints& index) {
    index = index + index - (t >= from);
}
KRAIT_AVX512 inline void look_up(const float (&table)[16], const Avx512::Ints& index, Avx512::Floats& to) {
    to = _mm512_maskz_permutexvar_ps(0xFFFF, reinterpret_cast<const __m512i&>(index), _mm512_load_ps(table));
}
KRAIT_AVX512 inline void look_up_8(const float (&table)[16], const Avx512::Ints& index, Avx512::Floats& to) {
    look_up(table, index, to);
}
KRAIT_AVX512 inline void append_bit(const Avx512::Floats& t, const Avx512::Floats& from, Avx512::Ints& index) {
    const Avx512::Ints twice = index + index, next = twice + 1;
    index = t >= from ? next : twice;
}
#endif

struct Iq4Grid {
    static constexpr float kLowest = -127.0f;
    static constexpr float kHighest = 113.0f;

    template <class Floats, class Ints>
    static void index(const Floats& t, Ints& to) {
        to = Ints{};
        for (const auto& table : kTables.next) {
            Floats from;
            look_up_8(table, to, from);
            append_bit(t, from, to);
        }
    }
    template <class Isa>
    static void snap(typename Isa::Floats& t) {
        typename Isa::Ints to;
        index(t, to);
        look_up(kTables.level, to, t);
    }
};

}  // namespace

template <>
void encode_blocks<BlockIQ4_NL>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_with<SingleScaleEncoder<BlockIQ4_NL, Iq4Grid>>(set, in, out);
}
template <>
void encode_blocks<BlockIQ4_XS>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_with<SuperBlockEncoder<BlockIQ4_XS, SignedScales<Iq4Grid, 8, -32, 31>>>(set, in, out);
}

}  // namespace krait
