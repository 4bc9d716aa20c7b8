/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: sequences that a model continues, each with its own recurrent state.
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
    int32_t max_sequences;    /* 1 to 65536, numbered from 0; each takes krait_model_state_bytes of memory */
    int32_t max_batch_tokens; /* 1 to 2^31 - 1: tokens of one run (micro-batch); longer prompts are cut into chunks */
    int32_t
        max_snapshots; /* 0 to 65536, of all sequences together; each takes as much as a sequence, forks of one count once */
    /* 0 to 4096: tokens of one krait_session_chain, 0 as 1. Above 1 the session keeps one further state, to which a chain that
     * fails goes back. */
    int32_t max_chain;
    /* 0 to 65536: further states, for forks that continue in the same run. Where none is free, the state that they share is
     * copied before the run. */
    int32_t max_forks;
    int32_t exact_shapes;   /* 1: each run has its exact shape; 0: shapes are rounded up to few, as each compiles a program */
    krait_profile* profile; /* of the same model: it records this session's runs, with exact shapes; NULL = none */
    krait_profile_runs profile_runs; /* how */
    int32_t reserved;                /* 0 */
} krait_session_options;
#define KRAIT_SESSION_OPTIONS_INIT \
    { sizeof(krait_session_options), 1, 512, 0, 1, 0, 0, NULL, KRAIT_PROFILE_NODES, 0 }

/* options may be NULL. OUT_OF_MEMORY where the states do not fit; UNSUPPORTED for a model without weights. */
KRAIT_API krait_code krait_session_create(const krait_model* model, const krait_session_options* options, krait_session** out,
                                          krait_failure* failure);
KRAIT_API void krait_session_free(krait_session* session);
/* The results that are wanted of an item: no logits, those after its last token, those after each of its tokens; or the top_k
 * most likely tokens after its last token, found on the device, so that no logits are copied (krait_session_candidates).
 * KRAIT_WANT_TOP is UNSUPPORTED where no device of the model has the operator top_k. */
typedef enum krait_want { KRAIT_WANT_NONE = 0, KRAIT_WANT_LAST = 1, KRAIT_WANT_ALL = 2, KRAIT_WANT_TOP = 3 } krait_want;

/* Hidden states that are wanted of an item: results of the final norm, d_model floats a token, which embeddings are made of.
 * Those of the last token, of each token, or the mean over the item's tokens. */
typedef enum krait_hidden {
    KRAIT_HIDDEN_NONE = 0,
    KRAIT_HIDDEN_LAST = 1,
    KRAIT_HIDDEN_ALL = 2,
    KRAIT_HIDDEN_MEAN = 3
} krait_hidden;

/* The tokens with which one sequence continues. All items of a batch have the same struct_size. */
typedef struct krait_batch_item {
    size_t struct_size;
    int32_t sequence;
    krait_want want;
    const int32_t* tokens;   /* ids from 0 to n_vocab - 1 */
    size_t n_tok;            /* 1 or more */
    const size_t* snapshots; /* take snapshots after this many of the tokens: ascending, 1 to n_tok */
    size_t n_snapshot;
    int32_t top_k; /* with KRAIT_WANT_TOP: 1 or more; more than n_token count as n_token */
    krait_hidden hidden;
} krait_batch_item;
#define KRAIT_BATCH_ITEM_INIT \
    { sizeof(krait_batch_item), 0, KRAIT_WANT_LAST, NULL, 0, NULL, 0, 0, KRAIT_HIDDEN_NONE }

typedef struct krait_decode_options {
    size_t struct_size;
    /* tokens, after each run; may end the call between two runs: the answer after the last one does not count. NULL = none */
    krait_progress progress;
    void* user; /* of progress */
} krait_decode_options;
#define KRAIT_DECODE_OPTIONS_INIT \
    { sizeof(krait_decode_options), NULL, NULL }

/* Runs a batch: any mix of prompts and single tokens, every sequence at most once. options may be NULL. Returns when the
 * results are there. A call with the shapes of an earlier one allocates no memory, but for the list of a sequence's tokens,
 * whose memory doubles when it is full. After an error there may be no results of the decode before either.
 *   INVALID_ARGUMENT, UNSUPPORTED   no sequence has changed: a sequence that does not exist, that stands twice in the batch, or
 *                                   that refuses to continue; an item without tokens
 *   OUT_OF_MEMORY                   of the host: no sequence has changed; of a device: as below
 *   CANCELLED                       sequences hold what was read before (krait_session_length), and can continue
 *   errors of the device            sequences of the batch may refuse to continue until they are reset, restored or rolled
 *                                   back */
