// SPDX-License-Identifier: Apache-2.0
#include "core/ops/rms_norm.hpp"
#include "backends/vulkan/ops/rows.hpp"

namespace krait::vulkan {

void rms_norm(const ops::RmsNorm::In<Tensor>& in, const ops::RmsNorm::Params& of, const ops::RmsNorm::Out<Tensor>& out,
              Recorder& recorder) {
    RowParams params = row_params(in.x, out.y);
    if (params.n_col == 0) return;
    params.second = rows(in.weight);
    params.n_parts = static_cast<uint32_t>(of.groups);
    params.number = of.eps;
    const uint32_t lanes = lanes_for(in.x.extent(1) / of.groups, recorder);
    recorder.dispatch({shaders::rms_norm, {lanes, recorder.subgroup_size(), in.weight ? 1u : 0u}}, params,
                      recorder.groups(params.n_row * params.n_parts));
}

}  // namespace krait::vulkan
