// SPDX-License-Identifier: Apache-2.0
//
// Settings of a GGUF file that would change results, and that no architecture here reads.
#pragma once

#include "formats/model_source.hpp"

namespace krait {

// Fails for a file with one of them: a window, attention to later tokens, caps of scores, factors that are left to the graph. A
// value that changes nothing is no flaw. The error names the key, its place and its value. scales: the keys "*_scale",
// without the architecture, that the architecture does read.
Result<void> refuse_unsupported_settings(const ModelSource& file, std::string_view architecture,
                                         std::span<const std::string_view> scales);

}  // namespace krait
