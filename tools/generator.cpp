// SPDX-License-Identifier: Apache-2.0
#include "tools/generator.hpp"

#include <algorithm>
#include <chrono>

#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

void Timings::print(const api::Model& model, uint64_t seed) const {
    if (prompt_tokens == 0) return;
    const auto rate = [](int64_t n, double s) { return s > 0 ? static_cast<double>(n) / s : 0.0; };
    print_error("\n{} on {} ({}): loaded in {:.2f} s, {} of weights, {} of state a sequence\n", model.name(), model.device(),
                model.hardware(), load, format_bytes(static_cast<double>(model.weight_bytes())),
                format_bytes(static_cast<double>(model.state_bytes())));
    print_error("prompt      {:6} tokens  {:8.1f} tokens/s\n", prompt_tokens, rate(prompt_tokens, prompt));
    print_error("generation  {:6} tokens  {:8.1f} tokens/s   seed {}\n", generated_tokens, rate(generation_steps, generation),
                seed);
}

api::Status Generator::check(std::span<const int32_t> tokens) const {
    if (tokens.empty() && !unread_) return failure(KRAIT_INVALID_ARGUMENT, kEmptyPrompt);
    const int64_t n_vocab = context_.model.n_vocab();
    for (size_t i = 0; i < tokens.size(); ++i)
        if (tokens[i] < 0 || tokens[i] >= n_vocab)
            return failure(KRAIT_INVALID_ARGUMENT, "token {} at position {} is out of range: the vocabulary has {} (0 to {})",
                           tokens[i], i, n_vocab, n_vocab - 1);
    return api::Done{};
}

api::Status Generator::go_on(std::vector<int32_t> tokens) {
    TOOLS_CHECK(check(tokens));
    if (context_.grammar) TOOLS_CHECK(context_.grammar->begin(context_.model, context_.ignores_ends));
    answer_.clear();
    chosen_.clear();
    is_full_ = false;
    if (unread_) tokens.insert(tokens.begin(), *unread_);
    api::Status done = read(tokens);
    if (done) done = generate();
    write_text("\n");
    (void)flush_output();
    if (is_full_) print_warning("the context is full, so the text ends here; give it more with --context");
    return done;
}

void Generator::reset() {
    (void)context_.session.reset(0);  // sequence 0 exists
    context_.sampler.reset();
    unread_.reset();
    if (context_.replay) context_.replay->reset();
}

// Where the sampler makes do with the most likely tokens, only these leave the device.
krait_batch_item Generator::next(std::span<const int32_t> tokens) const {
    const int32_t top_k = context_.model.has_top_k() ? context_.sampler.needs() : 0;
    krait_batch_item item = api::Session::item_of(tokens, 0, top_k > 0 ? KRAIT_WANT_TOP : KRAIT_WANT_LAST);
    item.top_k = top_k;
    return item;
}

api::Status Generator::read(std::span<const int32_t> prompt) {
    const auto start = Clock::now();
    TOOLS_TRY(const size_t before, context_.session.length());
    if (context_.interrupted) return failure(KRAIT_CANCELLED, "cancelled after 0 of {} tokens", prompt.size());
    TOOLS_TRY(const uint64_t room, context_.session.room());
    if (prompt.size() > room)
        return failure(
            KRAIT_INVALID_ARGUMENT,
            "the context has {} tokens already and room for {} more, but {} are to be read: give it more with --context",
            before, room, prompt.size());
    const krait_batch_item item = next(prompt);
    ProgressBar bar("reading");
    const api::Status done = context_.session.decode(std::span(&item, 1), [&](uint64_t n, uint64_t total) {
        bar.update(n, total);
        return !context_.interrupted;
    });
    if (!done) {
        const auto now = context_.session.length();
        if (now && *now > before) unread_.reset();  // the state has read it
        return done;
    }
    if (context_.replay) context_.replay->add(item);
    context_.timings.prompt += seconds_since(start);
    context_.timings.prompt_tokens += static_cast<int64_t>(prompt.size());
    TOOLS_CHECK(keep_snapshot());
    const size_t n_accepted = unread_ ? 1 : 0;  // it was accepted when it was chosen
    unread_.reset();
    return context_.sampler.accept(prompt.subspan(n_accepted));
}

