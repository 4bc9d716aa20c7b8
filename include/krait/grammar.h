/* SPDX-License-Identifier: Apache-2.0
 *
 * Grammars: which texts a model may write. A grammar is GBNF, a JSON schema, a regular expression or any JSON object
 * (docs/grammars.md); a state of it follows the tokens of one sequence and tells which may come next.
 *
 *   krait_grammar_create   ->  krait_grammar_state_create, once for each sequence
 *   a step of generation:  decode; krait_grammar_state_apply on the logits, or as the sampler's constraint; sample;
 *                          krait_grammar_state_accept
 *
 * Nothing is let through because of an error or a limit: the call fails then, and the state is as before it.
 */
#ifndef KRAIT_GRAMMAR_H
#define KRAIT_GRAMMAR_H

#include <krait/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum krait_grammar_kind {
    KRAIT_GRAMMAR_GBNF = 0,
    KRAIT_GRAMMAR_JSON_SCHEMA = 1, /* Draft 2020-12; what is not supported is an error */
    KRAIT_GRAMMAR_REGEX = 2,       /* the whole text has to match */
    KRAIT_GRAMMAR_JSON_OBJECT = 3  /* any object of JSON; the text of the grammar is ignored */
} krait_grammar_kind;

/* A compiled grammar. It never changes: threads may share one, and it may be freed before its states. */
typedef struct krait_grammar krait_grammar;

typedef struct krait_grammar_options {
    size_t struct_size;
    krait_grammar_kind kind;
    int32_t is_lenient; /* 1: keywords of a JSON schema that are not supported are left out, with a warning; 0: an error */
    /* A lazy grammar: n_trigger texts, NUL-terminated, 1 to 256 bytes each; copied. The text is free until the first of them
     * comes up, and obeys the grammar from its beginning on, so each is the beginning of a text of the grammar. */
    const char* const* triggers;
    size_t n_trigger;
} krait_grammar_options;
#define KRAIT_GRAMMAR_OPTIONS_INIT \
    { sizeof(krait_grammar_options), KRAIT_GRAMMAR_GBNF, 0, NULL, 0 }

/* text: size bytes, at most 4 MiB; used during the call only. options may be NULL. Time and memory are linear in the size,
 * whatever numbers of repetitions it has.
 *   INVALID_ARGUMENT   the text is wrong: says where, by line and column or by the path in a schema, and what would be right; a
 *                      rule begins with itself; the grammar accepts no text; no text begins with a trigger
 *   UNSUPPORTED        it needs more memory or steps than a grammar may */
KRAIT_API krait_code krait_grammar_create(const char* text, size_t size, const krait_grammar_options* options,
                                          krait_grammar** out, krait_failure* failure);
KRAIT_API void krait_grammar_free(krait_grammar* grammar);
/* The warnings of a lenient grammar, from index 0 on: *size bytes, valid until the grammar is freed. NOT_FOUND past the
 * last. */
KRAIT_API krait_code krait_grammar_warning(const krait_grammar* grammar, size_t index, const char** text, size_t* size,
                                           krait_failure* failure);
/* Whether the grammar accepts a text of size bytes: *is_accepted is 1 or 0; *n_matched: how many of its bytes a text of the
 * grammar can begin with. UNSUPPORTED at a limit (krait_grammar_state), and for a grammar that names tokens. */
KRAIT_API krait_code krait_grammar_match(const krait_grammar* grammar, const char* text, size_t size, int32_t* is_accepted,
                                         size_t* n_matched, krait_failure* failure);

/* A place in a grammar: the tokens that one text has so far. For one thread at a time. A state has limits: 4096 rules inside
 * each other, 64 MiB, about half a second for a call; beyond them functions fail with UNSUPPORTED. */
typedef struct krait_grammar_state krait_grammar_state;

/* At the beginning of a text. model: whose tokens are meant; it may be freed before the state. The first state of a model takes
 * some 0.1 s for 100,000 tokens, others share what it made. Errors of krait_model_tokenize for a model without a tokenizer;
 * INVALID_ARGUMENT where the grammar names a token that the model does not have. */
KRAIT_API krait_code krait_grammar_state_create(const krait_grammar* grammar, const krait_model* model,
                                                krait_grammar_state** out, krait_failure* failure);
KRAIT_API void krait_grammar_state_free(krait_grammar_state* state);
/* The text goes on with this token. An end-of-generation token (krait_model_ends) is allowed where the grammar accepts, and
 * nothing after it. INVALID_ARGUMENT where the token is not allowed. */
KRAIT_API krait_code krait_grammar_state_accept(krait_grammar_state* state, int32_t token, krait_failure* failure);
/* Takes the latest n_tok tokens back, in time proportional to n_tok: for speculation. INVALID_ARGUMENT where fewer were
 * accepted. */
KRAIT_API krait_code krait_grammar_state_rollback(krait_grammar_state* state, size_t n_tok, krait_failure* failure);
/* To the beginning of a text. state may be NULL. */
KRAIT_API void krait_grammar_state_reset(krait_grammar_state* state);
/* A state at the same place, for a fork of its sequence. */
KRAIT_API krait_code krait_grammar_state_clone(const krait_grammar_state* state, krait_grammar_state** out,
                                               krait_failure* failure);
/* The tokens that may come next: a bit for each, the lowest bit of word 0 for token 0; *n_word words, valid until the next call
 * for this state. All bits are 0 after an end token. UNSUPPORTED at a limit, and where no token goes on with the text. */
KRAIT_API krait_code krait_grammar_state_mask(krait_grammar_state* state, const uint64_t** words, size_t* n_word,
                                              krait_failure* failure);
/* The same on n_token logits: those of tokens that may not come next become -INFINITY. Errors of krait_grammar_state_mask, and
 * then the logits are as before. */
KRAIT_API krait_code krait_grammar_state_apply(krait_grammar_state* state, float* logits, size_t n_token,
                                               krait_failure* failure);
/* *is_finished: 1 where nothing but an end token can follow, so that generation may stop; else 0. Errors of
 * krait_grammar_state_mask. */
KRAIT_API krait_code krait_grammar_state_is_finished(krait_grammar_state* state, int32_t* is_finished, krait_failure* failure);
/* 1 where the grammar accepts the text as it is, else 0. */
KRAIT_API int krait_grammar_state_is_accepting(const krait_grammar_state* state);

#ifdef __cplusplus
}
#endif
#endif
