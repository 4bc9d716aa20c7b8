// SPDX-License-Identifier: Apache-2.0
//
// The runtime on CUDA's own, which is linked in statically: the plugin loads on a machine without a driver and says there what
// is missing. Device memory comes from CUDA's pools, so that buffers of sessions come and go without the driver; small writes
// go through a ring of pinned memory.
#include "backends/cuda/runtime.hpp"

#include <cuda_runtime.h>

#include <array>

#include "backends/cuda/launch.hpp"

namespace krait::cuda {
namespace {

using plugin::throw_error;

// The oldest device that the kernels are compiled for, as major * 10 + minor.
constexpr int kOldest = 75;
// The oldest whose kernels can wait for those in front of them.
constexpr int kOldestPdl = 90;

ErrorCode code_of(cudaError_t status) {
    switch (status) {
        case cudaErrorMemoryAllocation: return ErrorCode::out_of_memory;
        case cudaErrorInsufficientDriver:
        case cudaErrorNoDevice:
        case cudaErrorNoKernelImageForDevice:
        case cudaErrorDevicesUnavailable:
        case cudaErrorSystemNotReady: return ErrorCode::unavailable;
        case cudaErrorIllegalAddress:
        case cudaErrorLaunchFailure:
        case cudaErrorLaunchTimeout:
        case cudaErrorHardwareStackError:
        case cudaErrorIllegalInstruction:
        case cudaErrorMisalignedAddress:
        case cudaErrorECCUncorrectable:
        case cudaErrorAssert: return ErrorCode::device_lost;
        default: return ErrorCode::internal;
    }
}

void check(cudaError_t status, std::string_view call) {
    if (status == cudaSuccess) return;
    cudaGetLastError();  // what is told here is not told again by the next call
    throw_error(code_of(status), "{} failed: {} ({})", call, cudaGetErrorString(status), cudaGetErrorName(status));
}
#define KRAIT_CUDA(call) check(call, #call)

// A driver's or runtime's version as people write it.
std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

constexpr plugin::OptionSpec kOptions[] = {
    {"wgmma", "on or off: products of many rows by warpgroups, on devices of sm_90; off without the option"},
    {"pdl", "on or off: kernels may start before those in front of them have ended, from sm_90 on; off without the option"}};

// Whether there is code for sm_90a in this plugin; code for sm_90 has no warpgroups.
#if defined(KRAIT_CUDA_SM90A)
constexpr bool kHasSm90a = true;
#else
constexpr bool kHasSm90a = false;
#endif

bool wgmma_of(const plugin::Options& options, int capability) {
    if (!options.boolean("wgmma").value_or(false)) return false;
    if (capability != 90)
        throw_error(ErrorCode::unsupported, "wgmma=on: it is for compute capability 9.0, and this device has {}.{}",
                    capability / 10, capability % 10);
    if (!kHasSm90a)
        throw_error(ErrorCode::unsupported,
                    "wgmma=on: this plugin has no code for sm_90a (-DCMAKE_CUDA_ARCHITECTURES=90a-real)");
    return true;
}

bool pdl_of(const plugin::Options& options, int capability) {
    if (!options.boolean("pdl").value_or(false)) return false;
    if (capability < kOldestPdl)
        throw_error(ErrorCode::unsupported, "pdl=on: it is for compute capability {}.{} and newer, and this device has {}.{}",
                    kOldestPdl / 10, kOldestPdl % 10, capability / 10, capability % 10);
    return true;
}

}  // namespace

// ---- what there is --------------------------------------------------------------------------------------------------

uint32_t score(std::string& why) {
    int driver = 0, runtime = 0, count = 0;
    cudaRuntimeGetVersion(&runtime);
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
        cudaGetLastError();
        why = "there is no NVIDIA driver (libcuda.so.1) on this machine";
        return 0;
    }
    // Within a major version any driver runs any runtime.
    if (driver / 1000 < runtime / 1000) {
        why = fmt::format("the NVIDIA driver is for CUDA {}; this plugin is built for {} and needs {}.0 or newer",
                          version_text(driver), version_text(runtime), runtime / 1000);
        return 0;
    }
    if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess || count == 0) {
        cudaGetLastError();
        why = count == 0 && status == cudaSuccess
                  ? "the NVIDIA driver sees no device"
                  : fmt::format("the NVIDIA driver gives no device: {}", cudaGetErrorString(status));
        return 0;
    }
    return 100;
}

