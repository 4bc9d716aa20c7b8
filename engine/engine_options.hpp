// SPDX-License-Identifier: Apache-2.0
//
// How an engine is made, and what it tells of itself.
#pragma once

#include <filesystem>

#include "engine/mailbox.hpp"
#include "models/session/session.hpp"

namespace krait::engine {

// Where kept prefixes are: as snapshots of the session, then in host memory, then as files.
struct PrefixOptions {
    int32_t max_snapshots = 32;     // on the device; 0: nothing is kept
    uint64_t max_host_bytes = 0;    // 0: none
    std::filesystem::path folder;   // for files, of this model and others; empty: none. It is made where it is missing
    uint64_t max_folder_bytes = 0;  // of this model's files; 0: no limit
};

struct EngineOptions {
    int32_t max_sequences = 16;                      // choices of requests in progress at the same time
    int32_t max_batch_tokens = kDefaultBatchTokens;  // rows of a step, at least max_sequences
    int64_t max_cached_tokens = 0;                   // these two as in SessionOptions
    int64_t max_sequence_tokens = 0;
    // For how long a step with prompts may run while answers are in progress (StepBudget).
    double step_seconds = 0.05;
    QueueLimits queue;
    PrefixOptions prefixes;
};

struct EngineStats {
    Mailbox::Counts queue;
    int64_t running_requests = 0;
    int64_t n_step = 0, prompt_tokens = 0, decoded_tokens = 0;  // that were read
    double step_seconds = 0;                                    // of all steps, with all that the engine does in them;
    double run_seconds = 0;                                     // the part in which the session decoded
    double since_step = 0;  // seconds since the engine's thread last answered: of one that works, less than a step takes
    bool is_idle = false;   // it waits for requests
    int64_t lookups = 0, hits = 0;  // of prefixes
    int64_t cached_tokens = 0;      // that came from prefixes
    int64_t snapshots = 0, evictions = 0;
    uint64_t host_bytes = 0, folder_bytes = 0;
};

}  // namespace krait::engine
