/* SPDX-License-Identifier: Apache-2.0
 *
 * Krait's C API: load a model, run sequences, read logits, sample, save and restore states. The stable face of the library.
 *
 * Errors.    A function that can fail returns krait_code, KRAIT_OK = 0, and fills the caller's krait_failure (may be NULL)
 *            with a sentence. Nothing throws, aborts or prints.
 * Ownership. What krait_*_create or _load gives is freed with the krait_*_free of the same noun (NULL is fine). A session
 *            keeps its model alive. Pointers passed in are borrowed for the call; returned ones say how long they live.
 * Threads.   A model may be used from many threads at once; a session or a sampler from one at a time.
 * Sizes.     Structs of options begin with struct_size: start from KRAIT_..._INIT, so that later versions can add fields. The other
 *            structs are as they are for as long as the library's soname is.
 * Texts.     UTF-8. Sizes in bytes. Nothing is NUL-terminated unless it says so.
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

/* Allocated by the caller. message is NUL-terminated, empty after success. */
typedef struct krait_failure {
    int32_t code; /* krait_code */
    char message[1020];
} krait_failure;

KRAIT_API const char* krait_version(void); /* "0.1.0" */

/* ---- devices ------------------------------------------------------------------------------------------------- */

typedef struct krait_device_description {
    char name[64];         /* what krait_model_options.device takes: "cpu", "cuda0" */
    char description[128]; /* what its maker calls it */
    char features[256];
    uint64_t memory_total; /* bytes */
    uint64_t memory_free;
    int32_t is_auto; /* 1: "auto" may choose it */
} krait_device_description;

/* Looks for backend plugins in one more folder; call it before the first model is loaded. */
KRAIT_API krait_code krait_backend_folder_add(const char* path, krait_failure* failure);
KRAIT_API size_t krait_device_count(void);
/* index 0 is what "auto" tries first. NOT_FOUND past the end. */
KRAIT_API krait_code krait_device_describe(size_t index, krait_device_description* out, krait_failure* failure);

/* ---- models --------------------------------------------------------------------------------------------------- */

typedef struct krait_model krait_model;

/* Bytes done of total; return 0 to go on, anything else to stop (KRAIT_CANCELLED). Called from the loading thread. */
typedef int (*krait_progress)(void* user, uint64_t done, uint64_t total);

/* Threads of your own for a model on the CPU, which then starts none: its loops run where you run them. (Devices with processors
 * of their own do not use it.) parallel calls task(task_context, i) once for each i < n_tasks, from any threads, at the same time
 * or one after another, and returns when all have returned; it does not throw, and tasks do not either. It is called by
 * the threads that load the model or use its sessions, by several at once where you do so, and never from inside a task. No
 * lock of Krait's is held meanwhile, so a waiting thread may do other work of yours, also with other sessions. context and
 * parallel stay valid until the model and all its sessions are freed; the struct itself is copied. */
typedef struct krait_executor {
    void* context;
    uint32_t n_threads; /* how many tasks run at the same time at most; 1 .. 1024 */
    void (*parallel)(void* context, uint32_t n_tasks, void (*task)(void* task_context, uint32_t index), void* task_context);
} krait_executor;

