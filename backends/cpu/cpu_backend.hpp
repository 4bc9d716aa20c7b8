// SPDX-License-Identifier: Apache-2.0
//
// The device "cpu": what its kernels get (Context), and the layouts it repacks weights and state into.
// Compiled once for each instruction set (KRAIT_CPU_VARIANT); nothing here may run before the plugin's score has been asked.
#pragma once

#include <memory>
#include <string_view>

#include "backends/common/host_device.hpp"
#include "backends/cpu/simd/vec.hpp"
#include "backends/cpu/thread_pool.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

using plugin::Tensor;

// One a queue: the device's threads, and memory of its own for each of them.
class Context final : public plugin::KernelContext {
  public:
    explicit Context(ThreadPool& pool) : pool_(pool), scratch_(static_cast<size_t>(pool.size())) {}

    ThreadPool& pool() noexcept { return pool_; }
    int n_threads() const noexcept { return pool_.size(); }

    template <class Body>
    void parallel_for(int64_t n, int64_t grain, Body&& body) {
        pool_.parallel_for(n, grain, std::forward<Body>(body));
    }

    // Every worker then has n_floats at scratch(worker), aligned to a cache line. Contents do not last between kernels.
    void reserve_scratch(int64_t n_floats);
    // Memory that all workers share in the same way, aligned to a cache line.
    std::byte* reserve_shared(int64_t n_bytes);
    // Memory for what one thread writes down before the others begin: which rows go where. Aligned likewise.
    std::byte* reserve_lists(int64_t n_bytes);
    float* scratch(int worker) const noexcept { return reinterpret_cast<float*>(scratch_[static_cast<size_t>(worker)].data()); }

  private:
    ThreadPool& pool_;
    std::vector<plugin::host::Allocation> scratch_;
    plugin::host::Allocation shared_, lists_;
};

// [rows, columns] f32 of the file as [blocks of kLanes rows][columns][kLanes], times `factor`; rows beyond the last are 0. So
// kLanes channels lie beside each other for each state (A of the scan) or tap (w of the convolution). data() stays the file's
// if keep_file_bytes is set.
class InterleavedConstant final : public plugin::host::Constant {
  public:
    InterleavedConstant(plugin::Device& device, const plugin::ConstantUpload& upload, float factor, bool keep_file_bytes);
    // kLanes * columns floats of rows block * kLanes ..
    const float* block(int64_t index) const noexcept {
        return reinterpret_cast<const float*>(memory().data()) + index * columns_ * kLanes;
    }

  private:
    int64_t columns_;
};

// Slots of the scan's state: the canonical [channels = n_head * head_dim][d_state] as [blocks of kLanes channels][d_state]
// [kLanes].
class ScanStatePool final : public plugin::host::MemoryPool {
  public:
    ScanStatePool(plugin::Device& device, const krait_memory_desc& desc);
    void to_canonical(const std::byte* unit, std::byte* canonical) const override;
    void from_canonical(const std::byte* canonical, std::byte* unit) const override;
};

class Device final : public plugin::host::Device {
  public:
    explicit Device(const ThreadPool::Options& threads);
    plugin::Capabilities capabilities() const override;
    std::unique_ptr<plugin::KernelContext> create_context() override { return std::make_unique<Context>(pool_); }
    std::unique_ptr<plugin::host::Constant> make_constant(const plugin::ConstantUpload& upload) override;
    std::unique_ptr<plugin::host::MemoryPool> make_memory_pool(const krait_memory_desc& desc) override;

  private:
    ThreadPool pool_;
};

// Opens the device with what device_open gets.
std::unique_ptr<plugin::Device> open_device(const plugin::OpenParams& params);

// Work is shared in pieces of about this many multiply-adds: 10 to 20 microseconds, some ten times what handing them out costs.
inline constexpr int64_t kWorkOfPiece = 1 << 17;

// How many of n like items make a piece, for items that cost `work` multiply-adds each.
inline int64_t grain_of(int64_t work) { return work >= kWorkOfPiece ? 1 : kWorkOfPiece / (work < 1 ? 1 : work); }

inline int64_t blocks_of_lanes(int64_t n) { return (n + kLanes - 1) / kLanes; }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
