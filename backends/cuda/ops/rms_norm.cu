// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/rms_norm.cuh"

#include <algorithm>

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/rms_norm.hpp"

namespace krait::cuda {

void rms_norm(const ops::RmsNorm::In<Tensor>& in, const ops::RmsNorm::Params& params, const ops::RmsNorm::Out<Tensor>& out,
              Context& context) {
    const int64_t n_row = in.x.extent(0), width = in.x.extent(1) / params.groups;
    if (width == 0) return;
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    launch(context.stream, {.name = "rms_norm", .grid = {static_cast<uint32_t>(params.groups), rows}, .block = {kNormBlock}},
           &rms_norm_kernel<>, input_rows<float>(in.x), input_elements<float>(in.weight), output_rows<float>(out.y), n_row,
           width, params.eps);
}

}  // namespace krait::cuda
