// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/combine_experts.cuh"

#include <algorithm>

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/combine_experts.hpp"

namespace krait::cuda {

void combine_experts(const ops::CombineExperts::In<Tensor>& in, const ops::CombineExperts::Params&,
                     const ops::CombineExperts::Out<Tensor>& out, Context& context) {
    const int64_t n_row = in.x.extent(0), n_used = in.x.extent(1), width = in.x.extent(2);
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    launch(context.stream,
           {.name = "combine_experts", .grid = {blocks_for(width, kCombineSpan), rows}, .block = {kCombineBlock}},
           &combine_experts_kernel<>, input_rows<float>(in.x), input_rows<float>(in.weights), input_rows<float>(in.base),
           output_rows<float>(out.y), n_row, n_used, width);
}

}  // namespace krait::cuda
