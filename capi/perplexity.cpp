// SPDX-License-Identifier: Apache-2.0
//
// include/krait/perplexity.h.
#include "capi/api.hpp"
#include "models/evaluation/divergence.hpp"

using namespace krait;
using namespace krait::capi;

namespace {

void take(krait_perplexity& to, const PerplexityRun& run) {
    const PerplexitySummary summary = summarize(run);
    to.n_window = static_cast<uint64_t>(run.n_window);
    to.n_scored = run.nll.size();
    to.n_read = static_cast<uint64_t>(run.n_read);
    to.n_byte = static_cast<uint64_t>(run.n_byte);
    to.nll = summary.nll.value;
    to.nll_standard_error = summary.nll.standard_error;
    to.perplexity = summary.perplexity.value;
    to.perplexity_standard_error = summary.perplexity.standard_error;
    to.bits_per_byte = summary.bits_per_byte;
}

void take(krait_perplexity& to, const DivergenceSummary& d) {
    to.has_base = 1;
    to.kl = d.kl.value;
    to.kl_standard_error = d.kl.standard_error;
    to.kl_median = d.kl_median;
    to.kl_90 = d.kl_90;
    to.kl_99 = d.kl_99;
    to.kl_max = d.kl_max;
    to.same_top = d.same_top;
    to.same_top_low = d.same_top_interval.low;
    to.same_top_high = d.same_top_interval.high;
    to.dp = d.dp.value;
    to.dp_standard_error = d.dp.standard_error;
    to.dp_rms = d.dp_rms;
    to.base_perplexity = d.base_perplexity;
    to.perplexity_ratio = d.perplexity_ratio.value;
    to.perplexity_ratio_standard_error = d.perplexity_ratio.standard_error;
}

Result<krait_perplexity> measure(const std::shared_ptr<const Model>& model, std::string_view text,
                                 const krait_perplexity_options& given) {
    if (given.save && given.base)
        return fail(ErrorCode::invalid_argument, "save and base are given: a run makes a base, or is compared with one");
    if (given.batch < 1 || given.batch > SessionOptions::kMaxSequences)
        return fail(ErrorCode::invalid_argument, "a batch of {} windows: 1 to {} are possible", given.batch,
                    SessionOptions::kMaxSequences);
    KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
    KRAIT_TRY(const EvaluationText tokens, tokenize_text(*tokenizer, text, given.max_tokens));
    std::atomic<bool> is_stopped{false};
    PerplexityOptions options{.windows = {given.context, given.stride, given.is_stream != 0}, .batch = given.batch};
    if (given.progress) {
        options.cancel = &is_stopped;
        options.progress = [&](int64_t done, int64_t total, double mean_nll) {
            if (given.progress(given.user, static_cast<uint64_t>(done), static_cast<uint64_t>(total), mean_nll) != 0)
                is_stopped = true;
        };
    }
    KRAIT_TRY(const RunSettings settings, RunSettings::of(*model, tokens, options.windows));
    std::optional<BaseRunWriter> writer;
    std::optional<BaseRun> base;
    std::optional<Divergence> divergence;
    if (given.save) {
        KRAIT_TRY(writer, BaseRunWriter::create(given.save, settings, model->hash()));
        options.visit = [&](const ScoredToken& scored) { return writer->write(scored); };
    } else if (given.base) {
        KRAIT_TRY(base, BaseRun::open(given.base));
        KRAIT_CHECK(base->check_comparable(settings));
        divergence.emplace(*base);
        options.visit = [&](const ScoredToken& scored) { return divergence->add(scored); };
    }
    KRAIT_TRY(const PerplexityRun run, measure_perplexity(model, tokens, options));
    krait_perplexity result KRAIT_PERPLEXITY_INIT;
    take(result, run);
    if (writer) {
        KRAIT_CHECK(writer->finish());
        result.saved_bytes = writer->bytes();
    }
    if (divergence) {
        take(result, divergence->summarize());
        result.is_base_same_model = base->model_hash() == model->hash() ? 1 : 0;
    }
    return result;
}

}  // namespace

krait_code krait_perplexity_measure(const krait_model* model, const char* text, size_t size,
                                    const krait_perplexity_options* options, krait_perplexity* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_loaded(model));
        if (size > 0) KRAIT_CHECK(expect_given(text, "text"));
        KRAIT_CHECK(expect_given(out, "out"));
        KRAIT_CHECK(check_size<krait_perplexity>(out->struct_size, "out."));  // before minutes are spent
        KRAIT_TRY(const krait_perplexity_options given,
                  complete(options, krait_perplexity_options KRAIT_PERPLEXITY_OPTIONS_INIT));
        KRAIT_TRY(const krait_perplexity result,
                  measure(model->loaded, size > 0 ? std::string_view(text, size) : std::string_view(), given));
        return fill(out, result);
    });
}
