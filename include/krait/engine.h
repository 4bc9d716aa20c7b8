/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine: many requests on one model. A thread of its own runs a session; each step of it reads one token of every answer
 * in progress, and rows of prompts for as long as a step may take. Prefixes of prompts that have been read are kept, and later
 * requests continue from them (docs/engine.md).
 *
 * On a CPU an answer has the tokens that it would have alone and without kept prefixes. On other devices the last bits of a
 * logit may depend on the run that computed it.
 *
 * Threads. An engine may be used from many threads at once. So may a request, except krait_request_next, which one thread calls
 *          at a time. krait_engine_free and krait_request_free may not run while another call uses the same object.
 */
#ifndef KRAIT_ENGINE_H
#define KRAIT_ENGINE_H

#include <krait/sampler.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_engine krait_engine;
typedef struct krait_request krait_request;

typedef struct krait_engine_options {
    size_t struct_size;
    int32_t max_sequences;    /* 1 to 65535: choices of requests that are in progress at the same time; each takes one state */
    int32_t max_batch_tokens; /* max_sequences to 2^31 - 1: rows of a step */
    /* 0 to 65536: prefixes that are kept on the device; each takes one state. 0: no prefixes are kept. */
    int32_t max_snapshots;
    int32_t reserved;            /* 0 */
    int64_t max_cached_tokens;   /* these two as in krait_session_options */
    int64_t max_sequence_tokens; /* a prompt that is longer is INVALID_ARGUMENT */
    /* More than 0: for how long a step with prompts may run while answers are in progress. Where decoding alone takes as long,
     * a step takes half as long again. */
    double step_seconds;
    int64_t max_waiting_requests; /* 0 or more: requests without a sequence; one more is UNAVAILABLE. 0 = no limit */
    int64_t max_waiting_tokens;   /* 0 or more: tokens of prompts that are not read yet; the same. 0 = no limit */
    uint64_t max_host_bytes;      /* host memory for prefixes that lose their place on the device */
    /* A folder for prefixes that lose their place in host memory, and for all of them when the engine is freed; NUL-terminated,
     * UTF-8. It is made where it is missing. Prefixes are found again by engines of a model with the same krait_model_hash.
     * NULL = none; INVALID_ARGUMENT where max_snapshots is 0. */
    const char* folder;
    uint64_t max_folder_bytes; /* of the files of this model; the least recently used are removed. 0 = no limit */
} krait_engine_options;
#define KRAIT_ENGINE_OPTIONS_INIT \
    { sizeof(krait_engine_options), 16, 512, 32, 0, 0, 0, 0.05, 512, 0, 0, NULL, 0 }

/* options may be NULL. The engine keeps its model alive. OUT_OF_MEMORY where the states do not fit; IO where the folder cannot
 * be made. */
KRAIT_API krait_code krait_engine_create(const krait_model* model, const krait_engine_options* options, krait_engine** out,
                                         krait_failure* failure);
/* Ends all requests as cancelled, and waits for the step in progress. Requests stay valid. */
KRAIT_API void krait_engine_free(krait_engine* engine);

/* Called on the engine's thread after new events of a request. It must be short and not throw, and call nothing of Krait except
 * krait_request_next with a timeout of 0, and krait_request_cancel. */
typedef void (*krait_wake)(void* user);