uint32_t device_count() {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) cudaGetLastError(), count = 0;
    return static_cast<uint32_t>(count);
}

void device_info(uint32_t index, krait_device_info& info) {
    cudaDeviceProp properties{};
    KRAIT_CUDA(cudaGetDeviceProperties(&properties, static_cast<int>(index)));
    info.kind = properties.integrated ? KRAIT_DEVICE_INTEGRATED_GPU : KRAIT_DEVICE_GPU;
    plugin::set_text(info.name, properties.name);
    plugin::set_text(info.features, fmt::format("activations=f16 sm_{}{} sms={} l2={}KiB", properties.major, properties.minor,
                                                properties.multiProcessorCount, properties.l2CacheSize / 1024));
    info.memory_total = properties.totalGlobalMem;
    size_t free = 0, total = 0;
    // Asking for free memory makes a context, which takes memory itself: only where the process has one anyway.
    int current = 0;
    unsigned flags = 0;
    if (cudaGetDevice(&current) == cudaSuccess && current == static_cast<int>(index) &&
        cudaGetDeviceFlags(&flags) == cudaSuccess && cudaMemGetInfo(&free, &total) == cudaSuccess)
        info.memory_free = free;
    info.alignment = kAlignment;
    const bool usable = properties.major * 10 + properties.minor >= kOldest;
    info.auto_rank = usable ? 200 : 0;
}

std::span<const plugin::OptionSpec> known_options() { return kOptions; }

// ---- Gpu ------------------------------------------------------------------------------------------------------------

struct Gpu::Impl {
    int index;
    int capability;  // major * 10 + minor
    bool wgmma, pdl;
    uint64_t total;
    cudaMemPool_t pool = nullptr;
    void use() const { KRAIT_CUDA(cudaSetDevice(index)); }
};

Gpu::Gpu(uint32_t index, const plugin::Options& options) : impl_(std::make_unique<Impl>()) {
    impl_->index = static_cast<int>(index);
    cudaDeviceProp properties{};
    KRAIT_CUDA(cudaGetDeviceProperties(&properties, impl_->index));
    if (properties.major * 10 + properties.minor < kOldest)
        throw_error(ErrorCode::unavailable, "{} is of compute capability {}.{}; the kernels need {}.{} or newer",
                    properties.name, properties.major, properties.minor, kOldest / 10, kOldest % 10);
    impl_->capability = properties.major * 10 + properties.minor;
    impl_->wgmma = wgmma_of(options, impl_->capability);
    impl_->pdl = pdl_of(options, impl_->capability);
    impl_->total = properties.totalGlobalMem;
    impl_->use();
    int pools = 0;
    KRAIT_CUDA(cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, impl_->index));
    if (pools == 0) return;
    // Memory that is released stays with the process for the next buffer.
    KRAIT_CUDA(cudaDeviceGetDefaultMemPool(&impl_->pool, impl_->index));
    uint64_t keep = UINT64_MAX;
    KRAIT_CUDA(cudaMemPoolSetAttribute(impl_->pool, cudaMemPoolAttrReleaseThreshold, &keep));
}
Gpu::~Gpu() = default;

void* Gpu::allocate(uint64_t size, MemoryKind kind, std::string_view what) {
    impl_->use();
    void* pointer = nullptr;
    const size_t bytes = size == 0 ? 1 : size;
    // More than the whole device is refused here: the driver's rounding of such sizes overflows.
    cudaError_t status = cudaErrorMemoryAllocation;
    if (kind == MemoryKind::pinned) {
        if (bytes < (uint64_t{1} << 48)) status = cudaHostAlloc(&pointer, bytes, cudaHostAllocPortable);
    } else if (bytes <= impl_->total) {
        status = impl_->pool ? cudaMallocAsync(&pointer, bytes, impl_->pool, cudaStreamPerThread) : cudaMalloc(&pointer, bytes);
        // Memory of a pool belongs to the stream's order: it is there for all streams once this is done.
        if (status == cudaSuccess && impl_->pool) status = cudaStreamSynchronize(cudaStreamPerThread);
    }
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        size_t free = 0, total = 0;
        cudaMemGetInfo(&free, &total);
        plugin::throw_out_of_memory(size, kind == MemoryKind::pinned ? 0 : free, what);
    }
    check(status, kind == MemoryKind::pinned ? "cudaHostAlloc" : "cudaMallocAsync");
    return pointer;
}

