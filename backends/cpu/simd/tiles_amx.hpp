// SPDX-License-Identifier: Apache-2.0
//
// Tiles by the AMX instructions. Contract: tiles.hpp. Written as assembly because g++'s intrinsics take a tile's number only as
// a literal; it has to be a template parameter here. The compiler itself keeps nothing in tiles.
#pragma once

#include <cstdint>

namespace krait::cpu::KRAIT_CPU_VARIANT {

class TileScope {
  public:
    explicit TileScope(const TileConfig& config) { asm volatile("ldtilecfg %0" : : "m"(config)); }
    ~TileScope() { asm volatile("tilerelease"); }
    TileScope(const TileScope&) = delete;
    TileScope& operator=(const TileScope&) = delete;
};

template <int t>
inline void tile_zero() {
    static_assert(t >= 0 && t < kTiles);
    asm volatile("tilezero %%tmm%c0" : : "i"(t));
}

template <int t>
inline void tile_load(const void* p, int64_t stride) {
    static_assert(t >= 0 && t < kTiles);
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(t) : "memory");
}

template <int t>
inline void tile_store(void* p, int64_t stride) {
    static_assert(t >= 0 && t < kTiles);
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(t) : "memory");
}

#define KRAIT_TILE_PRODUCT(name, instruction)                                                 \
    template <int c, int a, int b>                                                            \
    inline void name() {                                                                      \
        static_assert(c >= 0 && c < kTiles && a >= 0 && a < kTiles && b >= 0 && b < kTiles);  \
        static_assert(c != a && a != b && b != c);                                            \
        asm volatile(instruction " %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(c), "i"(a), "i"(b)); \
    }
KRAIT_TILE_PRODUCT(tile_dot_u8s8, "tdpbusd")
KRAIT_TILE_PRODUCT(tile_dot_s8u8, "tdpbsud")
KRAIT_TILE_PRODUCT(tile_dot_s8s8, "tdpbssd")
KRAIT_TILE_PRODUCT(tile_dot_u8u8, "tdpbuud")
KRAIT_TILE_PRODUCT(tile_dot_bf16, "tdpbf16ps")
#undef KRAIT_TILE_PRODUCT

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
