// SPDX-License-Identifier: Apache-2.0
//
// "bert": WordPiece. Text is cleaned, taken to lower case and freed of accents where the model wants it, and cut at blanks, at
// marks of punctuation and at CJK ideographs, which stand alone. A word is cut from the left into the longest tokens; if that
// fails somewhere, the whole word is the unknown token. GGUF files mark the token that begins a word with U+2581.
// J. Devlin et al., "BERT", NAACL 2019, and the code with it.
#include "core/base/utf8.hpp"
#include "text/tokenizer/byte_trie.hpp"
#include "text/tokenizer/characters.hpp"
#include "text/tokenizer/kinds/kind.hpp"
#include "text/tokenizer/nfc.hpp"
#include "text/tokenizer/sentencepiece_normalizer.hpp"

namespace krait {

namespace {

constexpr size_t kMaxWord = 100;  // characters; a longer one is unknown

bool is_ideograph(char32_t point) {
    return (point >= 0x4E00 && point <= 0x9FFF) || (point >= 0x3400 && point <= 0x4DBF) ||
           (point >= 0x20000 && point <= 0x2A6DF) || (point >= 0x2A700 && point <= 0x2B73F) ||
           (point >= 0x2B740 && point <= 0x2B81F) || (point >= 0x2B920 && point <= 0x2CEAF) ||
           (point >= 0xF900 && point <= 0xFAFF) || (point >= 0x2F800 && point <= 0x2FA1F);
}

bool stands_alone(char32_t point) {
    const bool is_ascii_sign = (point >= '!' && point <= '/') || (point >= ':' && point <= '@') ||
                               (point >= '[' && point <= '`') || (point >= '{' && point <= '~');
    return is_ascii_sign || is_punctuation(point);
}

// Calls on_character(point, view) for every character; one for each byte that is none, as U+FFFD.
template <class OnCharacter>
void for_each_character(std::string_view text, OnCharacter&& on_character) {
    while (!text.empty()) {
        const Utf8Step step = utf8_step(text);
        const bool is_character = step.kind == Utf8Kind::character;
        const std::string_view character = text.substr(0, is_character ? step.length : 1);
        on_character(is_character ? utf8_code_point(character) : char32_t{0xFFFD}, character);
        text.remove_prefix(character.size());
    }
}

class WordPiece final : public TokenizerKind {
  public:
    WordPiece(const TokenizerSpec& spec, const Vocabulary& vocabulary)
        : vocabulary_(vocabulary), lowercase_(spec.lowercase), strip_accents_(spec.strip_accents) {
        std::vector<std::pair<std::string, int32_t>> first, further;
        for (int32_t id = 0; id < vocabulary.size(); ++id) {
            const std::string_view text = vocabulary.texts[id];
            if (vocabulary.types[id] != TokenType::normal || text.empty()) continue;
            if (text.starts_with(kSpaceMark) && text.size() > kSpaceMark.size()) {
                first.emplace_back(text.substr(kSpaceMark.size()), id);
            } else {
                further.emplace_back(text, id);
            }
        }
        first_ = ByteTrie(std::move(first), spec.keep_going);
        further_ = ByteTrie(std::move(further), spec.keep_going);
    }
    std::unique_ptr<PartEncoder> encoder(const EncodeContext& context) const override;

    // Clean text: blanks are U+0020, nothing else is a control character, ideographs have blanks around them.
    std::optional<std::string> normalized(std::string_view text) const override {
        std::string clean;
        for_each_character(text, [&](char32_t point, std::string_view character) {
            const bool is_line_or_tab = point == '\t' || point == '\n' || point == '\r';
            if (point == 0xFFFD || (is_control_or_format(point) && !is_line_or_tab)) return;
            if (is_white_space(point)) {
                clean += ' ';
            } else if (is_ideograph(point)) {
                (clean += ' ').append(character) += ' ';
            } else {
                clean += character;
            }
        });
        if (strip_accents_) {
            std::string bare;
            for_each_character(to_nfd(clean), [&](char32_t point, std::string_view character) {
                if (!is_nonspacing_mark(point)) bare += character;
            });
            clean = std::move(bare);
        }
        if (!lowercase_) return clean;
        std::string lower;
        for_each_character(clean, [&](char32_t point, std::string_view) { append_lower(point, lower); });
        return lower;
    }

    const Vocabulary& vocabulary_;
    ByteTrie first_, further_;  // tokens that begin a word, without their mark; others
    const bool lowercase_, strip_accents_;
};

class Encoder final : public PartEncoder {
  public:
    Encoder(const WordPiece& kind, const EncodeContext& context) : kind_(kind), context_(context) {}

    Result<void> encode(std::string_view part, bool /*begins_text*/, std::vector<int32_t>& ids) override {
        Result<void> done;
        const char* begin = part.data();
        const auto end_word = [&](const char* end) {
            if (done && end > begin) done = encode_word({begin, static_cast<size_t>(end - begin)}, ids);
            begin = end;
        };
        for_each_character(part, [&](char32_t point, std::string_view character) {
            if (!is_white_space(point) && !stands_alone(point)) return;
            end_word(character.data());
            if (is_white_space(point)) {
                begin = character.data() + character.size();
            } else {
                end_word(character.data() + character.size());
            }
        });
        end_word(part.data() + part.size());
        return done;
    }

  private:
    Result<void> encode_word(std::string_view word, std::vector<int32_t>& ids) {
        size_t n_character = 0;
        for_each_character(word, [&](char32_t, std::string_view) { ++n_character; });
        const size_t n_id = ids.size();
        std::string_view rest = word;
        while (n_character <= kMaxWord && !rest.empty()) {
            const auto piece = (rest.size() == word.size() ? kind_.first_ : kind_.further_).longest_prefix(rest);
            if (piece.length == 0) break;
            ids.push_back(piece.value);
            rest.remove_prefix(piece.length);
        }
        if (rest.empty()) return {};
        ids.resize(n_id);
        if (!kind_.vocabulary_.unk) return context_.no_token(word.data(), false);
        ids.push_back(*kind_.vocabulary_.unk);
        return {};
    }

    const WordPiece& kind_;
    const EncodeContext& context_;
};

std::unique_ptr<PartEncoder> WordPiece::encoder(const EncodeContext& context) const {
    return std::make_unique<Encoder>(*this, context);
}

// A token that begins a word has a blank before it.
std::string bytes_of(std::string_view text, TokenType type) {
    if (type != TokenType::normal || !text.starts_with(kSpaceMark)) return plain_bytes_of(text, type);
    return std::string(" ").append(text.substr(kSpaceMark.size()));
}

Result<std::unique_ptr<const TokenizerKind>> create(const TokenizerSpec& spec, Vocabulary& vocabulary) {
    return std::make_unique<const WordPiece>(spec, vocabulary);
}

}  // namespace

constinit const KindEntry kWordPiece{
    .model = "bert", .bytes_of = bytes_of, .cuts_user_defined = true, .strips_blank = true, .create = create};

}  // namespace krait
