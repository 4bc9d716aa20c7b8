// SPDX-License-Identifier: Apache-2.0
//
// The packed layout of quantized weights: kPanelRows rows of w side by side, so that a register holds the same four elements
// of several rows, four bytes a row, as integer dot products want them. No sum over lanes is ever needed.
//   group    kPanelRows rows: cells, one after another along K
//   cell     one block of each row, or two where a block is one unit: all scales, then the quants as [words][kPanelRows] words
//            of 4 bytes. A row's part of word i is some 4 bytes of its quants in the file, bits as they are (what a format does
//            otherwise it says): packing is a transposition of words, and unpacking shifts and masks whole registers
//   order    everything lies in the order in which it is read: memory delivers one stream at twice the rate of several short
//            ones
//   scales   the file's f16 numbers by row, and the small integers of K-formats unpacked to bytes
// get() restores a block of the file bit for bit, so a table that get_rows reads too needs no second copy.
//
// Panel<F>, one for each format (panels_32.hpp, panels_256.hpp):
//   Block, Cell, kFacts, kBlocks (of a cell)
//   set(rows, index, cell)                                    the index-th block of a cell, of all rows
//   get(index, lane, cell)                                    one row's, back
//   quants<kGroup>(cell, unit, row)                           unsigned bytes, elements 32 unit + 4 kGroup .. + 3 of rows row ..
//   scale(cell, unit, half, row), low(...)                    of rows row .. row + kLanes
// value of element k = scale * (quant - kFacts.offset) - low, for the half k % 32 / 16 of unit k / 32 of the cell (of the unit
// where it has one scale only).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backends/cpu/quant/transpose.hpp"
#include "backends/cpu/simd/vec.hpp"
#include "core/tensor/dtype.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kPanelRows = 16;  // the widest register has 16 lanes of 4 bytes
inline constexpr int kUnit = 32;       // elements that share one scale of the activations; every format's block is whole units
inline constexpr int kUnitGroups = kUnit / 4;
static_assert(kPanelRows % kLanes == 0);

struct PanelFacts {
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

// The same block of each row of a group, where the file has it: at any address.
struct BlockRows {
    const std::byte* row[kPanelRows];

    // The number at `offset` of each block.
    template <class T>
    void scatter(size_t offset, T (&to)[kPanelRows]) const {
        for (int lane = 0; lane < kPanelRows; ++lane) std::memcpy(&to[lane], row[lane] + offset, sizeof(T));
    }
    // Sixteen bytes of each block, byte i of all rows at to(i).
    template <class Bytes, class To>
    void scatter_bytes(Bytes&& bytes, To&& to) const {
        SixteenBytes rows[kPanelRows];
        for (int lane = 0; lane < kPanelRows; ++lane) rows[lane] = bytes(row[lane]);
        transpose_bytes(rows);
        for (int i = 0; i < 16; ++i) store_16(to(i), rows[i]);
    }
};

template <class ScalesOfCell, int kWords>
struct alignas(64) PanelCell {
    ScalesOfCell scales;
    alignas(64) uint32_t quants[kWords][kPanelRows];

    // `count` (a multiple of four) words of all rows from word `first` on, with the bits of `flip` inverted; and one row's
    // back.
    void scatter(const BlockRows& rows, size_t offset, int count, int first, uint32_t flip = 0) {
        for (int i = 0; i < count; i += 4)
            for (int lane = 0; lane < kPanelRows; lane += 4) {
                FourWords words[4];
                for (int j = 0; j < 4; ++j) words[j] = load_16<FourWords>(rows.row[lane + j] + offset + 4 * i) ^ flip;
                transpose_words(words);
                for (int j = 0; j < 4; ++j) store_16(&quants[first + i + j][lane], words[j]);
            }
    }
    void gather(int first, int count, int lane, void* to) const {
        for (int i = 0; i < count; ++i) std::memcpy(static_cast<uint8_t*>(to) + 4 * i, &quants[first + i][lane], 4);
    }
    IVec word(int index, int row) const { return load_words(quants[index] + row); }
};

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
