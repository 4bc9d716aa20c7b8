// SPDX-License-Identifier: Apache-2.0
#include "core/ops/concat.hpp"
#include "backends/vulkan/ops/elementwise.hpp"

namespace krait::vulkan {

void concat(const ops::Concat::In<Tensor>& in, const ops::Concat::Params&, const ops::Concat::Out<Tensor>& out,
            Recorder& recorder) {
    record_elementwise(shaders::concat, in.a, in.b, out.y, recorder, {.n_left = in.a.extent(1)});
}

}  // namespace krait::vulkan
