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

BufferSpec values_spec(uint64_t size) {
    BufferSpec spec;
    spec.range = size;
    return spec;
}

BufferSpec constant_spec(const TensorDesc& desc) {
    BufferSpec spec;
    spec.content = BufferSpec::Content::constant;
    spec.constant = desc;
    return spec;
}

BufferSpec state_spec(const krait_state_desc& desc) {
    BufferSpec spec;
    spec.content = BufferSpec::Content::state;
    spec.state = desc;
    return spec;
}

uint64_t pool_bytes(const krait_state_desc& desc, uint64_t slot_stride) {
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(desc.n_slots), slot_stride, &bytes))
        throw_error(ErrorCode::out_of_memory, "{} slots of {} bytes are more than can be addressed", desc.n_slots, slot_stride);
    return bytes;
}

}  // namespace

// ---- HostBuffer -----------------------------------------------------------------------------------------------------

HostBuffer::HostBuffer(plugin::Device& device, uint64_t size)
    : Buffer(device, values_spec(size)), memory_(size, "a buffer", Allocation::Pages::small), data_(memory_.data()) {}

HostBuffer::HostBuffer(plugin::Device& device, void* imported, uint64_t size)
    : Buffer(device, values_spec(size)), data_(static_cast<std::byte*>(imported)) {}

// ---- Constant -------------------------------------------------------------------------------------------------------

Constant::Constant(plugin::Device& device, const ConstantUpload& upload) : Constant(device, upload, 0, true) {}

Constant::Constant(plugin::Device& device, const ConstantUpload& upload, uint64_t own_bytes, bool keep_file_bytes)
    : Buffer(device, constant_spec(upload.desc)) {
    if (own_bytes > 0) memory_ = Allocation(own_bytes, "a repacked weight");
    data_ = memory_.data();
    if (!keep_file_bytes) return;
    data_ = upload.bytes.data();
    if (upload.bytes_persist && data_ && reinterpret_cast<uintptr_t>(data_) % kFileAlignment == 0) return;
    copy_ = Allocation(upload.bytes.size(), "a weight");
    if (!upload.bytes.empty()) std::memcpy(copy_.data(), upload.bytes.data(), upload.bytes.size());
    data_ = copy_.data();
}

// ---- StatePool ------------------------------------------------------------------------------------------------------

StatePool::StatePool(plugin::Device& device, const krait_state_desc& desc) : StatePool(device, desc, state_slot_bytes(desc)) {}

StatePool::StatePool(plugin::Device& device, const krait_state_desc& desc, uint64_t slot_bytes)
    : Buffer(device, state_spec(desc)),
      slot_bytes_(slot_bytes),
      slot_stride_(round_up(slot_bytes, kAlignment)),
      memory_(pool_bytes(desc, slot_stride_), "a pool of state") {}

int64_t StatePool::canonical_count() const noexcept { return extent(0) * extent(1) * extent(2); }

void StatePool::to_canonical(const float* slot, float* canonical) const { std::memcpy(canonical, slot, slot_bytes_); }
void StatePool::from_canonical(const float* canonical, float* slot) const { std::memcpy(slot, canonical, slot_bytes_); }

// ---- Device ---------------------------------------------------------------------------------------------------------

std::unique_ptr<Constant> Device::make_constant(const ConstantUpload& upload) {
    return std::make_unique<Constant>(*this, upload);
}

std::unique_ptr<StatePool> Device::make_state_pool(const krait_state_desc& desc) {
    return std::make_unique<StatePool>(*this, desc);
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
        case KRAIT_TENSOR_STATE: operand.data = static_cast<StatePool*>(operand.buffer)->data(); break;
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

std::unique_ptr<Buffer> Device::create_buffer(krait_buffer_kind, uint64_t size) {
    return std::make_unique<HostBuffer>(*this, size);
}

std::unique_ptr<Buffer> Device::import_host(void* bytes, uint64_t size) {
    return std::make_unique<HostBuffer>(*this, bytes, size);
}

std::unique_ptr<Queue> Device::create_queue() { return std::make_unique<HostQueue>(*this, create_context()); }

std::unique_ptr<Event> Device::create_event() { return std::make_unique<HostEvent>(*this); }

}  // namespace krait::plugin::host
