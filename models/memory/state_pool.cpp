// SPDX-License-Identifier: Apache-2.0
#include "models/memory/state_pool.hpp"

#include <algorithm>

#include "core/base/format_bytes.hpp"

namespace krait {

// The device of each layer's pools, by the nodes that have state: [layer][state].
static std::vector<int32_t> devices_of_pools(const Architecture& architecture, const Placement& placement) {
    std::vector<int32_t> devices;
    for (int64_t layer = 0; layer < architecture.shape().n_layer; ++layer)
        for (const LayerState& state : architecture.layer_states())
            devices.push_back(placement.device_of_state(layer, state.op));
    return devices;
}

Result<StatePool> StatePool::create(const Architecture& architecture, std::span<const std::shared_ptr<const Device>> devices,
                                    const Placement& placement, int32_t n_slots) {
    StatePool pool;
    pool.states_ = architecture.layer_states();
    pool.slots_ = std::make_shared<StateSlots>(n_slots);
    pool.device_ = devices_of_pools(architecture, placement);
    // All pools of a device together, in double: sizes come from a file and may be absurd.
    std::vector<double> total(devices.size(), 0);
    for (size_t i = 0; i < pool.device_.size(); ++i) {
        double floats = n_slots;
        for (const int64_t extent : pool.states_[i % pool.states_.size()].extent) floats *= static_cast<double>(extent);
        total[static_cast<size_t>(pool.device_[i])] += floats * sizeof(float);
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
    for (const int32_t device : pool.device_) {
        const LayerState& state = pool.states_[pool.buffers_.size() % pool.states_.size()];
        krait_state_desc desc{};
        desc.op = static_cast<uint32_t>(state.op);
        desc.n_slots = n_slots;
        std::copy(state.extent.begin(), state.extent.end(), desc.extent);
        KRAIT_TRY(Buffer buffer, devices[static_cast<size_t>(device)]->create_state(desc));
        pool.buffers_.push_back(std::make_shared<const Buffer>(std::move(buffer)));
    }
    return pool;
}

std::shared_ptr<const Buffer> StatePool::buffer(int64_t layer, OpId op) const {
    const auto found = std::find_if(states_.begin(), states_.end(), [&](const LayerState& s) { return s.op == op; });
    return buffers_[static_cast<size_t>(layer) * states_.size() + static_cast<size_t>(found - states_.begin())];
}

uint64_t StatePool::device_bytes() const {
    uint64_t bytes = 0;
    for (const auto& buffer : buffers_) bytes += buffer->size();
    return bytes;
}

size_t StatePool::slot_bytes() const {
    size_t bytes = 0;
    for (size_t i = 0; i < buffers_.size(); ++i)
        bytes += static_cast<size_t>(states_[i % states_.size()].count()) * sizeof(float);
    return bytes;
}

Result<void> StatePool::export_slot(graph::Executor& executor, int32_t slot, std::span<std::byte> bytes) const {
    for (size_t i = 0; i < buffers_.size(); ++i) {
        const size_t size = static_cast<size_t>(states_[i % states_.size()].count()) * sizeof(float);
        Result<void> queued;
        if (size > 0)
            queued = executor.queue(static_cast<size_t>(device_[i])).export_state(*buffers_[i], slot, bytes.first(size));
        if (!queued) return (void)executor.sync(), queued;  // queues forget the error once it is told
        bytes = bytes.subspan(size);
    }
    return executor.sync();
}

Result<void> StatePool::copy_slot(graph::Executor& executor, int32_t from, int32_t to) const {
    for (size_t i = 0; i < buffers_.size(); ++i)
        if (states_[i % states_.size()].count() > 0)
            KRAIT_CHECK(executor.queue(static_cast<size_t>(device_[i])).copy_state(*buffers_[i], from, to));
    return {};
}

Result<void> StatePool::import_slot(graph::Executor& executor, int32_t slot, std::span<const std::byte> bytes) const {
    for (size_t i = 0; i < buffers_.size(); ++i) {
        const size_t size = static_cast<size_t>(states_[i % states_.size()].count()) * sizeof(float);
        Result<void> queued;
        if (size > 0)
            queued = executor.queue(static_cast<size_t>(device_[i])).import_state(*buffers_[i], slot, bytes.first(size));
        if (!queued) return (void)executor.sync(), queued;
        bytes = bytes.subspan(size);
    }
    return executor.sync();
}

}  // namespace krait