KRAIT_API krait_code krait_session_decode(krait_session* session, const krait_batch_item* items, size_t n_item,
                                          const krait_decode_options* options, krait_failure* failure);
/* Logits of the latest decode: n_vocab floats, valid until the next decode or chain. item: index in the batch; row: the token
 * with KRAIT_WANT_ALL, else 0. NOT_FOUND where none were wanted. */
KRAIT_API krait_code krait_session_logits(const krait_session* session, size_t item, size_t row, const float** logits,
                                          size_t* n_vocab, krait_failure* failure);
/* Hidden states of the latest decode: d_model floats, valid until the next decode or chain. item: index in the batch; row: the
 * token with KRAIT_HIDDEN_ALL, else 0. NOT_FOUND where none were wanted. */
KRAIT_API krait_code krait_session_hidden(const krait_session* session, size_t item, size_t row, const float** values,
                                          size_t* d_model, krait_failure* failure);
/* ln p of n_tok tokens (1 or more, ids from 0 to n_token - 1) after a row of logits: item and row as in krait_session_logits. A
 * softmax over the n_token tokens that exist, in double. For the log-probabilities of a prompt read it with KRAIT_WANT_ALL: row
 * i has those of token i + 1. INTERNAL where the logits are no numbers. */
KRAIT_API krait_code krait_session_logprobs(const krait_session* session, size_t item, size_t row, const int32_t* tokens,
                                            size_t n_tok, double* logprobs, krait_failure* failure);
/* The candidates of an item with KRAIT_WANT_TOP, the most likely first, equal logits by ascending token: top_k of them, or
 * n_token where that is less. Valid until the next decode or chain. NOT_FOUND where none were wanted. */
typedef struct krait_candidate {
    float logit;
    int32_t token;
} krait_candidate;
KRAIT_API krait_code krait_session_candidates(const krait_session* session, size_t item, const krait_candidate** candidates,
                                              size_t* n_candidate, krait_failure* failure);
/* Greedy decoding of several tokens in one call, for samplers that need one candidate (krait_sampler_needs gives 1).
 *   result     the most likely token after `token`, the most likely after that one, and so on: n_tok (1 or more) of them, or
 *              max_chain where that is less. The same tokens and the same state as from krait_session_decode with
 *              KRAIT_WANT_TOP and top_k = 1, called with each token that it found: the sequence has read `token` and all found
 *              tokens but the last.
 *   end        the chain ends early with one of the n_stop tokens of `stops` (such as those of krait_model_ends; may be NULL
 *              where n_stop is 0), and with a logit that is NaN or infinite, which krait_session_sample refuses for the last
 *              candidate.
 *   speed      on one GPU the device continues from token to token without the host: use 8 to 16 tokens. On a CPU, and with
 *              several devices, a chain is as fast as single steps.
 *   lifetime   *candidates is valid until the next decode or chain; the last one is also item 0's (krait_session_sample).
 *   errors     as of krait_session_decode; but if max_chain is above 1, the sequence is as before the call, and can continue.
 */
KRAIT_API krait_code krait_session_chain(krait_session* session, int32_t sequence, int32_t token, size_t n_tok,
                                         const int32_t* stops, size_t n_stop, const krait_candidate** candidates,
                                         size_t* n_candidate, krait_failure* failure);
/* How many tokens a sequence has read. */
KRAIT_API krait_code krait_session_length(const krait_session* session, int32_t sequence, size_t* n_tok,
                                          krait_failure* failure);
/* Empties a sequence: tokens, state and snapshots. */
KRAIT_API krait_code krait_session_reset(krait_session* session, int32_t sequence, krait_failure* failure);
/* Makes sequence `to` a copy of `from`, snapshots included. The state is copied when one of the two continues (max_forks).
 * INVALID_ARGUMENT where `from` refuses to continue. */
KRAIT_API krait_code krait_session_fork(krait_session* session, int32_t from, int32_t to, krait_failure* failure);
/* Resets all other sequences. */
KRAIT_API krait_code krait_session_keep(krait_session* session, int32_t sequence, krait_failure* failure);

