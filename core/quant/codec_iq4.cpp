// SPDX-License-Identifier: Apache-2.0
//
// Encoders of IQ4_NL and IQ4_XS: the searches of the other formats, over the codebook instead of whole numbers.
#include <array>

#include "core/quant/encode_block.hpp"
#include "core/quant/signed_scales.hpp"

namespace krait {

namespace {

// Nearest index of the codebook for every half-open cell [c/2, (c+1)/2) from -127 to 113: borders between two levels are
// whole or half numbers, so no cell has two answers.
constexpr int kFirstCell = -2 * 127;
constexpr int kLastCell = 2 * 113;
constexpr auto kNearest = [] {
    std::array<uint8_t, kLastCell - kFirstCell + 1> table{};
    for (int cell = kFirstCell, index = 0; cell <= kLastCell; ++cell) {
        // A border is at (level + next) / 2, which is the start of cell level + next.
        while (index < 15 && cell >= iq4_level(index) + iq4_level(index + 1)) ++index;
        table[static_cast<size_t>(cell - kFirstCell)] = static_cast<uint8_t>(index);
    }
    return table;
}();

struct Iq4Grid {
    static constexpr float kLowest = -127.0f;
    static constexpr float kHighest = 113.0f;

    static int index(float t) {
        const float from_first = (std::clamp(t, kLowest, kHighest) - kLowest) * 2.0f;  // not negative: conversion is floor
        return kNearest[static_cast<size_t>(static_cast<int>(from_first))];
    }
    static float snap(float t) { return static_cast<float>(iq4_level(index(t))); }
};

}  // namespace

void encode_block(const float* in, const float* importance, BlockIQ4_NL& out) {
    const Samples<32> samples(in, importance);
    out.d = stored_scale<Iq4Grid>(samples, fit_scale<Iq4Grid, 32>(samples.x, samples.w));
    const float inverse = safe_inverse(samples.from_f16(out.d));
    for (int i = 0; i < 32; ++i) set_quant(out, i, Iq4Grid::index(samples.x[i] * inverse));
}

void encode_block(const float* in, const float* importance, BlockIQ4_XS& out) {
    const Samples<kSuperBlock> samples(in, importance);
    const SignedScaleSearch<Iq4Grid, 8, -32, 31> search(samples);
    out.d = search.best().d;
    const float d = samples.from_f16(out.d);
    for (int j = 0; j < 8; ++j) {
        set_scale(out, j, search.best().scale[j]);
        const float inverse = safe_inverse(d * static_cast<float>(search.best().scale[j]));
        for (int i = 32 * j; i < 32 * (j + 1); ++i) set_quant(out, i, Iq4Grid::index(samples.x[i] * inverse));
    }
}

}  // namespace krait
