// SPDX-License-Identifier: Apache-2.0
//
// exp, softplus and silu over registers, for the scan, the gates and softmax. Errors are relative, measured over the full
// range against double by tests/unit/cpu_simd_math_test.cpp; the coefficients are minimax fits (Lawson iteration, in f32).
//   exp2_fast  2e-7     2^a; overflow gives inf, underflow denormals and 0
//   exp        2.2e-7   the same for e^a
//   softplus   4e-7     log1p(exp(a)); a itself above 20, where float32 cannot tell them apart
//   silu       4e-7     a / (1 + exp(-a))
// NaN gives NaN in its own lane. All results are the same bits for the same lane value, whatever the other lanes hold.
#pragma once

#include "backends/cpu/simd/vec.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

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

}  // namespace detail

inline constexpr float kLog2e = 1.44269504088896340736f;

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
    // log2(e) = kLog2e + kRest: the product a * log2(e) minus its whole part, with the bits that one rounding loses.
    const Vec x = min(broadcast(110.0f), max(broadcast(-110.0f), a));
    const Vec n = round_even(x * broadcast(kLog2e));
    // r = x - n * ln 2, ln 2 in two parts of which the first has 15 bits: n * high is exact
    Vec r = fma(n, broadcast(-0.693145751953125f), x);
    r = fma(n, broadcast(-1.42860682030941723212e-6f), r);
    // e^r = 2^(r * log2 e); |r| <= 0.347, so the rounding of the product costs less than 0.25 ulp of the result
    return scale2(detail::exp2_fraction6(r * broadcast(kLog2e)), n);
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

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
