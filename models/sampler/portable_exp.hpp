// SPDX-License-Identifier: Apache-2.0
//
// e^x for x <= 0 with the same bits on every machine. std::exp differs in the last place between libraries, which is
// enough to draw another token. Only IEEE 754 additions and multiplications, rounded one by one (no fused ones: the build
// says -ffp-contract=off), so the result is a function of x alone.
//
//   x = n ln 2 + r, |r| <= ln 2 / 2;  e^x = 2^n e^r;  e^r by its Taylor series up to r^13: the rest is below
//   0.3466^14 / 14! = 4e-18, 1/26 of a double's last place.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace krait {

[[nodiscard]] inline double portable_exp(double x) {
    if (!(x > -708.0)) return 0.0;  // e^-708.4 = 2^-1022, the least normal number
    if (x >= 0.0) return 1.0;       // weights are relative to the largest
    constexpr double kLog2E = 1.4426950408889634;
    // ln 2 in two parts; the upper has 21 trailing zero bits, so its product with n is exact.
    constexpr double kLn2High = 0x1.62e42feep-1;
    constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
    const double n = std::floor(x * kLog2E + 0.5);
    const double r = (x - n * kLn2High) - n * kLn2Low;
    constexpr auto kInverseFactorials = [] {
        std::array<double, 14> table{1.0};
        double factorial = 1.0;  // exact: 13! is below 2^53
        for (int k = 1; k < 14; ++k) table[k] = 1.0 / (factorial *= k);
        return table;
    }();
    double sum = kInverseFactorials[13];
    for (int k = 12; k >= 0; --k) sum = sum * r + kInverseFactorials[k];
    return sum * std::bit_cast<double>(static_cast<uint64_t>(1023 + static_cast<int64_t>(n)) << 52);
}

}  // namespace krait
