// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/mul_mat_int8.hpp"

#include "backends/cpu/ops/mul_mat_int8_parts.hpp"
#include "backends/cpu/simd/fetch_ahead.hpp"
#ifdef KRAIT_CPU_TILES
#include "backends/cpu/ops/mul_mat_int8_tiles.hpp"
#endif

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

// Rows of x in a tile: so many sums of float32, and kUnitGroups registers of quants, of 32; where there are 16 registers the
// quants come from level 1 again and again.
constexpr int kRowsOfTile = kRegisters >= 32 ? 8 : 4;

// Up to this many rows of x the quants are unpacked in registers for all of them at once. A larger pass for 16 rows is 7 %
// faster still, but takes minutes to compile in all its formats. At 4 lanes (vec_portable.hpp) the pass for 4 rows is half of
// this file's 55 seconds of compiling, and its sums and quants do not fit into the registers.
constexpr int kFewRows = kLanes > 4 ? 4 : 1;

constexpr int kRowsOfPart = 16;  // whole tiles, those of mul_mat_int8_tiles.hpp too

// ---- where quants and scales come from --------------------------------------------------------------------------------

// A source gives, of kLanes rows of w from row `row` of a group on: kUnits units a cell. The unit is a number that repeat()
// makes a constant, so that shifts and masks are constants too. fetch_ahead() is called once for each unit.

// A group in its packed form.
template <DType F>
struct PackedSource {
    using P = Panel<F>;
    static constexpr PanelFacts kFacts = P::kFacts;
    static constexpr int kUnits = kUnitsOfCell<F>;
    const typename P::Cell* cells;
    int row;

    [[gnu::always_inline]] void quants(int64_t cell, int unit, IVec (&q)[kUnitGroups]) const {
        unroll<kUnitGroups>([&](auto g)
                                __attribute__((always_inline)) { q[g] = P::template quants<g>(cells[cell], unit, row); });
    }
    [[gnu::always_inline]] Vec scale(int64_t cell, int unit, int half) const { return P::scale(cells[cell], unit, half, row); }
    [[gnu::always_inline]] Vec low(int64_t cell, int unit, int half) const {
        const Vec low = P::low(cells[cell], unit, half, row);
        return fma(scale(cell, unit, half), broadcast(-static_cast<float>(kFacts.centre())), low);
    }
    void fetch_ahead() const {}
};

// The same unpacked.
template <PanelFacts kPanelFacts>
struct UnpackedSource {
    static constexpr PanelFacts kFacts = kPanelFacts;
    static constexpr int kUnits = 1;
    Unpacked memory;
    int row;
    FetchAhead* ahead;

    [[gnu::always_inline]] void quants(int64_t cell, int, IVec (&q)[kUnitGroups]) const {
        const uint32_t* from = memory.quants + cell * kUnitGroups * kPanelRows + row;
        repeat<kUnitGroups>([&](auto g) __attribute__((always_inline)) { q[g] = load_words(from + g * kPanelRows); });
    }
    [[gnu::always_inline]] Vec scale(int64_t cell, int, int half) const {
        return load(memory.scale + (cell * kFacts.halves + half) * kPanelRows + row);
    }
    [[gnu::always_inline]] Vec low(int64_t cell, int, int half) const {
        return load(memory.low + (cell * kFacts.halves + half) * kPanelRows + row);
    }
    [[gnu::always_inline]] void fetch_ahead() const { ahead->step(); }
};

// kSigned: quants with the centre taken off.
template <DType F, bool kSigned>
void unpack(const std::byte* group, int64_t n_cells, const Unpacked& to) {
    constexpr int kUnits = kUnitsOfCell<F>, kHalves = Panel<F>::kFacts.halves;
    for (int row = 0; row < kPanelRows; row += kLanes) {
        const PackedSource<F> from{cells_of<F>(group), row};
        for (int64_t cell = 0; cell < n_cells; ++cell)
            repeat<kUnits>([&](auto u) __attribute__((always_inline)) {
                IVec q[kUnitGroups];
                from.quants(cell, u, q);
                const int64_t unit = cell * kUnits + u;
                repeat<kUnitGroups>([&](auto g) __attribute__((always_inline)) {
                    if constexpr (kSigned) q[g] = signed_quants<Panel<F>::kFacts>(q[g]);
                    store_words(to.quants + (unit * kUnitGroups + g) * kPanelRows + row, q[g]);
                });
                repeat<kHalves>([&](auto half) __attribute__((always_inline)) {
                    const int64_t at = (unit * kHalves + half) * kPanelRows + row;
                    store(to.scale + at, from.scale(cell, u, half));
                    if constexpr (Panel<F>::kFacts.low) store(to.low + at, from.low(cell, u, half));
                });
            });
    }
}

// ---- products -----------------------------------------------------------------------------------------------------------

