// SPDX-License-Identifier: Apache-2.0
//
// The warp's matrix product, mma.sync.m16n8k16 with f32 sums, with the fragment layouts of PTX (with g = lane / 4,
// t = lane % 4):
//   A [16 x 16]  register r: row g + 8 (r % 2), columns 2 t + 8 (r / 2) and the next
//   B [16 x 8]   register r: rows 2 t + 8 r and the next, column g
//   D [16 x 8]   number r: row g + 8 (r / 2), column 2 t + r % 2
// and m16n8k8 for tf32, one number a register:
//   A [16 x 8]   register r: row g + 8 (r % 2), column t + 4 (r / 2)
//   B [8 x 8]    register r: row t + 4 r, column g
//   D [16 x 8]   as above
// A lane that reads or writes a wrong element gets a wrong product, as on a device.
#pragma once

#include <bit>
#include <cmath>

#include "backends/cuda/host_emulation/block.hpp"
#include "core/quant/half.hpp"

namespace krait::cuda::emulation {

struct MatrixLane {
    const uint32_t* a;
    const uint32_t* b;
    float* d;
};

template <bool kBf16>
float matrix_element(uint32_t pair, uint32_t upper) {
    const auto bits = static_cast<uint16_t>(pair >> (16 * upper));
    return kBf16 ? bf16_to_f32(bits) : f16_to_f32(bits);
}

template <bool kBf16>
void combine_matrix(void* const (&payload)[kWarpLanes], uint32_t) {
    float a[16][16], b[16][8];
    for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
        const auto& self = *static_cast<const MatrixLane*>(payload[lane]);
        const uint32_t g = lane / 4, t = lane % 4;
        for (uint32_t r = 0; r < 4; ++r)
            for (uint32_t i = 0; i < 2; ++i) a[g + 8 * (r % 2)][2 * t + 8 * (r / 2) + i] = matrix_element<kBf16>(self.a[r], i);
        for (uint32_t r = 0; r < 2; ++r)
            for (uint32_t i = 0; i < 2; ++i) b[2 * t + 8 * r + i][g] = matrix_element<kBf16>(self.b[r], i);
    }
    float d[16][8] = {};
    for (int m = 0; m < 16; ++m)
        for (int k = 0; k < 16; ++k)
            for (int n = 0; n < 8; ++n) d[m][n] += a[m][k] * b[k][n];
    for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
        auto& self = *static_cast<MatrixLane*>(payload[lane]);
        for (uint32_t r = 0; r < 4; ++r) self.d[r] += d[lane / 4 + 8 * (r / 2)][2 * (lane % 4) + r % 2];
    }
}

template <bool kBf16>
void matrix_product(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Site site) {
    MatrixLane self{a, b, d};
    Block::current().rendezvous(site, 0xffffffffu, &self, &combine_matrix<kBf16>);
}

// tf32: the unit takes the upper 19 bits of a float32, and the sums are cut off where float32 ends, not rounded.
inline float tf32_element(uint32_t bits) { return std::bit_cast<float>(bits & 0xffffe000u); }
inline float cut_off(double sum) {
    const auto rounded = static_cast<float>(sum);
    if (std::isinf(rounded) || !(std::fabs(static_cast<double>(rounded)) > std::fabs(sum))) return rounded;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(rounded) - 1);  // the next towards zero
}

inline void combine_matrix_tf32(void* const (&payload)[kWarpLanes], uint32_t) {
    double a[16][8], b[8][8];
    for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
        const auto& self = *static_cast<const MatrixLane*>(payload[lane]);
        const uint32_t g = lane / 4, t = lane % 4;
        for (uint32_t r = 0; r < 4; ++r) a[g + 8 * (r % 2)][t + 4 * (r / 2)] = static_cast<double>(tf32_element(self.a[r]));
        for (uint32_t r = 0; r < 2; ++r) b[t + 4 * r][g] = static_cast<double>(tf32_element(self.b[r]));
    }
    double d[16][8] = {};
    for (int m = 0; m < 16; ++m)
        for (int k = 0; k < 8; ++k)
            for (int n = 0; n < 8; ++n) d[m][n] += a[m][k] * b[k][n];
    for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
        auto& self = *static_cast<MatrixLane*>(payload[lane]);
        for (uint32_t r = 0; r < 4; ++r)
            self.d[r] = cut_off(static_cast<double>(self.d[r]) + d[lane / 4 + 8 * (r / 2)][2 * (lane % 4) + r % 2]);
    }
}

inline void matrix_product_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Site site) {
    MatrixLane self{a, b, d};
    Block::current().rendezvous(site, 0xffffffffu, &self, &combine_matrix_tf32);
}

}  // namespace krait::cuda::emulation
