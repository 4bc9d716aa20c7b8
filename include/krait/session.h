/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: sequences that a model continues, each with its own recurrent state.
 *
 * An error of a device may leave the state of a sequence half written. Such a sequence is unusable: it cannot be continued,
 * forked, saved or kept as a snapshot (INVALID_ARGUMENT) until it is reset, restored or rolled back.
 */
#ifndef KRAIT_SESSION_H
#define KRAIT_SESSION_H

#include <krait/profile.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_session krait_session;

typedef struct krait_session_options {
    size_t struct_size;
    int32_t max_sequences;    /* 1 to 65536, numbered from 0; each takes the memory of one state (krait_model_state_bytes) */
    int32_t max_batch_tokens; /* 1 to 2^31 - 1: tokens of one run (micro-batch); longer prompts are cut into chunks */
    /* 0 to 65536: snapshots of all sequences together. Each takes the memory of one state. A snapshot that is shared by forks
     * counts once. */
    int32_t max_snapshots;
    /* 0 to 4096: max tokens of one krait_session_chain; 0 is the same as 1. Above 1 the session takes the memory of one more
     * state: that of the sequence before the chain, to which it returns when the chain fails. */
    int32_t max_chain;
    /* 0 to 65536: memory for this many more states, for forks that continue in the same run. Forks share one state, and a run
     * reads it while it writes a new state for each of them. Where too few states are free for that, the forks first get copies
     * of the shared state on the same device; each copy reads and writes krait_model_state_bytes. 0 takes no memory, but
     * may cost such copies. There are none if max_forks is at least the number of different shared states that a run
     * continues. */
    int32_t max_forks;
    /* 1: run shapes are exact; 0: they are rounded up to a few, so that few graphs are compiled. */
    int32_t exact_shapes;
    /* A profile of the same model, which records this session's runs; they have exact shapes then. NULL = none. */
    krait_profile* profile;
    krait_profile_runs profile_runs; /* how the profile records them */
    int32_t reserved;                /* 0 */
    /* For models with attention, which keep keys and values of each token (krait_model_token_bytes). 0 to 2^30: tokens of all
     * sequences and snapshots together, rounded up to 32. Each sequence and each snapshot takes whole pages of 32 tokens, and
     * those with a common beginning share its pages. 0 = enough for all sequences to reach max_sequence_tokens, with all
     * snapshots. */
    int64_t max_cached_tokens;
    /* 0 to 2^24: tokens of one sequence, its context. 0 = an equal share of max_cached_tokens, at least 4096. What does not
     * fit is OUT_OF_MEMORY, and the sequence stays as it was. */
    int64_t max_sequence_tokens;
} krait_session_options;
#define KRAIT_SESSION_OPTIONS_INIT \
    { sizeof(krait_session_options), 1, 512, 0, 1, 0, 0, NULL, KRAIT_PROFILE_NODES, 0, 0, 0 }

/* options may be NULL. OUT_OF_MEMORY where the states do not fit; UNSUPPORTED for a model without weights. */
KRAIT_API krait_code krait_session_create(const krait_model* model, const krait_session_options* options, krait_session** out,
                                          krait_failure* failure);
KRAIT_API void krait_session_free(krait_session* session);
/* The logits that a batch item asks for: none, those after its last token, or those after each of its tokens. With
 * KRAIT_WANT_TOP the device finds the top_k most likely tokens after the last one, and no logits are copied to the host
 * (krait_session_candidates); UNSUPPORTED where krait_model_has_top_k is 0. */
typedef enum krait_want { KRAIT_WANT_NONE = 0, KRAIT_WANT_LAST = 1, KRAIT_WANT_ALL = 2, KRAIT_WANT_TOP = 3 } krait_want;

/* The hidden states that a batch item asks for: results of the final norm, d_model floats for a token, which are used as
 * embeddings. None, that of the last token, those of each token, or the mean over the item's tokens. */
typedef enum krait_hidden {
    KRAIT_HIDDEN_NONE = 0,
    KRAIT_HIDDEN_LAST = 1,
    KRAIT_HIDDEN_ALL = 2,
    KRAIT_HIDDEN_MEAN = 3
} krait_hidden;

