// SPDX-License-Identifier: Apache-2.0
//
// The columns that rows of a cache of pages can have (core/ops/paged.hpp), by their element type.
#pragma once

#include "core/tensor/dtype.hpp"

namespace krait::ops {

// A row as a whole has whole words of 4 bytes (a block of Q8_0 has 34 bytes).
constexpr int64_t row_step(DType dtype) { return dtype == DType::F16 ? 2 : dtype == DType::Q8_0 ? 64 : 1; }
// The columns that are written at once (kv_write) begin and end at whole words, or at whole blocks.
constexpr int64_t write_step(DType dtype) { return dtype == DType::F16 ? 2 : dtype == DType::Q8_0 ? 32 : 1; }
// Whether a row can be the keys of n_head heads, then their values: heads begin at whole blocks (attention).
constexpr bool fits_pages(DType dtype, int64_t n_head, int64_t k_dim, int64_t v_dim) {
    const int64_t block = dtype_info(dtype).block_elems, step = write_step(dtype);
    return k_dim % block == 0 && v_dim % block == 0 && n_head * k_dim % step == 0 && n_head * v_dim % step == 0 &&
           n_head * (k_dim + v_dim) % row_step(dtype) == 0;
}

}  // namespace krait::ops
