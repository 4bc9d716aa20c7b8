// SPDX-License-Identifier: Apache-2.0
//
// How much of a prompt came from a kept prefix, and why not more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace krait::engine {

struct Reuse {
    enum class Reason : uint8_t {
        whole_prompt,      // nothing was left to read
        end_of_common,     // a snapshot lies where the prompt leaves all earlier ones
        nearest_snapshot,  // the common prefix is longer, and no snapshot lies at its end
        evicted,           // one lay closer to its end, and made room for others
        no_common_prefix,
        off,  // the engine keeps no snapshots, or the request did not want it
    };
    Reason reason = Reason::off;
    size_t cached_tokens = 0, common_tokens = 0;
    // "nearest snapshot at 812 of 1190"; empty for the whole prompt.
    std::string text() const;
};

}  // namespace krait::engine
