// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/mul_mat_params.h"
#include "backends/vulkan/packed_weights.hpp"

namespace krait::vulkan {
namespace {

struct Shape {
    uint32_t lanes;    // outputs side by side; a multiple of KRAIT_PANEL_ROWS
    uint32_t slices;   // of the columns
    uint32_t outputs;  // a lane
    uint32_t tokens;   // a lane
    bool shared;       // lanes load x together
};

// A processor that plays GPU runs the lanes of a subgroup as one vector register. Each load of a lane is a handful of scalar
// instructions there and a shuffle by a constant is one, so x is loaded together and weights are used for several rows; work groups
// of one subgroup need no barriers. 4 outputs: x costs a quarter, and their weights still fit in registers.
Shape processor_shape(uint32_t n_tok, uint32_t subgroup_size) {
    const uint32_t tokens = n_tok == 1 ? 1 : n_tok <= 4 ? 4 : 8;
    const bool shared = subgroup_size >= KRAIT_PANEL_ROWS;
    return {shared ? subgroup_size : KRAIT_PANEL_ROWS, 1, 4, tokens, shared};
}

}  // namespace

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out,
             Recorder& recorder) {
    const auto n_tok = static_cast<uint64_t>(in.x.extent(0)), n_in = static_cast<uint64_t>(in.x.extent(1)),
               n_out = static_cast<uint64_t>(in.w.extent(0));
    if (n_tok == 0 || n_out == 0) return;
    if (n_tok > UINT32_MAX / 2 || n_in > UINT32_MAX / 2 || n_out > UINT32_MAX / 2)
        plugin::throw_error(ErrorCode::unsupported, "{} rows of {} and {} outputs: at most 2^31 of each", n_tok, n_in, n_out);
    const Shape shape = processor_shape(static_cast<uint32_t>(n_tok), recorder.subgroup_size());
    const auto up = [](uint64_t n, uint64_t d) { return (n + d - 1) / d; };
    MulMatParams params{.w = packed_shape(in.w.desc), .x = rows(in.x), .residual = rows(in.residual), .y = rows(out.y)};
    params.w.address = address(in.w);
    params.bias = address(in.bias);
    params.n_tok = static_cast<uint32_t>(n_tok);
    params.n_in = static_cast<uint32_t>(n_in);
    params.n_out = static_cast<uint32_t>(n_out);
    params.row_groups = static_cast<uint32_t>(up(n_out, uint64_t{shape.lanes} * shape.outputs));
    params.n_groups = params.row_groups * up(n_tok, shape.tokens);
    recorder.dispatch({shaders::mul_mat,
                       {shape.lanes * shape.slices, recorder.subgroup_size(), packing_of(in.w.dtype()), shape.outputs,
                        shape.tokens, shape.slices, uint32_t{shape.shared}}},
                      params, recorder.groups(params.n_groups), {in.x, in.residual}, {out.y});
}

}  // namespace krait::vulkan
