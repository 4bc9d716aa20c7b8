// SPDX-License-Identifier: Apache-2.0
//
// How a text is cut for perplexity. A window is a stretch of tokens that the model reads from an empty state; its first tokens
// are context only, those after them are scored: how likely was each, given all before it in the window?
//
//   context C                windows follow one another; scored is what comes from the midpoint, C / 2, on
//   context C, stride S      a window begins every S tokens; scored are its last S: every token but the first C - S once
//   stream                   one window, the whole text; scored is every token but the first
//
// The last window may be shorter, as long as something of it is scored. docs/evaluation.md says when to use which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

struct WindowOptions {
    int64_t context = 512;  // 2 at least
    int64_t stride = 0;     // 1 to context - 1; 0 = the first form
    bool stream = false;    // context and stride do not count

    bool operator==(const WindowOptions&) const = default;
};

struct Window {
    size_t first = 0;      // where it begins in the text
    size_t n_context = 0;  // at least 1
    size_t n_scored = 0;   // at least 1
    size_t first_row = 0;  // scored tokens of all windows before it
};

// "context 512, stride 128"
std::string to_string(const WindowOptions& options);

// Fails for options out of range and for a text without anything to score.
Result<std::vector<Window>> cut_windows(size_t n_tok, const WindowOptions& options);

}  // namespace krait
