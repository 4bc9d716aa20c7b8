// SPDX-License-Identifier: Apache-2.0
//
// The thread of an engine. It owns the session and everything about requests in progress; other threads reach it through the
// mailbox and through the states of their requests.
#pragma once

#include <thread>

#include "engine/engine_options.hpp"
#include "engine/job.hpp"
#include "engine/request.hpp"
#include "engine/step.hpp"
#include "engine/step_budget.hpp"

namespace krait::engine {

class Worker {
  public:
    static Result<std::unique_ptr<Worker>> create(std::shared_ptr<const Model> model, const EngineOptions& options);
    ~Worker();

    Result<Request> submit(RequestOptions options);
    EngineStats stats() const;

  private:
    Worker(Session session, const EngineOptions& options);
    Result<void> check(const RequestOptions& options) const;
    int64_t choice_tokens(int32_t n) const;  // for which there can be pages, where all n choices become as long

    // The loop:
    void run();
    bool collect();         // new requests; false: the engine ends
    void apply_controls();  // cancelled, late, paused
    void admit();
    bool take_step();  // false: nobody has anything to read
    void sweep();      // requests that have ended
    void end_all(Finish finish, const std::optional<Error>& error);
    std::optional<Clock::time_point> next_deadline() const;

    // What becomes of a job:
    Job* next_waiting();
    bool fits(const Job& job) const;
    bool start(Job& job);  // with sequences of its own; false: it has ended
    void take_sequences(Job& job);
    void drop_sequence(Choice& choice);
    bool unspill(Job& job);
    void spill(Job& job);
    void read_prompt(Job& job, size_t n_row, const Outputs& outputs);
    void answer(Job& job, const Outputs& outputs);
    void generate(Job& job, size_t index, const Outputs& outputs);
    void finish(Job& job, size_t index, Finish finish, int32_t token = -1);
    void finish_all(Job& job, Finish its, const std::optional<Error>& error = std::nullopt);
    void plan_rows(int64_t n_row);
    static bool is_runnable(const Job& job) { return job.request->control() == Control::run && job.request->has_room(); }
    void publish_stats(bool is_idle);

    EngineOptions options_;
    Session session_;
    size_t n_token_ = 0;
    std::optional<int64_t> sequence_tokens_;  // the most of a sequence
    int64_t n_page_ = 0;                      // of the session
    std::shared_ptr<Mailbox> mailbox_;
    std::unique_ptr<PrefixCache> prefixes_;
    std::optional<Step> step_;
    StepBudget budget_;
    FairShare fair_;
    std::vector<std::shared_ptr<RequestState>> collected_;
    std::vector<std::unique_ptr<Job>> waiting_, running_;
    std::vector<int32_t> free_sequences_;
    int64_t n_promised_page_ = 0;
    EngineStats now_;  // of the engine's thread

    mutable std::mutex stats_mutex_;
    EngineStats stats_;
    Clock::time_point answered_;

    std::thread thread_;
};

}  // namespace krait::engine
