// SPDX-License-Identifier: Apache-2.0
//
// One block of an emulated launch: its threads as fibers on the OS thread that called, in an order that the launch chooses.
//   barrier      waits for all threads of the block that have not ended; all must stand at the same place in the source
//   wait         for earlier kernels, where the launch may start before they have ended: no thread goes on before all of the
//                block have come, and what they touch before that is closed (closed_memory.hpp)
//   multiply     what the threads of a warpgroup do together (async_products.hpp): waits for all 128
//   rendezvous   what the lanes of a warp do together (shuffle, vote, matrix product): waits for all lanes of the mask that
//                come with that mask to that place; the last one computes for all
// A block whose threads all wait for something that cannot come is a failure that says who waits where.
#pragma once

#include <exception>
#include <memory>
#include <vector>

#include "backends/cuda/host_emulation/async_products.hpp"
#include "backends/cuda/host_emulation/closed_memory.hpp"
#include "backends/cuda/host_emulation/failure.hpp"
#include "backends/cuda/host_emulation/fiber.hpp"
#include "backends/cuda/host_emulation/shared_memory.hpp"

namespace krait::cuda::emulation {

struct Index3 {
    uint32_t x = 1, y = 1, z = 1;
    uint64_t count() const { return uint64_t{x} * y * z; }
};

// Whether threads (of a block) and blocks (of a grid) go first to last, last to first, or mixed by a fixed seed. A result that
// depends on it depends on luck on a real device.
enum class Order : uint8_t { forward, reverse, shuffled };

struct KernelCall {
    const char* name;
    void (*thread)(const void* arguments);  // runs one thread of the kernel
    const void* arguments;
    Index3 grid;
    Index3 block;
    size_t dynamic_shared;
    bool early = false;  // it may start before the kernels in front of it have ended
};

inline constexpr uint32_t kWarpLanes = 32;
inline constexpr uint32_t kMaxBlockThreads = 1024;

class Block {
  public:
    Block() = default;
    // The block that runs on this OS thread.
    static Block& current();

    // closed: of an early call; else null.
    void run(const KernelCall& call, Index3 index, Order order, const DeviceMemory& memory, ClosedMemory* closed);

    // ---- called by kernels ----
    void wait_for_earlier_kernels(Site site);
    void barrier(Site site);
    // Combines the payloads of the lanes in `mask`; payload[lane] of the others is null.
    using Combine = void (*)(void* const (&payload)[kWarpLanes], uint32_t mask);
    void rendezvous(Site site, uint32_t mask, void* payload, Combine combine);
    // A copy to shared memory that happens when the thread waits for it, `bytes` of source and zeros up to `size`.
    void copy_later(void* to, const void* from, uint32_t size, uint32_t bytes, Site site);
    void commit_copies();
    void wait_for_copies(uint32_t groups_left);
    void prefetch(const void* from, size_t bytes, Site site) const;
    // The product of a warpgroup, all of whose threads come with their lanes; and the warp's wait for such.
    void multiply(Site site, ProductLane& self);
    void commit_products() { products_.commit(running_); }
    void wait_for_products(Site site, uint32_t groups_left);
    // A store of the running thread by store_vector; and what it stored becomes visible to products behind its next barrier.
    void store(const void* to, size_t size, Site site);
    void fence_stores() { shared_.fence(running_); }
    AsyncProducts& products() { return products_; }
    uint32_t thread() const { return running_; }
    uint32_t lane() const { return running_ % kWarpLanes; }
    SharedMemory& shared() { return shared_; }

  private:
    enum class State : uint8_t { fresh, ready, before_kernels, at_barrier, in_warp, in_warpgroup, done };
    struct Copy {
        void* to;
        const void* from;
        uint32_t size, bytes;
        uint32_t group;
    };
    struct Thread {
        State state = State::fresh;
        bool has_waited = false;  // for earlier kernels
        Fiber* fiber = nullptr;   // while it is suspended
        Site waits_at;
        uint32_t mask = 0;
        uint32_t copy_group = 0;
        std::vector<Copy> copies;
    };
    struct Meeting {  // a rendezvous that lacks lanes
        Site site;
        uint32_t mask, arrived;
        Combine combine;
        void* payload[kWarpLanes];
    };

    struct ProductMeeting {  // a warpgroup's product that lacks threads
        Site site;
        uint32_t n_arrived = 0;
        ProductLane* lanes[kWarpgroupThreads];
    };

    void start(const KernelCall& call, Index3 index, Order order);
    void sweep();
    void run_threads(Fiber& fiber);
    void enter(uint32_t thread);
    void suspend(State state, Site site);
    void finish(uint32_t thread);
    void release_barrier_if_complete();
    void abandon();
    // Where the running thread has come to; before another one runs.
    void check_touched(Site site) const;
    [[noreturn]] void report_deadlock() const;
    uint32_t at_position(uint32_t position) const;
    uint32_t lanes_of(uint32_t warp) const;

    const KernelCall* call_ = nullptr;
    const DeviceMemory* memory_ = nullptr;
    ClosedMemory* closed_ = nullptr;
    uint32_t n_threads_ = 0, n_live_ = 0, n_at_barrier_ = 0, n_to_wait_ = 0;
    Site barrier_site_;
    uint32_t running_ = 0;
    uint32_t position_ = 0;  // of the sweep
    bool progress_ = false;
    Order order_ = Order::forward;
    std::vector<uint32_t> shuffled_;
    std::vector<Thread> threads_;
    std::vector<std::vector<Meeting>> meetings_;    // by warp
    std::vector<ProductMeeting> product_meetings_;  // by warpgroup
    AsyncProducts products_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    std::vector<Fiber*> idle_;
    std::exception_ptr failure_;
    SharedMemory shared_;
};

}  // namespace krait::cuda::emulation