/* The tokens with which one sequence continues, and the results to compute. All items of a batch have the same struct_size. */
typedef struct krait_batch_item {
    size_t struct_size;
    int32_t sequence;
    krait_want want;
    const int32_t* tokens;   /* ids from 0 to n_vocab - 1 */
    size_t n_tok;            /* 1 or more */
    const size_t* snapshots; /* n_snapshot numbers from 1 to n_tok, ascending: after how many of the tokens to take snapshots */
    size_t n_snapshot;
    int32_t top_k; /* with KRAIT_WANT_TOP: 1 or more; values above n_token are the same as n_token */
    krait_hidden hidden;
} krait_batch_item;
#define KRAIT_BATCH_ITEM_INIT \
    { sizeof(krait_batch_item), 0, KRAIT_WANT_LAST, NULL, 0, NULL, 0, 0, KRAIT_HIDDEN_NONE }

typedef struct krait_decode_options {
    size_t struct_size;
    /* Called after each run with the number of tokens that were read, of those in the batch. A value other than 0 ends the call
     * before the next run; after the last run it is ignored. NULL = none. */
    krait_progress progress;
    void* user; /* passed to progress */
} krait_decode_options;
#define KRAIT_DECODE_OPTIONS_INIT \
    { sizeof(krait_decode_options), NULL, NULL }

/* Reads the tokens of a batch and computes the results: any mix of prompts and single tokens, every sequence at most once.
 * options may be NULL. Returns when the results are complete. A call with the run shapes of an earlier one allocates no memory,
 * except for the list of a sequence's tokens, whose memory doubles when it is full. After an error there are no results of this
 * decode, and those of the previous one may be gone.
 *   INVALID_ARGUMENT, UNSUPPORTED   no sequence has changed. Causes: an empty batch; a sequence that does not exist, is in the
 *                                   batch twice, or is unusable; an item without tokens
 *   CANCELLED                       sequences have read the tokens of the runs before (krait_session_length)
 *   other errors                    as for CANCELLED, but sequences of the run that failed may also be unusable */
KRAIT_API krait_code krait_session_decode(krait_session* session, const krait_batch_item* items, size_t n_item,
                                          const krait_decode_options* options, krait_failure* failure);
/* Logits of the latest decode: n_vocab floats, valid until the next decode or chain. item: index in the batch. row: with
 * KRAIT_WANT_ALL the index of a token in the item, else 0. NOT_FOUND where the item did not ask for them. */
KRAIT_API krait_code krait_session_logits(const krait_session* session, size_t item, size_t row, const float** logits,
                                          size_t* n_vocab, krait_failure* failure);
/* A hidden state of the latest decode: d_model floats, valid until the next decode or chain. item: index in the batch. row:
 * with KRAIT_HIDDEN_ALL the index of a token in the item, else 0. NOT_FOUND where the item did not ask for it. */
KRAIT_API krait_code krait_session_hidden(const krait_session* session, size_t item, size_t row, const float** values,
                                          size_t* d_model, krait_failure* failure);
/* Log-probabilities: ln p of each of n_tok tokens (1 or more, ids from 0 to n_token - 1) by the logits of an item and row, as
 * in krait_session_logits. logprobs: an array for n_tok numbers. p is the softmax over the n_token tokens of the vocabulary, in
 * double. For the log-probabilities of a prompt, decode it with KRAIT_WANT_ALL: row i predicts token i + 1. INTERNAL where
 * logits are NaN or +infinity. */
KRAIT_API krait_code krait_session_logprobs(const krait_session* session, size_t item, size_t row, const int32_t* tokens,
                                            size_t n_tok, double* logprobs, krait_failure* failure);
/* The candidates of an item with KRAIT_WANT_TOP: top_k of them, or n_token where that is less. The most likely comes first;
 * those with equal logits are in ascending order of the token. Valid until the next decode or chain. NOT_FOUND where the item
 * did not ask for them. */
typedef struct krait_candidate {
    float logit;
    int32_t token;
} krait_candidate;
KRAIT_API krait_code krait_session_candidates(const krait_session* session, size_t item, const krait_candidate** candidates,
                                              size_t* n_candidate, krait_failure* failure);
