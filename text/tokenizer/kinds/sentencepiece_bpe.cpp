// SPDX-License-Identifier: Apache-2.0
//
// "llama": byte-pair encoding as sentencepiece does it. Characters are joined, as long as two neighbors make a piece; the piece
// with the highest score first, the leftmost among equals. Pieces of type unused are taken apart again in the end, into the
// two parts that they were last seen to be made of. User-defined pieces are found first and stay whole. What is no piece
// becomes its bytes, where the vocabulary has a token for each byte, else the unknown token.
//
// No table of merges is made: whether two neighbors make a piece is a lookup of their joined text, as in sentencepiece.
//
// One difference from sentencepiece: bytes that are no UTF-8 become their byte tokens, where it writes U+FFFD.
#include <algorithm>
#include <array>
#include <functional>

#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "text/tokenizer/bpe.hpp"
#include "text/tokenizer/kinds/kind.hpp"
#include "text/tokenizer/sentencepiece_normalizer.hpp"

namespace krait {

namespace {

// Symbols of a text are ids of pieces, and negative ones:
constexpr int32_t kForeign = -1;    // a byte that is no character: it is joined with nothing
constexpr int32_t kCharacter = -2;  // a character that is no piece, but perhaps a part of one

constexpr size_t kMaxPieceBytes = 4096;  // pieces have some 16 characters; each lookup reads as many bytes

bool is_piece(TokenType type) { return type == TokenType::normal || type == TokenType::unused; }

size_t character_length(std::string_view text) { return utf8_step(text).length; }

// The place of every score among all, the highest 0; equal scores have equal places.
std::vector<int32_t> ranks_of(const TokenizerSpec& spec) {
    const std::vector<float>& scores = spec.scores;
    BuildCheck check(spec.keep_going);
    std::vector<float> sorted = scores;
    std::sort(sorted.begin(), sorted.end(), [&](float a, float b) {
        check();
        return a > b;
    });
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::vector<int32_t> ranks(scores.size());
    for (size_t id = 0; id < scores.size(); ++id) {
        check();
        const auto place = std::lower_bound(sorted.begin(), sorted.end(), scores[id], std::greater<>());
        ranks[id] = static_cast<int32_t>(place - sorted.begin());
    }
    return ranks;
}

class SentencePieceBpe final : public TokenizerKind {
  public:
    SentencePieceBpe(const TokenizerSpec& spec, const Vocabulary& vocabulary, SentencePieceNormalizer normalizer)
        : vocabulary_(vocabulary),
          normalizer_(std::move(normalizer)),
          ranks_(ranks_of(spec)),
          has_all_bytes_(vocabulary.covers_all_bytes()) {
        for (int32_t id = 0; id < vocabulary.size(); ++id) {
            if (!is_piece(vocabulary.types[id])) continue;
            longest_ = std::max(longest_, vocabulary.texts[id].size());
            has_unused_ = has_unused_ || vocabulary.types[id] == TokenType::unused;
        }
        for (size_t i = 0; i < ascii_.size(); ++i) {
            const char c = static_cast<char>(i);
            ascii_[i] = find_piece({&c, 1}).value_or(kCharacter);
        }
    }
    std::unique_ptr<PartEncoder> encoder(const EncodeContext& context) const override;

    [[nodiscard]] std::optional<int32_t> find_piece(std::string_view text) const {
        const auto id = text.size() <= longest_ ? vocabulary_.find(text) : std::nullopt;
        return id && is_piece(vocabulary_.types[*id]) ? id : std::nullopt;
    }
    [[nodiscard]] int32_t symbol_of(std::string_view character) const {
        if (character.size() == 1) return static_cast<uint8_t>(character[0]) < 0x80 ? ascii_[character[0]] : kForeign;
        return find_piece(character).value_or(kCharacter);
    }
    // User-defined pieces stay as they are.
    [[nodiscard]] bool can_be_joined(int32_t symbol) const {
        return symbol == kCharacter || (symbol >= 0 && is_piece(vocabulary_.types[symbol]));
    }

    const Vocabulary& vocabulary_;
    const SentencePieceNormalizer normalizer_;
    const std::vector<int32_t> ranks_;
    const bool has_all_bytes_;
    bool has_unused_ = false;
    size_t longest_ = 0;  // bytes of a piece
    std::array<int32_t, 128> ascii_{};
};

class Encoder final : public PartEncoder {
  public:
    Encoder(const SentencePieceBpe& kind, const EncodeContext& context)
        : kind_(kind), context_(context), splits_(kind.has_unused_ ? kind.vocabulary_.size() : 0) {}

