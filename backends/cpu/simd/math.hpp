// SPDX-License-Identifier: Apache-2.0
//
// exp, softplus and activations over registers, for the scan, the gates and softmax. Errors are relative, measured over the
// full range against double by tests/unit/cpu_simd_math_test.cpp; the coefficients are minimax fits (Lawson iteration, in f32).
//   exp2_fast  2e-7     2^a; overflow gives inf, underflow denormals and 0
//   exp        2.2e-7   the same for e^a
//   softplus   4e-7     log1p(exp(a)); a itself above 20, where float32 cannot tell them apart
//   silu       4e-7     a / (1 + exp(-a)); -0 below -88.7, where exp(-a) overflows
//   sigmoid    3e-7     1 / (1 + exp(-a)); 0 there
//   gelu       7e-7     a * Phi(a), Phi the standard normal distribution: the tail of negative a, too
//   gelu_tanh  7e-7     a / (1 + exp(-2 sqrt(2 / pi) (a + 0.044715 a^3))), likewise, down to a = -10, 1e-37
// NaN gives NaN in its own lane. All results are the same bits for the same lane value, whatever the other lanes hold.
#pragma once

#include "backends/cpu/simd/vec.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr float kLog2e = 1.44269504088896340736f;

namespace detail {

// 2^f for |f| <= 0.5, relative error 1.1e-7; exactly 1 at 0, so that slow decays do not drift.
inline Vec exp2_fraction5(Vec f) {
    Vec p = broadcast(0.001326472731307149f);
    p = fma(p, f, broadcast(0.009671512991189957f));
    p = fma(p, f, broadcast(0.05550733581185341f));
    p = fma(p, f, broadcast(0.24022242426872253f));
    p = fma(p, f, broadcast(0.6931470036506653f));
    return fma(p, f, broadcast(1.0f));
}

// 2^f for |f| <= 0.51, relative error 2e-8.
inline Vec exp2_fraction6(Vec f) {
    Vec p = broadcast(0.00015353361959569156f);
    p = fma(p, f, broadcast(0.0013398875016719103f));
    p = fma(p, f, broadcast(0.00961843691766262f));
    p = fma(p, f, broadcast(0.055503323674201965f));
    p = fma(p, f, broadcast(0.24022647738456726f));
    p = fma(p, f, broadcast(0.6931471824645996f));
    return fma(p, f, broadcast(1.0f));
}

// ln 2 in two parts. The first has 15 bits: its product with n < 2^9 is exact.
inline constexpr float kLn2High = 0.693145751953125f, kLn2Low = 1.42860682030941723212e-6f;

// 2^n e^r for |r| <= 0.347: e^r = 2^(r * log2 e), and the rounding of that product costs less than 0.25 ulp of the result.
inline Vec exp_reduced(Vec r, Vec n) { return scale2(exp2_fraction6(r * broadcast(kLog2e)), n); }

}  // namespace detail

// Beyond +-160 the result is inf or 0 in any case. max and min return their second operand where it is NaN.
inline Vec exp2_fast(Vec a) {
    const Vec x = min(broadcast(160.0f), max(broadcast(-160.0f), a));
    const Vec n = round_even(x);
    return scale2(detail::exp2_fraction5(x - n), n);
}

// The same where a is finite or NaN: no bounds are needed where scale2 takes any whole number.
inline Vec exp2_of_finite(Vec a) {
    if constexpr (kScaleTakesAny) {
        const Vec n = round_even(a);
        return scale2(detail::exp2_fraction5(a - n), n);
    } else {
        return exp2_fast(a);
    }
}

inline Vec exp(Vec a) {
    const Vec x = min(broadcast(110.0f), max(broadcast(-110.0f), a));
    const Vec n = round_even(x * broadcast(kLog2e));
    Vec r = fma(n, broadcast(-detail::kLn2High), x);
    r = fma(n, broadcast(-detail::kLn2Low), r);
    return detail::exp_reduced(r, n);
}

