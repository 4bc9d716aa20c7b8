// SPDX-License-Identifier: Apache-2.0
//
// Krait for C++: krait.h with owning handles, spans and a Result. Header-only; every function says no more than its C
// counterpart, which has the contract.
//   namespace kr = krait::api;
//   auto model = kr::Model::load();                       // the demo model
//   if (!model) return complain(model.failure().message);
//   auto tokens = model->tokenize("It was");
#pragma once

#if !defined(_MSVC_LANG) && __cplusplus < 202002L
#error "krait.hpp needs C++20 (-std=c++20); krait.h is C11"
#endif

#include <krait/krait.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace krait::api {

struct Failure {
    krait_code code = KRAIT_OK;
    std::string message;
};

// A value, or why there is none.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Failure failure) : failure_(std::move(failure)) {}
    explicit operator bool() const { return value_.has_value(); }
    T& operator*() & { return *value_; }
    const T& operator*() const& { return *value_; }
    T&& operator*() && { return std::move(*value_); }
    T* operator->() { return &*value_; }
    const T* operator->() const { return &*value_; }
    const Failure& failure() const { return failure_; }

  private:
    std::optional<T> value_;
    Failure failure_;
};

struct Done {};
using Status = Result<Done>;

namespace detail {

// call([&](krait_failure* f) { return krait_session_reset(session, 0, f); }, [&] { return Done{}; })
template <class Function, class Value>
auto call(Function&& function, Value&& value) -> Result<decltype(value())> {
    krait_failure failure{};
    const krait_code code = function(&failure);
    if (code != KRAIT_OK) return Failure{code, failure.message};
    return value();
}

// Asks for the size, then for the elements: fill(elements, capacity, &size, failure).
template <class Array, class Fill>
Result<Array> array(Fill&& fill) {
    size_t size = 0;
    Array elements;
    auto count = call([&](krait_failure* f) { return fill(nullptr, size_t{0}, &size, f); }, [] { return Done{}; });
    if (!count) return count.failure();
    elements.resize(size);
    if (size == 0) return elements;
    return call([&](krait_failure* f) { return fill(elements.data(), elements.size(), &size, f); },
                [&] { return std::move(elements); });
}

template <class T, void (*Free)(T*)>
struct Deleter {
    void operator()(T* handle) const { Free(handle); }
};
template <class T, void (*Free)(T*)>
using Owner = std::unique_ptr<T, Deleter<T, Free>>;

}  // namespace detail

// What an executor's threads are given: task(0) .. task(n_tasks - 1), each once.
class Task {
  public:
    Task(void (*function)(void*, uint32_t), void* context) : function_(function), context_(context) {}
    void operator()(uint32_t index) const { function_(context_, index); }

  private:
    void (*function_)(void*, uint32_t);
    void* context_;
};

// pool(n_tasks, task) as the executor of a model; krait_executor says what it must do. Outlives the model and its sessions.
template <class Pool>
krait_executor executor_of(Pool& pool, uint32_t n_threads) {
    return {&pool, n_threads, [](void* context, uint32_t n_tasks, void (*function)(void*, uint32_t), void* task_context) {
                (*static_cast<Pool*>(context))(n_tasks, Task(function, task_context));
            }};
}

