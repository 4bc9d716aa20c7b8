// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics of a warpgroup's matrix product (wgmma, sm_90a): four warps together add a product to sums in their registers,
//   d [64 x 8 kTiles] += a [64 x 16] * b [16 x 8 kTiles],   a in registers, b in shared memory, read through a descriptor
// while they go on. With g = lane / 4 and t = lane % 4, warp w of the four holds
//   a  register r: row 16 w + g + 8 (r % 2), columns 2 t + 8 (r / 2) and the next
//   d[i][r]        row 16 w + g + 8 (r / 2), column 8 i + 2 t + r % 2
// The order of things, which the emulation insists on:
//   warpgroup_fence(...)       after a or d were written by anything else, and before a product that takes them; names them
//   warpgroup_multiply(d, a, b)  a, d and b belong to the device from here to the wait; another product may add to the same d
//   warpgroup_commit()         products since the last one are a group
//   warpgroup_wait<n>()        until at most n groups are on their way: the a and b of the others are free again
//   warpgroup_finish(d)        until none is, and d can be read
//   async_proxy_fence()        by who wrote b (store_vector, or copy_async after its wait), before the barrier in front of the
//                              product
#pragma once

#include "backends/cuda/kernels/intrinsics.cuh"

#if defined(__CUDACC__)
#include "backends/cuda/kernels/warpgroup_cuda.cuh"
#else
#include "backends/cuda/host_emulation/warpgroup_intrinsics.hpp"
#endif

namespace krait::cuda {

// How rows of b lie in shared memory, 8 columns (of d) as a group: rows of that many bytes, whose pieces of 16 bytes are
// exchanged by the row's number, so that no two of a column lie in one bank. The pattern repeats from multiples of 8 rows on.
enum class Swizzle : uint32_t { none = 0, bytes_128 = 1, bytes_64 = 2, bytes_32 = 3 };

// b for a product: 16 k of every column from `address` on; `groups_apart`: bytes from 8 columns to the next 8; `pieces_apart`:
// from 8 k to the next 8 k, without a swizzle alone.
KRAIT_DEVICE uint64_t matrix_descriptor(uint32_t address, uint32_t groups_apart, Swizzle swizzle, uint32_t pieces_apart = 16) {
    const auto encode = [](uint32_t bytes) { return static_cast<uint64_t>((bytes & 0x3ffffu) >> 4); };
    return encode(address) | encode(pieces_apart) << 16 | encode(groups_apart) << 32 | static_cast<uint64_t>(swizzle) << 62;
}

// Where a piece of 16 bytes of a column lies from the pattern's start, with Swizzle::bytes_128 and 64 k: 128 bytes a column.
KRAIT_DEVICE uint32_t swizzled_128(uint32_t column, uint32_t piece) { return column * 128 + ((piece ^ column % 8) * 16); }

}  // namespace krait::cuda
