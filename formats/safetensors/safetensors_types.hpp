// SPDX-License-Identifier: Apache-2.0
//
// The limits of the safetensors format. README.md beside this file describes the format itself.
#pragma once

#include "formats/checkpoint/checkpoint_tensor.hpp"

namespace krait {

inline constexpr uint64_t kSafetensorsMaxHeaderBytes = 100'000'000;  // the format's own limit

}  // namespace krait
