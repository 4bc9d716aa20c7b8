/* SPDX-License-Identifier: Apache-2.0
 *
 * Krait's C API: load a model, run sequences, read logits, sample, save and restore states. docs/glossary.md explains the
 * words.
 *
 * Errors.    A function that can fail returns krait_code, KRAIT_OK = 0, and fills the caller's krait_failure (may be NULL)
 *            with a sentence. Nothing throws, aborts or prints.
 * Ownership. Objects of krait_*_create and krait_*_load are freed with the krait_*_free of the same noun (NULL is allowed). A
 *            session keeps its model alive. Pointers passed in are borrowed for the call; comments say how long returned
 *            pointers are valid.
 * Threads.   A model may be used from many threads at once; a session or a sampler from one at a time.
 * Structs.   Structs of options begin with struct_size: start from KRAIT_..._INIT, so that later versions can add fields. The
 *            other structs do not change while the library's soname is the same.
 * Texts.     UTF-8, sizes in bytes. A text is NUL-terminated only where its comment says so.
 * Arrays.    A function with `capacity` and a result size (*n_tok, *size, *n_snapshot) always stores the full size. Where that
 *            is larger than capacity, nothing else is written and the call fails with INVALID_ARGUMENT. A call with NULL and
 *            capacity 0 asks for the size alone, and succeeds.
 */
#ifndef KRAIT_KRAIT_H
#define KRAIT_KRAIT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define KRAIT_API __declspec(dllimport)
#else
#define KRAIT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum krait_code {
    KRAIT_OK = 0,
    KRAIT_INVALID_ARGUMENT = 1, /* a value passed in is wrong: which, and what would be right */
    KRAIT_NOT_FOUND = 2,        /* no file, device or tensor of that name */
    KRAIT_CORRUPT_FILE = 3,     /* the file contradicts its format: names field and byte offset */
    KRAIT_UNSUPPORTED = 4,      /* valid, but not supported: says why */
    KRAIT_OUT_OF_MEMORY = 5,
    KRAIT_DEVICE_LOST = 6,
    KRAIT_UNAVAILABLE = 7, /* not on this machine, or not now */
    KRAIT_IO = 8,
    KRAIT_CANCELLED = 9, /* a progress function asked to stop */
    KRAIT_INTERNAL = 10  /* a defect: please report it */
} krait_code;

/* Allocated by the caller. message is NUL-terminated, and empty after success. */
typedef struct krait_failure {
    int32_t code; /* krait_code */
    char message[1020];
} krait_failure;

KRAIT_API const char* krait_version(void); /* "0.1.0" */

/* ---- devices ------------------------------------------------------------------------------------------------- */

typedef struct krait_device_description {
    char name[64];         /* for krait_model_options.device: "cpu", "cuda0" */
    char description[128]; /* the product's name */
    char features[256];
    uint64_t memory_total; /* bytes */
    uint64_t memory_free;
    int32_t is_auto; /* 1: "auto" may choose it */
} krait_device_description;

/* Adds a folder in which backend plugins are looked for. Call it before the first model is loaded. */
KRAIT_API krait_code krait_backend_folder_add(const char* path, krait_failure* failure);
KRAIT_API size_t krait_device_count(void);
/* Devices in the order in which "auto" tries them, index 0 first. NOT_FOUND for an index past the end. */
KRAIT_API krait_code krait_device_describe(size_t index, krait_device_description* out, krait_failure* failure);

/* ---- models --------------------------------------------------------------------------------------------------- */

typedef struct krait_model krait_model;

/* Called from the loading thread with the bytes that are done, of total. Return 0 to continue; any other value stops the load
 * (KRAIT_CANCELLED). */
typedef int (*krait_progress)(void* user, uint64_t done, uint64_t total);

/* The application's own threads for a model on the CPU, which then starts none. GPUs do not use it.
 *   parallel   calls task(task_context, i) once for each i < n_tasks, from any threads, concurrently or one after another, and
 *              returns when all calls have returned. Neither parallel nor a task may throw.
 *   callers    the threads that load the model or use its sessions, several at once if the application does so; never a task.
 *   locks      Krait holds none meanwhile: a waiting thread may do other work, also with other sessions.
 *   lifetime   the struct is copied; context and parallel stay valid until the model and all its sessions are freed. */
