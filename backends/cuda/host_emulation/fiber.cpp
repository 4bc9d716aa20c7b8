// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/fiber.hpp"

#include <boost/context/protected_fixedsize_stack.hpp>

namespace krait::cuda::emulation {

// Kernels keep little on the stack; the page below it is protected, so that an overflow is a crash and no silent damage.
static constexpr size_t kStackBytes = 64 * 1024;

Fiber::Fiber(std::function<void(Fiber&)> body)
    : body_(std::move(body)),
      inside_(std::allocator_arg, boost::context::protected_fixedsize_stack(kStackBytes),
              [this](boost::context::fiber&& outside) {
                  outside_ = std::move(outside);
                  for (;;) {
                      body_(*this);
                      suspend();
                  }
                  return std::move(outside_);  // never: a fiber ends by being unwound
              }) {}

}  // namespace krait::cuda::emulation
