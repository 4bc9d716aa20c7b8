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
// With importance, a least squares search replaces it (encode_single.hpp).
#include <algorithm>
#include <cmath>

#include "core/quant/encode_single.hpp"

namespace krait {

namespace {

constexpr int kElems = kSingleBlock;

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

// The loops below have no branches and no calls, so that compilers make vectors of them.

struct Range {
    float low, high;
};
Range range(const float (&x)[kElems]) {
    float low[8], high[8];
    for (int k = 0; k < 8; ++k) low[k] = high[k] = x[k];
    for (int i = 8; i < kElems; i += 8)
        for (int k = 0; k < 8; ++k) {
            low[k] = x[i + k] < low[k] ? x[i + k] : low[k];
            high[k] = x[i + k] > high[k] ? x[i + k] : high[k];
        }
    return {*std::min_element(low, low + 8), *std::max_element(high, high + 8)};
}

// x at the largest |x|, the first of equals.
float extreme(const float (&x)[kElems]) {
    const Range of_x = range(x);
    if (of_x.high != -of_x.low) return of_x.high > -of_x.low ? of_x.high : of_x.low;
    return *std::find_if(x, x + kElems, [&](float v) { return v == of_x.low || v == of_x.high; });
}

// quants[i] = the integer below x[i] * inverse + offset, after clamping that to 0 .. highest.
void floor_clamped(const float (&x)[kElems], float inverse, float offset, int highest, int (&quants)[kElems]) {
    const auto top = static_cast<float>(highest);
    for (int i = 0; i < kElems; ++i) {
        float value = x[i] * inverse + offset;
        value = value > 0 ? value : 0.0f;
        value = value < top ? value : top;
        quants[i] = static_cast<int>(value);
    }
}

// Calls encode(weights, block) for every block.
template <class Block, class Encode>
void for_blocks(const BlocksIn& in, unsigned char* out, const Encode& encode) {
    for (int64_t b = 0; b < in.count; ++b) {
        float x[kElems];
        finite_copy(in.weights + b * kElems, x, kElems);
        Block block{};
        encode(x, block);
        std::memcpy(out + b * static_cast<int64_t>(sizeof block), &block, sizeof block);
    }
}

template <class Block, int Lowest, int Highest>
struct SymmetricEncoder {
    template <class>
    static void encode(const BlocksIn& in, unsigned char* out) {
        for_blocks<Block>(in, out, [](const float(&x)[kElems], Block& block) {
            const StoredScale d = store_scale(extreme(x) / static_cast<float>(Lowest));
            block.d = d.bits;
            constexpr float kHalf = 0.5f - static_cast<float>(Lowest);  // floor of a positive number
            int quants[kElems];
            floor_clamped(x, d.inverse, kHalf, Highest - Lowest, quants);
            for (int i = 0; i < kElems; ++i) set_quant(block, i, quants[i] + Lowest);
        });
    }
};

template <class Block, int Highest>
struct MinimumEncoder {
    template <class>
    static void encode(const BlocksIn& in, unsigned char* out) {
        for_blocks<Block>(in, out, [](const float(&x)[kElems], Block& block) {
            const auto [low, high] = range(x);
            // A minimum beyond f16: count down from the maximum, with a negative scale.
            const float start = low <= -kF16Overflow ? high : low;
            const float end = low <= -kF16Overflow ? low : high;
            block.m = finite_f16(start);
            const float from = std::fabs(start) >= kF16Overflow ? f16_to_f32(block.m) : start;
            const StoredScale d = store_scale((end - from) / static_cast<float>(Highest));
            block.d = d.bits;
            float above[kElems];
            for (int i = 0; i < kElems; ++i) above[i] = x[i] - from;
            int quants[kElems];
            floor_clamped(above, d.inverse, 0.5f, Highest, quants);
            for (int i = 0; i < kElems; ++i) set_quant(block, i, quants[i]);
        });
    }
};

struct Q8_0Encoder {
    template <class Isa>
    static void encode(const BlocksIn& in, unsigned char* out) {
        for_blocks<BlockQ8_0>(in, out, [](const float(&x)[kElems], BlockQ8_0& block) {
            const StoredScale d = store_scale(std::fabs(extreme(x)) / 127.0f);
            block.d = d.bits;
            int quants[kElems];
            for (int i = 0; i < kElems; i += Isa::kLanes) {
                typename Isa::Floats value;
                load(x + i, value);
                round<Isa>(value * d.inverse, quants + i);
            }
            for (int i = 0; i < kElems; ++i) set_quant(block, i, quants[i]);
        });
    }

