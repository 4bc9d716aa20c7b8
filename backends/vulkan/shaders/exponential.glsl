// SPDX-License-Identifier: Apache-2.0
//
// exp and what is made of it, the same on every device: GLSL allows its own exp an error of 3 + 2 |x| units in the last place, and
// log(1 + e) has none of e's digits where e is small. Coefficients are minimax fits in float32. Relative errors:
//   exp2_of     2e-7      2^a; below 2^-126 zero, so devices that flush subnormals agree with those that do not
//   exp_of      2.2e-7    e^a, likewise
//   softplus    4e-7      log1p(e^a); a itself above 20, where float32 cannot tell them apart
//   silu        4e-7      a / (1 + e^-a)
// NaN gives NaN.
#ifndef KRAIT_EXPONENTIAL_GLSL
#define KRAIT_EXPONENTIAL_GLSL

// p * 2^n for a whole n, 2^f = p, where z = n + f decides whether that is in range.
float scaled_power(float p, float n, float z) {
    const float scaled = p * intBitsToFloat((int(clamp(n, -126.0, 127.0)) + 127) << 23);
    return z < -126.0 ? 0.0 : z >= 128.0 ? uintBitsToFloat(0x7f800000u) : n > 127.0 ? 2.0 * scaled : scaled;
}

float exp2_of(float z) {
    const float n = roundEven(z), f = z - n;
    float p = 0.001326472731307149;
    p = fma(p, f, 0.009671512991189957);
    p = fma(p, f, 0.05550733581185341);
    p = fma(p, f, 0.24022242426872253);
    p = fma(p, f, 0.6931470036506653);
    p = fma(p, f, 1.0);  // exactly 1 at 0: slow decays do not drift
    return scaled_power(p, n, z);
}

float exp_of(float a) {
    const float z = a * 1.44269504088896340736, n = roundEven(z);
    // a - n ln 2, ln 2 in two parts of which the first has 15 bits: its product with n is exact
    precise float r = a - n * 0.693145751953125;
    r = r + n * -1.42860682030941723212e-6;
    const float f = r * 1.44269504088896340736;
    float p = 0.00015353361959569156;
    p = fma(p, f, 0.0013398875016719103);
    p = fma(p, f, 0.00961843691766262);
    p = fma(p, f, 0.055503323674201965);
    p = fma(p, f, 0.24022647738456726);
    p = fma(p, f, 0.6931471824645996);
    p = fma(p, f, 1.0);
    return scaled_power(p, n, z);
}

// log1p(w) for 0 <= w <= 1: 2 atanh(s) with s = w / (2 + w) <= 1/3.
float log1p_unit(float w) {
    const float s = w / (2.0 + w), u = s * s;
    float p = 0.12150467187166214;
    p = fma(p, u, 0.10713829100131989);
    p = fma(p, u, 0.14308442175388336);
    p = fma(p, u, 0.19999438524246216);
    p = fma(p, u, 0.3333333730697632);
    const float twice = s + s;
    return fma(twice * u, p, twice);
}

// log1p(e^a) = max(a, 0) + log1p(e^-|a|): nothing overflows, and small results keep their digits. A NaN is not above 20.
float softplus(float a) { return a > 20.0 ? a : (a > 0.0 ? a : 0.0) + log1p_unit(exp_of(-abs(a))); }

float silu(float a) { return a / (1.0 + exp_of(-a)); }

#endif
