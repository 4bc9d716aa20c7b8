// SPDX-License-Identifier: Apache-2.0
//
// Encoders of the K formats: the search decides the block's scales and minima, then each weight takes its nearest quant.
#include "core/quant/encode_block.hpp"
#include "core/quant/scales_and_minima.hpp"
#include "core/quant/signed_scales.hpp"

namespace krait {

namespace {

template <int J, int LowestQuant, int HighestQuant, int LowestScale, int HighestScale, class Block>
void encode_signed(const float* in, const float* importance, Block& out) {
    using Grid = UniformGrid<LowestQuant, HighestQuant>;
    const Samples<kSuperBlock> samples(in, importance);
    const SignedScaleSearch<Grid, J, LowestScale, HighestScale> search(samples);
    out.d = search.best().d;
    const float d = samples.from_f16(out.d);
    for (int j = 0; j < J; ++j) {
        set_scale(out, j, search.best().scale[j]);
        const float inverse = safe_inverse(d * static_cast<float>(search.best().scale[j]));
        for (int i = j * kSuperBlock / J; i < (j + 1) * kSuperBlock / J; ++i)
            set_quant(out, i, Grid::index(samples.x[i] * inverse));
    }
}

template <int J, int HighestQuant, int HighestStored, class Block>
void encode_with_minima(const float* in, const float* importance, Block& out) {
    const Samples<kSuperBlock> samples(in, importance);
    const ScaleAndMinimumSearch<HighestQuant, J, HighestStored> search(samples);
    out.d = search.best().d;
    out.dmin = search.best().dmin;
    const float d = samples.from_f16(out.d), dmin = samples.from_f16(out.dmin);
    for (int j = 0; j < J; ++j) {
        set_scale(out, j, search.best().scale[j]);
        set_min(out, j, search.best().minimum[j]);
        const float inverse = safe_inverse(d * static_cast<float>(search.best().scale[j]));
        const float minimum = dmin * static_cast<float>(search.best().minimum[j]);
        for (int i = j * kSuperBlock / J; i < (j + 1) * kSuperBlock / J; ++i)
            set_quant(out, i, UniformGrid<0, HighestQuant>::index((samples.x[i] + minimum) * inverse));
    }
}

void search(const float* in, const float* importance, BlockQ2_K& out) { encode_with_minima<16, 3, 15>(in, importance, out); }
void search(const float* in, const float* importance, BlockQ3_K& out) {
    encode_signed<16, -4, 3, -32, 31>(in, importance, out);
}
void search(const float* in, const float* importance, BlockQ4_K& out) { encode_with_minima<8, 15, 63>(in, importance, out); }
void search(const float* in, const float* importance, BlockQ5_K& out) { encode_with_minima<8, 31, 63>(in, importance, out); }
void search(const float* in, const float* importance, BlockQ6_K& out) {
    encode_signed<16, -32, 31, -128, 127>(in, importance, out);
}

}  // namespace

KRAIT_ENCODER(BlockQ2_K)
KRAIT_ENCODER(BlockQ3_K)
KRAIT_ENCODER(BlockQ4_K)
KRAIT_ENCODER(BlockQ5_K)
KRAIT_ENCODER(BlockQ6_K)

}  // namespace krait
