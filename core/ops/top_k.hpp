// SPDX-License-Identifier: Apache-2.0
//
// top_k: the k largest of each row, largest first.
//   x f32 [T, V] · params k, 1 <= k <= V -> values f32 [T, k], indices i32 [T, k]
// Equal values come in the order of their indices; NaN counts as smaller than everything.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct TopKParams {
    int32_t k = 1;
};

struct TopK {
    using Params = TopKParams;
    KRAIT_INPUTS((x, kValue))
    KRAIT_OUTPUTS((values, kValue), (indices, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        if (params.k < 1 || params.k > in.x->extent[1])
            return fail(ErrorCode::invalid_argument, "k = {}: rows have {} elements", params.k, in.x->extent[1]);
        out.values = make_desc(DType::F32, {in.x->extent[0], params.k});
        out.indices = make_desc(DType::I32, {in.x->extent[0], params.k});
        return {};
    }
};

}  // namespace krait::ops
