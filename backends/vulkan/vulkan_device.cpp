// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vulkan_device.hpp"

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/vulkan_program.hpp"

namespace krait::vulkan {
namespace {

// The operand with the address of its first element; for constants and state that of the whole.
Tensor operand(const krait_graph& graph, int32_t index) {
    if (index < 0) return {};
    const krait_graph_tensor& t = graph.tensors[index];
    Tensor tensor{t.desc, t.role, plugin::buffer_of(t.buffer), t.offset, nullptr};
    const uint64_t start = memory_buffer(*tensor.buffer).address() + (t.role == KRAIT_TENSOR_VALUE ? t.offset : 0);
    tensor.data = reinterpret_cast<void*>(start);
    return tensor;
}

std::unique_ptr<plugin::BoundNode> bind(const krait_graph& graph, const krait_graph_node& node) {
    const OpSpec& spec = *find_op(node.op);
    std::array<Tensor, KRAIT_MAX_INPUTS> in;
    std::array<Tensor, KRAIT_MAX_OUTPUTS> out;
    for (size_t i = 0; i < spec.inputs.size(); ++i) in[i] = operand(graph, node.in[i]);
    for (size_t i = 0; i < spec.outputs.size(); ++i) out[i] = operand(graph, node.out[i]);
    return kOpTable[node.op](in, node.params, out);
}

}  // namespace

VulkanDevice::VulkanDevice(uint32_t index, const DeviceOptions& options)
    : vk_(index, options.settings),
      allocator_(vk_),
      pipelines_(vk_, options.cache_directory),
      submitter_(vk_),
      uploader_(vk_, allocator_, submitter_) {}

VulkanDevice::~VulkanDevice() = default;

std::unique_ptr<plugin::Buffer> VulkanDevice::create_buffer(krait_buffer_kind kind, uint64_t size) {
    vk_.ensure_healthy();
    return std::make_unique<ValueBuffer>(*this, allocator_, kind, size);
}

std::unique_ptr<plugin::Buffer> VulkanDevice::upload_constant(const plugin::ConstantUpload& upload) {
    vk_.ensure_healthy();
    const ConstantLayout layout = layout_of(upload);
    vk::Memory memory = allocator_.take(vk::MemoryKind::device, layout.bytes, "a weight");
    uploader_.write(memory, layout.bytes, layout.unit, layout.fill);
    return std::make_unique<Constant>(*this, upload, layout.layout, std::move(memory));
}

std::unique_ptr<plugin::Buffer> VulkanDevice::create_state(const krait_state_desc& desc) {
    vk_.ensure_healthy();
    return std::make_unique<StatePool>(*this, allocator_, desc);
}

plugin::Decline VulkanDevice::supports(const krait_graph&, const krait_graph_node& node) {
    if (kOpTable[node.op] == nullptr) return plugin::decline("{} is not written yet", find_op(node.op)->name);
    return plugin::kSupported;
}

std::unique_ptr<plugin::Program> VulkanDevice::create_program(const krait_graph& graph) {
    vk_.ensure_healthy();
    Recorder recorder(*this);
    for (uint32_t i = 0; i < graph.n_nodes; ++i) {
        if (const plugin::Decline why = supports(graph, graph.nodes[i]))
            plugin::throw_error(ErrorCode::unsupported, "{}", *why);
        recorder.begin_node();
        bind(graph, graph.nodes[i])->run(recorder);
    }
    auto program = recorder.finish();
    vk_.ensure_healthy();
    return program;
}

std::unique_ptr<plugin::Queue> VulkanDevice::create_queue() {
    vk_.ensure_healthy();
    return std::make_unique<VulkanQueue>(*this);
}

std::unique_ptr<plugin::Event> VulkanDevice::create_event() {
    vk_.ensure_healthy();
    return std::make_unique<VulkanEvent>(*this, vk_);
}

void VulkanDevice::promise(VulkanEvent& event, uint64_t value) {
    const std::lock_guard lock(events_);
    if (value <= event.promised)
        plugin::throw_error(ErrorCode::invalid_argument, "the event was to become {} already; {} is not larger", event.promised,
                            value);
    event.promised = value;
}

}  // namespace krait::vulkan
