// SPDX-License-Identifier: Apache-2.0
//
// Encoders of IQ4_NL and IQ4_XS: the searches of the other formats, over the codebook instead of whole numbers.
#include "core/quant/encode_block.hpp"
#include "core/quant/signed_scales.hpp"

namespace krait {

namespace {

// The nearest level changes from i to i + 1 at border[i]; levels are whole numbers, so it is exact.
constexpr int kBorders = 15;
struct Steps {
    float border[kBorders], rise[kBorders];
};
constexpr Steps kSteps = [] {
    Steps steps{};
    for (int i = 0; i < kBorders; ++i) {
        steps.border[i] = static_cast<float>(iq4_level(i) + iq4_level(i + 1)) * 0.5f;
        steps.rise[i] = static_cast<float>(iq4_level(i + 1) - iq4_level(i));
    }
    return steps;
}();

struct Iq4Grid {
    static constexpr float kLowest = -127.0f;
    static constexpr float kHighest = 113.0f;

    static int index(float t) {
        int index = 0;
        for (const float border : kSteps.border) index += t >= border;
        return index;
    }
    static void snap(Lanes& t) {
        const Lanes zero{};
        Lanes level = zero + kLowest;
        for (int i = 0; i < kBorders; ++i) {
            const Lanes rise = zero + kSteps.rise[i];
            level += t >= kSteps.border[i] ? rise : zero;
        }
        t = level;
    }
};

void search(const float* in, const float* importance, BlockIQ4_NL& out) {
    const Samples<32> samples(in, importance);
    out.d = stored_scale<Iq4Grid>(samples, fit_scale<Iq4Grid, 32>(samples.x, samples.w));
    const float inverse = safe_inverse(samples.from_f16(out.d));
    for (int i = 0; i < 32; ++i) set_quant(out, i, Iq4Grid::index(samples.x[i] * inverse));
}

void search(const float* in, const float* importance, BlockIQ4_XS& out) {
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

}  // namespace

KRAIT_ENCODER(BlockIQ4_NL)
KRAIT_ENCODER(BlockIQ4_XS)

}  // namespace krait
