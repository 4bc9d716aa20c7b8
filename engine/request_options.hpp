// SPDX-License-Identifier: Apache-2.0
//
// A request of an engine: a prompt in tokens, and how it is answered.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/sampler/sampler.hpp"

namespace krait::engine {

using Clock = std::chrono::steady_clock;

inline constexpr int64_t kNoLimit = -1;

struct RequestOptions {
    std::vector<int32_t> tokens;  // of the prompt, at least one
    SamplerOptions sampler;       // choice i draws with seed + i; the repetition penalty counts tokens of the prompt too
    std::vector<int32_t> stops;   // a choice ends before one of these
    // Tokens of each choice; kNoLimit: up to a stop token, or to the end of its sequence where that has one. 0: the prompt is
    // read, and kept as a prefix.
    int64_t max_tokens = kNoLimit;
    int32_t n = 1;         // choices: forks of one sequence after the prompt
    int32_t priority = 0;  // the higher ones are admitted, and their prompts read, before all lower ones
    std::string key;       // whose request it is: keys share the engine fairly, and so do the requests of one key
    double weight = 1;     // of the key among keys, above 0; that of its latest request counts
    std::optional<Clock::time_point> deadline;
    // Where a prefix is likely to be shared: ascending numbers of tokens, from 1 to those of the prompt. A snapshot is kept
    // after each of them; the ends of messages, say.
    std::vector<size_t> message_ends;
    bool reuse = true;           // goes on from kept prefixes
    bool keep = true;            // keeps its own for later requests
    size_t max_events = 256;     // that wait to be taken, at least 2 n; a request that has no room for more pauses until it has
    std::function<void()> wake;  // called on the engine's thread after new events; short, and calls nothing but
                                 // Request::try_next and Request::cancel
};

}  // namespace krait::engine
