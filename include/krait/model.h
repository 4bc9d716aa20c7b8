/* SPDX-License-Identifier: Apache-2.0
 *
 * A model: a GGUF file, checked, with its weights on one device or several.
 */
#ifndef KRAIT_MODEL_H
#define KRAIT_MODEL_H

#include <krait/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_model krait_model;

/* The application's own threads for a model on the CPU, which then starts none. GPUs do not use it.
 *   parallel   calls task(task_context, i) once for each i < n_tasks, from any threads, concurrently or one after another, and
 *              returns when all calls have returned. Neither parallel nor a task may throw.
 *   callers    the threads that load the model or use its sessions, several at once if the application does so; never a task.
 *   locks      Krait holds none meanwhile: a waiting thread may do other work, also with other sessions.
 *   lifetime   the struct is copied; context and parallel stay valid until the model and all its sessions are freed. */
typedef struct krait_executor {
    size_t struct_size;
    void* context;
    uint32_t n_threads; /* max number of tasks that run at the same time; 1 to 1024 */
    void (*parallel)(void* context, uint32_t n_tasks, void (*task)(void* task_context, uint32_t index), void* task_context);
} krait_executor;
#define KRAIT_EXECUTOR_INIT \
    { sizeof(krait_executor), NULL, 1, NULL }

