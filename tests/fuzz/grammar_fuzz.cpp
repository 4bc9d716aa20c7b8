// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: the first byte chooses the kind of grammar, what stands in front of the first zero byte is its source, the
// rest a text. A grammar that is accepted has to follow the text without a crash and within its limits, and a rollback leads to
// the same mask.
#include <cstdlib>

#include "text/grammar/grammar.hpp"
#include "text/grammar/matcher.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using namespace krait::grammar;

const std::shared_ptr<const TokenIndex>& bytes_as_tokens() {
    static const auto index = [] {
        std::vector<std::string> texts;
        for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
        for (const char* text : {"\"", "\",", "{\"", "\":", "ab", "true", "é", "   "}) texts.emplace_back(text);
        std::vector<TokenEntry> entries;
        for (const std::string& text : texts) entries.push_back({text, false});
        const std::vector<int32_t> ends{256};
        return std::make_shared<const TokenIndex>(*TokenIndex::create(entries, ends));
    }();
    return index;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::string_view source = all.substr(1, all.find('\0', 1) - 1);
    const std::string_view text = all.substr(std::min(size, source.size() + 2));
    const auto grammar =
        Grammar::create(static_cast<GrammarKind>(data[0] % 4), source, {.is_lenient = (data[0] & 4) != 0, .triggers = {}});
    if (!grammar) {
        if (grammar.error().code == krait::ErrorCode::internal || grammar.error().message.empty()) std::abort();
        return 0;
    }
    const MatchLimits limits{.steps = 1 << 16, .state_bytes = size_t{1} << 20};
    auto matcher = Matcher::create(grammar->program(), bytes_as_tokens(), limits);
    if (!matcher) return 0;
    for (const char c : text.substr(0, 64)) {
        const auto token = static_cast<int32_t>(static_cast<uint8_t>(c));
        const auto mask = matcher->mask();
        if (!mask) return 0;
        const TokenMask before(mask->begin(), mask->end());
        const auto accepted = matcher->accept(token);
        if (!accepted && accepted.error().code == krait::ErrorCode::unsupported) return 0;
        if (static_cast<bool>(accepted) != has_token(before, static_cast<size_t>(token))) std::abort();
        if (!accepted) return 0;
        if (!matcher->rollback(1)) std::abort();
        const auto again = matcher->mask();
        if (!again || !std::equal(before.begin(), before.end(), again->begin(), again->end())) std::abort();
        if (!matcher->accept(token)) return 0;
    }
    return 0;
}
