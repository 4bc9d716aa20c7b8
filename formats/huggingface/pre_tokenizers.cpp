// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/pre_tokenizers.hpp"

#include <algorithm>

#include "core/base/printable.hpp"

namespace krait::huggingface {
namespace {

constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Known {
    std::string_view steps;  // as step_of writes them, with ' ' between them
    std::string_view name;
    bool nfc = false, ignores_merges = false;
};
constexpr Known kKnown[] = {
    {"bytes+words", "gpt-2"},
    {"bytes+words", "mpt", true},
    {"digits:each bytes+words", "starcoder"},
    {"punctuation:contiguous bytes+words digits:runs split:[0-9][0-9][0-9]", "falcon"},
    {"split:llama3 bytes", "llama-bpe", false, true},
};

std::string_view text_of(const JsonValue& value, std::string_view key) {
    const JsonValue* found = value.find(key);
    return found ? std::string_view(found->text) : std::string_view();
}

bool flag_of(const JsonValue& value, std::string_view key, bool fallback) {
    const JsonValue* found = value.find(key);
    return found ? found->is_true() : fallback;
}

bool equals(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

// One step in a word; what is none of these describes itself.
std::string step_of(const JsonValue& step) {
    const std::string_view type = text_of(step, "type");
    if (type == "ByteLevel") {
        if (flag_of(step, "add_prefix_space", true)) return "ByteLevel(add_prefix_space)";
        return flag_of(step, "use_regex", true) ? "bytes+words" : "bytes";
    }
    if (type == "Digits") return flag_of(step, "individual_digits", false) ? "digits:each" : "digits:runs";
    if (type == "Punctuation" && equals(text_of(step, "behavior"), "contiguous")) return "punctuation:contiguous";
    if (type == "Split" && !flag_of(step, "invert", false) && equals(text_of(step, "behavior"), "isolated"))
        if (const JsonValue* pattern = step.find("pattern")) {
            const std::string_view regex = text_of(*pattern, "Regex");
            return fmt::format("split:{}", regex == kLlama3 ? "llama3" : regex);
        }
    return type.empty() ? "none" : std::string(type);
}

std::string steps_of(const JsonValue& pre_tokenizer) {
    const JsonValue* steps = pre_tokenizer.find("pretokenizers");
    if (!steps) return step_of(pre_tokenizer);
    std::string text;
    for (const JsonValue& step : steps->list) text += (text.empty() ? "" : " ") + step_of(step);
    return text;
}

// A normalizer that does nothing is "".
std::string normalizer_of(const JsonValue& normalizer) {
    if (normalizer.is(JsonValue::Kind::null)) return "";
    const JsonValue* steps = normalizer.find("normalizers");
    if (!steps) return std::string(text_of(normalizer, "type"));
    std::string text;
    for (const JsonValue& step : steps->list) text += (text.empty() ? "" : " ") + std::string(text_of(step, "type"));
    return text;
}

}  // namespace

Result<std::string> pre_tokenizer_name(const JsonValue& normalizer, const JsonValue& pre_tokenizer, bool ignores_merges) {
    const std::string steps = steps_of(pre_tokenizer), normal = normalizer_of(normalizer);
    for (const Known& known : kKnown)
        if (known.steps == steps && normal == (known.nfc ? "NFC" : "") && known.ignores_merges == ignores_merges)
            return std::string(known.name);
    return fail(
        ErrorCode::unsupported,
        "its pre-tokenizer is none that Krait knows: {}{}{}; known are those of GPT-2, GPT-NeoX, StarCoder, Falcon and Llama 3",
        quote(steps, '\'', 200), normal.empty() ? "" : fmt::format(", with the normalizer {}", quote(normal)),
        ignores_merges ? ", with whole pieces before merges" : "");
}

}  // namespace krait::huggingface
