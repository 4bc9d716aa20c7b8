// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/pre_tokenizer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/pcre2.hpp"

namespace krait {

namespace {

using pcre2::Code;
using pcre2::Context;
using pcre2::describe;
using pcre2::Match;

// White_Space of Unicode 15, without brackets.
#define KRAIT_SPACE R"(\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})"
#define KRAIT_S "[" KRAIT_SPACE "]"
#define KRAIT_NOT_S "[^" KRAIT_SPACE "]"

constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{L}\p{N})" KRAIT_SPACE R"(]+|)" KRAIT_S
                              "+(?!" KRAIT_NOT_S ")|" KRAIT_S "+";
constexpr const char* kLlama3 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\p{L}\p{N})" KRAIT_SPACE
                                R"(]+[\r\n]*|)" KRAIT_S R"(*[\r\n]+|)" KRAIT_S "+(?!" KRAIT_NOT_S ")|" KRAIT_S "+";
constexpr const char* kDigit = R"(\p{N})";
// Unicode's punctuation and what ASCII prints besides letters and digits.
constexpr const char* kPunctuation = R"([\p{P}$+<=>^`|~]+)";

#undef KRAIT_SPACE
#undef KRAIT_S
#undef KRAIT_NOT_S

struct Recipe {
    std::array<const char*, 2> regexes;  // one after the other, each inside the pieces of the one before
    bool numerals_in_threes = false;
    bool whole_pieces_first = false;
    bool nfc = false;
};
constexpr Recipe kGpt2Recipe{{kGpt2, nullptr}};
constexpr Recipe kNeoxRecipe{.regexes = {kGpt2, nullptr}, .nfc = true};
constexpr Recipe kStarcoderRecipe{{kDigit, kGpt2}};
constexpr Recipe kFalconRecipe{{kPunctuation, kGpt2}, true};
constexpr Recipe kLlama3Recipe{{kLlama3, nullptr}, false, true};

struct Name {
    std::string_view name;
    const Recipe& recipe;
};
constexpr std::array kNames{
    Name{"default", kGpt2Recipe},     Name{"falcon", kFalconRecipe},    Name{"gpt-2", kGpt2Recipe},
    Name{"gpt-neox", kNeoxRecipe},    Name{"llama-bpe", kLlama3Recipe}, Name{"llama-v3", kLlama3Recipe},
    Name{"llama3", kLlama3Recipe},    Name{"mpt", kNeoxRecipe},         Name{"olmo", kNeoxRecipe},
    Name{"refact", kStarcoderRecipe}, Name{"smollm", kStarcoderRecipe}, Name{"starcoder", kStarcoderRecipe},
};

Result<Code> compile(const char* regex) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(regex), PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &error, &offset,
                            nullptr));
    if (!code) {
        return fail(ErrorCode::unsupported, "PCRE2 cannot compile the pre-tokenizer at byte {}: {} (it needs Unicode support)",
                    offset, describe(error));
    }
    // Where no machine code may be made (no JIT for this CPU, no executable memory) the interpreter does the same.
    (void)pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
    return code;
}

// Both what matches and what lies between are pieces.
Result<void> split_by(const pcre2_code* code, pcre2_match_context* context, std::string_view text,
                      std::vector<std::string_view>& pieces) {
    const Match match(pcre2_match_data_create(1, nullptr));
    if (!match) return fail(ErrorCode::out_of_memory, "no memory to match the pre-tokenizer");
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    size_t done = 0;
    while (done < text.size()) {
        int count = pcre2_match(code, subject, text.size(), done, PCRE2_NO_UTF_CHECK, match.get(), context);
        if (count == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter keeps its stack on the heap
            count = pcre2_match(code, subject, text.size(), done, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match.get(), context);
        }
        if (count == PCRE2_ERROR_NOMATCH) break;
        if (count < 0) return fail(ErrorCode::internal, "the pre-tokenizer failed at byte {}: {}", done, describe(count));
        const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.get());
        if (range[1] <= range[0]) return fail(ErrorCode::internal, "the pre-tokenizer matched nothing at byte {}", done);
        if (range[0] > done) pieces.push_back(text.substr(done, range[0] - done));
        pieces.push_back(text.substr(range[0], range[1] - range[0]));
        done = range[1];
    }
    if (done < text.size()) pieces.push_back(text.substr(done));
    return {};
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Falcon cut out numbers after its text was in the byte alphabet, whose characters U+00B2, B3, B9, BC, BD and BE are
// numerals to Unicode. So these bytes count as digits wherever they occur, inside other characters too: the two bytes of
// U+00F2 (C3 B2) are two pieces. The merges of the model were learned like that.
constexpr bool is_numeral(char c) {
    const auto byte = static_cast<uint8_t>(c);
    return is_digit(c) || byte == 0xB2 || byte == 0xB3 || byte == 0xB9 || (byte >= 0xBC && byte <= 0xBE);
}

