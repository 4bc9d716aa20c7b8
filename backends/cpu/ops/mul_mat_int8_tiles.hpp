// SPDX-License-Identifier: Apache-2.0
//
// The tile path of mul_mat_int8.hpp (KRAIT_CPU_TILES): kTileRows rows of x by the kPanelRows rows of a group. A unit, or each
// half of one, is a product of tiles:
//   A [kTileRows][32 or 16 bytes]   of the rows' records, as they lie
//   B [8 or 4][kPanelRows][4]       the group's quants, as they are unpacked or (Q8_0) as they lie, with the centre taken off:
//                                   signed bytes, so that the product is the whole dot product and no row needs a start of its
//                                   own
//   C [kTileRows][kPanelRows]       int32: stored, and added by vectors of kPanelRows floats to kTileRows sums in registers
// Integers are exact and the floats are added as everywhere (add_unit), so results have the bits of the other paths.
// Two products make a stage. While one stage is added, the tiles of the next are on their way: a product takes some 50 cycles,
// but a new one may start every 16.
#pragma once

#include "backends/cpu/ops/mul_mat_int8_parts.hpp"
#include "backends/cpu/simd/fetch_ahead.hpp"
#include "backends/cpu/simd/tiles.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

static_assert(kLanes == kPanelRows && kTileRowBytes == kPanelRows * 4, "a row of C is a register");

// From so many rows of x on. Fewer leave most of a tile idle.
inline constexpr int64_t kFewestTileRows = 8;

// The rows of x at the places that go by tiles, kTileRows to a block: their records, of which the path reads the quants, and d
// and low of a block beside each other, so that a unit's lie in a line or two: [blocks]([units][kTileRows] d, [units][halves]
// [kTileRows] low). Where records are made place by place they stay where they are, else they are copied.
class TileActivations {
  public:
    TileActivations() = default;
    // Memory for n_record records and for what the blocks need beside them.
    static int64_t bytes(const ProductRows& rows, int64_t n_record, const ActivationLayout& record, int halves) {
        const int64_t n = blocks(rows);
        return (first_record(rows, n_record) + std::max(n * kTileRows, records_in_place(rows, n_record))) * record.stride +
               n * floats_of_block(record, halves) * int64_t{sizeof(float)};
    }
    // records: bytes(..), at whose start the records are made.
    TileActivations(const ProductRows& rows, std::byte* records, int64_t n_record, const ActivationLayout& record, int halves)
        : rows_(&rows),
          made_(records),
          records_(records + first_record(rows, n_record) * record.stride),
          floats_(reinterpret_cast<float*>(records_ + std::max(blocks(rows) * kTileRows, records_in_place(rows, n_record)) *
                                                          record.stride)),
          record_(record),
          halves_(halves) {}
    int64_t n_blocks() const { return blocks(*rows_); }

    // After the records of a block's rows: makes the rest. Rows beyond the last of a matrix are zeros.
    void fill(int64_t block) const {
        float* d = floats_ + block * floats_of_block(record_, halves_);
        float* low = d + record_.n_units * kTileRows;
        for (int64_t m = 0; m < kTileRows; ++m) {
            const int64_t place = block * kTileRows + m;
            std::byte* record = records_ + place * record_.stride;
            if (place >= rows_->large_places() || !rows_->x(place)) std::memset(record, 0, static_cast<size_t>(record_.stride));
            else if (!rows_->has_x_once())
                std::memcpy(record, made_ + rows_->index_of_x(place) * record_.stride, static_cast<size_t>(record_.stride));
            const ActivationRow row(record, record_);
            for (int64_t unit = 0; unit < record_.n_units; ++unit) d[unit * kTileRows + m] = row.d[unit];
            for (int64_t at = 0; at < record_.n_units * halves_; ++at) low[at * kTileRows + m] = row.low[at];
        }
    }

    const std::byte* record(int64_t block) const { return records_ + block * kTileRows * record_.stride; }
    int64_t stride() const { return record_.stride; }
    const float* d(int64_t block) const { return floats_ + block * floats_of_block(record_, halves_); }
    const float* low(int64_t block) const { return d(block) + record_.n_units * kTileRows; }

  private:
    static int64_t blocks(const ProductRows& rows) { return (rows.large_places() + kTileRows - 1) / kTileRows; }
    // Records that are made place by place are those of the blocks; others stand before them.
    static int64_t records_in_place(const ProductRows& rows, int64_t n_record) { return rows.has_x_once() ? n_record : 0; }
    static int64_t first_record(const ProductRows& rows, int64_t n_record) { return rows.has_x_once() ? 0 : n_record; }
    static int64_t floats_of_block(const ActivationLayout& record, int halves) {
        return record.n_units * kTileRows * (1 + halves);
    }
    const ProductRows* rows_ = nullptr;
    const std::byte* made_ = nullptr;
    std::byte* records_ = nullptr;
    float* floats_ = nullptr;
    ActivationLayout record_{0, 1};
    int halves_ = 1;
};

// Tiles of a stage: C 0 .. 3 (two stages of kDots), A 4 and 5, B 6 and 7.
template <PanelFacts kFacts>
struct TileStage {
    static constexpr int kDots = 2;
    static constexpr int kUnits = kDots / kFacts.halves;
    static constexpr int kDepthBytes = kUnit / kFacts.halves, kDepth = kDepthBytes / 4;

