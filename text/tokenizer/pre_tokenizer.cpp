// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/pre_tokenizer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/pcre2.hpp"
#include "text/tokenizer/pre_tokenizer_rules.hpp"

namespace krait {

namespace {

using pcre2::Code;
using pcre2::Context;
using pcre2::describe;
using pcre2::Match;

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

struct PreTokenizer::Compiled {
    std::vector<Code> codes;
    Context context;
    const PreTokenizerRule& rule;
};

Result<PreTokenizer> PreTokenizer::create(std::string_view name) {
    const PreTokenizerName* const known = find_pre_tokenizer(name);
    if (known == nullptr) {
        return fail(ErrorCode::unsupported, "unknown pre-tokenizer '{}': it must be one of {}", name, supported());
    }
    auto compiled = std::make_shared<Compiled>(Compiled{{}, {}, known->rule});
    for (const char* regex : known->rule.regexes) {
        if (regex == nullptr) continue;
        KRAIT_TRY(Code code, compile(regex));
        compiled->codes.push_back(std::move(code));
    }
    // No limit on steps: the patterns go back over one run of characters at most once, however long it is.
    compiled->context.reset(pcre2_match_context_create(nullptr));
    if (!compiled->context) return fail(ErrorCode::out_of_memory, "no memory for the pre-tokenizer");
    pcre2_set_match_limit(compiled->context.get(), UINT32_MAX);
    return PreTokenizer(std::move(compiled));
}

std::string PreTokenizer::supported() {
    std::string list;
    for (const PreTokenizerName& entry : pre_tokenizer_names()) list += (list.empty() ? "" : ", ") + std::string(entry.name);
    return list;
}

bool PreTokenizer::adds_bos(std::string_view name) {
    const PreTokenizerName* const known = find_pre_tokenizer(name);
    return known != nullptr && known->adds_bos;
}

Result<void> PreTokenizer::split(std::string_view text, std::vector<std::string_view>& pieces) const {
    if (text.empty()) return {};
    const size_t n_code = compiled_->codes.size();
    if (n_code == 1 && !compiled_->rule.numerals_in_threes)
        return split_by(compiled_->codes[0].get(), compiled_->context.get(), text, pieces);
    std::vector<std::string_view> current{text};
    std::vector<std::string_view> next;
    for (const Code& code : compiled_->codes) {
        next.clear();
        for (const std::string_view piece : current) KRAIT_CHECK(split_by(code.get(), compiled_->context.get(), piece, next));
        current.swap(next);
    }
    if (!compiled_->rule.numerals_in_threes) {
        pieces.insert(pieces.end(), current.begin(), current.end());
    } else {
        for (const std::string_view piece : current) split_numerals(piece, pieces);
    }
    return {};
}

bool PreTokenizer::whole_pieces_first() const { return compiled_->rule.whole_pieces_first; }
bool PreTokenizer::wants_nfc() const { return compiled_->rule.nfc; }

}  // namespace krait
