// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/get_rows.cuh"

#include <algorithm>

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/get_rows.hpp"

namespace krait::cuda {

void get_rows(const ops::GetRows::In<Tensor>& in, const ops::GetRows::Params&, const ops::GetRows::Out<Tensor>& out,
              Context& context) {
    const int64_t n_row = out.y.extent(0), n_col = out.y.extent(1);
    WeightPlanes table{};
    if (in.table.role == KRAIT_TENSOR_CONSTANT) {
        table = planes_of(in.table);
    } else {  // rows of float32 in memory are the plane of an F32 weight
        table.low = static_cast<const uint8_t*>(in.table.data);
        table.low_stride = in.table.desc.stride[0];
    }
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    visit_block(in.table.dtype(), [&]<class Block>() {
        launch(context.stream, {.name = "get_rows", .grid = {blocks_for(n_col, kGetRowsSpan), rows}, .block = {kGetRowsBlock}},
               &get_rows_kernel<Block>, table, input_elements<int32_t>(in.ids), output_rows<float>(out.y), n_row, n_col);
    });
}

}  // namespace krait::cuda
