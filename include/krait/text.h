/* SPDX-License-Identifier: Apache-2.0
 *
 * Text and tokens of a model: both ways, whole and as they come. All functions for models do without weights too
 * (krait_model_options.no_weights).
 */
#ifndef KRAIT_TEXT_H
#define KRAIT_TEXT_H

#include <krait/model.h>

#ifdef __cplusplus
extern "C" {
#endif

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
KRAIT_API krait_code krait_model_tokenize(const krait_model* model, const char* text, size_t size, uint32_t flags,
                                          int32_t* tokens, size_t capacity, size_t* n_tok, krait_failure* failure);
/* How tokens become text: the sum of any of these. */
typedef enum krait_detokenize_flags {
    KRAIT_DETOKENIZE_TEXT = 0,   /* control tokens give nothing */
    KRAIT_DETOKENIZE_CONTROL = 1 /* control tokens give their text, "<|im_end|>" */
} krait_detokenize_flags;

/* Tokens to the exact bytes that they stand for, which may begin or end inside a character (krait_detokenizer gives whole
 * ones). flags are those of krait_detokenize_flags. INVALID_ARGUMENT for an id that the vocabulary does not have. */
KRAIT_API krait_code krait_model_detokenize(const krait_model* model, const int32_t* tokens, size_t n_tok, uint32_t flags,
                                            char* text, size_t capacity, size_t* size, krait_failure* failure);

/* The token with this text in the vocabulary: "<|im_end|>", "\xC4\xA0the" for " the" (byte-level BPE). NOT_FOUND where there
 * is none; errors of krait_model_tokenize where there is no tokenizer. */
KRAIT_API krait_code krait_model_token(const krait_model* model, const char* text, size_t size, int32_t* token,
                                       krait_failure* failure);
/* The tokens that end a text, a turn or a message (end-of-generation tokens), ascending: none, one or several. They are known
 * without a tokenizer too. krait_session_chain takes them as its stops. */
KRAIT_API krait_code krait_model_ends(const krait_model* model, int32_t* tokens, size_t capacity, size_t* n_tok,
                                      krait_failure* failure);
/* 1 where token is one of them, else 0. */
KRAIT_API int krait_model_is_end(const krait_model* model, int32_t token);
/* The tokens that the file names as begin and end of a text; -1 = none, or no tokenizer. */
KRAIT_API int32_t krait_model_bos(const krait_model* model);
KRAIT_API int32_t krait_model_eos(const krait_model* model);
/* The text of a token as the vocabulary has it, "\xC4\xA0the" for " the": *size bytes, valid until the model is freed.
 * NOT_FOUND for an id that the vocabulary does not have; errors of krait_model_tokenize where there is no tokenizer. */
KRAIT_API krait_code krait_model_token_text(const krait_model* model, int32_t token, const char** text, size_t* size,
                                            krait_failure* failure);
/* 1 where token is a control token, which stands for no text, else 0. */
KRAIT_API int krait_model_is_control(const krait_model* model, int32_t token);

/* ---- tokens to text, as they come ---- */

/* Turns tokens into UTF-8 one at a time, as they are generated, and ends the text before the first of several stop texts. Bytes
 * are held back until a character is whole (at most 3), and as long as they may become a stop text; bytes that can never become
 * a character are U+FFFD. Control tokens give no text. */
typedef struct krait_detokenizer krait_detokenizer;

typedef struct krait_detokenizer_options {
    size_t struct_size;
    const char* const* stops; /* n_stop texts, NUL-terminated, none empty; copied */
    size_t n_stop;
} krait_detokenizer_options;
#define KRAIT_DETOKENIZER_OPTIONS_INIT \
    { sizeof(krait_detokenizer_options), NULL, 0 }

/* options may be NULL. Errors of krait_model_tokenize where the model has no tokenizer. INVALID_ARGUMENT for
 * an empty stop text. The model may be freed before it. */
KRAIT_API krait_code krait_detokenizer_create(const krait_model* model, const krait_detokenizer_options* options,
                                              krait_detokenizer** out, krait_failure* failure);
KRAIT_API void krait_detokenizer_free(krait_detokenizer* detokenizer);
/* Adds a generated token. text: *size bytes (0 or more) that can be shown now, valid until the next call for this
 * detokenizer; nothing after a stop text was found. INVALID_ARGUMENT for an id that the vocabulary does not have: nothing
 * has changed then. */
KRAIT_API krait_code krait_detokenizer_push(krait_detokenizer* detokenizer, int32_t token, const char** text, size_t* size,
                                            krait_failure* failure);
/* The same for tokens of a prompt: stop texts in them do not count, and ids that the vocabulary does not have are left out.
 * Text that was held back as the beginning of a stop text comes first: it can no longer become one. */
KRAIT_API krait_code krait_detokenizer_prompt(krait_detokenizer* detokenizer, const int32_t* tokens, size_t n_tok,
                                              const char** text, size_t* size, krait_failure* failure);
/* The end of the text: what was held back. The detokenizer can be used for another text then. */
KRAIT_API krait_code krait_detokenizer_finish(krait_detokenizer* detokenizer, const char** text, size_t* size,
                                              krait_failure* failure);
/* 1 when a stop text was found since the beginning of the text: it is no part of it. */
KRAIT_API int krait_detokenizer_is_stopped(const krait_detokenizer* detokenizer);

#ifdef __cplusplus
}
#endif
#endif
