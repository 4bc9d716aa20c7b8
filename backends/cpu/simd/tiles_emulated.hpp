// SPDX-License-Identifier: Apache-2.0
//
// Tiles in plain C++, to the bit what the instructions give. Contract: tiles.hpp. Where the processor would raise an exception,
// std::logic_error says why: a kernel with a wrong shape fails its test on every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace tiles {

// Bytes of a row behind row_bytes, and rows behind rows, are 0.
struct Tile {
    int rows = 0;
    int row_bytes = 0;
    alignas(64) uint8_t bytes[kTileRows][kTileRowBytes] = {};

    void clear() { std::memset(bytes, 0, sizeof bytes); }
};

struct State {
    bool is_configured = false;
    Tile tile[kTiles];
};
inline thread_local State state;

[[noreturn]] inline void fault(const char* instruction, const std::string& why) {
    throw std::logic_error(std::string("tiles: ") + instruction + ": " + why);
}

inline void configure(const TileConfig& config) {
    const auto refuse = [](int t, const std::string& why) { fault("LDTILECFG", "tile " + std::to_string(t) + " " + why); };
    if (state.is_configured) fault("TileScope", "this thread's tiles are in use already");
    if (config.palette != 1 || config.start_row != 0) fault("LDTILECFG", "only palette 1 from row 0 is known");
    for (int t = 0; t < 16; ++t) {
        const int rows = config.rows[t], row_bytes = config.colsb[t];
        if (rows > kTileRows) refuse(t, "has " + std::to_string(rows) + " rows; 16 at most");
        if (row_bytes > kTileRowBytes) refuse(t, "has rows of " + std::to_string(row_bytes) + " bytes; 64 at most");
        if ((rows == 0) != (row_bytes == 0)) refuse(t, "has rows without bytes, or bytes without rows");
        if (t >= kTiles) {
            if (rows != 0) refuse(t, "does not exist");
            continue;
        }
        state.tile[t].rows = rows;
        state.tile[t].row_bytes = row_bytes;
        state.tile[t].clear();
    }
    state.is_configured = true;
}

inline Tile& used(int t, const char* instruction) {
    if (!state.is_configured) fault(instruction, "no tiles are configured on this thread");
    if (state.tile[t].rows == 0) fault(instruction, "tile " + std::to_string(t) + " is not configured");
    return state.tile[t];
}

// A tile whose rows are whole words, as all instructions want them but TILEZERO.
inline Tile& of_words(int t, const char* instruction) {
    Tile& tile = used(t, instruction);
    if (tile.row_bytes % 4 != 0) fault(instruction, "rows of tile " + std::to_string(t) + " are no multiple of 4 bytes");
    return tile;
}

// Checks the shapes of a product and gives its K: how many groups of four bytes.
inline int depth_of(const Tile& c, const Tile& a, const Tile& b, const char* instruction) {
    const auto size = [](const Tile& tile) { return std::to_string(tile.rows) + " x " + std::to_string(tile.row_bytes); };
    if (a.rows != c.rows || b.row_bytes != c.row_bytes || a.row_bytes / 4 != b.rows)
        fault(instruction, "shapes do not fit (rows x bytes): C " + size(c) + ", A " + size(a) + ", B " + size(b));
    return b.rows;
}

template <class A, class B>
inline void dot_bytes(int ct, int at, int bt, const char* instruction) {
    Tile &c = of_words(ct, instruction), &a = of_words(at, instruction), &b = of_words(bt, instruction);
    const int depth = depth_of(c, a, b, instruction);
    for (int m = 0; m < c.rows; ++m) {
        uint32_t sum[kTileRowBytes / 4];  // unsigned, so that it wraps around
        std::memcpy(sum, c.bytes[m], sizeof sum);
        for (int k = 0; k < depth; ++k)
            for (int n = 0; n < kTileRowBytes / 4; ++n)  // columns behind the last are 0 and stay so
                for (int i = 0; i < 4; ++i)
                    sum[n] += static_cast<uint32_t>(static_cast<int32_t>(static_cast<A>(a.bytes[m][4 * k + i])) *
                                                    static_cast<int32_t>(static_cast<B>(b.bytes[k][4 * n + i])));
        std::memcpy(c.bytes[m], sum, sizeof sum);
    }
}

