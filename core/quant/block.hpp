// SPDX-License-Identifier: Apache-2.0
//
// The language of the format headers, so that C++, CUDA and GLSL read the same text. A format header defines
//   struct Block<Name>            the bytes of one block, in the order of the file (little endian, alignment 1 or 2)
//   value_at(block, i)            element i as f32: THE definition; every operation rounds to f32 by itself, none is fused
//   quant_at(block, i)            the stored integer of element i, its offset already taken off
//   scale_at(block, j), min_at    the stored integers of sub-block j, where the format has them
//   set_quant, set_scale, set_min their inverses; other bits stay
// Functions are overloaded on the block, so a kernel takes the format as a template or specialization parameter.
// GLSL needs GL_GOOGLE_include_directive, GL_EXT_shader_16bit_storage, GL_EXT_shader_8bit_storage and
// GL_EXT_shader_explicit_arithmetic_types, and follows the blocks in std430 layout.
#ifndef KRAIT_QUANT_BLOCK_HPP
#define KRAIT_QUANT_BLOCK_HPP

#if defined(__cplusplus)

#include <cstdint>

#include "core/quant/half.hpp"
#include "core/tensor/dtype.hpp"

#if defined(__CUDACC__)
#define KRAIT_BLOCK_FN __host__ __device__ constexpr
#else
#define KRAIT_BLOCK_FN constexpr
#endif
#define KRAIT_IN(Type) const Type&
#define KRAIT_INOUT(Type) Type&
#define KRAIT_IN_BYTES(name, count) const uint8_t(&name)[count]
#define KRAIT_INOUT_BYTES(name, count) uint8_t(&name)[count]
#define KRAIT_BLOCK_BEGIN namespace krait {
#define KRAIT_BLOCK_END }
// The struct has the bytes that formats.def says, and may lie at any even address.
#define KRAIT_BLOCK_CHECK(Name) \
    static_assert(sizeof(Block##Name) == static_cast<size_t>(dtype_info(DType::Name).block_bytes) && alignof(Block##Name) <= 2);

#else

#define KRAIT_BLOCK_FN
#define KRAIT_IN(Type) const Type
#define KRAIT_INOUT(Type) inout Type
#define KRAIT_IN_BYTES(name, count) const uint8_t name[count]
#define KRAIT_INOUT_BYTES(name, count) inout uint8_t name[count]
#define KRAIT_BLOCK_BEGIN
#define KRAIT_BLOCK_END
#define KRAIT_BLOCK_CHECK(Name)
float f16_to_f32(uint16_t bits) { return unpackHalf2x16(uint(bits)).x; }
float bf16_to_f32(uint16_t bits) { return uintBitsToFloat(uint(bits) << 16); }

#endif

KRAIT_BLOCK_BEGIN

// `width` bits of a byte from bit `shift` up, and the byte with those bits replaced.
KRAIT_BLOCK_FN int byte_bits(uint8_t byte, int shift, int width) { return (int(byte) >> shift) & ((1 << width) - 1); }
KRAIT_BLOCK_FN uint8_t with_byte_bits(uint8_t byte, int shift, int width, int value) {
    const int mask = ((1 << width) - 1) << shift;
    return uint8_t((int(byte) & ~mask) | ((value << shift) & mask));
}

KRAIT_BLOCK_END

#endif
