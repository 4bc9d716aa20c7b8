// SPDX-License-Identifier: Apache-2.0
//
// Two nodes in one launch, where a launch costs more than what the second kernel has to do once more. A decode step of a Mamba
// layer is five launches then: [norm + in] [conv] [x] [dt + scan + gate] [out + residual].
//   rms_norm, mul_mat of its result   every block of the product computes the norm itself (mul_mat_vector.cuh)
//   mul_mat, ssm_scan with it as dt   every block of the scan computes the steps of its channels (ssm_scan_dt.cuh)
// Both still write what the first node gives. What the first reads must not be what the second writes: blocks read and write at
// the same time.
#pragma once

#include "backends/cuda/kernels.hpp"
#include "core/ops/mul_mat.hpp"
#include "core/ops/rms_norm.hpp"
#include "core/ops/ssm_scan.hpp"

namespace krait::cuda {

// Launches nodes `index` and `index` + 1 together where that is possible; false, and nothing, where it is not. in and out: the
// operands of both.
struct BoundOperands {
    std::array<Tensor, KRAIT_MAX_INPUTS> in;
    std::array<Tensor, KRAIT_MAX_OUTPUTS> out;
};
bool launch_together(const krait_graph_node& first, const BoundOperands& first_operands, const krait_graph_node& second,
                     const BoundOperands& second_operands, Context& context);

bool can_take_norm(const ops::RmsNorm::Params& norm, const ops::MulMat::In<Tensor>& in);
void norm_mul_mat(const ops::RmsNorm::In<Tensor>& norm_in, const ops::RmsNorm::Params& norm, const ops::MulMat::In<Tensor>& in,
                  const ops::MulMat::Out<Tensor>& out, Context& context);

bool can_take_dt(const ops::MulMat::In<Tensor>& dt, const ops::SsmScan::In<Tensor>& in);
void dt_ssm_scan(const ops::MulMat::In<Tensor>& dt_in, const ops::MulMat::Out<Tensor>& dt_out,
                 const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& params, const ops::SsmScan::Out<Tensor>& out,
                 Context& context);

}  // namespace krait::cuda
