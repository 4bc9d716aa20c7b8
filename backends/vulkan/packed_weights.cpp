// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/packed_weights.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/quant/blocks.hpp"

namespace krait::vulkan {
namespace {

constexpr uint32_t kPanelRows = KRAIT_PANEL_ROWS;
constexpr int kUnit = KRAIT_UNIT;

template <class Block>
inline constexpr bool kIsCodebook = std::is_same_v<Block, BlockIQ4_NL> || std::is_same_v<Block, BlockIQ4_XS>;
template <class Block>
inline constexpr bool kHasSupers = block_elems<Block> == 256;
template <class Block>
inline constexpr bool kHasMinima = requires(Block b) {
    b.m;
}
|| requires(Block b) { b.dmin; };

// Low bits, high bits and offset of the stored integers: value_at's q plus offset has low + high bits.
struct Bits {
    uint32_t low, high, offset;
};
template <class Block>
constexpr Bits bits_of() {
    if constexpr (std::is_same_v<Block, BlockF32>) return {32, 0, 0};
    if constexpr (std::is_same_v<Block, BlockF16> || std::is_same_v<Block, BlockBF16>) return {16, 0, 0};
    if constexpr (std::is_same_v<Block, BlockQ8_0>) return {8, 0, 128};
    if constexpr (std::is_same_v<Block, BlockQ4_0>) return {4, 0, 8};
    if constexpr (std::is_same_v<Block, BlockQ4_1>) return {4, 0, 0};
    if constexpr (std::is_same_v<Block, BlockQ5_0>) return {4, 1, 16};
    if constexpr (std::is_same_v<Block, BlockQ5_1>) return {4, 1, 0};
    if constexpr (std::is_same_v<Block, BlockQ2_K>) return {2, 0, 0};
    if constexpr (std::is_same_v<Block, BlockQ3_K>) return {2, 1, 4};
    if constexpr (std::is_same_v<Block, BlockQ4_K>) return {4, 0, 0};
    if constexpr (std::is_same_v<Block, BlockQ5_K>) return {4, 1, 0};
    if constexpr (std::is_same_v<Block, BlockQ6_K>) return {4, 2, 32};
    if constexpr (kIsCodebook<Block>) return {4, 0, 0};
}

// Whether scales belong to 16 columns, not to 32 or more.
template <class Block>
inline constexpr bool kHalves =
    std::is_same_v<Block, BlockQ2_K> || std::is_same_v<Block, BlockQ3_K> || std::is_same_v<Block, BlockQ6_K>;

template <class Block>
constexpr uint32_t code_of() {
    if constexpr (std::is_same_v<Block, BlockF32>) return KRAIT_FLOATS;
    if constexpr (std::is_same_v<Block, BlockF16>) return KRAIT_HALVES;
    if constexpr (std::is_same_v<Block, BlockBF16>) return KRAIT_BFLOATS;
    return KRAIT_INTEGERS;
}

template <class Block>
constexpr uint32_t packing() {
    constexpr Bits bits = bits_of<Block>();
    return KRAIT_PACKING(code_of<Block>(), bits.low, bits.high, bits.offset, uint32_t{kIsCodebook<Block>},
                         uint32_t{kHalves<Block>}, uint32_t{kHasSupers<Block>}, uint32_t{kHasMinima<Block>});
}

// The stored bits of weight i: its quant without offset, or the index in the codebook.
template <class Block>
uint32_t stored_at(const Block& block, int i) {
    if constexpr (std::is_same_v<Block, BlockIQ4_NL>) {
        return static_cast<uint32_t>(byte_bits(block.qs[i % 16], i / 16 * 4, 4));
    } else if constexpr (std::is_same_v<Block, BlockIQ4_XS>) {
        return static_cast<uint32_t>(byte_bits(block.qs[i / 32 * 16 + i % 16], i % 32 / 16 * 4, 4));
    } else {
        return static_cast<uint32_t>(quant_at(block, i) + static_cast<int>(bits_of<Block>().offset));
    }
}

// The scales of unit `unit` of a block: a half word, or d and m.
template <class Block>
uint32_t scales_of(const Block& block, int unit) {
    const auto byte = [](int v) { return static_cast<uint32_t>(v) & 0xffu; };
    if constexpr (!kHasSupers<Block>) {
        if constexpr (kHasMinima<Block>) return block.d | static_cast<uint32_t>(block.m) << 16;
        else return block.d;
    } else if constexpr (kHalves<Block>) {
        const uint32_t first = byte(scale_at(block, 2 * unit)), second = byte(scale_at(block, 2 * unit + 1));
        if constexpr (kHasMinima<Block>)
            return first | second << 4 | byte(min_at(block, 2 * unit)) << 8 | byte(min_at(block, 2 * unit + 1)) << 12;
        else return first | second << 8;
    } else {
        if constexpr (kHasMinima<Block>) return byte(scale_at(block, unit)) | byte(min_at(block, unit)) << 8;
        else return byte(scale_at(block, unit));
    }
}

// One row of a panel; lanes of the same word are kPanelRows apart.
template <class Block>
class RowPacker {
  public:
    RowPacker(const PackedWeights& shape, std::span<std::byte> panel, uint32_t row)
        : words_(reinterpret_cast<uint32_t*>(panel.data())), shape_(shape), row_(row) {}

