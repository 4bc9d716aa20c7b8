// SPDX-License-Identifier: Apache-2.0
//
// The demo model's GGUF file (krait-demo.gguf beside this header), linked into the library.
#pragma once

#include <cstddef>
#include <span>

namespace krait {

std::span<const std::byte> demo_model_bytes();
inline constexpr const char* kDemoModelName = "the demo model";  // for messages

}  // namespace krait
