// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics of kernels/warpgroup.cuh, for the CPU; async_products.hpp says what is checked.
#pragma once

#include "backends/cuda/host_emulation/intrinsics.hpp"

namespace krait::cuda {

KRAIT_CONSTANT bool kHasWgmma = true;

// Where it lies in the block's shared memory.
inline uint32_t shared_address(const void* pointer, Site site = Site::here()) {
    return emulation::Block::current().shared().address(pointer, site);
}

namespace emulation {

inline void fence_registers(std::initializer_list<std::pair<const void*, size_t>> registers, Site site) {
    for (const auto& [at, bytes] : registers) Block::current().products().fence(Block::current().thread(), at, bytes, site);
}

}  // namespace emulation

// Site::here() cannot stand behind a pack.
template <class A>
void warpgroup_fence(const A& a, Site site = Site::here()) {
    emulation::fence_registers({{&a, sizeof a}}, site);
}
template <class A, class B>
void warpgroup_fence(const A& a, const B& b, Site site = Site::here()) {
    emulation::fence_registers({{&a, sizeof a}, {&b, sizeof b}}, site);
}
template <class A, class B, class C>
void warpgroup_fence(const A& a, const B& b, const C& c, Site site = Site::here()) {
    emulation::fence_registers({{&a, sizeof a}, {&b, sizeof b}, {&c, sizeof c}}, site);
}

template <bool kBf16, int kTiles>
void warpgroup_multiply(float (&d)[kTiles][4], const uint32_t (&a)[4], uint64_t b, Site site = Site::here()) {
    static_assert(kTiles == 8 || kTiles == 16 || kTiles == 32);
    emulation::ProductLane self{a, &d[0][0], 8 * kTiles, kBf16, b};
    emulation::Block::current().multiply(site, self);
}
inline void warpgroup_commit() { emulation::Block::current().commit_products(); }
template <int kGroupsLeft>
void warpgroup_wait(Site site = Site::here()) {
    emulation::Block::current().wait_for_products(site, kGroupsLeft);
}
template <int kTiles>
void warpgroup_finish(float (&)[kTiles][4], Site site = Site::here()) {
    emulation::Block::current().wait_for_products(site, 0);
}
inline void async_proxy_fence() { emulation::Block::current().fence_stores(); }

}  // namespace krait::cuda
