// SPDX-License-Identifier: Apache-2.0
//
// The plugin: devices, and what they make. Compiled twice, for "cuda" on CUDA's runtime and for "cuda-host" on the emulation.
#include <mutex>

#include "backends/common/bind_kernels.hpp"
#include "backends/cuda/event.hpp"
#include "backends/cuda/fusion.hpp"
#include "backends/cuda/kernels.hpp"

namespace krait::cuda {

#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_DECLARE_KERNEL(name, Type, Context)
#include "core/ops/op_list.def"

namespace {

constexpr plugin::OpTable kOpTable{{
#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_KERNEL(name, Type, Context),
#include "core/ops/op_list.def"
#include "core/ops/op_list.hpp"
}};

class CudaProgram final : public plugin::Program {
  public:
    CudaProgram(plugin::Device& device, Recording recording, std::vector<Memory> scratch)
        : Program(device), scratch_(std::move(scratch)), recording_(std::move(recording)) {}
    const Recording& recording() const noexcept { return recording_; }

  private:
    std::vector<Memory> scratch_;
    Recording recording_;
};

std::byte* bytes_at(plugin::Buffer& buffer, uint64_t offset) { return static_cast<ValueBuffer&>(buffer).data() + offset; }

class CudaQueue final : public plugin::Queue {
  public:
    CudaQueue(plugin::Device& device, Gpu& gpu) : Queue(device), stream_(gpu) {}

    void write(plugin::Buffer& dst, uint64_t dst_offset, const void* src, uint64_t size) override {
        stream_.write(bytes_at(dst, dst_offset), src, size);
    }
    void read(void* dst, plugin::Buffer& src, uint64_t src_offset, uint64_t size) override {
        stream_.read(dst, bytes_at(src, src_offset), size);
    }
    void copy(plugin::Buffer& dst, uint64_t dst_offset, plugin::Buffer& src, uint64_t src_offset, uint64_t size) override {
        stream_.copy(bytes_at(dst, dst_offset), bytes_at(src, src_offset), size);
    }
    // All rows: what was recorded has one size.
    void run(plugin::Program& program, const plugin::DimSizes&) override {
        stream_.replay(static_cast<CudaProgram&>(program).recording());
    }
    void export_memory(plugin::Buffer& memory, int64_t unit, void* dst, uint64_t size) override {
        stream_.read(dst, static_cast<MemoryPool&>(memory).unit(unit), size);
    }
    void import_memory(plugin::Buffer& memory, int64_t unit, const void* src, uint64_t size) override {
        stream_.write(static_cast<MemoryPool&>(memory).unit(unit), src, size);
    }
    void copy_memory(plugin::Buffer& memory, int64_t src_unit, int64_t dst_unit) override {
        auto& pool = static_cast<MemoryPool&>(memory);
        if (src_unit != dst_unit) stream_.copy(pool.unit(dst_unit), pool.unit(src_unit), pool.unit_bytes());
    }
    void signal(plugin::Event& event, uint64_t value) override { static_cast<TimelineEvent&>(event).signal(stream_, value); }
    void wait(plugin::Event& event, uint64_t value) override { static_cast<TimelineEvent&>(event).hold_back(stream_, value); }
    void sync() override { stream_.sync(); }

  private:
    Stream stream_;
};

class CudaDevice final : public plugin::Device {
  public:
    CudaDevice(uint32_t index, const plugin::Options& options) : gpu_(index, options), own_stream_(gpu_) {}

    // Products of many rows read x as halves.
    plugin::Capabilities capabilities() const override {
        return {.quantized_rounding = KRAIT_ROUNDING_F16, .half_rounding = KRAIT_ROUNDING_F16};
    }
    std::unique_ptr<plugin::Buffer> create_buffer(krait_buffer_kind kind, uint64_t size) override {
        return std::make_unique<ValueBuffer>(*this, gpu_, kind, size);
    }
    std::unique_ptr<plugin::Buffer> upload_constant(const plugin::ConstantUpload& upload) override {
        const std::lock_guard lock(own_stream_mutex_);
        return std::make_unique<Constant>(*this, gpu_, own_stream_, upload);
    }
    std::unique_ptr<plugin::Buffer> create_memory(const krait_memory_desc& desc) override {
        return std::make_unique<MemoryPool>(*this, gpu_, desc);
    }
    plugin::Decline supports(const krait_graph& graph, const krait_graph_node& node) override;
    std::unique_ptr<plugin::Program> create_program(const krait_graph& graph) override;
    std::unique_ptr<plugin::Queue> create_queue() override { return std::make_unique<CudaQueue>(*this, gpu_); }
    std::unique_ptr<plugin::Event> create_event() override { return std::make_unique<TimelineEvent>(*this); }

