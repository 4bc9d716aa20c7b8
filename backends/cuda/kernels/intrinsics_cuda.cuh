// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics of intrinsics.cuh for nvcc. All inline PTX of the backend is here and, for sm_90a alone, in
// warpgroup_cuda.cuh.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "core/quant/half.hpp"

#define KRAIT_GLOBAL(n_threads) __global__ void __launch_bounds__(n_threads, 1)
#define KRAIT_DEVICE __device__ __forceinline__
#define KRAIT_CONSTANT static constexpr
#define KRAIT_UNROLL _Pragma("unroll")

#define KRAIT_SHARED(Type, name, count) __shared__ __align__(16) Type name[count]
#define KRAIT_DYNAMIC_SHARED(Type, name)                                   \
    extern __shared__ __align__(128) unsigned char krait_dynamic_shared[]; \
    Type* const name = reinterpret_cast<Type*>(krait_dynamic_shared)

namespace krait::cuda {

// ---- the kernels before and behind --------------------------------------------------------------------------------------

// PTX ISA, griddepcontrol: .wait returns when all kernels that this one depends on have ended and what they wrote is visible;
// .launch_dependents lets those that depend on this one start when all its blocks have said so or ended. Both are nothing where
// the launch did not ask for it.
KRAIT_DEVICE void wait_for_earlier_kernels() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
KRAIT_DEVICE void let_next_kernel_start() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// ---- the block and the warp -------------------------------------------------------------------------------------------

static constexpr uint32_t kFullWarp = 0xffffffffu;

KRAIT_DEVICE void block_barrier() { __syncthreads(); }
KRAIT_DEVICE uint32_t lane_index() {
    uint32_t lane;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    return lane;
}
template <class T>
KRAIT_DEVICE T shuffle_xor(T value, uint32_t lane_mask, uint32_t mask = kFullWarp) {
    return __shfl_xor_sync(mask, value, static_cast<int>(lane_mask));
}
template <class T>
KRAIT_DEVICE T shuffle(T value, uint32_t from, uint32_t mask = kFullWarp) {
    return __shfl_sync(mask, value, static_cast<int>(from));
}
template <class T>
KRAIT_DEVICE T shuffle_down(T value, uint32_t delta, uint32_t mask = kFullWarp) {
    return __shfl_down_sync(mask, value, delta);
}
KRAIT_DEVICE uint32_t ballot(bool vote, uint32_t mask = kFullWarp) { return __ballot_sync(mask, vote); }
KRAIT_DEVICE bool any_lane(bool vote, uint32_t mask = kFullWarp) { return __any_sync(mask, vote) != 0; }
KRAIT_DEVICE bool all_lanes(bool vote, uint32_t mask = kFullWarp) { return __all_sync(mask, vote) != 0; }
KRAIT_DEVICE void warp_barrier(uint32_t mask = kFullWarp) { __syncwarp(mask); }

// ---- memory ---------------------------------------------------------------------------------------------------------

template <class Vector>
KRAIT_DEVICE Vector load_vector(const void* from) {
    return *static_cast<const Vector*>(from);
}
// Past L1 and first out of L2: weights are read once a launch. Of constants alone: the compiler may move it before the wait.
template <class Vector>
KRAIT_DEVICE Vector load_streaming(const void* from) {
    return __ldcs(static_cast<const Vector*>(from));
}
template <class Vector>
KRAIT_DEVICE void store_vector(void* to, Vector value) {
    *static_cast<Vector*>(to) = value;
}

// Asks for bytes to be brought to L2, whole pieces of 16 of them. sm_90 can; elsewhere nothing happens.
KRAIT_DEVICE void prefetch(const void* from, uint64_t bytes) {
#if __CUDA_ARCH__ >= 900
    const auto start = (reinterpret_cast<uint64_t>(from) + 15) / 16 * 16,
               end = (reinterpret_cast<uint64_t>(from) + bytes) / 16 * 16;
    if (start < end)
        asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(start), "r"(static_cast<uint32_t>(end - start))
                     : "memory");
#endif
}

