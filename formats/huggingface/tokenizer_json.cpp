// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/tokenizer_json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "core/base/printable.hpp"
#include "formats/huggingface/piece_scores.hpp"
#include "formats/huggingface/post_processor.hpp"
#include "formats/huggingface/tokenizer_json_fields.hpp"
#include "formats/huggingface/tokenizer_json_model.hpp"

namespace krait::huggingface {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{256} << 20;  // the largest known ones have 33 MB

// A whole number from 0 to kMaxTokens - 1; nullopt where the value is none.
std::optional<int64_t> id_of(const JsonValue& value) {
    if (!value.is(JsonValue::Kind::number) || !(value.number >= 0) || !(value.number < static_cast<double>(kMaxTokens)) ||
        value.number != std::floor(value.number))
        return std::nullopt;
    return static_cast<int64_t>(value.number);
}

class Reader {
  public:
    Reader(std::string_view text, const std::string& file) : cursor_(text, 0, file) {
        cursor_.enter("tokenizer");
        out_.file = file;
    }

    Result<TokenizerJson> read() {
        KRAIT_CHECK(cursor_.object("the tokenizer", [&](const std::string& key, uint64_t) -> Result<void> {
            if (key == "model") return read_model();
            if (key == "added_tokens") return read_added();
            JsonValue* const target = key == "normalizer"       ? &out_.normalizer
                                      : key == "pre_tokenizer"  ? &out_.pre_tokenizer
                                      : key == "post_processor" ? &out_.post_processor
                                                                : nullptr;
            if (!target) return cursor_.skip_value();
            KRAIT_TRY(*target, read_json_value(cursor_));
            return check_fields(*target, out_.file);
        }));
        KRAIT_CHECK(cursor_.end("the tokenizer"));
        // Files of before the field existed are told by their vocabulary.
        if (out_.type.empty()) out_.type = out_.has_pairs ? "Unigram" : out_.merges.empty() ? "unnamed" : "BPE";
        if (out_.pieces.empty()) return fail(ErrorCode::corrupt_file, "{}: its model has no vocabulary", out_.file);
        return std::move(out_);
    }

  private:
    Result<void> read_model() {
        return cursor_.object("the model", [&](const std::string& key, uint64_t) -> Result<void> {
            if (key == "vocab") {
                out_.has_pairs = cursor_.next_is('[');
                return out_.has_pairs ? read_pairs() : read_vocabulary();
            }
            if (key == "merges") return read_merges();
            KRAIT_TRY(JsonValue value, read_json_value(cursor_));
            return value.is(JsonValue::Kind::null) ? Result<void>() : read_setting(key, value);
        });
    }

    // A member of the model that is a text, a flag or a number.
    Result<void> read_setting(std::string_view key, JsonValue& value) {
        const auto wrong = [&](std::string_view wanted) {
            return cursor_.error("'{}' at byte {} is {}; {} is needed", key, value.at, value.description(), wanted);
        };
        std::string* const text = key == "type"                        ? &out_.type
                                  : key == "unk_token"                 ? &out_.unk_token
                                  : key == "continuing_subword_prefix" ? &out_.subword_prefix
                                  : key == "end_of_word_suffix"        ? &out_.word_suffix
                                                                       : nullptr;
        if (text) {
            if (!value.is(JsonValue::Kind::string)) return wrong("a text");
            *text = std::move(value.text);
        }
        bool* const flag = key == "ignore_merges"   ? &out_.ignores_merges
                           : key == "byte_fallback" ? &out_.has_byte_fallback
                                                    : nullptr;
        if (flag) {
            if (!value.is(JsonValue::Kind::boolean)) return wrong("true or false");
            *flag = value.truth;
        }
        if (key == "unk_id" || key == "max_input_chars_per_word") {
            const std::optional<int64_t> number = id_of(value);
            if (!number) return wrong(fmt::format("a whole number from 0 to {}", kMaxTokens - 1));
            if (key == "unk_id") out_.unk = *number;
            else out_.max_word = *number;
        }
        return {};
    }

    Result<void> read_vocabulary() {
        return cursor_.object("the vocabulary", [&](const std::string& text, uint64_t at) -> Result<void> {
            KRAIT_TRY(const uint64_t id, cursor_.whole_number("the id"));
            if (id >= static_cast<uint64_t>(kMaxTokens))
                return cursor_.error("token {} at byte {} has the id {}; ids up to {} are possible", quote(text), at, id,
                                     kMaxTokens - 1);
            out_.pieces.push_back({.text = text, .id = static_cast<int64_t>(id)});
            return {};
        });
    }

