// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <numeric>

#include "core/quant/codec.hpp"
#include "tests/harness/case.hpp"
#include "tests/harness/random.hpp"

namespace krait::harness {
namespace {

// The half nearest to v, from the definition of binary16: multiples of 2^(e - 10), e the exponent, at least -14.
uint16_t half_of(float v) {
    const auto bits = std::bit_cast<uint32_t>(v);
    const auto sign = static_cast<uint16_t>(bits >> 31 << 15);
    const auto with_sign = [&](double magnitude) { return static_cast<uint16_t>(sign | static_cast<uint16_t>(magnitude)); };
    if (std::isnan(v)) return static_cast<uint16_t>(sign | 0x7e00u | (bits >> 13 & 0x3ffu));
    const double magnitude = std::fabs(static_cast<double>(v));
    if (magnitude >= 65520) return with_sign(0x7c00);
    if (magnitude == 0) return sign;
    const int exponent = std::max(std::ilogb(magnitude), -14);
    const double steps = std::nearbyint(std::ldexp(magnitude, 10 - exponent));  // ties to even; up to 2048, which carries
    return with_sign((exponent + 14) * 1024 + steps);
}

void evaluate(const ops::KvWrite::In<Values>& in, const ops::KvWriteParams& params,
              const ops::KvWrite::Out<std::vector<double>*>&, SlotStates& states) {
    const auto width = static_cast<size_t>(in.x.extent(1)), column = static_cast<size_t>(params.column);
    const DType dtype = dtype_of(in.cache.desc);
    for (int64_t t = 0; t < in.rows.extent(0); ++t) {
        if (in.rows.id(t) < 0) continue;
        std::byte* row = states.write(in.rows.id(t)).data();
        const std::span<const float> x = in.x.f.subspan(static_cast<size_t>(t) * width, width);
        if (dtype == DType::Q8_0) encode_row(dtype, x, row + column / 32 * 34);  // its bytes are tests/unit/quant_*_test.cpp's
        else if (dtype == DType::F32) std::memcpy(row + 4 * column, x.data(), x.size_bytes());
        else
            for (size_t i = 0; i < width; ++i) {
                const uint16_t half = half_of(x[i]);
                std::memcpy(row + 2 * (column + i), &half, sizeof half);
            }
    }
}

using Cases = OpCases<ops::KvWrite, evaluate>;

struct Cache {
    DType dtype;
    int64_t n_pages, rows_per_page, width;
    Operand operand() const { return pages(dtype, {n_pages, rows_per_page, width}); }
};

Case& add(Cases& op, std::string name, const Cache& cache, std::vector<int32_t> rows, Fill fill = normal()) {
    const auto n_tok = static_cast<int64_t>(rows.size());
    Case& added =
        op.add(fmt::format("{}.{}", dtype_name(cache.dtype), name),
               {.x = f32({n_tok, cache.width}, std::move(fill)), .cache = cache.operand(), .rows = index(std::move(rows))});
    added.flops = static_cast<double>(n_tok * cache.width);
    return added;
}

// n rows of the cache in any order; every fourth goes nowhere.
std::vector<int32_t> scattered(const Cache& cache, int64_t n, uint64_t seed) {
    std::vector<int32_t> all(static_cast<size_t>(cache.n_pages * cache.rows_per_page));
    std::iota(all.begin(), all.end(), 0);
    Random random(seed);
    for (size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
    all.resize(static_cast<size_t>(n));
    for (size_t t = 3; t < all.size(); t += 4) all[t] = -1;
    return all;
}

void add_shapes(Cases& op, DType dtype) {
    const int64_t step = dtype == DType::F16 ? 2 : dtype == DType::Q8_0 ? 64 : 1;  // rows are whole words
    for (const int64_t width : {1, 3, 7, 8, 9, 15, 16, 17, 32, 33, 64, 65, 130, 257, 513, 1024}) {
        const Cache cache{dtype, 3, 4, width * step};
        for (const int64_t n_tok : {1, 5})
            add(op, fmt::format("t{}.e{}", n_tok, cache.width), cache, scattered(cache, n_tok, static_cast<uint64_t>(width)));
    }
    for (const auto& [n_pages, rows_per_page] : {std::pair<int64_t, int64_t>{1, 1}, {1, 64}, {64, 1}, {5, 16}, {17, 3}}) {
        const Cache cache{dtype, n_pages, rows_per_page, dtype == DType::Q8_0 ? 128 : 34};
        const int64_t n_row = n_pages * rows_per_page;
        add(op, fmt::format("pages{}x{}", n_pages, rows_per_page), cache, scattered(cache, n_row, 7));
        add(op, fmt::format("pages{}x{}.last_row", n_pages, rows_per_page), cache, {static_cast<int32_t>(n_row - 1)});
        add(op, fmt::format("pages{}x{}.first_row", n_pages, rows_per_page), cache, {0});
    }
    const Cache cache{dtype, 4, 16, dtype == DType::Q8_0 ? 192 : 130};
    add(op, "t0", cache, {});
    add(op, "nowhere", cache, std::vector<int32_t>(9, -1));
    add(op, "chunk", cache, {20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 0, 1, 2, 3});  // to the end of a page, and on
    add(op, "padded", cache, {5, 6, 7, -1, -1, -1, -1, -1});
    Cache large{dtype, 256, 16, 512};
    add(op, "prompt", large, scattered(large, 512, 3)).heavy = true;
    // Some columns of the rows: keys, and values behind them.
    for (const auto& [column, width] : {std::pair<int64_t, int64_t>{0, 1}, {1, 1}, {2, 1}, {0, 2}, {1, 2}, {1, 3}}) {
        const Cache wide{dtype, 3, 4, dtype == DType::Q8_0 ? 128 : dtype == DType::F16 ? 8 : 12};
        const int64_t unit = wide.width / 4;
        const auto rows = scattered(wide, 5, static_cast<uint64_t>(column));
        Case& added = op.add(fmt::format("{}.columns{}from{}", dtype_name(dtype), width * unit, column * unit),
                             {.x = f32({5, width * unit}), .cache = wide.operand(), .rows = index(rows)},
                             {.column = static_cast<int32_t>(column * unit)});
        added.flops = static_cast<double>(added.in[0].desc.extent[1]) * 5;
    }
}

// Where a rounding, a flush or a copy as a float would show.
void add_values(Cases& op, DType dtype) {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const Cache cache{dtype, 2, 3, dtype == DType::Q8_0 ? 64 : 48};
    const auto with = [&](const char* name, std::vector<float> values) {
        add(op, name, cache, {4, 0, 3}, cycle(std::move(values)));
    };
    with("special", {0.0f, -0.0f, inf, -inf, nan, -nan, 1.0f, -2.5f});
    with("nan_payloads",
         {std::bit_cast<float>(0x7f800001u), std::bit_cast<float>(0xff812345u), std::bit_cast<float>(0x7fabcdefu),
          std::bit_cast<float>(0xffc02000u), std::bit_cast<float>(0x7fffffffu)});
    with("large", {65504.0f, -65504.0f, 65519.996f, 65520.0f, -65520.0f, 65536.0f, 1e9f, 3.4e38f, -3.4e38f});
    with("half_subnormals", {0x1p-14f, 0x1.ff8p-15f, 0x1.ffcp-15f, 0x1.ffap-15f, 0x1p-24f, -0x1p-24f, 0x1.8p-24f, 0x1.4p-23f,
                             0x1.000002p-25f, 0x1p-25f, -0x1p-25f, 0x1.fffffep-26f, 0x1p-20f, -0x1.555556p-18f});
    with("float_subnormals", {0x1p-149f, -0x1p-149f, 0x1p-127f, 0x1.fffffcp-127f, 1e-40f, -1e-40f, 0x1p-126f});
    // Halfway between two halves, and a float32 to each side; the mantissa carries into the exponent.
    with("ties", {0x1.002p0f, 0x1.006p0f, 0x1.002002p0f, 0x1.001ffep0f, 0x1.ffep0f, 0x1.ffdffep0f, -0x1.ffep3f, 0x1.ffap-10f,
                  2049.0f, 2051.0f, 4098.0f, 4102.0f});
    with("wide_range", {1e-8f, 1e-6f, 1e-4f, 1e-2f, 1.0f, 1e2f, 1e4f, 1e5f, -3e-7f, -3e-5f, -3e-3f});
    add(op, "nan_that_goes_nowhere", cache, {-1, 2, -1}, normal().with({0, Patch::kAll, nan}).with({2, Patch::kAll, inf}));
}

void add_wrong(Cases& op) {
    const auto wrong = [&](const char* name, ops::KvWrite::In<Operand> in, std::vector<std::string> words, int32_t column = 0) {
        op.add_illegal(name, in, {.column = column}, std::move(words));
    };
    const Operand x = f32({2, 8}), cache = pages(DType::F32, {3, 4, 8});
    wrong("row_end", {.x = x, .cache = cache, .rows = index({0, 12})}, {"rows[1] = 12", "-1 (nowhere) and 0 to 11"});
    wrong("row_negative", {.x = x, .cache = cache, .rows = index({-2, 0})}, {"rows[0] = -2"});
    wrong("row_twice", {.x = x, .cache = cache, .rows = index({7, 7})}, {"row 7", "twice"});
    wrong("rows_short", {.x = x, .cache = cache, .rows = index({1})}, {"'rows'", "[2]"});
    wrong("rows_type", {.x = x, .cache = cache, .rows = f32({2})}, {"'rows'", "I32"});
    wrong("x_rank", {.x = f32({2, 8, 1}), .cache = cache, .rows = index({0, 1})}, {"'x'", "rank 2"});
    wrong("width", {.x = f32({2, 9}), .cache = cache, .rows = index({0, 1})}, {"8 columns", "9 from 0 on"});
    wrong("column", {.x = f32({2, 4}), .cache = cache, .rows = index({0, 1})}, {"8 columns", "4 from 5 on"}, 5);
    wrong("column_negative", {.x = x, .cache = cache, .rows = index({0, 1})}, {"from -1 on"}, -1);
    wrong("odd_column", {.x = f32({2, 4}), .cache = pages(DType::F16, {3, 4, 8}), .rows = index({0, 1})},
          {"F16", "multiples of 2"}, 3);
    wrong("part_of_a_block", {.x = f32({2, 32}), .cache = pages(DType::Q8_0, {3, 4, 128}), .rows = index({0, 1})},
          {"Q8_0", "multiples of 32"}, 16);
    wrong("half_a_block", {.x = f32({2, 48}), .cache = pages(DType::Q8_0, {3, 4, 128}), .rows = index({0, 1})},
          {"Q8_0", "multiples of 32"});
    wrong("cache_rank", {.x = x, .cache = pages(DType::F32, {12, 8}), .rows = index({0, 1})}, {"'cache'"});
    wrong("cache_type", {.x = x, .cache = pages(DType::BF16, {3, 4, 8}), .rows = index({0, 1})},
          {"'cache'", "F32, F16 or Q8_0"});
    wrong("odd_halves", {.x = f32({2, 9}), .cache = pages(DType::F16, {3, 4, 9}), .rows = index({0, 1})},
          {"'cache'", "multiple of 2"});
    wrong("too_many_rows", {.x = x, .cache = pages(DType::F32, {1 << 20, 1 << 12, 8}), .rows = index({0, 1})}, {"2^31"});
}

}  // namespace

void add_kv_write_cases(CaseList& list) {
    Cases op = list.op<ops::KvWrite, evaluate>();
    for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0}) {
        add_shapes(op, dtype);
        add_values(op, dtype);
    }
    add_wrong(op);
}

}  // namespace krait::harness
