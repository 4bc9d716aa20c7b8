// SPDX-License-Identifier: Apache-2.0
//
// argmax: where a row is largest; greedy choice of the next token on the device.
//   x f32 [T, V], V >= 1 -> y i32 [T]
// The first of equal values wins. NaN counts as smaller than everything; a row of NaN gives 0.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct Argmax {
    using Params = NoParams;
    KRAIT_INPUTS((x, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        KRAIT_CHECK(expect(in.x->extent[1] >= 1, "x", *in.x, "[n_row, at least 1]"));
        out.y = make_desc(DType::I32, {in.x->extent[0]});
        return {};
    }
};

}  // namespace krait::ops