inline float without_denormal(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x; }
inline float bf16_at(const uint8_t* bytes) {
    uint16_t half;
    std::memcpy(&half, bytes, sizeof half);
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return without_denormal(x);
}

inline void dot_bf16(int ct, int at, int bt) {
    const char* instruction = "TDPBF16PS";
    Tile &c = of_words(ct, instruction), &a = of_words(at, instruction), &b = of_words(bt, instruction);
    const int depth = depth_of(c, a, b, instruction);
    constexpr int kColumns = kTileRowBytes / 4;
    float factor[kTileRows][2][kColumns];
    for (int k = 0; k < depth; ++k)
        for (int n = 0; n < kColumns; ++n)
            for (int i = 0; i < 2; ++i) factor[k][i][n] = bf16_at(&b.bytes[k][4 * n + 2 * i]);
    for (int m = 0; m < c.rows; ++m) {
        float sum[2][kColumns] = {};
        for (int k = 0; k < depth; ++k)
            for (int i = 0; i < 2; ++i) {
                const float x = bf16_at(&a.bytes[m][4 * k + 2 * i]);
                for (int n = 0; n < kColumns; ++n) sum[i][n] = without_denormal(std::fma(x, factor[k][i][n], sum[i][n]));
            }
        float row[kColumns];
        std::memcpy(row, c.bytes[m], sizeof row);
        for (int n = 0; n < c.row_bytes / 4; ++n)
            row[n] = without_denormal(without_denormal(row[n]) + without_denormal(sum[0][n] + sum[1][n]));
        std::memcpy(c.bytes[m], row, sizeof row);
    }
}

}  // namespace tiles

class TileScope {
  public:
    explicit TileScope(const TileConfig& config) { tiles::configure(config); }
    ~TileScope() { tiles::state.is_configured = false; }
    TileScope(const TileScope&) = delete;
    TileScope& operator=(const TileScope&) = delete;
};

template <int t>
inline void tile_zero() {
    static_assert(t >= 0 && t < kTiles);
    tiles::used(t, "TILEZERO").clear();
}

template <int t>
inline void tile_load(const void* p, int64_t stride) {
    static_assert(t >= 0 && t < kTiles);
    tiles::Tile& tile = tiles::of_words(t, "TILELOADD");
    tile.clear();
    for (int r = 0; r < tile.rows; ++r)
        std::memcpy(tile.bytes[r], static_cast<const uint8_t*>(p) + r * stride, static_cast<size_t>(tile.row_bytes));
}

template <int t>
inline void tile_store(void* p, int64_t stride) {
    static_assert(t >= 0 && t < kTiles);
    const tiles::Tile& tile = tiles::of_words(t, "TILESTORED");
    for (int r = 0; r < tile.rows; ++r)
        std::memcpy(static_cast<uint8_t*>(p) + r * stride, tile.bytes[r], static_cast<size_t>(tile.row_bytes));
}

template <int c, int a, int b>
inline void tile_dot_u8s8() {
    static_assert(c != a && a != b && b != c);
    tiles::dot_bytes<uint8_t, int8_t>(c, a, b, "TDPBUSD");
}
template <int c, int a, int b>
inline void tile_dot_s8u8() {
    static_assert(c != a && a != b && b != c);
    tiles::dot_bytes<int8_t, uint8_t>(c, a, b, "TDPBSUD");
}
template <int c, int a, int b>
inline void tile_dot_s8s8() {
    static_assert(c != a && a != b && b != c);
    tiles::dot_bytes<int8_t, int8_t>(c, a, b, "TDPBSSD");
}
template <int c, int a, int b>
inline void tile_dot_u8u8() {
    static_assert(c != a && a != b && b != c);
    tiles::dot_bytes<uint8_t, uint8_t>(c, a, b, "TDPBUUD");
}
template <int c, int a, int b>
inline void tile_dot_bf16() {
    static_assert(c != a && a != b && b != c);
    tiles::dot_bf16(c, a, b);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
