// SPDX-License-Identifier: Apache-2.0
//
// Backends whose memory is the host's share this: buffers, memories of sequences, constants, programs, and the device that
// makes them. A backend is an op table, a context and, where it wants, hooks:
//
//     class CpuDevice final : public host::Device {
//     public:
//         CpuDevice() : host::Device(kOpTable) {}
//         std::unique_ptr<KernelContext> create_context() override { return std::make_unique<Context>(pool_); }
//         std::unique_ptr<host::Constant> make_constant(const ConstantUpload& upload) override;
//         std::unique_ptr<host::MemoryPool> make_memory_pool(const krait_memory_desc& desc) override;
//         Decline declines(OpId op, const krait_graph& graph, const krait_graph_node& node) override;
//     };
//
// A context belongs to one queue. make_constant repacks weights for mul_mat, or leaves them to the default; make_memory_pool
// chooses another layout of what sequences remember.
//
// Threads: a device may be used from any thread at once. Contexts belong to queues, so kernels of two queues run at the same
// time in two contexts; what they share through the device (a thread pool) the backend guards.
#pragma once

#include <array>
#include <memory>

#include "backends/common/op_table.hpp"

namespace krait::plugin::host {

inline constexpr uint64_t kAlignment = 64;  // a cache line, and the widest vector register

// Memory aligned to kAlignment. Throws OUT_OF_MEMORY that names the size; never asks for more than the machine has.
class Allocation {
  public:
    // Large: 2 MiB each, for what is read in full; allocations of 64 KiB and more share them. Small: what is never touched
    // takes no memory, as most of an arena in a run of few rows.
    enum class Pages { large, small };
    Allocation() = default;
    explicit Allocation(uint64_t size, std::string_view what = "a buffer", Pages pages = Pages::large);
    std::byte* data() const noexcept { return data_.get(); }
    uint64_t size() const noexcept { return data_ ? size_ : 0; }

  private:
    std::shared_ptr<std::byte> data_;  // of its own, or a part of a block, which lives as long as one of its parts
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

// A memory of sequences (krait_memory_desc). As it is, a unit has the canonical layout: slots one after another, each from a
// multiple of kAlignment on; pages without gaps, so that rows count through all of them. A backend with another layout derives,
// gives unit_bytes and overrides the two conversions; they must be bit-exact both ways. Copies between units move unit_bytes.
class MemoryPool : public Buffer {
  public:
    MemoryPool(plugin::Device& device, const krait_memory_desc& desc);
    MemoryPool(plugin::Device& device, const krait_memory_desc& desc, uint64_t unit_bytes);
    uint64_t allocated() const noexcept override { return memory_.size(); }

    int64_t n_units() const noexcept { return spec().memory.n_units; }
    int64_t extent(uint32_t dimension) const noexcept { return spec().memory.extent[dimension]; }  // 1 where unused
    uint64_t unit_bytes() const noexcept { return unit_bytes_; }
    std::byte* unit(int64_t index) const noexcept { return memory_.data() + static_cast<uint64_t>(index) * unit_stride_; }
    std::byte* data() const noexcept { return memory_.data(); }

    // For slots, which are float32: one of them, and how many numbers it has in the canonical layout.
    float* slot(int64_t index) const noexcept { return reinterpret_cast<float*>(unit(index)); }
    int64_t canonical_count() const noexcept;
    // For pages: a row, counted through all of them, and how many there are.
    std::byte* row(int64_t index) const noexcept { return memory_.data() + static_cast<uint64_t>(index) * row_bytes_; }
    int64_t n_rows() const noexcept { return n_units() * spec().memory.rows_per_unit; }

    // canonical is aligned for float32.
    virtual void to_canonical(const std::byte* unit, std::byte* canonical) const;
    virtual void from_canonical(const std::byte* canonical, std::byte* unit) const;

  private:
    uint64_t unit_bytes_;
    uint64_t unit_stride_;
    uint64_t row_bytes_;
    Allocation memory_;
};

inline const MemoryPool& memory_pool(const Tensor& memory) { return static_cast<const MemoryPool&>(*memory.buffer); }

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
    virtual std::unique_ptr<MemoryPool> make_memory_pool(const krait_memory_desc& desc);
    virtual Decline declines(OpId op, const krait_graph& graph, const krait_graph_node& node);  // default: nothing
    // Default: binds every node by the op table. A backend that fuses nodes overrides it and uses bind() for the rest.
    virtual std::unique_ptr<HostProgram> make_program(const krait_graph& graph);

    // -- for make_program --
    Tensor tensor(const krait_graph& graph, int32_t index) const;  // index -1: an absent operand
    std::unique_ptr<BoundNode> bind(const krait_graph& graph, const krait_graph_node& node) const;

    // Memory is the host's, and a run computes its rows alone. A backend adds how it rounds operands of products.
    Capabilities capabilities() const override;
    std::unique_ptr<Buffer> create_buffer(krait_buffer_kind kind, uint64_t size) final;
    std::unique_ptr<Buffer> import_host(void* bytes, uint64_t size) final;
    std::unique_ptr<Buffer> upload_constant(const ConstantUpload& upload) final { return make_constant(upload); }
    std::unique_ptr<Buffer> create_memory(const krait_memory_desc& desc) final { return make_memory_pool(desc); }
    Decline supports(const krait_graph& graph, const krait_graph_node& node) final;
    std::unique_ptr<Program> create_program(const krait_graph& graph) final { return make_program(graph); }
    std::unique_ptr<Queue> create_queue() final;
    std::unique_ptr<Event> create_event() final;

  private:
    const OpTable& table_;
};

}  // namespace krait::plugin::host
