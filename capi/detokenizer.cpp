// SPDX-License-Identifier: Apache-2.0
//
// krait_detokenizer of include/krait/text.h.
#include "capi/api.hpp"
#include "text/tokenizer/stop_matcher.hpp"
#include "text/tokenizer/streaming_detokenizer.hpp"

using namespace krait;
using namespace krait::capi;

struct krait_detokenizer {
    StreamingDetokenizer text;
    StopMatcher stops;
    std::string result;  // as it was handed out last

    void hand_out(std::string next, const char** to, size_t* size) {
        result = std::move(next);
        *to = result.data();
        *size = result.size();
    }
};

namespace {

Result<void> expect_all(const krait_detokenizer* detokenizer, const char** text, const size_t* size) {
    KRAIT_CHECK(expect_given(detokenizer, "detokenizer"));
    KRAIT_CHECK(expect_given(text, "text"));
    return expect_given(size, "size");
}

}  // namespace

krait_code krait_detokenizer_create(const krait_model* model, const krait_detokenizer_options* options, krait_detokenizer** out,
                                    krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_TRY(const krait_detokenizer_options given,
                  complete(options, krait_detokenizer_options KRAIT_DETOKENIZER_OPTIONS_INIT));
        std::vector<std::string> texts;
        if (given.n_stop > 0) KRAIT_CHECK(expect_given(given.stops, "stops"));
        for (size_t i = 0; i < given.n_stop; ++i) {
            KRAIT_CHECK(expect_given(given.stops[i], "a text of stops"));
            texts.emplace_back(given.stops[i]);
        }
        KRAIT_TRY(StopMatcher stops, StopMatcher::create(std::move(texts)));
        KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
        *out = new krait_detokenizer{StreamingDetokenizer(*tokenizer), std::move(stops), {}};
        return {};
    });
}

void krait_detokenizer_free(krait_detokenizer* detokenizer) { delete detokenizer; }

krait_code krait_detokenizer_push(krait_detokenizer* detokenizer, int32_t token, const char** text, size_t* size,
                                  krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_all(detokenizer, text, size));
        KRAIT_TRY(const std::string piece, detokenizer->text.push(token));
        detokenizer->hand_out(detokenizer->stops.push(piece), text, size);
        return {};
    });
}

krait_code krait_detokenizer_prompt(krait_detokenizer* detokenizer, const int32_t* tokens, size_t n_tok, const char** text,
                                    size_t* size, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_all(detokenizer, text, size));
        if (n_tok > 0) KRAIT_CHECK(expect_given(tokens, "tokens"));
        std::string all = detokenizer->stops.pass_on();
        for (const int32_t token : std::span(tokens, n_tok))
            if (const auto piece = detokenizer->text.push(token)) all += *piece;
        if (detokenizer->stops.found()) all.clear();
        detokenizer->hand_out(std::move(all), text, size);
        return {};
    });
}

krait_code krait_detokenizer_finish(krait_detokenizer* detokenizer, const char** text, size_t* size, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_all(detokenizer, text, size));
        std::string rest = detokenizer->stops.push(detokenizer->text.flush());
        rest += detokenizer->stops.flush();
        detokenizer->hand_out(std::move(rest), text, size);
        return {};
    });
}

int krait_detokenizer_is_stopped(const krait_detokenizer* detokenizer) {
    return detokenizer && detokenizer->stops.found() ? 1 : 0;
}
