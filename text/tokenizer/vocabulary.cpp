// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/vocabulary.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/base/printable.hpp"

namespace krait {

namespace {

std::vector<TokenType> read_types(const TokenizerSpec& spec, std::vector<std::string>& warnings) {
    std::vector<TokenType> types(spec.tokens.size(), TokenType::normal);
    if (spec.token_types.empty()) return types;
    if (spec.token_types.size() != types.size())
        warnings.push_back(fmt::format("tokenizer: {} tokens but {} token types: {}", types.size(), spec.token_types.size(),
                                       spec.token_types.size() < types.size() ? "the last tokens are taken to be normal text"
                                                                              : "the last types are ignored"));
    Flaws unknown;
    for (size_t id = 0; id < std::min(types.size(), spec.token_types.size()); ++id) {
        const int32_t type = spec.token_types[id];
        if (type >= static_cast<int32_t>(TokenType::normal) && type <= static_cast<int32_t>(TokenType::byte)) {
            types[id] = static_cast<TokenType>(type);
        } else {
            unknown.add([&] {
                return fmt::format("token {} ({}) has type {}, which is none of 1 to 6", id, quote(spec.tokens[id]), type);
            });
        }
    }
    unknown.report("it is taken to be normal text", warnings);
    return types;
}

// The id where the vocabulary has such a token.
std::optional<int32_t> read_id(std::string_view name, std::optional<int64_t> id, const TokenizerSpec& spec,
                               std::vector<std::string>& warnings) {
    if (!id) return std::nullopt;
    if (spec.has_token(*id)) return static_cast<int32_t>(*id);
    warnings.push_back(fmt::format("tokenizer: the {} token is {}, but ids go from 0 to {}: it is ignored", name, *id,
                                   spec.tokens.size() - 1));
    return std::nullopt;
}

}  // namespace

std::optional<char> raw_byte(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
    uint8_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
    if (error != std::errc() || end != text.data() + 5) return std::nullopt;
    return static_cast<char>(value);
}

std::string plain_bytes_of(std::string_view text, TokenType type) {
    if (type == TokenType::byte)
        if (const auto byte = raw_byte(text)) return {*byte};
    return std::string(text);
}

void Flaws::report(std::string_view consequence, std::vector<std::string>& warnings) const {
    if (count_ == 0) return;
    const std::string more = count_ == 1 ? "" : fmt::format(" (and {} more of this kind)", count_ - 1);
    warnings.push_back(fmt::format("tokenizer: {}{}: {}", first_, more, consequence));
}

Result<void> check_scores(const TokenizerSpec& spec) {
    constexpr auto kCode = ErrorCode::invalid_argument;
    if (spec.scores.size() != spec.tokens.size())
        return fail(kCode, "tokenizer: {} tokens but {} scores: \"{}\" needs one for every token", spec.tokens.size(),
                    spec.scores.size(), spec.model);
    for (size_t id = 0; id < spec.scores.size(); ++id)
        if (!std::isfinite(spec.scores[id]))
            return fail(kCode, "tokenizer: scores[{}], that of the token {}, is {}: it must be a finite number", id,
                        quote(spec.tokens[id]), spec.scores[id]);
    return {};
}

Result<Vocabulary> Vocabulary::create(const TokenizerSpec& spec, BytesOf bytes_of) {
    const size_t n_token = spec.tokens.size();
    if (n_token == 0) return fail(ErrorCode::invalid_argument, "tokenizer: the vocabulary is empty");
    if (n_token > static_cast<size_t>(std::numeric_limits<int32_t>::max()) || spec.merges.size() > size_t{1} << 30) {
        return fail(ErrorCode::invalid_argument, "tokenizer: {} tokens and {} merges are too many", n_token,
                    spec.merges.size());
    }
    size_t n_bytes = 0;
    for (const std::string& text : spec.tokens) n_bytes += text.size();
    if (n_bytes > TextTable::kMaxBytes)
        return fail(ErrorCode::invalid_argument, "tokenizer: the texts of its tokens take {} bytes: at most {} are possible",
                    n_bytes, TextTable::kMaxBytes);
    Vocabulary vocabulary;
    auto& warnings = vocabulary.warnings;
    vocabulary.types = read_types(spec, warnings);
    vocabulary.bos = read_id("bos", spec.bos, spec, warnings);
    vocabulary.eos = read_id("eos", spec.eos, spec, warnings);
    vocabulary.unk = read_id("unknown", spec.unk, spec, warnings);
    vocabulary.pad = read_id("padding", spec.pad, spec, warnings);
    vocabulary.sep = read_id("separator", spec.sep, spec, warnings);
    for (const int64_t id : spec.ends) (void)read_id("end", id, spec, warnings);
    vocabulary.read_tokens(spec, n_bytes, bytes_of);
    return vocabulary;
}

void Vocabulary::read_tokens(const TokenizerSpec& spec, size_t n_bytes, BytesOf bytes_of) {
    texts = TextTable(spec.tokens.size(), n_bytes);
    bytes = TextTable(spec.tokens.size(), n_bytes);  // no kind writes a byte with less than one
    ids = TextIndex(spec.tokens.size());
    byte_tokens.fill(-1);
    Flaws empty, equal;
    BuildCheck check(spec.keep_going);
    for (size_t i = 0; i < spec.tokens.size(); ++i) {
        check();
        const auto id = static_cast<int32_t>(i);
        const std::string& text = spec.tokens[i];
        texts.push_back(text);
        bytes.push_back(bytes_of(text, types[i]));
        if (text.empty()) {
            empty.add([&] { return fmt::format("token {} has an empty text", id); });
        } else if (const auto known = ids.insert(texts, id)) {
            equal.add([&] { return fmt::format("tokens {} and {} are both {}", *known, id, quote(text)); });
        } else if (const auto byte = types[i] == TokenType::byte ? raw_byte(text) : std::nullopt) {
            byte_tokens[static_cast<uint8_t>(*byte)] = id;
        }
    }
    empty.report("no text becomes it", warnings);
    equal.report("text becomes the first of them", warnings);
}

bool Vocabulary::covers_all_bytes() const {
    return std::none_of(byte_tokens.begin(), byte_tokens.end(), [](int32_t id) { return id < 0; });
}

}  // namespace krait
