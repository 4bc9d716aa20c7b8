// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/argmax.cuh"

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/argmax.hpp"

namespace krait::cuda {

void argmax(const ops::Argmax::In<Tensor>& in, const ops::Argmax::Params&, const ops::Argmax::Out<Tensor>& out,
            Context& context) {
    launch(context.stream, {.name = "argmax", .grid = {static_cast<uint32_t>(in.x.extent(0))}, .block = {kArgmaxBlock}},
           &argmax_kernel, input_rows<float>(in.x), static_cast<int32_t*>(out.y.data), in.x.extent(1));
}

}  // namespace krait::cuda
