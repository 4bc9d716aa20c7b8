// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/fusion.hpp"

namespace krait::cuda {
namespace {

bool is(const krait_graph_node& node, OpId op) { return node.op == static_cast<uint32_t>(op); }

template <class Params>
Params params_of(const krait_graph_node& node) {
    Params params;
    std::memcpy(&params, node.params, sizeof params);
    return params;
}

// Both are values in memory.
bool overlap(const Tensor& a, const Tensor& b) {
    if (!a || !b || a.buffer != b.buffer) return false;
    const auto end = [](const Tensor& t) { return t.offset + static_cast<uint64_t>(span_bytes(t.desc)); };
    return a.offset < end(b) && b.offset < end(a);
}

bool same(const Tensor& a, const Tensor& b) {
    return a.buffer == b.buffer && a.offset == b.offset && same_shape(a.desc, b.desc) && a.desc.stride[0] == b.desc.stride[0];
}

}  // namespace

bool launch_together(const krait_graph_node& first, const BoundOperands& first_operands, const krait_graph_node& second,
                     const BoundOperands& second_operands, Context& context) {
    if (is(first, OpId::rms_norm) && is(second, OpId::mul_mat)) {
        const auto norm = ops::as_named<ops::RmsNorm::In>(first_operands.in);
        const auto normed = ops::as_named<ops::RmsNorm::Out>(first_operands.out).y;
        const auto in = ops::as_named<ops::MulMat::In>(second_operands.in);
        const auto out = ops::as_named<ops::MulMat::Out>(second_operands.out);
        const auto params = params_of<ops::RmsNorm::Params>(first);
        if (!same(normed, in.x) || overlap(norm.x, normed) || overlap(norm.x, out.y) || !can_take_norm(params, in))
            return false;
        norm_mul_mat(norm, params, in, out, context);
        return true;
    }
    if (is(first, OpId::mul_mat) && is(second, OpId::ssm_scan)) {
        const auto product = ops::as_named<ops::MulMat::In>(first_operands.in);
        const auto dt = ops::as_named<ops::MulMat::Out>(first_operands.out);
        const auto in = ops::as_named<ops::SsmScan::In>(second_operands.in);
        const auto out = ops::as_named<ops::SsmScan::Out>(second_operands.out);
        if (!same(dt.y, in.dt) || overlap(product.x, dt.y) || overlap(product.x, out.y) || !can_take_dt(product, in))
            return false;
        dt_ssm_scan(product, dt, in, params_of<ops::SsmScan::Params>(second), out, context);
        return true;
    }
    return false;
}

}  // namespace krait::cuda
