/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to tokens and tokens to text: all of it at once, or token by token with a detokenizer. These functions also work on a
 * model that was loaded with krait_model_options.no_weights.
 */
#ifndef KRAIT_TEXT_H
#define KRAIT_TEXT_H

#include <krait/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How text is tokenized: any of these, combined with |. */
typedef enum krait_tokenize_flags {
    KRAIT_TOKENIZE_PLAIN = 0,   /* everything is plain text */
    KRAIT_TOKENIZE_CONTROL = 1, /* the text of a control token ("<|im_end|>") becomes that token */
    KRAIT_TOKENIZE_BEGIN = 2,   /* bos before the text, if the model wants one: for the beginning of a sequence */
    KRAIT_TOKENIZE_END = 4      /* eos after the text, if the model wants one: not for a prompt, which the model continues */
} krait_tokenize_flags;

/* Text to tokens; flags: krait_tokenize_flags. Tokenize text of users and documents without KRAIT_TOKENIZE_CONTROL: with it,
 * they could write the control tokens that end their turn and begin another one. A text has at most 682 MiB. Where the model
 * has no tokenizer that Krait supports, this fails with NOT_FOUND, UNSUPPORTED or CORRUPT_FILE, and the model can be used with
 * token ids only. UNSUPPORTED also where the vocabulary has no token for a byte of the text. */
KRAIT_API krait_code krait_model_tokenize(const krait_model* model, const char* text, size_t size, uint32_t flags,
                                          int32_t* tokens, size_t capacity, size_t* n_tok, krait_failure* failure);

/* How tokens are written as text: one of these. */
typedef enum krait_detokenize_flags {
    KRAIT_DETOKENIZE_TEXT = 0,   /* control tokens are left out */
    KRAIT_DETOKENIZE_CONTROL = 1 /* control tokens are written as their text, "<|im_end|>" */
} krait_detokenize_flags;

/* Tokens to the exact bytes that they stand for, which may begin or end inside a character; krait_detokenizer writes whole
 * characters only. flags: krait_detokenize_flags. INVALID_ARGUMENT for an id that the vocabulary does not have. */
KRAIT_API krait_code krait_model_detokenize(const krait_model* model, const int32_t* tokens, size_t n_tok, uint32_t flags,
                                            char* text, size_t capacity, size_t* size, krait_failure* failure);

/* The token with this text in the vocabulary: "<|im_end|>", "\xC4\xA0the" for " the" (byte-level BPE). NOT_FOUND where there
 * is none. A model without a tokenizer fails as krait_model_tokenize does. */
KRAIT_API krait_code krait_model_token(const krait_model* model, const char* text, size_t size, int32_t* token,
                                       krait_failure* failure);
/* The end-of-generation tokens, ascending: those that end a text, a turn or a message; none, one or several. They are known
 * also where the model has no tokenizer. krait_session_chain can take them as its stops. */
KRAIT_API krait_code krait_model_ends(const krait_model* model, int32_t* tokens, size_t capacity, size_t* n_tok,
                                      krait_failure* failure);
/* 1 if token is an end-of-generation token, else 0. */
KRAIT_API int krait_model_is_end(const krait_model* model, int32_t token);
/* The tokens that the file names as begin-of-text and end-of-text token; -1 = none, or no tokenizer. */
KRAIT_API int32_t krait_model_bos(const krait_model* model);
KRAIT_API int32_t krait_model_eos(const krait_model* model);
/* The text of a token in the vocabulary, "\xC4\xA0the" for " the": *size bytes, valid until the model is freed. NOT_FOUND for
 * an id that the vocabulary does not have. A model without a tokenizer fails as krait_model_tokenize does. */
KRAIT_API krait_code krait_model_token_text(const krait_model* model, int32_t token, const char** text, size_t* size,
                                            krait_failure* failure);
/* 1 if token is a control token, which stands for no text, else 0. */
KRAIT_API int krait_model_is_control(const krait_model* model, int32_t token);

/* ---- tokens to text, token by token ---- */

/* A detokenizer turns tokens into valid UTF-8 as they are generated, and ends the text before the first of several stop texts.
 * It holds bytes back until a character is complete (at most 3), and as long as they may be the beginning of a stop text. Bytes
 * that cannot become a character are written as U+FFFD. Control tokens are left out. */
typedef struct krait_detokenizer krait_detokenizer;

typedef struct krait_detokenizer_options {
    size_t struct_size;
    const char* const* stops; /* n_stop texts, NUL-terminated, none empty; copied */
    size_t n_stop;
} krait_detokenizer_options;
#define KRAIT_DETOKENIZER_OPTIONS_INIT \
    { sizeof(krait_detokenizer_options), NULL, 0 }

/* options may be NULL. INVALID_ARGUMENT for an empty stop text. A model without a tokenizer fails as krait_model_tokenize does.
 * The model may be freed before the detokenizer. */
KRAIT_API krait_code krait_detokenizer_create(const krait_model* model, const krait_detokenizer_options* options,
                                              krait_detokenizer** out, krait_failure* failure);
KRAIT_API void krait_detokenizer_free(krait_detokenizer* detokenizer);
/* Adds a generated token. *text: the *size bytes (0 or more) of text that follow, valid until the next call for this
 * detokenizer. There are none after a stop text was found. INVALID_ARGUMENT for an id that the vocabulary does not have;
 * nothing has changed then. */
KRAIT_API krait_code krait_detokenizer_push(krait_detokenizer* detokenizer, int32_t token, const char** text, size_t* size,
                                            krait_failure* failure);
/* Adds tokens of a prompt: stop texts in them are ignored, and ids that the vocabulary does not have are left out. Text that
 * was held back as the possible beginning of a stop text comes first. */
KRAIT_API krait_code krait_detokenizer_prompt(krait_detokenizer* detokenizer, const int32_t* tokens, size_t n_tok,
                                              const char** text, size_t* size, krait_failure* failure);
/* Ends the text: *text is what was held back. The detokenizer can be used for another text afterwards. */
KRAIT_API krait_code krait_detokenizer_finish(krait_detokenizer* detokenizer, const char** text, size_t* size,
                                              krait_failure* failure);
/* 1 if a stop text was found, at which the text ended; else 0, also after krait_detokenizer_finish. */
KRAIT_API int krait_detokenizer_is_stopped(const krait_detokenizer* detokenizer);

#ifdef __cplusplus
}
#endif
#endif
