// SPDX-License-Identifier: Apache-2.0
//
// How good the encoders are: error on Gaussian weights, what importance buys, what a second encoding loses.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/quant/codec.hpp"
#include "core/quant/encode_blocks.hpp"

namespace krait {
namespace {

// Box-Muller on a generator that the standard fixes: the same numbers with every library.
std::vector<float> gaussian(size_t n, uint32_t seed, double mean = 0, double deviation = 0.02) {
    std::mt19937 random(seed);
    const auto uniform = [&] { return (static_cast<double>(random()) + 0.5) / 4294967296.0; };
    std::vector<float> values(n);
    for (float& v : values) {
        const double radius = std::sqrt(-2 * std::log(uniform()));
        v = static_cast<float>(mean + deviation * radius * std::cos(6.283185307179586 * uniform()));
    }
    return values;
}

std::vector<float> through(DType dtype, std::span<const float> in, std::span<const float> importance = {}) {
    std::vector<unsigned char> blocks(static_cast<size_t>(row_bytes(dtype, static_cast<int64_t>(in.size()))));
    std::vector<float> out(in.size());
    encode_row(dtype, in, importance, blocks.data());
    decode_row(dtype, blocks.data(), out);
    return out;
}

// sqrt(sum w (a - b)^2 / sum w a^2)
double relative_error(std::span<const float> a, std::span<const float> b, std::span<const float> weights = {}) {
    double error = 0, size = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double w = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        error += w * difference * difference;
        size += w * static_cast<double>(a[i]) * static_cast<double>(a[i]);
    }
    return std::sqrt(error / size);
}

struct Bound {
    DType dtype;
    double percent;  // what docs/quant-formats.md gives as measured, and a thirtieth more
};
void PrintTo(const Bound& bound, std::ostream* out) { *out << dtype_name(bound.dtype); }

constexpr Bound kBounds[] = {
    {DType::F32, 0},     {DType::F16, 0.022}, {DType::BF16, 0.17}, {DType::Q8_0, 0.553},  {DType::Q4_0, 8.87},
    {DType::Q4_1, 8.07}, {DType::Q5_0, 4.41}, {DType::Q5_1, 3.90}, {DType::Q2_K, 26.7},   {DType::Q3_K, 14.8},
    {DType::Q4_K, 7.23}, {DType::Q5_K, 3.62}, {DType::Q6_K, 1.70}, {DType::IQ4_NL, 7.57}, {DType::IQ4_XS, 7.61},
};
static_assert(std::size(kBounds) == std::size(kDTypes) - 1);  // all but I32

class QuantEncode : public testing::TestWithParam<Bound> {};
INSTANTIATE_TEST_SUITE_P(Formats, QuantEncode, testing::ValuesIn(kBounds),
                         [](const auto& test) { return std::string(dtype_name(test.param.dtype)); });

TEST_P(QuantEncode, ErrorOnGaussianWeights) {
    const std::vector<float> x = gaussian(256 * 256, 1);
    const double error = relative_error(x, through(GetParam().dtype, x));
    EXPECT_LE(error * 100, GetParam().percent);
    // A bound that is far too wide would hide a defect of the encoder.
    EXPECT_GE(error * 100, GetParam().percent * 0.9);
}

TEST_P(QuantEncode, ErrorDoesNotDependOnTheMagnitude) {
    const std::vector<float> x = gaussian(256 * 16, 2);
    const double error = relative_error(x, through(GetParam().dtype, x));
    for (const float factor : {0.125f, 16.0f, 1024.0f}) {
        std::vector<float> scaled = x;
        for (float& v : scaled) v *= factor;
        EXPECT_NEAR(relative_error(scaled, through(GetParam().dtype, scaled)), error, error * 0.02 + 1e-5) << factor;
    }
}

TEST_P(QuantEncode, ImportanceMovesTheErrorToWhatMattersLess) {
    if (!is_quantized(GetParam().dtype)) return;
    const std::vector<float> x = gaussian(256 * 64, 3);
    std::vector<float> importance = gaussian(x.size(), 4, 0, 1);
    for (float& v : importance) v = std::exp(1.5f * v);
    const std::vector<float> with = through(GetParam().dtype, x, importance), without = through(GetParam().dtype, x);
    EXPECT_LT(relative_error(x, with, importance), 0.95 * relative_error(x, without, importance));
}

TEST_P(QuantEncode, EqualImportanceIsNoWorseThanNone) {
    const std::vector<float> x = gaussian(256 * 16, 5), importance(x.size(), 3.0f);
    EXPECT_LE(relative_error(x, through(GetParam().dtype, x, importance)),
              relative_error(x, through(GetParam().dtype, x)) * 1.0001);
}

// Formats with one scale meet their own values again, exactly; the searches of the others find at least as good a block.
TEST_P(QuantEncode, SecondEncodingLosesNothingOrLittle) {
    const std::vector<float> x = gaussian(256 * 64, 6);
    const std::vector<float> once = through(GetParam().dtype, x), twice = through(GetParam().dtype, once);
    const bool searched = is_quantized(GetParam().dtype) &&
                          (dtype_info(GetParam().dtype).block_elems == 256 || GetParam().dtype == DType::IQ4_NL);
    if (searched) EXPECT_LE(relative_error(once, twice), 0.4 * relative_error(x, once));
    else EXPECT_EQ(once, twice);
}

TEST_P(QuantEncode, BlocksDoNotDependOnTheirNeighboursNorOnAlignment) {
    const DTypeInfo& info = dtype_info(GetParam().dtype);
    const auto elems = static_cast<size_t>(info.block_elems), bytes = static_cast<size_t>(info.block_bytes);
    const std::vector<float> x = gaussian(elems * 5, 7);
    std::vector<unsigned char> row(bytes * 5), alone(bytes * 5 + 1);
    encode_row(info.dtype, x, row.data());
    for (size_t b = 0; b < 5; ++b)
        encode_row(info.dtype, std::span(x).subspan(b * elems, elems), alone.data() + 1 + b * bytes);  // odd addresses too
    EXPECT_TRUE(std::equal(row.begin(), row.end(), alone.begin() + 1));
    std::vector<float> aligned(x.size()), odd(x.size());
    decode_row(info.dtype, row.data(), aligned);
    decode_row(info.dtype, alone.data() + 1, odd);
    EXPECT_EQ(aligned, odd);
}

// Two formats of one size and error class: the better search must show.
TEST(QuantEncodeOrder, MoreBitsOrBetterGridsMeanLessError) {
    const std::vector<float> x = gaussian(256 * 32, 8);
    const DType descending[] = {DType::Q2_K, DType::Q3_K, DType::Q4_0, DType::IQ4_XS, DType::Q4_K, DType::Q5_0,
                                DType::Q5_K, DType::Q6_K, DType::Q8_0, DType::BF16,   DType::F16};
    double previous = 1;
    for (const DType dtype : descending) {
        const double error = relative_error(x, through(dtype, x));
        EXPECT_LT(error, previous) << dtype_name(dtype);
        previous = error;
    }
}

// Whatever the compiler and the instructions that it or the encoder chose: the bytes that were there when this was written. The
// weights come from whole numbers, so that no C library has a part in them.
struct Digest {
    DType dtype;
    uint64_t plain, weighted;
};
constexpr Digest kDigests[] = {
    {DType::Q8_0, 0x8531479a88cbbe5du, 0x88eac411d981f6fbu},   {DType::Q4_0, 0x064259576f178228u, 0x23172283b1597661u},
    {DType::Q4_1, 0x6a2f5fb463f5e7beu, 0x645f3faad8264be3u},   {DType::Q5_0, 0x78ec2c38286cba56u, 0x23482c93753e39f7u},
    {DType::Q5_1, 0x8fa4e4b825ea9c7du, 0x64ab20776836e9a9u},   {DType::Q2_K, 0x8e0a5f6351340116u, 0xf0efd49d32aa6f5cu},
    {DType::Q3_K, 0xc76e7b4c5b9cb10du, 0xbfd24cf4bf8447c4u},   {DType::Q4_K, 0x2961e0869562f488u, 0x41418805a299c212u},
    {DType::Q5_K, 0xbcf59a73082ba9ecu, 0x3dba745d178e7f14u},   {DType::Q6_K, 0xa5f7ec2658c4c0edu, 0x4ea0e115fbe61d14u},
    {DType::IQ4_NL, 0x12723bbd2cfeee96u, 0xcec5727c1aaf2667u}, {DType::IQ4_XS, 0xecac299d704e8ef9u, 0x2eea974ac28c6fd7u},
};

std::vector<unsigned char> encoded(InstructionSet set, DType dtype, std::span<const float> weights,
                                   std::span<const float> importance) {
    std::vector<unsigned char> blocks(static_cast<size_t>(row_bytes(dtype, static_cast<int64_t>(weights.size()))));
    encode_row(set, dtype, weights, importance, blocks.data());
    return blocks;
}

uint64_t digest_of(std::span<const unsigned char> blocks) {
    uint64_t h = 0xcbf29ce484222325u;  // FNV-1a
    for (const unsigned char byte : blocks) h = (h ^ byte) * 0x100000001b3u;
    return h;
}

std::vector<InstructionSet> instruction_sets() {
    std::vector<InstructionSet> sets;
    for (const InstructionSet set : {InstructionSet::portable, InstructionSet::avx2, InstructionSet::avx512})
        if (has(set)) sets.push_back(set);
    return sets;
}

TEST(QuantEncodeBytes, AreTheSameEverywhere) {
    std::mt19937 random(9);
    const auto uniform = [&] { return static_cast<float>(static_cast<int32_t>(random() >> 8) - (1 << 23)) * 0x1p-23f; };
    std::vector<float> weights(256 * 64), importance(weights.size());
    for (size_t i = 0; i < weights.size(); ++i) {
        const size_t block = i / 256;
        const float a = uniform(), b = uniform(), c = uniform();  // one after the other: operands have no order
        const float z = a + b + c;                                // bell-shaped
        // Some blocks positive, some tiny, some huge, some with zeros.
        weights[i] = block % 7 == 3 ? 1.0f + z * z : block % 11 == 5 ? z * 1e-7f : block % 13 == 6 ? z * 1e30f : z;
        if (block % 5 == 2 && i % 3 == 0) weights[i] = 0;
        const float u = uniform(), v = uniform();
        importance[i] = 1.0f / (1.01f + u * v);
    }
    for (const InstructionSet set : instruction_sets())
        for (const Digest& digest : kDigests) {
            EXPECT_EQ(digest_of(encoded(set, digest.dtype, weights, {})), digest.plain) << dtype_name(digest.dtype);
            EXPECT_EQ(digest_of(encoded(set, digest.dtype, weights, importance)), digest.weighted) << dtype_name(digest.dtype);
        }
}

// Weights that hardly any model has, by their kinds; digests are of all kinds, one after the other. The bytes are those of the
// encoder that searched one sub-block after the other.
constexpr int kOddKinds = 13;
float odd_weight(int kind, size_t i, float z, uint32_t dice) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const size_t block = i / 256, sub_block = i / 16;
    switch (kind) {
        case 0: return block % 2 ? -0.0f : 0.0f;
        case 1: return block % 2 ? 0.37f : -0.37f;
        case 2: return z * 1e-40f;
        case 3: return z * 1e-30f;
        case 4: return z * 1e-5f;  // scales among the subnormal f16
        case 5: return z > 0 ? 3.4e38f : -3.4e38f;
        case 6: return dice % 17 == 0 ? std::numeric_limits<float>::quiet_NaN() : dice % 19 == 0 ? kInfinity : z;
        case 7: return -1 - z * z;
        case 8: return dice % 64 == 0 ? z * 1e4f : z;
        case 9: return sub_block % 3 == 0 ? 0.5f : sub_block % 3 == 1 ? 0.0f : z;
        case 10: return static_cast<float>(static_cast<int>(dice % 5) - 2);
        case 11: return std::ldexp(z, static_cast<int>(sub_block % 60) - 30);
        default: return z * kF16Max;
    }
}
float odd_importance(int kind, size_t i, float v, uint32_t dice) {
    switch (kind % 4) {
        case 0: return v;
        case 1: return i / 16 % 5 == 0 ? 0.0f : v;
        case 2: return dice % 31 == 0 ? 1e6f : dice % 29 == 0 ? -1.0f : v;
        default: return i / 256 % 3 == 0 ? 0.0f : std::ldexp(v, static_cast<int>(dice % 80) - 40);  // blocks without any
    }
}