  private:
    static Tensor tensor(const krait_graph& graph, int32_t index);
    static BoundOperands bind(const krait_graph& graph, const krait_graph_node& node);

    Gpu gpu_;
    std::mutex own_stream_mutex_;
    Stream own_stream_;  // for uploads and recordings
};

plugin::Decline CudaDevice::supports(const krait_graph& graph, const krait_graph_node& node) {
    constexpr int64_t kMaxExperts = 2048;  // a row's ranks are in the shared memory of a block, 64 KiB on the smallest device
    if (static_cast<OpId>(node.op) == OpId::route_experts)
        if (const int64_t n_expert = graph.tensors[node.in[0]].desc.extent[1]; n_expert > kMaxExperts)
            return plugin::decline("a choice among {} experts: at most {}", n_expert, kMaxExperts);
    return plugin::kSupported;
}

Tensor CudaDevice::tensor(const krait_graph& graph, int32_t index) {
    if (index < 0) return {};
    const krait_graph_tensor& t = graph.tensors[index];
    Tensor operand{t.desc, t.role, plugin::buffer_of(t.buffer), t.offset, nullptr};
    switch (t.role) {
        case KRAIT_TENSOR_CONSTANT: operand.data = static_cast<Constant*>(operand.buffer)->raw(); break;
        case KRAIT_TENSOR_MEMORY: operand.data = static_cast<MemoryPool*>(operand.buffer)->data(); break;
        default: operand.data = bytes_at(*operand.buffer, t.offset); break;
    }
    return operand;
}

BoundOperands CudaDevice::bind(const krait_graph& graph, const krait_graph_node& node) {
    const OpSpec& spec = *find_op(node.op);
    BoundOperands bound;
    for (size_t k = 0; k < spec.inputs.size(); ++k) bound.in[k] = tensor(graph, node.in[k]);
    for (size_t k = 0; k < spec.outputs.size(); ++k) bound.out[k] = tensor(graph, node.out[k]);
    return bound;
}

std::unique_ptr<plugin::Program> CudaDevice::create_program(const krait_graph& graph) {
    const std::lock_guard lock(own_stream_mutex_);
    Context context(own_stream_);
    own_stream_.begin_recording();
    try {
        std::vector<BoundOperands> operands;
        for (uint32_t i = 0; i < graph.n_nodes; ++i) operands.push_back(bind(graph, graph.nodes[i]));
        for (uint32_t i = 0; i < graph.n_nodes; ++i) {
            const krait_graph_node& node = graph.nodes[i];
            if (i + 1 < graph.n_nodes && launch_together(node, operands[i], graph.nodes[i + 1], operands[i + 1], context)) ++i;
            else kOpTable[node.op](operands[i].in, node.params, operands[i].out)->run(context);
        }
    } catch (...) {
        own_stream_.end_recording();
        throw;
    }
    Recording recording = own_stream_.end_recording();
    plugin::log(KRAIT_LOG_DEBUG,
                fmt::format("cuda: a program of {} nodes is {} launches", graph.n_nodes, recording.n_launches()));
    return std::make_unique<CudaProgram>(*this, std::move(recording), context.take_scratch());
}

std::unique_ptr<plugin::Device> device_open(uint32_t index, const plugin::OpenParams& params) {
    const plugin::Options options(params.options, known_options());
    return std::make_unique<CudaDevice>(index, options);
}

constexpr plugin::PluginInfo kInfo{KRAIT_CUDA_FAMILY, "", KRAIT_PLUGIN_VERSION, score, device_count, device_info, device_open};

}  // namespace
}  // namespace krait::cuda

KRAIT_DEFINE_PLUGIN(krait::cuda::kInfo)
