// SPDX-License-Identifier: Apache-2.0
#include "models/sampler/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace krait {

namespace {

Result<void> check_logits(std::span<const float> logits) {
    if (logits.empty()) return fail(ErrorCode::invalid_argument, "there are no logits to sample from");
    if (logits.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
        return fail(ErrorCode::invalid_argument, "{} logits are more than token ids can count", logits.size());
    }
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    size_t n_nan = 0, n_infinite = 0, n_finite = 0;
    for (const float logit : logits) {
        n_nan += std::isnan(logit);
        n_infinite += logit == kInfinity;
        n_finite += std::isfinite(logit);
    }
    if (n_nan == logits.size())
        return fail(ErrorCode::internal, "all {} logits are NaN: the model's numbers broke down", n_nan);
    if (n_nan + n_infinite > 0) {
        const auto first = std::find_if(logits.begin(), logits.end(), [](float l) { return std::isnan(l) || l == kInfinity; });
        return fail(
            ErrorCode::internal,
            "{} of {} logits are NaN and {} are +infinity (the first is that of token {}): the model's numbers broke down",
            n_nan, logits.size(), n_infinite, first - logits.begin());
    }
    if (n_finite == 0)
        return fail(ErrorCode::invalid_argument, "all {} logits are -infinity: no token is allowed", logits.size());
    return {};
}

Result<void> check_candidates(std::span<const Candidate> top) {
    if (top.empty()) return fail(ErrorCode::invalid_argument, "there are no tokens to sample from");
    for (const Candidate& candidate : top)
        if (std::isnan(candidate.logit) || candidate.logit == std::numeric_limits<float>::infinity())
            return fail(ErrorCode::internal, "the logit of token {} is {}: the model's numbers broke down", candidate.token,
                        candidate.logit);
    if (!std::isfinite(top.front().logit))
        return fail(ErrorCode::invalid_argument, "all logits are -infinity: no token is allowed");
    return {};
}

}  // namespace

Result<Sampler> Sampler::create(const SamplerOptions& options) {
    // Written so that NaN fails too.
    const auto check = [](bool holds, std::string_view name, auto value, std::string_view range) -> Result<void> {
        if (holds) return {};
        return fail(ErrorCode::invalid_argument, "{} is {}: it must be {}", name, value, range);
    };
    const SamplerOptions& o = options;
    KRAIT_CHECK(check(o.temperature >= 0 && std::isfinite(o.temperature), "temperature", o.temperature, "0 (greedy) or more"));
    KRAIT_CHECK(check(o.top_k >= 0, "top_k", o.top_k, "0 (off) or more"));
    KRAIT_CHECK(check(o.top_p >= 0 && o.top_p <= 1, "top_p", o.top_p, "between 0 and 1 (off)"));
    KRAIT_CHECK(check(o.min_p >= 0 && o.min_p <= 1, "min_p", o.min_p, "between 0 (off) and 1"));
    KRAIT_CHECK(check(o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty), "repetition_penalty",
                      o.repetition_penalty, "more than 0 (1 = off)"));
    KRAIT_CHECK(check(o.repetition_window >= 0 && o.repetition_window <= SamplerState::kMaxWindow, "repetition_window",
                      o.repetition_window, fmt::format("between 0 (off) and {}", SamplerState::kMaxWindow)));
    return Sampler(options);
}

Sampler::Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {
    recent_.reserve(static_cast<size_t>(options.repetition_window));
}

Result<int32_t> Sampler::sample(std::span<const float> logits) {
    KRAIT_CHECK(check_logits(logits));
    const bool penalized = options_.repetition_penalty != 1 && !recent_.empty();
    if (options_.temperature == 0 && !penalized) {
        return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    }
    candidates_.resize(logits.size());
    for (size_t i = 0; i < logits.size(); ++i) candidates_[i] = {logits[i], static_cast<int32_t>(i)};
    if (penalized) {
        penalized_ = recent_;
        penalize_repetition(candidates_, penalized_, options_.repetition_penalty);
    }
    if (options_.temperature == 0) return candidates_[most_likely(candidates_)].token;

    const bool cut_k = options_.top_k > 0;
    if (cut_k) keep_top_k(candidates_, static_cast<size_t>(options_.top_k));
    return filter_and_draw(cut_k);
}

int32_t Sampler::filter_and_draw(bool sorted) {
    if (options_.top_p < 1) keep_top_p(candidates_, options_.top_p, sorted);
    if (options_.min_p > 0) keep_min_p(candidates_, options_.min_p);
    return candidates_[draw(candidates_, options_.temperature, random_.uniform(), weights_)].token;
}

int32_t Sampler::n_needed() const {
    if (penalizes()) return 0;  // tokens that it makes likelier may come from anywhere
    return options_.temperature == 0 ? 1 : options_.top_k;
}

Result<int32_t> Sampler::sample(std::span<const Candidate> top, size_t n_token) {
    const size_t wanted = std::min(static_cast<size_t>(n_needed()), n_token);
    if (top.size() < wanted || n_needed() == 0)
        return fail(
            ErrorCode::invalid_argument,
            "with top_k {}, temperature {} and repetition_penalty {} this sampler needs {}, not the {} most likely tokens",
            options_.top_k, options_.temperature, options_.repetition_penalty,
            n_needed() == 0 ? "all logits" : fmt::format("{} candidates", wanted), top.size());
    KRAIT_CHECK(check_candidates(top));
    const auto used = top.first(wanted);
    candidates_.assign(used.begin(), used.end());
    return options_.temperature == 0 ? candidates_.front().token : filter_and_draw(true);
}

void Sampler::accept(int32_t token) {
    const auto window = static_cast<size_t>(options_.repetition_window);
    if (window == 0) return;
    if (recent_.size() < window) {
        recent_.push_back(token);
    } else {
        recent_[oldest_] = token;
        oldest_ = (oldest_ + 1) % window;
    }
}

SamplerState Sampler::state() const {
    SamplerState state;
    state.n_recent = static_cast<uint32_t>(recent_.size());
    state.random = random_.state();
    for (size_t i = 0; i < recent_.size(); ++i) state.recent[i] = recent_[(oldest_ + i) % recent_.size()];
    return state;
}

Result<void> Sampler::restore(const SamplerState& state) {
    if (state.version != SamplerState::kVersion) {
        return fail(ErrorCode::unsupported, "sampler state of version {}: this build reads version {}", state.version,
                    SamplerState::kVersion);
    }
    if (state.n_recent > static_cast<uint32_t>(SamplerState::kMaxWindow)) {
        return fail(ErrorCode::corrupt_file, "sampler state with {} recent tokens: at most {}", state.n_recent,
                    SamplerState::kMaxWindow);
    }
    if (std::all_of(state.random.begin(), state.random.end(), [](uint64_t word) { return word == 0; })) {
        return fail(ErrorCode::corrupt_file, "sampler state whose generator is all zero: no seed leads there");
    }
    random_ = Random(state.random);
    recent_.clear();
    oldest_ = 0;
    for (uint32_t i = 0; i < state.n_recent; ++i) accept(state.recent[i]);  // a shorter window keeps the newest
    return {};
}

void Sampler::reset() {
    random_ = Random(options_.seed);
    recent_.clear();
    oldest_ = 0;
}

}  // namespace krait
