// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/special_tokens.hpp"

#include <algorithm>

#include "core/base/utf8.hpp"
#include "text/tokenizer/characters.hpp"

namespace krait {

namespace {

// The character that `text` begins with; nothing where it begins with none.
std::optional<char32_t> first_character(std::string_view text, size_t& length) {
    if (text.empty()) return std::nullopt;
    const Utf8Step step = utf8_step(text);
    length = step.length;
    if (step.kind != Utf8Kind::character) return std::nullopt;
    return utf8_code_point(text.substr(0, step.length));
}

std::optional<char32_t> last_character(std::string_view text, size_t& length) {
    for (length = 1; length <= std::min<size_t>(text.size(), 4); ++length) {
        const std::string_view end = text.substr(text.size() - length);
        if ((static_cast<uint8_t>(end[0]) & 0xC0) == 0x80) continue;
        const Utf8Step step = utf8_step(end);
        if (step.kind != Utf8Kind::character || step.length != length) return std::nullopt;
        return utf8_code_point(end);
    }
    return std::nullopt;
}

bool is_beside_a_word(std::string_view text, const LiteralMatcher::Hit& hit) {
    size_t length = 0;
    const auto before = last_character(text.substr(0, hit.begin), length);
    const auto behind = first_character(text.substr(hit.end), length);
    return (before && is_word(*before)) || (behind && is_word(*behind));
}

// Where the white space begins that ends at `end`, but not before `from`.
size_t space_before(std::string_view text, size_t from, size_t end) {
    size_t length = 0;
    while (end > from) {
        const auto point = last_character(text.substr(from, end - from), length);
        if (!point || !is_white_space(*point)) break;
        end -= length;
    }
    return end;
}

size_t space_behind(std::string_view text, size_t begin) {
    size_t length = 0;
    for (;; begin += length) {
        const auto point = first_character(text.substr(begin), length);
        if (!point || !is_white_space(*point)) return begin;
    }
}

}  // namespace

SpecialTokens::SpecialTokens(const TokenizerSpec& spec, Vocabulary& vocabulary, bool cuts_user_defined,
                             const TokenizerKind& kind)
    : rules_(spec.rules) {
    Flaws outside;
    std::erase_if(rules_, [&](const TokenRule& rule) {
        if (spec.has_token(rule.id)) return false;
        outside.add([&] {
            return fmt::format("there is a rule for token {}, but ids go from 0 to {}", rule.id, spec.tokens.size() - 1);
        });
        return true;
    });
    outside.report("it is ignored", vocabulary.warnings);
    std::stable_sort(rules_.begin(), rules_.end(), [](const TokenRule& a, const TokenRule& b) { return a.id < b.id; });

    std::vector<std::pair<std::string, int32_t>> all, literal, normalized;
    BuildCheck check(spec.keep_going);
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
        check();
        const std::string_view text = vocabulary.texts[id];
        if (text.empty()) continue;
        const TokenRule* rule = rule_of(id);
        const bool is_cut = vocabulary.is_control(id) || rule != nullptr ||
                            (cuts_user_defined && vocabulary.types[id] == TokenType::user_defined);
        if (!is_cut || !vocabulary.is_findable(id)) continue;
        if (vocabulary.is_control(id)) {
            all.emplace_back(text, id);
        } else if (rule == nullptr || rule->normalized) {
            normalized.emplace_back(kind.normalized(text).value_or(std::string(text)), id);
        } else {
            all.emplace_back(text, id);
            literal.emplace_back(text, id);
        }
    }
    all_ = LiteralMatcher(std::move(all), spec.keep_going);
    literal_ = LiteralMatcher(std::move(literal), spec.keep_going);
    normalized_ = LiteralMatcher(std::move(normalized), spec.keep_going);
}

const TokenRule* SpecialTokens::rule_of(int32_t id) const {
    const auto rule =
        std::lower_bound(rules_.begin(), rules_.end(), id, [](const TokenRule& r, int64_t i) { return r.id < i; });
    return rule == rules_.end() || rule->id != id ? nullptr : &*rule;
}

void SpecialTokens::add_hits(const LiteralMatcher& matcher, std::string_view text, ByteRange range, Hits& hits) const {
    for (const auto& [begin, end, id] : matcher.find_all(text.substr(range.begin, range.end - range.begin)))
        hits.push_back({range.begin + begin, range.begin + end, id});
}

std::vector<SpecialTokens::Segment> SpecialTokens::segments(std::string_view text, const Hits& hits, bool begins_text) const {
    std::vector<Segment> found;
    size_t done = 0;
    const auto add_text = [&](size_t end) {
        if (end > done) found.push_back({text.substr(done, end - done), -1, begins_text && done == 0});
    };
    for (const auto& hit : hits) {
        if (hit.begin < done) continue;  // white space behind the one before
        size_t begin = hit.begin, end = hit.end;
        if (const TokenRule* rule = rules_.empty() ? nullptr : rule_of(hit.id)) {
            if (rule->single_word && is_beside_a_word(text, hit)) continue;
            if (rule->lstrip) begin = space_before(text, done, begin);
            if (rule->rstrip) end = space_behind(text, end);
        }
        add_text(begin);
        found.push_back({{}, hit.id, false});
        done = end;
    }
    add_text(text.size());
    return found;
}

std::vector<SpecialTokens::Segment> SpecialTokens::cut(std::string_view text, bool parse_special,
                                                       std::span<const ByteRange> plain_parts) const {
    Hits hits;
    if (!parse_special) {
        add_hits(literal_, text, {0, text.size()}, hits);
        return segments(text, hits, true);
    }
    size_t done = 0;
    for (const ByteRange& plain : plain_parts) {
        add_hits(all_, text, {done, plain.begin}, hits);
        add_hits(literal_, text, plain, hits);
        done = plain.end;
    }
    add_hits(all_, text, {done, text.size()}, hits);
    return segments(text, hits, true);
}

std::vector<SpecialTokens::Segment> SpecialTokens::cut_normalized(std::string_view text, bool begins_text) const {
    Hits hits;
    add_hits(normalized_, text, {0, text.size()}, hits);
    return segments(text, hits, begins_text);
}

}  // namespace krait