/* Greedy decoding of several tokens in one call, for samplers that need one candidate (krait_sampler_needs gives 1).
 *   result     the most likely token after `token`, the most likely token after that one, and so on: n_tok (1 or more) of them,
 *              or max_chain where that is less. Tokens and state are the same as after calls of krait_session_decode with
 *              KRAIT_WANT_TOP and top_k = 1, the first with `token`, each further one with the token that the call before
 *              it found. The sequence has then read `token` and all found tokens except the final one.
 *   end        the chain ends early after one of the n_stop tokens of `stops` (such as those of krait_model_ends; may be NULL
 *              where n_stop is 0), or after a candidate whose logit is NaN or infinite.
 *   sampling   the last candidate is also the candidate of item 0: krait_session_sample(session, 0, ...) returns its token, or
 *              an error where its logit is NaN or infinite.
 *   speed      on one GPU the device continues from token to token without the host: use 8 to 16 tokens. On a CPU, and with
 *              several devices, a chain is as fast as single steps.
 *   lifetime   *candidates is valid until the next decode or chain.
 *   errors     those of krait_session_decode; but if max_chain is above 1, the sequence is the same as before the call, and
 *              never unusable. */
KRAIT_API krait_code krait_session_chain(krait_session* session, int32_t sequence, int32_t token, size_t n_tok,
                                         const int32_t* stops, size_t n_stop, const krait_candidate** candidates,
                                         size_t* n_candidate, krait_failure* failure);
/* *n_tok: how many tokens a sequence has read. */
KRAIT_API krait_code krait_session_length(const krait_session* session, int32_t sequence, size_t* n_tok,
                                          krait_failure* failure);
/* *n_tok: by how many tokens a sequence can go on, if no other one goes on before it: what is left of its context, or of the
 * session's max_cached_tokens where that is less; snapshots keep pages of these. UINT64_MAX for models without attention. */
KRAIT_API krait_code krait_session_room(const krait_session* session, int32_t sequence, uint64_t* n_tok,
                                        krait_failure* failure);
/* Empties a sequence: it has no tokens, state and snapshots afterwards. */
KRAIT_API krait_code krait_session_reset(krait_session* session, int32_t sequence, krait_failure* failure);
/* Makes sequence `to` a copy of `from`, with its snapshots. The two share one state until one of them continues (copy on write,
 * max_forks). INVALID_ARGUMENT where `from` is unusable. */
KRAIT_API krait_code krait_session_fork(krait_session* session, int32_t from, int32_t to, krait_failure* failure);
/* Resets all other sequences. */
KRAIT_API krait_code krait_session_keep(krait_session* session, int32_t sequence, krait_failure* failure);

/* Takes a snapshot: keeps the state of a sequence, to which it can be rolled back. Snapshot and sequence share one state until
 * the sequence continues. A second snapshot after the same token has no effect. INVALID_ARGUMENT where max_snapshots are in use
 * (in krait_session_decode too), and for a sequence that is unusable or has no tokens. */
KRAIT_API krait_code krait_session_snapshot(krait_session* session, int32_t sequence, krait_failure* failure);
/* Rolls a sequence back to the snapshot that was taken after n_tok tokens; 0 resets it, which needs no snapshot. That snapshot
 * is kept, later ones are dropped. NOT_FOUND where there is no such snapshot: the message lists those that exist. An unusable
 * sequence can continue afterwards. */
KRAIT_API krait_code krait_session_rollback(krait_session* session, int32_t sequence, size_t n_tok, krait_failure* failure);
/* Drops the snapshot that was taken after n_tok tokens; NOT_FOUND as in krait_session_rollback. */
KRAIT_API krait_code krait_session_snapshot_drop(krait_session* session, int32_t sequence, size_t n_tok,
                                                 krait_failure* failure);
/* Lists the snapshots of a sequence. n_tok: an array for `capacity` numbers, each of which says after how many tokens a
 * snapshot was taken, ascending. *n_snapshot: how many snapshots there are. */
KRAIT_API krait_code krait_session_snapshots(const krait_session* session, int32_t sequence, size_t* n_tok, size_t capacity,
                                             size_t* n_snapshot, krait_failure* failure);

