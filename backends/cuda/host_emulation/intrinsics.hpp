// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics of kernels/intrinsics.cuh, for the CPU: same names, same meaning, every call on the block that runs.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>

#include "backends/cuda/host_emulation/indices.hpp"
#include "backends/cuda/host_emulation/matrix.hpp"
#include "core/quant/half.hpp"

#define KRAIT_GLOBAL(n_threads) inline void
#define KRAIT_DEVICE inline
#define KRAIT_CONSTANT inline constexpr
#define KRAIT_UNROLL

// An array of shared memory, and what the launch gave as dynamic shared memory.
#define KRAIT_SHARED(Type, name, count)                                                              \
    Type* const name = static_cast<Type*>(::krait::cuda::emulation::Block::current().shared().array( \
        ::krait::cuda::emulation::Site::here(), sizeof(Type) * (count)))
#define KRAIT_DYNAMIC_SHARED(Type, name) \
    Type* const name = static_cast<Type*>(::krait::cuda::emulation::Block::current().shared().dynamic())

namespace krait::cuda {

using emulation::Site;

struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};
struct alignas(8) uint2 {
    uint32_t x, y;
};

// ---- the kernels before and behind --------------------------------------------------------------------------------------

inline void wait_for_earlier_kernels(Site site = Site::here()) { emulation::Block::current().wait_for_earlier_kernels(site); }
inline void let_next_kernel_start() {}  // a right kernel starts whenever it may

// ---- the block ------------------------------------------------------------------------------------------------------

inline void block_barrier(Site site = Site::here()) { emulation::Block::current().barrier(site); }

// ---- the warp -------------------------------------------------------------------------------------------------------

namespace emulation {

template <class T>
struct ShuffleLane {
    T value;
    uint32_t from;
    Site site;
};

template <class T>
void combine_shuffle(void* const (&payload)[kWarpLanes], uint32_t mask) {
    T given[kWarpLanes];
    for (uint32_t lane = 0; lane < kWarpLanes; ++lane)
        if (payload[lane]) given[lane] = static_cast<ShuffleLane<T>*>(payload[lane])->value;
    for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
        if (!payload[lane]) continue;
        auto& self = *static_cast<ShuffleLane<T>*>(payload[lane]);
        if ((mask >> self.from & 1) == 0)
            kernel_failure("{}: lane {} reads lane {}, which is not in the mask {:#010x} or not in the block", self.site.text(),
                           lane, self.from, mask);
        self.value = given[self.from];
    }
}

template <class T>
T shuffle_from(T value, uint32_t from, uint32_t mask, Site site) {
    ShuffleLane<T> self{value, from, site};
    Block::current().rendezvous(site, mask, &self, &combine_shuffle<T>);
    return self.value;
}

inline void combine_ballot(void* const (&payload)[kWarpLanes], uint32_t) {
    uint32_t votes = 0;
    for (uint32_t lane = 0; lane < kWarpLanes; ++lane)
        if (payload[lane] && *static_cast<uint32_t*>(payload[lane]) != 0) votes |= 1u << lane;
    for (void* lane : payload)
        if (lane) *static_cast<uint32_t*>(lane) = votes;
}

inline void combine_nothing(void* const (&)[kWarpLanes], uint32_t) {}

}  // namespace emulation

inline constexpr uint32_t kFullWarp = 0xffffffffu;

inline uint32_t lane_index() { return emulation::Block::current().lane(); }

template <class T>
T shuffle_xor(T value, uint32_t lane_mask, uint32_t mask = kFullWarp, Site site = Site::here()) {
    return emulation::shuffle_from(value, lane_index() ^ lane_mask, mask, site);
}
template <class T>
T shuffle(T value, uint32_t from, uint32_t mask = kFullWarp, Site site = Site::here()) {
    return emulation::shuffle_from(value, from % emulation::kWarpLanes, mask, site);
}
template <class T>
T shuffle_down(T value, uint32_t delta, uint32_t mask = kFullWarp, Site site = Site::here()) {
    const uint32_t from = lane_index() + delta;
    return emulation::shuffle_from(value, from < emulation::kWarpLanes ? from : lane_index(), mask, site);
}
inline uint32_t ballot(bool vote, uint32_t mask = kFullWarp, Site site = Site::here()) {
    uint32_t votes = vote ? 1 : 0;
    emulation::Block::current().rendezvous(site, mask, &votes, &emulation::combine_ballot);
    return votes;
}
inline bool any_lane(bool vote, uint32_t mask = kFullWarp, Site site = Site::here()) { return ballot(vote, mask, site) != 0; }
inline bool all_lanes(bool vote, uint32_t mask = kFullWarp, Site site = Site::here()) { return ballot(!vote, mask, site) == 0; }
inline void warp_barrier(uint32_t mask = kFullWarp, Site site = Site::here()) {
    uint32_t nothing = 0;
    emulation::Block::current().rendezvous(site, mask, &nothing, &emulation::combine_nothing);
}

// ---- memory ---------------------------------------------------------------------------------------------------------

namespace emulation {

template <class Vector>
const Vector* checked(const void* from, Site site) {
    if (reinterpret_cast<uintptr_t>(from) % alignof(Vector) != 0)
        kernel_failure("{}: an access of {} bytes at an address that is no multiple of it", site.text(), sizeof(Vector));
    return static_cast<const Vector*>(from);
}

}  // namespace emulation