class Model {
  public:
    // An empty path is the demo model. executor: NULL = the device's own threads.
    static Result<Model> load(const std::string& path = {}, const std::string& device = {},
                              const krait_executor* executor = nullptr) {
        krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
        options.device = device.empty() ? nullptr : device.c_str();
        options.executor = executor;
        krait_model* handle = nullptr;
        return detail::call(
            [&](krait_failure* f) { return krait_model_load(path.empty() ? nullptr : path.c_str(), &options, &handle, f); },
            [&] { return Model(handle); });
    }
    // With everything that krait_model_options can say. A name of its own: load(path, {}) would mean both.
    static Result<Model> load_with(const std::string& path, const krait_model_options& options) {
        krait_model* handle = nullptr;
        return detail::call(
            [&](krait_failure* f) { return krait_model_load(path.empty() ? nullptr : path.c_str(), &options, &handle, f); },
            [&] { return Model(handle); });
    }
    Result<std::string> explain(int32_t n_row = 512, krait_explain_form form = KRAIT_EXPLAIN_TABLE) const {
        return detail::array<std::string>([&](char* text, size_t capacity, size_t* size, krait_failure* f) {
            return krait_model_explain(get(), n_row, form, text, capacity, size, f);
        });
    }
    krait_model_description describe() const {
        krait_model_description description{};
        krait_model_describe(get(), &description, nullptr);
        return description;
    }
    // A piece of a prompt that the application wrote: control tokens in it are recognized. Text of others:
    // KRAIT_TOKENIZE_PLAIN.
    Result<std::vector<int32_t>> tokenize(std::string_view text, uint32_t flags = KRAIT_TOKENIZE_CONTROL) const {
        return detail::array<std::vector<int32_t>>([&](int32_t* tokens, size_t capacity, size_t* n_tok, krait_failure* f) {
            return krait_model_tokenize_with(get(), text.data(), text.size(), flags, tokens, capacity, n_tok, f);
        });
    }
    Result<std::string> detokenize(std::span<const int32_t> tokens) const {
        return detail::array<std::string>([&](char* text, size_t capacity, size_t* size, krait_failure* f) {
            return krait_model_detokenize(get(), tokens.data(), tokens.size(), text, capacity, size, f);
        });
    }
    Result<int32_t> token(std::string_view text) const {
        int32_t token = 0;
        return detail::call([&](krait_failure* f) { return krait_model_token(get(), text.data(), text.size(), &token, f); },
                            [&] { return token; });
    }
    std::vector<int32_t> ends() const {
        auto tokens = detail::array<std::vector<int32_t>>([&](int32_t* out, size_t capacity, size_t* n_tok, krait_failure* f) {
            return krait_model_ends(get(), out, capacity, n_tok, f);
        });
        return tokens ? std::move(*tokens) : std::vector<int32_t>();
    }
    bool is_end(int32_t token) const { return krait_model_is_end(get(), token) != 0; }
    std::vector<std::string> warnings() const {
        std::vector<std::string> all;
        while (const char* warning = krait_model_warning(get(), all.size())) all.emplace_back(warning);
        return all;
    }
    krait_model* get() const { return handle_.get(); }

  private:
    explicit Model(krait_model* handle) : handle_(handle) {}
    detail::Owner<krait_model, krait_model_free> handle_;
};

class Sampler {
  public:
    static Result<Sampler> create(krait_sampler_options options = KRAIT_SAMPLER_OPTIONS_INIT) {
        krait_sampler* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_sampler_create(&options, &handle, f); },
                            [&] { return Sampler(handle); });
    }
    // How many candidates it needs (Session::decode_top); 0 = all logits.
    int32_t needs() const {
        int32_t top_k = 0;
        krait_sampler_needs(get(), &top_k, nullptr);
        return top_k;
    }
    krait_sampler* get() const { return handle_.get(); }

  private:
    explicit Sampler(krait_sampler* handle) : handle_(handle) {}
    detail::Owner<krait_sampler, krait_sampler_free> handle_;
};

