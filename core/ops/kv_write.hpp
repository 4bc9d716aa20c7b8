// SPDX-License-Identifier: Apache-2.0
//
// kv_write: rows are stored in a cache of pages, for keys and values that later tokens attend to.
//   cache[rows[t] / R, rows[t] % R, :] = x[t, :] in the cache's element type, for each t with rows[t] >= 0
//   x f32 [T, E] · cache pages of rows [E], F32 or F16: [P, R, E], where P * R < 2^31, and E is even for F16
//   rows i32 [T]: core/ops/paged.hpp -> nothing
// Exact. F32 keeps every bit. F16 rounds to nearest, ties to even: from 65520 on to infinity, subnormals of F16 exactly; a NaN
// keeps its sign and the upper 9 bits of its payload, and is quiet. All other rows of the cache keep their bits.
#pragma once

#include "core/ops/paged.hpp"

namespace krait::ops {

struct KvWrite {
    using Params = NoParams;
    KRAIT_INPUTS((x, kValue), (cache, kPages), (rows, rows_written("cache")))
    KRAIT_NO_OUTPUTS()

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>&) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        const int64_t n_tok = in.x->extent[0], width = in.x->extent[1];
        const DType dtype = dtype_of(*in.cache);
        const bool is_half = dtype == DType::F16;
        KRAIT_CHECK(expect((dtype == DType::F32 || is_half) && in.cache->rank == 3 && in.cache->extent[2] == width, "cache",
                           *in.cache, "F32 or F16 [n_pages, rows_per_page, as many columns as x]"));
        KRAIT_CHECK(expect(!is_half || width % 2 == 0, "cache", *in.cache, "of an even number of columns, since it is F16"));
        KRAIT_CHECK(expect(rows_of_pages(*in.cache) <= INT32_MAX, "cache", *in.cache, "of less than 2^31 rows"));
        return expect_i32("rows", *in.rows, {n_tok});
    }
};

}  // namespace krait::ops
