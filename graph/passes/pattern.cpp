// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

namespace krait::graph {
namespace {

// A name has some tens of characters: honest patterns need some hundred steps.
constexpr uint32_t kMostSteps = 100000, kMostKilobytes = 1024;

std::string describe(int error) {
    std::array<PCRE2_UCHAR, 160> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return reinterpret_cast<const char*>(text.data());
}

template <class T, void (*Release)(T*)>
struct ReleaseWith {
    void operator()(T* object) const { Release(object); }
};
using Match = std::unique_ptr<pcre2_match_data, ReleaseWith<pcre2_match_data, pcre2_match_data_free>>;
using Limits = std::unique_ptr<pcre2_match_context, ReleaseWith<pcre2_match_context, pcre2_match_context_free>>;

}  // namespace

void Pattern::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Result<Pattern> Pattern::compile(std::string_view text) {
    if (text.size() > kLongest)
        return fail(ErrorCode::invalid_argument, "a regular expression of {} bytes is too long: at most {}", text.size(),
                    kLongest);
    int error = 0;
    PCRE2_SIZE offset = 0;
    Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, &error, &offset, nullptr));
    if (!code)
        return fail(ErrorCode::invalid_argument, "'{}' is no regular expression: {}, at byte {}", text, describe(error),
                    offset);
    return Pattern(std::string(text), std::move(code));
}

Result<bool> Pattern::occurs_in(std::string_view name) const {
    const Match match(pcre2_match_data_create(1, nullptr));
    const Limits limits(pcre2_match_context_create(nullptr));
    if (!match || !limits) return fail(ErrorCode::out_of_memory, "no memory to search for '{}'", text_);
    pcre2_set_match_limit(limits.get(), kMostSteps);
    pcre2_set_heap_limit(limits.get(), kMostKilobytes);
    const int count =
        pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0, match.get(), limits.get());
    if (count == PCRE2_ERROR_NOMATCH) return false;
    if (count < 0)
        return fail(ErrorCode::invalid_argument, "'{}' cannot be searched for in '{}': {}", text_, name, describe(count));
    return true;
}

}  // namespace krait::graph
