/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile: time, bytes and floating-point operations of each node of a model's runs, recorded by sessions that are created
 * with it (krait_session_options.profile). The time of a node includes its submission to the device and the wait for its end.
 * Nodes that a backend otherwise fuses into one kernel are computed separately, so results of a GPU may be rounded differently;
 * those of the CPU do not change. docs/benchmarks.md says how to read a profile.
 *   recording   A session with KRAIT_PROFILE_NODES records the times of nodes. A second session with KRAIT_PROFILE_PLAIN that
 *               decodes the same records how long whole runs take without that, for comparison. Either can be used alone.
 *   phases      A run of one token for each of its sequences is decoding; every other run reads prompts.
 *   counts      Bytes and operations are the minimum that a node needs. Bytes: weights as stored in the file, of an embedding
 *               only the rows that are looked up; each operand and result once; states that are read and written. Operations: 2
 *               for each multiply-add with a weight; nothing else is counted.
 *   ownership   A profile may be freed before or after its sessions and its model.
 *   threads     The functions for a profile, and decode and chain of its sessions, are called from one thread at a time.
 *   texts       Texts are valid until a session records into the profile again, or the profile is freed.
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
    KRAIT_PROFILE_NODES = 0, /* node by node: the host submits each node by itself, and waits for its end */
    KRAIT_PROFILE_PLAIN = 1  /* as without a profile; only the time of each run is recorded */
} krait_profile_runs;

typedef struct krait_profile_options {
    size_t struct_size;
    uint64_t max_events; /* 0 to 2^26: number of events that are kept, at most 64 bytes each; 0 = none */
} krait_profile_options;
#define KRAIT_PROFILE_OPTIONS_INIT \
    { sizeof(krait_profile_options), 0 }

/* For sessions of this model, which was loaded with its weights (else UNSUPPORTED). options may be NULL. */
KRAIT_API krait_code krait_profile_create(const krait_model* model, const krait_profile_options* options, krait_profile** out,
                                          krait_failure* failure);
KRAIT_API void krait_profile_free(krait_profile* profile);
/* 1: runs are not recorded from now on, such as warm-up runs; 0: they are. profile may be NULL. */
KRAIT_API void krait_profile_pause(krait_profile* profile, int is_paused);
/* The name of the device with this index, "cpu" or "cpu#2"; NULL past the end. NUL-terminated, valid until the profile is
 * freed. */
KRAIT_API const char* krait_profile_device(const krait_profile* profile, size_t index);

/* ---- sums ---- */

typedef enum krait_phase { KRAIT_PHASE_PROMPT = 0, KRAIT_PHASE_DECODE = 1 } krait_phase;

typedef struct krait_phase_sums {
    size_t struct_size;
    uint64_t n_run;       /* runs that were recorded with KRAIT_PROFILE_NODES */
    uint64_t n_tok;       /* tokens that these runs read */
    double node_seconds;  /* time of all nodes in these runs */
    double run_seconds;   /* time of these runs: nodes, and copies of token ids and activations to devices */
    uint64_t n_plain_run; /* runs that were recorded with KRAIT_PROFILE_PLAIN */
    double plain_seconds; /* time of the n_plain_run runs */
} krait_phase_sums;
#define KRAIT_PHASE_SUMS_INIT \
    { sizeof(krait_phase_sums), 0, 0, 0.0, 0.0, 0, 0.0 }

/* All 0 where nothing was recorded. The caller sets out->struct_size. */
KRAIT_API krait_code krait_profile_phase(const krait_profile* profile, krait_phase phase, krait_phase_sums* out,
                                         krait_failure* failure);

/* How nodes are grouped: the nodes of a group are on one device, and their times are added up to one entry. */
typedef enum krait_profile_group {
    KRAIT_GROUP_NODE = 0,    /* each node is an entry of its own, "blk.3.in"; in the order in which they first ran */
    KRAIT_GROUP_NAME = 1,    /* nodes with the same name in all layers, "blk.*.in"; the longest time first */
    KRAIT_GROUP_OPERATOR = 2 /* nodes with the same operator, "mul_mat"; the longest time first */
} krait_profile_group;

#define KRAIT_LAYER_EMBEDDING (-1)
#define KRAIT_LAYER_HEAD (-2)
#define KRAIT_LAYER_SEVERAL (-3) /* of every entry of KRAIT_GROUP_NAME and KRAIT_GROUP_OPERATOR */

typedef struct krait_profile_entry {
    size_t struct_size;
    const char* name; /* name_size bytes */
    size_t name_size;
    const char* op;                   /* the operator, NUL-terminated: "mul_mat" */
    int32_t layer;                    /* 0 to krait_model_n_layer - 1, or KRAIT_LAYER_... */
    uint32_t device;                  /* an index for krait_profile_device */
    uint64_t n_call;                  /* how often nodes of this entry were executed */
    double seconds;                   /* the sum over these executions */
    double min_seconds;               /* the shortest of them */
    double bytes_read, bytes_written; /* sums */
    double operations;                /* the sum of floating-point operations; 0 = not counted for this operator */
} krait_profile_entry;
#define KRAIT_PROFILE_ENTRY_INIT \
    { sizeof(krait_profile_entry), NULL, 0, NULL, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0 }

/* The number of entries; 0 for a phase or group that does not exist. */
KRAIT_API size_t krait_profile_entry_count(const krait_profile* profile, krait_phase phase, krait_profile_group group);
/* The entry with this index; NOT_FOUND past the end. The caller sets out->struct_size. */
KRAIT_API krait_code krait_profile_entry_at(const krait_profile* profile, krait_phase phase, krait_profile_group group,
                                            size_t index, krait_profile_entry* out, krait_failure* failure);

/* ---- events, for a timeline ---- */

/* An event: one execution of one node (not a CUDA event). */
typedef struct krait_profile_event {
    size_t struct_size;
    const char* name; /* of the node: name_size bytes */
    size_t name_size;
    const char* op;    /* NUL-terminated */
    int32_t layer;     /* 0 to krait_model_n_layer - 1, KRAIT_LAYER_EMBEDDING or KRAIT_LAYER_HEAD */
    uint32_t device;   /* an index for krait_profile_device */
    krait_phase phase; /* of the run to which the event belongs */
    uint32_t run;      /* the number of this run, counted from 0 */
    uint64_t start_ns; /* nanoseconds of a monotonic clock, which is the same for all profiles of a process */
    uint64_t end_ns;
    uint64_t bytes; /* bytes read and written */
} krait_profile_event;
#define KRAIT_PROFILE_EVENT_INIT \
    { sizeof(krait_profile_event), NULL, 0, NULL, 0, 0, KRAIT_PHASE_PROMPT, 0, 0, 0, 0 }

KRAIT_API size_t krait_profile_event_count(const krait_profile* profile);
/* The number of events that were dropped, as max_events had been kept already; 0 where max_events is 0. */
KRAIT_API uint64_t krait_profile_dropped_count(const krait_profile* profile);
/* The event with this index, the earliest first; NOT_FOUND past the end. The caller sets out->struct_size. */
KRAIT_API krait_code krait_profile_event_at(const krait_profile* profile, size_t index, krait_profile_event* out,
                                            krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
