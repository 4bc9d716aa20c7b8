// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/top_k.cuh"

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/top_k.hpp"

namespace krait::cuda {

void top_k(const ops::TopK::In<Tensor>& in, const ops::TopK::Params& params, const ops::TopK::Out<Tensor>& out,
           Context& context) {
    const int64_t n_row = in.x.extent(0), k = params.k;
    if (n_row == 0) return;
    auto* chosen = reinterpret_cast<uint64_t*>(context.scratch(static_cast<uint64_t>(n_row * k) * sizeof(uint64_t)));
    launch(context.stream, {.name = "top_k", .grid = {static_cast<uint32_t>(n_row)}, .block = {kTopKBlock}}, &top_k_kernel,
           input_rows<float>(in.x), in.x.extent(1), k, chosen, output_rows<float>(out.values),
           output_rows<int32_t>(out.indices));
}

}  // namespace krait::cuda
