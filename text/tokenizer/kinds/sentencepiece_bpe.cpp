// SPDX-License-Identifier: Apache-2.0
//
// "llama": byte-pair encoding as sentencepiece does it. Characters are joined, as long as two neighbors make a piece; the piece
// with the highest score first, the leftmost among equals. Pieces of type unused are taken apart again in the end, into the
// two parts that they were last seen to be made of. User-defined pieces are found first and stay whole. What is no piece
// becomes its bytes, where the vocabulary has a token for each byte, else the unknown token.
//
// Two texts that join to a piece are themselves characters or pieces. So the pairs are known beforehand, and numbers
// ("symbols") stand for texts: the id of a piece, further numbers for characters that are no piece of their own, a negative
// one for all others.
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

constexpr int32_t kForeign = -1;         // a character of no piece
constexpr size_t kMaxPieceBytes = 4096;  // pieces have some 16 characters; what takes apart a longer one takes too long

bool is_piece(TokenType type) { return type == TokenType::normal || type == TokenType::unused; }

size_t character_length(std::string_view text) { return utf8_step(text).length; }

// Texts that can be joined, and their numbers.
class Symbols {
  public:
    explicit Symbols(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

    [[nodiscard]] int32_t find(std::string_view text) const {
        if (const auto id = vocabulary_.find(text); id && is_piece(vocabulary_.types[*id])) return *id;
        if (text.size() > 4) return kForeign;
        const auto character = character_index_.find(characters_, text);
        return character ? vocabulary_.size() + *character : kForeign;
    }
    // Characters of pieces that are no pieces.
    void add_characters(std::string_view piece) {
        for (; !piece.empty(); piece.remove_prefix(character_length(piece)))
            if (const auto text = piece.substr(0, character_length(piece)); find(text) == kForeign) add(text);
    }
    [[nodiscard]] size_t length(int32_t symbol) const {
        return symbol < vocabulary_.size() ? vocabulary_.texts[symbol].size() : characters_[symbol - vocabulary_.size()].size();
    }
    [[nodiscard]] bool is_token(int32_t symbol) const { return symbol >= 0 && symbol < vocabulary_.size(); }

  private:
    // Few; the index is made anew when it is full.
    void add(std::string_view text) {
        characters_.push_back(text);
        if (characters_.size() > capacity_) {
            capacity_ = 2 * characters_.size();
            character_index_ = TextIndex(capacity_);
            for (size_t i = 0; i < characters_.size(); ++i) (void)character_index_.insert(characters_, static_cast<int32_t>(i));
        } else {
            (void)character_index_.insert(characters_, static_cast<int32_t>(characters_.size() - 1));
        }
    }
    const Vocabulary& vocabulary_;
    TextTable characters_;
    TextIndex character_index_;
    size_t capacity_ = 0;
};

// The place of every score among all, the highest 0; equal scores have equal places.
std::vector<int32_t> ranks_of(const std::vector<float>& scores) {
    std::vector<float> sorted = scores;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::vector<int32_t> ranks(scores.size());
    for (size_t id = 0; id < scores.size(); ++id) {
        const auto place = std::lower_bound(sorted.begin(), sorted.end(), scores[id], std::greater<>());
        ranks[id] = static_cast<int32_t>(place - sorted.begin());
    }
    return ranks;
}

struct Pair {
    int32_t left, right, piece;
};

// All pairs of symbols that make a piece.
std::vector<Pair> pairs_of(const Vocabulary& vocabulary, const Symbols& symbols) {
    std::vector<Pair> pairs;
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
        if (!is_piece(vocabulary.types[id]) || !vocabulary.is_findable(id)) continue;
        const std::string_view text = vocabulary.texts[id];
        for (size_t cut = text.empty() ? 0 : character_length(text); cut < text.size();
             cut += character_length(text.substr(cut))) {
            const int32_t left = symbols.find(text.substr(0, cut));
            const int32_t right = left == kForeign ? kForeign : symbols.find(text.substr(cut));
            if (right != kForeign) pairs.push_back({left, right, id});
        }
    }
    return pairs;
}

class SentencePieceBpe final : public TokenizerKind {
  public:
    SentencePieceBpe(const TokenizerSpec& spec, const Vocabulary& vocabulary, SentencePieceNormalizer normalizer)
        : vocabulary_(vocabulary),
          normalizer_(std::move(normalizer)),
          symbols_(vocabulary),
          has_all_bytes_(vocabulary.covers_all_bytes()) {
        for (int32_t id = 0; id < vocabulary.size(); ++id)
            if (is_piece(vocabulary.types[id])) symbols_.add_characters(vocabulary.texts[id]);
        const std::vector<Pair> pairs = pairs_of(vocabulary, symbols_);
        const std::vector<int32_t> ranks = ranks_of(spec.scores);
        merges_ = MergeTable(pairs.size());
        for (const auto& [left, right, piece] : pairs) (void)merges_.insert(left, right, {ranks[piece], piece});
        has_unused_ = std::any_of(vocabulary.types.begin(), vocabulary.types.end(),
                                  [](TokenType type) { return type == TokenType::unused; });
        for (size_t i = 0; i < ascii_.size(); ++i) {
            const char c = static_cast<char>(i);
            ascii_[i] = symbols_.find({&c, 1});
        }
    }
    std::unique_ptr<PartEncoder> encoder(const EncodeContext& context) const override;

    [[nodiscard]] int32_t symbol_of(std::string_view character) const {
        if (character.size() == 1) return static_cast<uint8_t>(character[0]) < 0x80 ? ascii_[character[0]] : kForeign;
        return symbols_.find(character);
    }

    const Vocabulary& vocabulary_;
    const SentencePieceNormalizer normalizer_;
    Symbols symbols_;
    MergeTable merges_;
    const bool has_all_bytes_;
    bool has_unused_ = false;
    std::array<int32_t, 128> ascii_{};
};

class Encoder final : public PartEncoder {
  public:
    Encoder(const SentencePieceBpe& kind, const EncodeContext& context)
        : kind_(kind), context_(context), encoder_(kind.merges_), splits_(kind.has_unused_ ? kind.vocabulary_.size() : 0) {
        if (kind.has_unused_) encoder_.keep_pairs(&splits_);
    }

    Result<void> encode(std::string_view part, bool begins_text, std::vector<int32_t>& ids) override {
        const std::string text = kind_.normalizer_.normalize(part, begins_text);
        row_.clear();
        for (std::string_view rest = text; !rest.empty();) {
            const auto literal = kind_.normalizer_.user_defined().longest_prefix(rest);
            const size_t length = literal.length > 0 ? literal.length : character_length(rest);
            // A user-defined piece is in no pair: its number stands for it alone.
            row_.push_back(literal.length > 0 ? literal.value : kind_.symbol_of(rest.substr(0, length)));
            rest.remove_prefix(length);
        }
        joined_.clear();
        encoder_.encode(row_, joined_);
        return emit(text, ids);
    }

  private:
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
                const size_t length = top == kForeign ? character_length(text) : kind_.symbols_.length(top);
                if (kind_.symbols_.is_token(top)) {
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
        return !splits_.empty() && kind_.symbols_.is_token(symbol) && kind_.vocabulary_.types[symbol] == TokenType::unused &&
               splits_[symbol].left != kForeign;
    }

    const SentencePieceBpe& kind_;
    const EncodeContext& context_;
    BytePairEncoder encoder_;
    std::vector<TokenPair> splits_;  // the last pair that made a piece, by id; empty where no piece is unused
    std::vector<int32_t> row_, joined_, stack_;
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
