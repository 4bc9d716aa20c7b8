// SPDX-License-Identifier: Apache-2.0
//
// Importance of a model's weights from a text: the model reads it in chunks, each from an empty state, several at a time, and
// the squares of what every matrix is multiplied by are added up by column.
#pragma once

#include "models/quantize/importance.hpp"
#include "models/session/session.hpp"

namespace krait {

struct CollectOptions {
    int64_t chunk = 512;  // tokens; the last one may be shorter
    int32_t batch = 4;    // chunks that are read together; costs as many states
    const std::atomic<bool>* cancel = nullptr;
    std::function<void(int64_t done, int64_t total)> progress;  // tokens
};

// Fewer say too little about thousands of columns.
inline constexpr size_t kMinCalibrationTokens = 512;

// `prefix` begins every chunk: the begin-of-text token of models that want one. The head is covered too, by every token.
Result<ImportanceMatrix> collect_importance(std::shared_ptr<const Model> model, std::span<const int32_t> tokens,
                                            std::span<const int32_t> prefix, const CollectOptions& options);

}  // namespace krait
