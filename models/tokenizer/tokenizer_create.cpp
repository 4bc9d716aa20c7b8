// SPDX-License-Identifier: Apache-2.0
//
// Tokenizer::create: checks a TokenizerSpec and builds the tables. Specs come from files, so nothing in one is trusted.
#include <charconv>
#include <limits>

#include "models/tokenizer/byte_alphabet.hpp"
#include "models/tokenizer/tokenizer_data.hpp"
#include "models/tokenizer/utf8.hpp"

namespace krait {

namespace {

// A text from a file, made safe to print: no control characters, no broken UTF-8, not too long.
std::string in_quotes(std::string_view text) {
    constexpr size_t kLongest = 60;
    std::string out = "'";
    size_t done = 0;
    while (done < text.size() && done < kLongest) {
        const Utf8Step step = utf8_step(text.substr(done));
        const std::string_view part = text.substr(done, step.length);
        const bool is_character = step.kind == Utf8Kind::character;
        const char32_t point = is_character ? utf8_code_point(part) : 0;
        const bool is_control = point < 0x20 || (point >= 0x7F && point < 0xA0);
        if (is_character && !is_control) {
            out += part;
        } else {
            for (const char c : part) out += fmt::format("\\x{:02X}", static_cast<uint8_t>(c));
        }
        done += step.length;
    }
    return out + (done < text.size() ? "...'" : "'");
}

// <0x0A> -> the byte 10
std::optional<char> raw_byte(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
    uint8_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
    if (error != std::errc() || end != text.data() + 5) return std::nullopt;
    return static_cast<char>(value);
}

std::string bytes_of(std::string_view text, TokenType type) {
    if (type == TokenType::normal) {
        if (auto bytes = alphabet_to_bytes(text)) return *std::move(bytes);
    } else if (type == TokenType::byte) {
        if (const auto byte = raw_byte(text)) return {*byte};
    }
    return std::string(text);
}

Result<std::vector<TokenType>> read_types(const TokenizerSpec& spec) {
    if (spec.token_types.empty()) return std::vector<TokenType>(spec.tokens.size(), TokenType::normal);
    if (spec.token_types.size() != spec.tokens.size()) {
        return fail(ErrorCode::invalid_argument, "tokenizer: {} tokens but {} token types: there must be one for each",
                    spec.tokens.size(), spec.token_types.size());
    }
    std::vector<TokenType> types;
    types.reserve(spec.tokens.size());
    for (size_t id = 0; id < spec.token_types.size(); ++id) {
        const int32_t type = spec.token_types[id];
        if (type < static_cast<int32_t>(TokenType::normal) || type > static_cast<int32_t>(TokenType::byte)) {
            return fail(ErrorCode::invalid_argument, "tokenizer: token {} ({}) has type {}: it must be 1 to 6", id,
                        in_quotes(spec.tokens[id]), type);
        }
        types.push_back(static_cast<TokenType>(type));
    }
    return types;
}

Result<void> check_id(std::string_view name, std::optional<int32_t> id, size_t n_token) {
    if (!id || (*id >= 0 && static_cast<size_t>(*id) < n_token)) return {};
    return fail(ErrorCode::invalid_argument, "tokenizer: the {} token is {}, but ids go from 0 to {}", name, *id, n_token - 1);
}

}  // namespace

std::string Tokenizer::supported_models() { return "gpt2"; }
std::string Tokenizer::supported_pre_tokenizers() { return PreTokenizer::supported(); }

Result<Tokenizer> Tokenizer::create(TokenizerSpec spec) {
    if (spec.model != "gpt2") {
        return fail(ErrorCode::unsupported, "unknown tokenizer model {}: it must be one of {} (byte-level BPE)",
                    in_quotes(spec.model), supported_models());
    }
    const size_t n_token = spec.tokens.size();
    if (n_token == 0) return fail(ErrorCode::invalid_argument, "tokenizer: the vocabulary is empty");
    if (n_token > static_cast<size_t>(std::numeric_limits<int32_t>::max()) || spec.merges.size() > size_t{1} << 30) {
        return fail(ErrorCode::invalid_argument, "tokenizer: {} tokens and {} merges are too many", n_token,
                    spec.merges.size());
    }
    KRAIT_TRY(PreTokenizer pre_tokenizer, PreTokenizer::create(spec.pre));
    KRAIT_TRY(std::vector<TokenType> types, read_types(spec));
    KRAIT_CHECK(check_id("bos", spec.bos, n_token));
    KRAIT_CHECK(check_id("eos", spec.eos, n_token));
    KRAIT_CHECK(check_id("unk", spec.unk, n_token));
    KRAIT_CHECK(check_id("pad", spec.pad, n_token));
    if (spec.add_bos && !spec.bos)
        return fail(ErrorCode::invalid_argument, "tokenizer: texts shall begin with bos, but there is none");
    if (spec.add_eos && !spec.eos)
        return fail(ErrorCode::invalid_argument, "tokenizer: texts shall end with eos, but there is none");

    auto data = std::make_shared<Data>(std::move(pre_tokenizer));
    data->texts = std::move(spec.tokens);
    data->types = std::move(types);
    data->bos = spec.bos, data->eos = spec.eos, data->unk = spec.unk, data->pad = spec.pad;
    data->add_bos = spec.add_bos, data->add_eos = spec.add_eos;

    data->ids.reserve(n_token);
    data->bytes.reserve(n_token);
    std::vector<std::pair<std::string, int32_t>> control, user_defined;
    for (size_t i = 0; i < n_token; ++i) {
        const auto id = static_cast<int32_t>(i);
        const std::string& text = data->texts[i];
        const auto [known, is_new] = data->ids.emplace(text, id);
        if (!is_new) {
            return fail(ErrorCode::invalid_argument, "tokenizer: tokens {} and {} are both {}", known->second, id,
                        in_quotes(text));
        }
        data->bytes.push_back(bytes_of(text, data->types[i]));
        if (text.empty()) continue;
        if (data->types[i] == TokenType::control) control.emplace_back(text, id);
        if (data->types[i] == TokenType::user_defined) user_defined.emplace_back(text, id);
    }
    data->control = LiteralMatcher(std::move(control));
    data->user_defined = LiteralMatcher(std::move(user_defined));

    for (int byte = 0; byte < 256; ++byte) {
        const std::string expected(1, static_cast<char>(byte));
        int32_t& token = data->byte_tokens[byte];
        token = -1;
        for (const std::string& text : {byte_to_alphabet(static_cast<uint8_t>(byte)), fmt::format("<0x{:02X}>", byte)}) {
            const auto id = data->find(text);
            if (token < 0 && id && data->types[*id] != TokenType::control && data->bytes[*id] == expected) token = *id;
        }
    }

    data->merges = MergeTable(spec.merges.size());
    for (size_t rank = 0; rank < spec.merges.size(); ++rank) {
        const std::string_view merge = spec.merges[rank];
        const size_t blank = merge.find(' ');
        if (blank == std::string_view::npos || blank == 0 || blank + 1 == merge.size() ||
            merge.find(' ', blank + 1) != merge.npos) {
            return fail(ErrorCode::invalid_argument,
                        "tokenizer: merge {} is {}: it must be two tokens with one blank between them", rank, in_quotes(merge));
        }
        const std::string_view left = merge.substr(0, blank), right = merge.substr(blank + 1);
        const auto left_id = data->find(left), right_id = data->find(right);
        if (!left_id || !right_id) {
            return fail(ErrorCode::invalid_argument, "tokenizer: merge {} names {}, which is no token", rank,
                        in_quotes(left_id ? right : left));
        }
        const std::string joined = std::string(left) + std::string(right);
        const auto result = data->find(joined);
        if (!result) {
            return fail(ErrorCode::invalid_argument, "tokenizer: merge {} makes {}, which is no token", rank,
                        in_quotes(joined));
        }
        if (data->types[*result] == TokenType::control ||
            data->bytes[*result] != data->bytes[*left_id] + data->bytes[*right_id]) {
            return fail(ErrorCode::invalid_argument,
                        "tokenizer: merge {} makes {}, a token of type {} that stands for other bytes", rank, in_quotes(joined),
                        static_cast<int32_t>(data->types[*result]));
        }
        if (!data->merges.insert(*left_id, *right_id, {static_cast<int32_t>(rank), *result})) {
            return fail(ErrorCode::invalid_argument, "tokenizer: merge {} ({}) is there twice", rank, in_quotes(merge));
        }
    }
    return Tokenizer(std::move(data));
}

}  // namespace krait
