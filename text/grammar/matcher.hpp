// SPDX-License-Identifier: Apache-2.0
//
// Follows one text, token by token, and tells which tokens may come next.
//
//   accept(token)      the text goes on with it
//   mask()             a bit for each token that may come next
//   rollback(n)        the latest n tokens are taken back, as speculation needs it: O(n)
//
// Nothing is ever let through because of an error or a limit (limits.hpp): accept and mask fail then, and the matcher is as
// before. Equal states have equal masks, which are kept; when they are too many, all of them give way.
//
// Not for several threads at once. The program and the tokens are shared.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/base/result.hpp"
#include "text/grammar/automaton.hpp"
#include "text/grammar/token_index.hpp"

namespace krait::grammar {

class Matcher {
  public:
    // Fails where the grammar names a token that the vocabulary does not have, and at a limit.
    static Result<Matcher> create(std::shared_ptr<const Program> program, std::shared_ptr<const TokenIndex> tokens,
                                  const MatchLimits& limits = {});

    // Tokens that end the text, and those that stand for none, are allowed only where the grammar says so. INVALID_ARGUMENT:
    // the token is not allowed here, or there is none of this number.
    Result<void> accept(int32_t token);
    // n_word words; valid until the next call. All zero after an end token.
    Result<std::span<const uint64_t>> mask();
    // INVALID_ARGUMENT where fewer tokens were accepted.
    Result<void> rollback(size_t n_token);
    // To the beginning; what was computed is kept.
    void reset();
    // At the same place, without what was computed.
    [[nodiscard]] Result<Matcher> clone() const;

    [[nodiscard]] size_t n_accepted() const { return history_.size() - 1; }
    // The grammar accepts the text as it is.
    [[nodiscard]] bool is_accepting() const { return is_ended_ || automaton_.accepts(state()); }
    // No token but an end can follow.
    Result<bool> is_finished();
    [[nodiscard]] const TokenIndex& tokens() const { return *tokens_; }

  private:
    struct KeptMask {
        TokenMask tokens;
        bool has_text = false;  // a token that is no end
        uint32_t n_read =
            0;  // no token that may follow has more bytes or plain characters, nor has any beginning of another one
    };
    using MaskRef = std::shared_ptr<const KeptMask>;

    Matcher(std::shared_ptr<const Program> program, std::shared_ptr<const TokenIndex> tokens, const MatchLimits& limits)
        : automaton_(std::move(program), limits), tokens_(std::move(tokens)) {}
    [[nodiscard]] SetId state() const { return history_.back(); }
    Result<void> find_token_sets();
    Result<void> make_room();
    void drop_masks();
    Result<const KeptMask*> find_mask();
    Result<MaskRef> compute_mask(SetId state);
    SetId after(int32_t token);
    bool walk(SetId state, std::span<const TrieNode> trie, uint32_t plain_run, KeptMask& made);
    uint32_t bytes_of_level(size_t level) const;

    Automaton automaton_;
    std::shared_ptr<const TokenIndex> tokens_;
    std::vector<std::vector<int32_t>> token_sets_;  // of the program: the tokens, sorted
    std::vector<SetId> history_;                    // the state after each token
    bool is_ended_ = false;
    std::array<std::unordered_map<SetId, MaskRef>, Automaton::kLevels> masks_;  // by canonical states
    size_t n_mask_ = 0;
    TokenMask none_;
    struct Step {
        SetId state;
        uint32_t row;
    };
    std::vector<Step> path_;  // of walk
};

}  // namespace krait::grammar
