// SPDX-License-Identifier: Apache-2.0
//
// An engine: many requests on one model. Its thread owns a session; a step of it reads one token of each answer in progress,
// and rows of prompts for as long as a step may take. Prefixes of prompts that have been read are kept, and later requests go
// on from them (engine/prefix/). docs/engine.md shows a step and the tree of prefixes.
//   KRAIT_TRY(Engine engine, Engine::create(model));
//   KRAIT_TRY(Request request, engine.submit({.tokens = prompt}));
// On a CPU an answer has the tokens that it would have alone and without kept prefixes; on other devices a token's bits may
// depend on the run that computed it.
#pragma once

#include <memory>

#include "engine/engine_options.hpp"
#include "engine/request.hpp"

namespace krait::engine {

class Worker;

// Any thread, but for the destructor, which ends all requests as cancelled.
class Engine {
  public:
    static Result<Engine> create(std::shared_ptr<const Model> model, const EngineOptions& options = {});
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;
    ~Engine();

    // invalid_argument for a request that could never run; unavailable where the queue is full (QueueLimits).
    Result<Request> submit(RequestOptions options);
    EngineStats stats() const;

  private:
    explicit Engine(std::unique_ptr<Worker> worker);
    std::unique_ptr<Worker> worker_;
};

}  // namespace krait::engine
