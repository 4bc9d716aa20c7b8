// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/matcher.hpp"

#include <algorithm>
#include <utility>

#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"
#include "text/grammar/plain_repeats.hpp"

namespace krait::grammar {
namespace {

void set_bit(TokenMask& mask, int32_t token) { mask[token / 64] |= uint64_t{1} << (token % 64); }

bool waits(const Automaton& automaton, SetId state) {
    return std::ranges::any_of(automaton.positions(state),
                               [&](const Position& at) { return automaton.program().is_waiting(at.node); });
}

}  // namespace

Result<Matcher> Matcher::create(std::shared_ptr<const Program> program, std::shared_ptr<const TokenIndex> tokens,
                                const MatchLimits& limits) {
    Matcher matcher(std::move(program), std::move(tokens), limits);
    KRAIT_CHECK(matcher.find_token_sets());
    const SetId start = matcher.automaton_.start();
    if (start == kFailed) return tl::unexpected<Error>(matcher.automaton_.failure());
    matcher.history_.push_back(start);
    matcher.none_.assign(matcher.tokens_->n_word(), 0);
    return matcher;
}

Result<void> Matcher::find_token_sets() {
    for (const TokenChoice& choice : automaton_.program().token_sets) {
        std::optional<int32_t> id = choice.id;
        if (!id) id = tokens_->find(choice.text);
        if (!id || static_cast<size_t>(*id) >= tokens_->n_token())
            return fail(ErrorCode::invalid_argument, "the grammar names the token {}, and the vocabulary has {}",
                        choice.id ? fmt::format("{}", *choice.id) : quote(choice.text),
                        choice.id ? fmt::format("tokens 0 to {}", tokens_->n_token() - 1) : "none of this text");
        if (!choice.is_negated && tokens_->is_end(*id))
            return fail(ErrorCode::invalid_argument,
                        "the grammar names the token {} ({}), which ends a text: it is allowed where the grammar accepts, and "
                        "only there",
                        *id, quote(tokens_->text(*id)));
        std::vector<int32_t> set{*id};
        if (choice.is_negated) {
            set.clear();
            for (size_t token = 0; token < tokens_->n_token(); ++token)
                if (static_cast<int32_t>(token) != *id && !tokens_->is_end(static_cast<int32_t>(token)))
                    set.push_back(static_cast<int32_t>(token));
        }
        token_sets_.push_back(std::move(set));
    }
    return {};
}

// Between two calls: only states that a rollback can come to are needed.
Result<void> Matcher::make_room() {
    automaton_.begin_work();
    if (!automaton_.is_full()) return {};
    automaton_.keep(history_);
    drop_masks();
    if (!automaton_.is_full()) return {};
    return fail(ErrorCode::unsupported,
                "the states of the text need more than {}: the grammar is too ambiguous, or the text too long",
                format_bytes(static_cast<uint64_t>(automaton_.limits().state_bytes)));
}

SetId Matcher::after(int32_t token) {
    const bool has_text = !tokens_->text(token).empty() && (!tokens_->is_special(token) || waits(automaton_, state()));
    const SetId others = has_text ? automaton_.advance(state(), tokens_->text(token)) : kDead;
    if (others == kFailed || token_sets_.empty()) return others;
    std::vector<uint8_t> has_token(token_sets_.size());
    for (size_t i = 0; i < token_sets_.size(); ++i) has_token[i] = std::ranges::binary_search(token_sets_[i], token) ? 1 : 0;
    return automaton_.take_token(state(), has_token, others);
}

Result<void> Matcher::accept(int32_t token) {
    if (token < 0 || static_cast<size_t>(token) >= tokens_->n_token())
        return fail(ErrorCode::invalid_argument, "token {} is out of range: the vocabulary has {}", token, tokens_->n_token());
    KRAIT_CHECK(make_room());
    const bool is_end = tokens_->is_end(token);
    SetId next = kDead;
    if (is_end) next = !is_ended_ && is_accepting() ? state() : kDead;
    else if (!is_ended_) next = after(token);
    if (next == kFailed) return tl::unexpected<Error>(automaton_.failure());
    if (next == kDead)
        return fail(ErrorCode::invalid_argument, "token {} ({}) is not allowed here: {}", token, quote(tokens_->text(token)),
                    is_ended_ ? "the text has ended"
                    : is_end  ? "the grammar demands more text"
                              : "the grammar demands another text");
    is_ended_ = is_end;
    history_.push_back(next);
    return {};
}

Result<void> Matcher::rollback(size_t n_token) {
    if (n_token > n_accepted())
        return fail(ErrorCode::invalid_argument, "{} tokens cannot be taken back: {} were accepted", n_token, n_accepted());
    history_.resize(history_.size() - n_token);
    if (n_token > 0) is_ended_ = false;  // nothing follows an end
    return {};
}

void Matcher::reset() {
    history_.resize(1);
    is_ended_ = false;
}

Result<Matcher> Matcher::clone() const {
    KRAIT_TRY(Matcher copy, create(automaton_.shared_program(), tokens_, automaton_.limits()));
    copy.history_ = history_;
    copy.automaton_.take_states(automaton_, copy.history_);
    copy.is_ended_ = is_ended_;
    return copy;
}

Result<std::span<const uint64_t>> Matcher::mask() {
    KRAIT_TRY(const KeptMask* found, find_mask());
    return std::span<const uint64_t>(found ? found->tokens : none_);
}

Result<bool> Matcher::is_finished() {
    KRAIT_TRY(const KeptMask* found, find_mask());
    return !found || !found->has_text;
}

// nullptr after the end.
Result<const Matcher::KeptMask*> Matcher::find_mask() {
    if (is_ended_) return nullptr;
    KRAIT_CHECK(make_room());
    std::array<SetId, Automaton::kLevels> keys{};
    for (size_t level = 0; level < keys.size(); ++level) {
        keys[level] = automaton_.canonical(state(), level, bytes_of_level(level));
        if (const auto found = masks_[level].find(keys[level]); found != masks_[level].end()) return found->second.get();
    }
    KRAIT_TRY(const MaskRef made, compute_mask(keys.back()));
    if (n_mask_ * tokens_->n_word() * sizeof(uint64_t) >= automaton_.limits().mask_bytes) drop_masks();
    ++n_mask_;
    size_t level = 0;
    while (level + 1 < keys.size() && made->n_read > bytes_of_level(level)) ++level;
    masks_[level].emplace(keys[level], made);
    return made.get();
}

// Counters may be far from their limits for short tokens and near them for long ones. Where only short ones can follow, it is
// enough to be far for these, and then more states are the same.
uint32_t Matcher::bytes_of_level(size_t level) const {
    constexpr std::array<uint32_t, Automaton::kLevels - 1> kBytes = {8, 16, 32};
    return level < kBytes.size() ? std::min(kBytes[level], tokens_->max_bytes()) : tokens_->max_bytes();
}

void Matcher::drop_masks() {
    for (auto& level : masks_) level.clear();
    n_mask_ = 0;
}

Result<Matcher::MaskRef> Matcher::compute_mask(SetId state) {
    KeptMask made{.tokens = TokenMask(tokens_->n_word())};
    const uint32_t run = plain_run(automaton_, state, TokenIndex::kMaxPlain);
    made.n_read = run;
    if (run > 0) made.tokens.assign(tokens_->plain(run).begin(), tokens_->plain(run).end());
    if (!walk(state, run == TokenIndex::kMaxPlain ? tokens_->not_plain() : tokens_->all(), run, made))
        return tl::unexpected<Error>(automaton_.failure());
    for (const Position& at : automaton_.positions(state)) {
        const Node& node = automaton_.program().nodes[at.node];
        if (node.kind != NodeKind::tokens) continue;
        for (const int32_t token : token_sets_[node.arg]) set_bit(made.tokens, token);
    }
    if (waits(automaton_, state))  // what is no part of the grammar's text is free
        for (const int32_t token : tokens_->specials()) {
            const SetId next = automaton_.advance(state, tokens_->text(token));
            if (next == kFailed) return tl::unexpected<Error>(automaton_.failure());
            if (next != kDead && !tokens_->text(token).empty()) set_bit(made.tokens, token);
        }
    made.has_text = std::ranges::any_of(made.tokens, [](uint64_t word) { return word != 0; });
    if (automaton_.accepts(state)) {
        for (const int32_t end : tokens_->ends()) set_bit(made.tokens, end);
    } else if (!made.has_text) {
        return fail(ErrorCode::unsupported,
                    "the grammar demands more text here, and no token of the vocabulary goes on with it");
    }
    return std::make_shared<const KeptMask>(std::move(made));
}

// Sets the bits of the tokens that may follow; plain ones of at most plain_run characters are set already.
bool Matcher::walk(SetId state, std::span<const TrieNode> trie, uint32_t plain_run, KeptMask& made) {
    path_.resize(tokens_->max_bytes() + 1);
    path_[0] = {state, automaton_.row_of(state)};
    uint64_t* const words = made.tokens.data();
    for (size_t i = 0; i < trie.size();) {
        const TrieNode& node = trie[i];
        if (node.plain <= plain_run) {
            i = node.end;
            continue;
        }
        const Step& before = path_[node.depth - 1];
        const SetId next = automaton_.next(before.state, before.row, node.byte);
        if (next == kDead) {
            i = node.end;
            continue;
        }
        if (next == kFailed) return false;
        ++i;
        made.n_read = std::max<uint32_t>(made.n_read, node.depth);
        for (int32_t token = node.token; token >= 0; token = tokens_->same(token))
            words[token / 64] |= uint64_t{1} << (token % 64);
        if (node.end > i) path_[node.depth] = {next, automaton_.row_of(next)};
    }
    return true;
}

}  // namespace krait::grammar