api::Status Generator::keep_snapshot() {
    if (context_.max_snapshots == 0) return api::Done{};
    TOOLS_TRY(const auto kept, context_.session.snapshots());
    if (kept.size() >= static_cast<size_t>(context_.max_snapshots)) TOOLS_CHECK(context_.session.drop_snapshot(kept.front()));
    return context_.session.snapshot();
}

api::Status Generator::generate() {
    const auto start = Clock::now();
    const auto n_chosen = [&] { return static_cast<int64_t>(chosen_.size()); };
    api::Status done = api::Done{};
    while (done && !finished_ && !is_full_ && n_chosen() < max_tokens_) done = step(max_tokens_ - n_chosen());
    finished_ = false;
    context_.timings.generation += seconds_since(start);
    TOOLS_TRY(const std::string rest, text_.finish());
    const api::Status written = write(rest);
    return done ? written : done;
}

// One token: the first comes from the prompt's logits, each other one from a run of the token before it. Or several, where the
// device chooses what the sampler would.
api::Status Generator::step(int64_t max_tokens) {
    if (context_.interrupted) return failure(KRAIT_CANCELLED, "interrupted");
    if (!chosen_.empty()) {
        TOOLS_TRY(const uint64_t room, context_.session.room());
        is_full_ = room == 0;
        if (is_full_) return api::Done{};
        max_tokens = static_cast<int64_t>(std::min(static_cast<uint64_t>(max_tokens), room));
        const int32_t previous = *std::exchange(unread_, std::nullopt);
        if (context_.model.has_top_k() && context_.sampler.needs() == 1 && chains_to_the_end_)
            return chain(previous, max_tokens);
        const krait_batch_item item = next(std::span(&previous, 1));
        TOOLS_CHECK(context_.session.decode(std::span(&item, 1)));
        if (context_.replay) context_.replay->add(item);
        ++context_.timings.generation_steps;
    }
    TOOLS_TRY(const int32_t token, sample());
    return take(token);
}

api::Result<int32_t> Generator::sample() {
    auto token = context_.session.sample(context_.sampler);
    if (!context_.grammar) return token;
    if (!token && !context_.grammar->failure()) return context_.grammar->failure().failure();
    if (token) TOOLS_CHECK(context_.grammar->accept(*token));
    return token;
}

api::Status Generator::chain(int32_t previous, int64_t max_tokens) {
    constexpr double kPatience = 0.05;  // seconds for which the reader may be kept waiting
    const auto start = Clock::now();
    const auto n_tok = static_cast<size_t>(std::min<int64_t>(max_tokens, chain_length_));
    TOOLS_TRY(const auto found, context_.session.chain(previous, n_tok, ends_));
    context_.timings.generation_steps += static_cast<int64_t>(found.size());
    for (size_t i = 0; context_.replay && i < found.size(); ++i)  // each reads the one before it
        context_.replay->add(next(std::span(i == 0 ? &previous : &found[i - 1].token, 1)));
    const double possible = kPatience / (seconds_since(start) / static_cast<double>(found.size()));
    chain_length_ = static_cast<int32_t>(std::clamp<double>(possible, 1, max_chain_));
    // The sampler would choose each; the last one may have a logit that is no number, which it refuses.
    for (const krait_candidate& candidate : found.first(found.size() - 1)) {
        if (finished_) return api::Done{};
        TOOLS_CHECK(context_.sampler.accept(std::span(&candidate.token, 1)));
        TOOLS_CHECK(take(candidate.token));
    }
    if (finished_) return api::Done{};
    TOOLS_TRY(const int32_t last, context_.session.sample(context_.sampler));
    return take(last);
}

// Writes a token that the sampler has remembered.
api::Status Generator::take(int32_t token) {
    unread_ = token;
    chosen_.push_back(token);
    if (std::find(ends_.begin(), ends_.end(), token) != ends_.end()) {
        finished_ = true;
        return api::Done{};
    }
    ++context_.timings.generated_tokens;
    TOOLS_TRY(const std::string piece, text_.push(token));
    finished_ = text_.stopped();
    if (context_.grammar && !finished_) {
        TOOLS_TRY(finished_, context_.grammar->is_finished());
    }
    return write(piece);
}

api::Status Generator::write(std::string_view text) {
    answer_ += text;
    write_text(text);
    return flush_output();
}

}  // namespace krait::tools
