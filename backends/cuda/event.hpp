// SPDX-License-Identifier: Apache-2.0
//
// A counter that grows as streams reach the points where it was signalled: a marker for each value that is still on its way.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "backends/cuda/runtime.hpp"

namespace krait::cuda {

class TimelineEvent final : public plugin::Event {
  public:
    using Event::Event;
    uint64_t value() noexcept override;
    bool wait(uint64_t value, uint64_t timeout_ns) override;

    void signal(Stream& stream, uint64_t value);
    // Holds back the stream. A value that nobody has submitted yet holds back the caller until somebody does.
    void hold_back(Stream& stream, uint64_t value);

  private:
    struct Pending {
        uint64_t value;
        std::unique_ptr<Marker> marker;
    };
    uint64_t poll();  // under mutex_

    std::mutex mutex_;
    std::condition_variable submitted_more_;
    uint64_t reached_ = 0;
    uint64_t submitted_ = 0;
    std::deque<Pending> pending_;
};

}  // namespace krait::cuda
