// SPDX-License-Identifier: Apache-2.0
//
// The part of a GPU's runtime that the backend needs, and nothing more. Two implementations: runtime_cuda.cpp on CUDA's, and
// host_emulation/runtime_host.cpp on the CPU. All functions throw plugin::PluginError that names the call that failed.
// Threads: a Gpu may be used by any thread at once; a Stream by one at a time.
#pragma once

#include <memory>
#include <string>

#include "backends/common/plugin_shim.hpp"

namespace krait::cuda {

// ---- what there is --------------------------------------------------------------------------------------------------

uint32_t score(std::string& why);  // 0: no driver, one too old, no device; has no side effects
uint32_t device_count();
void device_info(uint32_t index, krait_device_info& info);
std::span<const plugin::OptionSpec> known_options();

// ---- a device that is open ------------------------------------------------------------------------------------------

enum class MemoryKind : uint8_t { device, pinned };

class Gpu {
  public:
    Gpu(uint32_t index, const plugin::Options& options);
    ~Gpu();
    Gpu(const Gpu&) = delete;
    Gpu& operator=(const Gpu&) = delete;

    // Aligned to kAlignment. Throws OUT_OF_MEMORY that names the size.
    void* allocate(uint64_t size, MemoryKind kind, std::string_view what);
    void release(void* pointer, MemoryKind kind) noexcept;
    // From sm_80 on: bf16 in the matrix unit, and 99 KiB and more of shared memory for a block (sm_75: 64).
    bool is_sm80() const noexcept;
    // Warpgroup products: sm_90 with code for sm_90a, and the option wgmma.
    bool uses_wgmma() const noexcept;
    // Programmatic dependent launch: a kernel may start before those in front of it have ended. From sm_90 on, and the option
    // pdl.
    bool uses_pdl() const noexcept;
    // Kernels only read it from now on.
    void freeze(void* pointer) noexcept;

    struct Impl;
    Impl& impl() const noexcept { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

inline constexpr uint64_t kAlignment = 256;

// Memory that releases itself.
class Memory {
  public:
    Memory() = default;
    Memory(Gpu& gpu, uint64_t size, MemoryKind kind, std::string_view what)
        : gpu_(&gpu), kind_(kind), data_(gpu.allocate(size, kind, what)), size_(size) {}
    ~Memory() {
        if (data_) gpu_->release(data_, kind_);
    }
    Memory(Memory&& other) noexcept
        : gpu_(other.gpu_),
          kind_(other.kind_),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    Memory& operator=(Memory&& other) noexcept {
        std::swap(gpu_, other.gpu_);
        std::swap(kind_, other.kind_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }
    uint64_t size() const noexcept { return size_; }

  private:
    Gpu* gpu_ = nullptr;
    MemoryKind kind_ = MemoryKind::device;
    void* data_ = nullptr;
    uint64_t size_ = 0;
};

// ---- work in order --------------------------------------------------------------------------------------------------

// Kernel launches that were recorded once and are submitted as one piece (a CUDA graph).
class Recording {
  public:
    struct Impl;
    explicit Recording(std::unique_ptr<Impl> impl);
    ~Recording();
    Recording(Recording&&) noexcept;
    Recording& operator=(Recording&&) noexcept;
    size_t n_launches() const noexcept;
    Impl& impl() const noexcept { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

class Stream {
  public:
    explicit Stream(Gpu& gpu);
    ~Stream();  // waits for its work
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void write(void* device, const void* host, uint64_t size);  // host may be reused at once
    void read(void* host, const void* device, uint64_t size);   // host is filled after sync() or a marker
    void copy(void* to, const void* from, uint64_t size);       // ranges that do not overlap
    void sync();                                                // throws the first error of the work before it

    // Launches between the two are recorded and not run.
    void begin_recording();
    Recording end_recording();
    void replay(const Recording& recording);

    Gpu& gpu() const noexcept { return gpu_; }
    struct Impl;
    Impl& impl() const noexcept { return *impl_; }

  private:
    Gpu& gpu_;
    std::unique_ptr<Impl> impl_;
};

// A point in a stream's work.
class Marker {
  public:
    explicit Marker(Stream& stream);  // after all that was submitted so far
    ~Marker();
    Marker(const Marker&) = delete;
    Marker& operator=(const Marker&) = delete;
    bool reached();
    void hold_back(Stream& stream);  // work that is submitted from now on starts when this is reached

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace krait::cuda
