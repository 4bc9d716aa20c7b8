// SPDX-License-Identifier: Apache-2.0
//
// get_rows: rows of a table by index; the embedding lookup, and the choice of rows whose logits are wanted.
//   y[t, :] = dequantize(table[ids[t], :])
//   table [V, E] any format as a constant, or F32 as a value · ids i32 [T], 0 <= id < V (checked by the host) -> y f32 [T, E]
// Exact: the float32 value that core/quant/codec gives.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct GetRows {
    using Params = NoParams;
    KRAIT_INPUTS((table, kTable), (ids, rows_of("table")))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect(in.table->rank == 2 && dtype_info(dtype_of(*in.table)).is_weight_format, "table", *in.table,
                           "[n_vocab, n_col] of a weight format"));
        KRAIT_CHECK(expect(dtype_of(*in.ids) == DType::I32 && in.ids->rank == 1, "ids", *in.ids, "I32 [n_tok]"));
        out.y = make_desc(DType::F32, {in.ids->extent[0], in.table->extent[1]});
        return {};
    }
};

}  // namespace krait::ops
