// SPDX-License-Identifier: Apache-2.0
//
// exp and activations, the same on every device: GLSL allows its own exp an error of 3 + 2 |x| units in the last place, and
// log(1 + e) has none of e's digits where e is small. Coefficients are minimax fits in float32. Relative errors:
//   exp2_of     2e-7      2^a; below 2^-126 zero, so devices that flush subnormals agree with those that do not
//   exp_of      2.2e-7    e^a, likewise
//   softplus    4e-7      log1p(e^a); a itself above 20, where float32 cannot tell them apart
//   silu        4e-7      a / (1 + e^-a)
//   sigmoid     4e-7      1 / (1 + e^-a)
//   gelu        1e-6      a (1 + erf(a / sqrt 2)) / 2, the tail of negative a, too
//   gelu_tanh   1e-6      a / (1 + e^-z), z = 2 sqrt(2 / pi) (a + 0.044715 a^3), likewise down to a = -10
//   tanh_of     3e-7      1 - 2 / (e^2a + 1), a polynomial where that cancels
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

// ln 2 in two parts. The first has 15 bits: its product with a whole n below 2^9 is exact.
const float kLn2High = 0.693145751953125, kLn2Low = 1.42860682030941723212e-6;

// e^r * 2^n for |r| <= 0.347, where z = r log2(e) + n decides whether that is in range.
float exp_reduced(float r, float n, float z) {
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

float exp_of(float a) {
    const float z = a * 1.44269504088896340736, n = roundEven(z);
    precise float r = a - n * kLn2High;
    r = r - n * kLn2Low;
    return exp_reduced(r, n, z);
}

// e^(a + b) without the rounding of a + b: a is a multiple of 2^-16 below 200 and b below 4 in magnitude.
float exp_sum(float a, float b) {
    const float z = (a + b) * 1.44269504088896340736, n = roundEven(z);
    precise float r = a - n * kLn2High;
    r = r + b;
    r = r - n * kLn2Low;
    return exp_reduced(r, n, z);
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
float sigmoid(float a) { return 1.0 / (1.0 + exp_of(-a)); }

float nearest_quarter(float t) { return roundEven(t * 4.0) * 0.25; }

// With t = |a|, Phi(-t) = g(t) e^(-t^2 / 2) for the normal distribution Phi, and g is smooth. The squares of t and of its nearest
// quarter h differ by (t - h) (t + h), so that both parts of the exponent are as exact as exp_sum wants them. Beyond 15 it is 0.
float gelu(float a) {
    const float t = min(abs(a), 15.0), h = nearest_quarter(t);
    const float density = exp_sum(h * h * -0.5, (t - h) * (t + h) * -0.5);
    const float w = 1.0 / fma(t, 0.21875, 1.0);
    float g = -0.043143004179000854;
    g = fma(g, w, 0.12711413204669952);
    g = fma(g, w, -0.05959438160061836);
    g = fma(g, w, 0.0832337960600853);
    g = fma(g, w, 0.06452053040266037);
    g = fma(g, w, 0.06808783859014511);
    g = fma(g, w, 0.0856427550315857);
    g = fma(g, w, 0.0868421345949173);
    g = fma(g, w, 0.08729617297649384);
    g *= w;
    // a * g first: where the result is a normal number, no factor is subnormal.
    return a < 0.0 ? a * g * density : a * (1.0 - g * density);
}

// With t = |a| and h as above, z is h (c + k h^2), where a few bits of c and k give an exact product and the others a small one,
// and what t - h adds. Beyond 12 the exponential is 0.
float gelu_tanh(float a) {
    const float t = min(abs(a), 12.0), h = nearest_quarter(t), square = h * h;
    const float high = h * fma(73.0 / 1024.0, square, 26145.0 / 16384.0);
    const float low = h * fma(6.57537726e-5, square, 4.961449e-6) +
                      (t - h) * fma(0.0713548163, fma(t, t + h, square), 1.5957691216);
    const float e = exp_sum(-high, -low);
    return (a < 0.0 ? a * e : a) / (1.0 + e);
}

float tanh_of(float a) {
    const float u = a * a;
    if (u < 0.25) {
        float p = -0.00694294175042;
        p = fma(p, u, 0.0214706830253);
        p = fma(p, u, -0.053933469146);
        p = fma(p, u, 0.133332257755);
        p = fma(p, u, -0.333333327966);
        return fma(a * u, p, a);
    }
    const float magnitude = 1.0 - 2.0 / (exp_of(2.0 * abs(a)) + 1.0);
    return a < 0.0 ? -magnitude : magnitude;
}

#endif
