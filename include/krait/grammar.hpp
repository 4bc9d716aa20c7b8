// SPDX-License-Identifier: Apache-2.0
//
// C++ over grammar.h: a grammar, and where a text stands in it. Handles are owned and move; errors are api::Result.
#pragma once

#include <krait/grammar.h>
#include <krait/model.hpp>

namespace krait::api {

class Grammar {
  public:
    static Result<Grammar> create(std::string_view text, const krait_grammar_options& options) {
        krait_grammar* handle = nullptr;
        return detail::call(
            [&](krait_failure* f) { return krait_grammar_create(text.data(), text.size(), &options, &handle, f); },
            [&] { return Grammar(handle); });
    }
    static Result<Grammar> create(std::string_view text, krait_grammar_kind kind) {
        krait_grammar_options options = KRAIT_GRAMMAR_OPTIONS_INIT;
        options.kind = kind;
        return create(text, options);
    }
    std::vector<std::string_view> warnings() const {
        std::vector<std::string_view> all;
        const char* text = nullptr;
        size_t size = 0;
        while (krait_grammar_warning(get(), all.size(), &text, &size, nullptr) == KRAIT_OK) all.emplace_back(text, size);
        return all;
    }
    struct Match {
        bool is_accepted = false;
        size_t n_matched = 0;
    };
    Result<Match> match(std::string_view text) const {
        int32_t is_accepted = 0;
        size_t n_matched = 0;
        return detail::call(
            [&](krait_failure* f) { return krait_grammar_match(get(), text.data(), text.size(), &is_accepted, &n_matched, f); },
            [&] {
                return Match{is_accepted != 0, n_matched};
            });
    }
    krait_grammar* get() const { return handle_.get(); }

  private:
    explicit Grammar(krait_grammar* handle) : handle_(handle) {}
    detail::Owner<krait_grammar, krait_grammar_free> handle_;
};

class GrammarState {
  public:
    static Result<GrammarState> create(const Grammar& grammar, const Model& model) {
        krait_grammar_state* handle = nullptr;
        return detail::call(
            [&](krait_failure* f) { return krait_grammar_state_create(grammar.get(), model.get(), &handle, f); },
            [&] { return GrammarState(handle); });
    }
    Status accept(int32_t token) {
        return detail::call([&](krait_failure* f) { return krait_grammar_state_accept(get(), token, f); },
                            [] { return Done{}; });
    }
    Status rollback(size_t n_tok) {
        return detail::call([&](krait_failure* f) { return krait_grammar_state_rollback(get(), n_tok, f); },
                            [] { return Done{}; });
    }
    void reset() { krait_grammar_state_reset(get()); }
    Result<GrammarState> clone() const {
        krait_grammar_state* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_grammar_state_clone(get(), &handle, f); },
                            [&] { return GrammarState(handle); });
    }
    Result<std::span<const uint64_t>> mask() {
        const uint64_t* words = nullptr;
        size_t n_word = 0;
        return detail::call([&](krait_failure* f) { return krait_grammar_state_mask(get(), &words, &n_word, f); },
                            [&] { return std::span(words, n_word); });
    }
    Status apply(std::span<float> logits) {
        return detail::call([&](krait_failure* f) { return krait_grammar_state_apply(get(), logits.data(), logits.size(), f); },
                            [] { return Done{}; });
    }
    Result<bool> is_finished() {
        int32_t is_finished = 0;
        return detail::call([&](krait_failure* f) { return krait_grammar_state_is_finished(get(), &is_finished, f); },
                            [&] { return is_finished != 0; });
    }
    bool is_accepting() const { return krait_grammar_state_is_accepting(get()) != 0; }
    krait_grammar_state* get() const { return handle_.get(); }

  private:
    explicit GrammarState(krait_grammar_state* handle) : handle_(handle) {}
    detail::Owner<krait_grammar_state, krait_grammar_state_free> handle_;
};

}  // namespace krait::api
