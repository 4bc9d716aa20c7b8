// SPDX-License-Identifier: Apache-2.0
//
// The queue and the event of devices in host memory. Work is done inside the call that submits it. Only when a queue must
// wait for an event that has not come does a thread of its own take over, until everything that piled up behind the wait is
// done: so a wait may be submitted before its signal, from one thread too, as on any other device.
// Errors of work are returned by the call that did it, and by the next sync.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "backends/common/op_table.hpp"

namespace krait::plugin::host {

class HostEvent final : public Event {
  public:
    using Event::Event;
    uint64_t value() noexcept override { return value_.load(std::memory_order_acquire); }
    bool wait(uint64_t value, uint64_t timeout_ns) override;
    void advance(uint64_t value);  // throws INVALID_ARGUMENT where it is not larger than before

  private:
    std::atomic<uint64_t> value_{0};
    std::mutex mutex_;
    std::condition_variable advanced_;
};

class HostQueue final : public Queue {
  public:
    HostQueue(Device& device, std::unique_ptr<KernelContext> context) : Queue(device), context_(std::move(context)) {}
    ~HostQueue() override;

    void write(Buffer& dst, uint64_t dst_offset, const void* src, uint64_t size) override;
    void read(void* dst, Buffer& src, uint64_t src_offset, uint64_t size) override;
    void copy(Buffer& dst, uint64_t dst_offset, Buffer& src, uint64_t src_offset, uint64_t size) override;
    void run(Program& program, const DimSizes& sizes) override;
    void export_memory(Buffer& memory, int64_t unit, void* dst, uint64_t size) override;
    void import_memory(Buffer& memory, int64_t unit, const void* src, uint64_t size) override;
    void copy_memory(Buffer& memory, int64_t src_unit, int64_t dst_unit) override;
    void signal(Event& event, uint64_t value) override;
    void wait(Event& event, uint64_t value) override;
    void sync() override;

  private:
    using Work = std::function<void()>;

    // Whether everything submitted so far is done; only the submitting thread can make it false.
    bool idle() const noexcept { return n_pending_.load(std::memory_order_acquire) == 0; }
    template <class Body>
    void submit(Body&& body);
    void defer(Work work);
    void work_off();  // the thread
    void wait_until_idle();
    void remember(std::exception_ptr error);

    std::unique_ptr<KernelContext> context_;
    std::mutex mutex_;  // of everything below
    std::condition_variable changed_;
    std::deque<Work> pending_;  // the front one is being done
    std::atomic<size_t> n_pending_{0};
    std::exception_ptr first_error_;
    bool stop_ = false;
    std::thread worker_;  // started by the first wait that does not find its event
};

}  // namespace krait::plugin::host
