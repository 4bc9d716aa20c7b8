// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/mul_mat_int16.hpp"

#include <algorithm>

#include "backends/cpu/ops/mul_mat_result.hpp"
#include "backends/cpu/simd/fetch_ahead.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

// Rows of x and registers of outputs in a tile. An integer sum of each stays in a register, and so do 8 of 16 or 32 float sums:
// eight chains hide the latency of a product (4 or 5 cycles), and a number of x or w that is loaded is multiplied several
// times.
constexpr int kTileRows = kRegisters >= 32 ? 8 : 4;
constexpr int kColumns = kLanes == 8 ? 2 : 1;

// One row of x: q, then the scales of its units.
struct Int16Row {
    const int16_t* q;
    const float* d;
};

// Adds the products of pair i of a unit.
template <int kCount>
[[gnu::always_inline]] inline void add_pair(const Int16Cell& cell, int i, int row, const int16_t* const (&x)[kCount],
                                            IVec (&total)[kColumns][kCount]) {
    IVec w[kColumns];
    unroll<kColumns>([&](auto c) __attribute__((always_inline)) {
        w[c] = load_words(reinterpret_cast<const uint32_t*>(cell.pairs[i][row + c * kLanes]));
    });
    unroll<kCount>([&](auto m) __attribute__((always_inline)) {
        unroll<kColumns>([&](auto c) __attribute__((always_inline)) {
            total[c][m] = dot_pairs(total[c][m], w[c], x[m] + 2 * i);
            pin(total[c][m]);
        });
    });
}

// kCount rows of x against kColumns * kLanes rows of a group from row `row` on; a step of `ahead` a unit.
template <int kCount>
[[gnu::always_inline]] inline void tile(const Int16Cell* cells, int row, const Int16Row (&x)[kCount], int64_t d_in,
                                        FetchAhead& ahead, Vec (&sum)[kColumns][kCount]) {
    unroll<kColumns>([&](auto c) { unroll<kCount>([&](auto m) { sum[c][m] = zero(); }); });
    const int64_t n_units = int16_units(d_in);
    for (int64_t unit = 0; unit < n_units; ++unit) {
        const Int16Cell& cell = cells[unit];
        ahead.step();
        IVec total[kColumns][kCount];
        const int16_t* q[kCount];
        unroll<kColumns>([&](auto c) { unroll<kCount>([&](auto m) { total[c][m] = broadcast_i(0); }); });
        unroll<kCount>([&](auto m) { q[m] = x[m].q + unit * kInt16Unit; });
        const int n_pairs = int16_pairs_of(d_in, unit);
        if (n_pairs == kInt16Unit / 2)
            repeat<kInt16Unit / 2>([&](auto i) __attribute__((always_inline)) { add_pair(cell, i, row, q, total); });
        else
            for (int i = 0; i < n_pairs; ++i) add_pair(cell, i, row, q, total);
        unroll<kColumns>([&](auto c) __attribute__((always_inline)) {
            const Vec scale = load(cell.scale + row + c * kLanes);
            unroll<kCount>([&](auto m) __attribute__((always_inline)) {
                sum[c][m] = fma(to_float(total[c][m]), scale * broadcast(x[m].d[unit]), sum[c][m]);
            });
        });
    }
}

class Product {
  public:
    Product(const Int16Problem& problem, Context& context)
        : p_(problem),
          rows_(*problem.rows),
          context_(context),
          n_units_(int16_units(problem.d_in)),
          stride_((n_units_ * (kInt16Unit * int64_t{sizeof(int16_t)} + int64_t{sizeof(float)}) + 63) / 64 * 64) {
        // Rows of x that stay in level 2 while all groups pass over them.
        constexpr int64_t kBytes = 512 << 10;
        rows_.arrange({.max_rows = std::max<int64_t>(kBytes / stride_, 4 * kTileRows), .tile = kTileRows}, context);
    }

