// SPDX-License-Identifier: Apache-2.0
//
// Operands as kernels see them, and a table from op id to kernel. A node's operands are bound once, when a program is made
// (bind), and the bound node is run many times. backends/common/bind_kernels.hpp fills the table; kernels themselves need only
// this file and the contract of their own operator.
#pragma once

#include <array>
#include <memory>

#include "backends/common/plugin_shim.hpp"
#include "core/ops/op_id.hpp"

namespace krait::plugin {

// One operand of a node. Absent operands are false: if (in.bias) ...
struct Tensor {
    TensorDesc desc{};
    uint32_t role = KRAIT_TENSOR_VALUE;  // krait_tensor_role
    Buffer* buffer = nullptr;            // of the backend's own class
    uint64_t offset = 0;                 // bytes from the buffer's start
    void* data = nullptr;                // where the first element is, on devices that have addresses; for constants and
                                         // memories the start of the plugin's own layout
    uint32_t dim = 0;                    // krait_graph_tensor::dim

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

// The context that kernels get beside their operands (threads, scratch memory): one for each queue, made by the backend.
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
    // The next run is of another size: change[d] = by how much dynamic dimension d has grown since the last call, or since it
    // was bound.
    virtual void resize(std::span<const int64_t> change) = 0;

  protected:
    static void resize(std::span<Tensor> operands, std::span<const int64_t> change) {
        for (Tensor& operand : operands)
            if (operand.dim > 0) operand.desc.extent[0] += change[operand.dim - 1];
    }
};

// Absent operands are default-constructed Tensors. params: as the ABI gives them, copied.
using BindKernel = std::unique_ptr<BoundNode> (*)(const std::array<Tensor, KRAIT_MAX_INPUTS>& in, const void* params,
                                                  const std::array<Tensor, KRAIT_MAX_OUTPUTS>& out);

struct OpTable {
    std::array<BindKernel, kOpCount> kernels;
    BindKernel operator[](uint32_t op) const { return kernels[op]; }
};

}  // namespace krait::plugin
