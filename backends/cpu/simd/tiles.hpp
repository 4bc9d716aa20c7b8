// SPDX-License-Identifier: Apache-2.0
//
// AMX: eight tile registers of at most 16 rows of 64 bytes, and products of them. Only builds that define KRAIT_CPU_TILES
// have them:
//   tiles_amx.hpp        the instructions (built with -mamx-tile -mamx-int8 -mamx-bf16)
//   tiles_emulated.hpp   the same in plain C++, for tests on machines without
// Contract, the same for both (Intel's manual, volume 2, the pages of the instructions named):
//   TileConfig{{rows, row_bytes}, ...}   shapes of tiles 0, 1, ..; {0, 0} = not used. Palette 1.
//   TileScope scope(config)      configures the calling thread's tiles, all zero (LDTILECFG). Its end releases them
//                                (TILERELEASE), so that threads of the application are left as they were. One at a time a
//                                thread; every thread that uses tiles has one of its own.
//   tile_zero<t>()               TILEZERO
//   tile_load<t>(p, stride)      row r from p + r * stride, row_bytes of it (TILELOADD); any alignment, stride and row_bytes
//                                in bytes, row_bytes a multiple of 4
//   tile_store<t>(p, stride)     the same way back (TILESTORED)
//   tile_dot_u8s8<c, a, b>()     C[m][n] += sum over k of A[m][4 k + i] * B[k][4 n + i], i = 0 .. 3: A unsigned, B signed
//                                bytes, C int32, wrapping around (TDPBUSD); also s8u8, s8s8, u8u8 (TDPBSUD, TDPBSSD, TDPBUUD)
//   tile_dot_bf16<c, a, b>()     C[m][n] += sum over k of A[m][2 k + i] * B[k][2 n + i], i = 0, 1: bf16, C float32 (TDPBF16PS).
//                                Each i is summed over k by fused multiply-adds from 0, then the two sums are added, then C.
//                                Rounded to nearest even; denormals are 0 before and after; no exceptions.
// So B holds 4 (or 2) neighbours in k beside each other for each column n. Shapes of a product: A [M][4 K bytes],
// B [K][4 N bytes], C [M][4 N bytes]. Three different tiles. What does not fit is an illegal instruction on the processor, and
// std::logic_error in the emulation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kTiles = 8, kTileRows = 16, kTileRowBytes = 64;

struct TileShape {
    uint8_t rows = 0;
    uint16_t row_bytes = 0;
};

// As LDTILECFG reads it; fields keep the manual's names.
struct alignas(64) TileConfig {
    uint8_t palette = 1;
    uint8_t start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t colsb[16] = {};
    uint8_t rows[16] = {};

    constexpr explicit TileConfig(const std::array<TileShape, kTiles>& shapes) {
        for (size_t t = 0; t < shapes.size(); ++t) {
            colsb[t] = shapes[t].row_bytes;
            rows[t] = shapes[t].rows;
        }
    }
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace krait::cpu::KRAIT_CPU_VARIANT

#if defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__AMX_BF16__)
#include "backends/cpu/simd/tiles_amx.hpp"
#else
#include "backends/cpu/simd/tiles_emulated.hpp"
#endif
