// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/reads.hpp"

#include <cstring>

namespace krait::vulkan {

void Reads::add(void* dst, vk::Memory staging) {
    const std::lock_guard lock(mutex_);
    if (!dropped_) copies_.push_back({dst, std::move(staging)});
}

void Reads::finish() {
    const std::lock_guard lock(mutex_);
    for (const Copy& copy : copies_) std::memcpy(copy.dst, copy.staging.mapped(), copy.staging.size());
    copies_.clear();
}

void Reads::drop() {
    const std::lock_guard lock(mutex_);
    copies_.clear();
    dropped_ = true;
}

bool Reads::empty() {
    const std::lock_guard lock(mutex_);
    return copies_.empty();
}

void EventState::add_reads(uint64_t value, std::shared_ptr<Reads> reads) {
    const std::lock_guard lock(mutex_);
    while (!reads_.empty() && reads_.front().second->empty()) reads_.pop_front();  // their queue was faster
    reads_.emplace_back(value, std::move(reads));
}

void EventState::finish_reads(uint64_t reached) {
    const std::lock_guard lock(mutex_);
    while (!reads_.empty() && reads_.front().first <= reached) {
        reads_.front().second->finish();
        reads_.pop_front();
    }
}

}  // namespace krait::vulkan
