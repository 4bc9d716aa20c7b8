// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/copy.cuh"

#include <algorithm>

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/copy.hpp"

namespace krait::cuda {

void copy(const ops::Copy::In<Tensor>& in, const ops::Copy::Params&, const ops::Copy::Out<Tensor>& out, Context& context) {
    // A tensor of rank 1 is one row.
    const bool one_row = in.x.desc.rank == 1;
    const int64_t n_row = one_row ? 1 : in.x.extent(0), n_col = one_row ? in.x.extent(0) : in.x.inner_count();
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    launch(context.stream, {.name = "copy", .grid = {blocks_for(n_col, kCopySpan), rows}, .block = {kCopyBlock}},
           &copy_kernel<>, CopiedRows{input_rows<uint32_t>(in.x), output_rows<uint32_t>(out.y), n_row, n_col});
}

}  // namespace krait::cuda
