// SPDX-License-Identifier: Apache-2.0
#include "engine/step.hpp"

#include <algorithm>

namespace krait::engine {

void Step::clear() {
    parts_.clear();
    positions_.clear();
    batch_.clear();
    n_decode_ = 0;
}

void Step::add_token(Job& job, size_t choice) {
    parts_.push_back({.job = &job, .choice = choice, .n_row = 1, .is_prompt = false});
    ++n_decode_;
}

void Step::add_prompt(Job& job, size_t n_row) {
    parts_.push_back({.job = &job, .choice = 0, .n_row = n_row, .is_prompt = true});
}

// Snapshots on the way through a prompt, as many as there is room for. The one at its end is taken afterwards, for nothing.
void Step::plan_snapshots() {
    size_t n_wanted = 0;
    const auto of_part = [](const Part& part) {
        const std::vector<size_t>& positions = part.job->snapshot_positions;
        const size_t first = part.job->n_read;
        return std::pair(std::upper_bound(positions.begin(), positions.end(), first),
                         std::upper_bound(positions.begin(), positions.end(), first + part.n_row));
    };
    for (const Part& part : parts_)
        if (part.is_prompt) n_wanted += static_cast<size_t>(of_part(part).second - of_part(part).first);
    size_t n_left = n_wanted == 0 ? 0 : prefixes_.make_room(n_wanted);
    for (Part& part : parts_) {
        if (!part.is_prompt) continue;
        part.first_position = positions_.size();
        for (auto [position, end] = of_part(part); position != end && n_left > 0; ++position, --n_left)
            positions_.push_back(*position - part.job->n_read);
        part.n_position = positions_.size() - part.first_position;
    }
}

SequenceInput Step::input_of(const Part& part) const {
    const Choice& choice = part.job->choices[part.choice];
    SequenceInput input{.sequence = choice.sequence, .tokens = {&choice.next_token, 1}};
    bool wants = true;
    if (part.is_prompt) {
        input.tokens = std::span(part.job->prompt()).subspan(part.job->n_read, part.n_row);
        input.snapshots = std::span(positions_).subspan(part.first_position, part.n_position);
        wants = part.n_row == part.job->n_unread();
    }
    const int32_t n = n_needed(*part.job);
    input.want = !wants ? WantLogits::none : n > 0 ? WantLogits::top : WantLogits::last;
    input.top_k = n;
    return input;
}

double Step::run(const Done& done, const Failed& failed) {
    plan_snapshots();
    int64_t n_page = 0;
    for (Part& part : parts_) {
        const auto tokens = session_.tokens(part.job->choices[part.choice].sequence);
        part.n_before = tokens ? tokens->size() : 0;
        n_page += pages_of_rows(static_cast<int64_t>(part.n_row)) + 2;  // one that is begun, and a copy of one that is shared
        batch_.push_back(input_of(part));
    }
    prefixes_.make_pages(n_page);
    const auto start = Clock::now();
    const Result<void> decoded = session_.decode(batch_);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (decoded) {
        for (const Part& part : parts_)
            if (part.n_position > 0) publish_snapshots(part);
        for (size_t i = 0; i < parts_.size(); ++i) done(parts_[i], outputs_of(i));
    } else {
        for (const Part& part : parts_) run_alone(part, decoded.error(), done, failed);
    }
    return seconds;
}

void Step::run_alone(const Part& part, const Error& first, const Done& done, const Failed& failed) {
    const auto tokens = session_.tokens(part.job->choices[part.choice].sequence);
    if (first.code == ErrorCode::device_lost || !tokens || tokens->size() != part.n_before) return failed(part, first);
    const SequenceInput input = input_of(part);
    if (!session_.decode({input})) return failed(part, first);
    if (part.n_position > 0) publish_snapshots(part);
    done(part, outputs_of(0));
}

void Step::publish_snapshots(const Part& part) {
    const int32_t sequence = part.job->choices[part.choice].sequence;
    const auto tokens = session_.tokens(sequence);
    const auto taken = session_.snapshots(sequence);
    if (!tokens || !taken) return;
    while (!session_.snapshots(sequence)->empty()) {
        Snapshot snapshot = session_.snapshots(sequence)->front().share();
        const size_t n_tok = snapshot.n_tok;
        if (!session_.drop_snapshot(sequence, n_tok)) return;
        prefixes_.publish(tokens->first(n_tok), std::move(snapshot));
    }
}

}  // namespace krait::engine
