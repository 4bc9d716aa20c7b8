// SPDX-License-Identifier: Apache-2.0
//
// Encoding of weights that no trained model should have but some file will: zeros, constants, denormals, numbers beyond f16,
// one sign only, outliers, NaN and infinities. What comes out is always finite for block formats.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "core/quant/codec.hpp"

namespace krait {
namespace {

constexpr size_t kElems = 512;  // two of the largest blocks
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kF16Largest = 65504.0f;

std::vector<DType> block_formats() {
    std::vector<DType> formats;
    for (const DTypeInfo& info : kDTypes)
        if (is_quantized(info.dtype)) formats.push_back(info.dtype);
    return formats;
}

std::vector<unsigned char> encoded(DType dtype, std::span<const float> in, std::span<const float> importance = {}) {
    std::vector<unsigned char> blocks(static_cast<size_t>(row_bytes(dtype, static_cast<int64_t>(in.size()))));
    encode_row(dtype, in, importance, blocks.data());
    return blocks;
}

std::vector<float> through(DType dtype, std::span<const float> in, std::span<const float> importance = {}) {
    std::vector<float> out(in.size());
    decode_row(dtype, encoded(dtype, in, importance).data(), out);
    return out;
}

void expect_finite(DType dtype, std::span<const float> values) {
    for (size_t i = 0; i < values.size(); ++i) ASSERT_TRUE(std::isfinite(values[i])) << dtype_name(dtype) << " element " << i;
}

// Weights alternating in sign and size, the largest 1.
std::vector<float> ramp(float factor) {
    std::vector<float> x(kElems);
    for (size_t i = 0; i < kElems; ++i) {
        const float v = static_cast<float>(i % 32 + 1) / 32.0f;
        x[i] = (i % 2 ? -v : v) * factor;
    }
    return x;
}

// No weight is farther from its decoded value than this times the largest weight: more than half a step of the formats, because
// least squares clips extremes. Q2_K has 4 levels over both signs; the codebook's outer levels lie 24 of 127 apart.
double tolerance(DType dtype) {
    switch (dtype) {
        case DType::Q2_K: return 0.4;
        case DType::Q3_K: return 0.2;
        case DType::IQ4_NL:
        case DType::IQ4_XS: return 0.15;
        default: return 0.1;
    }
}

class QuantEdge : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Formats, QuantEdge, testing::ValuesIn(block_formats()),
                         [](const auto& test) { return std::string(dtype_name(test.param)); });

TEST_P(QuantEdge, ZerosStayZeros) {
    for (const float zero : {0.0f, -0.0f})
        for (const float v : through(GetParam(), std::vector<float>(kElems, zero))) ASSERT_EQ(v, 0.0f);
}

TEST_P(QuantEdge, ConstantsAreMetWithinTheScalesPrecision) {
    // 2^-10: one rounding of a scale to f16, one of a minimum.
    for (const float constant : {1.0f, -1.0f, 0.37f, -0.0123f, 1000.0f, -4096.0f})
        for (const float v : through(GetParam(), std::vector<float>(kElems, constant)))
            ASSERT_NEAR(v, constant, std::fabs(constant) * 0x1p-10f) << constant;
}

TEST_P(QuantEdge, DenormalsAndNumbersBelowF16BecomeSmallNumbers) {
    for (const float factor : {1e-45f, 1e-40f, 1e-30f, 1e-12f, 1e-8f})
        for (const float v : through(GetParam(), ramp(factor))) ASSERT_LE(std::fabs(v), 0x1p-23f) << factor;
}

// Scales lie among the subnormal f16 numbers here, where a step is 2^-24, and half of it times the largest quant is lost to
// rounding. The K formats escape by larger d and smaller stored scales.
TEST_P(QuantEdge, ScalesInTheSubnormalRange) {
    const std::vector<float> x = ramp(1e-5f), y = through(GetParam(), x);
    const double lost = GetParam() == DType::Q8_0 ? 127 * 0x1p-25 : 16 * 0x1p-25;
    for (size_t i = 0; i < kElems; ++i) ASSERT_NEAR(y[i], x[i], 1e-5 * tolerance(GetParam()) + lost) << i;
}

TEST_P(QuantEdge, HugeWeightsSaturateWithTheirSigns) {
    for (const float factor : {1e30f, 3e38f, -1e30f}) {
        const std::vector<float> x = ramp(factor), y = through(GetParam(), x);
        expect_finite(GetParam(), y);
        for (size_t i = 0; i < kElems; ++i) {
            if (i % 32 < 16) continue;  // the smaller half of a sub-block may be rounded to 0
            ASSERT_EQ(std::signbit(y[i]), std::signbit(x[i])) << i;
            ASSERT_GE(std::fabs(y[i]), kF16Largest) << i;
        }
    }
}

TEST_P(QuantEdge, ScalesUpToTheLimitAreNotSaturated) {
    // 65504 times the least of the largest quants, 3 (Q2_K without its minimum), is in reach of every format.
    const std::vector<float> x = ramp(kF16Largest), y = through(GetParam(), x);
    for (size_t i = 0; i < kElems; ++i) ASSERT_NEAR(y[i] / kF16Largest, x[i] / kF16Largest, tolerance(GetParam())) << i;
}

TEST_P(QuantEdge, OneSignOnly) {
    std::mt19937 random(1);
    for (const float sign : {1.0f, -1.0f}) {
        std::vector<float> x(kElems);
        for (float& v : x) v = sign * (0.01f + static_cast<float>(random() % 1000) / 1000.0f);
        const std::vector<float> y = through(GetParam(), x);
        for (size_t i = 0; i < kElems; ++i) ASSERT_NEAR(y[i], x[i], tolerance(GetParam())) << i;
    }
}

TEST_P(QuantEdge, ASingleOutlierIsKept) {
    for (const float outlier : {1e4f, -1e4f}) {
        std::vector<float> x = ramp(1.0f);
        x[300] = outlier;
        const std::vector<float> y = through(GetParam(), x);
        EXPECT_NEAR(y[300] / outlier, 1, 0.02);
        // The neighbours in its sub-block are lost to it, but never to more than half a step.
        for (size_t i = 0; i < kElems; ++i) ASSERT_LE(std::fabs(y[i]), i == 300 ? 1.1e4 : 1e4 * tolerance(GetParam())) << i;
    }
}

TEST_P(QuantEdge, NaNCountsAsZeroAndInfinityAsTheLargest) {
    const std::vector<float> clean = ramp(1.0f);
    std::vector<float> x = clean, zeroed = clean;
    for (const size_t i : {3u, 64u, 500u}) {
        x[i] = i == 64 ? -kNaN : kNaN;
        zeroed[i] = 0;
    }
    EXPECT_EQ(encoded(GetParam(), x), encoded(GetParam(), zeroed));

    std::vector<float> infinite = clean, largest = clean;
    infinite[7] = kInfinity, infinite[40] = -kInfinity;
    largest[7] = std::numeric_limits<float>::max(), largest[40] = -largest[7];
    EXPECT_EQ(encoded(GetParam(), infinite), encoded(GetParam(), largest));
    const std::vector<float> y = through(GetParam(), infinite);
    expect_finite(GetParam(), y);
    EXPECT_GE(y[7], kF16Largest);
    EXPECT_LE(y[40], -kF16Largest);
    // The second half of the row is other blocks: unharmed.
    const std::vector<float> of_clean = through(GetParam(), clean);
    EXPECT_TRUE(std::equal(y.begin() + 256, y.end(), of_clean.begin() + 256));

    expect_finite(GetParam(), through(GetParam(), std::vector<float>(kElems, kNaN)));
    expect_finite(GetParam(), through(GetParam(), std::vector<float>(kElems, -kInfinity)));
}

TEST_P(QuantEdge, OddImportance) {
    const std::vector<float> x = ramp(1.0f);
    // None at all, said in four ways.
    for (const float none : {0.0f, -1.0f, kNaN, kInfinity})
        EXPECT_EQ(encoded(GetParam(), x, std::vector<float>(kElems, none)), encoded(GetParam(), x)) << none;
    // Importances that cannot be used count as 0; extremes of the others neither overflow nor vanish.
    std::vector<float> odd(kElems, 1.0f), zeroed(kElems, 1.0f);
    for (size_t i = 0; i < kElems; i += 5) {
        odd[i] = i % 2 ? kNaN : i % 3 ? -2.0f : kInfinity;
        zeroed[i] = 0;
    }
    EXPECT_EQ(encoded(GetParam(), x, odd), encoded(GetParam(), x, zeroed));
    for (const float size : {1e-38f, 1e38f}) {
        const std::vector<float> y = through(GetParam(), x, std::vector<float>(kElems, size));
        for (size_t i = 0; i < kElems; ++i) ASSERT_NEAR(y[i], x[i], tolerance(GetParam())) << i;
    }
}

TEST_P(QuantEdge, AnyBitsGiveFiniteBlocks) {
    std::mt19937 random(2);
    std::vector<float> x(kElems), importance(kElems);
    for (int repeat = 0; repeat < 30; ++repeat) {
        for (float& v : x) v = std::bit_cast<float>(static_cast<uint32_t>(random()));
        for (float& v : importance) v = std::bit_cast<float>(static_cast<uint32_t>(random()));
        expect_finite(GetParam(), through(GetParam(), x));
        expect_finite(GetParam(), through(GetParam(), x, importance));
    }
}

// Weights far from zero and all of one sign: the formats with minima spend their quants on the spread, also above zero. The K
// formats pay for the rounding of each sub-block's minimum to a step of 10 / 63 (Q2_K: 10 / 15).
TEST(QuantEdgeMinima, WeightsAroundAnOffset) {
    struct Case {
        DType dtype;
        double rms;  // of the error; the weights are uniform in offset +- 1
    };
    std::mt19937 random(3);
    for (const Case c :
         {Case{DType::Q4_1, 0.038}, {DType::Q5_1, 0.019}, {DType::Q2_K, 0.175}, {DType::Q4_K, 0.041}, {DType::Q5_K, 0.021}})
        for (const float offset : {10.0f, -10.0f}) {
            std::vector<float> x(kElems);
            for (float& v : x) v = offset + static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
            const std::vector<float> y = through(c.dtype, x);
            double squares = 0;
            for (size_t i = 0; i < kElems; ++i) squares += std::pow(static_cast<double>(y[i] - x[i]), 2);
            EXPECT_LE(std::sqrt(squares / kElems), c.rms) << dtype_name(c.dtype) << " around " << offset;
        }
}

TEST(QuantEdgeMinima, AMinimumBeyondF16CountsDownFromTheMaximum) {
    std::vector<float> x(32);
    for (size_t i = 0; i < 32; ++i) x[i] = -70000.0f + 1000.0f * static_cast<float>(i);
    for (const DType dtype : {DType::Q4_1, DType::Q5_1}) {
        const std::vector<float> y = through(dtype, x);
        for (size_t i = 0; i < 32; ++i) EXPECT_NEAR(y[i], x[i], 31000.0 / 15 / 2 + 50) << dtype_name(dtype) << " " << i;
    }
}

TEST(QuantEdgePlain, NaNAndInfinitiesStay) {
    for (const DType dtype : {DType::F32, DType::F16, DType::BF16}) {
        const std::vector<float> y = through(dtype, std::vector<float>{kNaN, kInfinity, -kInfinity, -0.0f, 1.0f});
        EXPECT_TRUE(std::isnan(y[0]));
        EXPECT_EQ(y[1], kInfinity);
        EXPECT_EQ(y[2], -kInfinity);
        EXPECT_TRUE(y[3] == 0 && std::signbit(y[3]));
        EXPECT_EQ(y[4], 1.0f);
    }
    EXPECT_EQ(through(DType::F16, std::vector<float>{1e30f})[0], kInfinity);
    EXPECT_EQ(through(DType::F16, std::vector<float>{65519.0f})[0], kF16Largest);
}

TEST(QuantEdgePlain, EmptyRows) {
    for (const DTypeInfo& info : kDTypes) {
        if (!info.is_weight_format) continue;
        encode_row(info.dtype, {}, nullptr);
        decode_row(info.dtype, nullptr, {});
    }
}

}  // namespace
}  // namespace krait
