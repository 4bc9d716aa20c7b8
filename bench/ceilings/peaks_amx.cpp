// SPDX-License-Identifier: Apache-2.0
//
// Products of tiles (AMX): C [16, 16] += A [16, K] * B [K, 16] in one instruction, K = 64 of int8 or 32 of bf16. Linux hands
// tiles out to processes that ask for them (arch_prctl, since 5.16); where it refuses, or the processor has none, there is no
// such ceiling.
#include "bench/ceilings/kernels.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace krait::bench {
namespace {

constexpr int kTiles = 4;  // sums that do not depend on each other: latency 52 cycles, one starts every 16

struct alignas(64) TileConfig {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

// Leaf 7 of CPUID, register EDX.
constexpr unsigned kBf16Bit = 1u << 22, kTileBit = 1u << 24, kInt8Bit = 1u << 25;

bool has(unsigned bit) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kTileBit) == 0 || (d & bit) == 0) return false;
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
bool has_int8() { return has(kInt8Bit); }
bool has_bf16() { return has(kBf16Bit); }

// Tiles 0-3 are sums; 4, 5 and 6, 7 the operands. A new configuration makes all of them zero: the time does not depend on what
// is multiplied.
__attribute__((target("amx-tile"), noinline)) void configure_tiles() {
    TileConfig config;
    for (int i = 0; i < 8; ++i) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    // g++ 12 has _tile_loadconfig read eight bytes of the configuration, and leaves out the stores to all others.
    asm volatile("ldtilecfg %0" : : "m"(config));
}

__attribute__((target("amx-tile,amx-int8"))) void run_int8(int64_t rounds) {
    configure_tiles();
    for (int64_t round = 0; round < rounds; ++round) {
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
    _tile_release();
}

__attribute__((target("amx-tile,amx-bf16"))) void run_bf16(int64_t rounds) {
    configure_tiles();
    for (int64_t round = 0; round < rounds; ++round) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
}

constexpr PeakKernel kPeaks[] = {{Number::bf16, "amx", has_bf16, 2.0 * 16 * 16 * 32 * kTiles, run_bf16},
                                 {Number::int8, "amx", has_int8, 2.0 * 16 * 16 * 64 * kTiles, run_int8}};

}  // namespace

std::span<const PeakKernel> amx_peaks() { return kPeaks; }

}  // namespace krait::bench

#else

namespace krait::bench {
std::span<const PeakKernel> amx_peaks() { return {}; }
}  // namespace krait::bench

#endif
