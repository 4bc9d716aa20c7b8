// SPDX-License-Identifier: Apache-2.0
#include "engine/reuse.hpp"

#include <fmt/core.h>

namespace krait::engine {

std::string Reuse::text() const {
    switch (reason) {
        case Reason::whole_prompt: return "";
        case Reason::end_of_common: return fmt::format("common prefix of {}", common_tokens);
        case Reason::nearest_snapshot: return fmt::format("nearest snapshot at {} of {}", cached_tokens, common_tokens);
        case Reason::evicted: return fmt::format("evicted: nearest snapshot at {} of {}", cached_tokens, common_tokens);
        case Reason::no_common_prefix: return "no common prefix";
        case Reason::off: break;
    }
    return "off";
}

}  // namespace krait::engine
