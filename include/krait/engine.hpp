// SPDX-License-Identifier: Apache-2.0
//
// Engines and their requests (engine.h).
//   auto engine = kr::Engine::create(*model);
//   krait_request_options options = KRAIT_REQUEST_OPTIONS_INIT;
//   options.tokens = prompt.data(), options.n_tok = prompt.size();
//   auto request = engine->submit(options);
//   for (auto event = request->next(); event && event->kind != KRAIT_EVENT_END; event = request->next()) ...
#pragma once

#include <krait/engine.h>
#include <krait/session.hpp>

namespace krait::api {

class Request {
  public:
    // Waits; below 0: as long as it takes.
    Result<krait_event> next(double timeout_seconds = -1) {
        krait_event event = KRAIT_EVENT_INIT;
        return detail::call([&](krait_failure* f) { return krait_request_next(get(), timeout_seconds, &event, f); },
                            [&] { return event; });
    }
    Status cancel() {
        return detail::call([&](krait_failure* f) { return krait_request_cancel(get(), f); }, [] { return Done{}; });
    }
    Status pause(bool spill = false) {
        return detail::call([&](krait_failure* f) { return krait_request_pause(get(), spill ? 1 : 0, f); },
                            [] { return Done{}; });
    }
    Status go_on() {
        return detail::call([&](krait_failure* f) { return krait_request_continue(get(), f); }, [] { return Done{}; });
    }
    Result<krait_request_figures> measure() const {
        krait_request_figures figures = KRAIT_REQUEST_FIGURES_INIT;
        return detail::call([&](krait_failure* f) { return krait_request_measure(get(), &figures, f); },
                            [&] { return figures; });
    }
    Result<std::string> reuse_text() const {
        return detail::array<std::string>([&](char* text, size_t capacity, size_t* size, krait_failure* f) {
            return krait_request_reuse_text(get(), text, capacity, size, f);
        });
    }
    // Of a request that finished with an error; KRAIT_OK of others.
    Failure error() const {
        krait_failure error{};
        krait_request_error(get(), &error, nullptr);
        return {static_cast<krait_code>(error.code), error.message};
    }
    krait_request* get() const { return handle_.get(); }

  private:
    friend class Engine;
    explicit Request(krait_request* handle) : handle_(handle) {}
    detail::Owner<krait_request, krait_request_free> handle_;
};

class Engine {
  public:
    static Result<Engine> create(const Model& model, krait_engine_options options = KRAIT_ENGINE_OPTIONS_INIT) {
        krait_engine* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_engine_create(model.get(), &options, &handle, f); },
                            [&] { return Engine(handle); });
    }
    Result<Request> submit(const krait_request_options& options) {
        krait_request* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_engine_submit(get(), &options, &handle, f); },
                            [&] { return Request(handle); });
    }
    Result<krait_engine_figures> measure() const {
        krait_engine_figures figures = KRAIT_ENGINE_FIGURES_INIT;
        return detail::call([&](krait_failure* f) { return krait_engine_measure(get(), &figures, f); },
                            [&] { return figures; });
    }
    krait_engine* get() const { return handle_.get(); }

  private:
    explicit Engine(krait_engine* handle) : handle_(handle) {}
    detail::Owner<krait_engine, krait_engine_free> handle_;
};

}  // namespace krait::api
