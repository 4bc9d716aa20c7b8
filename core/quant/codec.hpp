// SPDX-License-Identifier: Apache-2.0
//
// The scalar truth of every weight format: one row of blocks to f32 and back. Everything faster equals it bit for bit.
//
// Rows are whole blocks: out.size() and in.size() are multiples of dtype_info(dtype).block_elems, `blocks` has
// row_bytes(dtype, n) bytes at any alignment, and dtype is a weight format. Those are the caller's duty (asserted); every
// value of every byte and every float is legal.
//
// decode_row: value_at() of the format's header. A block may say infinity or NaN, and then decodes to it.
//
// encode_row: F32, F16 and BF16 convert each weight by itself (round to nearest even; NaN and infinities stay, F16 overflows to
// infinity). Block formats:
//   - minimise sum of importance[i] * (in[i] - decoded[i])^2 over scales, minima and quants; Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1
//     without importance use the plain rounding that every GGUF tool uses, to the same bytes
//   - always store finite scales: a scale beyond f16 becomes the largest finite f16, and weights beyond the block's reach
//     become its nearest value
//   - count a NaN weight as 0 and an infinite one as the largest finite f32 of its sign
//   - are deterministic, and independent of the neighbours' blocks
// importance: empty, or one number a weight (the mean square of the activation that multiplies it, say). What is negative or
// not finite counts as 0; a block with nothing but zeros is treated as if it had no importance given.
#pragma once

#include <span>

#include "core/tensor/dtype.hpp"

namespace krait {

void decode_row(DType dtype, const void* blocks, std::span<float> out);
void encode_row(DType dtype, std::span<const float> in, std::span<const float> importance, void* blocks);
inline void encode_row(DType dtype, std::span<const float> in, void* blocks) { encode_row(dtype, in, {}, blocks); }

}  // namespace krait
