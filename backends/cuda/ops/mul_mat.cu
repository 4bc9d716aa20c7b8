// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/mul_mat.hpp"

#include "backends/cuda/fusion.hpp"
#include "core/ops/mul_mat.hpp"
#include "core/ops/rms_norm.hpp"

namespace krait::cuda {
namespace {

void launch_mul_mat(const MulMatOperands& op, DType format, Context& context) {
    visit_block(format, [&]<class Block>() {
        if (op.n_tok <= kMaxVectorRows) return launch_mul_mat_vector<Block>(op, context);
        if constexpr (std::is_same_v<Block, BlockBF16>)
            if (!context.stream.gpu().is_sm80()) return launch_mul_mat_tiles<Block>(op, context);
        if constexpr (std::is_same_v<Block, BlockF32>) {
            launch_mul_mat_tiles<Block>(op, context);
        } else {
            if (op.n_tok >= kMinWgmmaRows && op.n_in > 0 && context.stream.gpu().uses_wgmma())
                return launch_mul_mat_wgmma<Block>(op, context);
            launch_mul_mat_mma<Block>(op, context);
        }
    });
}

}  // namespace

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out,
             Context& context) {
    launch_mul_mat(mul_mat_operands(in, out), in.w.dtype(), context);
}

bool can_take_norm(const ops::RmsNorm::Params& norm, const ops::MulMat::In<Tensor>& in) {
    return norm.groups == 1 && in.x.extent(0) > 0 && in.x.extent(0) <= kMaxVectorRows;
}

void norm_mul_mat(const ops::RmsNorm::In<Tensor>& norm_in, const ops::RmsNorm::Params& norm, const ops::MulMat::In<Tensor>& in,
                  const ops::MulMat::Out<Tensor>& out, Context& context) {
    MulMatOperands op = mul_mat_operands(in, out);
    op.norm = {true, input_elements<float>(norm_in.weight), norm.eps, output_rows<float>(in.x)};
    op.x = input_rows<float>(norm_in.x);
    launch_mul_mat(op, in.w.dtype(), context);
}

}  // namespace krait::cuda
