/* SPDX-License-Identifier: Apache-2.0
 *
 * A model: the contents of a GGUF file or of a folder from Hugging Face, with the weights on one device or several.
 */
#ifndef KRAIT_MODEL_H
#define KRAIT_MODEL_H

#include <krait/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_model krait_model;

/* A thread pool of the application, on which a model on the CPU computes. The CPU device then starts no threads of its own.
 * GPUs do not use it.
 *   parallel   calls task(task_context, i) once for each i < n_tasks, from any threads, concurrently or one after another, and
 *              returns when all calls have returned. Neither parallel nor a task may throw.
 *   callers    parallel is called by the threads that load the model or use its sessions, by several at once if the application
 *              does so, and never by a task.
 *   locks      Krait holds no lock while parallel runs: a thread that waits in it may do other work, also with other sessions.
 *   lifetime   the struct is copied; context and parallel stay valid until the model and all its sessions are freed. */
typedef struct krait_executor {
    size_t struct_size;
    void* context;      /* user pointer: passed to parallel */
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
    /* Counts bytes of weights. Is called with done = 0, every few ms, while the vocabulary is read, with no_weights too.
     * NULL = none */
    krait_progress progress;
    void* user;                     /* passed to progress */
    const krait_executor* executor; /* NULL = the device's own threads; excludes threads= and affinity= in device */
    /* The placement of the model on several devices follows layers or split, of which at most one is given. Without them it is
     * chosen by the speed of each device, which is measured once and kept (docs/scheduler.md):
     *   1. all placements that fit the free memory of the devices, and max_memory
     *   2. of these, the one that is fastest for a single token, and those that take at most 5 % longer
     *   3. of these, the one whose slowest device is fastest for prompts
     * A device that is named twice is called "cpu" and "cpu#2". */
    const char* layers; /* "20,4": number of layers for each device, in their order; NULL = not given */
    const char* split;  /* "3,1": proportions of the layers, not all 0; NULL = not given */
    /* n_place texts "regex=device": a node goes to this device if the regular expression matches a part of its name or of the
     * name of a weight that it reads. Perl's syntax, at most 1000 bytes; the first text that matches a node counts. */
    const char* const* place;
    size_t n_place;
    const char* const* max_memory; /* n_max_memory texts "device=8G" (K, M, G, T: powers of 1024): max
                                      bytes of weights, one state and the activations of a run */
    size_t n_max_memory;
    /* 1: the file is read, tensor by tensor; 0: it is mapped, and must not be shortened while the model exists. */
    int32_t no_mmap;
    /* 1: only metadata, the list of tensors and the vocabulary are read, and no device is opened. Any GGUF file can be loaded
     * so, also one of an architecture that Krait does not know (krait_model_check). Functions that need weights or a device are
     * UNSUPPORTED, such as krait_session_create and krait_model_explain. */
    int32_t no_weights;
    /* "q4_k", "q8_0", "f16", ...: the matrices are quantized to this type while the model is loaded, as krait quantize does it;
     * of models in F32, F16 or BF16. NULL: weights stay as they are. */
    const char* type;
    /* A folder with a tokenizer, or its file; other files of the folder that say more of it are read too. NULL = the model's
     * own. */
    const char* tokenizer;
    /* The type of keys and values that models with attention keep: "f16", "f32" or "q8_0"; NULL = "f16" */
    const char* cache_type;
} krait_model_options;
#define KRAIT_MODEL_OPTIONS_INIT \
    { sizeof(krait_model_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, 0, 0, NULL, NULL, NULL }

/* path: a GGUF file, or a folder as Hugging Face has them (a configuration, weights, a tokenizer), NUL-terminated; NULL =
 * the demo model that is part of the library. options may be NULL. */
KRAIT_API krait_code krait_model_load(const char* path, const krait_model_options* options, krait_model** out,
                                      krait_failure* failure);
KRAIT_API void krait_model_free(krait_model* model);
/* KRAIT_OK if Krait can run the model, else the failure says why not. For a model that was loaded without weights; one that was
 * loaded with them can be run. */
KRAIT_API krait_code krait_model_check(const krait_model* model, krait_failure* failure);

/* Texts are NUL-terminated and valid until the model is freed. */
KRAIT_API const char* krait_model_name(const krait_model* model);         /* the path, or "the demo model" */
KRAIT_API const char* krait_model_architecture(const krait_model* model); /* general.architecture. Where krait_model_check
                                                                             fails it is NULL, and the sizes below are 0 */
KRAIT_API const char* krait_model_device(const krait_model* model);   /* "cpu", or several: "cuda0,cpu"; NULL = no weights */
KRAIT_API const char* krait_model_hardware(const krait_model* model); /* names: "NVIDIA H100, AMD EPYC"; NULL = no weights */

KRAIT_API int64_t krait_model_n_vocab(const krait_model* model); /* number of logits: rows of the output matrix */
/* Number of tokens in the vocabulary, at most n_vocab: ids 0 to n_token - 1. Other rows of the output matrix are padding. */
KRAIT_API int64_t krait_model_n_token(const krait_model* model);
KRAIT_API int64_t krait_model_n_layer(const krait_model* model);
KRAIT_API int64_t krait_model_d_model(const krait_model* model); /* hidden size: floats of a hidden state */
KRAIT_API int krait_model_is_tied(const krait_model* model);     /* 1: the embedding is the output matrix too */
/* Bytes of the recurrent state of one sequence, which do not depend on its length. */
KRAIT_API uint64_t krait_model_state_bytes(const krait_model* model);
/* Bytes that each token of a sequence adds: keys and values of models with attention. 0 for others. */
KRAIT_API uint64_t krait_model_token_bytes(const krait_model* model);
KRAIT_API uint64_t krait_model_weight_bytes(const krait_model* model); /* as stored in the file; 0 = no weights */
KRAIT_API uint64_t krait_model_device_bytes(const krait_model* model); /* memory of weights on all devices; 0 = no weights */
/* A hash of the metadata, the list of tensors and the first 4096 bytes of each tensor. A saved sequence can only be restored by
 * a model with the same hash. 0 = no weights. */
KRAIT_API uint64_t krait_model_hash(const krait_model* model);
/* 1: sessions can find the most likely tokens on the device (KRAIT_WANT_TOP). */
KRAIT_API int krait_model_has_top_k(const krait_model* model);
/* The recommended n_tok of krait_session_chain: 16 where one GPU computes the whole model and krait_model_has_top_k is 1, else
 * 1; 0 = no weights. */
KRAIT_API int32_t krait_model_chain_length(const krait_model* model);

/* The hyperparameter with this index (0, 1, ...) of those that only some architectures have, such as "d_inner". name:
 * *name_size bytes, valid until the model is freed. NOT_FOUND past the end. */
KRAIT_API krait_code krait_model_size(const krait_model* model, size_t index, const char** name, size_t* name_size,
                                      int64_t* value, krait_failure* failure);

/* A device of a loaded model. */
typedef struct krait_model_device_info {
    size_t struct_size;
    /* NUL-terminated and valid until the model is freed. */
    const char* name;     /* "cuda0" */
    const char* family;   /* the kind of device that the backend is for: "cuda" */
    const char* variant;  /* the build of the backend that was chosen for this machine: "avx512"; may be empty */
    const char* product;  /* name of the hardware: "NVIDIA H100" */
    const char* features; /* capabilities, for people; may be empty */
    int32_t is_processor; /* 1: the CPU that this process runs on */
    int32_t reserved;     /* 0 */
} krait_model_device_info;
#define KRAIT_MODEL_DEVICE_INFO_INIT \
    { sizeof(krait_model_device_info), NULL, NULL, NULL, NULL, NULL, 0, 0 }

/* The device with this index, in the order of krait_model_device; NOT_FOUND past the end. The caller sets out->struct_size. */
KRAIT_API krait_code krait_model_device_at(const krait_model* model, size_t index, krait_model_device_info* out,
                                           krait_failure* failure);

/* The minimum that a run has to read and compute, with which a measured time can be compared (roofline). A run of n tokens of b
 * sequences, with the logits of m tokens and s = krait_model_state_bytes:
 *   reads and writes   weight_bytes (- head_bytes if m = 0) + n * embedding_row_bytes + 2 * b * s   bytes
 *   computes           2 * (n * layer_weights + m * head_weights)                                   floating-point operations
 * Weights count with their bytes in the file. Norms, scans and activation functions are not counted. */
typedef struct krait_work {
    size_t struct_size;
    uint64_t weight_bytes;        /* of all weights; of the embedding only where it is the output matrix too (tied) */
    uint64_t head_bytes;          /* the part of weight_bytes that is only read for logits: the output matrix */
    uint64_t embedding_row_bytes; /* the embedding of one token */
    uint64_t layer_weights;       /* number of weights of the layers, each of which every token is multiplied with */
    uint64_t head_weights;        /* the same of the output matrix, for tokens whose logits are wanted */
    const char* type;             /* the most frequent type of these weights, NUL-terminated: "Q4_K" */
} krait_work;
#define KRAIT_WORK_INIT \
    { sizeof(krait_work), 0, 0, 0, 0, 0, NULL }

/* UNSUPPORTED for a model without weights. The caller sets out->struct_size. */
KRAIT_API krait_code krait_model_work(const krait_model* model, krait_work* out, krait_failure* failure);

/* Explains the placement, for runs of n_row tokens (1 to 2^31 - 1): the device of each node and why, copies between devices,
 * and memory. As a table for people, or as a graph in the DOT language (Graphviz). UNSUPPORTED for a model without weights. */
typedef enum krait_explain_form { KRAIT_EXPLAIN_TABLE = 0, KRAIT_EXPLAIN_DOT = 1 } krait_explain_form;
KRAIT_API krait_code krait_model_explain(const krait_model* model, int32_t n_row, krait_explain_form form, char* text,
                                         size_t capacity, size_t* size, krait_failure* failure);

/* The warning with this index (0, 1, ...), a sentence about a flaw of the file that does not prevent its use; NULL past the
 * end. NUL-terminated, valid until the model is freed. */
KRAIT_API const char* krait_model_warning(const krait_model* model, size_t index);

#ifdef __cplusplus
}
#endif
#endif
