// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include "engine/worker.hpp"

namespace krait::engine {

Engine::Engine(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Result<Engine> Engine::create(std::shared_ptr<const Model> model, const EngineOptions& options) {
    KRAIT_TRY(std::unique_ptr<Worker> worker, Worker::create(std::move(model), options));
    return Engine(std::move(worker));
}

Result<Request> Engine::submit(RequestOptions options) { return worker_->submit(std::move(options)); }
EngineStats Engine::stats() const { return worker_->stats(); }

}  // namespace krait::engine
