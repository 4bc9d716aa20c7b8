// SPDX-License-Identifier: Apache-2.0
//
// top_k: a block for each row. Keys (ranking.cuh) differ, so a k-th largest one is one. Grid: (rows).
//
// Few of many: the k-th largest of the threads' own maxima is a bound that at least k keys reach, and few more where k is less
// than half of the threads. These are gathered in shared memory, and each counts those before it: the row is read twice.
//
// Any k: the k-th largest key is found by its digits, eight bits at a time from the top (a histogram of the keys that agree so
// far; where a digit's whole bucket is wanted it is done); the keys from there up are gathered, and each gets the place of its
// rank among them.
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"
#include "backends/cuda/ops/ranking.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kTopKBlock = 256;  // a thread for each value of a digit
KRAIT_CONSTANT int kTopKGathered = 512;

// False: k is too large for it, or too many keys reach the bound; nothing has been written then. All threads call.
KRAIT_DEVICE bool top_k_of_many(const float* from, int64_t width, int64_t k, float* values, int32_t* indices) {
    KRAIT_SHARED(uint64_t, maxima, kTopKBlock);
    KRAIT_SHARED(uint64_t, gathered, kTopKGathered);
    KRAIT_SHARED(uint64_t, bound, 1);
    KRAIT_SHARED(uint32_t, n_gathered, 1);
    if (k > kTopKBlock / 2 || width < kTopKBlock) return false;
    const uint32_t self = threadIdx.x;
    uint64_t largest = 0;
    for (int64_t i = self; i < width; i += kTopKBlock) {
        const uint64_t key = rank_key(from[i], static_cast<uint32_t>(i));
        largest = key > largest ? key : largest;
    }
    maxima[self] = largest;
    if (self == 0) n_gathered[0] = 0;
    block_barrier();
    int64_t larger = 0;
    for (int other = 0; other < kTopKBlock; ++other) larger += maxima[other] > largest ? 1 : 0;
    if (larger == k - 1) bound[0] = largest;
    block_barrier();
    for (int64_t i = self; i < width; i += kTopKBlock) {
        const uint64_t key = rank_key(from[i], static_cast<uint32_t>(i));
        if (key < bound[0]) continue;
        const uint32_t place = atomic_add(&n_gathered[0], 1u);
        if (place < kTopKGathered) gathered[place] = key;
    }
    block_barrier();
    const uint32_t n = n_gathered[0];
    if (n > kTopKGathered) return false;
    for (uint32_t i = self; i < n; i += kTopKBlock) {
        int64_t rank = 0;
        for (uint32_t other = 0; other < n; ++other) rank += gathered[other] > gathered[i] ? 1 : 0;
        if (rank >= k) continue;
        indices[rank] = static_cast<int32_t>(key_index(gathered[i]));
        values[rank] = from[key_index(gathered[i])];
    }
    return true;
}

KRAIT_GLOBAL(kTopKBlock)
top_k_kernel(Rows<const float> x, int64_t width, int64_t k, uint64_t* chosen_keys, Rows<float> values, Rows<int32_t> indices) {
    KRAIT_SHARED(uint32_t, histogram, kTopKBlock);
    KRAIT_SHARED(uint32_t, found, 3);  // digit, how many keys lie above it, how many have it
    KRAIT_SHARED(uint32_t, n_chosen, 1);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const float* from = x.row(blockIdx.x);
    if (top_k_of_many(from, width, k, values.row(blockIdx.x), indices.row(blockIdx.x))) return;
    uint64_t* chosen = chosen_keys + static_cast<int64_t>(blockIdx.x) * k;
    const uint32_t self = threadIdx.x;

    uint64_t prefix = 0;  // the upper digits of the k-th largest key
    auto wanted = static_cast<uint32_t>(k);
    int shift = 56;
    for (;; shift -= 8) {
        histogram[self] = 0;
        if (self == 0) n_chosen[0] = 0;
        block_barrier();
        for (int64_t i = self; i < width; i += kTopKBlock) {
            const uint64_t key = rank_key(from[i], static_cast<uint32_t>(i));
            const bool agrees = shift == 56 || key >> (shift + 8) == prefix;
            if (agrees) atomic_add(&histogram[key >> shift & 0xff], 1u);
        }
        block_barrier();
        // The digit of the wanted-th key: fewer than `wanted` keys lie above it.
        uint32_t above = 0;
        for (uint32_t digit = self + 1; digit < kTopKBlock; ++digit) above += histogram[digit];
        if (above < wanted && above + histogram[self] >= wanted) {
            found[0] = self;
            found[1] = above;
            found[2] = histogram[self];
        }
        block_barrier();
        prefix = prefix << 8 | found[0];
        wanted -= found[1];
        const bool whole_bucket = found[2] == wanted;
        block_barrier();
        if (whole_bucket || shift == 0) break;
    }
    const uint64_t least = prefix << shift;

    for (int64_t i = self; i < width; i += kTopKBlock) {
        const uint64_t key = rank_key(from[i], static_cast<uint32_t>(i));
        if (key >= least) chosen[atomic_add(&n_chosen[0], 1u)] = key;
    }
    block_barrier();
    for (int64_t i = self; i < k; i += kTopKBlock) {
        const uint64_t key = chosen[i];
        int64_t rank = 0;
        for (int64_t j = 0; j < k; ++j) rank += chosen[j] > key ? 1 : 0;
        indices.row(blockIdx.x)[rank] = static_cast<int32_t>(key_index(key));
        values.row(blockIdx.x)[rank] = from[key_index(key)];
    }
    // The keys were gathered in an order of chance: nothing of it stays.
    block_barrier();
    for (int64_t i = self; i < k; i += kTopKBlock) chosen[i] = 0;
}

}  // namespace krait::cuda
