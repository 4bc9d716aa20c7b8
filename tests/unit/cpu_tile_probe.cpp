// SPDX-License-Identifier: Apache-2.0
//
// Compiled once for each kind of tiles (KRAIT_CPU_VARIANT).
#include "tests/unit/cpu_tile_probe.hpp"

#include "backends/cpu/simd/tiles.hpp"

#define KRAIT_CPU_TEXT_(name) #name
#define KRAIT_CPU_TEXT(name) KRAIT_CPU_TEXT_(name)

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

void multiply(TileProduct product, const TileOperand& c, const TileOperand& a, const TileOperand& b) {
    const TileConfig config({{{c.rows, c.row_bytes}, {a.rows, a.row_bytes}, {b.rows, b.row_bytes}}});
    const TileScope scope(config);
    tile_load<0>(c.data, c.stride);
    tile_load<1>(a.data, a.stride);
    tile_load<2>(b.data, b.stride);
    switch (product) {
        case TileProduct::u8s8: tile_dot_u8s8<0, 1, 2>(); break;
        case TileProduct::s8u8: tile_dot_s8u8<0, 1, 2>(); break;
        case TileProduct::s8s8: tile_dot_s8s8<0, 1, 2>(); break;
        case TileProduct::u8u8: tile_dot_u8u8<0, 1, 2>(); break;
        case TileProduct::bf16: tile_dot_bf16<0, 1, 2>(); break;
    }
    tile_store<0>(c.data, c.stride);
}

template <int t>
void move_by(const TileOperand& to, const TileOperand& from, bool zeroed) {
    std::array<TileShape, kTiles> shapes{};
    shapes[t] = {from.rows, from.row_bytes};
    const TileScope scope{TileConfig(shapes)};
    tile_load<t>(from.data, from.stride);
    if (zeroed) tile_zero<t>();
    tile_store<t>(to.data, to.stride);
}

void move(int tile, const TileOperand& to, const TileOperand& from, bool zeroed) {
    switch (tile) {
        case 0: return move_by<0>(to, from, zeroed);
        case 1: return move_by<1>(to, from, zeroed);
        case 2: return move_by<2>(to, from, zeroed);
        case 3: return move_by<3>(to, from, zeroed);
        case 4: return move_by<4>(to, from, zeroed);
        case 5: return move_by<5>(to, from, zeroed);
        case 6: return move_by<6>(to, from, zeroed);
        case 7: return move_by<7>(to, from, zeroed);
    }
}

}  // namespace

extern const TileProbe kTileProbe;
const TileProbe kTileProbe {
#if defined(__AMX_TILE__)
    .level = Level::amx,
#else
    .level = Level::portable,
#endif
    .name = KRAIT_CPU_TEXT(KRAIT_CPU_VARIANT), .multiply = multiply, .move = move,
    .zero_without_configuration = [] { tile_zero<0>(); }
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
