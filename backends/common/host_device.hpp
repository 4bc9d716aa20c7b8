// SPDX-License-Identifier: Apache-2.0
//
// What backends share whose memory is the host's: buffers, state pools, constants, programs, and the device that makes
// them. A backend is an op table, a context and, where it wants, hooks:
//
//     class CpuDevice final : public host::Device {
//     public:
//         CpuDevice() : host::Device(kOpTable) {}
//         std::unique_ptr<KernelContext> create_context() override { return std::make_unique<Context>(pool_); }
//         std::unique_ptr<host::Constant> make_constant(const ConstantUpload& upload) override;
//         std::unique_ptr<host::StatePool> make_state_pool(const krait_state_desc& desc) override;
//         Decline declines(OpId op, const krait_graph& graph, const krait_graph_node& node) override;
//     };
//
// A context belongs to one queue. make_constant repacks weights for mul_mat, or leaves them to the default; make_state_pool
// chooses another layout of states.
//
// Threads: a device may be used from any thread at once. Contexts belong to queues, so kernels of two queues run at the same
// time in two contexts; what they share through the device (a thread pool) the backend guards.
#pragma once

#include <array>

#include "backends/common/op_table.hpp"

namespace krait::plugin::host {

inline constexpr uint64_t kAlignment = 64;  // a cache line, and the widest vector register

// Memory aligned to kAlignment. Throws OUT_OF_MEMORY that names the size; never asks for more than the machine has.
class Allocation {
  public:
    // Large: 2 MiB each, for what is read in full. Small: what is never touched takes no memory, as most of an arena in a run
    // of few rows.
    enum class Pages { large, small };
    Allocation() = default;
    explicit Allocation(uint64_t size, std::string_view what = "a buffer", Pages pages = Pages::large);
    ~Allocation();
    Allocation(Allocation&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Allocation& operator=(Allocation&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    std::byte* data() const noexcept { return data_; }
    uint64_t size() const noexcept { return size_; }

  private:
    std::byte* data_ = nullptr;
    uint64_t size_ = 0;
};

uint64_t memory_total() noexcept;
uint64_t memory_free() noexcept;  // what can be used without swapping; 0 = not known

// Values: device, pinned (the same here) and imported memory.
class HostBuffer final : public Buffer {
  public:
    HostBuffer(plugin::Device& device, uint64_t size);
    HostBuffer(plugin::Device& device, void* imported, uint64_t size);
    uint64_t allocated() const noexcept override { return memory_.size(); }
    void* map() override { return data_; }
    std::byte* data() const noexcept { return data_; }

  private:
    Allocation memory_;
    std::byte* data_;
};

// A weight. As it is, the bytes of the file: in place where they persist (and start at a multiple of kFileAlignment), else
// copied. A backend that repacks derives: it calls the constructor that reserves memory of its own, fills it, and finds
// itself again in a kernel by static_cast<const Packed&>(*in.w.buffer).
inline constexpr uint64_t kFileAlignment = 32;  // GGUF's default, so of all mapped files that somebody really has

class Constant : public Buffer {
  public:
    Constant(plugin::Device& device, const ConstantUpload& upload);  // the default layout
    uint64_t allocated() const noexcept override { return memory_.size() + copy_.size(); }
    const std::byte* data() const noexcept { return data_; }
    const TensorDesc& desc() const noexcept { return spec().constant; }

  protected:
    // own_bytes of memory at memory().data() for the derived class to fill; data() points there, or to the file's bytes where
    // keep_file_bytes is set (then as in the default layout: in place or copied).
    Constant(plugin::Device& device, const ConstantUpload& upload, uint64_t own_bytes, bool keep_file_bytes);
    const Allocation& memory() const noexcept { return memory_; }

  private:
    Allocation memory_;
    Allocation copy_;
    const std::byte* data_ = nullptr;
};

// Slots of recurrent state. As it is, slots have the canonical layout, float32, one after another (each slot starts at a
// multiple of kAlignment). A backend with another layout derives, gives slot_bytes and overrides the two conversions;
// they must be bit-exact both ways. Copies between slots move slot_bytes.
class StatePool : public Buffer {
  public:
    StatePool(plugin::Device& device, const krait_state_desc& desc);
    StatePool(plugin::Device& device, const krait_state_desc& desc, uint64_t slot_bytes);
    uint64_t allocated() const noexcept override { return memory_.size(); }

    OpId op() const noexcept { return static_cast<OpId>(spec().state.op); }
    int64_t n_slots() const noexcept { return spec().state.n_slots; }
    int64_t extent(uint32_t dimension) const noexcept { return spec().state.extent[dimension]; }  // 1 where unused
    int64_t canonical_count() const noexcept;                                                     // floats of a canonical slot
    uint64_t slot_bytes() const noexcept { return slot_bytes_; }
    float* slot(int64_t index) const noexcept {
        return reinterpret_cast<float*>(memory_.data() + static_cast<uint64_t>(index) * slot_stride_);
    }
    std::byte* data() const noexcept { return memory_.data(); }

    virtual void to_canonical(const float* slot, float* canonical) const;
    virtual void from_canonical(const float* canonical, float* slot) const;

  private:
    uint64_t slot_bytes_;
    uint64_t slot_stride_;
    Allocation memory_;
};

inline const StatePool& state_pool(const Tensor& state) { return static_cast<const StatePool&>(*state.buffer); }

class HostProgram : public Program {
  public:
    HostProgram(plugin::Device& device, std::vector<std::unique_ptr<BoundNode>> nodes)
        : Program(device), nodes_(std::move(nodes)) {}
    // Computes the rows that sizes say, and no others.
    virtual void run(KernelContext& context, const DimSizes& sizes) {
        if (!(sizes == sizes_)) resize(sizes);
        for (const auto& node : nodes_) node->run(context);
    }

  private:
    void resize(const DimSizes& sizes);

    std::vector<std::unique_ptr<BoundNode>> nodes_;
    DimSizes sizes_;  // of the latest run; empty before the first
};

class Device : public plugin::Device {
  public:
    explicit Device(const OpTable& table) : table_(table) {}

    // -- hooks --
    virtual std::unique_ptr<KernelContext> create_context() = 0;  // called for each queue
    virtual std::unique_ptr<Constant> make_constant(const ConstantUpload& upload);
    virtual std::unique_ptr<StatePool> make_state_pool(const krait_state_desc& desc);
    virtual Decline declines(OpId op, const krait_graph& graph, const krait_graph_node& node);  // default: nothing
    // Default: binds every node by the op table. A backend that fuses nodes overrides it and uses bind() for the rest.
    virtual std::unique_ptr<HostProgram> make_program(const krait_graph& graph);

    // -- for make_program --
    Tensor tensor(const krait_graph& graph, int32_t index) const;  // index -1: an absent operand
    std::unique_ptr<BoundNode> bind(const krait_graph& graph, const krait_graph_node& node) const;

    std::unique_ptr<Buffer> create_buffer(krait_buffer_kind kind, uint64_t size) final;
    std::unique_ptr<Buffer> import_host(void* bytes, uint64_t size) final;
    std::unique_ptr<Buffer> upload_constant(const ConstantUpload& upload) final { return make_constant(upload); }
    std::unique_ptr<Buffer> create_state(const krait_state_desc& desc) final { return make_state_pool(desc); }
    Decline supports(const krait_graph& graph, const krait_graph_node& node) final;
    std::unique_ptr<Program> create_program(const krait_graph& graph) final { return make_program(graph); }
    std::unique_ptr<Queue> create_queue() final;
    std::unique_ptr<Event> create_event() final;

  private:
    const OpTable& table_;
};

}  // namespace krait::plugin::host