    void pack(const std::byte* blocks, int64_t n_in) {
        if constexpr (code_of<Block>() == KRAIT_INTEGERS) {
            constexpr int kElems = block_elems<Block>;
            for (int64_t b = 0; b < n_in / kElems; ++b) {
                Block block;
                std::memcpy(&block, blocks + b * static_cast<int64_t>(sizeof block), sizeof block);
                for (int unit = 0; unit < kElems / kUnit; ++unit) pack_unit(block, unit, b * (kElems / kUnit) + unit);
                if constexpr (kHasSupers<Block>) pack_supers(block, b);
            }
        } else {
            pack_plain(blocks, n_in);
        }
    }

  private:
    static constexpr Bits kBits = bits_of<Block>();

    // Word `word` of a unit in the plane of low bits.
    uint32_t& low(int64_t unit, uint32_t word) {
        constexpr uint32_t kChunk = std::min(kBits.low, 4u);
        return words_[(unit * kBits.low + word / kChunk * kChunk) * kPanelRows + row_ * kChunk + word % kChunk];
    }
    uint32_t& plane(uint32_t at, int64_t index) { return words_[at / 4 + index * kPanelRows + row_]; }

    // The bytes as they are, four words a chunk.
    void pack_plain(const std::byte* row, int64_t n_in) {
        constexpr int64_t kChunkBytes = 16;
        const int64_t bytes = n_in * static_cast<int64_t>(sizeof(Block));
        for (int64_t at = 0; at < bytes; at += kChunkBytes)
            std::memcpy(words_ + (at / kChunkBytes * kPanelRows + row_) * 4, row + at,
                        static_cast<size_t>(std::min(kChunkBytes, bytes - at)));
    }
    void pack_unit(const Block& block, int in_block, int64_t unit) {
        constexpr int kPerWord = static_cast<int>(32 / kBits.low);
        uint64_t high = 0;
        for (int i = 0; i < kUnit; i += kPerWord) {
            uint32_t word = 0;
            for (int j = 0; j < kPerWord; ++j) {
                const uint32_t q = stored_at(block, in_block * kUnit + i + j);
                word |= (q & ((1u << kBits.low) - 1)) << static_cast<uint32_t>(j) * kBits.low;
                high |= static_cast<uint64_t>(q >> kBits.low) << static_cast<uint32_t>(i + j) * kBits.high;
            }
            low(unit, static_cast<uint32_t>(i / kPerWord)) = word;
        }
        for (uint32_t h = 0; h < kBits.high; ++h)
            words_[shape_.high_at / 4 + (unit * kPanelRows + row_) * kBits.high + h] = static_cast<uint32_t>(high >> 32 * h);
        const uint32_t scales = scales_of(block, in_block);
        if constexpr (kHasMinima<Block> && !kHasSupers<Block>) plane(shape_.scales_at, unit) = scales;
        else plane(shape_.scales_at, unit / 2) |= scales << unit % 2 * 16;
    }
    void pack_supers(const Block& block, int64_t index) {
        uint32_t supers = block.d;
        if constexpr (requires { block.dmin; }) supers |= static_cast<uint32_t>(block.dmin) << 16;
        plane(shape_.supers_at, index) = supers;
    }

    uint32_t* words_;
    const PackedWeights& shape_;
    uint32_t row_;
};

}  // namespace

uint32_t packing_of(DType dtype) {
    uint32_t word = 0;
    visit_block(dtype, [&]<class Block>() { word = packing<Block>(); });
    return word;
}

PackedWeights packed_shape(const TensorDesc& desc) {
    const uint32_t p = packing_of(dtype_of(desc));
    const auto up = [](uint64_t n, uint64_t d) { return (n + d - 1) / d; };
    PackedWeights shape{};
    const int64_t n_out = desc.extent[desc.rank - 2], n_in = desc.extent[desc.rank - 1];
    shape.n_panels = static_cast<uint32_t>(up(static_cast<uint64_t>(n_out), kPanelRows));
    shape.n_units = static_cast<uint32_t>(up(static_cast<uint64_t>(n_in), kUnit));
    const uint64_t n_units = shape.n_units, column = kPanelRows * 4;  // bytes of a word of all rows
    uint64_t bytes = n_units * KRAIT_PACKING_LOW(p) * column;
    shape.high_at = static_cast<uint32_t>(bytes);
    bytes += n_units * KRAIT_PACKING_HIGH(p) * column;
    shape.scales_at = static_cast<uint32_t>(bytes);
    if (KRAIT_PACKING_CODE(p) == KRAIT_INTEGERS) {
        const bool whole_words = KRAIT_PACKING_MINIMA(p) && !KRAIT_PACKING_SUPERS(p);
        bytes += (whole_words ? n_units : up(n_units, 2)) * column;
    }
    shape.supers_at = static_cast<uint32_t>(bytes);
    if (KRAIT_PACKING_SUPERS(p)) bytes += n_units / 8 * column;
    shape.panel_bytes = bytes;
    return shape;
}

void pack_panel(const TensorDesc& desc, std::span<const std::byte> rows, uint64_t panel, std::span<std::byte> out) {
    const PackedWeights shape = packed_shape(desc);
    std::memset(out.data(), 0, out.size());
    const int64_t n_out = desc.extent[desc.rank - 2], n_in = desc.extent[desc.rank - 1],
                  stride = row_bytes(dtype_of(desc), n_in);
    const auto matrix = static_cast<int64_t>(panel / shape.n_panels),
               first = static_cast<int64_t>(panel % shape.n_panels * kPanelRows);
    visit_block(dtype_of(desc), [&]<class Block>() {
        for (uint32_t row = 0; row < kPanelRows; ++row) {
            const int64_t n = first + row;
            if (n < n_out) RowPacker<Block>(shape, out, row).pack(rows.data() + (matrix * n_out + n) * stride, n_in);
        }
    });
}

}  // namespace krait::vulkan
