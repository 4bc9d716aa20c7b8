// SPDX-License-Identifier: Apache-2.0
#include "models/state_pool.hpp"

#include <algorithm>

namespace krait {

Result<StatePool> StatePool::create(const Architecture& architecture, const Device& device, int32_t n_slots) {
    // All pools together, in double: sizes come from a file and may be absurd.
    double total = 0;
    for (const LayerState& state : architecture.layer_states()) {
        double floats = static_cast<double>(n_slots) * static_cast<double>(architecture.shape().n_layer);
        for (const int64_t extent : state.extent) floats *= static_cast<double>(extent);
        total += floats * sizeof(float);
    }
    const auto limit = static_cast<double>(device.info().memory_total);
    if (limit > 0 && total > limit)
        return fail(ErrorCode::out_of_memory, "{} slots of state take {:.1f} GiB, and {} has {:.1f} GiB of memory", n_slots,
                    total / (1 << 30), device.name(), limit / (1 << 30));
    StatePool pool;
    pool.states_ = architecture.layer_states();
    pool.holders_.assign(static_cast<size_t>(n_slots), 0);
    for (int64_t layer = 0; layer < architecture.shape().n_layer; ++layer)
        for (const LayerState& state : pool.states_) {
            krait_state_desc desc{};
            desc.op = static_cast<uint32_t>(state.op);
            desc.n_slots = n_slots;
            std::copy(state.extent.begin(), state.extent.end(), desc.extent);
            KRAIT_TRY(Buffer buffer, device.create_state(desc));
            pool.buffers_.push_back(std::make_shared<const Buffer>(std::move(buffer)));
        }
    return pool;
}

Result<int32_t> StatePool::acquire() {
    const auto free = std::find(holders_.begin(), holders_.end(), 0);
    if (free == holders_.end()) return fail(ErrorCode::out_of_memory, "all {} state slots are in use", n_slots());
    *free = 1;
    return static_cast<int32_t>(free - holders_.begin());
}

void StatePool::release(int32_t slot) { --holders_[static_cast<size_t>(slot)]; }

std::shared_ptr<const Buffer> StatePool::buffer(int64_t layer, OpId op) const {
    const auto found = std::find_if(states_.begin(), states_.end(), [&](const LayerState& s) { return s.op == op; });
    return buffers_[static_cast<size_t>(layer) * states_.size() + static_cast<size_t>(found - states_.begin())];
}

TensorDesc StatePool::desc(OpId op) const {
    const auto found = std::find_if(states_.begin(), states_.end(), [&](const LayerState& s) { return s.op == op; });
    std::vector<int64_t> extents{n_slots()};
    extents.insert(extents.end(), found->extent.begin(), found->extent.begin() + found->rank);
    return make_desc(DType::F32, extents);
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

Result<void> StatePool::export_slot(Queue& queue, int32_t slot, std::span<std::byte> bytes) const {
    for (size_t i = 0; i < buffers_.size(); ++i) {
        const size_t size = static_cast<size_t>(states_[i % states_.size()].count()) * sizeof(float);
        Result<void> queued;
        if (size > 0) queued = queue.export_state(*buffers_[i], slot, bytes.first(size));
        if (!queued) return (void)queue.sync(), queued;  // the queue forgets the error once it is told
        bytes = bytes.subspan(size);
    }
    return queue.sync();
}

Result<void> StatePool::import_slot(Queue& queue, int32_t slot, std::span<const std::byte> bytes) const {
    for (size_t i = 0; i < buffers_.size(); ++i) {
        const size_t size = static_cast<size_t>(states_[i % states_.size()].count()) * sizeof(float);
        Result<void> queued;
        if (size > 0) queued = queue.import_state(*buffers_[i], slot, bytes.first(size));
        if (!queued) return (void)queue.sync(), queued;
        bytes = bytes.subspan(size);
    }
    return queue.sync();
}

}  // namespace krait
