/* SPDX-License-Identifier: Apache-2.0
 *
 * A C host: loads a model (the demo model without arguments), goes on with a text for at most 40 tokens.
 *   host [model.gguf [device]] */
#include <krait/krait.h>
#include <stdio.h>
#include <string.h>

static int stop(const char* doing, const krait_failure* failure) {
    fprintf(stderr, "%s: %s\n", doing, failure->message);
    return 1;
}

int main(int argc, char** argv) {
    const char* text = "It was a fine morning, and";
    krait_failure failure;
    krait_model* model = NULL;
    krait_session* session = NULL;
    krait_sampler* sampler = NULL;
    krait_detokenizer* detokenizer = NULL;
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    int32_t tokens[64];
    size_t n_tok = 0;
    int exit_code = 0;

    if (argc > 2) options.device = argv[2];
    if (krait_model_load(argc > 1 ? argv[1] : NULL, &options, &model, &failure) != KRAIT_OK) return stop("load", &failure);
    if (krait_model_tokenize(model, text, strlen(text), KRAIT_TOKENIZE_BEGIN, tokens, 64, &n_tok, &failure) != KRAIT_OK ||
        krait_session_create(model, NULL, &session, &failure) != KRAIT_OK ||
        krait_sampler_create(NULL, &sampler, &failure) != KRAIT_OK ||
        krait_detokenizer_create(model, NULL, &detokenizer, &failure) != KRAIT_OK)
        exit_code = stop("prepare", &failure);

    printf("%s", text);
    for (int i = 0; i < 40 && exit_code == 0; ++i) {
        krait_batch_item item = KRAIT_BATCH_ITEM_INIT;
        const char* piece = NULL;
        size_t size = 0;
        item.tokens = tokens;
        item.n_tok = n_tok;
        if (krait_session_decode(session, &item, 1, NULL, &failure) != KRAIT_OK ||
            krait_session_sample(session, 0, sampler, tokens, &failure) != KRAIT_OK ||
            krait_detokenizer_push(detokenizer, tokens[0], &piece, &size, &failure) != KRAIT_OK)
            exit_code = stop("generate", &failure);
        else if (krait_model_is_end(model, tokens[0])) break;
        else fwrite(piece, 1, size, stdout);
        n_tok = 1;
    }
    const char* rest = NULL; /* bytes that were held back as the beginning of a character */
    size_t rest_size = 0;
    if (exit_code == 0 && krait_detokenizer_finish(detokenizer, &rest, &rest_size, &failure) == KRAIT_OK)
        fwrite(rest, 1, rest_size, stdout);
    printf("\n");
    krait_detokenizer_free(detokenizer);
    krait_sampler_free(sampler);
    krait_session_free(session);
    krait_model_free(model);
    return exit_code;
}
