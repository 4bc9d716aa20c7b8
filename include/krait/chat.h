/* SPDX-License-Identifier: Apache-2.0
 *
 * Chat templates: from messages to the text, and to the tokens, that a model continues. A template is Jinja as transformers
 * runs it; it comes with the model (tokenizer.chat_template), or from the application.
 */
#ifndef KRAIT_CHAT_H
#define KRAIT_CHAT_H

#include <krait/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A parsed template, and the tokenizer of a model. It never changes: threads may share one. */
typedef struct krait_chat_template krait_chat_template;

typedef struct krait_chat_template_options {
    size_t struct_size;
    const char* source; /* source_size bytes of Jinja, at most 4 MiB, instead of the model's template; NULL = the model's */
    size_t source_size;
    const char*
        name; /* of one of several templates of the model ("tool_use": tokenizer.chat_template.tool_use), NUL-terminated;
                         NULL = tokenizer.chat_template. Only without source. */
} krait_chat_template_options;
#define KRAIT_CHAT_TEMPLATE_OPTIONS_INIT \
    { sizeof(krait_chat_template_options), NULL, 0, NULL }

/* options may be NULL. The model may be freed before the template.
 *   NOT_FOUND          the model has no template, or none of that name: says which it has
 *   INVALID_ARGUMENT   it cannot be parsed: line and column
 *   otherwise          errors of krait_model_tokenize, where the model has no tokenizer */
KRAIT_API krait_code krait_chat_template_create(const krait_model* model, const krait_chat_template_options* options,
                                                krait_chat_template** out, krait_failure* failure);
KRAIT_API void krait_chat_template_free(krait_chat_template* chat_template);

typedef struct krait_chat_input {
    size_t struct_size;
    /* json_size bytes of JSON: a list of messages, [{"role": "user", "content": "Hello"}, ...], or an object with "messages"
     * and whatever else the template reads: "tools", "documents", "enable_thinking". At most 128 values deep; integers of 64
     * bits. "tools" and "documents" are none where they are not given; bos_token, eos_token, unk_token and pad_token are the
     * model's. */
    const char* json;
    size_t json_size;
    int32_t no_generation_prompt; /* 0: the text ends where the model's answer begins (add_generation_prompt); 1: with the last
                                     message. "add_generation_prompt" in the JSON beats it. */
    uint64_t max_steps;           /* parts of the template that may be evaluated; 0 = 500,000, about 0.1 s at most */
} krait_chat_input;
#define KRAIT_CHAT_INPUT_INIT \
    { sizeof(krait_chat_input), NULL, 0, 0, 0 }

/* A rendered text. It remembers which parts came from the JSON: texts of users, of documents and of tools. Nothing there is a
 * control token, whatever it says. Roles are not such a part where they are plain words (letters, digits, '_', '-'), because
 * templates make control tokens of them. */
typedef struct krait_chat_prompt krait_chat_prompt;

/* INVALID_ARGUMENT, "the chat template: line 2, column 5: ...", or "the chat template of FILE: ..." where it is the model's: it
 * refuses the messages (raise_exception), it fails, or it takes more than max_steps, 32 MiB for its values or 500 expressions
 * and macros inside each other; or "the messages: ...": the JSON is none, or a message has no role. */
KRAIT_API krait_code krait_chat_render(const krait_chat_template* chat_template, const krait_chat_input* input,
                                       krait_chat_prompt** out, krait_failure* failure);
KRAIT_API void krait_chat_prompt_free(krait_chat_prompt* prompt);
/* *size bytes, valid until the prompt is freed. */
KRAIT_API const char* krait_chat_prompt_text(const krait_chat_prompt* prompt, size_t* size);
/* The parts that came from the JSON, from index 0 on, ascending: bytes *begin to *end - 1. NOT_FOUND past the last. */
KRAIT_API krait_code krait_chat_prompt_user_part(const krait_chat_prompt* prompt, size_t index, size_t* begin, size_t* end,
                                                 krait_failure* failure);
/* The tokens. Nothing is added in front or behind: a template that wants bos writes it. Errors of krait_model_tokenize. */
KRAIT_API krait_code krait_chat_prompt_tokenize(const krait_chat_prompt* prompt, int32_t* tokens, size_t capacity,
                                                size_t* n_tok, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
