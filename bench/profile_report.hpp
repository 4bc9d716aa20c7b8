// SPDX-License-Identifier: Apache-2.0
//
// A profile for people; docs/benchmarks.md says how to read one.
#pragma once

#include <krait/profile.hpp>
#include <string>

namespace krait::bench {

enum class ProfileForm : uint8_t {
    operators,  // a line for each operator and device
    nodes       // and one for each name over layers
};

// A table for each phase that has runs.
std::string profile_text(const api::Profile& profile, ProfileForm form);

// The limits of a profile, in a sentence that stands above its tables and in its JSON.
inline constexpr const char* kProfileNote =
    "nodes ran one at a time, and the host waited for each: nodes that a device fuses ran apart; on a quiet machine the sum is "
    "larger than a plain run";

}  // namespace krait::bench
