// SPDX-License-Identifier: Apache-2.0
//
// copy: gathers a row-strided tensor into a contiguous one, bit for bit.
//   x f32 or i32, any rank -> y the same type and shape, contiguous
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct Copy {
    using Params = NoParams;
    KRAIT_INPUTS((x, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect(dtype_of(*in.x) == DType::F32 || dtype_of(*in.x) == DType::I32, "x", *in.x, "F32 or I32"));
        out.y = make_desc(dtype_of(*in.x), std::span<const int64_t>(in.x->extent, in.x->rank));
        return {};
    }
};

}  // namespace krait::ops
