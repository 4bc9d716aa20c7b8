// SPDX-License-Identifier: Apache-2.0
#include "models/evaluation/text_windows.hpp"

#include <algorithm>

namespace krait {

std::string to_string(const WindowOptions& options) {
    if (options.stream) return "one stream";
    if (options.stride == 0) return fmt::format("context {}", options.context);
    return fmt::format("context {}, stride {}", options.context, options.stride);
}

Result<std::vector<Window>> cut_windows(size_t n_tok, const WindowOptions& options) {
    if (options.stream) {
        if (n_tok < 2)
            return fail(ErrorCode::invalid_argument,
                        "the text has {} tokens; at least 2 are needed: one to begin with, one to score", n_tok);
        return std::vector<Window>{{.first = 0, .n_context = 1, .n_scored = n_tok - 1, .first_row = 0}};
    }
    if (options.context < 2)
        return fail(ErrorCode::invalid_argument, "a context of {} tokens: at least 2 are needed", options.context);
    if (options.stride < 0 || options.stride >= options.context)
        return fail(ErrorCode::invalid_argument, "a stride of {}: 1 to {} are possible with a context of {}", options.stride,
                    options.context - 1, options.context);
    const auto context = static_cast<size_t>(options.context);
    const auto stride = options.stride > 0 ? static_cast<size_t>(options.stride) : context;
    const size_t n_context = options.stride > 0 ? context - stride : context / 2;
    if (n_tok <= n_context)
        return fail(
            ErrorCode::invalid_argument,
            "the text has {} tokens; with {} the first {} are only context, so at least {} are needed (a smaller context, or "
            "the whole text as one stream, needs fewer)",
            n_tok, to_string(options), n_context, n_context + 1);
    std::vector<Window> windows;
    size_t first_row = 0;
    for (size_t first = 0; first + n_context < n_tok; first += stride) {
        const size_t end = first + std::min(context, n_tok - first);
        windows.push_back({first, n_context, end - first - n_context, first_row});
        first_row += windows.back().n_scored;
    }
    return windows;
}

}  // namespace krait
