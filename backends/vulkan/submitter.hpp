// SPDX-License-Identifier: Apache-2.0
//
// The order in which the work of several queues reaches the one VkQueue of a device. A lane is one queue's line of batches;
// each lane has a timeline semaphore that counts its batches. A batch that waits for an event goes to the device only when the
// batch that signals the event has gone there before it: the VkQueue works in order, and would never get to the signal
// otherwise. So a wait may be submitted before its signal, from one thread too. That order is all a wait needs: command buffers
// begin with a barrier for all work submitted before (vk/commands.hpp), so the device is given no semaphore to wait for. (Mesa
// 22.3 touches a semaphore that its queue waited for after the work is done, when it may be destroyed.)
//
// Work that cannot be submitted fails: the batch, those behind it in its lane, and, in any lane, those that wait for an event
// which one of these was to signal. So nobody waits for what will not come. A lane works again once its error has been taken.
// Threads: any; a lane's batches are enqueued by one thread at a time.
#pragma once

#include <condition_variable>
#include <deque>
#include <vector>

#include "backends/vulkan/reads.hpp"
#include "backends/vulkan/vk/commands.hpp"

namespace krait::vulkan {

struct Batch {
    struct Point {
        std::shared_ptr<EventState> event;
        uint64_t value;
    };
    std::vector<Point> waits;
    std::vector<VkCommandBuffer> commands;
    std::vector<Point> signals;
    std::shared_ptr<Reads> reads;  // what its signals, or the next ones, announce
    std::exception_ptr lost;       // it could not be recorded: fails in its turn
    // Lives until the batch is done.
    std::vector<vk::Memory> staging;
    std::unique_ptr<vk::Commands> transfers;
};

class Submitter;

class SubmissionLane {
  public:
    SubmissionLane(Submitter& submitter, vk::Device& device);
    ~SubmissionLane();  // waits for what the device has of it; the rest never runs
    SubmissionLane(const SubmissionLane&) = delete;
    SubmissionLane& operator=(const SubmissionLane&) = delete;

    // Gives it to the device, now or once its waits allow. Returns its number.
    uint64_t enqueue(Batch batch);
    uint64_t last() const { return last_; }  // of the batch enqueued last; 0 = none
    // Whether that batch and all before it are done and none has failed, without waiting.
    bool done(uint64_t number);
    uint64_t reached();          // all batches up to this number are done, without waiting
    void wait(uint64_t number);  // until that batch and all before it are done or have failed; throws where the device is lost
    void wait_for_device();      // until those that the device has are done; held ones go on waiting for their events
    // The first error since it was taken last; nullptr = none.
    std::exception_ptr take_error();

  private:
    friend class Submitter;
    using Numbered = std::pair<uint64_t, Batch>;
    void retire() noexcept;  // with the lock held
    void wait_for_device(uint64_t number);

    Submitter& submitter_;
    vk::Semaphore finished_;
    uint64_t last_ = 0;
    uint64_t submitted_ = 0;     // the last that the device has; guarded by the submitter, as what follows
    uint64_t settled_ = 0;       // the last that the device has or that has failed
    std::deque<Numbered> held_;  // wait for events that nobody has signalled yet
    std::deque<Numbered> running_;
    std::exception_ptr error_;    // to be told
    std::exception_ptr failure_;  // of a batch: those behind it fail too
};

class Submitter {
  public:
    explicit Submitter(vk::Device& device) : device_(device) {}
    Submitter(const Submitter&) = delete;
    Submitter& operator=(const Submitter&) = delete;

    // Throws INVALID_ARGUMENT where the event has been, or is being, set to value or more.
    void check_signal(const EventState& event, uint64_t value);
    // The host waits; false = the time is over. Throws the error of a batch that was to signal it.
    bool wait(EventState& event, uint64_t value, uint64_t timeout_ns);
    // Somebody has seen that the device is lost: all held batches fail, and nobody waits for them any more.
    void tell_of_loss();

  private:
    friend class SubmissionLane;
    // With the lock held:
    void submit_what_can();
    bool advance(SubmissionLane& lane);  // the first of the held batches; false = it must wait
    void submit(SubmissionLane& lane, uint64_t number, Batch batch);
    void give_to_device(SubmissionLane& lane, uint64_t number, const Batch& batch);
    void fail(SubmissionLane& lane, uint64_t number, const Batch& batch, const std::exception_ptr& why);

    vk::Device& device_;
    std::mutex mutex_;
    std::condition_variable settled_;
    std::vector<SubmissionLane*> lanes_;
};

}  // namespace krait::vulkan
