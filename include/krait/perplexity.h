/* SPDX-License-Identifier: Apache-2.0
 *
 * How well a model predicts a text, and how much its predictions differ from those of another model (docs/evaluation.md).
 */
#ifndef KRAIT_PERPLEXITY_H
#define KRAIT_PERPLEXITY_H

#include <krait/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct krait_perplexity_options {
    size_t struct_size;
    /* 2 or more: the size of the context window in tokens. The second half of each window is scored, the first half is only
     * read. */
    int64_t context;
    int64_t stride;    /* 1 to context - 1: a window begins every `stride` tokens, and its last `stride` are scored; 0 = none */
    int32_t is_stream; /* 1: the whole text is one window, of which every token but the first is scored; context and stride are
                          ignored */
    int32_t batch;     /* 1 to 65536: windows that are read together; each takes the memory of a state */
    uint64_t max_tokens; /* only the first tokens of the text, up to this number; 0 = all */
    const char* save;    /* a file to write the predicted probabilities to, as a later `base`; NULL = none */
    const char* base;    /* a file that another model wrote with `save`, to compare with; NULL = none. Not with save */
    /* Called with the number of tokens that were read, of total, and the mean nll so far (NaN before the first scored token).
     * Return 0 to continue; any other value ends the call with KRAIT_CANCELLED, and no file `save` is left. NULL = none. */
    int (*progress)(void* user, uint64_t done, uint64_t total, double mean_nll);
    void* user; /* passed to progress */
} krait_perplexity_options;
#define KRAIT_PERPLEXITY_OPTIONS_INIT \
    { sizeof(krait_perplexity_options), 512, 0, 0, 4, 0, NULL, NULL, NULL, NULL }

typedef struct krait_perplexity {
    size_t struct_size;
    uint64_t n_window;
    uint64_t n_scored;              /* tokens that were scored */
    uint64_t n_read;                /* tokens that the model read */
    uint64_t n_byte;                /* bytes of the scored tokens as text */
    uint64_t saved_bytes;           /* size of the file `save`; 0 = none */
    double nll, nll_standard_error; /* mean negative log-likelihood of a scored token, in nats */
    double perplexity, perplexity_standard_error;
    double bits_per_byte; /* 0 where n_byte is 0 */
    /* The comparison with a base; all 0 without one. p are the probabilities of the base, q those of this model. */
    int32_t has_base, is_base_same_model;         /* 0 or 1; same: models with equal krait_model_hash */
    double kl, kl_standard_error;                 /* mean KL(p || q) of a scored token, in nats */
    double kl_median, kl_90, kl_99, kl_max;       /* its median, 90th and 99th percentile and maximum */
    double same_top, same_top_low, same_top_high; /* share of tokens with the same most likely token; its 95 % interval */
    double dp, dp_standard_error, dp_rms;         /* q - p of the actual next token: mean, and root of the mean square */
    double base_perplexity, perplexity_ratio, perplexity_ratio_standard_error; /* ratio: perplexity / base_perplexity */
} krait_perplexity;
#define KRAIT_PERPLEXITY_INIT \
    { sizeof(krait_perplexity), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* text: size bytes, at most 682 MiB. options may be NULL; the caller sets out->struct_size.
 *   INVALID_ARGUMENT   the text is too short to score a token; the base was made with other windows or of another text
 *   CORRUPT_FILE       the base is damaged
 *   IO                 a file cannot be read or written
 *   UNSUPPORTED        the model was loaded without weights
 * A model without a tokenizer fails as krait_model_tokenize does. */
KRAIT_API krait_code krait_perplexity_measure(const krait_model* model, const char* text, size_t size,
                                              const krait_perplexity_options* options, krait_perplexity* out,
                                              krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
