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
void read_token(const JsonValue& processor, std::string_view key, std::optional<std::string>& token) {
    const JsonValue* found = processor.find(key);
    if (found && !found->list.empty()) token = found->list.front().text;
}

}  // namespace

void read_post_processor(const JsonValue& processor, TokenizerParts& parts) {
    parts.first = parts.last = "";
    std::vector<const JsonValue*> all{&processor};
    if (const JsonValue* several = processor.find("processors"))
        for (const JsonValue& one : several->list) all.push_back(&one);
    for (const JsonValue* one : all) {
        const std::string_view type = text_of(*one, "type");
        if (type == "TemplateProcessing") {
            if (const JsonValue* pieces = one->find("single")) read_template(*pieces, parts);
        } else if (type == "BertProcessing" || type == "RobertaProcessing") {
            read_token(*one, "cls", parts.first);
            read_token(*one, "sep", parts.last);
        }
    }
}

}  // namespace krait::huggingface
