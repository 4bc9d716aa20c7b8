// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/regex.hpp"

#include <utility>

#include "text/grammar/limits.hpp"
#include "text/grammar/regex_classes.hpp"
#include "text/grammar/repeat_bounds.hpp"
#include "text/grammar/source_cursor.hpp"

namespace krait::grammar {
namespace {

class RegexParser {
  public:
    RegexParser(ProgramBuilder& builder, std::string_view source, const RegexOptions& options)
        : builder_(builder), options_(options), cursor_(source, options.name) {}

    // Brackets are levels of a stack, so their number has no limit.
    Result<Part> parse() && {
        KRAIT_CHECK(cursor_.check_utf8());
        levels_.emplace_back();
        while (!cursor_.is_done() && !builder_.is_full()) KRAIT_CHECK(step());
        if (levels_.size() > 1 && !builder_.is_full()) return cursor_.error(levels_.back().place, "'(' is not closed");
        end_alternative();
        return builder_.either(levels_.front().alternatives);
    }

  private:
    struct Level {
        size_t place = 0;  // of the bracket
        std::vector<Part> alternatives, elements;
        bool begins = false, ends = false;  // the alternative has '^', or '$'
        bool can_repeat = false;            // the last element
    };

    Result<void> step() {
        Level& level = levels_.back();
        const size_t place = cursor_.at();
        if (level.ends && !cursor_.sees("|") && !cursor_.sees(")"))
            return cursor_.error(place,
                                 "nothing can follow '$': it is possible at the end of the expression, or in front of '|'");
        const char c = cursor_.peek();
        switch (c) {
            case '(': return open_group();
            case ')': return close_group();
            case '|':
                cursor_.skip();
                end_alternative();
                return {};
            case '*':
            case '+':
            case '?': return quantify();
            case '^':
            case '$': return anchor(c);
            case '[': return add_class();
            case '.': cursor_.skip(); return add(any_in_line());
            case '\\': return add_escape();
            case '{':
                if (is_bounds()) return quantify();
                break;
            default: break;
        }
        const char32_t point = cursor_.take_character();
        return add({{point, point}});
    }

    Result<void> add(const CodePointSet& set) {
        levels_.back().elements.push_back(options_.write(builder_, set));
        levels_.back().can_repeat = true;
        return {};
    }

    Part sequence_of(std::span<const Part> parts) {
        Part all = parts.empty() ? builder_.empty() : parts[0];
        for (size_t i = 1; i < parts.size(); ++i) all = builder_.sequence(all, parts[i]);
        return all;
    }
    Part anything() { return builder_.repeat(options_.write(builder_, CodePointSet::all()), 0, kEndless); }

    // ^ and $ stand at the ends of the alternatives of the whole.
    void end_alternative() {
        Level& level = levels_.back();
        if (options_.is_search && levels_.size() == 1) {
            if (!level.begins) level.elements.insert(level.elements.begin(), anything());
            if (!level.ends) level.elements.push_back(anything());
        }
        level.alternatives.push_back(sequence_of(level.elements));
        level.elements.clear();
        level.begins = level.ends = level.can_repeat = false;
    }

    Result<void> anchor(char c) {
        Level& level = levels_.back();
        const size_t place = cursor_.at();
        if (levels_.size() > 1 || (c == '^' && !level.elements.empty()))
            return cursor_.error(place, "'{}' is possible only at the {} of the expression, or of one of its alternatives", c,
                                 c == '^' ? "beginning" : "end");
        cursor_.skip();
        (c == '^' ? level.begins : level.ends) = true;
        level.can_repeat = false;
        return {};
    }

