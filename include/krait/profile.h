/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile: time, bytes and floating-point operations of each node of a model's runs, recorded by sessions that are created
 * with it (krait_session_options.profile). Nodes that a backend fuses run apart, so results of a GPU may round otherwise; those
 * of the CPU do not change. Each time includes the way to the device and back (docs/benchmarks.md says how to read one).
 *   recording   Two sessions with the same work, one with KRAIT_PROFILE_NODES and one with KRAIT_PROFILE_PLAIN, give the times
 *               of the nodes and, to compare with, the time of a run as it is without a profile. One of them alone will do.
 *   runs        A run of one token for each of its sequences is decoding, every other run reads prompts.
 *   counts      Bytes and operations are the minimum: weights as they stand in the file, of a table only the rows that are
 *               looked up, each operand and result once, the states that are read and written; 2 operations for each
 *               multiply-add with a weight, nothing else.
 *   ownership   A profile may be freed before its sessions. It may be freed before its model, and after it.
 *   threads     A profile is used from one thread at a time: by its functions, and by decode and chain of its sessions.
 *   texts       They are valid until a session records into the profile again, and until it is freed.
 */
#ifndef KRAIT_PROFILE_H
#define KRAIT_PROFILE_H

#include <krait/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_profile krait_profile;

/* How the runs of a session are recorded. */
typedef enum krait_profile_runs {
    KRAIT_PROFILE_NODES = 0, /* node by node: each is a program of its own, and the host waits for its device */
    KRAIT_PROFILE_PLAIN = 1  /* as they are without a profile; the time of each run as a whole */
} krait_profile_runs;

typedef struct krait_profile_options {
    size_t struct_size;
    uint64_t max_events; /* 0 to 2^26: runs of nodes that are kept one by one, at most 64 bytes each; 0 = none */
} krait_profile_options;
#define KRAIT_PROFILE_OPTIONS_INIT \
    { sizeof(krait_profile_options), 0 }

/* For sessions of this model, with weights. options may be NULL. */
KRAIT_API krait_code krait_profile_create(const krait_model* model, const krait_profile_options* options, krait_profile** out,
                                          krait_failure* failure);
KRAIT_API void krait_profile_free(krait_profile* profile);
/* 1: runs are not counted from now on, such as those that warm up; 0: they are. NULL is allowed. */
KRAIT_API void krait_profile_pause(krait_profile* profile, int is_paused);
/* The devices of the profile, "cpu" or "cpu#2", NUL-terminated and valid until it is freed; NULL past the end. */
KRAIT_API const char* krait_profile_device(const krait_profile* profile, size_t index);

/* ---- sums ---- */

typedef enum krait_phase { KRAIT_PHASE_PROMPT = 0, KRAIT_PHASE_DECODE = 1 } krait_phase;

typedef struct krait_phase_sums {
    size_t struct_size;
    uint64_t n_run;       /* recorded node by node, like the next three */
    uint64_t n_tok;       /* that they read */
    double node_seconds;  /* of all nodes */
    double run_seconds;   /* of the runs: nodes, inputs, and copies between devices */
    uint64_t n_plain_run; /* recorded as a whole */
    double plain_seconds; /* of those */
} krait_phase_sums;
#define KRAIT_PHASE_SUMS_INIT \
    { sizeof(krait_phase_sums), 0, 0, 0.0, 0.0, 0, 0.0 }

/* All 0 where nothing was recorded. out begins with its struct_size. */
KRAIT_API krait_code krait_profile_phase(const krait_profile* profile, krait_phase phase, krait_phase_sums* out,
                                         krait_failure* failure);

/* Nodes whose times are added up to one entry, if they are on the same device. */
typedef enum krait_profile_group {
    KRAIT_GROUP_NODE = 0,    /* each node of the model by itself, "blk.3.in", in the order of its first run */
    KRAIT_GROUP_NAME = 1,    /* those of all layers that have a name in common, "blk.*.in"; the longest time first */
    KRAIT_GROUP_OPERATOR = 2 /* those of an operator, "mul_mat"; the longest time first */
} krait_profile_group;

#define KRAIT_LAYER_EMBEDDING (-1)
#define KRAIT_LAYER_HEAD (-2)
#define KRAIT_LAYER_SEVERAL (-3) /* of a group */

typedef struct krait_profile_entry {
    size_t struct_size;
    const char* name; /* name_size bytes */
    size_t name_size;
    const char* op;  /* the operator, NUL-terminated: "mul_mat" */
    int32_t layer;   /* 0 to krait_model_n_layer - 1, or KRAIT_LAYER_... */
    uint32_t device; /* krait_profile_device */
    uint64_t n_call; /* of which the others are sums */
    double seconds;
    double min_seconds; /* of one call */
    double bytes_read, bytes_written;
    double operations; /* floating-point; 0 = not counted for this operator */
} krait_profile_entry;
#define KRAIT_PROFILE_ENTRY_INIT \
    { sizeof(krait_profile_entry), NULL, 0, NULL, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0 }

/* How many entries there are; 0 for a phase or group that does not exist. */
KRAIT_API size_t krait_profile_entry_count(const krait_profile* profile, krait_phase phase, krait_profile_group group);
/* The entry with this index; NOT_FOUND past the end. out begins with its struct_size. */
KRAIT_API krait_code krait_profile_entry_at(const krait_profile* profile, krait_phase phase, krait_profile_group group,
                                            size_t index, krait_profile_entry* out, krait_failure* failure);

/* ---- events, for a time line ---- */

/* One run of a node. */
typedef struct krait_profile_event {
    size_t struct_size;
    const char* name; /* of the node: name_size bytes */
    size_t name_size;
    const char* op;    /* NUL-terminated */
    int32_t layer;     /* as in krait_profile_entry */
    uint32_t device;   /* krait_profile_device */
    krait_phase phase; /* of its run */
    uint32_t run;      /* runs are counted from 0 */
    uint64_t start_ns; /* nanoseconds of a clock that never goes back, the same for all profiles of a process */
    uint64_t end_ns;
    uint64_t bytes; /* read and written */
} krait_profile_event;
#define KRAIT_PROFILE_EVENT_INIT \
    { sizeof(krait_profile_event), NULL, 0, NULL, 0, 0, KRAIT_PHASE_PROMPT, 0, 0, 0, 0 }

KRAIT_API size_t krait_profile_event_count(const krait_profile* profile);
/* How many came when max_events were kept, and were dropped; 0 where max_events is. */
KRAIT_API uint64_t krait_profile_dropped_count(const krait_profile* profile);
/* The event with this index, in the order of time; NOT_FOUND past the end. out begins with its struct_size. */
KRAIT_API krait_code krait_profile_event_at(const krait_profile* profile, size_t index, krait_profile_event* out,
                                            krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