typedef struct krait_model_options {
    size_t struct_size;
    /* "cpu", "cuda0", "cpu:avx2:threads=2", "auto", or several: "cuda0,cpu". NULL: $KRAIT_DEVICE, or "auto" if that is not
     * set. */
    const char* device;
    krait_progress progress;        /* bytes of weights, not called with no_weights; NULL = none */
    void* user;                     /* of progress */
    const krait_executor* executor; /* NULL = the device's own threads; excludes threads= and affinity= in device */
    /* Placement of the model on several devices. If nothing is given, by rates that are measured once for each device and kept:
     * among the placements that fit the devices' memory and take at most 5 % longer for a token than the fastest, the one whose
     * slowest device is fastest for prompts. A device that is named twice is called "cpu" and "cpu#2". */
    const char* layers; /* "20,4": number of layers for each device, in their order; NULL = not given */
    const char* split;  /* "3,1": proportions of the layers, not all 0; NULL = not given */
    /* n_place texts "regex=device", for nodes a part of whose name, or of whose weight's name, matches: Perl's syntax, at most
     * 1000 bytes, the first that matches counts. */
    const char* const* place;
    size_t n_place;
    const char* const* max_memory; /* n_max_memory texts "device=8G" (K, M, G, T: powers of 1024): max
                                      bytes of weights, one state and the intermediate results of a run */
    size_t n_max_memory;
    int32_t no_mmap; /* 1: the file is read, tensor by tensor; 0: it is mapped, and must not become shorter meanwhile */
    /* 1: metadata, the list of tensors and the vocabulary alone are read, and no device is opened. Any GGUF file will do, also
     * one of an architecture that Krait does not know (krait_model_check). Sessions and krait_model_explain are UNSUPPORTED. */
    int32_t no_weights;
} krait_model_options;
#define KRAIT_MODEL_OPTIONS_INIT \
    { sizeof(krait_model_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, 0, 0 }

/* path: a GGUF file, NUL-terminated; NULL = the demo model inside the library. options may be NULL. */
KRAIT_API krait_code krait_model_load(const char* path, const krait_model_options* options, krait_model** out,
                                      krait_failure* failure);
KRAIT_API void krait_model_free(krait_model* model);
/* KRAIT_OK where Krait can run the model; else why it cannot. A model with weights can be run. */
KRAIT_API krait_code krait_model_check(const krait_model* model, krait_failure* failure);

/* Texts are NUL-terminated and valid until the model is freed. */
KRAIT_API const char* krait_model_name(const krait_model* model);         /* the path, or "the demo model" */
KRAIT_API const char* krait_model_architecture(const krait_model* model); /* general.architecture. Where krait_model_check
                                                                             fails it is NULL, and the sizes below are 0 */
KRAIT_API const char* krait_model_device(const krait_model* model);   /* "cpu", or several: "cuda0,cpu"; NULL = no weights */
KRAIT_API const char* krait_model_hardware(const krait_model* model); /* products: "NVIDIA H100, AMD EPYC"; NULL likewise */

KRAIT_API int64_t krait_model_n_vocab(const krait_model* model); /* logits for each token: rows of the output matrix */
/* Tokens of the vocabulary, at most n_vocab: ids 0 to n_token - 1; the other rows are padding. */
KRAIT_API int64_t krait_model_n_token(const krait_model* model);
KRAIT_API int64_t krait_model_n_layer(const krait_model* model);
KRAIT_API int64_t krait_model_d_model(const krait_model* model); /* floats of a hidden state */
KRAIT_API int krait_model_is_tied(const krait_model* model);     /* 1: the output matrix is the embedding */
/* Bytes of the state of one sequence; they do not depend on its length. */
KRAIT_API uint64_t krait_model_state_bytes(const krait_model* model);
KRAIT_API uint64_t krait_model_weight_bytes(const krait_model* model); /* as they stand in the file; 0 = no weights */
KRAIT_API uint64_t krait_model_device_bytes(const krait_model* model); /* that weights take on all devices; 0 likewise */
/* A hash of metadata, tensor records and the first bytes of each tensor: models that differ in it cannot exchange saved
 * sequences. 0 = no weights. */
KRAIT_API uint64_t krait_model_hash(const krait_model* model);
/* 1: sessions can find the most likely tokens on the device (KRAIT_WANT_TOP). */
KRAIT_API int krait_model_has_top_k(const krait_model* model);
/* How many tokens a krait_session_chain is best asked for: 16 where one GPU has the whole model and top_k, else 1; 0 without
 * weights. */
KRAIT_API int32_t krait_model_chain_length(const krait_model* model);

/* Hyperparameters that only some architectures have, for people: "d_inner", from index 0 on (numbers, not bytes). name:
 * *name_size bytes, valid until the model is freed. NOT_FOUND past the end. */
KRAIT_API krait_code krait_model_size(const krait_model* model, size_t index, const char** name, size_t* name_size,
                                      int64_t* value, krait_failure* failure);

/* A device of a model, as it was opened. */
typedef struct krait_model_device_info {
    size_t struct_size;
    /* NUL-terminated and valid until the model is freed. */
    const char* name;     /* "cuda0" */
    const char* family;   /* of devices of one kind: "cuda" */
    const char* variant;  /* of the backend, chosen for this machine: "avx512"; may be empty */
    const char* product;  /* as its maker calls it */
    const char* features; /* for people; may be empty */
    int32_t is_processor; /* 1: the processor that this process runs on */
    int32_t reserved;     /* 0 */
} krait_model_device_info;
#define KRAIT_MODEL_DEVICE_INFO_INIT \
    { sizeof(krait_model_device_info), NULL, NULL, NULL, NULL, NULL, 0, 0 }

/* The device with this index, in the order of krait_model_device; NOT_FOUND past the end. out begins with its struct_size. */
KRAIT_API krait_code krait_model_device_at(const krait_model* model, size_t index, krait_model_device_info* out,
                                           krait_failure* failure);

/* The minimum that a model reads and computes, for comparing a measured time with. A run of n tokens of b sequences, with the
 * logits of m tokens (m = 0: without head_bytes), for s = krait_model_state_bytes:
 *   reads and writes   weight_bytes + n * embedding_row_bytes + 2 * b * s   bytes
 *   computes           2 * (n * layer_weights + m * head_weights)           floating-point operations
 * Bytes are those of the file. Norms, scans and activations are not counted. */
typedef struct krait_work {
    size_t struct_size;
    uint64_t weight_bytes;        /* of all weights but an embedding of which a run reads single rows */
    uint64_t head_bytes;          /* the part of them that only logits need */
    uint64_t embedding_row_bytes; /* of a token */
    uint64_t layer_weights;       /* that each token is multiplied with: their number */
    uint64_t head_weights;        /* that each token is multiplied with whose logits are wanted */
    const char* type;             /* that most of these weights have, NUL-terminated: "Q4_K" */
} krait_work;
#define KRAIT_WORK_INIT \
    { sizeof(krait_work), 0, 0, 0, 0, 0, NULL }

/* UNSUPPORTED without weights. out begins with its struct_size. */
KRAIT_API krait_code krait_model_work(const krait_model* model, krait_work* out, krait_failure* failure);

/* Explains the placement for runs of n_row tokens (1 to 2^31 - 1): the device of each node and why, copies between devices,
 * and memory. As a table for people, or as a graph in the DOT language (Graphviz). */
typedef enum krait_explain_form { KRAIT_EXPLAIN_TABLE = 0, KRAIT_EXPLAIN_DOT = 1 } krait_explain_form;
KRAIT_API krait_code krait_model_explain(const krait_model* model, int32_t n_row, krait_explain_form form, char* text,
                                         size_t capacity, size_t* size, krait_failure* failure);

/* Flaws of the file that do not prevent its use: sentences for people, from index 0 on; NULL after the last. NUL-terminated,
 * valid until the model is freed. */
KRAIT_API const char* krait_model_warning(const krait_model* model, size_t index);

#ifdef __cplusplus
}
#endif
#endif
