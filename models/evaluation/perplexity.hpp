// SPDX-License-Identifier: Apache-2.0
//
// Perplexity: how well a model predicts a text.
//
//   nll(t) = -ln p(token t | tokens of its window before it)      perplexity = exp(mean nll)
//   bits per byte = sum nll / ln 2 / bytes of the scored tokens    (does not depend on the tokenizer)
//
// The probability is the softmax over the tokens that exist, in double. Several windows are read in one decode call.
// F. Jelinek, R. L. Mercer, L. R. Bahl, J. K. Baker, "Perplexity: a measure of the difficulty of speech recognition tasks",
// J. Acoust. Soc. Am. 62 (1977), S63.
#pragma once

#include "models/evaluation/statistics.hpp"
#include "models/evaluation/text_windows.hpp"
#include "models/session/session.hpp"

namespace krait {

// A text as a model reads it.
struct EvaluationText {
    std::vector<int32_t> tokens;
    std::vector<int32_t> prefix;  // the begin-of-text token where the model wants one: it begins every window, unscored
};
// The token that begins a text, where the model wants one; else none.
Result<std::vector<int32_t>> begin_of_text(const Tokenizer& tokenizer);
// The first max_tokens tokens; 0 = all.
Result<EvaluationText> tokenize_text(const Tokenizer& tokenizer, std::string_view text, size_t max_tokens = 0);

// One scored token. Rows count the scored tokens of all windows in the order of the text, whatever the batch.
struct ScoredToken {
    size_t row = 0;
    int32_t token = 0;
    std::span<const float> logits;  // that foretold it; good during the call
    double log_sum_exp = 0;         // of the logits: ln p(i) = logits[i] - log_sum_exp
};

struct PerplexityOptions {
    WindowOptions windows;
    int32_t batch = 4;                          // windows of one decode call; costs as many states
    const std::atomic<bool>* cancel = nullptr;  // as in DecodeControl
    std::function<void(int64_t done, int64_t total, double mean_nll)> progress;  // tokens read; mean of what is scored, or NaN
    std::function<Result<void>(const ScoredToken&)> visit;                       // every scored token
};

struct PerplexityRun {
    std::vector<double> nll;  // by row
    int64_t n_read = 0;       // tokens that the model read, context included
    int64_t n_window = 0;
    int64_t n_byte = 0;  // of the scored tokens, as text; 0 where the model has no tokenizer
};

Result<PerplexityRun> measure_perplexity(std::shared_ptr<const Model> model, const EvaluationText& text,
                                         const PerplexityOptions& options = {});

struct PerplexitySummary {
    MeanEstimate nll;         // nats a token
    MeanEstimate perplexity;  // its standard error by the delta method: perplexity times that of the mean nll
    double bits_per_byte = 0;
};
PerplexitySummary summarize(const PerplexityRun& run);

}  // namespace krait