    Result<void> open_group() {
        const size_t place = cursor_.at();
        cursor_.skip();
        if (cursor_.take("?") && !cursor_.take(":")) {
            if (cursor_.sees("<=") || cursor_.sees("<!") || cursor_.sees("=") || cursor_.sees("!"))
                return cursor_.error(place, "looking ahead or behind is not supported");
            if (!cursor_.take("<") && !cursor_.take("P<"))
                return cursor_.error(place, "flags and other groups with '?' are not supported; (?:...) and (?<name>...) are");
            const size_t end = cursor_.rest().find('>');
            if (end == std::string_view::npos) return cursor_.error(place, "the name of the group has no '>'");
            cursor_.skip(end + 1);
        }
        levels_.push_back({.place = place, .alternatives = {}, .elements = {}});
        return {};
    }

    Result<void> close_group() {
        if (levels_.size() == 1) return cursor_.error(cursor_.at(), "')' closes no bracket");
        cursor_.skip();
        end_alternative();
        const Part group = builder_.either(levels_.back().alternatives);
        levels_.pop_back();
        levels_.back().elements.push_back(group);
        levels_.back().can_repeat = true;
        return {};
    }

    // {m}, {m,} or {m,n}; else '{' is a character as any other.
    bool is_bounds() const {
        std::string_view rest = cursor_.rest().substr(1);
        const size_t end = rest.find('}');
        rest = rest.substr(0, end);
        return end != std::string_view::npos && !rest.empty() && rest.front() >= '0' && rest.front() <= '9' &&
               rest.find_first_not_of("0123456789,") == rest.npos;
    }

    Result<void> quantify() {
        Level& level = levels_.back();
        if (!level.can_repeat)
            return cursor_.error(cursor_.at(), "there is nothing in front of '{}' to be repeated", cursor_.peek());
        KRAIT_TRY(const RepeatBounds bounds, take_quantifier(cursor_));
        cursor_.take("?");  // as few as possible: the same texts
        if (cursor_.sees("+")) return cursor_.error(cursor_.at(), "a repetition that gives nothing back is not supported");
        level.elements.back() = builder_.repeat(level.elements.back(), bounds.min, bounds.max);
        level.can_repeat = false;
        return {};
    }

    // Behind '\\'. nothing: an escape that stands for no character.
    Result<CodePointSet> take_escape(bool in_class) {
        const size_t place = cursor_.at();
        cursor_.skip();
        if (cursor_.is_done()) return cursor_.error(place, "the expression ends behind '\\'");
        const char c = cursor_.peek();
        const auto single = [](char32_t point) { return CodePointSet({{point, point}}); };
        if (auto set = class_of_escape(c)) {
            cursor_.skip();
            return *std::move(set);
        }
        if (c == 'p' || c == 'P') {
            cursor_.skip();
            const size_t end = cursor_.rest().find('}');
            if (!cursor_.take("{") || end == std::string_view::npos)
                return cursor_.error(place, "\\{} needs a category of Unicode: \\{}{{L}}", c, c);
            std::string_view name = cursor_.rest().substr(0, end - 1);
            cursor_.skip(end);
            for (const std::string_view prefix : {"General_Category=", "gc="})
                if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
            const auto set = general_category(name);
            if (!set)
                return cursor_.error(place, "{} is no general category of Unicode: L, Lu, Nd, P and the like are", quote(name));
            return c == 'p' ? *set : set->negated();
        }
        if (c == 'x' || c == 'u') return take_code_point(place);
        constexpr std::string_view kNames = "tnrfv0", kCharacters("\t\n\r\f\v\0", 6);
        if (const size_t found = kNames.find(c); found != kNames.npos) {
            cursor_.skip();
            return single(static_cast<char32_t>(kCharacters[found]));
        }
        if (in_class && c == 'b') {
            cursor_.skip();
            return single('\b');
        }
        const bool is_sign = !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9');
        if (!is_sign)
            return cursor_.error(place, "\\{} is not supported{}", c,
                                 c >= '1' && c <= '9'   ? ": a group cannot be referred to"
                                 : c == 'b' || c == 'B' ? ": it looks around"
                                                        : "");
        return single(cursor_.take_character());
    }

