// SPDX-License-Identifier: Apache-2.0
//
// concat: two tensors side by side, bit for bit.
//   a f32 [T, A] · b f32 [T, B] -> y f32 [T, A + B], y[t, :A] = a[t, :], y[t, A:] = b[t, :]
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct Concat {
    using Params = NoParams;
    KRAIT_INPUTS((a, kValue), (b, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("a", *in.a, 2));
        KRAIT_CHECK(expect_f32("b", *in.b, 2));
        const int64_t n_row = in.a->extent[0];
        KRAIT_CHECK(expect(in.b->extent[0] == n_row, "b", *in.b, fmt::format("F32 [{}, any]", n_row)));
        out.y = make_desc(DType::F32, {n_row, in.a->extent[1] + in.b->extent[1]});
        return {};
    }
};

}  // namespace krait::ops
