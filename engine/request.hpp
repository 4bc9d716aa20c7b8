// SPDX-License-Identifier: Apache-2.0
//
// The handle of a request, by which its answer is taken.
//   KRAIT_TRY(Request request, engine.submit({.tokens = prompt, .max_tokens = 64}));
//   while (const auto event = request.next())
//       if (event->kind == Event::Kind::token) show(event->token);
#pragma once

#include <memory>
#include <optional>

#include "engine/event.hpp"
#include "engine/request_options.hpp"

namespace krait::engine {

class RequestState;

// Owns the request: one that has not finished is cancelled with its handle. May outlive the engine. next() and try_next()
// by one thread at a time, all others by any.
class Request {
  public:
    Request() = default;
    explicit Request(std::shared_ptr<RequestState> state) : state_(std::move(state)) {}
    Request(Request&&) noexcept = default;
    Request& operator=(Request&& other) noexcept;
    ~Request();  // not by `wake`, and without a lock that `wake` takes

    // Waits for the next event; nothing after the last one, or when the time is over.
    std::optional<Event> next(std::optional<Clock::duration> timeout = std::nullopt);
    std::optional<Event> try_next() { return next(Clock::duration::zero()); }
    // The last event was taken.
    bool is_finished() const;

    // Takes effect before the next step: events of tokens that are there already come first.
    void cancel();
    // No more tokens until go_on(). The sequences stay, or are saved in host memory and given to other requests (spill).
    void pause(bool spill = false);
    void go_on();

    RequestStats stats() const;  // complete with the last event

  private:
    std::shared_ptr<RequestState> state_;
};

}  // namespace krait::engine
