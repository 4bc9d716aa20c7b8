// SPDX-License-Identifier: Apache-2.0
//
// The contract that add and mul share: two tensors, element by element, the second one possibly one row for all.
//   a f32 [T, E] · b f32 [T, E] or [1, E] -> y f32 [T, E]
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct RowBroadcast {
    using Params = NoParams;
    KRAIT_INPUTS((a, kValue), (b, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("a", *in.a, 2));
        const int64_t n_row = in.a->extent[0], n_col = in.a->extent[1];
        KRAIT_CHECK(expect(dtype_of(*in.b) == DType::F32 && in.b->rank == 2 && in.b->extent[1] == n_col &&
                               (in.b->extent[0] == n_row || in.b->extent[0] == 1),
                           "b", *in.b, fmt::format("F32 [{}, {}] or [1, {}]", n_row, n_col, n_col)));
        out.y = make_desc(DType::F32, {n_row, n_col});
        return {};
    }
};

}  // namespace krait::ops