// Runs of numerals become pieces, and every three ASCII digits in them one of their own.
void split_numerals(std::string_view text, std::vector<std::string_view>& pieces) {
    const auto emit = [&](size_t begin, size_t end) {
        if (end > begin) pieces.push_back(text.substr(begin, end - begin));
    };
    size_t begin = 0;
    for (size_t i = 0; i < text.size();) {
        if (i > begin && is_numeral(text[i]) != is_numeral(text[i - 1])) {
            emit(begin, i);
            begin = i;
        }
        if (i + 3 <= text.size() && is_digit(text[i]) && is_digit(text[i + 1]) && is_digit(text[i + 2])) {
            emit(begin, i);
            emit(i, i + 3);
            begin = i += 3;
        } else {
            ++i;
        }
    }
    emit(begin, text.size());
}

}  // namespace

struct PreTokenizer::Rule {
    std::vector<Code> codes;
    Context context;
    bool numerals_in_threes = false;
    bool whole_pieces_first = false;
    bool nfc = false;
};

Result<PreTokenizer> PreTokenizer::create(std::string_view name) {
    const auto* const known = std::find_if(kNames.begin(), kNames.end(), [&](const Name& entry) { return entry.name == name; });
    if (known == kNames.end()) {
        return fail(ErrorCode::unsupported, "unknown pre-tokenizer '{}': it must be one of {}", name, supported());
    }
    auto rule = std::make_shared<Rule>();
    for (const char* regex : known->recipe.regexes) {
        if (regex == nullptr) continue;
        KRAIT_TRY(Code code, compile(regex));
        rule->codes.push_back(std::move(code));
    }
    // No limit on steps: the patterns go back over one run of characters at most once, however long it is.
    rule->context.reset(pcre2_match_context_create(nullptr));
    if (!rule->context) return fail(ErrorCode::out_of_memory, "no memory for the pre-tokenizer");
    pcre2_set_match_limit(rule->context.get(), UINT32_MAX);
    rule->numerals_in_threes = known->recipe.numerals_in_threes;
    rule->whole_pieces_first = known->recipe.whole_pieces_first;
    rule->nfc = known->recipe.nfc;
    return PreTokenizer(std::move(rule));
}

std::string PreTokenizer::supported() {
    std::string list;
    for (const Name& entry : kNames) list += (list.empty() ? "" : ", ") + std::string(entry.name);
    return list;
}

Result<void> PreTokenizer::split(std::string_view text, std::vector<std::string_view>& pieces) const {
    if (text.empty()) return {};
    const size_t n_code = rule_->codes.size();
    if (n_code == 1 && !rule_->numerals_in_threes) return split_by(rule_->codes[0].get(), rule_->context.get(), text, pieces);
    std::vector<std::string_view> current{text};
    std::vector<std::string_view> next;
    for (const Code& code : rule_->codes) {
        next.clear();
        for (const std::string_view piece : current) KRAIT_CHECK(split_by(code.get(), rule_->context.get(), piece, next));
        current.swap(next);
    }
    if (!rule_->numerals_in_threes) {
        pieces.insert(pieces.end(), current.begin(), current.end());
    } else {
        for (const std::string_view piece : current) split_numerals(piece, pieces);
    }
    return {};
}

bool PreTokenizer::whole_pieces_first() const { return rule_->whole_pieces_first; }
bool PreTokenizer::wants_nfc() const { return rule_->nfc; }

}  // namespace krait
