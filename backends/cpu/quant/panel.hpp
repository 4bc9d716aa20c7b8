// SPDX-License-Identifier: Apache-2.0
//
// The packed layout of quantized weights: kPanelRows rows of w side by side, so that a register holds the same four elements
// of several rows, four bytes a row, as integer dot products want them. No sum over lanes is ever needed.
//   group     kPanelRows rows: quants, [blocks][words][kPanelRows] words of 4 bytes, then [blocks] of Panel<F>::Scales
//   quants    word i of a row's block is the i-th 4 bytes of its packed quants, bits as in the file (what a format does
//             otherwise it says): packing is a transposition of words, and unpacking shifts and masks whole registers
//   scales    the file's f16 numbers by row, and the small integers of K-formats unpacked to bytes
// get() restores a block of the file bit for bit, so a table that get_rows reads too needs no second copy.
//
// Panel<F>, one for each format (panels_32.hpp, panels_256.hpp):
//   Block, Scales, kFacts
//   set(block, lane, quants, scales), get(lane, quants, scales)      one row's block into its lane, and back
//   quants<kGroup>(quants, unit)   unsigned bytes, elements 32 unit + 4 kGroup .. + 3 of kLanes rows
//   scale(scales, row, unit, half), low(...)                         of rows row .. row + kLanes
// value of element k = scale * (quant - kFacts.offset) - low, for the half k % 32 / 16 of unit k / 32 (of the unit where it
// has one scale only).
#pragma once

#include <cstdint>
#include <cstring>

#include "backends/cpu/simd/vec.hpp"
#include "core/tensor/dtype.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kPanelRows = 16;  // the widest register has 16 lanes of 4 bytes
inline constexpr int kUnit = 32;       // elements that share one scale of the activations; every format's block is whole units
inline constexpr int kUnitGroups = kUnit / 4;
static_assert(kPanelRows % kLanes == 0);

struct PanelFacts {
    int words;   // of a row's block
    int max;     // largest unsigned quant
    int offset;  // what stands for 0
    int halves;  // scales of a unit: 1, or 2 of 16 elements each
    bool low;    // values have a minimum, which is taken off

    // Products are taken of quants minus this; where values have a minimum, what that leaves (low - scale * centre) multiplies
    // the exact sum of x. So the rounding of x acts on the weights' distance from the middle of their range, not from 0.
    constexpr int centre() const { return low ? (max + 1) / 2 : offset; }
    // The same for dot(), which may take something off each byte by itself (vec.hpp).
    constexpr int offset_of_dot() const { return max > 127 ? centre() - (128 - kByteBias) : centre(); }
};

template <DType F>
struct Panel;

// `count` words of a row into its lane, and back.
inline void scatter_words(const void* from, int count, uint32_t* lane) {
    for (int i = 0; i < count; ++i) std::memcpy(lane + i * kPanelRows, static_cast<const uint8_t*>(from) + 4 * i, 4);
}
inline void gather_words(const uint32_t* lane, int count, void* to) {
    for (int i = 0; i < count; ++i) std::memcpy(static_cast<uint8_t*>(to) + 4 * i, lane + i * kPanelRows, 4);
}

inline IVec load_word(const uint32_t* quants, int word) { return load_words(quants + word * kPanelRows); }
inline IVec bytes_of(uint8_t byte) { return broadcast_i(byte * 0x01010101); }

// kWidth bits of every byte from bit `shift` up.
template <int kWidth>
inline IVec bits_of_bytes(IVec bytes, int shift) {
    return shr(bytes, shift) & bytes_of((1 << kWidth) - 1);
}

// Calls body.operator()<F>() for a quantized format.
template <class Body>
inline void with_quantized(DType dtype, Body&& body) {
    switch (dtype) {
// clang-format off
#define KRAIT_FORMAT(id, Name, block_elems, block_bytes) \
        case DType::Name: if constexpr (is_quantized(DType::Name)) body.template operator()<DType::Name>(); return;
#include "core/quant/formats.def"
        // clang-format on
        case DType::I32: return;
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
