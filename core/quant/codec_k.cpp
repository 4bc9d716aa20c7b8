// SPDX-License-Identifier: Apache-2.0
//
// Encoders of the K formats: the search decides the block's scales and minima, then each weight takes its nearest quant.
#include "core/quant/encode_blocks.hpp"
#include "core/quant/encode_super_block.hpp"
#include "core/quant/scales_and_minima.hpp"
#include "core/quant/signed_scales.hpp"

namespace krait {

template <>
void encode_blocks<BlockQ2_K>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_with<SuperBlockEncoder<BlockQ2_K, ScalesAndMinima<3, 16, 15>>>(set, in, out);
}
template <>
void encode_blocks<BlockQ3_K>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_with<SuperBlockEncoder<BlockQ3_K, SignedScales<UniformGrid<-4, 3>, 16, -32, 31>>>(set, in, out);
}
template <>
void encode_blocks<BlockQ4_K>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_with<SuperBlockEncoder<BlockQ4_K, ScalesAndMinima<15, 8, 63>>>(set, in, out);
}
template <>
void encode_blocks<BlockQ5_K>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_with<SuperBlockEncoder<BlockQ5_K, ScalesAndMinima<31, 8, 63>>>(set, in, out);
}
template <>
void encode_blocks<BlockQ6_K>(InstructionSet set, const BlocksIn& in, unsigned char* out) {
    encode_with<SuperBlockEncoder<BlockQ6_K, SignedScales<UniformGrid<-32, 31>, 16, -128, 127>>>(set, in, out);
}

}  // namespace krait