    Result<void> encode(std::string_view part, bool begins_text, std::vector<int32_t>& ids) override {
        const std::string text = kind_.normalizer_.normalize(part, begins_text);
        row_.clear();
        places_.clear();
        for (std::string_view rest = text; !rest.empty();) {
            const auto literal = kind_.normalizer_.user_defined().longest_prefix(rest);
            const size_t length = literal.length > 0 ? literal.length : character_length(rest);
            row_.push_back(literal.length > 0 ? literal.value : kind_.symbol_of(rest.substr(0, length)));
            places_.push_back(text.size() - rest.size());
            rest.remove_prefix(length);
        }
        places_.push_back(text.size());
        joined_.clear();
        encoder_.encode(
            row_, [&](const Part& left, const Part& right) { return find_merge(text, left, right); }, joined_);
        return emit(text, ids);
    }

  private:
    using Part = BytePairEncoder::Part;

    Merge find_merge(std::string_view text, const Part& left, const Part& right) {
        if (!kind_.can_be_joined(left.token) || !kind_.can_be_joined(right.token)) return {};
        const size_t begin = places_[left.begin], end = places_[right.end];
        const auto piece = kind_.find_piece(text.substr(begin, end - begin));
        if (!piece) return {};
        if (kind_.has_unused_) splits_[*piece] = {left.token, right.token};
        return {kind_.ranks_[*piece], *piece};
    }
    Result<void> emit(std::string_view text, std::vector<int32_t>& ids) {
        bool is_behind_unknown = false;
        for (const int32_t symbol : joined_) {
            stack_.assign(1, symbol);
            while (!stack_.empty()) {
                const int32_t top = stack_.back();
                stack_.pop_back();
                if (is_taken_apart(top)) {
                    stack_.push_back(splits_[top].right);
                    stack_.push_back(splits_[top].left);
                    continue;
                }
                const size_t length = top < 0 ? character_length(text) : kind_.vocabulary_.texts[top].size();
                if (top >= 0) {
                    ids.push_back(top);
                    is_behind_unknown = false;
                } else {
                    KRAIT_CHECK(context_.append_unknown(text.substr(0, length), kind_.has_all_bytes_, is_behind_unknown,
                                                        kind_.vocabulary_, ids));
                    is_behind_unknown = true;
                }
                text.remove_prefix(length);
            }
        }
        return {};
    }
    [[nodiscard]] bool is_taken_apart(int32_t symbol) const {
        return symbol >= 0 && kind_.vocabulary_.types[symbol] == TokenType::unused && splits_[symbol].left != kForeign;
    }
    struct Split {
        int32_t left = kForeign, right = kForeign;
    };

    const SentencePieceBpe& kind_;
    const EncodeContext& context_;
    BytePairEncoder encoder_;
    // The pair that was last seen to make a piece, joined or not, by id; empty where no piece is unused.
    std::vector<Split> splits_;
    std::vector<int32_t> row_, joined_, stack_;
    std::vector<size_t> places_;  // where the symbols of row_ begin in the text, and its end
};

std::unique_ptr<PartEncoder> SentencePieceBpe::encoder(const EncodeContext& context) const {
    return std::make_unique<Encoder>(*this, context);
}

Result<std::unique_ptr<const TokenizerKind>> create(const TokenizerSpec& spec, Vocabulary& vocabulary) {
    KRAIT_CHECK(check_scores(spec));
    for (int32_t id = 0; id < vocabulary.size(); ++id)
        if (is_piece(vocabulary.types[id]) && vocabulary.texts[id].size() > kMaxPieceBytes)
            return fail(ErrorCode::unsupported, "tokenizer: token {} ({}) has {} bytes: at most {} are possible with \"llama\"",
                        id, quote(vocabulary.texts[id]), vocabulary.texts[id].size(), kMaxPieceBytes);
    KRAIT_TRY(auto normalizer, SentencePieceNormalizer::create(spec, vocabulary, vocabulary.covers_all_bytes()));
    return std::make_unique<const SentencePieceBpe>(spec, vocabulary, std::move(normalizer));
}

}  // namespace

constinit const KindEntry kSentencePieceBpe{
    .model = "llama", .bytes_of = sentencepiece_bytes_of, .cuts_user_defined = false, .strips_blank = false, .create = create};

}  // namespace krait
