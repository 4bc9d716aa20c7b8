// SPDX-License-Identifier: Apache-2.0
//
// A token that may be the next one, with its logit.
#pragma once

#include <cstdint>

namespace krait {

struct Candidate {
    float logit;
    int32_t token;
};

// The order of likelihood: by logit, then the lower token first. Total, so every way to sort gives the same list.
[[nodiscard]] inline bool likelier(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

}  // namespace krait
