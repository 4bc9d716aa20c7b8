// SPDX-License-Identifier: Apache-2.0
//
// "rwkv": the longest token that the text begins with, again and again. Files write tokens as Python writes bytes: \n, \x0A,
// \'. P. Bo, "RWKV World tokenizer", 2023.
#include <algorithm>

#include "text/tokenizer/byte_trie.hpp"
#include "text/tokenizer/kinds/kind.hpp"

namespace krait {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// One escaped character after a backslash; 0 bytes of `text` where it is none.
size_t unescape_one(std::string_view text, char& c) {
    if (text.empty()) return 0;
    switch (text[0]) {
        case 't': c = '\t'; return 1;
        case 'n': c = '\n'; return 1;
        case 'r': c = '\r'; return 1;
        case '\\':
        case '\'':
        case '"': c = text[0]; return 1;
        case 'x': {
            if (text.size() < 3 || hex_digit(text[1]) < 0 || hex_digit(text[2]) < 0) return 0;
            c = static_cast<char>(hex_digit(text[1]) << 4 | hex_digit(text[2]));
            return 3;
        }
        default: return 0;
    }
}

std::string bytes_of(std::string_view text, TokenType type) {
    if (type != TokenType::normal) return plain_bytes_of(text, type);
    std::string bytes;
    while (!text.empty()) {
        char c = text[0];
        text.remove_prefix(1);
        if (c == '\\') text.remove_prefix(unescape_one(text, c));
        bytes += c;
    }
    return bytes;
}

class Rwkv final : public TokenizerKind {
  public:
    Rwkv(const Vocabulary& vocabulary, ByteTrie trie) : vocabulary_(vocabulary), trie_(std::move(trie)) {}
    std::unique_ptr<PartEncoder> encoder(const EncodeContext& context) const override;

    const Vocabulary& vocabulary_;
    const ByteTrie trie_;
};

class Encoder final : public PartEncoder {
  public:
    Encoder(const Rwkv& kind, const EncodeContext& context) : kind_(kind), context_(context) {}

    Result<void> encode(std::string_view part, bool /*begins_text*/, std::vector<int32_t>& ids) override {
        while (!part.empty()) {
            const auto token = kind_.trie_.longest_prefix(part);
            if (token.length == 0 && !kind_.vocabulary_.unk) return context_.no_token(part.data(), false);
            ids.push_back(token.length == 0 ? *kind_.vocabulary_.unk : token.value);
            part.remove_prefix(token.length == 0 ? 1 : token.length);
        }
        return {};
    }

  private:
    const Rwkv& kind_;
    const EncodeContext& context_;
};

std::unique_ptr<PartEncoder> Rwkv::encoder(const EncodeContext& context) const {
    return std::make_unique<Encoder>(*this, context);
}

Result<std::unique_ptr<const TokenizerKind>> create(const TokenizerSpec& spec, Vocabulary& vocabulary) {
    std::vector<std::pair<std::string, int32_t>> tokens;
    for (int32_t id = vocabulary.size() - 1; id >= 0; --id) {
        const std::string_view bytes = vocabulary.bytes[id];
        const bool is_text = vocabulary.types[id] == TokenType::normal || vocabulary.types[id] == TokenType::byte;
        if (!is_text || bytes.empty()) continue;
        tokens.emplace_back(bytes, id);
        if (bytes.size() == 1) vocabulary.byte_tokens[static_cast<uint8_t>(bytes[0])] = id;
    }
    std::reverse(tokens.begin(), tokens.end());  // of equal ones the lowest id
    return std::make_unique<const Rwkv>(vocabulary, ByteTrie(std::move(tokens), spec.keep_going));
}

}  // namespace

constinit const KindEntry kRwkv{
    .model = "rwkv", .bytes_of = bytes_of, .cuts_user_defined = true, .strips_blank = false, .create = create};

}  // namespace krait
