/* SPDX-License-Identifier: Apache-2.0
 *
 * A sampler: chooses the next token of one sequence, and remembers its latest tokens for the repetition penalty.
 */
#ifndef KRAIT_SAMPLER_H
#define KRAIT_SAMPLER_H

#include <krait/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_sampler krait_sampler;

/* Called before each choice with a copy of the n_token logits, which it may change: -INFINITY forbids a token, NaN and
 * +INFINITY are INVALID_ARGUMENT. Return 0 to continue; any other value ends the call with KRAIT_CANCELLED. A sampler with a
 * constraint needs all logits. Called on the thread that called Krait; it must not use the sampler, and not throw. */
typedef int (*krait_constraint)(void* user, float* logits, size_t n_token);

/* A token is chosen in this order:
 *   1 constraint           changes a copy of the logits
 *   2 repetition penalty   divides a logit above 0 by the penalty, and multiplies any other one with it; once for each
 *                          different token among the latest repetition_window tokens
 *     temperature 0        takes the token with the largest logit (of equal ones the smallest id); the steps below are skipped
 *   3 top_k                keeps the k tokens with the largest logits (of equal ones the smallest ids)
 *   4 top_p                keeps the smallest number of most likely tokens whose probabilities add up to top_p or more
 *   5 min_p                keeps the tokens whose probability is at least min_p times that of the most likely token
 *   6 temperature          takes a random token, with the probabilities softmax(logits / temperature) of the tokens that are
 *                          left
 * The probabilities of steps 4 and 5 are the softmax of the tokens that step 3 kept, without temperature. */
typedef struct krait_sampler_options {
    size_t struct_size;
    float temperature;           /* 0 or more, finite; 0 = always the most likely token */
    int32_t top_k;               /* 0 or more; 0 = all tokens */
    float top_p;                 /* 0 to 1; 1 = all tokens */
    float min_p;                 /* 0 to 1; 0 = all tokens */
    float repetition_penalty;    /* more than 0, finite; 1 = none */
    int32_t repetition_window;   /* 0 to 1024: number of latest tokens to which the penalty applies; 0 = none */
    uint64_t seed;               /* of the random numbers; the same seed and logits give the same tokens on every machine */
    krait_constraint constraint; /* NULL = none */
    void* user;                  /* passed to constraint; both stay valid until the sampler and its clones are freed */
} krait_sampler_options;
#define KRAIT_SAMPLER_OPTIONS_INIT \
    { sizeof(krait_sampler_options), 0.8f, 40, 0.95f, 0.0f, 1.0f, 64, 0, NULL, NULL }

/* options may be NULL. */
KRAIT_API krait_code krait_sampler_create(const krait_sampler_options* options, krait_sampler** out, krait_failure* failure);
KRAIT_API void krait_sampler_free(krait_sampler* sampler);
/* *top_k: how many candidates this sampler needs (krait_batch_item.top_k with KRAIT_WANT_TOP). From them it chooses the token
 * that it would choose from all logits; only a NaN among the other logits is not noticed. 0: it needs all logits
 * (KRAIT_WANT_LAST). */
KRAIT_API krait_code krait_sampler_needs(const krait_sampler* sampler, int32_t* top_k, krait_failure* failure);
/* Chooses the token that follows an item of the latest decode, from the item's candidates or the logits after its last token,
 * and remembers it for the repetition penalty. Neither the session nor the sampler may be in use by another thread.
 *   NOT_FOUND          the item has neither candidates nor logits
 *   INVALID_ARGUMENT   the item has fewer candidates than the sampler needs; every token is forbidden
 *   INTERNAL           the model computed a logit that is NaN or +infinity */
KRAIT_API krait_code krait_session_sample(const krait_session* session, size_t item, krait_sampler* sampler, int32_t* token,
                                          krait_failure* failure);
/* Chooses a token from n_token logits (1 to 2^31 - 1) that the application computed, and does not remember it. Logits that are
 * NaN or +infinity, and -infinity for every token, are INVALID_ARGUMENT. */
KRAIT_API krait_code krait_sampler_sample(krait_sampler* sampler, const float* logits, size_t n_token, int32_t* token,
                                          krait_failure* failure);
/* Adds tokens to those that the repetition penalty applies to: tokens that krait_session_sample did not choose, such as those
 * of a prompt or a chain. Ids are not checked. */
KRAIT_API krait_code krait_sampler_accept(krait_sampler* sampler, const int32_t* tokens, size_t n_tok, krait_failure* failure);
/* Restarts the random numbers from the seed, and forgets the tokens for the repetition penalty. sampler may be NULL. */
KRAIT_API void krait_sampler_reset(krait_sampler* sampler);
/* A copy that chooses the same tokens as this sampler would from now on, with the same constraint and user: for a fork of its
 * sequence. */
KRAIT_API krait_code krait_sampler_clone(const krait_sampler* sampler, krait_sampler** out, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
