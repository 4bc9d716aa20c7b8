// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/stop_matcher.hpp"

#include <algorithm>

namespace krait {

Result<StopMatcher> StopMatcher::create(std::vector<std::string> stops) {
    for (size_t i = 0; i < stops.size(); ++i)
        if (stops[i].empty()) return fail(ErrorCode::invalid_argument, "stop text {} of {} is empty", i + 1, stops.size());
    return StopMatcher(std::move(stops));
}

std::string StopMatcher::push(std::string_view piece) {
    if (found_) return {};
    std::string text = std::exchange(held_, {});
    text += piece;

    // A text that ended earlier was found by an earlier push, so the first end in here is the first of all.
    size_t first_end = std::string::npos, first_begin = 0;
    const std::string* first = nullptr;
    for (const std::string& stop : stops_) {
        const size_t begin = text.find(stop);
        if (begin == std::string::npos) continue;
        const size_t end = begin + stop.size();
        if (!first || end < first_end || (end == first_end && begin < first_begin)) {
            first = &stop;
            first_end = end;
            first_begin = begin;
        }
    }
    if (first) {
        found_ = *first;
        text.resize(first_begin);
        return text;
    }

    size_t n_held = 0;
    for (const std::string& stop : stops_)
        for (size_t n = std::min(stop.size() - 1, text.size()); n > n_held; --n)
            if (std::string_view(text).ends_with(std::string_view(stop).substr(0, n))) n_held = n;
    held_ = text.substr(text.size() - n_held);
    text.resize(text.size() - n_held);
    return text;
}

std::string StopMatcher::flush() {
    found_.reset();
    return std::exchange(held_, {});
}

}  // namespace krait
