// SPDX-License-Identifier: Apache-2.0
//
// The regular expressions are those of the models' tokenizer.json, in PCRE2's words:
// - \s is spelled out as Unicode's White_Space, for PCRE2's own also holds U+180E, which is none since Unicode 6.3;
// - a class without Han is the complement of all other categories, for PCRE2 10.42 has no intersections of classes, and a
//   lookahead for each character would need a stack as long as the text;
// - \p{Han} is the script itself, and not what other scripts share with it: \p{sc:Han}.
// Each of them goes back over a run of characters at most once, so that the time is linear.
#include "text/tokenizer/pre_tokenizer_rules.hpp"

#include <algorithm>

namespace krait {

namespace {

#define SPACE R"(\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})"
#define S "[" SPACE "]"
#define NOT_S "[^" SPACE "]"
#define BLANKS S "+(?!" NOT_S ")|" S "+"
#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
// Upper and lower case, where marks and letters without case are both.
#define UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define UPPER_NOT_HAN R"([^\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}])"
#define LOWER_NOT_HAN R"([^\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}])"
#define BEFORE_WORD R"([^\r\n\p{L}\p{N}]?)"

// The families of Llama 3: words with what stands before them, numbers, signs, ends of lines, blanks.
#define LLAMA3(letters, numbers, signs, behind_signs) \
    CONTRACTION "|" BEFORE_WORD letters "+|" numbers "| ?" signs "+" behind_signs "|" S "*[\\r\\n]+|" BLANKS
#define SIGNS \
    "[^"      \
    R"(\p{L}\p{N})" SPACE "]"

// Words of one case, then numbers, signs, ends of lines, blanks.
#define CASED(upper, lower, behind, numbers, behind_signs)                                                                     \
    BEFORE_WORD upper "*" lower "+" behind "|" BEFORE_WORD upper "+" lower "*" behind "|" numbers "| ?" SIGNS "+" behind_signs \
                      "|" S "*[\\r\\n]+|" BLANKS

constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?)" SIGNS "+|" BLANKS;
constexpr const char* kLlama3 = LLAMA3(R"(\p{L})", R"(\p{N}{1,3})", SIGNS, R"([\r\n]*)");
constexpr const char* kQwen2 = LLAMA3(R"(\p{L})", R"(\p{N})", SIGNS, R"([\r\n]*)");
constexpr const char* kQwen35 = LLAMA3(R"([\p{L}\p{M}])", R"(\p{N})",
                                       "[^"
                                       R"(\p{L}\p{M}\p{N})" SPACE "]",
                                       R"([\r\n]*)");
constexpr const char* kSeedCoder = LLAMA3(R"(\p{L})", R"(\p{N})",
                                          "[^"
                                          R"(\p{L}\p{N}\r\n)" SPACE "]",
                                          R"([\r\n]*)");
constexpr const char* kMiniCpm5 = LLAMA3(R"(\p{L})", R"(\p{N}+)", SIGNS, R"([\r\n]*)");
constexpr const char* kTekken = CASED(UPPER, LOWER, "", R"(\p{N})", R"([\r\n/]*)");
constexpr const char* kGpt4o = CASED(UPPER, LOWER, CONTRACTION "?", R"(\p{N}{1,3})", R"([\r\n/]*)");
constexpr const char* kKimi =
    R"(\p{sc:Han}+|)" CASED(UPPER_NOT_HAN, LOWER_NOT_HAN, CONTRACTION "?", R"(\p{N}{1,3})", R"([\r\n]*)");
constexpr const char* kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?)" SIGNS R"(++[\r\n]*|)" S R"(*[\r\n]|)" BLANKS;
constexpr const char* kDigit = R"(\p{N})";
constexpr const char* kThreeDigits = R"(\p{N}{1,3})";
// Unicode's punctuation and what ASCII prints besides letters and digits.
constexpr const char* kPunctuation = R"([\p{P}$+<=>^`|~]+)";
constexpr const char* kHanAndKana = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr const char* kDeepSeekV3 =
    R"([!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" S R"(*[\r\n]+|)" BLANKS;
// Words end at blanks and at the marks of sentences.
constexpr const char* kBloom = " ?[^(|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})" SPACE "]+";

#undef SPACE
#undef S
#undef NOT_S
#undef BLANKS
#undef CONTRACTION
#undef UPPER
#undef LOWER
#undef UPPER_NOT_HAN
#undef LOWER_NOT_HAN
#undef BEFORE_WORD
#undef LLAMA3
#undef SIGNS
#undef CASED

using Rule = PreTokenizerRule;
constexpr Rule kGpt2Rule{.regexes = {kGpt2}};
constexpr Rule kNeoxRule{.regexes = {kGpt2}, .nfc = true};
constexpr Rule kStarcoderRule{.regexes = {kDigit, kGpt2}};
constexpr Rule kFalconRule{.regexes = {kPunctuation, kGpt2}, .numerals_in_threes = true};
constexpr Rule kLlama3Rule{.regexes = {kLlama3}, .whole_pieces_first = true};
constexpr Rule kDbrxRule{.regexes = {kLlama3}};
constexpr Rule kQwen2Rule{.regexes = {kQwen2}, .nfc = true};
constexpr Rule kDigitsApartRule{.regexes = {kQwen2}};
constexpr Rule kQwen35Rule{.regexes = {kQwen35}, .nfc = true};
constexpr Rule kTekkenRule{.regexes = {kTekken}, .whole_pieces_first = true};
constexpr Rule kGpt4oRule{.regexes = {kGpt4o}};
constexpr Rule kKimiRule{.regexes = {kKimi}};
constexpr Rule kBailingRule{.regexes = {kBailing}};
constexpr Rule kSeedCoderRule{.regexes = {kSeedCoder}};
constexpr Rule kDeepSeekV3Rule{.regexes = {kThreeDigits, kHanAndKana, kDeepSeekV3}};
constexpr Rule kMiniCpm5Rule{.regexes = {kThreeDigits, kMiniCpm5}, .whole_pieces_first = true};
constexpr Rule kBloomRule{.regexes = {kBloom}};
constexpr Rule kVikingRule{.regexes = {kBloom, kDigit}};

