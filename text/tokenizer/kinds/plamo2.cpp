// SPDX-License-Identifier: Apache-2.0
//
// "plamo2": of all ways to cut a text into tokens, the cheapest. A token costs minus 10,000 times its score, rounded; a
// character that is no token 10,000,000, and it becomes its bytes. The sums are exact, and of equally cheap ways the one whose
// next token is the longest wins. The tokenizer of PLaMo 2 (Preferred Networks, 2025), found from the end of the text.
//
// One difference: the text of a control token is no token here, unless the caller wants it parsed.
#include <cmath>

#include "core/base/utf8.hpp"
#include "text/tokenizer/byte_trie.hpp"
#include "text/tokenizer/kinds/kind.hpp"

namespace krait {

namespace {

constexpr double kScale = 1e4;
constexpr int64_t kUnknownCost = 10'000'000;
constexpr double kWorstCost = 20'000'000;  // what costs as much is never a part of a text

class Plamo2 final : public TokenizerKind {
  public:
    Plamo2(const TokenizerSpec& spec, const Vocabulary& vocabulary) : vocabulary_(vocabulary), costs_(spec.tokens.size(), 0) {
        std::vector<std::pair<std::string, int32_t>> tokens;
        for (int32_t id = 0; id < vocabulary.size(); ++id) {
            const double cost = -static_cast<double>(spec.scores[id]) * kScale;
            const TokenType type = vocabulary.types[id];
            const bool is_text = type == TokenType::normal || type == TokenType::user_defined || type == TokenType::unused;
            if (!is_text || vocabulary.texts[id].empty() || !(std::abs(cost) < kWorstCost)) continue;
            costs_[id] = static_cast<int32_t>(std::nearbyint(cost));
            tokens.emplace_back(vocabulary.texts[id], id);
        }
        trie_ = ByteTrie(std::move(tokens), spec.keep_going);
    }
    std::unique_ptr<PartEncoder> encoder(const EncodeContext& context) const override;

    const Vocabulary& vocabulary_;
    std::vector<int32_t> costs_;
    ByteTrie trie_;
};

class Encoder final : public PartEncoder {
  public:
    Encoder(const Plamo2& kind, const EncodeContext& context) : kind_(kind), context_(context) {}

    Result<void> encode(std::string_view part, bool /*begins_text*/, std::vector<int32_t>& ids) override {
        begins_.clear();
        for (size_t i = 0; i < part.size(); i += utf8_step(part.substr(i)).length) begins_.push_back(i);
        best_.assign(part.size() + 1, {});
        for (size_t i = begins_.size(); i-- > 0;)
            choose(part, begins_[i], i + 1 < begins_.size() ? begins_[i + 1] : part.size());
        for (size_t i = 0; i < part.size(); i = best_[i].end) {
            if (best_[i].token >= 0) {
                ids.push_back(best_[i].token);
            } else {
                KRAIT_CHECK(emit_unknown(part.substr(i, best_[i].end - i), ids));
            }
        }
        return {};
    }

  private:
    struct Path {  // the cheapest one from a place to the end of the text
        int64_t cost = 0;
        int32_t token = -1;  // -1: a character that is none
        size_t end = 0;      // of its first token
    };
    void choose(std::string_view text, size_t begin, size_t end_of_character) {
        Path best{kUnknownCost + best_[end_of_character].cost, -1, end_of_character};
        kind_.trie_.for_each_prefix(text.substr(begin), [&](ByteTrie::Match match) {
            const size_t end = begin + match.length;
            const int64_t cost = kind_.costs_[match.value] + best_[end].cost;
            if (cost <= best.cost) best = {cost, match.value, end};  // later ones are longer
        });
        best_[begin] = best;
    }
    Result<void> emit_unknown(std::string_view character, std::vector<int32_t>& ids) {
        const Vocabulary& vocabulary = kind_.vocabulary_;
        for (const char& byte : character) {
            const int32_t token = vocabulary.byte_tokens[static_cast<uint8_t>(byte)];
            if (token < 0 && !vocabulary.unk) return context_.no_token(&byte, false);
            ids.push_back(token < 0 ? *vocabulary.unk : token);
        }
        return {};
    }

    const Plamo2& kind_;
    const EncodeContext& context_;
    std::vector<size_t> begins_;
    std::vector<Path> best_;
};

std::unique_ptr<PartEncoder> Plamo2::encoder(const EncodeContext& context) const {
    return std::make_unique<Encoder>(*this, context);
}

Result<std::unique_ptr<const TokenizerKind>> create(const TokenizerSpec& spec, Vocabulary& vocabulary) {
    KRAIT_CHECK(check_scores(spec));
    return std::make_unique<const Plamo2>(spec, vocabulary);
}

}  // namespace

constinit const KindEntry kPlamo2{
    .model = "plamo2", .bytes_of = plain_bytes_of, .cuts_user_defined = false, .strips_blank = false, .create = create};

}  // namespace krait
