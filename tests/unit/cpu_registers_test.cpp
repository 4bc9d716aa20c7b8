// SPDX-License-Identifier: Apache-2.0
//
// Registers of each level (backends/cpu/simd/vec.hpp) against plain C++, lane by lane and to the bit: products that are rounded
// once, integer dot products at the ends of their ranges, conversions. Emulated levels run everywhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "core/quant/half.hpp"
#include "tests/unit/cpu_probe.hpp"

namespace krait::cpu {
namespace {

class CpuRegisters : public testing::TestWithParam<const Probe*> {
  protected:
    void SetUp() override {
        if (const std::string missing = missing_for(GetParam()->level); !missing.empty())
            GTEST_SKIP() << "this machine lacks " << missing;
    }
    const Probe& probe() const { return *GetParam(); }
};

// Any NaN is like any other.
void expect_same(float got, float want, const std::string& of) {
    if (std::isnan(want)) EXPECT_TRUE(std::isnan(got)) << of << " gives " << got;
    else EXPECT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(want)) << of << " gives " << got << ", not " << want;
}

// All kinds of numbers: any bits, and numbers whose products and sums come close to ties and to the ends of the range.
std::vector<float> numbers(size_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<float> list(n);
    const float special[] = {0.0f,
                             -0.0f,
                             1.0f,
                             -1.0f,
                             0x1p-126f,
                             0x1p-149f,
                             -0x1.fffffep-127f,
                             0x1.fffffep127f,
                             0x1p-75f,
                             std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity(),
                             std::numeric_limits<float>::quiet_NaN()};
    for (float& v : list) switch (random() % 4) {
            case 0: v = special[random() % std::size(special)]; break;
            case 1: v = std::bit_cast<float>(static_cast<uint32_t>(random())); break;
            case 2: v = std::ldexp(static_cast<float>(random() % 8192) - 4096.0f, -static_cast<int>(random() % 30)); break;
            default:
                v = std::bit_cast<float>(static_cast<uint32_t>(0x3f800000u | (random() & 0x807fffffu)));
                break;  // 1 to 2, and a sign
        }
    return list;
}

TEST_P(CpuRegisters, AFusedProductIsRoundedOnce) {
    if (!probe().fuses) GTEST_SKIP() << "this level rounds twice";
    const size_t n = 1 << 18;
    const std::vector<float> a = numbers(n, 1), b = numbers(n, 2);
    std::vector<float> c = numbers(n, 3), out(n);
    // In half of them c is near the product, or a tie of it: what is lost below the last bit decides.
    for (size_t i = 0; i < n; i += 2) c[i] = std::ldexp(a[i] * b[i], i % 4 == 0 ? 24 : 0) * (i % 8 < 4 ? 1.0f : -1.0f);
    probe().fma(a.data(), b.data(), c.data(), out.data(), static_cast<int64_t>(n));
    for (size_t i = 0; i < n && !HasFailure(); ++i)
        expect_same(out[i], std::fma(a[i], b[i], c[i]),
                    std::to_string(a[i]) + " * " + std::to_string(b[i]) + " + " + std::to_string(c[i]));
}

TEST_P(CpuRegisters, WholeNumbersAreTheNearestAndEvenInTheMiddle) {
    std::vector<float> in = numbers(4096, 4), out(in.size());
    for (size_t i = 0; i < in.size(); i += 2) in[i] = static_cast<float>(static_cast<int>(i) - 2048) * 0.5f;
    probe().round_even(in.data(), out.data(), static_cast<int64_t>(in.size()));
    for (size_t i = 0; i < in.size(); ++i)
        EXPECT_TRUE(out[i] == std::nearbyint(in[i]) || std::isnan(in[i])) << in[i] << " gives " << out[i];
}

TEST_P(CpuRegisters, DotProductsOfBytesAreExact) {
    const size_t lanes = static_cast<size_t>(probe().lanes);
    std::mt19937 random(5);
    for (const int max : {15, 127, 255})
        for (int round = 0; round < 100; ++round) {
            const int n_rows = round % 8 < 4 ? 1 : probe().rows_of_dot;
            std::vector<uint8_t> q(32 * lanes);
            std::vector<int8_t> x(32 * static_cast<size_t>(n_rows));
            // The first rounds have the ends of the ranges alone.
            for (uint8_t& v : q)
                v = static_cast<uint8_t>(round < 8 ? (round % 2 == 0 ? max : 0) : random() % static_cast<unsigned>(max + 1));
            for (int8_t& v : x)
                v = static_cast<int8_t>(round < 8 ? (round % 4 < 2 ? 127 : -127) : static_cast<int>(random() % 255) - 127);
            std::vector<int32_t> out(lanes * static_cast<size_t>(n_rows));
            probe().dot(max, n_rows, q.data(), x.data(), out.data());
            for (size_t i = 0; i < out.size(); ++i) {
                const size_t row = i / lanes, lane = i % lanes;
                int32_t want = 0;
                for (size_t k = 0; k < 32; ++k)
                    want += (q[4 * (lanes * (k / 4) + lane) + k % 4] - (max > 127 ? 128 : 0)) * x[32 * row + k];
                ASSERT_EQ(out[i], want) << "bytes up to " << max << ", lane " << lane << ", row " << row << " of " << n_rows;
            }
        }
}

TEST_P(CpuRegisters, DotProductsOfPairsWrapAround) {
    const size_t lanes = static_cast<size_t>(probe().lanes);
    const int16_t ends[] = {-32768, 32767, -1, 0, 1, 4095, -4096};
    for (const int16_t x0 : ends)
        for (const int16_t x1 : ends)
            for (const int32_t start : {0, -5, 2147483647}) {
                std::vector<int16_t> w(2 * lanes);
                for (size_t i = 0; i < w.size(); ++i) w[i] = ends[(i * 3 + 1) % std::size(ends)];
                const int16_t x[2] = {x0, x1};
                std::vector<int32_t> out(lanes);
                probe().dot_pairs(start, w.data(), x, out.data());
                for (size_t lane = 0; lane < lanes; ++lane)
                    ASSERT_EQ(static_cast<uint32_t>(out[lane]),
                              static_cast<uint32_t>(static_cast<int64_t>(start) + int64_t{w[2 * lane]} * x0 +
                                                    int64_t{w[2 * lane + 1]} * x1));
            }
}

TEST_P(CpuRegisters, TransposedAndSwappedLanes) {
    const auto n = static_cast<size_t>(probe().lanes);
    std::vector<float> rows(n * n), columns(n * n), swapped(n);
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
    probe().transpose(rows.data(), columns.data());
    probe().swap_pairs(rows.data(), swapped.data());
    for (size_t i = 0; i < n; ++i) {
        EXPECT_EQ(swapped[i], rows[i ^ 1]) << i;
        for (size_t j = 0; j < n; ++j) EXPECT_EQ(columns[i * n + j], rows[j * n + i]) << i << ", " << j;
    }
}

TEST_P(CpuRegisters, StoredIntegersSaturate) {
    std::vector<float> in;
    for (const float v : {0.0f, 1.0f, -1.0f, 127.0f, 128.0f, -128.0f, -129.0f, 1000.0f, -1000.0f, 32767.0f, 32768.0f, -32768.0f,
                          -32769.0f, 1e6f, -1e6f, 77.0f})
        in.push_back(v);
    std::vector<int8_t> bytes(in.size());
    std::vector<int16_t> words(in.size());
    probe().store_i8(in.data(), bytes.data(), static_cast<int64_t>(in.size()));
    probe().store_i16(in.data(), words.data(), static_cast<int64_t>(in.size()));
    for (size_t i = 0; i < in.size(); ++i) {
        EXPECT_EQ(bytes[i], std::clamp(in[i], -128.0f, 127.0f));
        EXPECT_EQ(words[i], std::clamp(in[i], -32768.0f, 32767.0f));
    }
}

TEST_P(CpuRegisters, HalvesAreThoseOfTheFormat) {
    std::vector<uint16_t> halves(65536);
    for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
    std::vector<float> wide(halves.size());
    probe().load_f16(halves.data(), wide.data(), static_cast<int64_t>(halves.size()));
    for (size_t i = 0; i < halves.size(); ++i) expect_same(wide[i], f16_to_f32(halves[i]), "half " + std::to_string(i));
    const std::vector<float> in = numbers(65536, 6);
    probe().store_f16(in.data(), halves.data(), static_cast<int64_t>(in.size()));
    for (size_t i = 0; i < in.size(); ++i) EXPECT_EQ(halves[i], f32_to_f16(in[i])) << in[i];
}

INSTANTIATE_TEST_SUITE_P(Levels, CpuRegisters, testing::ValuesIn(probes()),
                         [](const testing::TestParamInfo<const Probe*>& level) { return std::string(level.param->name); });

}  // namespace
}  // namespace krait::cpu
