// SPDX-License-Identifier: Apache-2.0
//
// A stack of its own for an emulated thread. Fibers are made once and used again: whoever wants one gives it something to do,
// resumes it, and gets control back when the work is done or suspends itself.
#pragma once

#include <boost/context/fiber.hpp>
#include <functional>

namespace krait::cuda::emulation {

class Fiber {
  public:
    // body runs on the fiber at each resume() that follows its return; it catches what it throws.
    explicit Fiber(std::function<void(Fiber&)> body);
    ~Fiber() = default;  // a suspended body is unwound
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    // Called by the scheduler: runs until the body suspends or returns.
    void resume() { inside_ = std::move(inside_).resume(); }
    // Called on the fiber.
    void suspend() { outside_ = std::move(outside_).resume(); }

  private:
    std::function<void(Fiber&)> body_;
    boost::context::fiber inside_;
    boost::context::fiber outside_;
};

}  // namespace krait::cuda::emulation