  private:
    // To the nearest whole number in -127 .. 127, half away from zero.
    template <class Isa>
    static void round(const typename Isa::Floats& value, int* quants) {
        using Floats = typename Isa::Floats;
        using Ints = typename Isa::Ints;
        const Floats zero{}, one = zero + 1.0f, half = zero + 0.5f, top = zero + 127.0f;
        Floats magnitude, step;
        Isa::choose(value, zero, -value, value, magnitude);
        Isa::choose(magnitude, top, magnitude, top, magnitude);
        const Ints whole = __builtin_convertvector(magnitude, Ints);
        Floats nearest = __builtin_convertvector(whole, Floats);
        Isa::choose(magnitude - nearest, half, zero, one, step);  // the difference is exact
        nearest += step;
        Isa::choose(value, zero, -nearest, nearest, nearest);
        store(__builtin_convertvector(nearest, Ints), quants);
    }
};

template <class Plain, class Weighted>
void encode_plain_or_weighted(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    if (in.importance) encode_with<Weighted>(set, in, out);
    else encode_with<Plain>(std::min(set, InstructionSet::avx2), in, out);  // vectors of 512 bits gain nothing here
}
template <class Block, int Lowest, int Highest>
void encode_symmetric(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_plain_or_weighted<SymmetricEncoder<Block, Lowest, Highest>, SingleScaleEncoder<Block, UniformGrid<Lowest, Highest>>>(
        set, in, out);
}
template <class Block, int Highest>
void encode_minimum(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_plain_or_weighted<MinimumEncoder<Block, Highest>, ScaleAndMinimumEncoder<Block, Highest>>(set, in, out);
}

template <class Block, class Encode>
void encode_each(const BlocksIn& in, unsigned char* out, const Encode& encode) {
    for (int64_t i = 0; i < in.count; ++i) {
        const Block block{encode(in.weights[i])};
        std::memcpy(out + i * static_cast<int64_t>(sizeof block), &block, sizeof block);
    }
}

}  // namespace

template <>
void encode_blocks<BlockF32>(InstructionSet, const BlocksIn& in, unsigned char* out) {
    std::memcpy(out, in.weights, static_cast<size_t>(in.count) * sizeof(float));
}
template <>
void encode_blocks<BlockF16>(InstructionSet, const BlocksIn& in, unsigned char* out) {
    encode_each<BlockF16>(in, out, [](float weight) { return f32_to_f16(weight); });
}
template <>
void encode_blocks<BlockBF16>(InstructionSet, const BlocksIn& in, unsigned char* out) {
    encode_each<BlockBF16>(in, out, [](float weight) { return f32_to_bf16(weight); });
}
template <>
void encode_blocks<BlockQ8_0>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_plain_or_weighted<Q8_0Encoder, SingleScaleEncoder<BlockQ8_0, UniformGrid<-127, 127>>>(set, in, out);
}
template <>
void encode_blocks<BlockQ4_0>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_symmetric<BlockQ4_0, -8, 7>(set, in, out);
}
template <>
void encode_blocks<BlockQ5_0>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_symmetric<BlockQ5_0, -16, 15>(set, in, out);
}
template <>
void encode_blocks<BlockQ4_1>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_minimum<BlockQ4_1, 15>(set, in, out);
}
template <>
void encode_blocks<BlockQ5_1>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_minimum<BlockQ5_1, 31>(set, in, out);
}

}  // namespace krait