    Result<CodePointSet> take_code_point(size_t place) {
        const bool is_short = cursor_.take("x");
        std::optional<char32_t> point;
        if (is_short) {
            point = cursor_.take_hex(2);
        } else {
            cursor_.skip();
            if (cursor_.take("{")) {
                const size_t end = cursor_.rest().find('}');
                if (end != std::string_view::npos && end <= 6) point = cursor_.take_hex(end);
                if (point && !cursor_.take("}")) point.reset();
            } else {
                point = cursor_.take_hex(4);
                if (point && *point >= 0xD800 && *point < 0xDC00 && cursor_.take("\\u")) {
                    const auto low = cursor_.take_hex(4);
                    if (!low || *low < 0xDC00 || *low > 0xDFFF) return cursor_.error(place, "half of a pair of surrogates");
                    point = 0x10000 + ((*point - 0xD800) << 10) + (*low - 0xDC00);
                }
            }
        }
        if (!point) return cursor_.error(place, "hexadecimal digits are missing: \\xHH, \\uHHHH and \\u{{H...}} are possible");
        if (*point > 0x10FFFF || (*point >= 0xD800 && *point <= 0xDFFF))
            return cursor_.error(place, "U+{:04X} is no character", static_cast<uint32_t>(*point));
        return CodePointSet({{*point, *point}});
    }

    Result<void> add_escape() {
        KRAIT_TRY(const CodePointSet set, take_escape(false));
        return add(set);
    }

    Result<void> add_class() {
        const size_t place = cursor_.at();
        cursor_.skip();
        const bool is_negated = cursor_.take("^");
        CodePointSet set;
        const auto take = [&]() -> Result<CodePointSet> {
            if (cursor_.peek() == '\\') return take_escape(true);
            const char32_t point = cursor_.take_character();
            return CodePointSet({{point, point}});
        };
        const auto point_of = [](const CodePointSet& one) -> std::optional<char32_t> {
            if (one.ranges().size() != 1 || one.ranges()[0].first != one.ranges()[0].last) return {};
            return one.ranges()[0].first;
        };
        while (!cursor_.take("]")) {
            if (cursor_.is_done()) return cursor_.error(place, "the class that begins here is not closed: ']' is missing");
            const size_t range_place = cursor_.at();
            KRAIT_TRY(const CodePointSet first, take());
            if (!cursor_.sees("-") || cursor_.sees("-]") || !point_of(first)) {
                set.add(first);
                continue;
            }
            cursor_.skip();
            if (cursor_.is_done()) return cursor_.error(place, "the class that begins here is not closed: ']' is missing");
            KRAIT_TRY(const CodePointSet last, take());
            if (!point_of(last)) {  // [a-\d]
                set.add(first);
                set.add('-');
                set.add(last);
            } else if (*point_of(last) < *point_of(first)) {
                return cursor_.error(range_place, "the range {} is empty", quote(cursor_.since(range_place)));
            } else {
                set.add(*point_of(first), *point_of(last));
            }
        }
        return add(is_negated ? set.negated() : set);
    }

    ProgramBuilder& builder_;
    const RegexOptions& options_;
    SourceCursor cursor_;
    std::vector<Level> levels_;
};

}  // namespace

Result<Part> add_regex(ProgramBuilder& builder, std::string_view source, const RegexOptions& options) {
    if (source.size() > kMaxSourceBytes)
        return fail(ErrorCode::invalid_argument, "{} has {} bytes: at most {} are possible", options.name, source.size(),
                    kMaxSourceBytes);
    return RegexParser(builder, source, options).parse();
}

Result<Program> compile_regex(std::string_view source, std::vector<std::string> triggers) {
    ProgramBuilder builder;
    const uint32_t root = builder.add_rule("the regular expression");
    builder.set_owner("the regular expression");
    KRAIT_TRY(const Part part, add_regex(builder, source, {}));
    builder.define(root, part);
    return std::move(builder).finish(root, std::move(triggers));
}

}  // namespace krait::grammar
