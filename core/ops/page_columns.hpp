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
// Whether a row can be k_width columns of keys, then v_width columns of values.
constexpr bool fits_pages(DType dtype, int64_t k_width, int64_t v_width) {
    return k_width % write_step(dtype) == 0 && v_width % write_step(dtype) == 0 && (k_width + v_width) % row_step(dtype) == 0;
}

}  // namespace krait::ops
