// SPDX-License-Identifier: Apache-2.0
//
// The answer to a request: events one by one, and statistics.
#pragma once

#include <optional>

#include "core/base/result.hpp"
#include "engine/reuse.hpp"

namespace krait::engine {

enum class Finish : uint8_t { stop, length, cancelled, deadline, error };

struct Event {
    enum class Kind : uint8_t { token, finished };
    Kind kind = Kind::token;
    int32_t choice = 0;
    int32_t token = -1;            // finished by a stop token: that one
    Finish finish = Finish::stop;  // of `finished`, the last event of each choice
};

struct RequestStats {
    Reuse reuse;
    size_t prompt_tokens = 0;
    size_t generated_tokens = 0;    // of all choices
    double queue_seconds = 0;       // from submit() until it had a sequence,
    double prompt_seconds = 0;      // until its first token,
    double generation_seconds = 0;  // until its last event
    std::optional<Error> error;     // of the choices that finished with Finish::error
};

}  // namespace krait::engine
