// SPDX-License-Identifier: Apache-2.0
//
// Tokens that are cut out of text literally, before the rest is encoded: the leftmost, and the longest there. Control and
// unknown tokens only where the caller wants them to be parsed, user-defined tokens always. In two passes, as Hugging Face's
// tokenizers does it: first in the text as it stands, then in what is left of it, normalized.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/byte_range.hpp"
#include "text/tokenizer/kinds/kind.hpp"
#include "text/tokenizer/literal_matcher.hpp"

namespace krait {

class SpecialTokens {
  public:
    struct Segment {
        std::string_view text;  // what lies between two tokens; not empty
        int32_t id = -1;        // the token, or -1 for such text
        bool begins_text = false;
    };

    SpecialTokens() = default;
    // `cuts_user_defined`: see KindEntry. Rules for ids out of range become warnings.
    SpecialTokens(const TokenizerSpec& spec, Vocabulary& vocabulary, bool cuts_user_defined, const TokenizerKind& kind);

    // The first pass. Nothing in the plain parts (ascending, without overlap) is a control token.
    [[nodiscard]] std::vector<Segment> cut(std::string_view text, bool parse_special,
                                           std::span<const ByteRange> plain_parts) const;
    // The second pass, in a part whose normalized form is `text`.
    [[nodiscard]] std::vector<Segment> cut_normalized(std::string_view text, bool begins_text) const;
    [[nodiscard]] bool has_normalized() const { return !normalized_.is_empty(); }

  private:
    using Hits = std::vector<LiteralMatcher::Hit>;
    void add_hits(const LiteralMatcher& matcher, std::string_view text, ByteRange range, Hits& hits) const;
    std::vector<Segment> segments(std::string_view text, const Hits& hits, bool begins_text) const;
    [[nodiscard]] const TokenRule* rule_of(int32_t id) const;

    LiteralMatcher all_, literal_, normalized_;  // first pass with and without control tokens; second pass
    std::vector<TokenRule> rules_;               // by id
};

}  // namespace krait
