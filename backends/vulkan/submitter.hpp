// SPDX-License-Identifier: Apache-2.0
//
// The order in which the work of several queues reaches the one VkQueue of a device. A lane is one queue's line of batches; each
// lane has a timeline semaphore that counts its batches. A batch that waits for an event goes to the device only when the batch
// that signals the event has gone there before it: the VkQueue works in order, and would never get to the signal
// otherwise. So a wait may be submitted before its signal, from one thread too. That order is all a wait needs: command buffers
// begin with a barrier for all work submitted before (vk/commands.hpp), so the device is given no semaphore to wait for. (Mesa
// 22.3 touches a semaphore that its queue waited for after the work is done, when it may be destroyed.)
// Threads: any; a lane's batches are enqueued by one thread at a time.
#pragma once

#include <condition_variable>
#include <deque>
#include <vector>

#include "backends/vulkan/vk/commands.hpp"
#include "backends/vulkan/vk/semaphore.hpp"

namespace krait::vulkan {

// Copies from the device that wait in staging memory for the host to take them to where they are wanted, once the batch that
// fills the staging is done. Any thread may finish it, once.
class Reads {
  public:
    void add(void* dst, vk::Memory staging);
    bool empty() const { return copies_.empty(); }
    void finish();

  private:
    struct Copy {
        void* dst;
        vk::Memory staging;
    };
    std::mutex mutex_;
    std::vector<Copy> copies_;
};

// What an event is made of; shared with the batches that wait for it or signal it.
struct EventState {
    explicit EventState(vk::Device& device) : semaphore(device) {}
    vk::Semaphore semaphore;
    uint64_t submitted = 0;  // the largest value whose signal has reached the device; guarded by the submitter

    // Reads that were queued before a signal: their targets are filled when the event says so.
    void add_reads(uint64_t value, std::shared_ptr<Reads> reads);
    void finish_reads(uint64_t reached);

  private:
    std::mutex mutex_;
    std::deque<std::pair<uint64_t, std::shared_ptr<Reads>>> reads_;
};

struct Batch {
    struct Point {
        std::shared_ptr<EventState> event;
        uint64_t value;
    };
    std::vector<Point> waits;
    std::vector<VkCommandBuffer> commands;
    std::vector<Point> signals;
    // Lives until the batch is done.
    std::vector<vk::Memory> staging;
    std::unique_ptr<vk::Commands> transfers;
};

class Submitter;

class Lane {
  public:
    Lane(Submitter& submitter, vk::Device& device);
    ~Lane();  // its batches must be done
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    // Gives it to the device, now or once its waits allow. Returns its number.
    uint64_t enqueue(Batch batch);
    uint64_t last() const { return last_; }  // of the batch enqueued last; 0 = none
    bool done(uint64_t number);              // without waiting
    void wait(uint64_t number);              // until that batch is done; throws what submitting it or one before it threw

  private:
    friend class Submitter;
    void retire();

    Submitter& submitter_;
    vk::Semaphore finished_;
    uint64_t last_ = 0;
    uint64_t submitted_ = 0;                       // guarded by the submitter, as what follows
    std::deque<std::pair<uint64_t, Batch>> held_;  // wait for events that nobody has signalled yet
    std::deque<std::pair<uint64_t, Batch>> running_;
    std::exception_ptr error_;
};

class Submitter {
  public:
    explicit Submitter(vk::Device& device) : device_(device) {}
    Submitter(const Submitter&) = delete;
    Submitter& operator=(const Submitter&) = delete;

  private:
    friend class Lane;
    void submit_what_can();  // with the lock held
    void submit(Lane& lane, uint64_t number, Batch& batch);

    vk::Device& device_;
    std::mutex mutex_;
    std::condition_variable submitted_;
    std::vector<Lane*> lanes_;
};

}  // namespace krait::vulkan
