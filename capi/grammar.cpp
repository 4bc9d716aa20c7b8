// SPDX-License-Identifier: Apache-2.0
//
// include/krait/grammar.h.
#include "text/grammar/grammar.hpp"

#include <cmath>

#include "capi/api.hpp"
#include "text/grammar/matcher.hpp"

using namespace krait;
using namespace krait::capi;

struct krait_grammar {
    grammar::Grammar compiled;
};

struct krait_grammar_state {
    grammar::Matcher matcher;
};

namespace {

Result<std::shared_ptr<const grammar::TokenIndex>> make_tokens(const krait_model& model) {
    KRAIT_TRY(const Tokenizer* tokenizer, model.tokenizer());
    std::vector<grammar::TokenEntry> entries;
    for (int32_t token = 0; token < tokenizer->size(); ++token) {
        const TokenType type = tokenizer->token_type(token);
        entries.push_back({tokenizer->token_bytes(token),
                           type == TokenType::control || type == TokenType::unknown || type == TokenType::unused});
    }
    std::vector<int32_t> ends;  // a file may name an end that its vocabulary does not have
    for (const int32_t end : model.ends())
        if (end >= 0 && end < tokenizer->size()) ends.push_back(end);
    KRAIT_TRY(auto made, grammar::TokenIndex::create(entries, ends));
    return std::make_shared<const grammar::TokenIndex>(std::move(made));
}

// Those of a model are made once.
Result<std::shared_ptr<const grammar::TokenIndex>> tokens_of(const krait_model& model) {
    const std::lock_guard lock(model.tokens.mutex);
    if (!model.tokens.index) {
        KRAIT_TRY(model.tokens.index, make_tokens(model));
    }
    return model.tokens.index;
}

}  // namespace

krait_code krait_grammar_create(const char* text, size_t size, const krait_grammar_options* options, krait_grammar** out,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        if (size > 0) KRAIT_CHECK(expect_given(text, "text"));
        KRAIT_TRY(const krait_grammar_options given, complete(options, krait_grammar_options KRAIT_GRAMMAR_OPTIONS_INIT));
        const uint32_t kind = number_of(given.kind);
        if (kind > KRAIT_GRAMMAR_JSON_OBJECT)
            return fail(ErrorCode::invalid_argument, "kind is {}; krait_grammar_kind has 0 to {}", kind,
                        static_cast<int>(KRAIT_GRAMMAR_JSON_OBJECT));
        grammar::GrammarOptions wanted{.is_lenient = given.is_lenient != 0, .triggers = {}};
        if (given.n_trigger > 0) KRAIT_CHECK(expect_given(given.triggers, "triggers"));
        for (size_t i = 0; i < given.n_trigger; ++i) {
            KRAIT_CHECK(expect_given(given.triggers[i], "a trigger"));
            wanted.triggers.emplace_back(given.triggers[i]);
        }
        KRAIT_TRY(auto compiled,
                  grammar::Grammar::create(static_cast<grammar::GrammarKind>(kind),
                                           size > 0 ? std::string_view(text, size) : std::string_view(), wanted));
        *out = new krait_grammar{std::move(compiled)};
        return {};
    });
}

void krait_grammar_free(krait_grammar* grammar) { delete grammar; }

krait_code krait_grammar_warning(const krait_grammar* grammar, size_t index, const char** text, size_t* size,
                                 krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(grammar, "grammar"));
        KRAIT_CHECK(expect_given(text, "text"));
        KRAIT_CHECK(expect_given(size, "size"));
        const auto& warnings = grammar->compiled.warnings();
        if (index >= warnings.size())
            return fail(ErrorCode::not_found, "there is no warning {}: the grammar has {}", index, warnings.size());
        *text = warnings[index].data();
        *size = warnings[index].size();
        return {};
    });
}

krait_code krait_grammar_match(const krait_grammar* grammar, const char* text, size_t size, int32_t* is_accepted,
                               size_t* n_matched, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(grammar, "grammar"));
        KRAIT_CHECK(expect_given(is_accepted, "is_accepted"));
        KRAIT_CHECK(expect_given(n_matched, "n_matched"));
        if (size > 0) KRAIT_CHECK(expect_given(text, "text"));
        KRAIT_TRY(const auto match, grammar::match_text(grammar->compiled, size > 0 ? std::string_view(text, size) : ""));
        *is_accepted = match.is_accepted ? 1 : 0;
        *n_matched = match.n_matched;
        return {};
    });
}

krait_code krait_grammar_state_create(const krait_grammar* grammar, const krait_model* model, krait_grammar_state** out,
                                      krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_CHECK(expect_given(grammar, "grammar"));
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_TRY(auto tokens, tokens_of(*model));
        KRAIT_TRY(auto matcher, grammar::Matcher::create(grammar->compiled.program(), std::move(tokens)));
        *out = new krait_grammar_state{std::move(matcher)};
        return {};
    });
}

void krait_grammar_state_free(krait_grammar_state* state) { delete state; }

krait_code krait_grammar_state_accept(krait_grammar_state* state, int32_t token, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(state, "state"));
        return state->matcher.accept(token);
    });
}

krait_code krait_grammar_state_rollback(krait_grammar_state* state, size_t n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(state, "state"));
        return state->matcher.rollback(n_tok);
    });
}

void krait_grammar_state_reset(krait_grammar_state* state) {
    if (state) state->matcher.reset();
}

krait_code krait_grammar_state_clone(const krait_grammar_state* state, krait_grammar_state** out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_CHECK(expect_given(state, "state"));
        KRAIT_TRY(auto copy, state->matcher.clone());
        *out = new krait_grammar_state{std::move(copy)};
        return {};
    });
}

krait_code krait_grammar_state_mask(krait_grammar_state* state, const uint64_t** words, size_t* n_word,
                                    krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(state, "state"));
        KRAIT_CHECK(expect_given(words, "words"));
        KRAIT_CHECK(expect_given(n_word, "n_word"));
        KRAIT_TRY(const auto mask, state->matcher.mask());
        *words = mask.data();
        *n_word = mask.size();
        return {};
    });
}

krait_code krait_grammar_state_apply(krait_grammar_state* state, float* logits, size_t n_token, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(state, "state"));
        if (n_token > 0) KRAIT_CHECK(expect_given(logits, "logits"));
        KRAIT_TRY(const auto mask, state->matcher.mask());
        const size_t n_known = state->matcher.tokens().n_token();  // logits of a padded vocabulary are more
        for (size_t token = 0; token < n_token; ++token)
            if (token >= n_known || !grammar::has_token(mask, token)) logits[token] = -INFINITY;
        return {};
    });
}

krait_code krait_grammar_state_is_finished(krait_grammar_state* state, int32_t* is_finished, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(state, "state"));
        KRAIT_CHECK(expect_given(is_finished, "is_finished"));
        KRAIT_TRY(const bool found, state->matcher.is_finished());
        *is_finished = found ? 1 : 0;
        return {};
    });
}

int krait_grammar_state_is_accepting(const krait_grammar_state* state) {
    return !state ? -1 : state->matcher.is_accepting() ? 1 : 0;
}
