/* SPDX-License-Identifier: Apache-2.0
 *
 * How well a model predicts a text, and how far it is from another one (docs/evaluation.md).
 */
#ifndef KRAIT_PERPLEXITY_H
#define KRAIT_PERPLEXITY_H

#include <krait/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_perplexity_options {
    size_t struct_size;
    int64_t context;   /* 2 or more: tokens of a window; its first half is context, its second half is scored */
    int64_t stride;    /* 1 to context - 1: a window begins every `stride` tokens, and its last `stride` are scored; 0 = none */
    int32_t is_stream; /* 1: the text is read once, and every token but the first is scored; context and stride do not count */
    int32_t batch;     /* 1 to 65536: windows that are read together, each with a state */
    uint64_t max_tokens; /* of the text; 0 = all */
    const char* save;    /* a file for the predictions, to be the base of another model; NULL = none */
    const char* base;    /* compare with the predictions in this file; NULL = none. save and base exclude each other */
    /* Tokens that were read, of total, and the mean nll so far (NaN before the first). Return 0 to continue; any other value
     * ends the call with KRAIT_CANCELLED, and leaves no file behind. NULL = none. */
    int (*progress)(void* user, uint64_t done, uint64_t total, double mean_nll);
    void* user;
} krait_perplexity_options;
#define KRAIT_PERPLEXITY_OPTIONS_INIT \
    { sizeof(krait_perplexity_options), 512, 0, 0, 4, 0, NULL, NULL, NULL, NULL }

typedef struct krait_perplexity {
    size_t struct_size;
    uint64_t n_window;
    uint64_t n_scored;              /* tokens that were scored */
    uint64_t n_read;                /* tokens that the model read */
    uint64_t n_byte;                /* of the scored tokens, as text */
    uint64_t saved_bytes;           /* of the file `save`; 0 = none */
    double nll, nll_standard_error; /* nats a token */
    double perplexity, perplexity_standard_error;
    double bits_per_byte; /* 0 where n_byte is */
    /* Where a base was given, else 0. Its probabilities are p, this model's q. */
    int32_t has_base, is_base_same_model;
    double kl, kl_standard_error; /* KL(p || q), nats a token: mean, and below its median, percentiles and maximum */
    double kl_median, kl_90, kl_99, kl_max;
    double same_top, same_top_low, same_top_high; /* share of tokens with the same most likely one; interval of 95 % */
    double dp, dp_standard_error, dp_rms;         /* q - p of the token that came: mean, and the root of the mean square */
    double base_perplexity, perplexity_ratio, perplexity_ratio_standard_error; /* ratio: this / base */
} krait_perplexity;
#define KRAIT_PERPLEXITY_INIT \
    { sizeof(krait_perplexity), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* text: size bytes, at most 682 MiB. options may be NULL; out begins with its struct_size. INVALID_ARGUMENT for a text that
 * is too short to score a token, and a base that was made with other windows or of another text; CORRUPT_FILE for a damaged
 * base; IO for a file that cannot be read or written; UNSUPPORTED for a model without weights; errors of
 * krait_model_tokenize without a tokenizer. */
KRAIT_API krait_code krait_perplexity_measure(const krait_model* model, const char* text, size_t size,
                                              const krait_perplexity_options* options, krait_perplexity* out,
                                              krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
