// SPDX-License-Identifier: Apache-2.0
#include "models/evaluation/perplexity.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/evaluation/continuations.hpp"

namespace krait {
namespace {

// Reads windows, a batch at a time.
class Reader {
  public:
    Reader(Session& session, const EvaluationText& text, const PerplexityOptions& options, std::span<const Window> windows)
        : session_(session), text_(text), options_(options) {
        for (const Window& window : windows) total_ += static_cast<int64_t>(lead(window) + window.n_scored);
        run_.n_window = static_cast<int64_t>(windows.size());
        run_.nll.resize(windows.back().first_row + windows.back().n_scored);
    }

    Result<void> read(std::span<const Window> batch) {
        KRAIT_CHECK(read_context(batch));
        std::vector<Continuation> continuations;
        for (size_t w = 0; w < batch.size(); ++w) {
            // The token before a scored one foretells it; the last is foretold and never read.
            const auto tokens = std::span(text_.tokens).subspan(batch[w].first + batch[w].n_context - 1, batch[w].n_scored);
            continuations.push_back({static_cast<int32_t>(w), tokens});
        }
        const int64_t before = run_.n_read;
        DecodeControl control{.cancel = options_.cancel, .progress = [&](int64_t done, int64_t) { tell(before + done); }};
        KRAIT_CHECK(visit_logits(session_, continuations, control, [&](size_t w, size_t row, std::span<const float> logits) {
            return score(batch[w], row, logits);
        }));
        for (const Continuation& continuation : continuations) run_.n_read += static_cast<int64_t>(continuation.tokens.size());
        return {};
    }

    PerplexityRun take() { return std::move(run_); }

    // The session counts the tokens of its own call; told is how far the whole text was read.
    tl::unexpected<Error> failure(Error error) const {
        if (error.code == ErrorCode::cancelled) error.message = fmt::format("cancelled after {} of {} tokens", done_, total_);
        return tl::unexpected<Error>(std::move(error));
    }

  private:
    // Tokens that a window reads before the first whose logits are wanted.
    size_t lead(const Window& window) const { return text_.prefix.size() + window.n_context - 1; }

    Result<void> read_context(std::span<const Window> batch) {
        std::vector<std::vector<int32_t>> contexts;
        std::vector<SequenceInput> inputs;
        int64_t n_tok = 0;
        contexts.reserve(batch.size());  // the inputs point into it
        for (size_t w = 0; w < batch.size(); ++w) {
            const auto sequence = static_cast<int32_t>(w);
            KRAIT_CHECK(session_.reset(sequence));
            if (lead(batch[w]) == 0) continue;
            std::vector<int32_t>& context = contexts.emplace_back(text_.prefix);
            const auto begin = text_.tokens.begin() + static_cast<ptrdiff_t>(batch[w].first);
            context.insert(context.end(), begin, begin + static_cast<ptrdiff_t>(batch[w].n_context - 1));
            inputs.push_back({.sequence = sequence, .tokens = context, .want = WantLogits::none});
            n_tok += static_cast<int64_t>(context.size());
        }
        if (inputs.empty()) return {};
        const int64_t before = run_.n_read;
        KRAIT_CHECK(session_.decode(
            inputs, {.cancel = options_.cancel, .progress = [&](int64_t done, int64_t) { tell(before + done); }}));
        run_.n_read += n_tok;
        return {};
    }

    Result<void> score(const Window& window, size_t row, std::span<const float> logits) {
        const size_t position = window.first + window.n_context + row;
        const int32_t token = text_.tokens[position];
        const double log_sum = log_sum_exp(logits);
        if (!std::isfinite(log_sum))
            return fail(
                ErrorCode::internal,
                "the logits before token {} of the text are no numbers (ln of the sum of their exponentials: {}): the model "
                "file or the device is broken; 'inspect' and 'test-ops' may tell which",
                position, log_sum);
        const double nll = log_sum - static_cast<double>(logits[static_cast<size_t>(token)]);
        run_.nll[window.first_row + row] = nll;
        sum_ += nll;
        ++n_scored_;
        if (!options_.visit) return {};
        return options_.visit({window.first_row + row, token, logits, log_sum});
    }

    void tell(int64_t done) {
        done_ = done;
        if (options_.progress)
            options_.progress(done, total_, n_scored_ > 0 ? sum_ / static_cast<double>(n_scored_) : std::nan(""));
    }

    Session& session_;
    const EvaluationText& text_;
    const PerplexityOptions& options_;
    PerplexityRun run_;
    int64_t done_ = 0, total_ = 0, n_scored_ = 0;
    double sum_ = 0;  // for the running estimate
};

}  // namespace

Result<std::vector<int32_t>> begin_of_text(const Tokenizer& tokenizer) { return tokenizer.encode("", {.add_eos = false}); }

Result<EvaluationText> tokenize_text(const Tokenizer& tokenizer, std::string_view text, size_t max_tokens) {
    EvaluationText result;
    KRAIT_TRY(result.tokens, tokenizer.encode(text, {.add_bos = false, .add_eos = false}));
    if (max_tokens > 0 && result.tokens.size() > max_tokens) result.tokens.resize(max_tokens);
    KRAIT_TRY(result.prefix, begin_of_text(tokenizer));
    return result;
}

Result<PerplexityRun> measure_perplexity(std::shared_ptr<const Model> model, const EvaluationText& text,
                                         const PerplexityOptions& options) {
    if (options.batch < 1) return fail(ErrorCode::invalid_argument, "a batch of {} windows: at least 1", options.batch);
    for (size_t t = 0; t < text.tokens.size(); ++t)
        if (text.tokens[t] < 0 || text.tokens[t] >= model->n_token())
            return fail(ErrorCode::invalid_argument, "token {} at position {} is out of range: the vocabulary has {}",
                        text.tokens[t], t, model->n_token());
    KRAIT_TRY(const std::vector<Window> windows, cut_windows(text.tokens.size(), options.windows));
    const auto batch = std::min(static_cast<size_t>(options.batch), windows.size());
    size_t longest = 0;
    for (const Window& window : windows) longest = std::max(longest, window.n_context + window.n_scored);
    KRAIT_TRY(Session session,
              Session::create(model, {.max_sequences = static_cast<int32_t>(batch),
                                      .max_sequence_tokens = static_cast<int64_t>(text.prefix.size() + longest)}));
    Reader reader(session, text, options, windows);
    for (size_t first = 0; first < windows.size(); first += batch)
        if (auto read = reader.read(std::span(windows).subspan(first, std::min(batch, windows.size() - first))); !read)
            return reader.failure(std::move(read).error());
    PerplexityRun run = reader.take();
    if (const auto tokenizer = model->tokenizer())
        for (const Window& window : windows)
            for (size_t i = 0; i < window.n_scored; ++i)
                run.n_byte +=
                    static_cast<int64_t>((*tokenizer)->token_bytes(text.tokens[window.first + window.n_context + i]).size());
    return run;
}

PerplexitySummary summarize(const PerplexityRun& run) {
    PerplexitySummary summary;
    summary.nll = estimate_mean(run.nll);
    summary.perplexity.value = std::exp(summary.nll.value);
    summary.perplexity.standard_error = summary.perplexity.value * summary.nll.standard_error;
    const double bits = summary.nll.value * static_cast<double>(run.nll.size()) / std::numbers::ln2;
    summary.bits_per_byte = run.n_byte > 0 ? bits / static_cast<double>(run.n_byte) : 0;
    return summary;
}

}  // namespace krait
