// SPDX-License-Identifier: Apache-2.0
//
// exp, softplus and activations of each instruction set against double, over the whole range; lanes do not see each other.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/unit/cpu_probe.hpp"

namespace krait::cpu {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kSmallestNormal = std::numeric_limits<float>::min();
constexpr double kSmallestDenormal = std::numeric_limits<float>::denorm_min();

class CpuSimdMath : public testing::TestWithParam<const Probe*> {
  protected:
    void SetUp() override {
        if (const std::string missing = missing_for(GetParam()->level); !missing.empty())
            GTEST_SKIP() << "this machine lacks " << missing;
    }
    const Probe& probe() const { return *GetParam(); }

    using Function = void (*)(const float*, float*, int64_t);

    // The largest relative error of f over all floats in [low, high] that are `step` representations apart. Where the exact
    // result is no normal float, half a step of the denormals counts as rounding.
    static double worst(Function f, double (*exact)(double), float low, float high, int32_t step) {
        std::vector<float> in, out;
        const auto key = [](float v) {  // floats in their order as integers
            int32_t bits;
            std::memcpy(&bits, &v, sizeof bits);
            return bits < 0 ? INT32_MIN - static_cast<int64_t>(bits) : static_cast<int64_t>(bits);
        };
        for (int64_t k = key(low); k <= key(high); k += step) {
            const int32_t bits = static_cast<int32_t>(k < 0 ? INT32_MIN - k : k);
            float v;
            std::memcpy(&v, &bits, sizeof v);
            in.push_back(v);
        }
        out.resize(in.size());
        f(in.data(), out.data(), static_cast<int64_t>(in.size()));
        double error = 0;
        for (size_t i = 0; i < in.size(); ++i) {
            const double want = exact(in[i]);
            if (want > std::numeric_limits<float>::max()) {
                if (out[i] != kInf && out[i] < std::numeric_limits<float>::max() * (1 - 1e-6f)) return kInf;
                continue;
            }
            const double slack = std::fabs(want) < kSmallestNormal ? 1.5 * kSmallestDenormal : 0;
            const double off = std::max(0.0, std::fabs(out[i] - want) - slack);
            if (off > 0) error = std::max(error, want == 0 ? kInf : off / std::max(std::fabs(want), kSmallestDenormal));
            if (std::isnan(out[i])) return kInf;
        }
        return error;
    }
    static std::vector<float> apply(Function f, const std::vector<float>& in) {
        std::vector<float> out(in.size());
        f(in.data(), out.data(), static_cast<int64_t>(in.size()));
        return out;
    }
};

double exact_silu(double a) { return a / (1 + std::exp(-a)); }
double exact_softplus(double a) { return a > 40 ? a : std::log1p(std::exp(a)); }
double exact_sigmoid(double a) { return 1 / (1 + std::exp(-a)); }
double exact_gelu(double a) { return a / 2 * std::erfc(-a / std::sqrt(2.0)); }
double exact_gelu_tanh(double a) { return a * exact_sigmoid(2 * std::sqrt(2 / M_PI) * (a + 0.044715 * a * a * a)); }
double exact_exp(double a) { return std::exp(a); }
double exact_exp2(double a) { return std::exp2(a); }

constexpr int32_t kStep = 997;  // a prime: about two million floats between -1e5 and 1e5

TEST_P(CpuSimdMath, Exp2StaysWithinItsError) { EXPECT_LE(worst(probe().exp2_fast, exact_exp2, -1e5f, 1e5f, kStep), 2e-7); }
TEST_P(CpuSimdMath, ExpStaysWithinItsError) { EXPECT_LE(worst(probe().exp, exact_exp, -1e5f, 1e5f, kStep), 2.2e-7); }
TEST_P(CpuSimdMath, SoftplusStaysWithinItsError) {
    EXPECT_LE(worst(probe().softplus, exact_softplus, -1e5f, 1e5f, kStep), 4e-7);
}

TEST_P(CpuSimdMath, SiluStaysWithinItsError) {
    // Below -88 the exponential overflows and the result is -0, where it would be a number below 1e-36.
    EXPECT_LE(worst(probe().silu, exact_silu, -87.0f, 1e5f, kStep), 4e-7);
    for (float v : apply(probe().silu, {-88.8f, -100.0f, -1e4f, -1e30f})) EXPECT_LE(std::fabs(v), 1e-35f);
}

TEST_P(CpuSimdMath, SigmoidStaysWithinItsError) {
    EXPECT_LE(worst(probe().sigmoid, exact_sigmoid, -87.0f, 1e5f, kStep), 3e-7);
    for (float v : apply(probe().sigmoid, {-88.8f, -100.0f, -1e4f, -1e30f})) EXPECT_LE(std::fabs(v), 1e-35f);
}

// With the tail of negative numbers, where 1 + erf and 1 + tanh cancel.
TEST_P(CpuSimdMath, GeluStaysWithinItsError) {
    EXPECT_LE(worst(probe().gelu, exact_gelu, -1e5f, 1e5f, kStep), 7e-7);
    EXPECT_LE(worst(probe().gelu, exact_gelu, -15.0f, -1.0f, kStep / 10), 7e-7);
    EXPECT_LE(worst(probe().gelu_tanh, exact_gelu_tanh, -10.0f, 1e5f, kStep), 7e-7);
    EXPECT_LE(worst(probe().gelu_tanh, exact_gelu_tanh, -10.0f, -1.0f, kStep / 10), 7e-7);
    // Below -10 the exponential is subnormal, and what it lacks in precision is multiplied by a.
    for (float v : apply(probe().gelu_tanh, {-10.1f, -10.7f, -1e4f, -1e30f})) EXPECT_LE(std::fabs(v), 1e-37f);
}

TEST_P(CpuSimdMath, ExponentialsAreExactWhereDecayMustNotDrift) {
    for (float v : apply(probe().exp2_fast, {0.0f, -0.0f, -1e-9f, 1e-9f, -1e-30f, std::numeric_limits<float>::denorm_min()}))
        EXPECT_EQ(v, 1.0f);
    for (float v : apply(probe().exp, {0.0f, -0.0f, -1e-9f, 1e-9f})) EXPECT_EQ(v, 1.0f);
    const std::vector<float> whole = apply(probe().exp2_fast, {1.0f, -1.0f, 10.0f, -126.0f, -149.0f, 127.0f, -150.0f, 128.0f});
    const std::vector<float> want{2.0f, 0.5f, 1024.0f, 0x1p-126f, 0x1p-149f, 0x1p127f, 0.0f, kInf};
    EXPECT_EQ(whole, want);
}

TEST_P(CpuSimdMath, InfinitiesAndNan) {
    for (const Function f : {probe().exp2_fast, probe().exp}) {
        const std::vector<float> out = apply(f, {kInf, -kInf, 1e38f, -1e38f, kNan});
        EXPECT_EQ(out[0], kInf);
        EXPECT_EQ(out[1], 0.0f);
        EXPECT_EQ(out[2], kInf);
        EXPECT_EQ(out[3], 0.0f);
        EXPECT_TRUE(std::isnan(out[4]));
    }
    const std::vector<float> out = apply(probe().softplus, {kInf, -kInf, 1e38f, -1e38f, kNan, 20.001f, 1e4f, -1e4f});
    EXPECT_EQ(out[0], kInf);
    EXPECT_EQ(out[1], 0.0f);
    EXPECT_EQ(out[2], 1e38f);
    EXPECT_EQ(out[3], 0.0f);
    EXPECT_TRUE(std::isnan(out[4]));
    EXPECT_EQ(out[5], 20.001f);
    EXPECT_EQ(out[6], 1e4f);
    EXPECT_EQ(out[7], 0.0f);
    EXPECT_TRUE(std::isnan(apply(probe().silu, {kNan})[0]));
    EXPECT_EQ(apply(probe().sigmoid, {kInf, -kInf, 1e38f, -1e38f}), (std::vector<float>{1, 0, 1, 0}));
    EXPECT_TRUE(std::isnan(apply(probe().sigmoid, {kNan})[0]));
    for (const Function f : {probe().gelu, probe().gelu_tanh}) {
        EXPECT_EQ(apply(f, {kInf, 1e38f, -1e38f, 0.0f, -50.0f, 50.0f}), (std::vector<float>{kInf, 1e38f, 0, 0, 0, 50}));
        for (const float v : apply(f, {kNan, -kInf})) EXPECT_TRUE(std::isnan(v)) << "-inf * 0, as the formula has it";
    }
}

// The same value gives the same bits in every lane, in full and partial registers, beside NaN and beside infinity.
TEST_P(CpuSimdMath, LanesAreIndependent) {
    const int64_t n = 3 * probe().lanes + 3;
    for (const Function f :
         {probe().exp2_fast, probe().exp, probe().softplus, probe().silu, probe().sigmoid, probe().gelu, probe().gelu_tanh})
        for (float value : {-3.7f, 0.3f, 11.25f, -80.0f}) {
            const float alone = apply(f, {value})[0];
            for (float other : {0.0f, kNan, kInf, -kInf, 1e-42f}) {
                std::vector<float> in(static_cast<size_t>(n), other);
                for (size_t at = 0; at < in.size(); ++at) {
                    in[at] = value;
                    const float got = apply(f, in)[at];
                    EXPECT_EQ(std::memcmp(&got, &alone, sizeof got), 0) << value << " beside " << other << " in lane " << at;
                    in[at] = other;
                }
            }
        }
}

// sum4 and sum use one tree: a kernel that finishes four sums at once gives the bits of one that finishes one.
TEST_P(CpuSimdMath, FourSumsAreFourTimesOneSum) {
    std::vector<float> rows[4];
    uint32_t seed = 12345;
    for (auto& row : rows)
        for (int i = 0; i < probe().lanes; ++i) {
            seed = seed * 1664525u + 1013904223u;
            row.push_back(static_cast<float>(static_cast<int32_t>(seed)) * 1e-5f);
        }
    float at_once[5], single[5];
    probe().sums(rows[0].data(), rows[1].data(), rows[2].data(), rows[3].data(), at_once);
    for (int r = 0; r < 4; ++r) {
        probe().sums(rows[r].data(), rows[r].data(), rows[r].data(), rows[r].data(), single);
        EXPECT_EQ(at_once[r], single[4]) << "row " << r;
        for (int i = 0; i < 4; ++i) EXPECT_EQ(single[i], single[4]);
        double want = 0;
        for (float v : rows[r]) want += v;
        EXPECT_NEAR(single[4], want, 1e-2);
    }
}

INSTANTIATE_TEST_SUITE_P(Levels, CpuSimdMath, testing::ValuesIn(probes()),
                         [](const auto& p) { return std::string(p.param->name); });

}  // namespace
}  // namespace krait::cpu
