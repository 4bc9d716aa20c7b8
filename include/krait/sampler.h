/* SPDX-License-Identifier: Apache-2.0
 *
 * A sampler: chooses the next token, and remembers the tokens of one sequence.
 */
#ifndef KRAIT_SAMPLER_H
#define KRAIT_SAMPLER_H

#include <krait/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_sampler krait_sampler;

/* Called before each choice, with a copy of the n_token logits: may change them, -INFINITY forbids a token; NaN and +INFINITY
 * are INVALID_ARGUMENT. Return 0 to go on; any other value ends the call with KRAIT_CANCELLED. Such a sampler needs all logits.
 * Called on the thread that called Krait; it must not use the sampler, and not throw. */
typedef int (*krait_constraint)(void* user, float* logits, size_t n_token);

typedef struct krait_sampler_options {
    size_t struct_size;
    float temperature;           /* 0 or more, finite; 0 = always the most likely token */
    int32_t top_k;               /* 0 or more: only the k most likely tokens; 0 = all */
    float top_p;                 /* 0 to 1: only the most likely tokens that together have this probability; 1 = all */
    float min_p;                 /* 0 to 1: only tokens with this fraction of the largest probability; 0 = all */
    float repetition_penalty;    /* more than 0, finite; 1 = none */
    int32_t repetition_window;   /* 0 to 1024: number of latest tokens to which the penalty applies */
    uint64_t seed;               /* the same seed and logits give the same tokens on every machine */
    krait_constraint constraint; /* NULL = none */
    void* user;                  /* of constraint; both stay valid until the sampler and its clones are freed */
} krait_sampler_options;
#define KRAIT_SAMPLER_OPTIONS_INIT \
    { sizeof(krait_sampler_options), 0.8f, 40, 0.95f, 0.0f, 1.0f, 64, 0, NULL, NULL }

/* options may be NULL. */
KRAIT_API krait_code krait_sampler_create(const krait_sampler_options* options, krait_sampler** out, krait_failure* failure);
KRAIT_API void krait_sampler_free(krait_sampler* sampler);
/* *top_k: the number of candidates with which this sampler chooses the same token as with all logits (KRAIT_WANT_TOP), except
 * that a NaN among logits that are no candidates is not seen; 0 where it needs all logits (KRAIT_WANT_LAST). */
KRAIT_API krait_code krait_sampler_needs(const krait_sampler* sampler, int32_t* top_k, krait_failure* failure);
/* The next token after an item of the latest decode, from its candidates or the logits of its last row; remembers it for the
 * repetition penalty. NOT_FOUND where the item has neither; INVALID_ARGUMENT where there are fewer candidates than the
 * sampler needs, or every token is forbidden; INTERNAL where the model's logits are no numbers. Neither the session nor the
 * sampler may be in use by another thread. */
KRAIT_API krait_code krait_session_sample(const krait_session* session, size_t item, krait_sampler* sampler, int32_t* token,
                                          krait_failure* failure);
/* The same from logits of the application's own: n_token of them, 1 to 2^31 - 1. Does not remember the token. NaN and +INFINITY
 * are INVALID_ARGUMENT. */
KRAIT_API krait_code krait_sampler_sample(krait_sampler* sampler, const float* logits, size_t n_token, int32_t* token,
                                          krait_failure* failure);
/* Remembers tokens that were not sampled for the repetition penalty: of a prompt, or of a chain. Ids are not checked. */
KRAIT_API krait_code krait_sampler_accept(krait_sampler* sampler, const int32_t* tokens, size_t n_tok, krait_failure* failure);
/* Restarts the random generator from the seed; all tokens are forgotten. NULL is allowed. */
KRAIT_API void krait_sampler_reset(krait_sampler* sampler);
/* A sampler that continues as this one would, with the same constraint and user: for a fork of its sequence. */
KRAIT_API krait_code krait_sampler_clone(const krait_sampler* sampler, krait_sampler** out, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
