// SPDX-License-Identifier: Apache-2.0
//
// Times a model as the engine serves it: prompts with the logits of their last token, and steps of one token for each of B
// sequences with the logits of all of them, or of one sequence in chains of greedy tokens. Token ids (a chain's first) are
// random from a fixed seed, so a model needs no tokenizer and every run does the same work. What is timed is Session::decode,
// the logits on the host included, or Session::chain, the tokens included; sampling is not.
//   KRAIT_TRY(const BenchResult result, run_bench([&](krait_model_options options) {
//       return api::Model::load_with(path, options); }, plan));
#pragma once

#include <atomic>
#include <functional>
#include <krait/profile.hpp>
#include <krait/session.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/model_work.hpp"

namespace krait::bench {

struct BenchPlan {
    std::vector<int64_t> prompts{512};  // tokens of a prompt; 0 = none
    std::vector<int32_t> sequences{1};  // prompts of one call; each with each of prompts
    std::vector<int64_t> decodes{128};  // steps; 0 = none
    std::vector<int32_t> batches{1};    // sequences of a step; each with each of decodes
    int64_t depth = 0;                  // tokens that each sequence has before it decodes
    int32_t chain = 1;  // steps of one sequence that are one call of Session::chain; 1 = random tokens, all logits
    int repetitions = 5;
    bool warm_up = true;  // one untimed run of each kind before the first that counts
    int32_t chunk = 512;  // most rows of a run: krait_session_options.max_batch_tokens
    std::string path;     // the model, whose files are read for comparison; empty where the model comes from memory
    uint64_t seed = 1;
    bool profile = false;                       // each series has one too, of as many repetitions
    uint64_t max_events = 0;                    // that each profile keeps
    const std::atomic<bool>* cancel = nullptr;  // asked between runs; the result is then `cancelled`, and says how far it came
    bool is_cancelled() const { return cancel && *cancel; }
    // label: what is being done; done and total count tokens (bytes while loading).
    std::function<void(const std::string& label, uint64_t done, uint64_t total)> progress;
};

struct Series {
    bool is_prompt = false;
    int64_t n_tok = 0;            // of each sequence
    int32_t n_seq = 1;            // that go side by side
    int32_t chain = 1;            // steps of one call
    int64_t depth = 0;            // tokens of each sequence before the first step
    std::vector<double> seconds;  // of each repetition, which is n_tok * n_seq tokens
    double bytes = 0;             // ModelWork's, of a repetition
    double operations = 0;
    std::optional<api::Profile> profile;

    int64_t tokens() const { return n_tok * n_seq; }
    int64_t context() const { return depth + n_tok; }  // tokens that a sequence has in the end
    std::string name() const;                          // "prompt 512", "decode 128", "decode 128 by 16", "decode 32 at 8192"
};

struct LoadTimes {
    std::optional<double> read_once;  // the files, which the system holds in memory, read through a small buffer
    double load = 0;                  // until the weights are on the device
    double first_token = 0;           // until the logits of a prompt of one token are there; load included
};

struct BenchResult {
    api::Model model;
    ModelWork work = {};
    LoadTimes load = {};
    std::vector<Series> series = {};
    uint64_t peak_memory = 0;  // of the process, when all was done
};

// Loads the model with the progress that the options have.
using LoadModel = std::function<api::Result<api::Model>(const krait_model_options& options)>;

Result<BenchResult> run_bench(const LoadModel& load, const BenchPlan& plan);

}  // namespace krait::bench
