// SPDX-License-Identifier: Apache-2.0
//
// Encoders of the plain types and of the formats with one scale (and perhaps one minimum) for 32 weights.
//
// Without importance, the rounding is the one that all GGUF tools share, to the same bytes:
//   Q8_0         d = max |x| / 127, q = round half away from zero (x / d)
//   Q4_0, Q5_0   d = (the x of largest |x|) / lowest quant, q = floor(x / d + 0.5): the extreme is met exactly
//   Q4_1, Q5_1   d = (max - min) / highest quant, m = min, q = floor((x - m) / d + 0.5); blocks whose min is beyond f16 start
//                at their max instead, with a negative d
// where / d is a multiplication by the f32 nearest to 1 / d, and d in f32 as yet unrounded to f16.
// With importance, a least squares search replaces it (scale_fit.hpp).
#include <algorithm>
#include <cmath>

#include "core/quant/encode_block.hpp"
#include "core/quant/scale_fit.hpp"

namespace krait {

namespace {

constexpr int kElems = 32;

// A scale as the block will hold it, and what to multiply weights by before rounding.
struct StoredScale {
    uint16_t bits;
    float inverse;
};

StoredScale store_scale(float d) {
    const uint16_t bits = finite_f16(d);
    // Where f16 saturates, quants are chosen for the scale that is stored.
    const float used = std::fabs(d) >= kF16Overflow ? f16_to_f32(bits) : d;
    const float inverse = used == 0 ? 0.0f : 1.0f / used;
    return {bits, std::isfinite(inverse) ? inverse : 0.0f};  // below 2^-128: the stored scale is 0 anyway
}

// x at the largest |x|, the first of equals.
float extreme(const float (&x)[kElems]) {
    float best = x[0];
    for (float v : x)
        if (std::fabs(v) > std::fabs(best)) best = v;
    return best;
}

// The integer below `value`, after clamping it to [low, high]: NaN and infinities cannot reach the conversion.
int floor_clamped(float value, int low, int high) {
    if (!(value > static_cast<float>(low))) return low;
    return value >= static_cast<float>(high) ? high : static_cast<int>(std::floor(value));
}

template <int Lowest, int Highest, class Block>
void encode_symmetric(const float* in, const float* importance, Block& out) {
    if (importance) {
        const Samples<kElems> samples(in, importance);
        using Grid = UniformGrid<Lowest, Highest>;
        out.d = stored_scale<Grid>(samples, fit_scale<Grid, kElems>(samples.x, samples.w));
        const float inverse = safe_inverse(samples.from_f16(out.d));
        for (int i = 0; i < kElems; ++i) set_quant(out, i, Grid::index(samples.x[i] * inverse));
        return;
    }
    float x[kElems];
    finite_copy(in, x, kElems);
    const StoredScale d = store_scale(extreme(x) / static_cast<float>(Lowest));
    out.d = d.bits;
    constexpr float kHalf = 0.5f - static_cast<float>(Lowest);  // floor of a positive number
    for (int i = 0; i < kElems; ++i) set_quant(out, i, floor_clamped(x[i] * d.inverse + kHalf, 0, Highest - Lowest) + Lowest);
}

template <int Highest, class Block>
void encode_with_minimum(const float* in, const float* importance, Block& out) {
    if (importance) {
        const Samples<kElems> samples(in, importance);
        const Affine fit = fit_affine<Highest, kElems>(samples.x, samples.w, MinimumSign::any);
        out.d = samples.to_f16(fit.scale);
        out.m = samples.to_f16(-fit.minimum);
        const float low = samples.from_f16(out.m);
        const float inverse = safe_inverse(samples.from_f16(out.d));
        for (int i = 0; i < kElems; ++i) set_quant(out, i, UniformGrid<0, Highest>::index((samples.x[i] - low) * inverse));
        return;
    }
    float x[kElems];
    finite_copy(in, x, kElems);
    const float low = *std::min_element(x, x + kElems);
    const float high = *std::max_element(x, x + kElems);
    // A minimum beyond f16: count down from the maximum, with a negative scale.
    const float start = low <= -kF16Overflow ? high : low;
    const float end = low <= -kF16Overflow ? low : high;
    out.m = finite_f16(start);
    const float from = std::fabs(start) >= kF16Overflow ? f16_to_f32(out.m) : start;
    const StoredScale d = store_scale((end - from) / static_cast<float>(Highest));
    out.d = d.bits;
    for (int i = 0; i < kElems; ++i) set_quant(out, i, floor_clamped((x[i] - from) * d.inverse + 0.5f, 0, Highest));
}

void search(const float* in, const float* importance, BlockQ8_0& out) {
    if (importance) return encode_symmetric<-127, 127>(in, importance, out);
    float x[kElems];
    finite_copy(in, x, kElems);
    const StoredScale d = store_scale(std::fabs(extreme(x)) / 127.0f);
    out.d = d.bits;
    for (int i = 0; i < kElems; ++i)
        set_quant(out, i, static_cast<int>(std::clamp(std::round(x[i] * d.inverse), -127.0f, 127.0f)));
}

void search(const float* in, const float* importance, BlockQ4_0& out) { encode_symmetric<-8, 7>(in, importance, out); }
void search(const float* in, const float* importance, BlockQ5_0& out) { encode_symmetric<-16, 15>(in, importance, out); }
void search(const float* in, const float* importance, BlockQ4_1& out) { encode_with_minimum<15>(in, importance, out); }
void search(const float* in, const float* importance, BlockQ5_1& out) { encode_with_minimum<31>(in, importance, out); }

}  // namespace

void encode_block(const float* in, const float*, BlockF32& out) { out.value = *in; }
void encode_block(const float* in, const float*, BlockF16& out) { out.bits = f32_to_f16(*in); }
void encode_block(const float* in, const float*, BlockBF16& out) { out.bits = f32_to_bf16(*in); }

KRAIT_ENCODER(BlockQ8_0)
KRAIT_ENCODER(BlockQ4_0)
KRAIT_ENCODER(BlockQ4_1)
KRAIT_ENCODER(BlockQ5_0)
KRAIT_ENCODER(BlockQ5_1)

}  // namespace krait
