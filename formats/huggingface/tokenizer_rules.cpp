// SPDX-License-Identifier: Apache-2.0
//
// Kinds of tokenizers by the normalizer, the pre-tokenizer and the model of tokenizer.json.
#include <algorithm>

#include "core/base/printable.hpp"
#include "formats/huggingface/base64.hpp"
#include "formats/huggingface/pre_tokenizers.hpp"
#include "formats/huggingface/tokenizer_json_fields.hpp"
#include "formats/huggingface/tokenizer_json_model.hpp"

namespace krait::huggingface {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";

template <class... Args>
tl::unexpected<Error> refuse(fmt::format_string<Args...> text, Args&&... args) {
    return fail(ErrorCode::unsupported, "{}; Krait reads byte-level BPE, WordPiece, and BPE and Unigram of sentencepiece",
                fmt::format(text, std::forward<Args>(args)...));
}

// The steps of a normalizer or pre-tokenizer, whether it is one or a sequence; none where it is null.
std::vector<const JsonValue*> steps_of(const JsonValue& value, std::string_view list) {
    if (value.is(JsonValue::Kind::null)) return {};
    const JsonValue* several = value.find(list);
    if (!several) return {&value};
    std::vector<const JsonValue*> steps;
    for (const JsonValue& step : several->list) steps.push_back(&step);
    return steps;
}

std::string names_of(const std::vector<const JsonValue*>& steps) {
    std::string names;
    for (const JsonValue* step : steps) names += (names.empty() ? "" : ", ") + quote(text_of(*step, "type"));
    return names.empty() ? "none" : names;
}

bool replaces(const JsonValue& step, std::string_view kind, std::string_view pattern, std::string_view content) {
    const JsonValue* found = step.find("pattern");
    return text_of(step, "type") == "Replace" && found && text_of(*found, kind) == pattern &&
           text_of(step, "content") == content;
}

// Metaspace: a blank is U+2581, and one is put before text. Older files say so by "add_prefix_space".
Result<void> read_metaspace(const JsonValue& step, TextRules& rules) {
    const std::string_view scheme = text_of(step, "prepend_scheme");
    if (text_of(step, "replacement") != kSpaceMark)
        return refuse("its Metaspace writes blanks as {}", quote(text_of(step, "replacement")));
    if (scheme == "never" || (scheme.empty() && !flag_of(step, "add_prefix_space", true))) rules.blank = Blank::never;
    else if (scheme == "first") rules.blank = Blank::text_start;
    else rules.blank = Blank::every_part;
    return {};
}

// Two ways: Replace ' ', with Prepend or without, and no pre-tokenizer but one that cuts at blanks, of which there are none
// left; or Metaspace that does not cut.
Result<TextRules> sentencepiece_bpe(const TokenizerJson& json) {
    TextRules rules{.model = "llama"};
    const auto normal = steps_of(json.normalizer, "normalizers"), cut = steps_of(json.pre_tokenizer, "pretokenizers");
    const auto refuse_steps = [&] {
        return refuse("its BPE falls back to bytes, with the normalizer {} and the pre-tokenizer {}", names_of(normal),
                      names_of(cut));
    };
    if (!json.subword_prefix.empty() || !json.word_suffix.empty() || json.ignores_merges) return refuse_steps();
    if (normal.empty() && cut.size() == 1 && text_of(*cut[0], "type") == "Metaspace") {
        KRAIT_CHECK(read_metaspace(*cut[0], rules));
        if (flag_of(*cut[0], "split", true)) return refuse("its Metaspace cuts text at blanks");
        // It adds no blank to one that is there, and a sentencepiece model does.
        if (rules.blank == Blank::every_part) return refuse("its Metaspace puts a blank before each part that has none");
        return rules;
    }
    size_t at = 0;
    if (at < normal.size() && text_of(*normal[at], "type") == "Prepend" && text_of(*normal[at], "prepend") == kSpaceMark) {
        rules.blank = Blank::every_part;
        ++at;
    }
    if (at + 1 != normal.size() || !replaces(*normal[at], "String", " ", kSpaceMark)) return refuse_steps();
    const auto cuts_at_blanks = [](const JsonValue* step) {
        const JsonValue* pattern = step->find("pattern");
        return text_of(*step, "type") == "Split" && pattern && text_of(*pattern, "String") == " ";
    };
    if (!std::ranges::all_of(cut, cuts_at_blanks)) return refuse_steps();
    return rules;
}

// Precompiled, then what makes several blanks one: WhitespaceSplit, or Replace ' {2,}' with Strip or without.
Result<TextRules> unigram(const TokenizerJson& json) {
    TextRules rules{.model = "t5"};
    const auto normal = steps_of(json.normalizer, "normalizers"), cut = steps_of(json.pre_tokenizer, "pretokenizers");
    const auto refuse_steps = [&] {
        return refuse("its Unigram has the normalizer {} and the pre-tokenizer {}", names_of(normal), names_of(cut));
    };
    size_t at = 0;
    if (!normal.empty() && text_of(*normal[0], "type") == "Precompiled") {
        auto bytes = decode_base64(text_of(*normal[at++], "precompiled_charsmap"));
        if (!bytes) return refuse("its 'precompiled_charsmap' is not base64");
        rules.charsmap = std::move(*bytes);
    }
    const auto is_next = [&](std::string_view type) { return at < normal.size() && text_of(*normal[at], "type") == type; };
    const bool strips_end = is_next("Strip") && flag_of(*normal[at], "strip_right", false);
    if (strips_end) ++at;
    const bool joins_blanks = at < normal.size() && (replaces(*normal[at], "Regex", " {2,}", " ") ||
                                                     replaces(*normal[at], "Regex", " {2,}", kSpaceMark));
    if (joins_blanks) ++at;
    const bool splits = !cut.empty() && text_of(*cut[0], "type") == "WhitespaceSplit";
    rules.remove_extra_whitespaces = splits || (strips_end && joins_blanks);
    if (at != normal.size() || (strips_end && !joins_blanks) || (joins_blanks && !rules.remove_extra_whitespaces) ||
        cut.size() != (splits ? 2 : 1) || text_of(*cut.back(), "type") != "Metaspace")
        return refuse_steps();
    KRAIT_CHECK(read_metaspace(*cut.back(), rules));
    if (!rules.remove_extra_whitespaces && rules.blank == Blank::every_part)
        return refuse("its Metaspace puts a blank before each part that has none");
    // Pieces with a blank inside of them would cross the cuts.
    if (flag_of(*cut.back(), "split", true))
        for (const Piece& piece : json.pieces)
            if (piece.text.size() > kSpaceMark.size() && piece.text.find(kSpaceMark, 1) != piece.text.npos)
                return refuse("its Metaspace cuts text at blanks, and the token {} has one inside of it", quote(piece.text));
    return rules;
}

Result<TextRules> word_piece(const TokenizerJson& json) {
    TextRules rules{.model = "bert"};
    const JsonValue &normal = json.normalizer, &cut = json.pre_tokenizer;
    if (text_of(normal, "type") != "BertNormalizer" || text_of(cut, "type") != "BertPreTokenizer" ||
        json.subword_prefix.empty() || !flag_of(normal, "clean_text", true) || !flag_of(normal, "handle_chinese_chars", true) ||
        json.max_word != 100)
        return refuse(
            "its WordPiece has the normalizer {} and the pre-tokenizer {}, words of up to {} characters, and {} before pieces "
            "that go on; BERT's are known",
            quote(text_of(normal, "type")), quote(text_of(cut, "type")), json.max_word, quote(json.subword_prefix));
    rules.lowercase = flag_of(normal, "lowercase", true);
    rules.strip_accents = flag_of(normal, "strip_accents", rules.lowercase);
    return rules;
}

}  // namespace

Result<TextRules> text_rules_of(const TokenizerJson& json) {
    if (json.type == "Unigram" && json.has_pairs) return unigram(json);
    if (json.type == "WordPiece" && !json.has_pairs) return word_piece(json);
    if (json.type != "BPE" || json.has_pairs) return refuse("its model is of the type {}", quote(json.type));
    if (json.has_byte_fallback) return sentencepiece_bpe(json);
    if (!json.subword_prefix.empty() || !json.word_suffix.empty())
        return refuse("its BPE has a '{}'", json.word_suffix.empty() ? "continuing_subword_prefix" : "end_of_word_suffix");
    KRAIT_TRY(std::string pre, pre_tokenizer_name(json.normalizer, json.pre_tokenizer, json.ignores_merges));
    return TextRules{.model = "gpt2", .pre = std::move(pre)};
}

}  // namespace krait::huggingface
