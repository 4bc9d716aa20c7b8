// SPDX-License-Identifier: Apache-2.0
//
// Products of warpgroups (wgmma, with A in registers), which go on while their threads do. A product is computed when it is
// issued, and nobody sees it before the wait:
//   - sums are poisoned from the product to the wait of the last one that adds to them; who writes them meanwhile is found at
//     the wait
//   - A and the shared memory that the product reads must be at each warp's wait what they were at the product, and no copy may
//     be started that would write there
//   - A, and sums that no product holds, must be as warpgroup_fence() last saw them
//   - what the product reads in shared memory must have been published (async_view.hpp)
//   - a thread that ends has waited for all of its own
// B is found as PTX describes it for a matrix descriptor, K-major: start, offsets, swizzle.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "backends/cuda/host_emulation/shared_memory.hpp"

namespace krait::cuda::emulation {

inline constexpr uint32_t kWarpgroupThreads = 128;

// The operands that a thread brings to a product.
struct ProductLane {
    const uint32_t* a;  // 4
    float* d;           // n_columns / 2
    uint32_t n_columns;
    bool bf16;
    uint64_t descriptor;
};

class AsyncProducts {
  public:
    void begin_block(uint32_t n_threads);
    void fence(uint32_t thread, const void* registers, size_t bytes, Site site);
    void issue(uint32_t warpgroup, ProductLane* const (&lanes)[kWarpgroupThreads], SharedMemory& shared, Site site);
    void commit(uint32_t thread) { ++threads_[thread].group; }
    // All lanes of a warp, until at most that many of their groups are open.
    void wait(uint32_t warp, uint32_t groups_left, const SharedMemory& shared);
    // Somebody is about to write there.
    void check_store(size_t at, size_t size, Site site) const;
    // The thread ends.
    void check_end(uint32_t thread) const;

  private:
    struct Sums {
        float* registers;
        std::vector<float> values;
        uint32_t n_products;
    };
    struct Fenced {
        const void* registers;
        std::vector<std::byte> bytes;
    };
    struct Thread {
        uint32_t group = 0;
        std::vector<Sums> sums;
        std::vector<Fenced> fenced;
    };
    struct Operand {  // of one thread
        const uint32_t* a;
        uint32_t values[4];
        float* d;
        uint32_t group;
    };
    struct Product {
        Site site;
        uint32_t warpgroup;
        uint32_t warps_left;  // a bit for each that has not waited
        Operand operands[kWarpgroupThreads];
        std::vector<size_t> pieces;  // of 16 bytes, in shared memory, in the order of `bytes`
        std::vector<std::byte> bytes;
        std::vector<size_t> sorted;
    };

    bool is_fenced(const Thread& thread, const void* registers, size_t bytes) const;
    Sums& sums_of(uint32_t thread, const ProductLane& lane, Site site);
    void finish(const Product& product, uint32_t lane);

    std::vector<Thread> threads_;
    std::deque<Product> products_;  // that some warp has not waited for, oldest first
};

}  // namespace krait::cuda::emulation