constexpr Digest kOddDigests[] = {
    {DType::Q8_0, 0x8a0bc05280554926u, 0x39c55d3bbe4b787fu},   {DType::Q4_0, 0x48c67b0bddb05055u, 0x082503fe51ab95feu},
    {DType::Q4_1, 0xc62376ef10648536u, 0x539932e6f63fa0b2u},   {DType::Q5_0, 0xa802a5c2cc5d8b72u, 0xa546dfe610c54b3bu},
    {DType::Q5_1, 0x7aab0ee90477eab6u, 0x667263b2f3092d41u},   {DType::Q2_K, 0x6af66094e2ce7d00u, 0x7638f497578dd120u},
    {DType::Q3_K, 0x0acd10078baaa960u, 0x8c2dd409e402c1a8u},   {DType::Q4_K, 0xac642e6930e87426u, 0x2153c52c4e25bf86u},
    {DType::Q5_K, 0x90df8b2ed2ca9dc0u, 0x5ade311f0c66ffa4u},   {DType::Q6_K, 0xd834e81601b90780u, 0x56a5ec7a367ad032u},
    {DType::IQ4_NL, 0x7b0843aa032a729au, 0x7970ebb003d9b9d8u}, {DType::IQ4_XS, 0xf4589e011ff10e04u, 0x3eb5dd5f2ebcc3ddu},
};

