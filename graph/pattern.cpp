// SPDX-License-Identifier: Apache-2.0
#include "graph/pattern.hpp"

namespace krait::graph {
namespace {

// A name has some tens of characters: honest patterns need some hundred steps.
constexpr uint32_t kMaxSteps = 100000, kMaxKilobytes = 1024;

using pcre2::describe;

}  // namespace

Result<Pattern> Pattern::compile(std::string_view text) {
    if (text.size() > kLongest)
        return fail(ErrorCode::invalid_argument, "a regular expression of {} bytes is too long: at most {}", text.size(),
                    kLongest);
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2::Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, &error, &offset, nullptr));
    if (!code)
        return fail(ErrorCode::invalid_argument, "'{}' is no regular expression: {}, at byte {}", text, describe(error),
                    offset);
    return Pattern(std::string(text), std::move(code));
}

Result<bool> Pattern::occurs_in(std::string_view name) const {
    const pcre2::Match match(pcre2_match_data_create(1, nullptr));
    const pcre2::Context limits(pcre2_match_context_create(nullptr));
    if (!match || !limits) return fail(ErrorCode::out_of_memory, "no memory to search for '{}'", text_);
    pcre2_set_match_limit(limits.get(), kMaxSteps);
    pcre2_set_heap_limit(limits.get(), kMaxKilobytes);
    const int count =
        pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0, match.get(), limits.get());
    if (count == PCRE2_ERROR_NOMATCH) return false;
    if (count < 0)
        return fail(ErrorCode::invalid_argument, "'{}' cannot be searched for in '{}': {}", text_, name, describe(count));
    return true;
}

}  // namespace krait::graph
