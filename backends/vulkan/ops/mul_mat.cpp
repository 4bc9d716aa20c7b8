// SPDX-License-Identifier: Apache-2.0
#include "core/ops/mul_mat.hpp"
#include "backends/vulkan/packed_weights.hpp"
#include "backends/vulkan/products.hpp"

namespace krait::vulkan {

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out,
             Recorder& recorder) {
    const auto n_tok = static_cast<uint64_t>(in.x.extent(0)), n_in = static_cast<uint64_t>(in.x.extent(1)),
               n_out = static_cast<uint64_t>(in.w.extent(0));
    if (n_tok == 0 || n_out == 0) return;
    if (n_tok > UINT32_MAX / 2 || n_in > UINT32_MAX / 2 || n_out > UINT32_MAX / 2)
        plugin::throw_error(ErrorCode::unsupported, "{} rows of {} and {} outputs: at most 2^31 of each", n_tok, n_in, n_out);
    MulMatParams params{.w = packed_shape(in.w.desc), .x = rows(in.x), .residual = rows(in.residual), .y = rows(out.y)};
    params.w.address = address(in.w);
    params.bias = address(in.bias);
    params.n_tok = static_cast<uint32_t>(n_tok);
    params.n_in = static_cast<uint32_t>(n_in);
    params.n_out = static_cast<uint32_t>(n_out);
    record_product({.params = params,
                    .dtype = in.w.dtype(),
                    .n_row = n_tok,
                    .n_same = n_tok,
                    .w = memory_buffer(*in.w.buffer).memory(),
                    .x = memory_buffer(*in.x.buffer).memory(),
                    .n_tile = [n_tok](uint32_t tokens, MulMatParams&) { return (n_tok + tokens - 1) / tokens; }},
                   recorder);
}

}  // namespace krait::vulkan