// kCount rows of x against kLanes rows of w.
template <int kCount, class Source>
[[gnu::always_inline]] inline void tile(const Source& w, const ActivationRow (&x)[kCount], int64_t n_cells,
                                        Vec (&sum)[kCount]) {
    constexpr PanelFacts kFacts = Source::kFacts;
    constexpr int kHalves = kFacts.halves, kGroups = kUnitGroups / kHalves, kKind = dot_kind(kFacts.max);
    repeat<kCount>([&](auto m) { sum[m] = zero(); });
    for (int64_t cell = 0; cell < n_cells; ++cell)
        repeat<Source::kUnits>([&](auto u) __attribute__((always_inline)) {
            const int64_t unit = cell * Source::kUnits + u;
            IVec q[kUnitGroups];
            w.quants(cell, u, q);
            w.fetch_ahead();
            repeat<kHalves>([&](auto h) __attribute__((always_inline)) {
                const Vec scale = w.scale(cell, u, h);
                Vec low = zero();
                if constexpr (kFacts.low) low = w.low(cell, u, h);
                IVec part[kGroups];
                repeat<kGroups>([&](auto g) __attribute__((always_inline)) { part[g] = q[h * kGroups + g]; });
                const int64_t at = unit * kHalves + h;
                repeat<kCount>([&](auto m) __attribute__((always_inline)) {
                    const IVec start = kFacts.offset_of_dot() == 0 ? broadcast_i(0) : broadcast_i(x[m].start[at]);
                    const IVec total = dot<kKind>(start, part, x[m].q + unit * kUnit + h * (kUnit / kHalves));
                    const Vec low_x = kFacts.low ? broadcast(x[m].low[at]) : zero();
                    sum[m] = add_unit<kFacts>(sum[m], total, scale, broadcast(x[m].d[unit]), low, low_x);
                });
            });
        });
}

class Product {
  public:
    Product(const Int8Problem& problem, Context& context)
        : p_(problem), context_(context), facts_(facts_of(problem.dtype)), record_(problem.layout.n_units, facts_.halves) {}

    void run() {
        quantize();
        if (!by_tiles_ && p_.n_tok <= kFewRows) few_rows();
        else more_rows();
    }

  private:
    static PanelFacts facts_of(DType dtype) {
        PanelFacts facts{};
        with_quantized(dtype, [&]<DType F>() { facts = Panel<F>::kFacts; });
        return facts;
    }
    ActivationRow row(int64_t t) const { return {records_ + t * record_.stride, record_}; }

    void quantize() {
        records_ = context_.reserve_shared(bytes_of_records());
        const int64_t d_in = p_.layout.d_in;
        context_.parallel_for(p_.n_tok, grain_of(d_in * 4), [&](int64_t begin, int64_t end, int) {
            for (int64_t t = begin; t < end; ++t) {
                const float* x = p_.x->row<const float>(t);
                std::byte* record = records_ + t * record_.stride;
                if (facts_.halves == 1) quantize_row<1>(x, d_in, facts_.offset_of_dot(), record_, record);
                else quantize_row<2>(x, d_in, facts_.offset_of_dot(), record_, record);
            }
        });
#ifdef KRAIT_CPU_TILES
        if (!by_tiles_) return;
        x_of_tiles_ = TileActivations(records_, p_.n_tok, record_, facts_.halves);
        context_.parallel_for(TileActivations::blocks(p_.n_tok), grain_of(d_in * kTileRows),
                              [&](int64_t begin, int64_t end, int) {
                                  for (int64_t block = begin; block < end; ++block) x_of_tiles_.fill(block);
                              });
#endif
    }
    int64_t bytes_of_records() const {
#ifdef KRAIT_CPU_TILES
        if (by_tiles_) return TileActivations::bytes(p_.n_tok, record_, facts_.halves);
#endif
        return p_.n_tok * record_.stride;
    }

    // The group's panel; packed into `scratch` first where the weight is not packed.
    const std::byte* group(int64_t index, float* scratch) const {
        if (p_.packed) return p_.packed->group(index);
        auto* bytes = reinterpret_cast<std::byte*>(scratch);
        pack_group(p_.dtype, p_.layout, p_.rows, index * kPanelRows, bytes);
        return bytes;
    }
    int64_t floats_of_group() const { return p_.packed ? 0 : static_cast<int64_t>(p_.layout.group_bytes / sizeof(float)); }

    void few_rows() {
        context_.reserve_scratch(floats_of_group());
        with_quantized(p_.dtype, [&]<DType F>() {
            context_.parallel_for(p_.layout.n_groups(), grain_of_products(kPanelRows * p_.layout.d_in * p_.n_tok),
                                  [&](int64_t begin, int64_t end, int worker) {
                                      for (int64_t i = begin; i < end; ++i) few_rows_of_group<F>(i, worker);
                                  });
        });
    }
    // Passes after the first read the group from level 1 or 2.
    template <DType F>
    void few_rows_of_group(int64_t index, int worker) const {
        const auto* cells = cells_of<F>(group(index, context_.scratch(worker)));
        for (int row = 0; row < kPanelRows && index * kPanelRows + row < p_.layout.n_out; row += kLanes) {
            const PackedSource<F> w{cells, row};
            const int64_t n = index * kPanelRows + row;
            if (kFewRows > 1 && p_.n_tok == kFewRows) tile_at<kFewRows>(w, p_.layout.n_cells, 0, n);
            else
                for (int64_t t = 0; t < p_.n_tok; ++t) tile_at<1>(w, p_.layout.n_cells, t, n);
        }
    }