typedef struct krait_executor {
    void* context;
    uint32_t n_threads; /* max number of tasks that run at the same time; 1 to 1024 */
    void (*parallel)(void* context, uint32_t n_tasks, void (*task)(void* task_context, uint32_t index), void* task_context);
} krait_executor;

typedef struct krait_model_options {
    size_t struct_size;
    /* "cpu", "cuda0", "cpu:avx2:threads=2", "auto", or several: "cuda0,cpu". NULL: $KRAIT_DEVICE, or "auto" if that is not
     * set. */
    const char* device;
    krait_progress progress;
    void* user;
    const krait_executor* executor; /* NULL = the device's own threads; excludes threads= and affinity= in device */
    /* Placement of the model on several devices. If nothing is given, by measured rates: among the placements that fit the
     * devices' memory and take at most 5 % longer for a token than the fastest, the one with the fastest bottleneck for
     * prompts. A device that is named twice is called "cpu" and "cpu#2". */
    const char* layers;       /* "20,4": number of layers for each device, in their order; NULL = not given */
    const char* split;        /* "3,1": proportions of the layers; NULL = not given */
    const char* const* place; /* n_place texts "regex=device": for nodes whose name, or whose weight's name, matches */
    size_t n_place;
    const char* const* max_memory; /* n_max_memory texts "device=8G": max bytes of weights, one state and the values of a run */
    size_t n_max_memory;
    int32_t no_mmap; /* 1: the file is read, tensor by tensor; 0: it is mapped, and must not become shorter meanwhile */
} krait_model_options;
#define KRAIT_MODEL_OPTIONS_INIT \
    { sizeof(krait_model_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }

typedef struct krait_model_description {
    char architecture[32]; /* general.architecture of the file */
    char device[64];       /* or several: "cuda0,cpu" */
    int64_t n_vocab;       /* logits for each token: rows of the output matrix */
    int64_t n_token;       /* tokens of the vocabulary, at most n_vocab: ids 0 to n_token - 1; the other rows are padding */
    int64_t n_layer, d_model;
    uint64_t weight_bytes; /* on the device */
    uint64_t state_bytes;  /* of one sequence; does not depend on its length */
    int32_t bos, eos;      /* -1 = none; krait_model_ends gives all tokens that end a text */
} krait_model_description;

/* path: a GGUF file, NUL-terminated; NULL = the demo model inside the library. options may be NULL. */
KRAIT_API krait_code krait_model_load(const char* path, const krait_model_options* options, krait_model** out,
                                      krait_failure* failure);
KRAIT_API void krait_model_free(krait_model* model);
KRAIT_API krait_code krait_model_describe(const krait_model* model, krait_model_description* out, krait_failure* failure);

/* Explains the placement for runs of n_row tokens: the device of each node and why, copies between devices, and memory. As a
 * table for people, or as a graph in the DOT language (Graphviz). */
typedef enum krait_explain_form { KRAIT_EXPLAIN_TABLE = 0, KRAIT_EXPLAIN_DOT = 1 } krait_explain_form;
KRAIT_API krait_code krait_model_explain(const krait_model* model, int32_t n_row, krait_explain_form form, char* text,
                                         size_t capacity, size_t* size, krait_failure* failure);

/* How text becomes tokens: the sum of any of these. */
typedef enum krait_tokenize_flags {
    KRAIT_TOKENIZE_PLAIN = 0,   /* everything is plain text */
    KRAIT_TOKENIZE_CONTROL = 1, /* the text of a control token ("<|im_end|>") becomes that token */
    KRAIT_TOKENIZE_BEGIN = 2,   /* bos before the text, if the model wants one: for the beginning of a sequence */
    KRAIT_TOKENIZE_END = 4      /* eos after the text, if the model wants one: never for a text that is to be continued */
} krait_tokenize_flags;

/* Text to tokens; flags are those of krait_tokenize_flags. Pass text of users and documents without KRAIT_TOKENIZE_CONTROL;
 * with it, its author could end the turn and begin another one. A text has at most 682 MiB. A model without a tokenizer that
 * the library supports takes token ids only: NOT_FOUND, UNSUPPORTED or CORRUPT_FILE say why. UNSUPPORTED also where the
 * vocabulary has no token for a byte of the text. */
KRAIT_API krait_code krait_model_tokenize_with(const krait_model* model, const char* text, size_t size, uint32_t flags,
                                               int32_t* tokens, size_t capacity, size_t* n_tok, krait_failure* failure);
/* The same with KRAIT_TOKENIZE_CONTROL, for parts of a prompt that the application wrote itself. Nothing is added, so parts
 * can be concatenated. For the beginning see KRAIT_TOKENIZE_BEGIN, for the texts of others KRAIT_TOKENIZE_PLAIN. */
KRAIT_API krait_code krait_model_tokenize(const krait_model* model, const char* text, size_t size, int32_t* tokens,
                                          size_t capacity, size_t* n_tok, krait_failure* failure);
/* Tokens to the exact bytes that they stand for; control tokens give none. */
KRAIT_API krait_code krait_model_detokenize(const krait_model* model, const int32_t* tokens, size_t n_tok, char* text,
                                            size_t capacity, size_t* size, krait_failure* failure);
/* The token with this text in the vocabulary: "<|im_end|>", "\xC4\xA0the" for " the" (byte-level BPE). NOT_FOUND where there
 * is none; errors of krait_model_tokenize_with where there is no tokenizer. */
KRAIT_API krait_code krait_model_token(const krait_model* model, const char* text, size_t size, int32_t* token,
                                       krait_failure* failure);
/* The tokens that end a text, a turn or a message (end-of-generation tokens), ascending: none, one or several. They are known
 * without a tokenizer too. krait_session_chain takes them as its stops. */
KRAIT_API krait_code krait_model_ends(const krait_model* model, int32_t* tokens, size_t capacity, size_t* n_tok,
                                      krait_failure* failure);
/* 1 where token is one of them, else 0. */
KRAIT_API int krait_model_is_end(const krait_model* model, int32_t token);
/* Flaws of the file that do not prevent its use: sentences for people, from index 0 on; NULL after the last. NUL-terminated,
 * valid until the model is freed. */
KRAIT_API const char* krait_model_warning(const krait_model* model, size_t index);

/* ---- sessions --------------------------------------------------------------------------------------------------- */

typedef struct krait_session krait_session;

typedef struct krait_session_options {
    size_t struct_size;
    int32_t max_sequences;    /* 1 to 65536, numbered from 0; each takes state_bytes of memory */
    int32_t max_batch_tokens; /* 1 or more: tokens of one run (micro-batch); longer prompts are cut into chunks */
    int32_t max_snapshots;    /* 0 to 65536, of all sequences together; each takes state_bytes */
    int32_t max_chain; /* 0 to 4096: tokens of one krait_session_chain, 0 as 1; above 1 the session takes state_bytes more */
    int32_t max_forks; /* 0 to 65536: further states, so that as many forks continue in one run without copies before it */
} krait_session_options;
#define KRAIT_SESSION_OPTIONS_INIT \
    { sizeof(krait_session_options), 1, 512, 0, 1, 0 }

/* The results that are wanted of an item: no logits, those after its last token, those after each of its tokens; or the top_k
 * most likely tokens after its last token, found on the device, so that no logits are copied (krait_session_candidates).
 * KRAIT_WANT_TOP is UNSUPPORTED where no device of the model has the operator top_k. */
typedef enum krait_want { KRAIT_WANT_NONE = 0, KRAIT_WANT_LAST = 1, KRAIT_WANT_ALL = 2, KRAIT_WANT_TOP = 3 } krait_want;

/* The tokens with which one sequence continues. Begin with a struct of zeros: fields that are not used stay 0. */
typedef struct krait_batch_item {
    int32_t sequence;
    krait_want want;
    const int32_t* tokens;
    size_t n_tok;            /* at least 1 */
    const size_t* snapshots; /* take snapshots after this many of the tokens: ascending, 1 to n_tok */
    size_t n_snapshot;
    int32_t top_k; /* with KRAIT_WANT_TOP: 1 or more, more than n_token count as n_token */
} krait_batch_item;

/* options may be NULL. */
KRAIT_API krait_code krait_session_create(const krait_model* model, const krait_session_options* options, krait_session** out,
                                          krait_failure* failure);
KRAIT_API void krait_session_free(krait_session* session);
/* Runs a batch: any mix of prompts and single tokens, every sequence at most once. Returns when the results are there.
 *   INVALID_ARGUMENT, UNSUPPORTED   no sequence has changed; results of the decode before are gone
 *   errors of the device            sequences of the batch may refuse to continue until they are reset, restored or rolled
 *                                   back */
KRAIT_API krait_code krait_session_decode(krait_session* session, const krait_batch_item* items, size_t n_item,
                                          krait_failure* failure);
/* Logits of the latest decode: n_vocab floats, valid until the next decode or chain. item: index in the batch; row: the token
 * with KRAIT_WANT_ALL, else 0. NOT_FOUND where none were wanted. */
KRAIT_API krait_code krait_session_logits(const krait_session* session, size_t item, size_t row, const float** logits,
                                          size_t* n_vocab, krait_failure* failure);
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
/* Makes sequence `to` a copy of `from`, snapshots included. The state is copied when one of the two continues. */
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
/* Adds delta to the position of the latest token, or divides it, if it lies in the range; the same for snapshots. */
KRAIT_API krait_code krait_session_positions_add(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                                 int64_t delta, krait_failure* failure);
KRAIT_API krait_code krait_session_positions_divide(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                                    int64_t divisor, krait_failure* failure);
/* Removes the tokens of a range, as far as a recurrent state allows:
 *   [0, end)                a reset
 *   [a snapshot, end)       a rollback
 *   to the end, otherwise   UNSUPPORTED
 *   not to the end          nothing changes: a state cannot forget tokens in the middle */
KRAIT_API krait_code krait_session_remove(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                          krait_failure* failure);

/* A sequence as bytes, snapshots included, independent of device and backend. restore keeps the latest snapshots, as many as
 * max_snapshots allows. After a failure of the device during restore the sequence has no state, and refuses to continue. */
KRAIT_API krait_code krait_session_save(krait_session* session, int32_t sequence, void* bytes, size_t capacity, size_t* size,
                                        krait_failure* failure);
KRAIT_API krait_code krait_session_restore(krait_session* session, int32_t sequence, const void* bytes, size_t size,
                                           krait_failure* failure);

/* Moves a session with all its sequences to another load of the same file, on other devices. Logits of the latest decode are
 * gone. After a failure nothing has changed. The model from before can be freed afterwards. */
KRAIT_API krait_code krait_session_move(krait_session* session, const krait_model* model, krait_failure* failure);

/* ---- sampling --------------------------------------------------------------------------------------------------- */

typedef struct krait_sampler krait_sampler;

typedef struct krait_sampler_options {
    size_t struct_size;
    float temperature;         /* 0 = always the most likely token */
    int32_t top_k;             /* only the k most likely tokens; 0 = all */
    float top_p;               /* only the most likely tokens that together have this probability; 1 = all */
    float min_p;               /* only tokens with this fraction of the largest probability; 0 = all */
    float repetition_penalty;  /* 1 = none */
    int32_t repetition_window; /* number of latest tokens to which the penalty applies */
    uint64_t seed;             /* the same seed and logits give the same tokens on every machine */
} krait_sampler_options;
#define KRAIT_SAMPLER_OPTIONS_INIT \
    { sizeof(krait_sampler_options), 0.8f, 40, 0.95f, 0.0f, 1.0f, 64, 0 }

/* options may be NULL. */
KRAIT_API krait_code krait_sampler_create(const krait_sampler_options* options, krait_sampler** out, krait_failure* failure);
KRAIT_API void krait_sampler_free(krait_sampler* sampler);
/* *top_k: the number of candidates with which this sampler chooses the same token as with all logits (KRAIT_WANT_TOP), except
 * that it does not see a NaN among the others; 0 where it needs all logits (KRAIT_WANT_LAST). */
KRAIT_API krait_code krait_sampler_needs(const krait_sampler* sampler, int32_t* top_k, krait_failure* failure);
/* The next token after an item of the latest decode, from its candidates or the logits of its last row; remembers it for the
 * repetition penalty. */
KRAIT_API krait_code krait_session_sample(const krait_session* session, size_t item, krait_sampler* sampler, int32_t* token,
                                          krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
