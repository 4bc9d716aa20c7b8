// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/ssm_conv.cuh"

#include <algorithm>

#include "backends/cuda/ops/sequences.hpp"
#include "core/ops/ssm_conv.hpp"

namespace krait::cuda {

void ssm_conv(const ops::SsmConv::In<Tensor>& in, const ops::SsmConv::Params& params, const ops::SsmConv::Out<Tensor>& out,
              Context& context) {
    ConvOperands op{};
    op.x = input_rows<float>(in.x);
    op.w = input_elements<float>(in.w);
    op.bias = input_elements<float>(in.bias);
    op.state = slots_of(in.state);
    op.sequences = sequences_of(in);
    op.y = output_rows<float>(out.y);
    op.channels = in.x.extent(1);
    op.d_conv = static_cast<int32_t>(in.w.extent(1));
    op.silu = params.activation == ops::Activation::silu;
    // 32 rows a thread: the d_conv - 1 that two chunks both read are a tenth then.
    op.chunk = std::max(32, op.d_conv - 1);
    const Extent3 grid{static_cast<uint32_t>(in.x.extent(0) / op.chunk + op.sequences.n_seq),
                       blocks_for(op.channels, kConvBlock)};
    const auto run = [&](void (*kernel)(ConvOperands)) {
        launch(context.stream, {.name = "ssm_conv", .grid = grid, .block = {kConvBlock}}, kernel, op);
    };
    switch (op.d_conv) {
        case 2: return run(&ssm_conv_kernel<2>);
        case 3: return run(&ssm_conv_kernel<3>);
        case 4: return run(&ssm_conv_kernel<4>);
        default: return run(&ssm_conv_kernel<0>);
    }
}

}  // namespace krait::cuda
