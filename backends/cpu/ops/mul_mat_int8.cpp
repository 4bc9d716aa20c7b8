// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/mul_mat_int8.hpp"

#include <optional>

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
// faster still, but takes minutes to compile in all its formats. With 16 registers of 4 lanes (vec_portable.hpp) the pass for 4
// rows is half of this file's 55 seconds of compiling, and its sums and quants do not fit into them.
constexpr int kFewRows = kRegisters * kLanes > 64 ? 4 : 1;

// Products by tiles are so many times as fast as those that grain_of() counts; configuring tiles takes a twentieth of a group
// with 16 rows of x, so that a thread takes several groups at once.
#ifdef KRAIT_CPU_TILES
constexpr int64_t kTimesAsFast = 8;
#else
constexpr int64_t kTimesAsFast = 1;
#endif

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
                if constexpr (kRowsOfDot == 2 && kCount % 2 == 0) {
                    repeat<kCount / 2>([&](auto pair) __attribute__((always_inline)) {
                        IVec total[2];
                        const int8_t* q_of_x[2];
                        repeat<2>([&](auto r) __attribute__((always_inline)) {
                            const ActivationRow& of = x[2 * pair + r];
                            total[r] = kFacts.offset_of_dot() == 0 ? broadcast_i(0) : broadcast_i(of.start[at]);
                            q_of_x[r] = of.q + unit * kUnit + h * (kUnit / kHalves);
                        });
                        dots<kKind>(total, part, q_of_x);
                        repeat<2>([&](auto r) __attribute__((always_inline)) {
                            const int m = 2 * pair + r;
                            const Vec low_x = kFacts.low ? broadcast(x[m].low[at]) : zero();
                            sum[m] = add_unit<kFacts>(sum[m], total[r], scale, broadcast(x[m].d[unit]), low, low_x);
                        });
                    });
                    return;
                }
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
        : p_(problem),
          rows_(*problem.rows),
          context_(context),
          facts_(facts_of(problem.dtype)),
          record_(problem.layout.n_units, facts_.halves) {
        // Rows of x whose records stay in level 2 while all groups pass over them.
        constexpr int64_t kBytes = 256 << 10;
        const int64_t max_rows = std::max<int64_t>(kBytes / record_.stride, 4 * kRowsOfTile);
#ifdef KRAIT_CPU_TILES
        rows_.arrange({.few = kFewestTileRows - 1, .align = kTileRows, .max_rows = max_rows, .tile = kRowsOfPart}, context);
#else
        rows_.arrange({.few = kFewRows, .max_rows = max_rows, .tile = kRowsOfPart}, context);
#endif
    }

    void run() {
        quantize();
        const auto pieces = rows_.pieces();
        const bool unpacks = std::ranges::any_of(pieces, [](const ProductPiece& piece) { return piece.of > kFewRows; });
        const int64_t words = unpacks ? Unpacked::words(p_.layout.n_units, facts_.halves) : 0;
        packed_at_ = (words + 15) / 16 * 16;  // a group behind it is aligned
        context_.reserve_scratch(packed_at_ + (p_.packed ? 0 : static_cast<int64_t>(p_.layout.group_bytes / sizeof(float))));
        const int64_t n_groups = p_.layout.n_groups(), work = kPanelRows * p_.layout.d_in * mean_rows(pieces);
        with_quantized(p_.dtype, [&]<DType F>() {
            context_.parallel_for(static_cast<int64_t>(pieces.size()) * n_groups,
                                  unpacks ? grain_of(work / kTimesAsFast) : grain_of_products(work),
                                  [&](int64_t begin, int64_t end, int worker) {
#ifdef KRAIT_CPU_TILES
                                      std::optional<TileScope> scope;
                                      if (unpacks) scope.emplace(TileStage<Panel<F>::kFacts>::kConfig);
#endif
                                      for (int64_t i = begin; i < end; ++i)
                                          multiply<F>(pieces[static_cast<size_t>(i / n_groups)], i % n_groups, worker);
                                  });
        });
    }

  private:
    static PanelFacts facts_of(DType dtype) {
        PanelFacts facts{};
        with_quantized(dtype, [&]<DType F>() { facts = Panel<F>::kFacts; });
        return facts;
    }

    // Records of activations: one for each place where no row of x has two, else one for each row of x.
    ActivationRow row(int64_t place) const {
        return {records_ + (rows_.has_x_once() ? place : rows_.index_of_x(place)) * record_.stride, record_};
    }
    void quantize() {
        const bool by_place = rows_.has_x_once();
        const int64_t n_record = by_place ? rows_.n_places() : rows_.n_row_x(), d_in = p_.layout.d_in;
        records_ = context_.reserve_shared(bytes_of_records(n_record));
        context_.parallel_for(n_record, grain_of(d_in * 4), [&](int64_t begin, int64_t end, int) {
            for (int64_t i = begin; i < end; ++i) {
                const float* x = by_place ? rows_.x(i) : rows_.x_row(i);
                if (!x) continue;
                std::byte* record = records_ + i * record_.stride;
                if (facts_.halves == 1) quantize_row<1>(x, d_in, facts_.offset_of_dot(), record_, record);
                else quantize_row<2>(x, d_in, facts_.offset_of_dot(), record_, record);
            }
        });
#ifdef KRAIT_CPU_TILES
        x_of_tiles_ = TileActivations(rows_, records_, n_record, record_, facts_.halves);
        context_.parallel_for(x_of_tiles_.n_blocks(), grain_of(d_in * kTileRows), [&](int64_t begin, int64_t end, int) {
            for (int64_t block = begin; block < end; ++block) x_of_tiles_.fill(block);
        });
#endif
    }
    int64_t bytes_of_records(int64_t n_record) const {
#ifdef KRAIT_CPU_TILES
        return TileActivations::bytes(rows_, n_record, record_, facts_.halves);
#else
        return n_record * record_.stride;
#endif
    }

    // The group's panel; packed into `scratch` first where the weight is not packed.
    const std::byte* group(int64_t matrix, int64_t index, float* scratch) const {
        if (p_.packed) return p_.packed->group(matrix * p_.layout.n_groups() + index);
        auto* bytes = reinterpret_cast<std::byte*>(scratch);
        const int64_t matrix_bytes = p_.layout.n_out * row_bytes(p_.dtype, p_.layout.d_in);
        pack_group(p_.dtype, p_.layout, p_.w + matrix * matrix_bytes, index * kPanelRows, bytes);
        return bytes;
    }

    // The rows of a piece by a group of its matrix.
    template <DType F>
    void multiply(const ProductPiece& piece, int64_t index, int worker) const {
        float* scratch = context_.scratch(worker);
        const std::byte* packed = group(piece.matrix, index, scratch + packed_at_);
        if (piece.of <= kFewRows) return few_rows<F>(packed, piece, index);
        FetchAhead ahead = next_group(piece, index);
        const Unpacked memory(scratch, p_.layout.n_units, facts_.halves);
#ifdef KRAIT_CPU_TILES
        const int64_t first = piece.first, end = piece.first + piece.count, n = index * kPanelRows;
        if (by_tiles(piece)) {
            if constexpr (F == DType::Q8_0) {
                multiply_tiles(p_, PackedTiles{cells_of<F>(packed)}, x_of_tiles_, ahead, first, end, n);
            } else {
                unpack<F, true>(packed, p_.layout.n_cells, memory);
                multiply_tiles(p_, UnpackedTiles<Panel<F>::kFacts>{memory}, x_of_tiles_, ahead, first, end, n);
            }
            return;
        }
#endif
        unpack<F, false>(packed, p_.layout.n_cells, memory);
        more_rows<Panel<F>::kFacts>(memory, ahead, piece, index * kPanelRows);
    }
    // Passes after the first read the group from level 1 or 2.
    template <DType F>
    void few_rows(const std::byte* packed, const ProductPiece& piece, int64_t index) const {
        const auto* cells = cells_of<F>(packed);
        for (int row = 0; row < kPanelRows && index * kPanelRows + row < p_.layout.n_out; row += kLanes) {
            const PackedSource<F> w{cells, row};
            const int64_t n = index * kPanelRows + row;
            if (kFewRows > 1 && piece.count == kFewRows) tile_at<kFewRows>(w, p_.layout.n_cells, piece.first, n);
            else
                for (int64_t i = 0; i < piece.count; ++i) tile_at<1>(w, p_.layout.n_cells, piece.first + i, n);
        }
    }
    // The group that is unpacked after this one, while the rows pass over this one.
    FetchAhead next_group(const ProductPiece& piece, int64_t index) const {
        if (!p_.packed || index + 1 == p_.layout.n_groups()) return {};
        const int rows_of_tile = by_tiles(piece) ? kRowsOfPart : kRowsOfTile;
        const int64_t n_tiles = std::max<int64_t>(piece.count / rows_of_tile, 1) * (kPanelRows / kLanes);
        return {p_.packed->group(piece.matrix * p_.layout.n_groups() + index + 1), p_.layout.group_bytes,
                n_tiles * p_.layout.n_units};
    }
    template <PanelFacts kFacts>
    void more_rows(const Unpacked& memory, FetchAhead& ahead, const ProductPiece& piece, int64_t n0) const {
        const int64_t begin = piece.first, end = piece.first + piece.count, n_units = p_.layout.n_units;
        for (int column = 0; column < kPanelRows && n0 + column < p_.layout.n_out; column += kLanes) {
            const UnpackedSource<kFacts> w{memory, column, &ahead};
            int64_t t = begin;
            for (; t + kRowsOfTile <= end; t += kRowsOfTile) tile_at<kRowsOfTile>(w, n_units, t, n0 + column);
            if (kRowsOfTile > 4 && t + 4 <= end) tile_at<4>(w, n_units, t, n0 + column), t += 4;
            if (t + 2 <= end) tile_at<2>(w, n_units, t, n0 + column), t += 2;
            if (t < end) tile_at<1>(w, n_units, t, n0 + column);
        }
    }
    template <int kCount, class Source>
    [[gnu::noinline]] void tile_at(const Source& w, int64_t n_cells, int64_t place, int64_t n) const {
        ActivationRow x[kCount];
        Vec sum[kCount];
        repeat<kCount>([&](auto m) { x[m] = row(place + m); });
        tile<kCount>(w, x, n_cells, sum);
        repeat<kCount>([&](auto m) { finish(p_, place + m, n, sum[m]); });
    }

    const Int8Problem& p_;
    ProductRows& rows_;
    Context& context_;
    PanelFacts facts_;
    ActivationLayout record_;
    std::byte* records_ = nullptr;
    int64_t packed_at_ = 0;  // of a thread's memory: where a group is packed
#ifdef KRAIT_CPU_TILES
    static bool by_tiles(const ProductPiece& piece) { return piece.of >= kFewestTileRows; }
    TileActivations x_of_tiles_;
#else
    static constexpr bool by_tiles(const ProductPiece&) { return false; }
#endif
};

}  // namespace

void multiply_int8(const Int8Problem& problem, Context& context) { Product(problem, context).run(); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
