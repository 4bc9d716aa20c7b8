/* SPDX-License-Identifier: Apache-2.0
 *
 * The contents of a model's file: its metadata and the list of its tensors, in the order of the file; of a model that is split
 * into shards the metadata of the first and the tensors of all. These functions also work on a model that was loaded with
 * krait_model_options.no_weights. Pointers are valid until the model is freed.
 */
#ifndef KRAIT_METADATA_H
#define KRAIT_METADATA_H

#include <krait/model.h>

#ifdef __cplusplus
extern "C" {
#endif

KRAIT_API uint32_t krait_model_format_version(const krait_model* model); /* of GGUF: 2 or 3; 0 = a folder */
KRAIT_API uint64_t krait_model_file_bytes(const krait_model* model);     /* the size of its files together */
/* The files that the model is in: 1, or the shards of one that is split, in their order. Names as they were opened, "the demo
 * model" for that; NULL past the end. */
KRAIT_API size_t krait_model_file_count(const krait_model* model);
KRAIT_API const char* krait_model_file_name(const krait_model* model, size_t index);

/* ---- metadata ---- */

typedef struct krait_metadata {
    size_t struct_size;
    const char* key; /* key_size bytes; at most 65535 */
    size_t key_size;
    const char* type;   /* of the value, NUL-terminated: "uint32", "string", "array" */
    uint64_t n_element; /* of an array; 1 for other values */
} krait_metadata;
#define KRAIT_METADATA_INIT \
    { sizeof(krait_metadata), NULL, 0, NULL, 0 }

/* How a value is written as text. */
typedef enum krait_value_form {
    KRAIT_VALUE_SHORT = 0, /* for people: strings in quotes, at most 120 bytes of a string and 6 elements of an array */
    KRAIT_VALUE_WHOLE = 1  /* a string as its exact bytes, a number in decimal, an array with all elements: [1, 2, 3] */
} krait_value_form;

KRAIT_API size_t krait_model_metadata_count(const krait_model* model);
/* The metadata entry with this index; NOT_FOUND past the end. The caller sets out->struct_size. */
KRAIT_API krait_code krait_model_metadata(const krait_model* model, size_t index, krait_metadata* out, krait_failure* failure);
/* The index of a key of `size` bytes, "tokenizer.chat_template"; NOT_FOUND where the file does not have it. */
KRAIT_API krait_code krait_model_metadata_find(const krait_model* model, const char* key, size_t size, size_t* index,
                                               krait_failure* failure);
/* The value of the entry with this index as text. A model that was loaded with its weights does not keep the arrays of the
 * vocabulary (tokenizer.ggml.tokens, .token_type and .merges): they are empty there. */
KRAIT_API krait_code krait_model_metadata_text(const krait_model* model, size_t index, krait_value_form form, char* text,
                                               size_t capacity, size_t* size, krait_failure* failure);

/* ---- tensors ---- */

typedef struct krait_tensor {
    size_t struct_size;
    const char* name; /* name_size bytes; at most 65535 */
    size_t name_size;
    const char* type;   /* of the elements, NUL-terminated: "F16", "Q4_K" */
    uint32_t rank;      /* number of dimensions, 1 to 4 */
    int64_t extents[4]; /* the shape: sizes of the `rank` dimensions, the last one contiguous in memory; the others are 0 */
    uint64_t bytes;     /* of the data */
    uint64_t offset;    /* of the data in its file, in bytes */
    size_t file;        /* which one that is: an index of krait_model_file_name */
} krait_tensor;
#define KRAIT_TENSOR_INIT \
    { sizeof(krait_tensor), NULL, 0, NULL, 0, {0, 0, 0, 0}, 0, 0, 0 }

KRAIT_API size_t krait_model_tensor_count(const krait_model* model);
/* The tensor with this index; NOT_FOUND past the end. The caller sets out->struct_size. */
KRAIT_API krait_code krait_model_tensor(const krait_model* model, size_t index, krait_tensor* out, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
