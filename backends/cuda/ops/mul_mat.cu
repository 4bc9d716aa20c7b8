// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/mul_mat.hpp"

namespace krait::cuda {

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out,
             Context& context) {
    MulMatOperands op{};
    op.x = input_rows<float>(in.x);
    op.w = planes_of(in.w);
    op.bias = input_elements<float>(in.bias);
    op.residual = input_rows<float>(in.residual);
    op.y = output_rows<float>(out.y);
    op.n_tok = in.x.extent(0);
    op.n_in = in.x.extent(1);
    op.n_out = in.w.extent(0);
    visit_block(in.w.dtype(), [&]<class Block>() {
        if (op.n_tok <= kMostVectorRows) return launch_mul_mat_vector<Block>(op, context);
        if constexpr (std::is_same_v<Block, BlockBF16>)
            if (!context.stream.gpu().is_sm80()) return launch_mul_mat_tiles<Block>(op, context);
        if constexpr (std::is_same_v<Block, BlockF32>) launch_mul_mat_tiles<Block>(op, context);
        else launch_mul_mat_mma<Block>(op, context);
    });
}

}  // namespace krait::cuda
