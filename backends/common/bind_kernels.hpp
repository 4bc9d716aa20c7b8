// SPDX-License-Identifier: Apache-2.0
//
// core/ops/op_list.def as a table from op id to kernel. A backend writes one function for each op,
//     void ssm_scan(const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& params,
//                   const ops::SsmScan::Out<Tensor>& out, Context& context);
// in one namespace of its own (Context is the backend's class, derived from KernelContext), and the table in one source file
// there:
//     #define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_DECLARE_KERNEL(name, Type, Context)
//     #include "core/ops/op_list.def"
//     constexpr OpTable kOpTable{{
//     #define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_KERNEL(name, Type, Context),
//     #include "core/ops/op_list.def"
//     }};
// A kernel that is missing, or has another signature, is then an error of the linker that names it. This file includes every
// contract, so that whatever includes it is compiled again when any of them changes: no header does.
#pragma once

#include <cstring>
#include <iterator>

#include "backends/common/op_table.hpp"
#include "core/ops/op_list.hpp"

namespace krait::plugin {

template <class Op, class Context>
using KernelFunction = void (*)(const typename Op::template In<Tensor>& in, const typename Op::Params& params,
                                const typename Op::template Out<Tensor>& out, Context& context);

template <class Op, class Context, KernelFunction<Op, Context> kKernel>
std::unique_ptr<BoundNode> bind_kernel(const std::array<Tensor, KRAIT_MAX_INPUTS>& in, const void* params,
                                       const std::array<Tensor, KRAIT_MAX_OUTPUTS>& out) {
    static_assert(std::is_base_of_v<KernelContext, Context>);
    struct Bound final : BoundNode {
        typename Op::template In<Tensor> in;
        typename Op::Params params;
        typename Op::template Out<Tensor> out;
        void run(KernelContext& context) const override { kKernel(in, params, out, static_cast<Context&>(context)); }
        void resize(std::span<const int64_t> change) override {
            BoundNode::resize({reinterpret_cast<Tensor*>(&in), std::size(Op::kIn)}, change);
            BoundNode::resize({reinterpret_cast<Tensor*>(&out), std::size(Op::kOut)}, change);
        }
    };
    auto bound = std::make_unique<Bound>();
    bound->in = ops::as_named<Op::template In>(in);
    bound->out = ops::as_named<Op::template Out>(out);
    if constexpr (kParamsSize < Op >> 0) std::memcpy(&bound->params, params, sizeof bound->params);
    return bound;
}

}  // namespace krait::plugin

#define KRAIT_DECLARE_KERNEL(name, Type, Context)                                                            \
    void name(const krait::ops::Type::In<krait::plugin::Tensor>& in, const krait::ops::Type::Params& params, \
              const krait::ops::Type::Out<krait::plugin::Tensor>& out, Context& context);
#define KRAIT_KERNEL(name, Type, Context) &krait::plugin::bind_kernel<krait::ops::Type, Context, &name>
