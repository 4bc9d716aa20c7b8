// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics of warpgroup.cuh for nvcc. On other devices than sm_90a they are traps: Gpu::uses_wgmma says so before a
// launch.
#pragma once

#include "backends/cuda/kernels/intrinsics_cuda.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define KRAIT_HAS_WGMMA 1
#else
#define KRAIT_HAS_WGMMA 0
#endif

namespace krait::cuda {

// Whether a kernel's body is there in this compilation.
KRAIT_CONSTANT bool kHasWgmma = KRAIT_HAS_WGMMA;

KRAIT_DEVICE uint32_t shared_address(const void* pointer) { return static_cast<uint32_t>(__cvta_generic_to_shared(pointer)); }

// ---- registers in the order that the source says ------------------------------------------------------------------------

KRAIT_DEVICE void pin(float& value) { asm volatile("" : "+f"(value)::"memory"); }
KRAIT_DEVICE void pin(uint32_t& value) { asm volatile("" : "+r"(value)::"memory"); }
template <class T, int kCount>
KRAIT_DEVICE void pin(T (&values)[kCount]) {
    KRAIT_UNROLL
    for (int i = 0; i < kCount; ++i) pin(values[i]);
}

#if KRAIT_HAS_WGMMA

template <class... Registers>
KRAIT_DEVICE void warpgroup_fence(Registers&... registers) {
    (pin(registers), ...);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
KRAIT_DEVICE void warpgroup_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int kGroupsLeft>
KRAIT_DEVICE void warpgroup_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kGroupsLeft) : "memory");
}
template <int kTiles>
KRAIT_DEVICE void warpgroup_finish(float (&d)[kTiles][4]) {
    warpgroup_wait<0>();
    pin(d);
}
KRAIT_DEVICE void async_proxy_fence() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// The sums as operands of an instruction: register 4 i + r is d[i][r].
#define KRAIT_WGMMA_SUMS_32                                                  \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define KRAIT_WGMMA_SUMS_64                                                            \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "           \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define KRAIT_WGMMA_SUMS_128                                                                       \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                       \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "             \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "             \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "             \
    "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "             \
    "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "             \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define KRAIT_WGMMA_TILE(i) "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3])
#define KRAIT_WGMMA_TILES(i)                                                                                                 \
    KRAIT_WGMMA_TILE(i), KRAIT_WGMMA_TILE(i + 1), KRAIT_WGMMA_TILE(i + 2), KRAIT_WGMMA_TILE(i + 3), KRAIT_WGMMA_TILE(i + 4), \
        KRAIT_WGMMA_TILE(i + 5), KRAIT_WGMMA_TILE(i + 6), KRAIT_WGMMA_TILE(i + 7)
#define KRAIT_WGMMA(columns, type, sums, factors, ...)                                                                        \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, 1, 0;\nwgmma.mma_async.sync.aligned.m64n" columns "k16.f32." type "." type \
                 " {" sums "}, " factors ", p, 1, 1, 0;\n}\n"                                                                 \
                 : __VA_ARGS__                                                                                                \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))
#define KRAIT_WGMMA_64(type) KRAIT_WGMMA("64", type, KRAIT_WGMMA_SUMS_32, "{%32, %33, %34, %35}, %36", KRAIT_WGMMA_TILES(0))
#define KRAIT_WGMMA_128(type) \
    KRAIT_WGMMA("128", type, KRAIT_WGMMA_SUMS_64, "{%64, %65, %66, %67}, %68", KRAIT_WGMMA_TILES(0), KRAIT_WGMMA_TILES(8))
#define KRAIT_WGMMA_256(type)                                                                              \
    KRAIT_WGMMA("256", type, KRAIT_WGMMA_SUMS_128, "{%128, %129, %130, %131}, %132", KRAIT_WGMMA_TILES(0), \
                KRAIT_WGMMA_TILES(8), KRAIT_WGMMA_TILES(16), KRAIT_WGMMA_TILES(24))

template <bool kBf16, int kTiles>
KRAIT_DEVICE void warpgroup_multiply(float (&d)[kTiles][4], const uint32_t (&a)[4], uint64_t b) {
    static_assert(kTiles == 8 || kTiles == 16 || kTiles == 32);
    if constexpr (kBf16) {
        if constexpr (kTiles == 8) KRAIT_WGMMA_64("bf16");
        if constexpr (kTiles == 16) KRAIT_WGMMA_128("bf16");
        if constexpr (kTiles == 32) KRAIT_WGMMA_256("bf16");
    } else {
        if constexpr (kTiles == 8) KRAIT_WGMMA_64("f16");
        if constexpr (kTiles == 16) KRAIT_WGMMA_128("f16");
        if constexpr (kTiles == 32) KRAIT_WGMMA_256("f16");
    }
}

#undef KRAIT_WGMMA_SUMS_32
#undef KRAIT_WGMMA_SUMS_64
#undef KRAIT_WGMMA_SUMS_128
#undef KRAIT_WGMMA_TILE
#undef KRAIT_WGMMA_TILES
#undef KRAIT_WGMMA
#undef KRAIT_WGMMA_64
#undef KRAIT_WGMMA_128
#undef KRAIT_WGMMA_256

#else

// For passes of the compiler in which kernels that use these have no body: names are looked up all the same.
KRAIT_DEVICE void trap() { asm volatile("trap;"); }
template <class... Registers>
KRAIT_DEVICE void warpgroup_fence(Registers&...) {
    trap();
}
KRAIT_DEVICE void warpgroup_commit() { trap(); }
template <int kGroupsLeft>
KRAIT_DEVICE void warpgroup_wait() {
    trap();
}
template <int kTiles>
KRAIT_DEVICE void warpgroup_finish(float (&)[kTiles][4]) {
    trap();
}
KRAIT_DEVICE void async_proxy_fence() { trap(); }
template <bool kBf16, int kTiles>
KRAIT_DEVICE void warpgroup_multiply(float (&)[kTiles][4], const uint32_t (&)[4], uint64_t) {
    trap();
}

#endif

}  // namespace krait::cuda
