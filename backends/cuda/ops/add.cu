// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/elementwise.hpp"
#include "core/ops/add.hpp"

namespace krait::cuda {

void add(const ops::Add::In<Tensor>& in, const ops::Add::Params&, const ops::Add::Out<Tensor>& out, Context& context) {
    launch_elementwise("add", in.a, in.b, out.y, AddFunction{}, context);
}

}  // namespace krait::cuda
