// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/elementwise.hpp"
#include "core/ops/activate.hpp"

namespace krait::cuda {
namespace {

template <ops::Activation kFunction>
void launch_activate(const ops::Activate::In<Tensor>& in, const Tensor& y, Context& context) {
    if (in.b) launch_elementwise("activate", in.a, in.b, y, ActivateFunction<kFunction, true>{}, context);
    else launch_elementwise("activate", in.a, in.a, y, ActivateFunction<kFunction, false>{}, context);
}

}  // namespace

void activate(const ops::Activate::In<Tensor>& in, const ops::Activate::Params& params, const ops::Activate::Out<Tensor>& out,
              Context& context) {
    using enum ops::Activation;
    switch (params.function) {
        case none: return;  // infer refuses it
        case silu: return launch_activate<silu>(in, out.y, context);
        case relu_squared: return launch_activate<relu_squared>(in, out.y, context);
        case gelu: return launch_activate<gelu>(in, out.y, context);
        case gelu_tanh: return launch_activate<gelu_tanh>(in, out.y, context);
        case sigmoid: return launch_activate<sigmoid>(in, out.y, context);
    }
}

}  // namespace krait::cuda
