// SPDX-License-Identifier: Apache-2.0
//
// The parts of an event, and the reads that it announces: copies from the device that wait in staging memory for the host to
// take them to where they are wanted. Threads: any.
#pragma once

#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/vulkan/vk/memory.hpp"
#include "backends/vulkan/vk/semaphore.hpp"

namespace krait::vulkan {

class Reads {
  public:
    void add(void* dst, vk::Memory staging);
    void finish();  // the batches that fill the staging are done: fills the targets, once
    void drop();    // one of them will not run: the targets are never touched
    bool empty();   // nothing is left to do

  private:
    struct Copy {
        void* dst;
        vk::Memory staging;
    };
    std::mutex mutex_;
    std::vector<Copy> copies_;
    bool dropped_ = false;
};

// Shared with the batches that wait for the event or signal it.
struct EventState {
    explicit EventState(vk::Device& device) : semaphore(device) {}
    vk::Semaphore semaphore;
    // Guarded by the submitter:
    uint64_t submitted = 0;    // the largest value whose signal has reached the device
    uint64_t failed = 0;       // the largest value whose signal could not be submitted
    std::exception_ptr error;  // why

    bool will_not_reach(uint64_t value) const { return value > submitted && value <= failed; }

    // Reads that were queued before a signal: their targets are filled when the event says so. Values grow.
    void add_reads(uint64_t value, std::shared_ptr<Reads> reads);
    void finish_reads(uint64_t reached);

  private:
    std::mutex mutex_;
    std::deque<std::pair<uint64_t, std::shared_ptr<Reads>>> reads_;
};

}  // namespace krait::vulkan
