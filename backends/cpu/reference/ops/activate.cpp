// SPDX-License-Identifier: Apache-2.0
#include "core/ops/activate.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {
namespace {

double apply(ops::Activation function, double v) {
    switch (function) {
        case ops::Activation::none: return v;
        case ops::Activation::silu: return silu(v);
        case ops::Activation::relu_squared: return v < 0 ? 0 : v * v;
        case ops::Activation::gelu: return v * 0.5 * std::erfc(-v / std::sqrt(2.0));
        // (1 + tanh z) / 2 = sigmoid(2 z), which does not cancel where z is far below 0.
        case ops::Activation::gelu_tanh: return v / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
        case ops::Activation::sigmoid: return 1 / (1 + std::exp(-v));
    }
    return v;
}

}  // namespace

void activate(const ops::Activate::In<Tensor>& in, const ops::Activate::Params& params, const ops::Activate::Out<Tensor>& out,
              Context&) {
    for (int64_t t = 0; t < in.a.extent(0); ++t)
        for (int64_t i = 0; i < in.a.extent(1); ++i) {
            const double value = apply(params.function, in.a.row<const float>(t)[i]);
            out.y.row<float>(t)[i] = static_cast<float>(in.b ? value * double(in.b.row<const float>(t)[i]) : value);
        }
}

}  // namespace krait::reference
