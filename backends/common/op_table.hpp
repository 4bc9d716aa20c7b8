// SPDX-License-Identifier: Apache-2.0
//
// core/ops/op_list.def as a table from op id to kernel. A backend writes one function for each op,
//     void ssm_scan(const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& params,
//                   const ops::SsmScan::Out<Tensor>& out, Context& context);
// in one namespace of its own, and in one header there (Context is the backend's class, derived from KernelContext):
//     #define KRAIT_OP(id, name, Type, params_size) KRAIT_DECLARE_KERNEL(name, Type, Context)
//     #include "core/ops/op_list.def"
//     inline constexpr OpTable kOpTable{{
//     #define KRAIT_OP(id, name, Type, params_size) KRAIT_KERNEL(name, Type, Context),
//     #include "core/ops/op_list.def"
//     }};
// A missing kernel is then an error of the linker, a wrong signature one of the compiler. A node's operands are bound once,
// when a program is made (bind), and the bound node is run many times.
#pragma once

#include <array>
#include <memory>

#include "backends/common/plugin_shim.hpp"
#include "core/ops/op_list.hpp"

namespace krait::plugin {

// One operand of a node. Absent operands are false: if (in.bias) ...
struct Tensor {
    TensorDesc desc{};
    uint32_t role = KRAIT_TENSOR_VALUE;  // krait_tensor_role
    Buffer* buffer = nullptr;            // of the backend's own class
    uint64_t offset = 0;                 // bytes from the buffer's start
    void* data = nullptr;                // where the first element is, on devices that have addresses; for constants and
                                         // state the start of the plugin's own layout

    explicit operator bool() const { return buffer != nullptr; }
    int64_t extent(uint32_t dimension) const { return desc.extent[dimension]; }
    DType dtype() const { return dtype_of(desc); }

    // Row t of the first extent: T[inner_count()], contiguous. For a rank-1 tensor, element t.
    template <class T>
    T* row(int64_t t) const {
        return reinterpret_cast<T*>(static_cast<std::byte*>(data) + t * desc.stride[0]);
    }
    // All elements of a tensor that is contiguous (index tensors, rank-1 tensors, constants kept as in the file).
    template <class T>
    T* elements() const {
        return static_cast<T*>(data);
    }
    // Elements under one index of the first extent.
    int64_t inner_count() const {
        int64_t n = 1;
        for (uint32_t i = 1; i < desc.rank; ++i) n *= desc.extent[i];
        return n;
    }
    std::span<const int32_t> index() const {
        return buffer ? std::span<const int32_t>(elements<const int32_t>(), static_cast<size_t>(element_count(desc)))
                      : std::span<const int32_t>();
    }
};

// What kernels get beside their operands (threads, scratch memory): one for each queue, made by the backend.
class KernelContext {
  public:
    KernelContext() = default;
    virtual ~KernelContext() = default;
    KernelContext(const KernelContext&) = delete;
    KernelContext& operator=(const KernelContext&) = delete;
};

class BoundNode {
  public:
    BoundNode() = default;
    virtual ~BoundNode() = default;
    BoundNode(const BoundNode&) = delete;
    BoundNode& operator=(const BoundNode&) = delete;
    virtual void run(KernelContext& context) const = 0;
};

// Absent operands are default-constructed Tensors. params: as the ABI gives them, copied.
using BindKernel = std::unique_ptr<BoundNode> (*)(const std::array<Tensor, KRAIT_MAX_INPUTS>& in, const void* params,
                                                  const std::array<Tensor, KRAIT_MAX_OUTPUTS>& out);

struct OpTable {
    std::array<BindKernel, std::size(kOps)> kernels;
    BindKernel operator[](uint32_t op) const { return kernels[op]; }
};

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
    };
    auto bound = std::make_unique<Bound>();
    bound->in = ops::as_named<Op::template In>(in);
    bound->out = ops::as_named<Op::template Out>(out);
    if constexpr (krait::detail::kParamsSize < Op >> 0) std::memcpy(&bound->params, params, sizeof bound->params);
    return bound;
}

}  // namespace krait::plugin

#define KRAIT_DECLARE_KERNEL(name, Type, Context)                                                            \
    void name(const krait::ops::Type::In<krait::plugin::Tensor>& in, const krait::ops::Type::Params& params, \
              const krait::ops::Type::Out<krait::plugin::Tensor>& out, Context& context);
#define KRAIT_KERNEL(name, Type, Context) &krait::plugin::bind_kernel<krait::ops::Type, Context, &name>
