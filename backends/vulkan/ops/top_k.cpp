// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/ops/rows.hpp"

namespace krait::vulkan {

void top_k(const ops::TopK::In<Tensor>& in, const ops::TopK::Params& of, const ops::TopK::Out<Tensor>& out,
           Recorder& recorder) {
    RowParams params = row_params(in.x, out.values);
    params.second = rows(out.indices);
    params.n_parts = static_cast<uint32_t>(of.k);
    recorder.dispatch({shaders::top_k, {lanes_for(in.x.extent(1), recorder), recorder.subgroup_size()}}, params,
                      recorder.groups(params.n_row));
}

}  // namespace krait::vulkan
