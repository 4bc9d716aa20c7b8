// SPDX-License-Identifier: Apache-2.0
#include "core/ops/softmax.hpp"
#include "backends/vulkan/ops/rows.hpp"

namespace krait::vulkan {

void softmax(const ops::Softmax::In<Tensor>& in, const ops::Softmax::Params& of, const ops::Softmax::Out<Tensor>& out,
             Recorder& recorder) {
    RowParams params = row_params(in.x, out.y);
    if (params.n_col == 0) return;
    params.number = of.scale;
    recorder.dispatch({shaders::softmax, {lanes_for(in.x.extent(1), recorder), recorder.subgroup_size()}}, params,
                      recorder.groups(params.n_row));
}

}  // namespace krait::vulkan