// e^(a + b) without the rounding of a + b, which would be 3e-6 of the result at -88: a is a multiple of 2^-16 below 200 and b
// below 4 in magnitude. So a - n * high has no more bits than float32 holds.
inline Vec exp_sum(Vec a, Vec b) {
    const Vec n = round_even((a + b) * broadcast(kLog2e));
    const Vec r = fma(n, broadcast(-detail::kLn2High), a) + b;
    return detail::exp_reduced(fma(n, broadcast(-detail::kLn2Low), r), n);
}

// log1p(w) for 0 <= w <= 1: 2 atanh(s) with s = w / (2 + w) <= 1/3.
inline Vec log1p_unit(Vec w) {
    const Vec s = w / (broadcast(2.0f) + w);
    const Vec u = s * s;
    Vec p = broadcast(0.12150467187166214f);
    p = fma(p, u, broadcast(0.10713829100131989f));
    p = fma(p, u, broadcast(0.14308442175388336f));
    p = fma(p, u, broadcast(0.19999438524246216f));
    p = fma(p, u, broadcast(0.3333333730697632f));
    const Vec twice = s + s;
    return fma(twice * u, p, twice);
}

// log1p(exp(a)) = max(a, 0) + log1p(exp(-|a|)): nothing overflows, and small results keep their relative precision.
inline Vec softplus(Vec a) { return max(zero(), a) + log1p_unit(exp(zero() - abs(a))); }

inline Vec silu(Vec a) { return a / (broadcast(1.0f) + exp(zero() - a)); }
inline Vec sigmoid(Vec a) { return broadcast(1.0f) / (broadcast(1.0f) + exp(zero() - a)); }

// With t = |a|, Phi(-t) = g(t) e^(-t^2 / 2), and g is smooth. The squares of t and of its nearest quarter h differ by
// (t - h) (t + h), so that both parts of the exponent are as exact as exp_sum wants them. Beyond 15 all of it is 0.
inline Vec gelu(Vec a) {
    const Vec t = min(broadcast(15.0f), abs(a)), h = round_even(t * broadcast(4.0f)) * broadcast(0.25f);
    const Vec density = exp_sum(h * h * broadcast(-0.5f), (t - h) * (t + h) * broadcast(-0.5f));
    // g(t) by powers of w = 1 / (1 + t * 7/32), relative error 6e-8
    const Vec w = broadcast(1.0f) / fma(t, broadcast(0.21875f), broadcast(1.0f));
    Vec g = broadcast(-0.043143004179000854f);
    g = fma(g, w, broadcast(0.12711413204669952f));
    g = fma(g, w, broadcast(-0.05959438160061836f));
    g = fma(g, w, broadcast(0.0832337960600853f));
    g = fma(g, w, broadcast(0.06452053040266037f));
    g = fma(g, w, broadcast(0.06808783859014511f));
    g = fma(g, w, broadcast(0.0856427550315857f));
    g = fma(g, w, broadcast(0.0868421345949173f));
    g = fma(g, w, broadcast(0.08729617297649384f));
    g = g * w;
    // a * g first: where the result is a normal number, no factor is subnormal.
    return select(less(a, zero()), a * g * density, a * (broadcast(1.0f) - g * density));
}

// With t = |a| and h as above, the exponent is h (c + k h^2), where a few bits of c and k give an exact product and the others
// a small one, and what t - h adds. Beyond 12 the exponential is 0.
inline Vec gelu_tanh(Vec a) {
    constexpr float kC = 1.5957691216f, kCHigh = 26145 * 0x1p-14f, kCLow = 4.961449e-6f;  // 2 sqrt(2 / pi)
    constexpr float kK = 0.0713548163f, kKHigh = 73 * 0x1p-10f, kKLow = 6.57537716e-5f;   // 0.044715 times that
    const Vec t = min(broadcast(12.0f), abs(a)), h = round_even(t * broadcast(4.0f)) * broadcast(0.25f), square = h * h;
    const Vec high = h * fma(broadcast(kKHigh), square, broadcast(kCHigh));
    const Vec low = h * fma(broadcast(kKLow), square, broadcast(kCLow)) +
                    (t - h) * fma(broadcast(kK), fma(t, t + h, square), broadcast(kC));
    const Vec e = exp_sum(zero() - high, zero() - low);
    return select(less(a, zero()), a * e, a) / (broadcast(1.0f) + e);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
