// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/plamo_vocabulary.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/base/printable.hpp"
#include "formats/json/json_value.hpp"

namespace krait::huggingface {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{64} << 20;  // those of 100,000 tokens have 5 MB

struct KnownType {
    std::string_view name;
    PieceType type;
};
constexpr KnownType kTypes[] = {
    {"NORMAL", PieceType::normal}, {"UNKNOWN", PieceType::unknown}, {"CONTROL", PieceType::control}, {"BYTE", PieceType::byte}};

Result<Piece> read_piece(JsonCursor& cursor, int64_t id) {
    KRAIT_TRY(const JsonValue row, read_json_value(cursor));
    KRAIT_CHECK(cursor.end("the line"));
    const auto& list = row.list;
    if (list.size() < 3 || !list[0].is(JsonValue::Kind::string) || !list[1].is(JsonValue::Kind::number) ||
        !list[2].is(JsonValue::Kind::string))
        return cursor.error("the line at byte {} is no list of a text, a score and a type", row.at);
    if (list[0].text.empty()) return cursor.error("the token at byte {} has no text", list[0].at);
    const auto score = static_cast<float>(list[1].number);
    if (!std::isfinite(score))
        return cursor.error("the score at byte {} is {}; a finite number is needed", list[1].at, list[1].text);
    const auto* known = std::ranges::find(kTypes, list[2].text, &KnownType::name);
    if (known == std::end(kTypes))
        return cursor.error("the type at byte {} is {}; NORMAL, UNKNOWN, CONTROL and BYTE are possible", list[2].at,
                            quote(list[2].text));
    // Marks of a conversation are normal in the file, and no text of a user may be one.
    const bool is_mark = list[0].text.starts_with("<|plamo:") && list[0].text.ends_with("|>");
    const PieceType type = is_mark && known->type == PieceType::normal ? PieceType::control : known->type;
    return Piece{.text = list[0].text, .id = id, .score = score, .type = type};
}

}  // namespace

Result<TokenizerParts> parse_plamo_vocabulary(std::string_view text, const std::string& file) {
    TokenizerParts parts{.file = file};
    parts.rules.model = "plamo2";
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        JsonCursor cursor(text.substr(at, end - at), at, file);
        cursor.enter("vocabulary");
        at = end + 1;
        if (cursor.end("the line")) continue;  // a blank line
        const auto id = static_cast<int64_t>(parts.pieces.size());
        if (id >= kMaxTokens) return cursor.error("token {} at byte {} is one too many", id, cursor.position());
        KRAIT_TRY(Piece piece, read_piece(cursor, id));
        const auto set = [&](std::string_view mark, std::optional<int64_t>& known) {
            if (!known && piece.text == mark) known = id;
        };
        set("<|plamo:unk|>", parts.unk);
        set("<|plamo:bos|>", parts.bos);
        set("<|plamo:eos|>", parts.eos);
        set("<|plamo:pad|>", parts.pad);
        set("<|plamo:op|>", parts.eot);  // begins the next message
        parts.pieces.push_back(std::move(piece));
    }
    if (parts.pieces.empty()) return fail(ErrorCode::corrupt_file, "{}: there are no tokens", file);
    return parts;
}

Result<TokenizerParts> read_plamo_vocabulary(const std::filesystem::path& path) {
    KRAIT_TRY(const std::string text, read_json_text(path, kMaxBytes, "a vocabulary"));
    return parse_plamo_vocabulary(text, path.string());
}

}  // namespace krait::huggingface