/* Snapshots: states to which a sequence can go back. The state is copied when the sequence continues. INVALID_ARGUMENT where
 * max_snapshots are in use, here and in decode. */
KRAIT_API krait_code krait_session_snapshot(krait_session* session, int32_t sequence, krait_failure* failure);
/* Goes back to the snapshot after n_tok tokens (0: the beginning, which needs none). That snapshot stays, later ones are
 * dropped. NOT_FOUND lists the existing ones. A sequence that an error of the device left unusable can continue afterwards. */
KRAIT_API krait_code krait_session_rollback(krait_session* session, int32_t sequence, size_t n_tok, krait_failure* failure);
KRAIT_API krait_code krait_session_snapshot_drop(krait_session* session, int32_t sequence, size_t n_tok,
                                                 krait_failure* failure);
/* The numbers of tokens after which there are snapshots, ascending. */
KRAIT_API krait_code krait_session_snapshots(const krait_session* session, int32_t sequence, size_t* n_tok, size_t capacity,
                                             size_t* n_snapshot, krait_failure* failure);

/* Positions of tokens, for applications that count them; recurrent models do not read them. The first token has position 0,
 * each further one the next. Ranges are [first, last); last = -1: to the end. */
KRAIT_API krait_code krait_session_position(const krait_session* session, int32_t sequence, int64_t* next,
                                            krait_failure* failure); /* of the next token */
/* Adds delta to the position of the latest token, or divides that by divisor (1 or more), where it is in [first, last); the
 * same for each snapshot. No state changes. INVALID_ARGUMENT where a position would leave 0 to 2^62: nothing has changed. */
KRAIT_API krait_code krait_session_positions_add(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                                 int64_t delta, krait_failure* failure);
KRAIT_API krait_code krait_session_positions_divide(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                                    int64_t divisor, krait_failure* failure);
/* Removes the tokens of a range, as far as a recurrent state allows:
 *   [0, end)                a reset
 *   [first, end)            a rollback, where a snapshot was taken at position `first`
 *   to the end, otherwise   UNSUPPORTED
 *   not to the end          nothing changes: a state cannot forget tokens in the middle */
KRAIT_API krait_code krait_session_remove(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                          krait_failure* failure);

/* A sequence as bytes, snapshots included, independent of device and backend. Asking for the size costs as much as saving.
 * restore keeps the latest snapshots, as many as max_snapshots allows. CORRUPT_FILE for bytes that are damaged, UNSUPPORTED for
 * another version of the format, INVALID_ARGUMENT for another model's, and for saving a sequence that refuses to continue:
 * nothing has changed. After an error of the device during restore the sequence has no state, and refuses to continue. */
KRAIT_API krait_code krait_session_save(krait_session* session, int32_t sequence, void* bytes, size_t capacity, size_t* size,
                                        krait_failure* failure);
KRAIT_API krait_code krait_session_restore(krait_session* session, int32_t sequence, const void* bytes, size_t size,
                                           krait_failure* failure);

/* Moves a session with all its sequences to another load of the same file, on other devices. Results of the latest decode are
 * gone. After a failure nothing has changed. The model from before can be freed afterwards. UNSUPPORTED for a session with a
 * profile, which counts devices as its model does. */
KRAIT_API krait_code krait_session_move(krait_session* session, const krait_model* model, krait_failure* failure);

/* ---- figures ---- */

typedef struct krait_session_figures {
    size_t struct_size;
    uint64_t state_bytes;   /* of all states, on all devices */
    uint64_t value_bytes;   /* of the intermediate results of a run (arena), on all devices */
    uint64_t n_program;     /* shapes of runs that were compiled */
    uint64_t n_decode;      /* calls of decode and chain that succeeded */
    uint64_t n_tok;         /* tokens that they read */
    double seconds;         /* of wall clock that they took */
    uint64_t n_arena;       /* allocations of the memory of values; more than one a device: it has grown */
    uint64_t n_bound_again; /* programs that were bound to it once more when it had grown */
} krait_session_figures;
#define KRAIT_SESSION_FIGURES_INIT \
    { sizeof(krait_session_figures), 0, 0, 0, 0, 0, 0.0, 0, 0 }

/* Memory and times since the session was created. out begins with its struct_size. */
KRAIT_API krait_code krait_session_measure(const krait_session* session, krait_session_figures* out, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