class Session {
  public:
    static Result<Session> create(const Model& model, krait_session_options options = KRAIT_SESSION_OPTIONS_INIT) {
        krait_session* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_session_create(model.get(), &options, &handle, f); },
                            [&] { return Session(handle); });
    }
    Status decode(std::span<const krait_batch_item> items) {
        return detail::call([&](krait_failure* f) { return krait_session_decode(get(), items.data(), items.size(), f); },
                            [] { return Done{}; });
    }
    // One sequence goes on.
    Status decode(std::span<const int32_t> tokens, int32_t sequence = 0, krait_want want = KRAIT_WANT_LAST) {
        const krait_batch_item item = item_of(tokens, sequence, want);
        return decode(std::span(&item, 1));
    }
    // One sequence goes on; candidates() then has the most likely tokens.
    Status decode_top(std::span<const int32_t> tokens, int32_t top_k, int32_t sequence = 0) {
        krait_batch_item item = item_of(tokens, sequence, KRAIT_WANT_TOP);
        item.top_k = top_k;
        return decode(std::span(&item, 1));
    }
    // For a batch of several; snapshots and top_k are still to be said.
    static krait_batch_item item_of(std::span<const int32_t> tokens, int32_t sequence, krait_want want) {
        krait_batch_item item{};
        item.sequence = sequence;
        item.want = want;
        item.tokens = tokens.data();
        item.n_tok = tokens.size();
        return item;
    }
    Result<std::span<const float>> logits(size_t item = 0, size_t row = 0) const {
        const float* values = nullptr;
        size_t n_vocab = 0;
        return detail::call([&](krait_failure* f) { return krait_session_logits(get(), item, row, &values, &n_vocab, f); },
                            [&] { return std::span<const float>(values, n_vocab); });
    }
    Result<std::span<const krait_candidate>> candidates(size_t item = 0) const {
        const krait_candidate* values = nullptr;
        size_t n = 0;
        return detail::call([&](krait_failure* f) { return krait_session_candidates(get(), item, &values, &n, f); },
                            [&] { return std::span<const krait_candidate>(values, n); });
    }
    // Greedy: the n_tok most likely one after the other, up to one of stops.
    Result<std::span<const krait_candidate>> chain(int32_t token, size_t n_tok, std::span<const int32_t> stops = {},
                                                   int32_t sequence = 0) {
        const krait_candidate* values = nullptr;
        size_t n = 0;
        return detail::call(
            [&](krait_failure* f) {
                return krait_session_chain(get(), sequence, token, n_tok, stops.data(), stops.size(), &values, &n, f);
            },
            [&] { return std::span<const krait_candidate>(values, n); });
    }
    Result<int32_t> sample(Sampler& sampler, size_t item = 0) const {
        int32_t token = 0;
        return detail::call([&](krait_failure* f) { return krait_session_sample(get(), item, sampler.get(), &token, f); },
                            [&] { return token; });
    }
    Result<size_t> length(int32_t sequence = 0) const {
        size_t n_tok = 0;
        return detail::call([&](krait_failure* f) { return krait_session_length(get(), sequence, &n_tok, f); },
                            [&] { return n_tok; });
    }
    Status reset(int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_reset(get(), sequence, f); }, [] { return Done{}; });
    }
    Status fork(int32_t from, int32_t to) {
        return detail::call([&](krait_failure* f) { return krait_session_fork(get(), from, to, f); }, [] { return Done{}; });
    }
    Status keep(int32_t sequence) {
        return detail::call([&](krait_failure* f) { return krait_session_keep(get(), sequence, f); }, [] { return Done{}; });
    }
    Status snapshot(int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_snapshot(get(), sequence, f); },
                            [] { return Done{}; });
    }
    Status rollback(size_t n_tok, int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_rollback(get(), sequence, n_tok, f); },
                            [] { return Done{}; });
    }
    Status drop_snapshot(size_t n_tok, int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_snapshot_drop(get(), sequence, n_tok, f); },
                            [] { return Done{}; });
    }
    Result<std::vector<size_t>> snapshots(int32_t sequence = 0) const {
        size_t count = 0;
        std::vector<size_t> n_tok;
        auto asked =
            detail::call([&](krait_failure* f) { return krait_session_snapshots(get(), sequence, nullptr, 0, &count, f); },
                         [] { return Done{}; });
        if (!asked) return asked.failure();
        n_tok.resize(count);
        return detail::call(
            [&](krait_failure* f) { return krait_session_snapshots(get(), sequence, n_tok.data(), n_tok.size(), &count, f); },
            [&] { return std::move(n_tok); });
    }
    Result<int64_t> position(int32_t sequence = 0) const {
        int64_t next = 0;
        return detail::call([&](krait_failure* f) { return krait_session_position(get(), sequence, &next, f); },
                            [&] { return next; });
    }
    Status add_to_positions(int64_t first, int64_t last, int64_t delta, int32_t sequence = 0) {
        return detail::call(
            [&](krait_failure* f) { return krait_session_positions_add(get(), sequence, first, last, delta, f); },
            [] { return Done{}; });
    }
    Status divide_positions(int64_t first, int64_t last, int64_t divisor, int32_t sequence = 0) {
        return detail::call(
            [&](krait_failure* f) { return krait_session_positions_divide(get(), sequence, first, last, divisor, f); },
            [] { return Done{}; });
    }
    Status remove(int64_t first, int64_t last, int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_remove(get(), sequence, first, last, f); },
                            [] { return Done{}; });
    }
    Result<std::vector<std::byte>> save(int32_t sequence = 0) {
        size_t size = 0;
        std::vector<std::byte> bytes;
        auto count = detail::call([&](krait_failure* f) { return krait_session_save(get(), sequence, nullptr, 0, &size, f); },
                                  [] { return Done{}; });
        if (!count) return count.failure();
        bytes.resize(size);
        return detail::call(
            [&](krait_failure* f) { return krait_session_save(get(), sequence, bytes.data(), bytes.size(), &size, f); },
            [&] { return std::move(bytes); });
    }
    Status restore(std::span<const std::byte> bytes, int32_t sequence = 0) {
        return detail::call(
            [&](krait_failure* f) { return krait_session_restore(get(), sequence, bytes.data(), bytes.size(), f); },
            [] { return Done{}; });
    }
    // The same model on other devices.
    Status move_to(const Model& model) {
        return detail::call([&](krait_failure* f) { return krait_session_move(get(), model.get(), f); }, [] { return Done{}; });
    }
    krait_session* get() const { return handle_.get(); }

  private:
    explicit Session(krait_session* handle) : handle_(handle) {}
    detail::Owner<krait_session, krait_session_free> handle_;
};

}  // namespace krait::api
