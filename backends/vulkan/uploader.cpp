// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/uploader.hpp"

#include <algorithm>

namespace krait::vulkan {

Uploader::Uploader(vk::Device& device, vk::Allocator& allocator, Submitter& submitter)
    : device_(device), allocator_(allocator), lane_(submitter, device) {}

void Uploader::write(const vk::Memory& dst, uint64_t size, uint64_t unit, const Fill& fill) {
    if (size == 0) return;
    if (dst.mapped()) {
        fill(0, std::span(dst.mapped(), size));
        return;
    }
    const std::lock_guard lock(mutex_);
    const uint64_t piece = std::max(unit, kPieceBytes / unit * unit);
    uint64_t before_last = 0, last = 0;
    for (uint64_t first = 0; first < size; first += piece) {
        const uint64_t length = std::min(piece, size - first);
        lane_.wait(before_last);  // its staging is free again
        Batch batch;
        batch.staging.push_back(allocator_.take(vk::MemoryKind::host, length, "staging"));
        const vk::Memory& staging = batch.staging.back();
        fill(first, std::span(staging.mapped(), length));
        batch.transfers = std::make_unique<vk::Commands>(device_, false);
        batch.transfers->copy(staging, 0, dst, first, length);
        batch.transfers->end();
        batch.commands.push_back(batch.transfers->get());
        before_last = std::exchange(last, lane_.enqueue(std::move(batch)));
    }
    lane_.wait(last);
}

}  // namespace krait::vulkan
