// SPDX-License-Identifier: Apache-2.0
//
// "gpt2": byte-level byte-pair encoding.
//
//   text -> runs of valid UTF-8 are cut into pieces by regular expressions (pre_tokenizer.hpp)
//        -> every piece is a row of byte tokens that merges join, the best rank first (bpe.hpp) -> ids
//
// Bytes that are no UTF-8 form pieces of their own.
// R. Sennrich, B. Haddow, A. Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016 (BPE);
// A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, section 2.2 (on bytes).
#include <limits>

#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "text/tokenizer/bpe.hpp"
#include "text/tokenizer/byte_alphabet.hpp"
#include "text/tokenizer/characters.hpp"
#include "text/tokenizer/kinds/kind.hpp"
#include "text/tokenizer/nfc.hpp"
#include "text/tokenizer/pre_tokenizer.hpp"

namespace krait {

namespace {

std::string bytes_of(std::string_view text, TokenType type) {
    if (type == TokenType::normal)
        if (auto bytes = alphabet_to_bytes(text)) return *std::move(bytes);
    return plain_bytes_of(text, type);
}

// The error goes on from "merge 7".
Result<void> add_merge(const Vocabulary& vocabulary, std::string_view merge, int32_t rank, MergeTable& merges) {
    constexpr auto kCode = ErrorCode::invalid_argument;
    const size_t blank = merge.find(' ');
    if (blank == std::string_view::npos || blank == 0 || blank + 1 == merge.size() ||
        merge.find(' ', blank + 1) != std::string_view::npos)
        return fail(kCode, "is {}, and not two tokens with one blank between them", quote(merge));
    const std::string_view left = merge.substr(0, blank), right = merge.substr(blank + 1);
    const auto left_id = vocabulary.find(left), right_id = vocabulary.find(right);
    if (!left_id || !right_id) return fail(kCode, "names {}, which is no token", quote(left_id ? right : left));
    const std::string joined = std::string(left) + std::string(right);
    const auto result = vocabulary.find(joined);
    if (!result) return fail(kCode, "makes {}, which is no token", quote(joined));
    const TokenType type = vocabulary.types[*result];
    if (type == TokenType::control ||
        vocabulary.bytes[*result] != std::string(vocabulary.bytes[*left_id]).append(vocabulary.bytes[*right_id]))
        return fail(kCode, "makes {}, a token of type {} that stands for other bytes", quote(joined),
                    static_cast<int32_t>(type));
    if (!merges.insert(*left_id, *right_id, {rank, *result})) return fail(kCode, "({}) is there twice", quote(merge));
    return {};
}

MergeTable read_merges(const TokenizerSpec& spec, Vocabulary& vocabulary) {
    const std::vector<std::string>& texts = spec.merges;
    MergeTable merges(texts.size());
    Flaws flaws;
    BuildCheck check(spec.keep_going);
    for (size_t rank = 0; rank < texts.size(); ++rank) {
        check();
        if (const auto added = add_merge(vocabulary, texts[rank], static_cast<int32_t>(rank), merges); !added)
            flaws.add([&] { return fmt::format("merge {} {}", rank, added.error().message); });
    }
    flaws.report("it is left out", vocabulary.warnings);
    return merges;
}

void find_byte_tokens(Vocabulary& vocabulary) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string expected(1, static_cast<char>(byte));
        int32_t& token = vocabulary.byte_tokens[byte];
        token = -1;
        for (const std::string& text : {byte_to_alphabet(static_cast<uint8_t>(byte)), fmt::format("<0x{:02X}>", byte)}) {
            const auto id = vocabulary.find(text);
            if (token < 0 && id && vocabulary.types[*id] != TokenType::control && vocabulary.bytes[*id] == expected)
                token = *id;
        }
    }
}

class ByteLevelBpe;

class Encoder final : public PartEncoder {
  public:
    Encoder(const ByteLevelBpe& kind, const EncodeContext& context);
    Result<void> encode(std::string_view part, bool begins_text, std::vector<int32_t>& ids) override;

  private:
    Result<void> encode_piece(std::string_view piece, std::vector<int32_t>& ids);

    const Vocabulary& vocabulary_;
    const PreTokenizer& pre_tokenizer_;
    const EncodeContext& context_;
    const MergeTable& merges_;
    BytePairEncoder encoder_;
    std::vector<int32_t> row_;
    std::vector<std::string_view> pieces_;
};