// Copies of 4, 8 or 16 bytes to shared memory that arrive when waited for; what lies behind `bytes` is filled with zeros.
// sm_75 has no such copies: there they happen at once.
template <int kSize>
KRAIT_DEVICE void copy_async(void* to, const void* from, uint32_t bytes = kSize) {
    static_assert(kSize == 4 || kSize == 8 || kSize == 16);
#if __CUDA_ARCH__ >= 800
    const auto shared = static_cast<uint32_t>(__cvta_generic_to_shared(to));
    if constexpr (kSize == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(from), "r"(bytes) : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared), "l"(from), "n"(kSize), "r"(bytes)
                     : "memory");
#else
    for (uint32_t i = 0; i < kSize; i += 4)
        *reinterpret_cast<uint32_t*>(static_cast<char*>(to) + i) =
            i < bytes ? *reinterpret_cast<const uint32_t*>(static_cast<const char*>(from) + i) : 0u;
#endif
}
KRAIT_DEVICE void copy_async_commit() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int kGroupsLeft>
KRAIT_DEVICE void copy_async_wait() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(kGroupsLeft) : "memory");
#endif
}

template <class T>
KRAIT_DEVICE T atomic_add(T* to, T value) {
    return atomicAdd(to, value);
}

// ---- the warp's matrix product --------------------------------------------------------------------------------------------

// d += a * b with the layouts of host_emulation/matrix.hpp; all lanes of the warp.
KRAIT_DEVICE void multiply_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else  // half the columns at a time
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(b[0]));
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[2]), "r"(a[3]), "r"(b[1]));
#endif
}
// From sm_80 on; Gpu::is_sm80 says so before a launch.
KRAIT_DEVICE void multiply_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    __trap();
#endif
}

// The same for columns k of A and rows k of B in float32 of which the unit takes the upper 19 bits, tf32. From sm_80 on.
KRAIT_DEVICE void multiply_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    __trap();
#endif
}

// Of the eight bytes of low and high, those that the selector's four hexadecimal digits name, its last digit the lowest byte.
KRAIT_DEVICE uint32_t pick_bytes(uint32_t low, uint32_t high, uint32_t selector) { return __byte_perm(low, high, selector); }
// Two float32 rounded to f16, the first in the lower half.
KRAIT_DEVICE uint32_t pack_halves(float low, float high) {
    const __half2 pair = __floats2half2_rn(low, high);
    return *reinterpret_cast<const uint32_t*>(&pair);
}
// Two f16 less two others.
KRAIT_DEVICE uint32_t subtract_halves(uint32_t a, uint32_t b) {
    uint32_t difference;
    asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(difference) : "r"(a), "r"(b));
    return difference;
}

// ---- numbers --------------------------------------------------------------------------------------------------------

KRAIT_DEVICE float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
KRAIT_DEVICE float exp2_approx(float x) {  // 2 ulp; subnormal results stay
    float y;
    asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
KRAIT_DEVICE float exp_accurate(float x) { return expf(x); }
KRAIT_DEVICE float log1p_accurate(float x) { return log1pf(x); }
KRAIT_DEVICE float normal_distribution(float x) { return normcdff(x); }  // (1 + erf(x / sqrt 2)) / 2, the tail too: 5 ulp
KRAIT_DEVICE float tanh_accurate(float x) { return tanhf(x); }
KRAIT_DEVICE double exp_double(double x) { return exp(x); }
KRAIT_DEVICE double round_to_whole(double x) { return rint(x); }
KRAIT_DEVICE float cos_of_turns(float x) { return cospif(2 * x); }
KRAIT_DEVICE float sin_of_turns(float x) { return sinpif(2 * x); }
KRAIT_DEVICE float divide(float a, float b) { return __fdiv_rn(a, b); }
KRAIT_DEVICE float sqrt_accurate(float x) { return __fsqrt_rn(x); }
KRAIT_DEVICE int32_t count_bits(uint32_t bits) { return __popc(bits); }
KRAIT_DEVICE float half_to_float(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
KRAIT_DEVICE uint16_t float_to_half(float value) { return __half_as_ushort(__float2half_rn(value)); }
KRAIT_DEVICE uint16_t float_to_bf16(float value) { return __bfloat16_as_ushort(__float2bfloat16_rn(value)); }
KRAIT_DEVICE uint32_t float_bits(float value) { return __float_as_uint(value); }
KRAIT_DEVICE float bits_float(uint32_t bits) { return __uint_as_float(bits); }
KRAIT_DEVICE uint64_t double_bits(double value) { return static_cast<uint64_t>(__double_as_longlong(value)); }

}  // namespace krait::cuda
