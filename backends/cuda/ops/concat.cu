// SPDX-License-Identifier: Apache-2.0
#include "core/ops/concat.hpp"

#include <algorithm>

#include "backends/cuda/ops/copy.cuh"
#include "backends/cuda/ops/operands.hpp"
#include "core/ops/concat.hpp"

namespace krait::cuda {

void concat(const ops::Concat::In<Tensor>& in, const ops::Concat::Params&, const ops::Concat::Out<Tensor>& out,
            Context& context) {
    const int64_t n_row = in.a.extent(0), n_a = in.a.extent(1), n_b = in.b.extent(1);
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    const Rows<uint32_t> left = output_rows<uint32_t>(out.y), right{left.data + n_a, left.stride};
    launch(context.stream,
           {.name = "concat", .grid = {blocks_for(std::max(n_a, n_b), kCopySpan), rows, 2}, .block = {kCopyBlock}},
           &concat_kernel<>, CopiedRows{input_rows<uint32_t>(in.a), left, n_row, n_a},
           CopiedRows{input_rows<uint32_t>(in.b), right, n_row, n_b});
}

}  // namespace krait::cuda