class ByteLevelBpe final : public TokenizerKind {
  public:
    ByteLevelBpe(const Vocabulary& vocabulary, MergeTable merges, PreTokenizer pre_tokenizer)
        : vocabulary_(vocabulary), merges_(std::move(merges)), pre_tokenizer_(std::move(pre_tokenizer)) {}

    // Runs of characters in NFC; other bytes stay as they are.
    std::optional<std::string> normalized(std::string_view text) const override {
        if (!pre_tokenizer_.wants_nfc() || is_nfc_for_sure(text)) return std::nullopt;
        std::string composed;
        for (std::string_view rest = text; !rest.empty();) {
            const size_t n_valid = valid_prefix(rest);
            composed += to_nfc(rest.substr(0, n_valid));
            rest.remove_prefix(n_valid);
            const size_t n_other = invalid_prefix(rest);
            composed += rest.substr(0, n_other);
            rest.remove_prefix(n_other);
        }
        if (composed == text) return std::nullopt;  // so that messages have its places
        return composed;
    }
    std::unique_ptr<PartEncoder> encoder(const EncodeContext& context) const override {
        return std::make_unique<Encoder>(*this, context);
    }

    const Vocabulary& vocabulary_;
    const MergeTable merges_;
    const PreTokenizer pre_tokenizer_;
};

Encoder::Encoder(const ByteLevelBpe& kind, const EncodeContext& context)
    : vocabulary_(kind.vocabulary_), pre_tokenizer_(kind.pre_tokenizer_), context_(context), merges_(kind.merges_) {}

// Runs of characters go through the pre-tokenizer, runs of other bytes are one piece each.
Result<void> Encoder::encode(std::string_view part, bool /*begins_text*/, std::vector<int32_t>& ids) {
    while (!part.empty()) {
        const std::string_view characters = part.substr(0, valid_prefix(part));
        pieces_.clear();
        KRAIT_CHECK(pre_tokenizer_.split(characters, pieces_));
        for (const std::string_view piece : pieces_) KRAIT_CHECK(encode_piece(piece, ids));
        part.remove_prefix(characters.size());

        const std::string_view other = part.substr(0, invalid_prefix(part));
        KRAIT_CHECK(encode_piece(other, ids));
        part.remove_prefix(other.size());
    }
    return {};
}

Result<void> Encoder::encode_piece(std::string_view piece, std::vector<int32_t>& ids) {
    if (pre_tokenizer_.whole_pieces_first()) {
        std::string written;
        for (const char c : piece) written += byte_to_alphabet(static_cast<uint8_t>(c));
        const auto id = vocabulary_.find(written);
        if (id && vocabulary_.types[*id] != TokenType::control && vocabulary_.bytes[*id] == piece) {
            ids.push_back(*id);
            return {};
        }
    }
    row_.clear();
    for (const char& c : piece) {
        const int32_t token = vocabulary_.byte_tokens[static_cast<uint8_t>(c)];
        if (token >= 0) {
            row_.push_back(token);
            continue;
        }
        if (!context_.replace_unencodable) return context_.no_token(&c, false);
        for (const char r : kReplacementCharacter) {
            const int32_t part = vocabulary_.byte_tokens[static_cast<uint8_t>(r)];
            if (part < 0) return context_.no_token(&c, true);
            row_.push_back(part);
        }
    }
    using Part = BytePairEncoder::Part;
    encoder_.encode(
        row_, [&](const Part& left, const Part& right) { return merges_.find(left.token, right.token); }, ids);
    return {};
}

Result<std::unique_ptr<const TokenizerKind>> create(const TokenizerSpec& spec, Vocabulary& vocabulary) {
    find_byte_tokens(vocabulary);
    MergeTable merges = read_merges(spec, vocabulary);
    KRAIT_TRY(PreTokenizer pre_tokenizer, PreTokenizer::create(spec.pre));
    return std::make_unique<const ByteLevelBpe>(vocabulary, std::move(merges), std::move(pre_tokenizer));
}

}  // namespace

constinit const KindEntry kByteLevelBpe{
    .model = "gpt2", .bytes_of = bytes_of, .cuts_user_defined = true, .strips_blank = false, .create = create};

}  // namespace krait