    // ["text", -1.5], which are numbered as they come.
    Result<void> read_pairs() {
        return cursor_.array("the vocabulary", [&]() -> Result<void> {
            const uint64_t at = cursor_.position();
            Piece piece{.id = static_cast<int64_t>(out_.pieces.size())};
            if (piece.id >= kMaxTokens) return cursor_.error("token {} at byte {} is one too many", piece.id, at);
            size_t n_part = 0;
            KRAIT_CHECK(cursor_.array("a token", [&]() -> Result<void> {
                if (n_part++ == 0) {
                    KRAIT_TRY(piece.text, cursor_.string("a token"));
                    return {};
                }
                KRAIT_TRY(const std::string_view word, cursor_.word());
                const auto [last, code] = std::from_chars(word.data(), word.data() + word.size(), piece.score);
                if (code != std::errc{} || last != word.data() + word.size())
                    return cursor_.error("the token at byte {} has the score {}; a number is needed", at, quote(word));
                return {};
            }));
            if (n_part != 2)
                return cursor_.error("the token at byte {} has {} parts; a text and a score are needed", at, n_part);
            out_.pieces.push_back(std::move(piece));
            return {};
        });
    }

    // "a b", or ["a", "b"] as newer files have it.
    Result<void> read_merges() {
        return cursor_.array("the merges", [&]() -> Result<void> {
            if (!cursor_.next_is('[')) {
                KRAIT_TRY(std::string merge, cursor_.string("a merge"));
                out_.merges.push_back(std::move(merge));
                return {};
            }
            std::string merge;
            size_t n_part = 0;
            const uint64_t at = cursor_.position();
            KRAIT_CHECK(cursor_.array("a merge", [&]() -> Result<void> {
                KRAIT_TRY(const std::string part, cursor_.string("a part of a merge"));
                merge += (n_part++ == 0 ? "" : " ") + part;
                return {};
            }));
            if (n_part != 2) return cursor_.error("the merge at byte {} has {} parts; 2 are needed", at, n_part);
            out_.merges.push_back(std::move(merge));
            return {};
        });
    }

    Result<void> read_added() {
        return cursor_.array("the added tokens", [&]() -> Result<void> {
            KRAIT_TRY(const JsonValue token, read_json_value(cursor_));
            const JsonValue *content = token.find("content"), *number = token.find("id");
            const std::optional<int64_t> id = number ? id_of(*number) : std::nullopt;
            if (!content || !content->is(JsonValue::Kind::string) || !id)
                return cursor_.error(
                    "the added token at byte {} needs a text \"content\" and an \"id\", a whole number from 0 to {}", token.at,
                    kMaxTokens - 1);
            KRAIT_CHECK(check_fields(token, out_.file));
            out_.added.push_back(added_token_of(token, *id));
            return {};
        });
    }

    JsonCursor cursor_;
    TokenizerJson out_;
};

bool is_byte(std::string_view text) { return text.size() == 6 && text.starts_with("<0x") && text.ends_with(">"); }

// For sentencepiece's kinds; the tokens of others are normal where they are not added.
void set_types(const TokenizerJson& json, std::optional<int64_t> unk, std::vector<Piece>& pieces) {
    std::unordered_map<int64_t, PieceType> added;
    for (const AddedToken& token : json.added)
        added.emplace(token.id, token.is_special ? PieceType::control : PieceType::user_defined);
    for (Piece& piece : pieces) {
        const auto found = added.find(piece.id);
        if (piece.id == unk) piece.type = PieceType::unknown;
        else if (json.has_byte_fallback && is_byte(piece.text)) piece.type = PieceType::byte;
        else if (found != added.end()) piece.type = found->second;
    }
}

// "##ing" goes on with a word, "sing" begins one.
void mark_beginnings(const TokenizerJson& json, std::vector<Piece>& pieces) {
    std::unordered_set<std::string_view> whole{json.unk_token};
    for (const AddedToken& token : json.added) whole.insert(token.text);
    for (Piece& piece : pieces) {
        if (whole.contains(piece.text)) continue;
        if (piece.text.starts_with(json.subword_prefix)) piece.text.erase(0, json.subword_prefix.size());
        else piece.text.insert(0, "\u2581");
    }
}

}  // namespace

Result<TokenizerParts> parse_tokenizer_json(std::string_view text, const std::string& file) {
    KRAIT_TRY(TokenizerJson json, Reader(text, file).read());
    TokenizerParts parts{.file = file};
    auto rules = text_rules_of(json);
    if (!rules) return fail(rules.error().code, "{}: {}", file, rules.error().message);
    parts.rules = std::move(*rules);
    const auto unknown = std::ranges::find(json.pieces, json.unk_token, &Piece::text);
    parts.unk = json.unk;
    if (!json.unk_token.empty() && unknown != json.pieces.end()) parts.unk = unknown->id;
    if (parts.rules.model == "llama" || parts.rules.model == "t5") set_types(json, parts.unk, json.pieces);
    if (parts.rules.model == "llama") {
        auto scored = score_by_merges(json.merges, json.pieces);
        if (!scored) return fail(scored.error().code, "{}: {}", file, scored.error().message);
    } else {
        parts.merges = std::move(json.merges);
    }
    if (parts.rules.model == "bert") mark_beginnings(json, json.pieces);
    parts.pieces = std::move(json.pieces);
    parts.added = std::move(json.added);
    parts.has_added = true;
    read_post_processor(json.post_processor, parts);
    return parts;
}

Result<TokenizerParts> read_tokenizer_json(const std::filesystem::path& path) {
    KRAIT_TRY(const std::string text, read_json_text(path, kMaxBytes, "a tokenizer"));
    return parse_tokenizer_json(text, path.string());
}

}  // namespace krait::huggingface
