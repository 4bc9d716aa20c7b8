// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/launch.hpp"

#include <optional>

#include "backends/cuda/host_emulation/shuffle.hpp"

namespace krait::cuda::emulation {
namespace {

Index3 index_of(uint64_t n, const Index3& grid) {
    return {static_cast<uint32_t>(n % grid.x), static_cast<uint32_t>(n / grid.x % grid.y),
            static_cast<uint32_t>(n / (uint64_t{grid.x} * grid.y))};
}

void run_grid(const DeviceMemory& memory, const KernelCall& call, Order order) {
    std::optional<ClosedMemory> closed;
    if (call.early) closed.emplace(memory);
    const uint64_t n_blocks = call.grid.count();
    // Blocks are mixed in groups of this many: a permutation of millions would cost more than the blocks.
    constexpr uint64_t kGroup = 64;
    const std::vector<uint32_t> mixed = order == Order::shuffled ? shuffled_order(kGroup) : std::vector<uint32_t>();
    for (uint64_t n = 0; n < n_blocks; ++n) {
        uint64_t which = n;
        if (order == Order::reverse) which = n_blocks - 1 - n;
        const uint64_t group = n / kGroup * kGroup;
        if (order == Order::shuffled && group + kGroup <= n_blocks) which = group + mixed[n - group];
        Block::current().run(call, index_of(which, call.grid), order, memory, closed ? &*closed : nullptr);
    }
}

void check_sizes(const KernelCall& call) {
    const uint64_t n_threads = call.block.count();
    if (n_threads < 1 || n_threads > kMaxBlockThreads)
        kernel_failure("{} threads in a block: 1 to {} are possible", n_threads, kMaxBlockThreads);
    if (call.grid.count() < 1 || call.grid.x > 0x7fffffffu || call.grid.y > 65535 || call.grid.z > 65535)
        kernel_failure("a grid of {} x {} x {} blocks: at least 1, at most 2147483647 x 65535 x 65535", call.grid.x,
                       call.grid.y, call.grid.z);
}

}  // namespace

void launch(const DeviceMemory& memory, const KernelCall& call, OrderMode mode) {
    try {
        check_sizes(call);
        if (mode != OrderMode::compare) return run_grid(memory, call, static_cast<Order>(mode));
        const DeviceMemory::Contents before = memory.save();
        run_grid(memory, call, Order::forward);
        const DeviceMemory::Contents expected = memory.save();
        for (const Order order : {Order::reverse, Order::shuffled}) {
            memory.restore(before);
            run_grid(memory, call, order);
            if (const std::string what = memory.difference(expected); !what.empty())
                kernel_failure("the order of threads changes the result, so this is a race: {}", what);
        }
    } catch (const KernelFailure& failure) {
        throw KernelFailure(fmt::format("kernel {}: {}", call.name, failure.what()));
    }
}

}  // namespace krait::cuda::emulation
