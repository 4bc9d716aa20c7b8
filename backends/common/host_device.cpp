// SPDX-License-Identifier: Apache-2.0
#include "backends/common/host_device.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "backends/common/graph_check.hpp"
#include "backends/common/host_queue.hpp"
#include "core/ops/op_list.hpp"

namespace krait::plugin::host {
namespace {

uint64_t round_up(uint64_t size, uint64_t unit) { return (size + unit - 1) / unit * unit; }

}  // namespace

// ---- HostBuffer -----------------------------------------------------------------------------------------------------

HostBuffer::HostBuffer(plugin::Device& device, uint64_t size)
    : Buffer(device, BufferSpec::of_values(size)), memory_(size, "a buffer", Allocation::Pages::small), data_(memory_.data()) {}

HostBuffer::HostBuffer(plugin::Device& device, void* imported, uint64_t size)
    : Buffer(device, BufferSpec::of_values(size)), data_(static_cast<std::byte*>(imported)) {}

// ---- Constant -------------------------------------------------------------------------------------------------------

Constant::Constant(plugin::Device& device, const ConstantUpload& upload) : Constant(device, upload, 0, true) {}

Constant::Constant(plugin::Device& device, const ConstantUpload& upload, uint64_t own_bytes, bool keep_file_bytes)
    : Buffer(device, BufferSpec::of_constant(upload.desc)) {
    if (own_bytes > 0) memory_ = Allocation(own_bytes, "a repacked weight");
    data_ = memory_.data();
    if (!keep_file_bytes) return;
    data_ = upload.bytes.data();
    if (upload.bytes_persist && data_ && reinterpret_cast<uintptr_t>(data_) % kFileAlignment == 0) return;
    copy_ = Allocation(upload.bytes.size(), "a weight");
    if (!upload.bytes.empty()) std::memcpy(copy_.data(), upload.bytes.data(), upload.bytes.size());
    data_ = copy_.data();
}

// ---- MemoryPool -----------------------------------------------------------------------------------------------------

MemoryPool::MemoryPool(plugin::Device& device, const krait_memory_desc& desc)
    : MemoryPool(device, desc, memory_unit_bytes(desc)) {}

MemoryPool::MemoryPool(plugin::Device& device, const krait_memory_desc& desc, uint64_t unit_bytes)
    : Buffer(device, BufferSpec::of_memory(desc)),
      unit_bytes_(unit_bytes),
      unit_stride_(desc.layout == KRAIT_MEMORY_PAGES ? unit_bytes : round_up(unit_bytes, kAlignment)),
      row_bytes_(memory_row_bytes(desc)),
      memory_(memory_bytes(desc, unit_stride_), desc.layout == KRAIT_MEMORY_PAGES ? "a memory of pages" : "a memory of slots") {
}

int64_t MemoryPool::canonical_count() const noexcept { return extent(0) * extent(1) * extent(2); }

void MemoryPool::to_canonical(const std::byte* unit, std::byte* canonical) const { std::memcpy(canonical, unit, unit_bytes_); }
void MemoryPool::from_canonical(const std::byte* canonical, std::byte* unit) const {
    std::memcpy(unit, canonical, unit_bytes_);
}

// ---- Device ---------------------------------------------------------------------------------------------------------

std::unique_ptr<Constant> Device::make_constant(const ConstantUpload& upload) {
    return std::make_unique<Constant>(*this, upload);
}

std::unique_ptr<MemoryPool> Device::make_memory_pool(const krait_memory_desc& desc) {
    return std::make_unique<MemoryPool>(*this, desc);
}

Decline Device::declines(OpId, const krait_graph&, const krait_graph_node&) { return kSupported; }

Decline Device::supports(const krait_graph& graph, const krait_graph_node& node) {
    return declines(static_cast<OpId>(node.op), graph, node);
}

void HostProgram::resize(const DimSizes& sizes) {
    const auto now = sizes.get(), before = (sizes_.get().empty() ? dim_max() : sizes_).get();
    std::array<int64_t, KRAIT_MAX_DIMS> change{};
    for (size_t d = 0; d < now.size(); ++d) change[d] = now[d] - before[d];
    for (const auto& node : nodes_) node->resize(change);
    sizes_ = sizes;
}

std::unique_ptr<HostProgram> Device::make_program(const krait_graph& graph) {
    std::vector<std::unique_ptr<BoundNode>> nodes;
    nodes.reserve(graph.n_nodes);
    for (uint32_t i = 0; i < graph.n_nodes; ++i) nodes.push_back(bind(graph, graph.nodes[i]));
    return std::make_unique<HostProgram>(*this, std::move(nodes));
}

Tensor Device::tensor(const krait_graph& graph, int32_t index) const {
    if (index < 0) return {};
    const krait_graph_tensor& t = graph.tensors[index];
    Tensor operand{t.desc, t.role, buffer_of(t.buffer), t.offset, nullptr, t.dim};
    // Buffers of this device, which the shim has checked, are of the classes made above.
    switch (t.role) {
        case KRAIT_TENSOR_CONSTANT:
            operand.data = const_cast<std::byte*>(static_cast<Constant*>(operand.buffer)->data());
            break;
        case KRAIT_TENSOR_MEMORY: operand.data = static_cast<MemoryPool*>(operand.buffer)->data(); break;
        default: operand.data = static_cast<HostBuffer*>(operand.buffer)->data() + t.offset; break;
    }
    return operand;
}

std::unique_ptr<BoundNode> Device::bind(const krait_graph& graph, const krait_graph_node& node) const {
    const OpSpec& spec = *find_op(node.op);
    std::array<Tensor, KRAIT_MAX_INPUTS> in;
    std::array<Tensor, KRAIT_MAX_OUTPUTS> out;
    for (size_t i = 0; i < spec.inputs.size(); ++i) in[i] = tensor(graph, node.in[i]);
    for (size_t i = 0; i < spec.outputs.size(); ++i) out[i] = tensor(graph, node.out[i]);
    return table_[node.op](in, node.params, out);
}

Capabilities Device::capabilities() const {
    return {.flags = KRAIT_DEVICE_MAPS_BUFFERS | KRAIT_DEVICE_IMPORTS_HOST | KRAIT_DEVICE_RUNS_ROWS_ALONE};
}

std::unique_ptr<Buffer> Device::create_buffer(krait_buffer_kind, uint64_t size) {
    return std::make_unique<HostBuffer>(*this, size);
}

std::unique_ptr<Buffer> Device::import_host(void* bytes, uint64_t size) {
    return std::make_unique<HostBuffer>(*this, bytes, size);
}

std::unique_ptr<Queue> Device::create_queue() { return std::make_unique<HostQueue>(*this, create_context()); }

std::unique_ptr<Event> Device::create_event() { return std::make_unique<HostEvent>(*this); }

}  // namespace krait::plugin::host