typedef struct krait_request_options {
    size_t struct_size;
    const int32_t* tokens; /* the prompt: n_tok ids (1 or more) from 0 to n_vocab - 1 */
    size_t n_tok;
    /* NULL = the defaults. Choice i draws with seed + i. The repetition penalty applies to tokens of the prompt too. A
     * constraint is UNSUPPORTED. */
    const krait_sampler_options* sampler;
    const int32_t* stops; /* n_stop token ids before which a choice ends, such as those of krait_model_ends */
    size_t n_stop;
    /* Tokens of each choice; -1 = up to a stop token, or to the end of max_sequence_tokens. 0: the prompt is read, and kept. */
    int64_t max_tokens;
    int32_t n;        /* 1 to max_sequences: choices, forks of one sequence after the prompt */
    int32_t priority; /* requests of a higher priority are admitted, and their prompts read, before all others */
    /* Whose request it is, NUL-terminated; NULL is the same as "". Keys share the engine by their weights, and the requests of
     * a key share its part equally. */
    const char* key;
    double weight;          /* of the key, more than 0; that of its latest request applies */
    double timeout_seconds; /* after which the request ends with KRAIT_FINISH_DEADLINE; 0 = never */
    /* n_message_end numbers of tokens, ascending, from 1 to n_tok: a state is kept after each of them. Ends of messages, which
     * the next prompt of a conversation shares. The end of a prompt and that of an answer are kept without being named. */
    const size_t* message_ends;
    size_t n_message_end;
    int32_t reuse;     /* 1: continues from kept prefixes; 0: reads the whole prompt */
    int32_t keep;      /* 1: later requests may continue from its prefixes */
    size_t max_events; /* 2 n or more: events that wait for krait_request_next; without room for more the request pauses */
    krait_wake wake;   /* NULL = none */
    void* user;        /* passed to wake; both stay valid until krait_request_free returns */
} krait_request_options;
#define KRAIT_REQUEST_OPTIONS_INIT \
    { sizeof(krait_request_options), NULL, 0, NULL, NULL, 0, -1, 1, 0, NULL, 1.0, 0.0, NULL, 0, 1, 1, 256, NULL, NULL }

/* Submits a request; what the options point to is copied. INVALID_ARGUMENT for a request that could never run; UNAVAILABLE
 * where the queue is full: try again later. */
KRAIT_API krait_code krait_engine_submit(krait_engine* engine, const krait_request_options* options, krait_request** out,
                                         krait_failure* failure);
/* Cancels the request if it has not finished. Waits for a call of wake that is in progress: the caller holds no lock that wake
 * takes. No call follows. */
KRAIT_API void krait_request_free(krait_request* request);

typedef enum krait_event_kind {
    KRAIT_EVENT_NONE = 0,     /* the time is over, and there is no event yet */
    KRAIT_EVENT_TOKEN = 1,    /* the next token of a choice */
    KRAIT_EVENT_FINISHED = 2, /* a choice has ended: its last event */
    KRAIT_EVENT_END = 3       /* all choices have ended, and all events were taken */
} krait_event_kind;

typedef enum krait_finish {
    KRAIT_FINISH_STOP = 0,      /* the next token was one of `stops` */
    KRAIT_FINISH_LENGTH = 1,    /* max_tokens, or the end of max_sequence_tokens */
    KRAIT_FINISH_CANCELLED = 2, /* by krait_request_cancel or krait_engine_free */
    KRAIT_FINISH_DEADLINE = 3,  /* timeout_seconds */
    KRAIT_FINISH_ERROR = 4      /* krait_request_error says which */
} krait_finish;

typedef struct krait_event {
    size_t struct_size;
    krait_event_kind kind;
    int32_t choice;      /* 0 to n - 1 */
    int32_t token;       /* of KRAIT_EVENT_TOKEN; with KRAIT_FINISH_STOP the stop token; else -1 */
    krait_finish finish; /* of KRAIT_EVENT_FINISHED */
} krait_event;
#define KRAIT_EVENT_INIT \
    { sizeof(krait_event), KRAIT_EVENT_NONE, 0, -1, KRAIT_FINISH_STOP }

/* Takes the next event, and waits for it for at most timeout_seconds; below 0: as long as it takes. The caller sets
 * event->struct_size. */
KRAIT_API krait_code krait_request_next(krait_request* request, double timeout_seconds, krait_event* event,
                                        krait_failure* failure);
/* Takes effect before the next step; events of tokens that were generated before come first. */
KRAIT_API krait_code krait_request_cancel(krait_request* request, krait_failure* failure);
/* No more tokens until krait_request_continue. spill 0: the request keeps its sequences; 1: they are saved in host memory, and
 * others may use their places. Takes effect before the next step. */
