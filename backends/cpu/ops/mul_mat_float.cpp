// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/mul_mat_float.hpp"

#include <algorithm>

#include "backends/cpu/quant/plain.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

constexpr int kRows = 4;         // rows of w in a tile
constexpr int64_t kSpan = 1024;  // a tile's kRows x kSpan (16 KiB) and kTile x kSpan of x fit into level 1 together
constexpr int64_t kPanel = 32;   // kPanel x kSpan floats = 128 KiB of level 2
constexpr int64_t kPanelStride = kSpan + 16;  // rows a power of two apart would meet in the same sets of the cache
// kTile x kRows accumulators and kRows + 1 operands: 24 + 5 of 32 registers, 8 + 5 of 16. Two fma each cycle with a latency
// of four need 8 accumulators at least.
constexpr int kTile = kRegisters >= 32 ? 6 : 2;
constexpr int kFewRows = kRegisters >= 32 ? 4 : 2;

using Problem = FloatProblem;

// Rows beyond the end are the last one, whose sums nobody keeps.
inline const std::byte* weights(const Problem& p, int64_t matrix, int64_t n) {
    return p.w + (matrix * p.n_out + std::min(n, p.n_out - 1)) * p.w_stride;
}

// The sums of kRows neighbours in a row of y, as one value: a loop over them is no gain to a vectorizer.
typedef float Sums __attribute__((vector_size(kRows * sizeof(float))));

inline Sums sum_rows(Vec a, Vec b, Vec c, Vec d) {
    float lanes[kRows];
    sum4(a, b, c, d, lanes);
    Sums sums;
    std::memcpy(&sums, lanes, sizeof sums);
    return sums;
}

// y[place, n .. n + kRows] takes the sums of the span that starts at k0.
inline void add_sums(const Problem& p, int64_t place, int64_t n, int64_t k0, int64_t count, const Sums& sums) {
    const size_t bytes = static_cast<size_t>(std::min<int64_t>(kRows, p.n_out - n)) * sizeof(float);
    const auto load_sums = [bytes](const float* from) {
        Sums value{};
        if (bytes == sizeof value) std::memcpy(&value, from, sizeof value);
        else std::memcpy(&value, from, bytes);
        return value;
    };
    float* y = p.rows->y(place) + n;
    Sums value = k0 == 0 ? sums : load_sums(y) + sums;
    if (k0 + count == p.d_in) {
        if (p.bias) value += load_sums(p.bias + n);
        if (const float* residual = p.rows->residual(place)) value += load_sums(residual + n);
    }
    if (bytes == sizeof value) std::memcpy(y, &value, sizeof value);
    else std::memcpy(y, &value, bytes);
}

// Weights in registers ------------------------------------------------------------------------------------------------

// kRows rows of w from n on, against the rows at places t0 .. t0 + kCount: acc[r][m] += w[n + r] . x[t0 + m], elements k0 ..
// k0 + count.
template <DType F, int kCount>
inline void few_rows_span(const Problem& p, int64_t matrix, int64_t t0, int64_t n, int64_t k0, int64_t count) {
    using U = Unpacker<F>;
    Vec acc[kRows][kCount];
    const float* x[kCount];
    const std::byte* w[kRows];
    repeat<kRows>([&](auto r) { repeat<kCount>([&](auto m) { acc[r][m] = zero(); }); });
    repeat<kCount>([&](auto m) { x[m] = p.rows->x(t0 + m) + k0; });
    repeat<kRows>([&](auto r) { w[r] = weights(p, matrix, n + r); });
    const int64_t next = kRows * p.w_stride;  // the rows after these, which the hardware does not see coming

    int64_t k = 0;
    for (; k + kLanes <= count; k += kLanes)
        repeat<kRows>([&](auto r) __attribute__((always_inline)) {
            const Vec v = U::load(w[r], k0 + k);
            prefetch(reinterpret_cast<const std::byte*>(U::at(w[r], k0 + k)) + next);
            repeat<kCount>([&](auto m) __attribute__((always_inline)) { acc[r][m] = fma(load(x[m] + k), v, acc[r][m]); });
        });
    if (const int rest = static_cast<int>(count - k); rest > 0)
        repeat<kRows>([&](auto r) {
            const Vec v = U::load_partial(w[r], k0 + k, rest);
            repeat<kCount>([&](auto m) { acc[r][m] = fma(load_partial(x[m] + k, rest), v, acc[r][m]); });
        });
    repeat<kCount>([&](auto m) { add_sums(p, t0 + m, n, k0, count, sum_rows(acc[0][m], acc[1][m], acc[2][m], acc[3][m])); });
}

template <DType F>
void few_rows(const Problem& p, const ProductPiece& piece, int64_t n) {
    const int64_t matrix = piece.matrix, end = piece.first + piece.count;
    for (int64_t k0 = 0; k0 == 0 || k0 < p.d_in; k0 += kSpan) {
        const int64_t count = std::min(kSpan, p.d_in - k0);
        for (int64_t t = piece.first; t < end; t += kFewRows) {
            switch (std::min<int64_t>(kFewRows, end - t)) {
                case 1: few_rows_span<F, 1>(p, matrix, t, n, k0, count); break;
                case 2: few_rows_span<F, 2>(p, matrix, t, n, k0, count); break;
                case 3: few_rows_span<F, std::min(3, kFewRows)>(p, matrix, t, n, k0, count); break;
                default: few_rows_span<F, kFewRows>(p, matrix, t, n, k0, count); break;
            }
        }
    }
}

// Weights in a panel --------------------------------------------------------------------------------------------------

