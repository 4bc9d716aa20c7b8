// SPDX-License-Identifier: Apache-2.0
#include "engine/mailbox.hpp"

namespace krait::engine {

Result<void> Mailbox::submit(std::shared_ptr<RequestState> request, size_t n_tok) {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return fail(ErrorCode::cancelled, "the engine has stopped");
    const auto tokens = static_cast<int64_t>(n_tok);
    if (limits_.max_requests > 0 && counts_.requests >= limits_.max_requests) {
        ++counts_.refused;
        return fail(ErrorCode::unavailable, "the queue is full: {} requests wait, at most {} may (max_waiting_requests)",
                    counts_.requests, limits_.max_requests);
    }
    // One prompt that is longer than the limit is read where nothing else waits.
    if (limits_.max_tokens > 0 && counts_.tokens > 0 && counts_.tokens + tokens > limits_.max_tokens) {
        ++counts_.refused;
        return fail(ErrorCode::unavailable,
                    "the queue is full: {} tokens of prompts wait, with {} more there are more than {} (max_waiting_tokens)",
                    counts_.tokens, tokens, limits_.max_tokens);
    }
    submitted_.push_back(std::move(request));
    ++counts_.requests;
    counts_.tokens += tokens;
    has_changed_ = true;
    changed_.notify_one();
    return {};
}

void Mailbox::wake() {
    const std::lock_guard lock(mutex_);
    has_changed_ = true;
    changed_.notify_one();
}

void Mailbox::stop() {
    const std::lock_guard lock(mutex_);
    is_stopped_ = has_changed_ = true;
    changed_.notify_one();
}

void Mailbox::wait(std::optional<std::chrono::steady_clock::time_point> until) {
    std::unique_lock lock(mutex_);
    const auto is_due = [&] { return has_changed_; };
    if (until) changed_.wait_until(lock, *until, is_due);
    else changed_.wait(lock, is_due);
}

bool Mailbox::collect(std::vector<std::shared_ptr<RequestState>>& into) {
    const std::lock_guard lock(mutex_);
    has_changed_ = false;
    for (auto& request : submitted_) into.push_back(std::move(request));
    submitted_.clear();
    return !is_stopped_;
}

void Mailbox::count_left(int64_t n_requests, int64_t n_tok) {
    const std::lock_guard lock(mutex_);
    counts_.requests -= n_requests;
    counts_.tokens -= n_tok;
}

Mailbox::Counts Mailbox::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

}  // namespace krait::engine
