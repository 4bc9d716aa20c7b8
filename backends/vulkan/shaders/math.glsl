// SPDX-License-Identifier: Apache-2.0
//
// Functions whose built-in forms are not exact enough: Vulkan lets exp(x) be off by 3 + 2 |x| units in the last place.
#ifndef KRAIT_MATH_GLSL
#define KRAIT_MATH_GLSL

// e^x, relative error about 1e-7 wherever the result is a normal number; 0 and infinity beyond, NaN stays.
//   x = n ln 2 + r, |r| <= 0.347; e^r by its series to r^7 (the rest is below r^8 / 8! = 5e-9); then 2^n in two factors,
//   because n reaches 128. ln 2 in two parts: n times the first one is exact.
#define KRAIT_EXACT_EXP(Type, IntType, FloatBits)                                            \
    Type exact_exp(Type x) {                                                                 \
        const Type bounded = mix(mix(x, Type(-104.0), at_most(x, Type(-104.0))), Type(89.0), \
                                 at_most(Type(89.0), x));                           \
        const Type n = round(bounded * 1.44269504);                                          \
        const Type r = fma(n, Type(-1.42860677e-6), fma(n, Type(-0.693145752), bounded));    \
        Type p = fma(r, Type(1.0 / 5040.0), Type(1.0 / 720.0));                              \
        p = fma(p, r, Type(1.0 / 120.0));                                                    \
        p = fma(p, r, Type(1.0 / 24.0));                                                     \
        p = fma(p, r, Type(1.0 / 6.0));                                                      \
        p = fma(p, r, Type(0.5));                                                            \
        p = fma(p, r, Type(1.0));                                                            \
        p = fma(p, r, Type(1.0));                                                            \
        const IntType k = IntType(n), first = k >> 1;                                        \
        return p * FloatBits((first + 127) << 23) * FloatBits((k - first + 127) << 23);      \
    }                                                                                        \
    Type silu(Type v) { return v / (1.0 + exact_exp(-v)); }

bool at_most(float a, float b) { return a <= b; }
bvec4 at_most(vec4 a, vec4 b) { return lessThanEqual(a, b); }
KRAIT_EXACT_EXP(float, int, intBitsToFloat)
KRAIT_EXACT_EXP(vec4, ivec4, intBitsToFloat)

#endif
