// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/token_settings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/printable.hpp"
#include "formats/huggingface/tokenizer_json_fields.hpp"

namespace krait::huggingface {
namespace {

using Kind = JsonValue::Kind;

constexpr std::string_view kAdded = "added_tokens_decoder", kTemplate = "chat_template";
constexpr std::string_view kFlags[] = {"legacy", "add_bos_token", "add_eos_token", "add_sep_token"};
constexpr std::string_view kTokens[] = {"bos", "eos", "unk", "pad", "cls", "sep", "mask"};

bool is_text(const JsonValue* value) { return value && value->is(Kind::string); }
bool is_whole_number(const JsonValue& value) { return value.is(Kind::number) && value.number == std::floor(value.number); }

// "</s>", or {"content": "</s>", ...} as an added token is written.
Result<void> check_token(const Config& config, const std::string& name) {
    const JsonValue* token = config.find(name);
    if (!token || is_text(token) || is_text(token->find("content"))) return {};
    return config.wrong(name, *token, "the text of a token, or an object with the text \"content\",");
}

Result<void> check_chat_template(const Config& config) {
    const JsonValue* found = config.find(kTemplate);
    if (!found || is_text(found)) return {};
    if (!found->is(Kind::list)) return config.wrong(kTemplate, *found, "a text or a list of named texts");
    for (const JsonValue& named : found->list)
        if (!is_text(named.find("name")) || !is_text(named.find("template")))
            return config.wrong(kTemplate, named, "an object with the texts \"name\" and \"template\"");
    return {};
}

}  // namespace

Result<void> check_tokenizer_config(const Config& config) {
    for (const std::string_view name : kFlags) KRAIT_CHECK(config.boolean(Names(&name, 1)));
    for (const std::string_view name : kTokens) KRAIT_CHECK(check_token(config, fmt::format("{}_token", name)));
    KRAIT_CHECK(check_chat_template(config));
    KRAIT_CHECK(added_tokens_of(config));
    return {};
}

Result<void> check_token_ids(const Config& config) {
    for (const std::string_view name : kTokens) {
        const std::string key = fmt::format("{}_token_id", name);
        const JsonValue* found = config.find(key);
        if (!found || is_whole_number(*found)) continue;
        if (!found->is(Kind::list)) return config.wrong(key, *found, "the id of a token or a list of ids");
        for (const JsonValue& id : found->list)
            if (!is_whole_number(id)) return config.wrong(key, id, "the id of a token");
    }
    return {};
}

Result<std::vector<AddedToken>> added_tokens_of(const Config& config) {
    std::vector<AddedToken> added;
    const JsonValue* tokens = config.find(kAdded);
    if (!tokens) return added;
    if (!tokens->is(Kind::object)) return config.wrong(kAdded, *tokens, "an object");
    for (const auto& [key, token] : tokens->members) {
        int64_t id = -1;
        const auto [last, code] = std::from_chars(key.data(), key.data() + key.size(), id);
        if (code != std::errc{} || last != key.data() + key.size() || id < 0 || id >= kMaxTokens)
            return fail(ErrorCode::corrupt_file,
                        "{}: '{}' has the key {} before byte {}; the id of a token, 0 to {}, is needed", config.file(), kAdded,
                        quote(key), token.at, kMaxTokens - 1);
        KRAIT_CHECK(check_fields(token, config.file()));
        if (!is_text(token.find("content"))) return config.wrong(kAdded, token, "an object with the text \"content\"");
        added.push_back(added_token_of(token, id));
    }
    return added;
}

}  // namespace krait::huggingface
