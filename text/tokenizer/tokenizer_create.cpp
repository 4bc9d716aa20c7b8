// SPDX-License-Identifier: Apache-2.0
//
// Tokenizer::create: checks a TokenizerSpec and builds the tables. Specs come from files, so nothing in one is trusted. A flaw
// that leaves a vocabulary usable is got over, and becomes a warning.
#include <algorithm>
#include <charconv>
#include <limits>

#include "core/base/printable.hpp"
#include "text/tokenizer/byte_alphabet.hpp"
#include "text/tokenizer/tokenizer_data.hpp"

namespace krait {

namespace {

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

// Flaws of one kind, of which there may be as many as tokens: they are counted, and the first one is told.
class Flaws {
  public:
    template <class Describe>
    void add(Describe&& describe) {
        if (count_++ == 0) first_ = describe();
    }
    void report(std::string_view consequence, std::vector<std::string>& warnings) const {
        if (count_ == 0) return;
        const std::string more = count_ == 1 ? "" : fmt::format(" (and {} more of this kind)", count_ - 1);
        warnings.push_back(fmt::format("tokenizer: {}{}: {}", first_, more, consequence));
    }

  private:
    size_t count_ = 0;
    std::string first_;
};

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

std::string Tokenizer::supported_models() { return "gpt2"; }
std::string Tokenizer::supported_pre_tokenizers() { return PreTokenizer::supported(); }

void Tokenizer::Data::read_special(const TokenizerSpec& spec) {
    bos = read_id("bos", spec.bos, spec, warnings);
    eos = read_id("eos", spec.eos, spec, warnings);
    unk = read_id("unknown", spec.unk, spec, warnings);
    pad = read_id("padding", spec.pad, spec, warnings);
    for (const int64_t id : spec.ends) (void)read_id("end", id, spec, warnings);
    add_bos = spec.add_bos && bos;
    add_eos = spec.add_eos && eos;
    if (spec.add_bos && !bos) warnings.emplace_back("tokenizer: texts shall begin with bos, but there is none: they do not");
    if (spec.add_eos && !eos) warnings.emplace_back("tokenizer: texts shall end with eos, but there is none: they do not");
}

void Tokenizer::Data::read_tokens(const std::vector<std::string>& tokens, size_t n_bytes) {
    texts = TextTable(tokens.size(), n_bytes);
    bytes = TextTable(tokens.size(), n_bytes);  // a byte is one letter of the alphabet or two, so these are no longer
    ids = TextIndex(tokens.size());
    std::vector<std::pair<std::string, int32_t>> control_texts, user_defined_texts;
    Flaws empty, equal;
    for (size_t i = 0; i < tokens.size(); ++i) {
        const auto id = static_cast<int32_t>(i);
        const std::string& text = tokens[i];
        texts.push_back(text);
        bytes.push_back(bytes_of(text, types[i]));
        if (text.empty()) {
            empty.add([&] { return fmt::format("token {} has an empty text", id); });
            continue;
        }
        if (const auto known = ids.insert(texts, id)) {
            equal.add([&] { return fmt::format("tokens {} and {} are both {}", *known, id, quote(text)); });
            continue;
        }
        if (types[i] == TokenType::control) control_texts.emplace_back(text, id);
        if (types[i] == TokenType::user_defined) user_defined_texts.emplace_back(text, id);
    }
    empty.report("no text becomes it", warnings);
    equal.report("text becomes the first of them", warnings);
    control = LiteralMatcher(std::move(control_texts));
    user_defined = LiteralMatcher(std::move(user_defined_texts));

    for (int byte = 0; byte < 256; ++byte) {
        const std::string expected(1, static_cast<char>(byte));
        int32_t& token = byte_tokens[byte];
        token = -1;
        for (const std::string& text : {byte_to_alphabet(static_cast<uint8_t>(byte)), fmt::format("<0x{:02X}>", byte)}) {
            const auto id = find(text);
            if (token < 0 && id && types[*id] != TokenType::control && bytes[*id] == expected) token = *id;
        }
    }
}

void Tokenizer::Data::read_merges(const std::vector<std::string>& texts_of_merges) {
    merges = MergeTable(texts_of_merges.size());
    Flaws flaws;
    for (size_t rank = 0; rank < texts_of_merges.size(); ++rank)
        if (const auto added = add_merge(texts_of_merges[rank], static_cast<int32_t>(rank)); !added)
            flaws.add([&] { return fmt::format("merge {} {}", rank, added.error().message); });
    flaws.report("it is left out", warnings);
}

// The error goes on from "merge 7".
Result<void> Tokenizer::Data::add_merge(std::string_view merge, int32_t rank) {
    constexpr auto kCode = ErrorCode::invalid_argument;
    const size_t blank = merge.find(' ');
    if (blank == std::string_view::npos || blank == 0 || blank + 1 == merge.size() ||
        merge.find(' ', blank + 1) != std::string_view::npos)
        return fail(kCode, "is {}, and not two tokens with one blank between them", quote(merge));
    const std::string_view left = merge.substr(0, blank), right = merge.substr(blank + 1);
    const auto left_id = find(left), right_id = find(right);
    if (!left_id || !right_id) return fail(kCode, "names {}, which is no token", quote(left_id ? right : left));
    const std::string joined = std::string(left) + std::string(right);
    const auto result = find(joined);
    if (!result) return fail(kCode, "makes {}, which is no token", quote(joined));
    if (types[*result] == TokenType::control || bytes[*result] != std::string(bytes[*left_id]).append(bytes[*right_id]))
        return fail(kCode, "makes {}, a token of type {} that stands for other bytes", quote(joined),
                    static_cast<int32_t>(types[*result]));
    if (!merges.insert(*left_id, *right_id, {rank, *result})) return fail(kCode, "({}) is there twice", quote(merge));
    return {};
}

Result<Tokenizer> Tokenizer::create(TokenizerSpec spec) {
    if (spec.model != "gpt2") {
        return fail(ErrorCode::unsupported, "unknown tokenizer model {}: it must be one of {} (byte-level BPE)",
                    quote(spec.model), supported_models());
    }
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
    auto data = std::make_shared<Data>(PreTokenizer::create(spec.pre));
    data->types = read_types(spec, data->warnings);
    data->read_special(spec);
    data->read_tokens(spec.tokens, n_bytes);
    data->read_merges(spec.merges);
    return Tokenizer(std::move(data));
}

}  // namespace krait
