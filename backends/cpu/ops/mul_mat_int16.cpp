// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/mul_mat_int16.hpp"

#include <algorithm>

#include "backends/cpu/ops/mul_mat_result.hpp"
#include "backends/cpu/simd/fetch_ahead.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

// Rows of x in a tile: an integer and a float sum of each stay in registers, and eight chains hide the latency of a product (4
// or 5 cycles). With 16 registers there is room for four.
constexpr int kTileRows = kRegisters >= 32 ? 8 : 4;

// One row of x: q, then the scales of its units.
struct Int16Row {
    const int16_t* q;
    const float* d;
};

// kCount rows of x against kLanes rows of a group from row `row` on; a step of `ahead` a unit.
template <int kCount>
[[gnu::always_inline]] inline void tile(const Int16Cell* cells, int row, const Int16Row (&x)[kCount], int64_t d_in,
                                        FetchAhead& ahead, Vec (&sum)[kCount]) {
    unroll<kCount>([&](auto m) { sum[m] = zero(); });
    const int64_t n_units = int16_units(d_in);
    for (int64_t unit = 0; unit < n_units; ++unit) {
        const Int16Cell& cell = cells[unit];
        ahead.step();
        IVec total[kCount];
        unroll<kCount>([&](auto m) { total[m] = broadcast_i(0); });
        const int n_pairs = int16_pairs_of(d_in, unit);
        for (int i = 0; i < n_pairs; ++i) {
            const IVec w = load_words(reinterpret_cast<const uint32_t*>(cell.pairs[i][row]));
            unroll<kCount>([&](auto m) __attribute__((always_inline)) {
                total[m] = dot_pairs(total[m], w, x[m].q + unit * kInt16Unit + 2 * i);
            });
        }
        const Vec scale = load(cell.scale + row);
        unroll<kCount>([&](auto m) __attribute__((always_inline)) {
            sum[m] = fma(to_float(total[m]), scale * broadcast(x[m].d[unit]), sum[m]);
        });
    }
}

class Product {
  public:
    Product(const Int16Problem& problem, Context& context)
        : p_(problem),
          context_(context),
          n_units_(int16_units(problem.d_in)),
          stride_((n_units_ * (kInt16Unit * int64_t{sizeof(int16_t)} + int64_t{sizeof(float)}) + 63) / 64 * 64) {}

    void run() {
        quantize();
        // Rows of x that stay in level 2 while all groups pass over them.
        constexpr int64_t kBytes = 512 << 10;
        const int64_t max_rows = std::max<int64_t>(kBytes / stride_, 4 * kTileRows);
        const int64_t n_parts = (p_.n_tok + max_rows - 1) / max_rows;
        const int64_t part = ((p_.n_tok + n_parts - 1) / n_parts + kTileRows - 1) / kTileRows * kTileRows;
        const int64_t n_groups = (p_.n_out + kPanelRows - 1) / kPanelRows;
        const int64_t work = kPanelRows * p_.d_in * std::min(part, p_.n_tok);
        context_.parallel_for(n_parts * n_groups, grain_of_products(work), [&](int64_t begin, int64_t end, int) {
            for (int64_t i = begin; i < end; ++i) {
                const int64_t t0 = i / n_groups * part;
                rows_of_group(t0, std::min(t0 + part, p_.n_tok), i % n_groups);
            }
        });
    }

  private:
    Int16Row row(int64_t t) const {
        const std::byte* record = records_ + t * stride_;
        return {reinterpret_cast<const int16_t*>(record),
                reinterpret_cast<const float*>(record + n_units_ * kInt16Unit * int64_t{sizeof(int16_t)})};
    }

    void quantize() {
        records_ = context_.reserve_shared(p_.n_tok * stride_);
        context_.parallel_for(p_.n_tok, grain_of(p_.d_in * 4), [&](int64_t begin, int64_t end, int) {
            for (int64_t t = begin; t < end; ++t) {
                const float* x = p_.x->row<const float>(t);
                auto* q = reinterpret_cast<int16_t*>(records_ + t * stride_);
                auto* d = reinterpret_cast<float*>(q + n_units_ * kInt16Unit);
                for (int64_t unit = 0; unit < n_units_; ++unit) {
                    const int64_t k0 = unit * kInt16Unit;
                    d[unit] = round_unit(x + k0, std::min<int64_t>(kInt16Unit, p_.d_in - k0), q + k0);
                }
            }
        });
    }

    // The group that comes after this one, while n_rows rows of x pass over this one; a single row reads on without a pause.
    FetchAhead next_group(int64_t index, int64_t n_rows) const {
        if (n_rows < 2 || (index + 1) * kPanelRows >= p_.n_out) return {};
        const int64_t n_tiles = std::max<int64_t>(n_rows / kTileRows, 1) * (kPanelRows / kLanes);
        return {reinterpret_cast<const std::byte*>(p_.w->group(index + 1)), static_cast<uint64_t>(int16_group_bytes(p_.d_in)),
                n_tiles * n_units_};
    }
    void rows_of_group(int64_t t0, int64_t t1, int64_t index) const {
        const Int16Cell* cells = p_.w->group(index);
        FetchAhead ahead = next_group(index, t1 - t0);
        for (int r = 0; r < kPanelRows && index * kPanelRows + r < p_.n_out; r += kLanes) {
            int64_t t = t0;
            for (; t + kTileRows <= t1; t += kTileRows) tile_at<kTileRows>(cells, r, t, index, ahead);
            if (kTileRows > 4 && t + 4 <= t1) tile_at<4>(cells, r, t, index, ahead), t += 4;
            if (t + 2 <= t1) tile_at<2>(cells, r, t, index, ahead), t += 2;
            if (t < t1) tile_at<1>(cells, r, t, index, ahead);
        }
    }
    template <int kCount>
    [[gnu::noinline]] void tile_at(const Int16Cell* cells, int r, int64_t t, int64_t index, FetchAhead& ahead) const {
        Int16Row x[kCount];
        Vec sum[kCount];
        unroll<kCount>([&](auto m) { x[m] = row(t + m); });
        tile<kCount>(cells, r, x, p_.d_in, ahead, sum);
        unroll<kCount>([&](auto m) {
            finish_row({p_.bias, p_.residual, p_.y, p_.n_out}, t + m, index * kPanelRows + r, sum[m]);
        });
    }

    const Int16Problem& p_;
    Context& context_;
    int64_t n_units_;
    int64_t stride_;  // bytes of a row of x
    std::byte* records_ = nullptr;
};

}  // namespace

void multiply_int16(const Int16Problem& problem, Context& context) { Product(problem, context).run(); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