    void more_rows() {
        // Rows of x whose records stay in level 2 while all groups pass over them.
        constexpr int64_t kBytes = 256 << 10;
        const int64_t max_rows = std::max<int64_t>(kBytes / record_.stride, 4 * kRowsOfTile);
        const int64_t n_parts = (p_.n_tok + max_rows - 1) / max_rows;
        const int64_t part = ((p_.n_tok + n_parts - 1) / n_parts + kRowsOfPart - 1) / kRowsOfPart * kRowsOfPart;
        const int64_t n_groups = p_.layout.n_groups(), n_units = p_.layout.n_units;
        const int64_t unpacked = (Unpacked::words(n_units, facts_.halves) + 15) / 16 * 16;  // a group behind it is aligned
        context_.reserve_scratch(unpacked + floats_of_group());
        const int64_t grain = grain_of(kPanelRows * p_.layout.d_in * std::min(part, p_.n_tok));
        with_quantized(p_.dtype, [&]<DType F>() {
            context_.parallel_for(n_parts * n_groups, grain, [&](int64_t begin, int64_t end, int worker) {
                float* scratch = context_.scratch(worker);
                const Unpacked memory(scratch, n_units, facts_.halves);
                for (int64_t i = begin; i < end; ++i) {
                    const int64_t t0 = i / n_groups * part, index = i % n_groups;
                    const std::byte* packed = group(index, scratch + unpacked);
                    if (by_tiles_) unpack<F, true>(packed, p_.layout.n_cells, memory);
                    else unpack<F, false>(packed, p_.layout.n_cells, memory);
                    const int64_t t1 = std::min(t0 + part, p_.n_tok);
                    FetchAhead ahead = next_group(index, t1 - t0);
                    rows_of_group<Panel<F>::kFacts>(memory, ahead, t0, t1, index * kPanelRows);
                }
            });
        });
    }
    // The group that is unpacked after this one, while n_rows rows of x pass over this one.
    FetchAhead next_group(int64_t index, int64_t n_rows) const {
        if (!p_.packed || index + 1 == p_.layout.n_groups()) return {};
        const int64_t n_tiles = std::max<int64_t>(n_rows / (by_tiles_ ? kRowsOfPart : kRowsOfTile), 1) * (kPanelRows / kLanes);
        return {p_.packed->group(index + 1), p_.layout.group_bytes, n_tiles * p_.layout.n_units};
    }
    template <PanelFacts kFacts>
    void rows_of_group(const Unpacked& memory, FetchAhead& ahead, int64_t t0, int64_t t1, int64_t n0) const {
#ifdef KRAIT_CPU_TILES
        if (by_tiles_) return multiply_tiles<kFacts>(p_, memory, x_of_tiles_, ahead, t0, t1, n0);
#endif
        const int64_t n_units = p_.layout.n_units;
        for (int column = 0; column < kPanelRows && n0 + column < p_.layout.n_out; column += kLanes) {
            const UnpackedSource<kFacts> w{memory, column, &ahead};
            int64_t t = t0;
            for (; t + kRowsOfTile <= t1; t += kRowsOfTile) tile_at<kRowsOfTile>(w, n_units, t, n0 + column);
            if (kRowsOfTile > 4 && t + 4 <= t1) tile_at<4>(w, n_units, t, n0 + column), t += 4;
            if (t + 2 <= t1) tile_at<2>(w, n_units, t, n0 + column), t += 2;
            if (t < t1) tile_at<1>(w, n_units, t, n0 + column);
        }
    }
    template <int kCount, class Source>
    [[gnu::noinline]] void tile_at(const Source& w, int64_t n_cells, int64_t t, int64_t n) const {
        ActivationRow x[kCount];
        Vec sum[kCount];
        repeat<kCount>([&](auto m) { x[m] = row(t + m); });
        tile<kCount>(w, x, n_cells, sum);
        repeat<kCount>([&](auto m) { finish(p_, t + m, n, sum[m]); });
    }

    const Int8Problem& p_;
    Context& context_;
    PanelFacts facts_;
    ActivationLayout record_;
    std::byte* records_ = nullptr;
#ifdef KRAIT_CPU_TILES
    const bool by_tiles_ = p_.n_tok >= kFewestTileRows;
    TileActivations x_of_tiles_;
#else
    static constexpr bool by_tiles_ = false;
#endif
};

}  // namespace

void multiply_int8(const Int8Problem& problem, Context& context) { Product(problem, context).run(); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