constexpr bool kBos = true;
using Name = PreTokenizerName;
constexpr std::array kNames{
    Name{"a.x-4.0", kGpt2Rule},
    Name{"bailingmoe", kBailingRule},
    Name{"bailingmoe2", kBailingRule},
    Name{"bloom", kBloomRule},
    Name{"chatglm-bpe", kDbrxRule},
    Name{"codeshell", kStarcoderRule},
    Name{"command-r", kStarcoderRule},
    Name{"dbrx", kDbrxRule},
    Name{"deepseek-r1-qwen", kDigitsApartRule},
    Name{"deepseek-v3", kDeepSeekV3Rule},
    Name{"default", kGpt2Rule},
    Name{"exaone", kStarcoderRule},
    Name{"exaone4", kGpt2Rule},
    Name{"f2llmv2", kDigitsApartRule},
    Name{"falcon", kFalconRule},
    Name{"falcon-h1", kLlama3Rule, kBos},
    Name{"falcon3", kLlama3Rule, kBos},
    Name{"gigachat", kGpt2Rule},
    Name{"glm4", kDbrxRule},
    Name{"gpt-2", kGpt2Rule},
    Name{"gpt-4o", kGpt4oRule},
    Name{"gpt-neox", kNeoxRule},
    Name{"gpt3-finnish", kBloomRule},
    Name{"granite-docling", kGpt2Rule},
    Name{"grok-2", kDigitsApartRule},
    Name{"hunyuan", kDigitsApartRule},
    Name{"hunyuan-dense", kDeepSeekV3Rule},
    Name{"jais", kGpt2Rule},
    Name{"jina-de", kGpt2Rule},
    Name{"jina-es", kGpt2Rule},
    Name{"jina-v1-en", kGpt2Rule},
    Name{"jina-v2-code", kGpt2Rule},
    Name{"jina-v2-de", kGpt2Rule},
    Name{"jina-v2-es", kGpt2Rule},
    Name{"jina-v5-nano", kLlama3Rule, kBos},
    Name{"joyai-llm", kDeepSeekV3Rule},
    Name{"kanana2", kGpt4oRule},
    Name{"kimi-k2", kKimiRule},
    Name{"kormo", kDigitsApartRule},
    Name{"lfm2", kLlama3Rule, kBos},
    Name{"llada-moe", kBailingRule},
    Name{"llama-bpe", kLlama3Rule, kBos},
    Name{"llama-v3", kLlama3Rule, kBos},
    Name{"llama3", kLlama3Rule, kBos},
    Name{"llama4", kGpt4oRule},
    Name{"megrez", kDigitsApartRule},
    Name{"mellum", kGpt2Rule},
    Name{"mellum2", kStarcoderRule},
    Name{"midm-2.0", kLlama3Rule, kBos},
    Name{"minerva-7b", kStarcoderRule},
    Name{"minicpm5", kMiniCpm5Rule},
    Name{"minimax-m2", kGpt4oRule},
    Name{"modern-bert", kGpt2Rule},
    Name{"mpt", kNeoxRule},
    Name{"olmo", kNeoxRule},
    Name{"phi-2", kGpt2Rule},
    Name{"pixtral", kLlama3Rule, kBos},
    Name{"poro-chat", kBloomRule},
    Name{"qwen2", kQwen2Rule},
    Name{"qwen35", kQwen35Rule},
    Name{"refact", kStarcoderRule},
    Name{"roberta-bpe", kGpt2Rule},
    Name{"seed-coder", kSeedCoderRule},
    Name{"smaug-bpe", kDbrxRule},
    Name{"smollm", kStarcoderRule},
    Name{"solar-open", kDigitsApartRule},
    Name{"stablelm2", kDigitsApartRule},
    Name{"starcoder", kStarcoderRule},
    Name{"talkie", kGpt4oRule},
    Name{"tekken", kTekkenRule, kBos},
    Name{"trillion", kGpt2Rule},
    Name{"viking", kVikingRule},
};

constexpr bool is_before(std::string_view a, std::string_view b) { return a < b; }
constexpr bool are_sorted() {
    for (size_t i = 1; i < kNames.size(); ++i)
        if (!is_before(kNames[i - 1].name, kNames[i].name)) return false;
    return true;
}
static_assert(are_sorted());

}  // namespace

std::span<const PreTokenizerName> pre_tokenizer_names() { return kNames; }

const PreTokenizerName* find_pre_tokenizer(std::string_view name) {
    const auto* const found = std::lower_bound(
        kNames.begin(), kNames.end(), name, [](const PreTokenizerName& entry, std::string_view n) { return entry.name < n; });
    return found == kNames.end() || found->name != name ? nullptr : found;
}

}  // namespace krait
