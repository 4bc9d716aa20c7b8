// SPDX-License-Identifier: Apache-2.0
//
// Tiles (backends/cpu/simd/tiles.hpp) behind plain functions: the emulation, and the instructions where the build has them.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/cpu/instruction_sets.hpp"

namespace krait::cpu {

enum class TileProduct { u8s8, s8u8, s8s8, u8u8, bf16 };

// A matrix in memory: rows of row_bytes, `stride` bytes apart.
struct TileOperand {
    uint8_t rows;
    uint16_t row_bytes;
    void* data;
    int64_t stride;
};

struct TileProbe {
    Level level;  // what a machine must have: portable for the emulation
    const char* name;
    // C += A * B in tiles of these shapes. May throw std::logic_error (the emulation).
    void (*multiply)(TileProduct product, const TileOperand& c, const TileOperand& a, const TileOperand& b);
    // Through tile 0 .. 7: loads from one place, stores to another of the same shape; zeroed in between where asked for.
    void (*move)(int tile, const TileOperand& to, const TileOperand& from, bool zeroed);
    void (*zero_without_configuration)();
};

// The emulation first.
std::vector<const TileProbe*> tile_probes();

}  // namespace krait::cpu
