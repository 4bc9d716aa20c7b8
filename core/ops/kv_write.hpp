// SPDX-License-Identifier: Apache-2.0
//
// kv_write: rows are stored in a cache of pages, for keys and values that later tokens attend to.
//   cache[rows[t] / R, rows[t] % R, column : column + C] = x[t, :] in the cache's element type, for each t with rows[t] >= 0
//   x f32 [T, C] · cache pages of rows [E], F32, F16 or Q8_0: [P, R, E], where P * R < 2^31
//   rows i32 [T]: core/ops/paged.hpp · params column -> nothing
// E, C and column are even for F16; for Q8_0 C and column are multiples of 32, and E is one of 64.
// Exact. F32 keeps every bit. F16 rounds to nearest, ties to even: from 65520 on to infinity, subnormals of F16 exactly; a NaN
// keeps its sign and the upper 9 bits of its payload, and is quiet. Q8_0 has the bytes that core/quant/q8_0.hpp gives. All
// other elements of the cache keep their bits.
#pragma once

#include "core/ops/paged.hpp"

namespace krait::ops {

struct KvWriteParams {
    int32_t column = 0;  // of a cache row, where x begins
};

struct KvWrite {
    using Params = KvWriteParams;
    KRAIT_INPUTS((x, kValue), (cache, kPages), (rows, rows_written("cache")))
    KRAIT_NO_OUTPUTS()

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>&) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        KRAIT_CHECK(expect_pages("cache", *in.cache));
        const int64_t n_tok = in.x->extent[0], n_col = in.x->extent[1], width = in.cache->extent[2];
        if (params.column < 0 || params.column + n_col > width)
            return fail(ErrorCode::invalid_argument, "cache rows have {} columns: {} from {} on do not fit", width, n_col,
                        params.column);
        const DType dtype = dtype_of(*in.cache);
        const int64_t step = dtype == DType::F16 ? 2 : dtype_info(dtype).block_elems;
        if (n_col % step != 0 || params.column % step != 0)
            return fail(ErrorCode::invalid_argument, "{} columns from {} on: a {} cache takes multiples of {}", n_col,
                        params.column, dtype_name(dtype), step);
        return expect_i32("rows", *in.rows, {n_tok});
    }
};

}  // namespace krait::ops
