/* SPDX-License-Identifier: Apache-2.0
 *
 * A conversation in C: one message through the model's chat template, and the answer, of at most 40 tokens.
 *   conversation [model.gguf [device]] < message
 * The message goes into JSON as it is, so a quote or a backslash in it is refused; an application has a JSON library. */
#include <krait/krait.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For models without a template, as the demo model is. */
static const char kTemplate[] =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}";

static void check(krait_code code, const char* doing, const krait_failure* failure) {
    if (code == KRAIT_OK) return;
    fprintf(stderr, "%s: %s\n", doing, failure->message);
    exit(1);
}

int main(int argc, char** argv) {
    char message[1000] = "", json[1200];
    krait_failure failure;
    krait_model* model = NULL;
    krait_session* session = NULL;
    krait_sampler* sampler = NULL;
    krait_detokenizer* detokenizer = NULL;
    krait_chat_template* chat = NULL;
    krait_chat_prompt* prompt = NULL;

    krait_model_options model_options = KRAIT_MODEL_OPTIONS_INIT;
    if (argc > 2) model_options.device = argv[2];
    check(krait_model_load(argc > 1 ? argv[1] : NULL, &model_options, &model, &failure), "load", &failure);

    krait_code code = krait_chat_template_create(model, NULL, &chat, &failure); /* the model's own */
    if (code == KRAIT_NOT_FOUND) {
        krait_chat_template_options options = KRAIT_CHAT_TEMPLATE_OPTIONS_INIT;
        options.source = kTemplate;
        options.source_size = strlen(kTemplate);
        code = krait_chat_template_create(model, &options, &chat, &failure);
    }
    check(code, "template", &failure);

    if (!fgets(message, sizeof message, stdin)) strcpy(message, "Good morning!");
    message[strcspn(message, "\r\n")] = '\0';
    snprintf(json, sizeof json, "[{\"role\": \"user\", \"content\": \"%s\"}]", message);
    krait_chat_input input = KRAIT_CHAT_INPUT_INIT;
    input.json = json;
    input.json_size = strlen(json);
    check(krait_chat_render(chat, &input, &prompt, &failure), "render", &failure);

    size_t n_tok = 0; /* first their number, then the tokens */
    check(krait_chat_prompt_tokenize(prompt, NULL, 0, &n_tok, &failure), "tokenize", &failure);
    int32_t* tokens = malloc(n_tok * sizeof *tokens);
    if (!tokens) return 1;
    check(krait_chat_prompt_tokenize(prompt, tokens, n_tok, &n_tok, &failure), "tokenize", &failure);

    check(krait_session_create(model, NULL, &session, &failure), "session", &failure);
    check(krait_sampler_create(NULL, &sampler, &failure), "sampler", &failure);
    check(krait_detokenizer_create(model, NULL, &detokenizer, &failure), "detokenizer", &failure);
    const char* piece = NULL;
    size_t size = 0;
    for (int i = 0; i < 40; ++i) {
        krait_batch_item item = KRAIT_BATCH_ITEM_INIT;
        item.tokens = tokens;
        item.n_tok = n_tok;
        check(krait_session_decode(session, &item, 1, NULL, &failure), "decode", &failure);
        check(krait_session_sample(session, 0, sampler, tokens, &failure), "sample", &failure);
        if (krait_model_is_end(model, tokens[0])) break; /* the end of the answer */
        check(krait_detokenizer_push(detokenizer, tokens[0], &piece, &size, &failure), "text", &failure);
        fwrite(piece, 1, size, stdout);
        n_tok = 1;
    }
    check(krait_detokenizer_finish(detokenizer, &piece, &size, &failure), "text", &failure);
    fwrite(piece, 1, size, stdout);
    printf("\n");

    free(tokens);
    krait_detokenizer_free(detokenizer);
    krait_sampler_free(sampler);
    krait_session_free(session);
    krait_chat_prompt_free(prompt);
    krait_chat_template_free(chat);
    krait_model_free(model);
    return 0;
}
