// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/rwkv_vocabulary.hpp"

#include <charconv>

#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "formats/json/json_value.hpp"

namespace krait::huggingface {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{64} << 20;  // the only known one has 1 MB

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
    Number number = 0;
    const auto [last, code] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (text.empty() || code != std::errc{} || last != text.data() + text.size()) return std::nullopt;
    return number;
}

// The escape behind a backslash at the front of `rest`, which is taken away. In bytes \xHH is a byte, in a str a character.
bool append_escape(std::string_view& rest, bool is_bytes, std::string& out) {
    constexpr std::string_view kNames = "\\'\"abfnrtv", kValues = "\\'\"\a\b\f\n\r\t\v";
    if (rest.empty()) return false;
    const char c = rest[0];
    rest.remove_prefix(1);
    if (const size_t known = kNames.find(c); known != kNames.npos) {
        out += kValues[known];
        return true;
    }
    const size_t n_digit = c == 'x' ? 2 : is_bytes ? 0 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    const auto point = number_of<uint32_t>(rest.substr(0, n_digit), 16);
    if (rest.size() < n_digit || !point || *point > 0x10FFFF || (*point >= 0xD800 && *point < 0xE000)) return false;
    rest.remove_prefix(n_digit);
    if (is_bytes) out += static_cast<char>(static_cast<uint8_t>(*point));
    else append_utf8(out, *point);
    return true;
}

// The bytes of 'text', "text" or b'text'; nullopt where the literal is none.
std::optional<std::string> bytes_of(std::string_view literal) {
    const bool is_bytes = literal.starts_with('b');
    if (is_bytes) literal.remove_prefix(1);
    if (literal.size() < 2 || (literal[0] != '\'' && literal[0] != '"') || literal.back() != literal[0]) return std::nullopt;
    const char quote = literal[0];
    std::string_view rest = literal.substr(1, literal.size() - 2);
    std::string bytes;
    while (!rest.empty()) {
        const char c = rest[0];
        rest.remove_prefix(1);
        if (c == quote || (is_bytes && static_cast<uint8_t>(c) >= 0x80)) return std::nullopt;
        if (c != '\\') bytes += c;
        else if (!append_escape(rest, is_bytes, bytes)) return std::nullopt;
    }
    return bytes;
}

// As Python writes bytes, without the quotes: these are "..." where a ' and no " stands in between.
std::string escaped(std::string_view bytes) {
    const bool escapes_quote = bytes.find('"') != bytes.npos;
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<uint8_t>(c);
        if (c == '\t') text += "\\t";
        else if (c == '\n') text += "\\n";
        else if (c == '\r') text += "\\r";
        else if (c == '\\' || (c == '\'' && escapes_quote)) text += '\\', text += c;
        else if (byte >= 0x20 && byte < 0x7F) text += c;
        else text += fmt::format("\\x{:02x}", byte);
    }
    return text;
}

}  // namespace

Result<TokenizerParts> parse_rwkv_vocabulary(std::string_view text, const std::string& file) {
    TokenizerParts parts{.file = file};
    if (text.starts_with("\xEF\xBB\xBF"))
        return fail(ErrorCode::corrupt_file, "{}: it begins with a byte-order mark (EF BB BF); remove these 3 bytes", file);
    parts.rules.model = "rwkv";
    parts.pieces.push_back({.text = "<s>", .id = 0, .type = PieceType::control});
    parts.bos = parts.eos = 0;
    for (size_t n_line = 1; !text.empty(); ++n_line) {
        const size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        const auto wrong = [&](std::string_view why) {
            return fail(ErrorCode::corrupt_file, "{}: line {} is {}: {}", file, n_line, quote(line, '\'', 80), why);
        };
        if (!is_utf8(line)) return wrong("it is not UTF-8");
        const size_t first = line.find(' '), last = line.rfind(' ');
        if (first == line.npos || first == last) return wrong("an id, a token in quotes and its length are needed");
        const auto id = number_of<int64_t>(line.substr(0, first));
        if (!id || *id < 1 || *id >= kMaxTokens) return wrong(fmt::format("its id has to be from 1 to {}", kMaxTokens - 1));
        const auto bytes = bytes_of(line.substr(first + 1, last - first - 1));
        if (!bytes) return wrong("its token is no str and no bytes of Python");
        if (bytes->empty()) return wrong("its token is empty");
        const auto size = number_of<uint64_t>(line.substr(last + 1));
        if (!size || *size != bytes->size())
            return wrong(fmt::format("its token has {} bytes, which its last number has to be", bytes->size()));
        if (*bytes == "\n\n") parts.eot = *id;  // between the turns of a conversation
        parts.pieces.push_back({.text = escaped(*bytes), .id = *id});
    }
    if (parts.pieces.size() == 1) return fail(ErrorCode::corrupt_file, "{}: there are no tokens", file);
    return parts;
}

Result<TokenizerParts> read_rwkv_vocabulary(const std::filesystem::path& path) {
    KRAIT_TRY(const std::string text, read_json_text(path, kMaxBytes, "a vocabulary"));
    return parse_rwkv_vocabulary(text, path.string());
}

}  // namespace krait::huggingface
