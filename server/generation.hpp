// SPDX-License-Identifier: Apache-2.0
//
// A request of the engine as texts: takes its events on the loop's thread, and tells a listener what to send.
#pragma once

#include <chrono>
#include <memory>
#include <span>

#include "server/http/http_server.hpp"
#include "server/metrics.hpp"
#include "server/served_model.hpp"

namespace krait::server {

struct GenerationOptions {
    std::vector<int32_t> prompt;
    std::vector<size_t> message_ends;
    krait_sampler_options sampler = KRAIT_SAMPLER_OPTIONS_INIT;
    std::vector<std::string> stops;  // texts before which a choice ends
    bool ignore_ends = false;        // of the model
    int64_t max_tokens = -1;
    int32_t n = 1;
    int32_t priority = 0;
    std::string key;  // of the client, by which the engine shares itself
    double timeout_seconds = 0;
    bool reuse = true;
};

enum class FinishReason { stop, length, cancelled, deadline, error };

struct ChoiceEnd {
    FinishReason reason = FinishReason::stop;
    std::string stop_text;    // with `stop`, where a stop text ended it
    int32_t stop_token = -1;  // where a token did
};

// What a request took, when it has ended.
struct GenerationFigures {
    krait_request_figures request = KRAIT_REQUEST_FIGURES_INIT;
    uint64_t generated_tokens = 0;  // of all choices, as far as they were wanted
    std::string reuse_text;
};

class GenerationListener {
  public:
    GenerationListener() = default;
    GenerationListener(const GenerationListener&) = delete;
    GenerationListener& operator=(const GenerationListener&) = delete;
    virtual ~GenerationListener() = default;
    // Text of a choice, whole characters; tokens: those that were generated since the last call, whose text may still be held
    // back.
    virtual void on_text(int32_t choice, std::string_view text, std::span<const int32_t> tokens) = 0;
    virtual void on_choice_end(int32_t choice, const ChoiceEnd& end) = 0;
    // Once, last.
    virtual void on_end(const GenerationFigures& figures) = 0;
    virtual void on_error(const Error& error) = 0;  // instead of on_end
    // No more for now: Generation::go_on is called later. The engine pauses the request meanwhile.
    virtual bool is_full() const { return false; }
};

// Everything on the loop's thread, the destructor too.
class Generation : public std::enable_shared_from_this<Generation> {
  public:
    // The request is the engine's afterwards; events begin to come when the loop goes on. 503 where the queue is full.
    static Result<std::shared_ptr<Generation>> start(HttpServer& loop, ServedModel& model, Metrics& metrics,
                                                     const GenerationOptions& options,
                                                     std::shared_ptr<GenerationListener> listener);
    ~Generation();
    Generation(const Generation&) = delete;
    Generation& operator=(const Generation&) = delete;

    void go_on();   // takes what has come
    void cancel();  // the listener hears no more

  private:
    using Clock = std::chrono::steady_clock;
    struct Choice {
        explicit Choice(api::Detokenizer made) : detokenizer(std::move(made)) {}
        api::Detokenizer detokenizer;
        std::vector<int32_t> tokens;  // with several stop texts, to tell which of them came
        Clock::time_point last_token{};
        bool has_ended = false;
    };

    Generation(HttpServer& loop, const api::Model& model, Metrics& metrics, std::shared_ptr<GenerationListener> listener);
    static void wake(void* generation);
    void take(const krait_event& event);
    void take_token(int32_t index, int32_t token);
    std::string stop_text_of(const Choice& choice) const;
    void end_choice(int32_t index, ChoiceEnd end);
    void fail(Error error);
    void end();

    HttpServer& loop_;
    const api::Model& model_;
    Metrics& metrics_;
    std::shared_ptr<GenerationListener> listener_;  // none after the end
    std::vector<std::string> stops_;
    std::vector<Choice> choices_;
    std::optional<api::Request> request_;
    std::atomic<bool> is_woken_{false};  // a call of go_on is on its way to the loop
    const Clock::time_point started_ = Clock::now();
    uint64_t generated_tokens_ = 0;
    size_t n_ended_ = 0;
};

}  // namespace krait::server
