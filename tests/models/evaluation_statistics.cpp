// SPDX-License-Identifier: Apache-2.0
//
// The statistics of evaluations, against numbers worked out by hand.
#include "models/evaluation/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace krait {
namespace {

TEST(Statistics, MeanAndItsError) {
    const std::vector<double> values{1, 2, 3, 6};
    const MeanEstimate mean = estimate_mean(values);
    EXPECT_DOUBLE_EQ(mean.value, 3);
    EXPECT_DOUBLE_EQ(mean.standard_error, std::sqrt((4.0 + 1 + 0 + 9) / 3 / 4));
    EXPECT_EQ(estimate_mean(std::vector<double>{5}).standard_error, 0);
    EXPECT_EQ(estimate_mean({}).value, 0);
}

TEST(Statistics, Percentiles) {
    const std::vector<double> sorted{0, 10, 20, 30, 40};
    EXPECT_DOUBLE_EQ(percentile(sorted, 0), 0);
    EXPECT_DOUBLE_EQ(percentile(sorted, 0.5), 20);
    EXPECT_DOUBLE_EQ(percentile(sorted, 0.9), 36);
    EXPECT_DOUBLE_EQ(percentile(sorted, 1), 40);
    EXPECT_EQ(percentile({}, 0.5), 0);
}

TEST(Statistics, WilsonInterval) {
    // Wilson's formula with z = 1.96 for 8 of 10: 0.490 to 0.943; for 0 of 20: 0 to z^2 / (20 + z^2).
    const Interval most = wilson_interval(8, 10);
    EXPECT_NEAR(most.low, 0.4901625, 1e-6);
    EXPECT_NEAR(most.high, 0.9433178, 1e-6);
    const Interval none = wilson_interval(0, 20);
    EXPECT_NEAR(none.low, 0, 1e-12);
    EXPECT_NEAR(none.high, 3.841458821 / 23.841458821, 1e-9);
    EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

TEST(Statistics, LogSumExp) {
    const std::vector<float> small{0, 1, 2, -1, 0.5f, 0, 0, 0, 3, -4, 1};
    double sum = 0;
    for (const float v : small) sum += std::exp(static_cast<double>(v));
    EXPECT_NEAR(log_sum_exp(small), std::log(sum), 1e-14);
    // Numbers that would overflow or vanish without the largest taken out.
    EXPECT_NEAR(log_sum_exp(std::vector<float>{3e38f, 3e38f}), static_cast<double>(3e38f) + std::log(2), 1e23);
    EXPECT_NEAR(log_sum_exp(std::vector<float>{-5000, -5000}), -5000 + std::log(2), 1e-12);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    EXPECT_NEAR(log_sum_exp(std::vector<float>{1, -kInfinity}), 1, 1e-15);
    EXPECT_EQ(log_sum_exp(std::vector<float>{-kInfinity, -kInfinity}), -kInfinity);
    EXPECT_TRUE(std::isnan(log_sum_exp(std::vector<float>{1, NAN, 2})));
    EXPECT_TRUE(std::isnan(log_sum_exp(std::vector<float>{1, kInfinity, 2})));
}

}  // namespace
}  // namespace krait
