// SPDX-License-Identifier: Apache-2.0
//
// A mistake of a kernel that the emulation finds. Thrown out of the launch; the plugin's shim makes an error of it.
#pragma once

#include <stdexcept>

#include "backends/cuda/host_emulation/site.hpp"

namespace krait::cuda::emulation {

class KernelFailure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void kernel_failure(fmt::format_string<Args...> text, Args&&... args) {
    throw KernelFailure(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace krait::cuda::emulation
