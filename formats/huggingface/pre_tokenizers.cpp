// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/pre_tokenizers.hpp"

#include <algorithm>

#include "core/base/printable.hpp"
#include "formats/huggingface/tokenizer_json_fields.hpp"

namespace krait::huggingface {
namespace {

// Regular expressions as the models' files have them.
struct Regex {
    std::string_view name;
    std::string text;
};

std::string llama3(std::string_view numbers, std::string_view letters = R"(\p{L})",
                   std::string_view signs = R"([^\s\p{L}\p{N}])") {
    return fmt::format(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?{}+|{}| ?{}+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
                       letters, numbers, signs);
}

// Words of one case.
std::string cased(std::string_view contraction, std::string_view numbers) {
    constexpr std::string_view kUpper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])", kLower = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])";
    return fmt::format(
        R"([^\r\n\p{{L}}\p{{N}}]?{0}*{1}+{2}|[^\r\n\p{{L}}\p{{N}}]?{0}+{1}*{2}|{3}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|)"
        R"(\s*[\r\n]+|\s+(?!\S)|\s+)",
        kUpper, kLower, contraction, numbers);
}

const std::vector<Regex>& regexes() {
    static const std::vector<Regex> all{
        {"gpt2", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
        {"digit", R"(\p{N})"},
        {"three-digits", R"(\p{N}{1,3})"},
        {"llama3", llama3(R"(\p{N}{1,3})")},
        {"qwen2", llama3(R"(\p{N})")},
        {"qwen35", llama3(R"(\p{N})", R"([\p{L}\p{M}])", R"([^\s\p{L}\p{M}\p{N}])")},
        {"seed-coder", llama3(R"(\p{N})", R"(\p{L})", R"([^\s\p{L}\p{N}\r\n])")},
        {"minicpm5", llama3(R"(\p{N}+)")},
        {"tekken", cased("", R"(\p{N})")},
        {"gpt-4o", cased(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)", R"(\p{N}{1,3})")},
        {"bailing",
         R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"},
        {"han-and-kana", "[一-龥\u3040-ゟ゠-ヿ]+"},
        {"deepseek-v3", R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
                        R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
        {"bloom", R"( ?[^(\s|.,!?…。，、।۔،)]+)"},
    };
    return all;
}

struct Known {
    std::string_view steps;  // as step_of writes them, with ' ' between them
    std::string_view name;
    bool nfc = false, ignores_merges = false;
};
constexpr Known kKnown[] = {
    {"bytes+words", "gpt-2"},
    {"split:gpt2 bytes", "gpt-2"},
    {"bytes+words", "mpt", true},
    {"split:gpt2 bytes", "mpt", true},
    {"digits:each bytes+words", "starcoder"},
    {"split:digit split:gpt2 bytes", "starcoder"},
    {"punctuation:contiguous bytes+words digits:runs split:[0-9][0-9][0-9]", "falcon"},
    {"split:llama3 bytes", "llama-bpe", false, true},
    {"split:llama3 bytes", "dbrx"},
    {"split:qwen2 bytes", "qwen2", true},
    {"split:qwen2 bytes", "stablelm2"},
    {"split:qwen35 bytes", "qwen35", true},
    {"split:tekken bytes", "tekken", false, true},
    {"split:gpt-4o bytes", "gpt-4o"},
    {"split:bailing bytes", "bailingmoe2"},
    {"split:seed-coder bytes", "seed-coder"},
    {"split:three-digits split:minicpm5 bytes", "minicpm5", false, true},
    {"split:three-digits split:han-and-kana split:deepseek-v3 bytes", "deepseek-v3"},
    {"split:bloom bytes", "bloom"},
    {"split:bloom split:digit bytes", "viking"},
};

bool equals(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

// Files have line breaks as they are or as escapes, and quotes with a backslash or without.
std::string as_written_above(std::string_view regex) {
    std::string text;
    for (size_t i = 0; i < regex.size(); ++i) {
        const std::string_view two = regex.substr(i, 2);
        if (two == "\\\"") continue;
        if (regex[i] == '\r') text += "\\r";
        else if (regex[i] == '\n') text += "\\n";
        else if (regex[i] == '\\' && two.size() == 2) text += two, ++i;
        else text += regex[i];
    }
    return text;
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
            const std::string regex = as_written_above(text_of(*pattern, "Regex"));
            const auto known = std::ranges::find(regexes(), regex, &Regex::text);
            return fmt::format("split:{}", known == regexes().end() ? regex : known->name);
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
    return fail(ErrorCode::unsupported,
                "its pre-tokenizer is none that Krait knows: {}{}{}; docs/tokenizers.md lists those that it knows",
                quote(steps, '\'', 200), normal.empty() ? "" : fmt::format(", with the normalizer {}", quote(normal)),
                ignores_merges ? ", with whole pieces before merges" : "");
}

}  // namespace krait::huggingface