void Gpu::release(void* pointer, MemoryKind kind) noexcept {
    if (cudaSetDevice(impl_->index) != cudaSuccess) return;
    if (kind == MemoryKind::pinned) cudaFreeHost(pointer);
    else if (impl_->pool) cudaFreeAsync(pointer, cudaStreamPerThread);
    else cudaFree(pointer);
}

bool Gpu::is_sm80() const noexcept { return impl_->capability >= 80; }
bool Gpu::uses_wgmma() const noexcept { return impl_->wgmma; }
bool Gpu::uses_pdl() const noexcept { return impl_->pdl; }

void Gpu::freeze(void*) noexcept {}

// ---- Stream ---------------------------------------------------------------------------------------------------------

struct Recording::Impl {
    cudaGraphExec_t graph = nullptr;  // null: nothing was launched
    size_t n_launches = 0;
    ~Impl() {
        if (graph) cudaGraphExecDestroy(graph);
    }
};

Recording::Recording(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recording::~Recording() = default;
size_t Recording::n_launches() const noexcept { return impl_->n_launches; }
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;

struct Stream::Impl {
    // A slot of the ring is free again once its copy is done. Larger writes wait for their copy.
    static constexpr size_t kSlots = 16, kSlotBytes = 64 * 1024;
    cudaStream_t stream = nullptr;
    std::byte* ring = nullptr;
    std::array<cudaEvent_t, kSlots> used{};
    size_t next = 0;
    bool follows_kernel = false;  // in what is recorded

    ~Impl() {
        if (stream) cudaStreamSynchronize(stream);
        for (cudaEvent_t event : used)
            if (event) cudaEventDestroy(event);
        if (ring) cudaFreeHost(ring);
        if (stream) cudaStreamDestroy(stream);
    }
};

Stream::Stream(Gpu& gpu) : gpu_(gpu), impl_(std::make_unique<Impl>()) {
    gpu.impl().use();
    KRAIT_CUDA(cudaStreamCreateWithFlags(&impl_->stream, cudaStreamNonBlocking));
    KRAIT_CUDA(cudaHostAlloc(reinterpret_cast<void**>(&impl_->ring), Impl::kSlots * Impl::kSlotBytes, cudaHostAllocDefault));
    for (cudaEvent_t& event : impl_->used) KRAIT_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
}
Stream::~Stream() { cudaSetDevice(gpu_.impl().index); }

void Stream::write(void* device, const void* host, uint64_t size) {
    if (size == 0) return;
    gpu_.impl().use();
    Impl& s = *impl_;
    if (size > Impl::kSlotBytes) {
        KRAIT_CUDA(cudaMemcpyAsync(device, host, size, cudaMemcpyDefault, s.stream));
        KRAIT_CUDA(cudaStreamSynchronize(s.stream));
        return;
    }
    const size_t slot = s.next++ % Impl::kSlots;
    KRAIT_CUDA(cudaEventSynchronize(s.used[slot]));
    std::byte* staging = s.ring + slot * Impl::kSlotBytes;
    std::memcpy(staging, host, size);
    KRAIT_CUDA(cudaMemcpyAsync(device, staging, size, cudaMemcpyDefault, s.stream));
    KRAIT_CUDA(cudaEventRecord(s.used[slot], s.stream));
}

void Stream::read(void* host, const void* device, uint64_t size) {
    if (size == 0) return;
    gpu_.impl().use();
    KRAIT_CUDA(cudaMemcpyAsync(host, device, size, cudaMemcpyDefault, impl_->stream));
}

void Stream::copy(void* to, const void* from, uint64_t size) {
    if (size == 0) return;
    gpu_.impl().use();
    KRAIT_CUDA(cudaMemcpyAsync(to, from, size, cudaMemcpyDefault, impl_->stream));
}

void Stream::sync() {
    gpu_.impl().use();
    KRAIT_CUDA(cudaStreamSynchronize(impl_->stream));
}

void Stream::begin_recording() {
    gpu_.impl().use();
    KRAIT_CUDA(cudaStreamBeginCapture(impl_->stream, cudaStreamCaptureModeRelaxed));
    impl_->follows_kernel = false;
}

Recording Stream::end_recording() {
    cudaGraph_t graph = nullptr;
    KRAIT_CUDA(cudaStreamEndCapture(impl_->stream, &graph));
    auto recorded = std::make_unique<Recording::Impl>();
    size_t n_nodes = 0;
    cudaError_t status = cudaGraphGetNodes(graph, nullptr, &n_nodes);
    if (status == cudaSuccess && n_nodes > 0) status = cudaGraphInstantiate(&recorded->graph, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "cudaGraphInstantiate");
    recorded->n_launches = n_nodes;
    return Recording(std::move(recorded));
}

void Stream::replay(const Recording& recording) {
    if (!recording.impl().graph) return;
    gpu_.impl().use();
    KRAIT_CUDA(cudaGraphLaunch(recording.impl().graph, impl_->stream));
}

// A kernel that was compiled for an older device does not wait, whatever device runs it.
static void check_waits(const LaunchShape& shape, const void* kernel) {
    cudaFuncAttributes attributes{};
    check(cudaFuncGetAttributes(&attributes, kernel), fmt::format("cudaFuncGetAttributes of kernel {}", shape.name));
    if (attributes.ptxVersion < kOldestPdl)
        throw_error(
            ErrorCode::unsupported,
            "pdl=on: kernel {} is compiled for compute capability {}.{}, and {}.{} is needed (-DCMAKE_CUDA_ARCHITECTURES)",
            shape.name, attributes.ptxVersion / 10, attributes.ptxVersion % 10, kOldestPdl / 10, kOldestPdl % 10);
}

void launch_on_device(Stream& stream, const LaunchShape& shape, const void* kernel, void** arguments) {
    const auto dim = [](const Extent3& e) { return dim3(e.x, e.y, e.z); };
    constexpr size_t kAlwaysPossible = 48 * 1024;
    if (shape.dynamic_shared > kAlwaysPossible)
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shape.dynamic_shared)),
              fmt::format("shared memory for kernel {}", shape.name));
    // The first of a recording follows what the stream did before, whole. In a graph the others are programmatic edges.
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = dim(shape.grid);
    config.blockDim = dim(shape.block);
    config.dynamicSmemBytes = shape.dynamic_shared;
    config.stream = stream.impl().stream;
    if (stream.gpu().uses_pdl()) {
        check_waits(shape, kernel);
        config.attrs = &early;
        config.numAttrs = std::exchange(stream.impl().follows_kernel, true) ? 1 : 0;
    }
    check(cudaLaunchKernelExC(&config, kernel, arguments), fmt::format("the launch of kernel {}", shape.name));
}

// ---- Marker ---------------------------------------------------------------------------------------------------------

struct Marker::Impl {
    int device;
    cudaEvent_t event = nullptr;
    ~Impl() {
        if (event) cudaEventDestroy(event);
    }
};

Marker::Marker(Stream& stream) : impl_(std::make_unique<Impl>()) {
    impl_->device = stream.gpu().impl().index;
    stream.gpu().impl().use();
    KRAIT_CUDA(cudaEventCreateWithFlags(&impl_->event, cudaEventDisableTiming));
    KRAIT_CUDA(cudaEventRecord(impl_->event, stream.impl().stream));
}
Marker::~Marker() = default;

bool Marker::reached() {
    const cudaError_t status = cudaEventQuery(impl_->event);
    if (status == cudaErrorNotReady) {
        cudaGetLastError();
        return false;
    }
    check(status, "cudaEventQuery");
    return true;
}

void Marker::hold_back(Stream& stream) {
    stream.gpu().impl().use();
    KRAIT_CUDA(cudaStreamWaitEvent(stream.impl().stream, impl_->event, 0));
}

}  // namespace krait::cuda