    static constexpr TileShape kC{kTileRows, kTileRowBytes}, kA{kTileRows, kDepthBytes}, kB{kDepth, kTileRowBytes};
    static constexpr TileConfig kConfig{{kC, kC, kC, kC, kA, kA, kB, kB}};
};

// A group as tiles read it, dot by dot: a tile B of signed quants, the scales, and the minima where there are any.
// Unpacked it is in memory:
template <PanelFacts kPanelFacts>
struct UnpackedTiles {
    static constexpr PanelFacts kFacts = kPanelFacts;
    Unpacked memory;

    const uint32_t* quants(int64_t dot) const { return memory.quants + dot * (kUnitGroups / kFacts.halves) * kPanelRows; }
    Vec scale(int64_t dot) const { return load(memory.scale + dot * kPanelRows); }
    Vec low(int64_t dot) const { return load(memory.low + dot * kPanelRows); }
};
// The packed quants of Q8_0 are tiles already (Panel<DType::Q8_0>::kStoredFlip).
struct PackedTiles {
    using P = Panel<DType::Q8_0>;
    static constexpr PanelFacts kFacts = P::kFacts;
    static_assert(P::kStoredFlip == 0 && kFacts.halves == 1 && !kFacts.low && kUnitsOfCell<DType::Q8_0> == 2);
    const P::Cell* cells;

    const uint32_t* quants(int64_t dot) const { return cells[dot / 2].quants[dot % 2 * kUnitGroups]; }
    Vec scale(int64_t dot) const { return P::scale(cells[dot / 2], static_cast<int>(dot % 2), 0, 0); }
    static Vec low(int64_t) { return zero(); }
};

// The kCount places from block * kTileRows on by a group whose first row is n; those from n_rows on are not stored. Tiles are
// configured as TileStage says.
template <class Group, int kCount>
[[gnu::noinline]] void multiply_tile(const Int8Problem& p, const Group& w, const TileActivations& x, FetchAhead& ahead,
                                     int64_t block, int64_t n_rows, int64_t n) {
    constexpr PanelFacts kFacts = Group::kFacts;
    using Stage = TileStage<kFacts>;
    constexpr int kDots = Stage::kDots, kHalves = kFacts.halves;
    alignas(64) uint32_t totals[2][kDots][kTileRows][kPanelRows];
    const std::byte* const q = x.record(block);
    const float *const d = x.d(block), *const low_x = x.low(block);
    const int64_t n_stages = p.layout.n_units / Stage::kUnits;
    Vec sum[kCount];
    repeat<kCount>([&](auto m) { sum[m] = zero(); });

    const auto multiply = [&](auto parity, int64_t stage) __attribute__((always_inline)) {
        unroll<kDots>([&](auto i) __attribute__((always_inline)) {
            constexpr int c = parity * kDots + i, a = 4 + i, b = 6 + i;
            const int64_t dot = stage * kDots + i;
            tile_zero<c>();
            tile_load<a>(q + dot * Stage::kDepthBytes, x.stride());
            tile_load<b>(w.quants(dot), kTileRowBytes);
            tile_dot_s8s8<c, a, b>();
            ahead.step();
        });
        unroll<kDots>([&](auto i)
                          __attribute__((always_inline)) { tile_store<parity * kDots + i>(totals[parity][i], kTileRowBytes); });
    };
    const auto add = [&](auto parity, int64_t stage) __attribute__((always_inline)) {
        unroll<kDots>([&](auto i) __attribute__((always_inline)) {
            const int64_t dot = stage * kDots + i, unit = dot / kHalves;
            const Vec scale = w.scale(dot);
            const Vec low = kFacts.low ? w.low(dot) : zero();
            repeat<kCount>([&](auto m) __attribute__((always_inline)) {
                const Vec low_of_row = kFacts.low ? broadcast(low_x[dot * kTileRows + m]) : zero();
                sum[m] = add_unit<kFacts>(sum[m], load_words(totals[parity][i][m]), scale, broadcast(d[unit * kTileRows + m]),
                                          low, low_of_row);
            });
        });
    };
    const auto step = [&](auto parity, int64_t stage) __attribute__((always_inline)) {
        if (stage + 1 < n_stages) multiply(std::integral_constant<int, 1 - parity>{}, stage + 1);
        add(parity, stage);
    };
    constexpr std::integral_constant<int, 0> even;
    constexpr std::integral_constant<int, 1> odd;
    if (n_stages > 0) multiply(even, 0);
    int64_t stage = 0;
    for (; stage + 2 <= n_stages; stage += 2) {
        step(even, stage);
        step(odd, stage + 1);
    }
    if (stage < n_stages) step(even, stage);

    repeat<kCount>([&](auto m) {
        if (m < n_rows) finish(p, block * kTileRows + m, n, sum[m]);
    });
}

// Places t0 .. t1, t0 a multiple of kTileRows, by a group whose first row is n. Tiles are configured as TileStage says.
template <class Group>
void multiply_tiles(const Int8Problem& p, const Group& w, const TileActivations& x, FetchAhead& ahead, int64_t t0, int64_t t1,
                    int64_t n) {
    for (int64_t t = t0; t < t1; t += kTileRows) {
        const int64_t rows = std::min<int64_t>(t1 - t, kTileRows);
        if (rows > kTileRows / 2) multiply_tile<Group, kTileRows>(p, w, x, ahead, t / kTileRows, rows, n);
        else multiply_tile<Group, kTileRows / 2>(p, w, x, ahead, t / kTileRows, rows, n);
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
