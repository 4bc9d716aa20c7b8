// SPDX-License-Identifier: Apache-2.0
//
// A request as the engine's thread sees it: how far it is, and which sequences it has.
#pragma once

#include "engine/fair_share.hpp"
#include "engine/request_state.hpp"

namespace krait::engine {

struct Choice {
    explicit Choice(Sampler its) : sampler(std::move(its)) {}
    Sampler sampler;
    int32_t sequence = -1;
    int32_t next_token = 0;  // that its sequence reads next
    int64_t n_token = 0;     // that were generated
    bool is_done = false;
    std::vector<std::byte> saved;  // its sequence, while it is spilled
};

struct Job {
    Job(std::shared_ptr<RequestState> its, std::vector<Choice> of_it) : request(std::move(its)), choices(std::move(of_it)) {}

    std::shared_ptr<RequestState> request;
    std::vector<Choice> choices;  // the first one's sequence reads the prompt
    int64_t max_tokens = 0;       // of a choice
    int64_t n_page = 0;           // that all choices may need in the end
    size_t n_read = 0;            // tokens of the prompt
    bool is_answering = false;    // the prompt is read, and its choices are in progress
    bool is_spilled = false;
    size_t n_row = 0;   // of its prompt, in the step that is planned
    size_t n_done = 0;  // choices that have ended
    bool is_admitted = false;
    int64_t n_queued = 0;                    // tokens that the mailbox counts
    std::vector<size_t> snapshot_positions;  // where snapshots are taken, ascending, behind n_read
    FairShare::Member member;                // of its key
    Clock::time_point admitted, answered;

    const std::vector<int32_t>& prompt() const { return request->options.tokens; }
    size_t n_unread() const { return prompt().size() - n_read; }
    bool is_done() const { return n_done == choices.size(); }
};

}  // namespace krait::engine
