// SPDX-License-Identifier: Apache-2.0
//
// Requests through an engine, as users have them: conversations begin by a seeded Poisson process, each turn is the whole
// conversation so far with a new message behind it, and the next turn comes when the answer is there. Times are those that a
// client sees on another thread.
#pragma once

#include <atomic>
#include <functional>
#include <krait/engine.hpp>
#include <map>
#include <string>
#include <vector>

#include "bench/api_result.hpp"

namespace krait::bench {

struct LoadPlan {
    int64_t conversations = 64;
    int64_t turns = 1;
    float rate = 0;                      // conversations that begin in a second, on average; 0: all at once
    int64_t prompt = 512, answer = 128;  // tokens of a message, and of an answer
    bool exact_lengths = false;          // all are as long; else log-uniform from a sixteenth of it on
    int64_t shared = 0;                  // tokens with which all conversations begin
    int64_t long_prompt = 0;             // tokens of one request more, when half of the others have their first token
    double max_first_seconds = 2,
           max_token_seconds = 0.2;  // of a request that counts as good: to its first token, then a token
    krait_engine_options engine = KRAIT_ENGINE_OPTIONS_INIT;
    uint64_t seed = 1;
    const std::atomic<bool>* cancel = nullptr;
    std::function<void(uint64_t done, uint64_t total)> progress;  // requests
};

struct LoadResult {
    double seconds = 0;
    int64_t requests = 0, good = 0;
    uint64_t prompt_tokens = 0, cached_tokens = 0, generated_tokens = 0;
    std::vector<double> first_seconds;       // of each request, from its submission to its first token (TTFT)
    std::vector<double> token_seconds;       // between two tokens of a request (ITL)
    std::map<std::string, int64_t> reasons;  // why no more was reused, and of how many requests
    krait_engine_figures figures = KRAIT_ENGINE_FIGURES_INIT;

    double reused() const {
        return prompt_tokens == 0 ? 0 : static_cast<double>(cached_tokens) / static_cast<double>(prompt_tokens);
    }
    double tokens_per_second() const { return static_cast<double>(prompt_tokens - cached_tokens + generated_tokens) / seconds; }
    double goodput() const { return static_cast<double>(good) / seconds; }
    // What the engine does in a step beside the session's run.
    double overhead_seconds() const {
        return (figures.step_seconds - figures.run_seconds) / static_cast<double>(figures.n_step == 0 ? 1 : figures.n_step);
    }
};

Result<LoadResult> run_load(const api::Model& model, const LoadPlan& plan);

// The smallest value that `share` of all do not exceed; 0 where there are none.
double percentile_of(std::vector<double> values, double share);

}  // namespace krait::bench
