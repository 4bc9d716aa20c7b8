// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/tokenizer.hpp"

#include <functional>
#include <limits>

#include "text/tokenizer/tokenizer_data.hpp"

namespace krait {

namespace {

// A replacement takes three tokens where one byte was, and positions are int32_t.
Result<void> expect_short(std::string_view text) {
    constexpr size_t kMax = std::numeric_limits<int32_t>::max() / 3;
    if (text.size() <= kMax) return {};
    return fail(ErrorCode::invalid_argument, "a text of {} bytes is too long to encode at once: at most {}", text.size(), kMax);
}

// Appends the ids of what lies between two tokens of the first pass.
Result<void> encode_part(const TokenizerKind& kind, const SpecialTokens& special, const SpecialTokens::Segment& part,
                         PartEncoder& encoder, std::vector<int32_t>& ids) {
    const auto normalized = kind.normalized(part.text);
    if (normalized) KRAIT_CHECK(expect_short(*normalized));
    const std::string_view text = normalized ? std::string_view(*normalized) : part.text;
    if (text.empty()) return {};
    if (!special.has_normalized()) return encoder.encode(text, part.begins_text, ids);
    for (const auto& inner : special.cut_normalized(text, part.begins_text)) {
        if (inner.id >= 0) {
            ids.push_back(inner.id);
        } else {
            KRAIT_CHECK(encoder.encode(inner.text, inner.begins_text, ids));
        }
    }
    return {};
}

}  // namespace

std::string EncodeContext::place_of(const char* byte) const {
    const bool is_inside = std::greater_equal<>()(byte, text.data()) && std::less<>()(byte, text.data() + text.size());
    return is_inside ? fmt::format("byte {} of the text", byte - text.data()) : "a byte of the normalized text";
}

tl::unexpected<Error> EncodeContext::no_token(const char* byte, bool replacement_missing) const {
    const auto value = static_cast<uint8_t>(*byte);
    if (replacement_missing)
        return fail(ErrorCode::unsupported, "{} is 0x{:02X}: this vocabulary has no token for it, nor for U+FFFD in its place",
                    place_of(byte), value);
    return fail(ErrorCode::unsupported, "{} is 0x{:02X}, for which this vocabulary has no token", place_of(byte), value);
}

Result<void> EncodeContext::append_unknown(std::string_view character, bool has_all_bytes, bool is_behind_unknown,
                                           const Vocabulary& vocabulary, std::vector<int32_t>& ids) const {
    if (has_all_bytes) {
        for (const char byte : character) ids.push_back(vocabulary.byte_tokens[static_cast<uint8_t>(byte)]);
        return {};
    }
    if (!vocabulary.unk) return no_token(character.data(), false);
    if (!is_behind_unknown) ids.push_back(*vocabulary.unk);
    return {};
}

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
    KRAIT_CHECK(expect_short(text));
    if (!data_->kind) return tl::unexpected<Error>(data_->kind.error());
    const TokenizerKind& kind = **data_->kind;
    const EncodeContext context{text, options.replace_unencodable};
    const auto encoder = kind.encoder(context);
    std::vector<int32_t> ids;
    if (options.add_bos && data_->add_bos) ids.push_back(*bos());
    for (const auto& part : data_->special.cut(text, options.parse_special, options.plain_parts)) {
        if (part.id >= 0) {
            ids.push_back(part.id);
        } else {
            KRAIT_CHECK(encode_part(kind, data_->special, part, *encoder, ids));
        }
    }
    if (options.add_eos && data_->add_eos) ids.push_back(*eos());
    if (options.add_eos && data_->add_sep) ids.push_back(*data_->vocabulary.sep);
    return ids;
}

Result<std::string> Tokenizer::decode(std::span<const int32_t> ids, DecodeOptions options) const {
    const Vocabulary& vocabulary = data_->vocabulary;
    std::string text;
    bool is_first = true;
    for (size_t i = 0; i < ids.size(); ++i) {
        if (!vocabulary.has(ids[i])) {
            return fail(ErrorCode::invalid_argument, "token {} of {} is {}, but ids go from 0 to {}", i, ids.size(), ids[i],
                        size() - 1);
        }
        if (is_control(ids[i])) {
            if (options.control) text += vocabulary.bytes[ids[i]];
            continue;
        }
        std::string_view bytes = vocabulary.bytes[ids[i]];
        const TokenType type = vocabulary.types[ids[i]];
        const bool is_blank_of_prefix =
            is_first && bytes.starts_with(' ') && type != TokenType::byte && type != TokenType::unknown;
        if (is_blank_of_prefix && data_->strips_blank && !options.continues) bytes.remove_prefix(1);
        is_first = is_first && data_->strips_all_blanks && bytes.empty();
        text += bytes;
    }
    return text;
}

std::string_view Tokenizer::token_bytes(int32_t id) const {
    return data_->vocabulary.has(id) ? data_->vocabulary.bytes[id] : std::string_view();
}
std::string_view Tokenizer::token_text(int32_t id) const {
    return data_->vocabulary.has(id) ? data_->vocabulary.texts[id] : std::string_view();
}
TokenType Tokenizer::token_type(int32_t id) const {
    return data_->vocabulary.has(id) ? data_->vocabulary.types[id] : TokenType::unused;
}
std::optional<int32_t> Tokenizer::find(std::string_view token_text) const { return data_->vocabulary.find(token_text); }

const std::vector<std::string>& Tokenizer::warnings() const { return data_->vocabulary.warnings; }

int32_t Tokenizer::size() const { return data_->vocabulary.size(); }
std::optional<int32_t> Tokenizer::bos() const { return data_->vocabulary.bos; }
std::optional<int32_t> Tokenizer::eos() const { return data_->vocabulary.eos; }
std::optional<int32_t> Tokenizer::unk() const { return data_->vocabulary.unk; }
std::optional<int32_t> Tokenizer::pad() const { return data_->vocabulary.pad; }

bool Tokenizer::has_second_bos(std::span<const int32_t> ids) const {
    return bos() && ids.size() > 1 && ids[0] == *bos() && ids[1] == *bos();
}

bool Tokenizer::covers_all_bytes() const { return data_->vocabulary.covers_all_bytes(); }

}  // namespace krait
