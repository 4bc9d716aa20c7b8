// SPDX-License-Identifier: Apache-2.0
//
// f16 and bf16 conversions: every 16-bit pattern, every tie between neighbours, random floats against an oracle in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "core/quant/half.hpp"

namespace krait {
namespace {

uint32_t bits_of(float value) { return std::bit_cast<uint32_t>(value); }
float float_of(uint32_t bits) { return std::bit_cast<float>(bits); }

static_assert(f16_to_f32(0x3C00) == 1.0f && f32_to_f16(-2.0f) == 0xC000 && f32_to_bf16(1.0f) == 0x3F80);

// IEEE's own definition: (-1)^sign * 2^(exponent - 15) * 1.mantissa, and without the leading 1 where the exponent is 0.
double f16_by_definition(uint16_t bits) {
    const int exponent = bits >> 10 & 31;
    const double mantissa = bits & 1023;
    const double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                             : exponent == 0 ? std::ldexp(mantissa, -24)
                                             : std::ldexp(1024 + mantissa, exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

// Nearest multiple of the spacing at |value|, ties to even (the default rounding mode of nearbyint).
uint16_t f16_oracle(float value) {
    const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
    const double magnitude = std::fabs(static_cast<double>(value));
    if (std::isinf(magnitude)) return sign | 0x7C00;
    const int exponent = magnitude == 0 ? -14 : std::max(std::ilogb(magnitude), -14);
    const double steps = std::nearbyint(std::ldexp(magnitude, 10 - exponent));  // 1024..2048, or less for subnormals
    const double rounded = std::ldexp(steps, exponent - 10);
    if (rounded >= 65536) return sign | 0x7C00;
    if (rounded < std::ldexp(1.0, -14)) return static_cast<uint16_t>(sign | static_cast<int>(std::ldexp(rounded, 24)));
    const int e = std::ilogb(rounded);
    return static_cast<uint16_t>(sign | (e + 15) << 10 | (static_cast<int>(std::ldexp(rounded, 10 - e)) - 1024));
}

bool is_f16_nan(uint32_t bits) { return (bits & 0x7C00) == 0x7C00 && (bits & 0x3FF) != 0; }

TEST(QuantHalf, EveryF16PatternWidensExactlyAndReturns) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        const auto half = static_cast<uint16_t>(bits);
        const float wide = f16_to_f32(half);
        if (is_f16_nan(bits)) {
            // Sign and payload survive, the quiet bit is set.
            EXPECT_EQ(bits_of(wide), (bits & 0x8000) << 16 | 0x7FC00000 | (bits & 0x3FF) << 13) << std::hex << bits;
            EXPECT_EQ(f32_to_f16(wide), bits | 0x0200) << std::hex << bits;
            continue;
        }
        ASSERT_EQ(static_cast<double>(wide), f16_by_definition(half)) << std::hex << bits;
        ASSERT_EQ(std::signbit(wide), (bits & 0x8000) != 0) << std::hex << bits;
        ASSERT_EQ(f32_to_f16(wide), half) << std::hex << bits;
    }
}

TEST(QuantHalf, F16TiesGoToEvenAndTheirNeighboursToTheNearer) {
    for (uint32_t bits = 0; bits < 0x7C00; ++bits) {  // each finite value and the next one, the last of which is 2^16
        const double low = f16_by_definition(static_cast<uint16_t>(bits));
        const double high = bits == 0x7BFF ? 65536.0 : f16_by_definition(static_cast<uint16_t>(bits + 1));
        const auto middle = static_cast<float>((low + high) / 2);  // exact: one more bit than f16 has
        const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
        for (const uint32_t sign : {0u, 0x8000u}) {
            const float s = sign ? -1.0f : 1.0f;
            ASSERT_EQ(f32_to_f16(s * middle), sign | even) << std::hex << bits;
            ASSERT_EQ(f32_to_f16(s * std::nextafter(middle, 0.0f)), sign | bits) << std::hex << bits;
            ASSERT_EQ(f32_to_f16(s * std::nextafter(middle, 1e9f)), sign | (bits + 1)) << std::hex << bits;
        }
    }
}

TEST(QuantHalf, F16AgreesWithTheDoubleOracle) {
    std::mt19937 random(1);
    for (int i = 0; i < 1'000'000; ++i) {
        auto bits = static_cast<uint32_t>(random());
        if (i % 2) bits = (bits & 0x807FFFFF) | (100 + bits % 46) << 23;  // half of them where f16 has its exponents
        const float value = float_of(bits);
        if (std::isnan(value)) {
            ASSERT_TRUE(is_f16_nan(f32_to_f16(value)) && (f32_to_f16(value) & 0x0200)) << std::hex << bits;
            continue;
        }
        ASSERT_EQ(f32_to_f16(value), f16_oracle(value)) << std::hex << bits;
    }
}

TEST(QuantHalf, EveryBf16PatternWidensExactlyAndReturns) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        const float wide = bf16_to_f32(static_cast<uint16_t>(bits));
        ASSERT_EQ(bits_of(wide), bits << 16);
        const uint32_t expected = std::isnan(wide) ? bits | 0x0040 : bits;
        ASSERT_EQ(f32_to_bf16(wide), expected) << std::hex << bits;
    }
}

TEST(QuantHalf, Bf16TiesGoToEvenAndTheirNeighboursToTheNearer) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        if ((bits & 0x7FFF) >= 0x7F80) continue;
        const uint32_t even = bits % 2 == 0 ? bits : bits + 1;  // past the largest finite value lies infinity
        ASSERT_EQ(f32_to_bf16(float_of(bits << 16 | 0x8000)), even) << std::hex << bits;
        ASSERT_EQ(f32_to_bf16(float_of(bits << 16 | 0x7FFF)), bits) << std::hex << bits;
        ASSERT_EQ(f32_to_bf16(float_of(bits << 16 | 0x8001)), bits + 1) << std::hex << bits;
    }
    // A NaN whose payload lies in the lower half only must not become an infinity.
    EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(float_of(0x7F800001)))));
    EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(float_of(0xFFFFFFFF)))));
}

}  // namespace
}  // namespace krait
