// SPDX-License-Identifier: Apache-2.0
//
// Times the steps of a server's load: requests arrive by a seeded trace, a step decodes one token for every request that is
// under way and reads prompts of those that wait, cut to the rows that are left. The same trace runs with the few shapes that
// sessions have and with a program for each exact shape, in turns, each time in a new session: what compiling costs a step is
// in both. A warm-up of one prompt comes before them and is not measured, as it reads the weights from their file.
//   KRAIT_TRY(const ServingResult result, run_serving(std::move(model), plan));
// Time is counted in steps, so that every run does the same work. Tokens are random; nothing is sampled.
// Then requests go through an engine (engine_load.hpp), where time is that of a clock and answers are sampled.
#pragma once

#include <atomic>
#include <functional>
#include <krait/session.hpp>
#include <string>
#include <vector>

#include "bench/engine_load.hpp"

namespace krait::bench {

struct ServingPlan {
    int64_t requests = 64;
    int32_t max_sequences = 16;                          // requests under way at the same time; others wait
    float arrivals = 0.5f;                               // requests a step, on average (a Poisson process)
    int64_t longest_prompt = 512, longest_answer = 128;  // lengths are log-uniform from a sixteenth of it on
    int32_t chunk = 512;                                 // rows of a step: krait_session_options.max_batch_tokens
    int repetitions = 5;
    uint64_t seed = 1;
    bool compares_shapes = true;  // else the engine alone
    LoadPlan load;                // its cancel and progress are those below
    const std::atomic<bool>* cancel = nullptr;
    std::function<void(const std::string& label, uint64_t done, uint64_t total)> progress;  // counts steps' tokens
};

struct ServedRequest {
    int64_t step = 0;  // in which it arrives
    int64_t prompt = 0, answer = 0;
};

// The trace of a plan, in the order of arrival.
std::vector<ServedRequest> trace_of(const ServingPlan& plan);

struct ServedShapes {
    bool exact = false;
    std::vector<double> step_seconds;                            // of all repetitions, one after the other
    int64_t tokens = 0;                                          // of one repetition
    krait_session_figures figures = KRAIT_SESSION_FIGURES_INIT;  // of one repetition
    double seconds() const;                                      // of one repetition, on average
    // Each step of the trace does the same work in every repetition: its median over them. Noise of the machine, which comes to
    // another step each time, goes; a cost that a step always has, as compiling a shape, stays.
    std::vector<double> median_steps() const;
    double percentile(double share) const;  // of median_steps: the smallest that `share` of the steps do not exceed
    int repetitions = 0;
};

struct ServingResult {
    api::Model model;
    std::vector<ServedShapes> runs;  // few shapes, exact shapes; empty where they were not compared
    LoadResult load;
};

Result<ServingResult> run_serving(api::Model model, const ServingPlan& plan);

// form: table, md, csv or json.
std::string serving_report(const ServingResult& result, const ServingPlan& plan, const std::string& form);

}  // namespace krait::bench
