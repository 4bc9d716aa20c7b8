// SPDX-License-Identifier: Apache-2.0
//
// Weights in the layout of a GGUF file, element by element: exactly core/quant/codec's values. Blocks begin at any even
// address; bytes are taken out of 32-bit words, so no device feature is needed. A constant is padded to whole words.
#ifndef KRAIT_FILE_BLOCKS_GLSL
#define KRAIT_FILE_BLOCKS_GLSL

#include "backends/vulkan/shaders/formats.glsl"
#include "backends/vulkan/shaders/half.glsl"
#include "backends/vulkan/shaders/krait.glsl"

uint byte_at(uint64_t address) {
    return (U32(address & ~uint64_t(3)).at[0] >> (uint(address) & 3u) * 8u) & 0xffu;
}
uint half_at(uint64_t address) {  // even addresses
    return (U32(address & ~uint64_t(3)).at[0] >> (uint(address) & 2u) * 8u) & 0xffffu;
}
uint bits_at(uint64_t address, uint shift, uint width) { return (byte_at(address) >> shift) & ((1u << width) - 1u); }

// Scales and minima of Q4_K and Q5_K: 6 bits each in 12 bytes (core/quant/k_scales.hpp).
uint k_scale(uint64_t scales, uint j) {
    return j < 4 ? bits_at(scales + j, 0, 6) : bits_at(scales + j + 4, 0, 4) | bits_at(scales + j - 4, 6, 2) << 4;
}
uint k_min(uint64_t scales, uint j) {
    return j < 4 ? bits_at(scales + j + 4, 0, 6) : bits_at(scales + j + 4, 4, 4) | bits_at(scales + j, 6, 2) << 4;
}

const int kIq4Levels[16] = int[16](-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

// d * scale * quant and d * scale * quant - dmin * low, each operation rounded by itself.
float scaled(float d, int quant) {
    precise const float v = d * float(quant);
    return v;
}
float scaled(float d, int scale, int quant) {
    precise const float s = d * float(scale);
    precise const float v = s * float(quant);
    return v;
}
float scaled(float d, int scale, int quant, float dmin, int low) {
    precise const float s = d * float(scale);
    precise const float m = dmin * float(low);
    precise const float product = s * float(quant);
    precise const float v = product - m;
    return v;
}
float with_offset(float d, int quant, float m) {
    precise const float product = d * float(quant);
    precise const float v = product + m;
    return v;
}

// The bits of element i of the block at b. kFormat is a constant of the pipeline, so one case remains.
uint file_value_bits(uint format, uint64_t b, uint i) {
    const uint half32 = i / 16 * 4;  // of blocks of 32: the low nibbles hold the first 16
    float v = 0;
    switch (format) {
        case kF32: return U32(b).at[i];
        case kF16: return f16_bits(half_at(b + 2 * i));
        case kBF16: return half_at(b + 2 * i) << 16;
        case kQ8_0: v = scaled(f16_value(half_at(b)), int(byte_at(b + 2 + i) << 24) >> 24); break;
        case kQ4_0: v = scaled(f16_value(half_at(b)), int(bits_at(b + 2 + i % 16, half32, 4)) - 8); break;
        case kQ4_1:
            v = with_offset(f16_value(half_at(b)), int(bits_at(b + 4 + i % 16, half32, 4)), f16_value(half_at(b + 2)));
            break;
        case kQ5_0:
            v = scaled(f16_value(half_at(b)),
                       int(bits_at(b + 6 + i % 16, half32, 4) | bits_at(b + 2 + i / 8, i % 8, 1) << 4) - 16);
            break;
        case kQ5_1:
            v = with_offset(f16_value(half_at(b)),
                            int(bits_at(b + 8 + i % 16, half32, 4) | bits_at(b + 4 + i / 8, i % 8, 1) << 4),
                            f16_value(half_at(b + 2)));
            break;
        case kIQ4_NL: v = scaled(f16_value(half_at(b)), kIq4Levels[bits_at(b + 2 + i % 16, half32, 4)]); break;
        case kQ2_K: {
            const uint scale = byte_at(b + i / 16);
            v = scaled(f16_value(half_at(b + 80)), int(scale & 15u), int(bits_at(b + 16 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2)),
                       f16_value(half_at(b + 82)), int(scale >> 4));
            break;
        }
        case kQ3_K: {
            const uint j = i / 16;
            const int scale = int(bits_at(b + 96 + j % 8, j / 8 * 4, 4) | bits_at(b + 104 + j % 4, j / 4 * 2, 2) << 4) - 32;
            const int quant =
                int(bits_at(b + 32 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2) | bits_at(b + i % 32, i / 32, 1) << 2) - 4;
            v = scaled(f16_value(half_at(b + 108)), scale, quant);
            break;
        }
        case kQ4_K:
            v = scaled(f16_value(half_at(b)), int(k_scale(b + 4, i / 32)), int(bits_at(b + 16 + i / 64 * 32 + i % 32, i % 64 / 32 * 4, 4)),
                       f16_value(half_at(b + 2)), int(k_min(b + 4, i / 32)));
            break;
        case kQ5_K:
            v = scaled(f16_value(half_at(b)), int(k_scale(b + 4, i / 32)),
                       int(bits_at(b + 48 + i / 64 * 32 + i % 32, i % 64 / 32 * 4, 4) | bits_at(b + 16 + i % 32, i / 32, 1) << 4),
                       f16_value(half_at(b + 2)), int(k_min(b + 4, i / 32)));
            break;
        case kQ6_K: {
            const int quant = int(bits_at(b + i / 128 * 64 + i % 64, i % 128 / 64 * 4, 4) |
                                  bits_at(b + 128 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2) << 4) -
                              32;
            v = scaled(f16_value(half_at(b + 208)), int(byte_at(b + 192 + i / 16) << 24) >> 24, quant);
            break;
        }
        case kIQ4_XS: {
            const uint j = i / 32;
            const int scale = int(bits_at(b + 4 + j / 2, j % 2 * 4, 4) | ((half_at(b + 2) >> (2 * j)) & 3u) << 4) - 32;
            v = scaled(f16_value(half_at(b)), scale, kIq4Levels[bits_at(b + 8 + j * 16 + i % 16, i % 32 / 16 * 4, 4)]);
            break;
        }
    }
    return floatBitsToUint(v);
}

#endif
