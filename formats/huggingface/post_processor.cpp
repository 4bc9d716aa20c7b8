// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/post_processor.hpp"

#include "core/base/printable.hpp"
#include "formats/huggingface/tokenizer_json_fields.hpp"

namespace krait::huggingface {
namespace {

// [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}]
void read_template(const JsonValue& pieces, TokenizerParts& parts) {
    std::vector<std::string> before, behind;
    bool has_text = false;
    for (const JsonValue& piece : pieces.list) {
        const JsonValue* token = piece.find("SpecialToken");
        if (token) (has_text ? behind : before).emplace_back(text_of(*token, "id"));
        else has_text = true;
    }
    const auto check = [&](const std::vector<std::string>& tokens, std::string_view side, const std::string& taken) {
        if (tokens.size() > 1)
            parts.warnings.push_back(fmt::format("{}: its post-processor puts {} tokens {} a text; Krait puts one there, {}",
                                                 parts.file, tokens.size(), side, quote(taken)));
    };
    if (!before.empty()) parts.first = before.front();
    if (!behind.empty()) parts.last = behind.back();
    check(before, "before", *parts.first);
    check(behind, "behind", *parts.last);
}

// ["[CLS]", 101]
void read_token(const JsonValue& processor, std::string_view key, TokenizerParts& parts, std::optional<std::string>& token) {
    const JsonValue* found = processor.find(key);
    if (!found) return;
    if (!found->list.empty() && found->list.front().is(JsonValue::Kind::string)) token = found->list.front().text;
    else
        parts.warnings.push_back(fmt::format("{}: '{}' at byte {} does not begin with the text of a token: it is ignored",
                                             parts.file, key, found->at));
}

// A sequence of processors may have another one in it.
void read_processor(const JsonValue& processor, TokenizerParts& parts) {
    if (processor.is(JsonValue::Kind::null)) return;
    if (!processor.is(JsonValue::Kind::object)) {
        parts.warnings.push_back(fmt::format("{}: the post-processor at byte {} is {}; an object is needed: it is ignored",
                                             parts.file, processor.at, processor.description()));
        return;
    }
    if (const JsonValue* several = processor.find("processors"))
        for (const JsonValue& one : several->list) read_processor(one, parts);
    const std::string_view type = text_of(processor, "type");
    if (type == "TemplateProcessing") {
        if (const JsonValue* pieces = processor.find("single")) read_template(*pieces, parts);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
        read_token(processor, "cls", parts, parts.first);
        read_token(processor, "sep", parts, parts.last);
    }
}

}  // namespace

void read_post_processor(const JsonValue& processor, TokenizerParts& parts) {
    parts.first = parts.last = "";
    read_processor(processor, parts);
}

}  // namespace krait::huggingface
