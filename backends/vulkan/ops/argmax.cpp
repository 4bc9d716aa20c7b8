// SPDX-License-Identifier: Apache-2.0
#include "core/ops/argmax.hpp"
#include "backends/vulkan/ops/rows.hpp"

namespace krait::vulkan {

void argmax(const ops::Argmax::In<Tensor>& in, const ops::Argmax::Params&, const ops::Argmax::Out<Tensor>& out,
            Recorder& recorder) {
    const RowParams params = row_params(in.x, out.y);
    recorder.dispatch({shaders::argmax, {lanes_for(in.x.extent(1), recorder), recorder.subgroup_size()}}, params,
                      recorder.groups(params.n_row));
}

}  // namespace krait::vulkan