/* Positions of tokens, for applications that count them as llama_memory_seq_add and its relatives do; recurrent models do not
 * use them. The first token has position 0, each further token that of the token before it + 1. *next: the position that the
 * next token gets. In the functions below, [first, last) is a range of positions, and last = -1 means that it has no end;
 * INVALID_ARGUMENT where first is below 0 or last below first. */
KRAIT_API krait_code krait_session_position(const krait_session* session, int32_t sequence, int64_t* next,
                                            krait_failure* failure);
/* A sequence and each of its snapshots keep one position, that of their latest token (*next - 1). Each of these that is in the
 * range is changed: delta is added, or it is divided by divisor (1 or more) and rounded down. States do not change.
 * INVALID_ARGUMENT, and no position has changed, where one would be below 0 or above 2^62. */
KRAIT_API krait_code krait_session_positions_add(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                                 int64_t delta, krait_failure* failure);
KRAIT_API krait_code krait_session_positions_divide(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                                    int64_t divisor, krait_failure* failure);
/* Removes the tokens in a range of positions, as far as a recurrent state allows. With end = krait_session_position:
 *   first = 0, last >= end   resets the sequence
 *   first > 0, last >= end   rolls back to a snapshot whose next position was `first`; UNSUPPORTED where there is none
 *   last < end               KRAIT_OK, and nothing changes: a recurrent state cannot forget tokens in the middle
 *   first >= end             KRAIT_OK, and nothing changes; an empty range is the same */
KRAIT_API krait_code krait_session_remove(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                          krait_failure* failure);

/* Save writes a sequence with its snapshots as bytes, which do not depend on device and backend; to ask for their size takes as
 * long as to save. Restore replaces a sequence by one that was saved, with its latest snapshots, as many as max_snapshots
 * allows. After these errors nothing has changed:
 *   INVALID_ARGUMENT   save: the sequence is unusable; restore: the bytes are of a model with another krait_model_hash, or
 *                      with another cache_type (krait_model_options)
 *   CORRUPT_FILE       restore: the bytes are damaged
 *   UNSUPPORTED        restore: the bytes have another version of the format
 * After any other error of restore the sequence may be unusable. */
KRAIT_API krait_code krait_session_save(krait_session* session, int32_t sequence, void* bytes, size_t capacity, size_t* size,
                                        krait_failure* failure);
KRAIT_API krait_code krait_session_restore(krait_session* session, int32_t sequence, const void* bytes, size_t size,
                                           krait_failure* failure);

/* Moves a session with all its sequences to `model`, which was loaded from the same file with the same cache_type on other
 * devices (INVALID_ARGUMENT where krait_model_hash or the cache_type differs). Afterwards the model that the session used
 * before can be freed, and results of the latest decode are not available. After an error nothing has changed. UNSUPPORTED for
 * a session with a profile, which belongs to the devices of one model. */
KRAIT_API krait_code krait_session_move(krait_session* session, const krait_model* model, krait_failure* failure);

/* ---- figures ---- */

typedef struct krait_session_figures {
    size_t struct_size;
    uint64_t state_bytes;   /* memory of all states, on all devices */
    uint64_t value_bytes;   /* memory of the activations of a run (arenas), on all devices */
    uint64_t n_program;     /* run shapes that were compiled; 64 are kept, and one that comes back after that counts again */
    uint64_t n_decode;      /* calls of krait_session_decode and krait_session_chain that succeeded */
    uint64_t n_tok;         /* tokens that these calls read */
    double seconds;         /* wall-clock time of these calls */
    uint64_t n_arena;       /* arenas that were allocated; more than one for a device: a larger one replaced it */
    uint64_t n_bound_again; /* how often a run shape had its programs created again for a larger arena */
} krait_session_figures;
#define KRAIT_SESSION_FIGURES_INIT \
    { sizeof(krait_session_figures), 0, 0, 0, 0, 0, 0.0, 0, 0 }

/* Memory, and counts and times since the session was created; krait_session_move restarts n_program, n_arena and n_bound_again.
 * The caller sets out->struct_size. */
KRAIT_API krait_code krait_session_measure(const krait_session* session, krait_session_figures* out, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