TEST(QuantEncodeBytes, OfOddWeightsAreTheSameEverywhere) {
    for (const InstructionSet set : instruction_sets())
        for (const Digest& expected : kOddDigests) {
            std::vector<unsigned char> plain, weighted;
            for (int kind = 0; kind < kOddKinds; ++kind) {
                std::mt19937 random(static_cast<uint32_t>(kind));
                const auto uniform = [&] {
                    return static_cast<float>(static_cast<int32_t>(random() >> 8) - (1 << 23)) * 0x1p-23f;
                };
                std::vector<float> weights(256 * 19), importance(weights.size());
                for (size_t i = 0; i < weights.size(); ++i) {
                    const float a = uniform(), b = uniform(), c = uniform(), u = uniform(), v = uniform();
                    const auto dice = static_cast<uint32_t>(random());
                    weights[i] = odd_weight(kind, i, a + b + c, dice);
                    importance[i] = odd_importance(kind, i, 1.0f / (1.01f + u * v), dice);
                }
                const auto append = [](std::vector<unsigned char>& to, const std::vector<unsigned char>& bytes) {
                    to.insert(to.end(), bytes.begin(), bytes.end());
                };
                append(plain, encoded(set, expected.dtype, weights, {}));
                append(weighted, encoded(set, expected.dtype, weights, importance));
            }
            EXPECT_EQ(digest_of(plain), expected.plain) << dtype_name(expected.dtype);
            EXPECT_EQ(digest_of(weighted), expected.weighted) << dtype_name(expected.dtype);
        }
}

}  // namespace
}  // namespace krait