    void run() {
        quantize();
        const auto pieces = rows_.pieces();
        const int64_t work = kPanelRows * p_.d_in * mean_rows(pieces), n_groups = groups_of_matrix();
        context_.parallel_for(static_cast<int64_t>(pieces.size()) * n_groups, grain_of_products(work),
                              [&](int64_t begin, int64_t end, int) {
                                  for (int64_t i = begin; i < end; ++i)
                                      rows_of_group(pieces[static_cast<size_t>(i / n_groups)], i % n_groups);
                              });
    }

  private:
    int64_t groups_of_matrix() const { return (p_.n_out + kPanelRows - 1) / kPanelRows; }
    Int16Row row(int64_t place) const {
        const std::byte* record = records_ + rows_.index_of_x(place) * stride_;
        return {reinterpret_cast<const int16_t*>(record),
                reinterpret_cast<const float*>(record + n_units_ * kInt16Unit * int64_t{sizeof(int16_t)})};
    }

    void quantize() {
        records_ = context_.reserve_shared(rows_.n_row_x() * stride_);
        context_.parallel_for(rows_.n_row_x(), grain_of(p_.d_in * 4), [&](int64_t begin, int64_t end, int) {
            for (int64_t t = begin; t < end; ++t) {
                const float* x = rows_.x_row(t);
                auto* q = reinterpret_cast<int16_t*>(records_ + t * stride_);
                auto* d = reinterpret_cast<float*>(q + n_units_ * kInt16Unit);
                for (int64_t unit = 0; unit < n_units_; ++unit) {
                    const int64_t k0 = unit * kInt16Unit;
                    d[unit] = round_unit(x + k0, std::min<int64_t>(kInt16Unit, p_.d_in - k0), q + k0);
                }
            }
        });
    }

    // The group that comes after this one, while the rows of a piece pass over this one; a single row reads on without a pause.
    FetchAhead next_group(const ProductPiece& piece, int64_t index) const {
        if (piece.count < 2 || (index + 1) * kPanelRows >= p_.n_out) return {};
        const int64_t n_tiles = std::max<int64_t>(piece.count / kTileRows, 1) * (kPanelRows / (kColumns * kLanes));
        return {reinterpret_cast<const std::byte*>(p_.w->group(piece.matrix * groups_of_matrix() + index + 1)),
                static_cast<uint64_t>(int16_group_bytes(p_.d_in)), n_tiles * n_units_};
    }
    void rows_of_group(const ProductPiece& piece, int64_t index) const {
        const Int16Cell* cells = p_.w->group(piece.matrix * groups_of_matrix() + index);
        const int64_t end = piece.first + piece.count;
        FetchAhead ahead = next_group(piece, index);
        for (int r = 0; r < kPanelRows && index * kPanelRows + r < p_.n_out; r += kColumns * kLanes) {
            int64_t t = piece.first;
            for (; t + kTileRows <= end; t += kTileRows) tile_at<kTileRows>(cells, r, t, index, ahead);
            if (kTileRows > 4 && t + 4 <= end) tile_at<4>(cells, r, t, index, ahead), t += 4;
            if (t + 2 <= end) tile_at<2>(cells, r, t, index, ahead), t += 2;
            if (t < end) tile_at<1>(cells, r, t, index, ahead);
        }
    }
    template <int kCount>
    [[gnu::noinline]] void tile_at(const Int16Cell* cells, int r, int64_t place, int64_t index, FetchAhead& ahead) const {
        Int16Row x[kCount];
        Vec sum[kColumns][kCount];
        unroll<kCount>([&](auto m) { x[m] = row(place + m); });
        tile<kCount>(cells, r, x, p_.d_in, ahead, sum);
        unroll<kColumns>([&](auto c) {
            unroll<kCount>([&](auto m) {
                finish_row(rows_, p_.bias, p_.n_out, place + m, index * kPanelRows + r + c * kLanes, sum[c][m]);
            });
        });
    }

    const Int16Problem& p_;
    ProductRows& rows_;
    Context& context_;
    int64_t n_units_;
    int64_t stride_;  // bytes of a row of x
    std::byte* records_ = nullptr;
};

}  // namespace

void multiply_int16(const Int16Problem& problem, Context& context) { Product(problem, context).run(); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
