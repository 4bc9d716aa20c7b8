// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/quant/pack.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace krait::cuda {
namespace {

// Loads of 16 bytes start at the planes and at every row of low and high.
constexpr uint64_t kPlaneAlignment = 256;
uint64_t round_up(uint64_t size, uint64_t unit) { return (size + unit - 1) / unit * unit; }

template <class Block>
void fill_meta(const Block& b, MetaScale& meta) {
    meta.d = b.d;
}
template <class Block>
void fill_meta(const Block& b, MetaScaleOffset& meta) {
    meta.d = b.d, meta.m = b.m;
}
template <class Block>
void fill_meta(const Block& b, MetaK& meta) {
    meta.d = b.d, meta.dmin = b.dmin;
    std::memcpy(meta.packed, b.scales, sizeof meta.packed);
}
void fill_meta(const BlockQ2_K& b, MetaQ2& meta) {
    std::memcpy(meta.packed, b.scales, sizeof meta.packed);
    meta.d = b.d, meta.dmin = b.dmin;
}
template <class Block>
void fill_meta(const Block& b, MetaScales16& meta) {
    for (int j = 0; j < 16; ++j) meta.scale[j] = static_cast<int8_t>(scale_at(b, j));
    meta.d = b.d;
}
void fill_meta(const BlockIQ4_XS& b, MetaScales8& meta) {
    for (int j = 0; j < 8; ++j) meta.scale[j] = static_cast<int8_t>(scale_at(b, j));
    meta.d = b.d;
}

template <class Block>
PackedWeight pack(int64_t n_rows, int64_t n_cols, const std::byte* bytes) {
    using Format = PlanesOf<Block>;
    using Meta = typename Format::Meta;
    const auto n_blocks = static_cast<uint64_t>(n_cols / block_elems<Block>);
    const uint64_t n_units = n_blocks * kUnitsPerBlock<Block>, rows = static_cast<uint64_t>(n_rows);
    PackedWeight packed{};
    const uint64_t low_stride = round_up(n_units * Format::kLowBytes, 16),
                   high_stride = round_up(n_units * Format::kHighBytes, 16), meta_stride = round_up(n_blocks * sizeof(Meta), 4);
    packed.high_at = round_up(rows * low_stride, kPlaneAlignment);
    packed.meta_at = round_up(packed.high_at + rows * high_stride, kPlaneAlignment);
    packed.bytes.resize(packed.meta_at + rows * meta_stride);
    packed.offsets.low_stride = static_cast<int64_t>(low_stride);
    packed.offsets.high_stride = static_cast<int64_t>(high_stride);
    packed.offsets.meta_stride = static_cast<int64_t>(meta_stride);

    float max_level = 0;
    for (int q = 0; q < 1 << (Format::kLowBits + Format::kHighBits); ++q)
        max_level =
            std::max(max_level, std::abs(static_cast<float>(Format::level(Format::kLowBits == 8 ? int(int8_t(q)) : q))));

    auto* out = reinterpret_cast<uint8_t*>(packed.bytes.data());
    for (uint64_t row = 0; row < rows; ++row)
        for (uint64_t block = 0; block < n_blocks; ++block) {
            Block b;  // blocks of a file may lie at odd addresses
            std::memcpy(&b, bytes + (row * n_blocks + block) * sizeof b, sizeof b);
            Meta meta{};
            fill_meta(b, meta);
            std::memcpy(out + packed.meta_at + row * meta_stride + block * sizeof meta, &meta, sizeof meta);
            for (int unit = 0; unit < kUnitsPerBlock<Block>; ++unit) {
                const uint64_t at = block * kUnitsPerBlock<Block> + static_cast<uint64_t>(unit);
                const UnitScales s = meta.scales(unit);
                for (int half = 0; half < 2; ++half) {
                    const float bound = std::abs(s.scale[half]) * max_level + std::abs(s.minimum[half]);
                    if (std::isfinite(bound)) packed.offsets.largest = std::max(packed.offsets.largest, bound);
                }
                uint8_t* low = out + row * low_stride + at * Format::kLowBytes;
                [[maybe_unused]] uint8_t* high = out + packed.high_at + row * high_stride + at * Format::kHighBytes;
                for (int i = 0; i < kUnit; ++i) {
                    const int q = Format::stored(quant_at(b, unit * kUnit + i));
                    set_plane_bits<Format::kLowBits>(low, i, q & ((1 << Format::kLowBits) - 1));
                    if constexpr (Format::kHighBits > 0) set_plane_bits<Format::kHighBits>(high, i, q >> Format::kLowBits);
                }
            }
        }
    return packed;
}

PackedWeight pack_plain(int64_t n_rows, uint64_t row_size, const std::byte* bytes) {
    PackedWeight packed{};
    const uint64_t stride = round_up(row_size, 16);
    packed.offsets.low_stride = static_cast<int64_t>(stride);
    packed.bytes.resize(static_cast<uint64_t>(n_rows) * stride);
    packed.high_at = packed.meta_at = packed.bytes.size();
    for (uint64_t row = 0; row < static_cast<uint64_t>(n_rows); ++row)
        if (row_size > 0) std::memcpy(packed.bytes.data() + row * stride, bytes + row * row_size, row_size);
    return packed;
}

}  // namespace

WeightPlanes PackedWeight::at(const std::byte* start) const {
    WeightPlanes planes = offsets;
    const auto* first = reinterpret_cast<const uint8_t*>(start);
    planes.low = first;
    planes.high = first + high_at;
    planes.meta = first + meta_at;
    return planes;
}

PackedWeight pack_planes(const TensorDesc& desc, std::span<const std::byte> bytes) {
    const int64_t n_rows = row_count(desc), n_cols = last_extent(desc);
    PackedWeight packed{};
    visit_block(dtype_of(desc), [&]<class Block>() {
        if constexpr (kIsQuantized<Block>) packed = pack<Block>(n_rows, n_cols, bytes.data());
        else packed = pack_plain(n_rows, static_cast<uint64_t>(n_cols) * sizeof(Block), bytes.data());
    });
    return packed;
}

}  // namespace krait::cuda