typedef struct krait_model_options {
    size_t struct_size;
    const char*
        device; /* "cpu", "cuda0", "cpu:avx2:threads=2", "auto", several: "cuda0,cpu"; NULL: $KRAIT_DEVICE, else "auto" */
    krait_progress progress;
    void* user;
    const krait_executor* executor; /* NULL = the device's own threads; excludes threads= and affinity= in device */
    /* Of several devices, what goes where. Nothing given: what takes least time for a token, by what the devices were measured to
     * do, and what fits their memory. A device that is there twice is called "cpu", "cpu#2". */
    const char* layers;       /* "20,4": layers for each device, in their order; NULL = not said */
    const char* split;        /* "3,1": shares; NULL = not said */
    const char* const* place; /* n_place texts "regex=device": nodes whose name, or whose weight's name, matches */
    size_t n_place;
    const char* const* max_memory; /* n_max_memory texts "device=8G": most of weights, a state and a run's values there */
    size_t n_max_memory;
    int32_t no_mmap; /* 1: the file is read, tensor by tensor, not mapped; 0: mapped, and must not become shorter meanwhile */
} krait_model_options;
#define KRAIT_MODEL_OPTIONS_INIT \
    { sizeof(krait_model_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }

typedef struct krait_model_description {
    char architecture[32]; /* general.architecture of the file */
    char device[64];       /* or several: "cuda0,cpu" */
    int64_t n_vocab;       /* logits a token */
    int64_t n_token;       /* the first so many of them stand for tokens; the rest is padding */
    int64_t n_layer, d_model;
    uint64_t weight_bytes; /* on the device */
    uint64_t state_bytes;  /* of one sequence, whatever its length */
    int32_t bos, eos;      /* -1 = none; other tokens may end a text too: krait_model_ends */
} krait_model_description;

/* path: a GGUF file, NUL-terminated; NULL = the demo model inside the library. options may be NULL. */
KRAIT_API krait_code krait_model_load(const char* path, const krait_model_options* options, krait_model** out,
                                      krait_failure* failure);
KRAIT_API void krait_model_free(krait_model* model);
KRAIT_API krait_code krait_model_describe(const krait_model* model, krait_model_description* out, krait_failure* failure);

/* Which node runs on which device and why, what crosses between them, and what memory they take, for runs of n_row tokens: a table
 * for people, or a picture in the language of Graphviz. *size as n_tok of krait_model_tokenize. */
typedef enum krait_explain_form { KRAIT_EXPLAIN_TABLE = 0, KRAIT_EXPLAIN_DOT = 1 } krait_explain_form;
KRAIT_API krait_code krait_model_explain(const krait_model* model, int32_t n_row, krait_explain_form form, char* text,
                                         size_t capacity, size_t* size, krait_failure* failure);

/* How text becomes tokens: any of these added up. */
typedef enum krait_tokenize_flags {
    KRAIT_TOKENIZE_PLAIN = 0,   /* all of the text is text */
    KRAIT_TOKENIZE_CONTROL = 1, /* a control token's text ("<|im_end|>") in it becomes that token */
    KRAIT_TOKENIZE_BEGIN = 2,   /* bos in front, where the model wants one: for the text that a sequence begins with */
    KRAIT_TOKENIZE_END = 4 /* eos behind, where the model wants one: for a text that is over, never for one to be continued */
} krait_tokenize_flags;

/* Text to tokens; flags are those of krait_tokenize_flags. Text from users and documents is passed without KRAIT_TOKENIZE_CONTROL, or
 * whoever wrote it can end its turn and begin another. *n_tok becomes the number of tokens; where it is larger than capacity nothing is
 * written and the call fails with INVALID_ARGUMENT (tokens NULL and capacity 0 just ask for the number, and succeed).
 * Without a tokenizer that the library knows the model takes token ids only, and the call fails with NOT_FOUND, UNSUPPORTED or
 * CORRUPT_FILE, by what the file has instead; with UNSUPPORTED too where the vocabulary has no token for a byte of the text. */
KRAIT_API krait_code krait_model_tokenize_with(const krait_model* model, const char* text, size_t size, uint32_t flags,
                                               int32_t* tokens, size_t capacity, size_t* n_tok, krait_failure* failure);
/* The same with KRAIT_TOKENIZE_CONTROL: a piece of a prompt that the application wrote itself. Nothing is added to it, so pieces can be
 * put one behind the other. For the first piece see KRAIT_TOKENIZE_BEGIN, for what others wrote KRAIT_TOKENIZE_PLAIN. */
KRAIT_API krait_code krait_model_tokenize(const krait_model* model, const char* text, size_t size, int32_t* tokens,
                                          size_t capacity, size_t* n_tok, krait_failure* failure);
/* Tokens to the exact bytes that they stand for, control tokens to none; *size as n_tok above. */
KRAIT_API krait_code krait_model_detokenize(const krait_model* model, const int32_t* tokens, size_t n_tok, char* text,
                                            size_t capacity, size_t* size, krait_failure* failure);
/* The token that the vocabulary writes so ("<|im_end|>"; " the" is written "\xC4\xA0the" there). NOT_FOUND where there is none, and as
 * krait_model_tokenize_with where there is no tokenizer. */
KRAIT_API krait_code krait_model_token(const krait_model* model, const char* text, size_t size, int32_t* token,
                                       krait_failure* failure);
/* The tokens that end a text, a turn or a message, ascending: a model may have several, or none. *n_tok as above. They are known without
 * a tokenizer too. krait_session_chain takes them as its stops. */
KRAIT_API krait_code krait_model_ends(const krait_model* model, int32_t* tokens, size_t capacity, size_t* n_tok,
                                      krait_failure* failure);
/* 1 where token is one of them, else 0. */
KRAIT_API int krait_model_is_end(const krait_model* model, int32_t token);
/* What is wrong with the file and was got over, for people to read: sentences from index 0 on, NULL behind the last. NUL-terminated;
 * they live as long as the model. */
KRAIT_API const char* krait_model_warning(const krait_model* model, size_t index);

/* ---- sessions --------------------------------------------------------------------------------------------------- */

typedef struct krait_session krait_session;

typedef struct krait_session_options {
    size_t struct_size;
    int32_t max_sequences;    /* numbered from 0 */
    int32_t max_batch_tokens; /* rows of one run; longer prompts are cut */
    int32_t max_snapshots;    /* of all sequences together; each takes as much memory as a sequence */
    int32_t max_chain;        /* tokens of one krait_session_chain, 0 as 1; more take as much memory as one more sequence */
    int32_t max_forks;        /* more states: so many forks go on in one run without a copy of their state before it */
} krait_session_options;
#define KRAIT_SESSION_OPTIONS_INIT \
    { sizeof(krait_session_options), 1, 512, 0, 1, 0 }

/* Logits after none, the last or all of the tokens; or the top_k likeliest tokens after the last one, which the device finds, so
 * that the other logits stay there (krait_session_candidates). UNSUPPORTED where no device of the model can (it lacks top_k). */
typedef enum krait_want { KRAIT_WANT_NONE = 0, KRAIT_WANT_LAST = 1, KRAIT_WANT_ALL = 2, KRAIT_WANT_TOP = 3 } krait_want;

/* Tokens that one sequence goes on with. Begin with zeros: what is not used stays 0. */
typedef struct krait_batch_item {
    int32_t sequence;
    krait_want want;
    const int32_t* tokens;
    size_t n_tok;            /* at least 1 */
    const size_t* snapshots; /* after so many of these tokens, ascending from 1 on, a snapshot is taken */
    size_t n_snapshot;
    int32_t top_k; /* with KRAIT_WANT_TOP: 1 or more */
} krait_batch_item;

/* options may be NULL. */
KRAIT_API krait_code krait_session_create(const krait_model* model, const krait_session_options* options, krait_session** out,
                                          krait_failure* failure);
KRAIT_API void krait_session_free(krait_session* session);
/* Any mix of prompts and single tokens; every sequence at most once. Waits for the result. After INVALID_ARGUMENT and UNSUPPORTED no
 * sequence has changed, though results of the decode before are gone; after an error of the device a sequence may refuse to go on
 * until it is reset, restored or rolled back. */
KRAIT_API krait_code krait_session_decode(krait_session* session, const krait_batch_item* items, size_t n_item,
                                          krait_failure* failure);
/* Logits of the latest decode, item by its index, row = 0 unless KRAIT_WANT_ALL: n_vocab floats that live until the next
 * decode or chain. NOT_FOUND where none were wanted. */
KRAIT_API krait_code krait_session_logits(const krait_session* session, size_t item, size_t row, const float** logits,
                                          size_t* n_vocab, krait_failure* failure);
/* The likeliest tokens after the last one of an item with KRAIT_WANT_TOP, the likeliest first: top_k, or as many as there are. They
 * live until the next decode or chain. NOT_FOUND where none were wanted. */
typedef struct krait_candidate {
    float logit;
    int32_t token;
} krait_candidate;
KRAIT_API krait_code krait_session_candidates(const krait_session* session, size_t item, const krait_candidate** candidates,
                                              size_t* n_candidate, krait_failure* failure);
/* Greedy decoding, several tokens a call, for samplers that need one candidate (krait_sampler_needs gives 1): the likeliest token
 * after `token`, the likeliest after that one, and so on, n_tok of them, or max_chain where that is less. What comes, and what the
 * sequence is afterwards, is what krait_session_decode with KRAIT_WANT_TOP and top_k = 1 gives when it is called again and again with
 * the token that it found: the sequence has read `token` and all that were found but the last. On one GPU the device goes on from token
 * to token by itself; 8 to 16 at a time are worth it. On a CPU, and where several devices share the model, nothing is gained.
 *   The chain ends early with one of the n_stop tokens of `stops` (krait_model_ends, say; may be NULL where n_stop is 0), and with a
 * logit that is NaN or infinite, which krait_session_sample refuses for the last candidate.
 *   *candidates live until the next decode or chain; the last is also item 0's (krait_session_candidates, krait_session_sample). Errors
 * as of krait_session_decode; but where max_chain is above 1 the sequence is what it was after any of them, and goes on. */
KRAIT_API krait_code krait_session_chain(krait_session* session, int32_t sequence, int32_t token, size_t n_tok,
                                         const int32_t* stops, size_t n_stop, const krait_candidate** candidates,
                                         size_t* n_candidate, krait_failure* failure);
/* How many tokens a sequence has read. */
KRAIT_API krait_code krait_session_length(const krait_session* session, int32_t sequence, size_t* n_tok,
                                          krait_failure* failure);
/* Forgets everything, snapshots too. */
KRAIT_API krait_code krait_session_reset(krait_session* session, int32_t sequence, krait_failure* failure);
/* `to` becomes what `from` is, snapshots included; costs nothing until one of them goes on. */
KRAIT_API krait_code krait_session_fork(krait_session* session, int32_t from, int32_t to, krait_failure* failure);
/* Resets all others. */
KRAIT_API krait_code krait_session_keep(krait_session* session, int32_t sequence, krait_failure* failure);

/* Snapshots: states that a sequence can go back to. Taking one costs nothing until the sequence goes on. INVALID_ARGUMENT, with the
 * numbers, where max_snapshots are in use; so for decode. */
KRAIT_API krait_code krait_session_snapshot(krait_session* session, int32_t sequence, krait_failure* failure);
/* Back to the snapshot after n_tok tokens (0: the beginning, which needs none). It stays, later ones are dropped. NOT_FOUND names those
 * that there are. Also mends a sequence that refuses to go on. */
KRAIT_API krait_code krait_session_rollback(krait_session* session, int32_t sequence, size_t n_tok, krait_failure* failure);
KRAIT_API krait_code krait_session_snapshot_drop(krait_session* session, int32_t sequence, size_t n_tok,
                                                 krait_failure* failure);
/* After how many tokens there are snapshots, ascending; *n_snapshot as krait_model_tokenize's n_tok. */
KRAIT_API krait_code krait_session_snapshots(const krait_session* session, int32_t sequence, size_t* n_tok, size_t capacity,
                                             size_t* n_snapshot, krait_failure* failure);

/* Positions, for applications that keep a book of them; the models do not read them. The first token's is 0, each other's one more
 * than that of the token before it. Ranges are [first, last), last = -1: whatever follows. */
KRAIT_API krait_code krait_session_position(const krait_session* session, int32_t sequence, int64_t* next,
                                            krait_failure* failure); /* of the token that comes next */
/* Where the latest token's position lies in the range it moves by delta, or is divided. So for snapshots. */
KRAIT_API krait_code krait_session_positions_add(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                                 int64_t delta, krait_failure* failure);
KRAIT_API krait_code krait_session_positions_divide(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                                    int64_t divisor, krait_failure* failure);
/* Takes tokens away as far as a recurrent state can: from 0 to the end (a reset), or from a snapshot to the end (a rollback). A range
 * that does not reach the end changes nothing, for the state cannot unlearn its middle. UNSUPPORTED where it reaches the end and
 * begins at no snapshot. */
KRAIT_API krait_code krait_session_remove(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                          krait_failure* failure);

/* The sequence as bytes, snapshots included, independent of device and backend; *size as krait_model_tokenize's n_tok. Where it is
 * restored, the latest snapshots are kept, as many as max_snapshots leaves room for. After a failure of the device while it is
 * restored the sequence has no state, and refuses to go on. */
KRAIT_API krait_code krait_session_save(krait_session* session, int32_t sequence, void* bytes, size_t capacity, size_t* size,
                                        krait_failure* failure);
KRAIT_API krait_code krait_session_restore(krait_session* session, int32_t sequence, const void* bytes, size_t size,
                                           krait_failure* failure);

/* Goes on with the same file on other devices: load it there, move the session, free the model before. States move, logits of the
 * latest decode are gone; after a failure nothing has changed. */
KRAIT_API krait_code krait_session_move(krait_session* session, const krait_model* model, krait_failure* failure);

/* ---- sampling --------------------------------------------------------------------------------------------------- */

typedef struct krait_sampler krait_sampler;

typedef struct krait_sampler_options {
    size_t struct_size;
    float temperature;        /* 0 = always the likeliest */
    int32_t top_k;            /* 0 = all */
    float top_p;              /* 1 = all */
    float min_p;              /* 0 = all */
    float repetition_penalty; /* 1 = none */
    int32_t repetition_window;
    uint64_t seed; /* the same seed and logits give the same tokens on every machine */
} krait_sampler_options;
#define KRAIT_SAMPLER_OPTIONS_INIT \
    { sizeof(krait_sampler_options), 0.8f, 40, 0.95f, 0.0f, 1.0f, 64, 0 }

/* options may be NULL. */
KRAIT_API krait_code krait_sampler_create(const krait_sampler_options* options, krait_sampler** out, krait_failure* failure);
KRAIT_API void krait_sampler_free(krait_sampler* sampler);
/* *top_k: how many candidates are enough for this sampler (KRAIT_WANT_TOP), which then chooses what it would choose from the
 * logits (but that it sees no NaN among the others); 0 where it needs all of them (KRAIT_WANT_LAST). */
KRAIT_API krait_code krait_sampler_needs(const krait_sampler* sampler, int32_t* top_k, krait_failure* failure);
/* The next token after an item of the latest decode, from its candidates or the logits of its last row; remembers it for the
 * repetition penalty. */
KRAIT_API krait_code krait_session_sample(const krait_session* session, size_t item, krait_sampler* sampler, int32_t* token,
                                          krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
