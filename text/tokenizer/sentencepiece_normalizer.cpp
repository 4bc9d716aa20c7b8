// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/sentencepiece_normalizer.hpp"

#include "core/base/utf8.hpp"

namespace krait {

Result<SentencePieceNormalizer> SentencePieceNormalizer::create(const TokenizerSpec& spec, const Vocabulary& vocabulary,
                                                                bool keeps_bytes) {
    SentencePieceNormalizer normalizer;
    KRAIT_TRY(normalizer.charsmap_, Charsmap::parse(spec.precompiled_charsmap));
    std::vector<std::pair<std::string, int32_t>> literals;
    for (int32_t id = 0; id < vocabulary.size(); ++id)
        if (vocabulary.types[id] == TokenType::user_defined && !vocabulary.texts[id].empty() && vocabulary.is_findable(id))
            literals.emplace_back(vocabulary.texts[id], id);
    normalizer.user_defined_ = ByteTrie(std::move(literals), spec.keep_going);
    normalizer.prefix_ = spec.space_prefix;
    normalizer.suffix_ = spec.treat_whitespace_as_suffix;
    normalizer.removes_extra_ = spec.remove_extra_whitespaces;
    normalizer.keeps_bytes_ = keeps_bytes;
    return normalizer;
}

// The beginning of `text` that is replaced at once, and its replacement.
SentencePieceNormalizer::Step SentencePieceNormalizer::step(std::string_view text) const {
    if (!user_defined_.is_empty())
        if (const auto literal = user_defined_.longest_prefix(text); literal.length > 0)
            return {literal.length, text.substr(0, literal.length)};
    if (!charsmap_.is_empty())
        if (const auto rule = charsmap_.find(text); rule.length > 0) return {rule.length, rule.text};
    const Utf8Step character = utf8_step(text);
    if (character.kind == Utf8Kind::character || keeps_bytes_) return {character.length, text.substr(0, character.length)};
    return {1, kReplacementCharacter};
}

std::string SentencePieceNormalizer::normalize(std::string_view part, bool begins_text) const {
    std::string text;
    if (removes_extra_) {
        while (!part.empty()) {
            const Step first = step(part);
            if (first.becomes != " ") break;
            part.remove_prefix(first.length);
        }
    }
    if (part.empty()) return text;
    text.reserve(part.size() + part.size() / 4 + 2 * kSpaceMark.size());
    const bool has_blank = part.starts_with(' ') || part.starts_with(kSpaceMark);
    const bool adds_blank =
        prefix_ == SpacePrefix::every_part || (prefix_ == SpacePrefix::text_start && begins_text && !has_blank);
    if (adds_blank && !suffix_) text += kSpaceMark;
    bool is_behind_blank = removes_extra_;
    while (!part.empty()) {
        auto [length, becomes] = step(part);
        while (is_behind_blank && becomes.starts_with(' ')) becomes.remove_prefix(1);
        for (const char c : becomes) {
            if (c == ' ') {
                text += kSpaceMark;
            } else {
                text += c;
            }
        }
        if (!becomes.empty()) is_behind_blank = removes_extra_ && becomes.ends_with(' ');
        part.remove_prefix(length);
    }
    if (removes_extra_)
        while (text.ends_with(kSpaceMark)) text.resize(text.size() - kSpaceMark.size());
    if (adds_blank && suffix_) text += kSpaceMark;
    return text;
}

std::string sentencepiece_bytes_of(std::string_view text, TokenType type) {
    if (type == TokenType::unknown) return " \u2047 ";
    if (type == TokenType::control || type == TokenType::byte) return plain_bytes_of(text, type);
    std::string bytes;
    while (!text.empty()) {
        const bool is_space = text.starts_with(kSpaceMark);
        bytes += is_space ? ' ' : text[0];
        text.remove_prefix(is_space ? kSpaceMark.size() : 1);
    }
    return bytes;
}

}  // namespace krait
