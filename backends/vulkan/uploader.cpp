// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/uploader.hpp"

#include <algorithm>

namespace krait::vulkan {

Uploader::Uploader(vk::Device& device, vk::Allocator& allocator, Submitter& submitter)
    : device_(device), allocator_(allocator), lane_(submitter, device) {}

void Uploader::write(const vk::Memory& dst, uint64_t size, uint64_t unit, const Fill& fill) {
    if (size == 0) return;
    if (dst.host_reads_fast()) {
        fill(0, std::span(dst.mapped(), size));
        return;
    }
    const std::lock_guard lock(mutex_);
    try {
        write_staged(dst, size, unit, fill);
    } catch (...) {
        // Earlier pieces are perhaps still being copied into memory that the caller gives back now.
        lane_.wait_for_device();
        lane_.take_error();
        throw;
    }
}

void Uploader::write_staged(const vk::Memory& dst, uint64_t size, uint64_t unit, const Fill& fill) {
    const uint64_t piece = std::max(unit, kPieceBytes / unit * unit);
    size_t turn = 0;
    for (uint64_t first = 0; first < size; first += piece) {
        const uint64_t length = std::min(piece, size - first);
        Staging& staging = staging_[turn++ % staging_.size()];
        lane_.wait(staging.last_use);
        if (const std::exception_ptr error = lane_.take_error()) std::rethrow_exception(error);
        if (staging.memory.size() < length) {
            staging.memory = {};
            const uint64_t wanted = length <= kSmallPieceBytes ? kSmallPieceBytes : std::max(length, std::min(piece, size));
            staging.memory = allocator_.take(vk::MemoryKind::host, wanted, "staging");
        }
        fill(first, std::span(staging.memory.mapped(), length));
        Batch batch;
        batch.transfers = std::make_unique<vk::Commands>(device_, false);
        batch.transfers->copy(staging.memory, 0, dst, first, length);
        batch.transfers->end();
        batch.commands.push_back(batch.transfers->get());
        staging.last_use = lane_.enqueue(std::move(batch));
    }
    lane_.wait(lane_.last());
    if (const std::exception_ptr error = lane_.take_error()) std::rethrow_exception(error);
}

void Uploader::release() {
    const std::lock_guard lock(mutex_);
    for (Staging& staging : staging_)
        if (staging.memory.size() > kSmallPieceBytes) staging.memory = {};
}

}  // namespace krait::vulkan