// A vector at an address that must be a multiple of its size, of whatever element type.
template <class Vector>
Vector load_vector(const void* from, Site site = Site::here()) {
    Vector value;
    std::memcpy(&value, emulation::checked<Vector>(from, site), sizeof value);
    return value;
}
// The same, of constants that nobody reads twice in the launch.
template <class Vector>
Vector load_streaming(const void* from, Site site = Site::here()) {
    return load_vector<Vector>(from, site);
}
template <class Vector>
void store_vector(void* to, Vector value, Site site = Site::here()) {
    std::memcpy(const_cast<Vector*>(emulation::checked<Vector>(to, site)), &value, sizeof value);
    emulation::Block::current().store(to, sizeof value, site);
}

// Asks for bytes to be brought nearer, whole pieces of 16 of them; of constants, so that it can be done before the wait.
inline void prefetch(const void* from, uint64_t bytes, Site site = Site::here()) {
    emulation::Block::current().prefetch(from, bytes, site);
}

// Copies of 4, 8 or 16 bytes to shared memory that arrive when waited for; what lies behind `bytes` is filled with zeros.
template <int kSize>
void copy_async(void* to, const void* from, uint32_t bytes = kSize, Site site = Site::here()) {
    static_assert(kSize == 4 || kSize == 8 || kSize == 16);
    if (reinterpret_cast<uintptr_t>(to) % kSize != 0 || (bytes > 0 && reinterpret_cast<uintptr_t>(from) % kSize != 0))
        emulation::kernel_failure("{}: an asynchronous copy of {} bytes at an address that is no multiple of it", site.text(),
                                  kSize);
    emulation::Block::current().copy_later(to, from, kSize, bytes, site);
}
inline void copy_async_commit() { emulation::Block::current().commit_copies(); }
// Until at most kGroupsLeft of the committed groups are on their way.
template <int kGroupsLeft>
void copy_async_wait() {
    emulation::Block::current().wait_for_copies(kGroupsLeft);
}

// Threads of a block share an OS thread, and blocks of a launch follow each other: plain operations are atomic here.
template <class T>
T atomic_add(T* to, T value) {
    const T before = *to;
    *to = before + value;
    return before;
}

// ---- the warp's matrix product --------------------------------------------------------------------------------------------

// d += a * b with the layouts of host_emulation/matrix.hpp; all lanes of the warp.
inline void multiply_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Site site = Site::here()) {
    emulation::matrix_product<false>(d, a, b, site);
}
inline void multiply_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Site site = Site::here()) {
    emulation::matrix_product<true>(d, a, b, site);
}
// The same for columns k of A and rows k of B in float32 of which the unit takes the upper 19 bits, tf32.
inline void multiply_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Site site = Site::here()) {
    emulation::matrix_product_tf32(d, a, b, site);
}

// Takes those of the eight bytes of low and high that the selector's four hexadecimal digits name, the last digit the lowest.
inline uint32_t pick_bytes(uint32_t low, uint32_t high, uint32_t selector) {
    const uint64_t bytes = static_cast<uint64_t>(high) << 32 | low;
    uint32_t picked = 0;
    for (uint32_t i = 0; i < 4; ++i) picked |= static_cast<uint32_t>(bytes >> (selector >> (4 * i) & 7) * 8 & 0xff) << (8 * i);
    return picked;
}
// Two float32 rounded to f16, the first in the lower half.
inline uint32_t pack_halves(float low, float high) { return static_cast<uint32_t>(f32_to_f16(high)) << 16 | f32_to_f16(low); }
// Two f16 less two others.
inline uint32_t subtract_halves(uint32_t a, uint32_t b) {
    const auto one = [&](int shift) {
        const float difference = f16_to_f32(static_cast<uint16_t>(a >> shift)) - f16_to_f32(static_cast<uint16_t>(b >> shift));
        return static_cast<uint32_t>(f32_to_f16(difference)) << shift;
    };
    return one(0) | one(16);
}

// ---- numbers --------------------------------------------------------------------------------------------------------

// a * b + c, rounded once on a GPU. Here it rounds twice: the same within the tolerance of what may be fused, and ten times
// faster.
inline float fused(float a, float b, float c) { return a * b + c; }
inline float exp2_approx(float x) { return std::exp2(x); }
inline float exp_accurate(float x) { return std::exp(x); }
inline float log1p_accurate(float x) { return std::log1p(x); }
inline float normal_distribution(float x) {
    return static_cast<float>(std::erfc(static_cast<double>(x) * -std::sqrt(0.5)) * 0.5);
}
inline float tanh_accurate(float x) { return std::tanh(x); }
inline double exp_double(double x) { return std::exp(x); }
inline double round_to_whole(double x) { return std::nearbyint(x); }
inline float cos_of_turns(float x) { return static_cast<float>(std::cos(2 * std::numbers::pi * x)); }
inline float sin_of_turns(float x) { return static_cast<float>(std::sin(2 * std::numbers::pi * x)); }
inline float divide(float a, float b) { return a / b; }
inline float sqrt_accurate(float x) { return std::sqrt(x); }
inline int32_t count_bits(uint32_t bits) { return std::popcount(bits); }
inline float half_to_float(uint16_t bits) { return f16_to_f32(bits); }
inline uint16_t float_to_half(float value) { return f32_to_f16(value); }
inline uint16_t float_to_bf16(float value) { return f32_to_bf16(value); }
inline uint32_t float_bits(float value) { return std::bit_cast<uint32_t>(value); }
inline float bits_float(uint32_t bits) { return std::bit_cast<float>(bits); }
inline uint64_t double_bits(double value) { return std::bit_cast<uint64_t>(value); }

}  // namespace krait::cuda
