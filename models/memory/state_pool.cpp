// SPDX-License-Identifier: Apache-2.0
#include "models/memory/state_pool.hpp"

#include <algorithm>

#include "core/base/format_bytes.hpp"
#include "core/ops/op_list.hpp"

namespace krait {

Result<StatePool> StatePool::create(const Architecture& architecture, std::span<const std::shared_ptr<const Device>> devices,
                                    const Placement& placement, int32_t n_slots) {
    StatePool pool;
    pool.slots_ = std::make_shared<StateSlots>(n_slots);
    // All pools of a device together, in double: sizes come from a file and may be absurd.
    std::vector<double> total(devices.size(), 0);
    for (size_t i = 0; i < architecture.memories().size(); ++i) {
        double floats = n_slots;
        for (const int64_t extent : architecture.memories()[i].spec.extent) floats *= static_cast<double>(extent);
        total[static_cast<size_t>(placement.device_of_memory(i))] += floats * sizeof(float);
    }
    for (size_t d = 0; d < devices.size(); ++d) {
        const auto limit = static_cast<double>(devices[d]->info().memory_total);
        if (limit > 0 && total[d] > limit)
            return fail(
                ErrorCode::out_of_memory,
                "{} slots of state take {}, and {} has {} of memory: ask for fewer sequences and snapshots, or name one "
                "more device",
                n_slots, format_bytes(total[d]), placement.labels()[d], format_bytes(limit));
    }
    for (size_t i = 0; i < architecture.memories().size(); ++i) {
        const MemorySpec& memory = architecture.memories()[i].spec;
        const krait_use use{static_cast<uint32_t>(memory.op), static_cast<uint32_t>(find_state(op_spec(memory.op).inputs))};
        const auto device = static_cast<size_t>(placement.device_of_memory(i));
        KRAIT_TRY(Buffer buffer, devices[device]->create_memory(memory.desc(n_slots), {&use, 1}));
        pool.pools_.push_back(
            {static_cast<size_t>(memory.byte_size()), device, std::make_shared<const Buffer>(std::move(buffer))});
    }
    return pool;
}

uint64_t StatePool::device_bytes() const {
    uint64_t bytes = 0;
    for (const Pool& pool : pools_) bytes += pool.buffer->size();
    return bytes;
}

size_t StatePool::slot_bytes() const {
    size_t bytes = 0;
    for (const Pool& pool : pools_) bytes += pool.slot_bytes;
    return bytes;
}

Result<void> StatePool::export_slot(graph::Executor& executor, int32_t slot, std::span<std::byte> bytes) const {
    for (const Pool& pool : pools_) {
        Result<void> queued;
        if (pool.slot_bytes > 0)
            queued = executor.queue(pool.device).export_memory(*pool.buffer, slot, bytes.first(pool.slot_bytes));
        if (!queued) return (void)executor.sync(), queued;  // queues forget the error once it is told
        bytes = bytes.subspan(pool.slot_bytes);
    }
    return executor.sync();
}

Result<void> StatePool::copy_slot(graph::Executor& executor, int32_t from, int32_t to) const {
    for (const Pool& pool : pools_)
        if (pool.slot_bytes > 0) KRAIT_CHECK(executor.queue(pool.device).copy_memory(*pool.buffer, from, to));
    return {};
}

Result<void> StatePool::import_slot(graph::Executor& executor, int32_t slot, std::span<const std::byte> bytes) const {
    for (const Pool& pool : pools_) {
        Result<void> queued;
        if (pool.slot_bytes > 0)
            queued = executor.queue(pool.device).import_memory(*pool.buffer, slot, bytes.first(pool.slot_bytes));
        if (!queued) return (void)executor.sync(), queued;
        bytes = bytes.subspan(pool.slot_bytes);
    }
    return executor.sync();
}

}  // namespace krait
