// SPDX-License-Identifier: Apache-2.0
//
// The runtime of the emulated GPU, device cuda-host0: work is done inside the call that submits it.
#include <functional>
#include <shared_mutex>

#include "backends/common/host_device.hpp"
#include "backends/cuda/host_emulation/launch.hpp"
#include "backends/cuda/kernels/launch.cuh"
#include "backends/cuda/runtime.hpp"

namespace krait::cuda {
namespace {

using emulation::OrderMode;

constexpr plugin::OptionSpec kOptions[] = {
    {"order", "of threads: forward, reverse, shuffled, or compare (all three; a result that changes is an error)"},
    {"wgmma", "on or off: products of many rows by warpgroups, as sm_90a has them; off without the option"},
    {"pdl", "on or off: kernels may start before those in front of them have ended; off without the option"}};

OrderMode order_of(const plugin::Options& options) {
    const std::string_view text = options.text("order").value_or("forward");
    if (text == "forward") return OrderMode::forward;
    if (text == "reverse") return OrderMode::reverse;
    if (text == "shuffled") return OrderMode::shuffled;
    if (text == "compare") return OrderMode::compare;
    plugin::throw_error(ErrorCode::invalid_argument, "order={}: forward, reverse, shuffled and compare are possible", text);
}

}  // namespace

uint32_t score(std::string&) { return 1; }
uint32_t device_count() { return 1; }

void device_info(uint32_t, krait_device_info& info) {
    info.kind = KRAIT_DEVICE_EMULATED;
    plugin::set_text(info.name, "CUDA kernels on the CPU, one fiber a thread");
    plugin::set_text(info.features, "activations=f16 emulated");
    info.memory_total = plugin::host::memory_total();
    info.memory_free = plugin::host::memory_free();
    info.alignment = kAlignment;
    info.auto_rank = 0;
}

std::span<const plugin::OptionSpec> known_options() { return kOptions; }

// ---- Gpu ------------------------------------------------------------------------------------------------------------

struct Gpu::Impl {
    OrderMode mode;
    bool wgmma, pdl;
    emulation::DeviceMemory memory;
    // Work of several streams may run at once; where a launch is repeated in other orders, or closes memory, nothing else may
    // touch it.
    std::shared_mutex busy;

    template <class Work>
    void run(bool alone, Work&& work) {
        if (alone) {
            const std::unique_lock lock(busy);
            work();
        } else {
            const std::shared_lock lock(busy);
            work();
        }
    }
};

Gpu::Gpu(uint32_t, const plugin::Options& options) : impl_(std::make_unique<Impl>()) {
    impl_->mode = order_of(options);
    impl_->wgmma = options.boolean("wgmma").value_or(false);
    impl_->pdl = options.boolean("pdl").value_or(false);
}
Gpu::~Gpu() = default;

void* Gpu::allocate(uint64_t size, MemoryKind kind, std::string_view what) {
    const uint64_t total = plugin::host::memory_total();
    void* pointer = nullptr;
    if (size <= (total > 0 ? total : UINT64_MAX / 2))
        impl_->run(false, [&] { pointer = impl_->memory.allocate(size, kind == MemoryKind::pinned); });
    if (!pointer) plugin::throw_out_of_memory(size, plugin::host::memory_free(), what);
    return pointer;
}

void Gpu::release(void* pointer, MemoryKind) noexcept {
    impl_->run(false, [&] { impl_->memory.release(pointer); });
}

bool Gpu::is_sm80() const noexcept { return true; }
bool Gpu::uses_wgmma() const noexcept { return impl_->wgmma; }
bool Gpu::uses_pdl() const noexcept { return impl_->pdl; }

void Gpu::freeze(void* pointer) noexcept { impl_->memory.freeze(pointer); }

// ---- Stream ---------------------------------------------------------------------------------------------------------

struct Recording::Impl {
    std::vector<std::function<void()>> launches;
};

Recording::Recording(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recording::~Recording() = default;
size_t Recording::n_launches() const noexcept { return impl_->launches.size(); }
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;

struct Stream::Impl {
    std::unique_ptr<Recording::Impl> recording;
};

Stream::Stream(Gpu& gpu) : gpu_(gpu), impl_(std::make_unique<Impl>()) {}
Stream::~Stream() = default;

void Stream::write(void* device, const void* host, uint64_t size) { copy(device, host, size); }
void Stream::read(void* host, const void* device, uint64_t size) { copy(host, device, size); }
void Stream::copy(void* to, const void* from, uint64_t size) {
    if (size > 0) gpu_.impl().run(false, [&] { std::memcpy(to, from, size); });
}
void Stream::sync() {}

void Stream::begin_recording() { impl_->recording = std::make_unique<Recording::Impl>(); }
Recording Stream::end_recording() { return Recording(std::move(impl_->recording)); }
void Stream::replay(const Recording& recording) {
    for (const auto& run : recording.impl().launches) run();
}

void launch_emulated(Stream& stream, const LaunchShape& shape, std::shared_ptr<const void> call, void (*thread)(const void*)) {
    auto run = [gpu = &stream.gpu().impl(), shape, call = std::move(call), thread] {
        const auto index = [](const Extent3& e) { return emulation::Index3{e.x, e.y, e.z}; };
        const emulation::KernelCall kernel{shape.name,           thread,  call.get(), index(shape.grid), index(shape.block),
                                           shape.dynamic_shared, gpu->pdl};
        const bool alone = gpu->mode == OrderMode::compare || gpu->pdl;
        gpu->run(alone, [&] {
            emulation::launch(gpu->memory, kernel, gpu->mode);
            gpu->memory.check(shape.name);
        });
    };
    if (Recording::Impl* recording = stream.impl().recording.get()) recording->launches.emplace_back(std::move(run));
    else run();
}

// ---- Marker ---------------------------------------------------------------------------------------------------------

struct Marker::Impl {};

Marker::Marker(Stream&) {}
Marker::~Marker() = default;
bool Marker::reached() { return true; }
void Marker::hold_back(Stream&) {}

}  // namespace krait::cuda
