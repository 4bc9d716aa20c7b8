// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vulkan_device.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "backends/vulkan/half_subnormals.hpp"
#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/vulkan_program.hpp"
#include "core/ops/op_list.hpp"

namespace krait::vulkan {
namespace {

// The operand with the address of its first element; for constants and memories that of the whole.
Tensor operand(const krait_graph& graph, int32_t index, OperandKind kind) {
    if (index < 0) return {};
    const krait_graph_tensor& t = graph.tensors[index];
    Tensor tensor{t.desc, t.role, plugin::buffer_of(t.buffer), t.offset, nullptr};
    if (t.role == KRAIT_TENSOR_CONSTANT && is_matrix(kind) && element_count(t.desc) > 0 &&
        static_cast<const Constant&>(*tensor.buffer).layout() != Layout::packed)
        plugin::throw_error(ErrorCode::invalid_argument, "the weight '{}' was uploaded without the use that reads it now",
                            t.name ? t.name : "");
    const uint64_t start = memory_buffer(*tensor.buffer).address() + (t.role == KRAIT_TENSOR_VALUE ? t.offset : 0);
    tensor.data = reinterpret_cast<void*>(start);
    return tensor;
}

// The tensors of the graph that they are.
template <class Op>
typename Op::template In<int32_t> operands_of(const krait_graph_node& node) {
    std::array<int32_t, KRAIT_MAX_INPUTS> operands;
    std::copy(std::begin(node.in), std::end(node.in), operands.begin());
    return ops::as_named<Op::template In>(operands);
}

void record(const krait_graph& graph, const krait_graph_node& node, Recorder& recorder) {
    const OpSpec& spec = *find_op(node.op);
    std::array<Tensor, KRAIT_MAX_INPUTS> in;
    std::array<Tensor, KRAIT_MAX_OUTPUTS> out;
    for (size_t i = 0; i < spec.inputs.size(); ++i) in[i] = operand(graph, node.in[i], spec.inputs[i].kind);
    for (size_t i = 0; i < spec.outputs.size(); ++i) out[i] = operand(graph, node.out[i], spec.outputs[i].kind);
    recorder.begin_node(accesses_of(spec, in, out));
    kOpTable[node.op](in, node.params, out)->run(recorder);
}

}  // namespace

VulkanDevice::VulkanDevice(uint32_t index, const DeviceOptions& options)
    : vk_(index, options.settings),
      allocator_(vk_),
      pipelines_(vk_, options.cache_directory),
      submitter_(vk_),
      uploader_(vk_, allocator_, submitter_) {
    if (!vk_.physical().half_subnormals && seen_to_keep_half_subnormals(*this)) pipelines_.trust_halves();
}

VulkanDevice::~VulkanDevice() = default;

plugin::Capabilities VulkanDevice::capabilities() const {
    // Vulkan lets a driver take float32 subnormals for 0.
    const uint32_t maps = allocator_.maps_device_memory() ? KRAIT_DEVICE_MAPS_BUFFERS : 0;
    return {.flags = KRAIT_DEVICE_FLUSHES_SUBNORMALS | maps,
            .quantized_rounding = vk_.integer_dot() ? KRAIT_ROUNDING_INT8X32 : KRAIT_ROUNDING_NONE};
}

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

std::unique_ptr<plugin::Buffer> VulkanDevice::create_memory(const krait_memory_desc& desc) {
    vk_.ensure_healthy();
    return std::make_unique<MemoryPool>(*this, allocator_, desc);
}

// lavapipe leaves the loops of a shader after 65535 turns in all, whatever is still to do. Only the scan walks down as many
// rows as a run has, and the sort of rows by expert, where all may have the same.
static plugin::Decline too_many_to_sort(const krait_graph& graph, const krait_graph_node& node) {
    constexpr int64_t kMaxRows = 1 << 17;  // four of them a turn, or more
    const auto in = operands_of<ops::MulMatExperts>(node);
    const int64_t n_row = element_count(graph.tensors[in.ids].desc);
    if (n_row <= kMaxRows) return plugin::kSupported;
    return plugin::decline(
        "{} rows of experts: this driver, which computes on the processor, sorts at most {}; let a run have "
        "fewer rows",
        n_row, kMaxRows);
}

static plugin::Decline too_many_turns(const krait_graph& graph, const krait_graph_node& node) {
    constexpr int64_t kMaxTurns = 65000;
    const auto in = operands_of<ops::SsmScan>(node);
    const auto extent = [&](int32_t tensor, size_t i) { return graph.tensors[tensor].desc.extent[i]; };
    const int64_t n_row = extent(in.x, 0), passes = (extent(in.B, 2) + 15) / 16;
    const int64_t n_snapshot = in.snapshots < 0 ? 0 : extent(in.snapshots, 0);
    if (n_row * passes * (1 + n_snapshot) <= kMaxTurns) return plugin::kSupported;
    return plugin::decline(
        "a scan of {} rows with {} snapshots and d_state {}: this driver, which computes on the processor, ends a "
        "shader's loops after 65535 turns; let a run have fewer rows",
        n_row, n_snapshot, extent(in.B, 2));
}

// Shared memory holds the ranks of all experts.
static plugin::Decline too_many_experts(const krait_graph& graph, const krait_graph_node& node) {
    constexpr int64_t kMaxExperts = 1024;
    const int64_t n_expert = graph.tensors[operands_of<ops::RouteExperts>(node).logits].desc.extent[1];
    if (n_expert <= kMaxExperts) return plugin::kSupported;
    return plugin::decline("rows choose among {} experts: at most {}", n_expert, kMaxExperts);
}

plugin::Decline VulkanDevice::supports(const krait_graph& graph, const krait_graph_node& node) {
    // Shaders count rows and columns in 32 bits, with room for a work group behind the last.
    constexpr int64_t kMax = int64_t{1} << 30;
    const OpSpec& spec = *find_op(node.op);
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        if (node.in[i] < 0) continue;
        const TensorDesc& desc = graph.tensors[node.in[i]].desc;
        const int64_t inner = desc.rank > 1 && desc.extent[0] > 0 ? element_count(desc) / desc.extent[0] : 1;
        if (desc.extent[0] > kMax || inner > kMax)
            return plugin::decline("operand '{}' is {}: at most 2^30 rows, and as many elements in a row", spec.inputs[i].name,
                                   to_string(desc));
    }
    const auto op = static_cast<OpId>(node.op);
    if (op == OpId::route_experts) return too_many_experts(graph, node);
    if (vk_.physical().is_cpu() && op == OpId::ssm_scan) return too_many_turns(graph, node);
    if (vk_.physical().is_cpu() && op == OpId::mul_mat_experts) return too_many_to_sort(graph, node);
    return plugin::kSupported;
}

std::unique_ptr<plugin::Program> VulkanDevice::create_program(const krait_graph& graph) {
    vk_.ensure_healthy();
    uploader_.release();
    Recorder recorder(*this);
    for (uint32_t i = 0; i < graph.n_nodes; ++i) {
        if (const plugin::Decline why = supports(graph, graph.nodes[i]))
            plugin::throw_error(ErrorCode::unsupported, "{}", *why);
        record(graph, graph.nodes[i], recorder);
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
    return std::make_unique<VulkanEvent>(*this);
}

}  // namespace krait::vulkan
