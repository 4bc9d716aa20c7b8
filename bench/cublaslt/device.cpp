// SPDX-License-Identifier: Apache-2.0
#include "bench/cublaslt/device.hpp"

#include <algorithm>
#include <random>
#include <vector>

namespace krait::bench {
namespace {

constexpr uint64_t kWorkspaceBytes = uint64_t{32} << 20;  // what NVIDIA advises for Hopper; older devices take less

Result<Memory> allocate(uint64_t bytes) {
    void* memory = nullptr;
    if (const cudaError_t status = cudaMalloc(&memory, bytes); status != cudaSuccess) {
        cudaGetLastError();
        return fail(ErrorCode::out_of_memory, "cudaMalloc of {} MiB failed: {}", bytes >> 20, cudaGetErrorString(status));
    }
    return Memory(static_cast<std::byte*>(memory));
}

// Signs and mantissas at random, one exponent: that of [1/2, 1).
uint16_t word_of(LtType type, uint16_t random) {
    switch (type) {
        case LtType::f16: return static_cast<uint16_t>((random & 0x83ff) | 0x3800);  // bias 15, 10 bits
        case LtType::fp8: return static_cast<uint16_t>((random & 0x8787) | 0x3030);  // bias 7, 3 bits; two of them
        case LtType::int8: return random;
    }
    return 0;
}

}  // namespace

Result<LtDevice> LtDevice::open(int index) {
    int driver = 0, count = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
        return fail(ErrorCode::unavailable, "there is no CUDA device: no NVIDIA driver (libcuda.so.1) on this machine");
    if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess)
        return fail(ErrorCode::unavailable, "there is no CUDA device: {}", cudaGetErrorString(status));
    if (index >= count)
        return fail(ErrorCode::not_found, "there is no CUDA device {}: there are {}, counted from 0", index, count);
    LtDevice device;
    cudaDeviceProp properties{};
    KRAIT_CALL(cudaSetDevice(index));
    KRAIT_CALL(cudaGetDeviceProperties(&properties, index));
    device.name = properties.name;
    device.capability = properties.major * 10 + properties.minor;
    device.l2_bytes = static_cast<uint64_t>(properties.l2CacheSize);
    cudaStream_t stream = nullptr;
    KRAIT_CALL(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    device.stream.reset(stream);
    cublasLtHandle_t handle = nullptr;
    KRAIT_CALL(cublasLtCreate(&handle));
    device.handle.reset(handle);
    device.workspace_bytes = kWorkspaceBytes;
    KRAIT_TRY(device.workspace, allocate(kWorkspaceBytes));
    return device;
}

Result<Memory> LtDevice::numbers(LtType type, uint64_t bytes) const {
    KRAIT_TRY(Memory memory, allocate(bytes));
    std::mt19937 random(1);
    std::vector<uint16_t> words(size_t{1} << 20);
    for (uint16_t& word : words) word = word_of(type, static_cast<uint16_t>(random()));
    for (uint64_t at = 0; at < bytes;) {
        const uint64_t piece = std::min<uint64_t>(words.size() * sizeof(uint16_t), bytes - at);
        KRAIT_CALL(cudaMemcpy(memory.get() + at, words.data(), piece, cudaMemcpyHostToDevice));
        at += piece;
    }
    return memory;
}

}  // namespace krait::bench