KRAIT_API krait_code krait_request_pause(krait_request* request, int32_t spill, krait_failure* failure);
KRAIT_API krait_code krait_request_continue(krait_request* request, krait_failure* failure);

/* Why no more of a prompt came from a kept prefix. */
typedef enum krait_reuse {
    KRAIT_REUSE_WHOLE_PROMPT = 0,     /* nothing was left to read */
    KRAIT_REUSE_END_OF_COMMON = 1,    /* all that the prompt has in common with earlier ones was reused */
    KRAIT_REUSE_NEAREST_SNAPSHOT = 2, /* more is in common, and no state lies at its end */
    KRAIT_REUSE_EVICTED = 3,          /* one lay closer to its end, and made room for others */
    KRAIT_REUSE_NO_COMMON_PREFIX = 4,
    KRAIT_REUSE_OFF = 5 /* the engine keeps no prefixes, or the request has reuse = 0, or it has not begun */
} krait_reuse;

typedef struct krait_request_figures {
    size_t struct_size;
    uint64_t prompt_tokens;
    uint64_t generated_tokens; /* of all choices, when they have ended */
    uint64_t cached_tokens;    /* of the prompt, that were not read */
    uint64_t common_tokens;    /* of the prompt, that it has in common with kept prefixes */
    krait_reuse reuse;         /* why cached_tokens are not more */
    int32_t reserved;          /* 0 */
    double queue_seconds;      /* from its submission until it had a sequence, */
    double prompt_seconds;     /* until its first token, */
    double generation_seconds; /* until its last event */
} krait_request_figures;
#define KRAIT_REQUEST_FIGURES_INIT \
    { sizeof(krait_request_figures), 0, 0, 0, 0, KRAIT_REUSE_OFF, 0, 0.0, 0.0, 0.0 }

/* Complete with the last event. The caller sets out->struct_size. */
KRAIT_API krait_code krait_request_measure(const krait_request* request, krait_request_figures* out, krait_failure* failure);
/* The same as words for people: "nearest snapshot at 812 of 1190". Empty for a whole prompt; not NUL-terminated. */
KRAIT_API krait_code krait_request_reuse_text(const krait_request* request, char* text, size_t capacity, size_t* size,
                                              krait_failure* failure);
/* *error: of a request with KRAIT_FINISH_ERROR; code KRAIT_OK where there is none. */
KRAIT_API krait_code krait_request_error(const krait_request* request, krait_failure* error, krait_failure* failure);

typedef struct krait_engine_figures {
    size_t struct_size;
    uint64_t waiting_requests; /* that have no sequence yet */
    uint64_t waiting_tokens;   /* of prompts that are not read yet */
    uint64_t running_requests;
    uint64_t refused_requests; /* since the beginning, as all that follow but snapshots and bytes */
    uint64_t n_step;
    uint64_t prompt_tokens;  /* that were read, */
    uint64_t decoded_tokens; /* and of answers */
    double step_seconds;     /* of all steps; */
    double run_seconds;      /* the part of them in which the session decoded */
    uint64_t lookups;        /* of prefixes, */
    uint64_t hits;           /* that found one */
    uint64_t cached_tokens;  /* of prompts, that were not read */
    uint64_t snapshots;      /* that are kept on the device */
    uint64_t evictions;      /* prefixes that are kept no longer */
    uint64_t host_bytes;
    uint64_t folder_bytes;
    double since_step; /* seconds since the engine's thread finished a step or began to wait: an engine that is not
                                  * idle and answers no more is stuck */
    int32_t is_idle;   /* 1: it waits for requests */
    int32_t reserved;  /* 0 */
} krait_engine_figures;
#define KRAIT_ENGINE_FIGURES_INIT \
    { sizeof(krait_engine_figures), 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0.0, 0, 0 }

/* The caller sets out->struct_size. Never waits for a step. */
KRAIT_API krait_code krait_engine_measure(const krait_engine* engine, krait_engine_figures* out, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
