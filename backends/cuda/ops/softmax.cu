// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/softmax.cuh"

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/softmax.hpp"

namespace krait::cuda {

void softmax(const ops::Softmax::In<Tensor>& in, const ops::Softmax::Params& params, const ops::Softmax::Out<Tensor>& out,
             Context& context) {
    const int64_t n_row = in.x.extent(0);
    launch(context.stream, {.name = "softmax", .grid = {static_cast<uint32_t>(n_row)}, .block = {kSoftmaxBlock}},
           &softmax_kernel, input_rows<float>(in.x), output_rows<float>(out.y), n_row, in.x.extent(1), params.scale);
}

}  // namespace krait::cuda