// The rows at places t0 .. t0 + kCount against four rows of the panel, all unpacked.
template <int kCount>
inline void tile(const Problem& p, int64_t t0, int64_t n, const float* panel, int64_t k0, int64_t count) {
    Vec acc[kCount][kRows];
    const float* x[kCount];
    repeat<kCount>([&](auto m) { x[m] = p.rows->x(t0 + m) + k0; });
    repeat<kCount>([&](auto m) { repeat<kRows>([&](auto r) { acc[m][r] = zero(); }); });
    int64_t k = 0;
    for (; k + kLanes <= count; k += kLanes) {
        Vec w[kRows];
        repeat<kRows>([&](auto r) __attribute__((always_inline)) { w[r] = load(panel + r * kPanelStride + k); });
        repeat<kCount>([&](auto m) __attribute__((always_inline)) {
            const Vec v = load(x[m] + k);
            repeat<kRows>([&](auto r) __attribute__((always_inline)) { acc[m][r] = fma(v, w[r], acc[m][r]); });
        });
    }
    if (const int rest = static_cast<int>(count - k); rest > 0)
        repeat<kRows>([&](auto r) {
            const Vec v = load_partial(panel + r * kPanelStride + k, rest);
            repeat<kCount>([&](auto m) { acc[m][r] = fma(load_partial(x[m] + k, rest), v, acc[m][r]); });
        });
    repeat<kCount>([&](auto m) { add_sums(p, t0 + m, n, k0, count, sum_rows(acc[m][0], acc[m][1], acc[m][2], acc[m][3])); });
}

template <int kCount>
void tile_of(int count, const Problem& p, int64_t t0, int64_t n, const float* panel, int64_t k0, int64_t span) {
    if constexpr (kCount > 1)
        if (count < kCount) return tile_of<kCount - 1>(count, p, t0, n, panel, k0, span);
    tile<kCount>(p, t0, n, panel, k0, span);
}

// The rows of a piece against rows n0 .. n1 of its matrix (at most kPanel).
template <DType F>
void many_rows(const Problem& p, const ProductPiece& piece, int64_t n0, int64_t n1, float* panel) {
    const int64_t n_padded = (n1 - n0 + kRows - 1) / kRows * kRows;
    for (int64_t k0 = 0; k0 == 0 || k0 < p.d_in; k0 += kSpan) {
        const int64_t count = std::min(kSpan, p.d_in - k0);
        for (int64_t i = 0; i < n_padded; ++i)
            unpack_row<F>(weights(p, piece.matrix, n0 + i), k0, count, panel + i * kPanelStride);
        const int64_t n_tiles = (piece.count + kTile - 1) / kTile;
        for (int64_t j = 0; j < n_tiles; ++j) {  // of nearly equal heights: a low tile waits for loads
            const int64_t t = piece.first + piece.count * j / n_tiles, end = piece.first + piece.count * (j + 1) / n_tiles;
            for (int64_t i = 0; i < n_padded; i += kRows)  // rows of x stay in level 1 while the panel passes
                tile_of<kTile>(static_cast<int>(end - t), p, t, n0 + i, panel + i * kPanelStride, k0, count);
        }
    }
}

template <DType F>
void multiply(const Problem& p, Context& context) {
    // Few outputs and many rows: x is divided too, so that every thread has several pieces; unpacking again costs a
    // fraction 1 / rows of a piece.
    constexpr int64_t kRowsOfPiece = 96;  // a multiple of both kTile
    static_assert(kRowsOfPiece % kTile == 0);
    const int64_t n_panels = (p.n_out + kPanel - 1) / kPanel, n_rows = p.rows->n_rows();
    const int64_t wanted = 4 * context.n_threads(), max_parts = (n_rows + kRowsOfPiece - 1) / kRowsOfPiece;
    const int64_t n_parts =
        context.n_threads() == 1 ? 1 : std::clamp<int64_t>((wanted + n_panels - 1) / n_panels, 1, max_parts);
    // Up to 2 * kFewRows rows, unpacking in registers once for kFewRows of them is cheaper than to write a panel and read it
    // again.
    p.rows->arrange({.few = 2 * kFewRows, .max_rows = (n_rows + n_parts - 1) / n_parts, .tile = kTile}, context);

    const int64_t n_groups = (p.n_out + kRows - 1) / kRows;
    const auto few = p.rows->small_pieces(), many = p.rows->large_pieces();
    context.parallel_for(static_cast<int64_t>(few.size()) * n_groups, grain_of(kRows * mean_rows(few) * p.d_in),
                         [&](int64_t begin, int64_t end, int) {
                             for (int64_t i = begin; i < end; ++i)
                                 few_rows<F>(p, few[static_cast<size_t>(i / n_groups)], i % n_groups * kRows);
                         });
    if (many.empty()) return;
    context.reserve_scratch(kPanel * kPanelStride);
    context.parallel_for(static_cast<int64_t>(many.size()) * n_panels, 1, [&](int64_t begin, int64_t end, int worker) {
        for (int64_t i = begin; i < end; ++i) {
            const int64_t n0 = i % n_panels * kPanel;
            many_rows<F>(p, many[static_cast<size_t>(i / n_panels)], n0, std::min(n0 + kPanel, p.n_out),
                         context.scratch(worker));
        }
    });
}

}  // namespace

void multiply_float(const FloatProblem& problem, DType weights, Context& context) {
    switch (weights) {
        case DType::F16: return multiply<DType::F16>(problem, context);
        case DType::BF16: return multiply<DType::BF16>(problem, context);
        default: return multiply<DType::F32>(problem, context);
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
