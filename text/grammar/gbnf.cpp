// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/gbnf.hpp"

#include <map>
#include <utility>

#include "text/grammar/program_builder.hpp"
#include "text/grammar/repeat_bounds.hpp"
#include "text/grammar/source_cursor.hpp"

namespace krait::grammar {
namespace {

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class GbnfParser {
  public:
    explicit GbnfParser(std::string_view source) : cursor_(source, "the grammar") {}

    Result<Program> parse(std::vector<std::string> triggers) && {
        KRAIT_CHECK(cursor_.check_utf8());
        skip_space(true);
        while (!cursor_.is_done() && !builder_.is_full()) KRAIT_CHECK(parse_rule());
        const auto root = rules_.find("root");
        if (!builder_.is_full()) {
            if (root == rules_.end())
                return cursor_.error(cursor_.at(), "there is no rule 'root', with which the text begins: write root ::= ...");
            KRAIT_CHECK(check_defined());
        }
        return std::move(builder_).finish(root == rules_.end() ? 0 : root->second.id, std::move(triggers));
    }

  private:
    struct NamedRule {
        uint32_t id;
        size_t place;  // where it was first named
    };
    // Alternatives that are being read: of a rule, or inside of brackets.
    struct Level {
        size_t place;  // of the bracket
        std::vector<Part> alternatives;
        std::vector<Part> elements;  // of the alternative that is being read
    };

    Result<void> check_defined() const {
        const auto* first = static_cast<const std::pair<const std::string, NamedRule>*>(nullptr);
        for (const auto& named : rules_)
            if (!builder_.is_defined(named.second.id) && (!first || named.second.place < first->second.place)) first = &named;
        if (!first) return {};
        return cursor_.error(first->second.place, "rule {} is not defined: write {} ::= ...", quote(first->first),
                             first->first);
    }

    void skip_space(bool newlines) {
        for (;; cursor_.skip()) {
            if (cursor_.peek() == '#')
                while (!cursor_.is_done() && cursor_.peek() != '\n' && cursor_.peek() != '\r') cursor_.skip();
            if (cursor_.is_done()) return;
            const char c = cursor_.peek();
            if (c != ' ' && c != '\t' && !(newlines && (c == '\n' || c == '\r'))) return;
        }
    }

    std::string_view take_name() {
        const size_t begin = cursor_.at();
        while (!cursor_.is_done() && is_name_character(cursor_.peek())) cursor_.skip();
        return cursor_.since(begin);
    }

    uint32_t rule_named(std::string_view name, size_t place) {
        const auto found = rules_.find(name);
        if (found != rules_.end()) return found->second.id;
        const uint32_t id = builder_.add_rule(std::string(name));
        rules_.emplace(name, NamedRule{id, place});
        return id;
    }

    Result<void> parse_rule() {
        const size_t place = cursor_.at();
        const std::string_view name = take_name();
        if (name.empty())
            return cursor_.error(place, "the name of a rule is missing: letters, digits, '-' and '_' are possible");
        skip_space(false);
        if (!cursor_.take("::=")) return cursor_.error(cursor_.at(), "'::=' is missing behind {}", quote(name));
        skip_space(true);
        const uint32_t rule = rule_named(name, place);
        if (builder_.is_defined(rule)) return cursor_.error(place, "rule {} is defined a second time", quote(name));
        builder_.set_owner(std::string(name));
        KRAIT_TRY(const Part body, parse_alternatives());
        builder_.define(rule, body);
        if (!cursor_.is_done() && cursor_.peek() != '\n' && cursor_.peek() != '\r')
            return cursor_.error(cursor_.at(), "{} cannot stand here; a rule ends with its line, or goes on with '|'",
                                 quote(std::string_view(cursor_.rest()).substr(0, utf8_step(cursor_.rest()).length)));
        skip_space(true);
        return {};
    }

    static void end_alternative(Level& level, ProgramBuilder& builder) {
        Part part = level.elements.empty() ? builder.empty() : level.elements[0];
        for (size_t i = 1; i < level.elements.size(); ++i) part = builder.sequence(part, level.elements[i]);
        level.alternatives.push_back(part);
        level.elements.clear();
    }

    // Until what cannot go on; brackets are levels of a stack, so their number has no limit.
    Result<Part> parse_alternatives() {
        std::vector<Level> levels(1);
        while (!builder_.is_full()) {
            const size_t place = cursor_.at();
            if (cursor_.take("(")) {
                levels.push_back({.place = place, .alternatives = {}, .elements = {}});
                skip_space(true);
                continue;
            }
            if (cursor_.take("|")) {
                end_alternative(levels.back(), builder_);
                skip_space(true);
                continue;
            }
            if (levels.size() > 1 && cursor_.take(")")) {
                end_alternative(levels.back(), builder_);
                const Part group = builder_.either(levels.back().alternatives);
                levels.pop_back();
                levels.back().elements.push_back(group);
            } else if (is_quantifier(cursor_.peek()) && !cursor_.is_done()) {
                KRAIT_CHECK(quantify(levels.back()));
            } else {
                KRAIT_TRY(const std::optional<Part> element, parse_element());
                if (!element) break;
                levels.back().elements.push_back(*element);
            }
            skip_space(levels.size() > 1);
        }
        if (levels.size() > 1 && !builder_.is_full()) return cursor_.error(levels.back().place, "'(' is not closed");
        end_alternative(levels.front(), builder_);
        return builder_.either(levels.front().alternatives);
    }

    static bool is_quantifier(char c) { return c == '*' || c == '+' || c == '?' || c == '{'; }

    Result<void> quantify(Level& level) {
        if (level.elements.empty())
            return cursor_.error(cursor_.at(), "there is nothing in front of '{}' to be repeated", cursor_.peek());
        KRAIT_TRY(const RepeatBounds bounds, take_quantifier(cursor_));
        level.elements.back() = builder_.repeat(level.elements.back(), bounds.min, bounds.max);
        return {};
    }

    Result<std::optional<Part>> parse_element() {
        if (cursor_.is_done()) return std::nullopt;
        const size_t place = cursor_.at();
        const char c = cursor_.peek();
        if (c == '"') return parse_literal();
        if (c == '[') return parse_class();
        if (c == '<' || c == '!') return parse_token();
        if (cursor_.take(".")) return builder_.characters(CodePointSet::all());
        const std::string_view name = take_name();
        if (name.empty()) return std::nullopt;
        return builder_.call(rule_named(name, place));
    }

    Result<char32_t> take_character() {
        const size_t place = cursor_.at();
        if (!cursor_.take("\\")) return cursor_.take_character();
        const char kind = cursor_.peek();
        if (cursor_.is_done()) return cursor_.error(place, "the grammar ends behind '\\'");
        const size_t n_digit = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
        if (n_digit > 0) {
            cursor_.skip();
            const auto point = cursor_.take_hex(n_digit);
            if (!point) return cursor_.error(place, "\\{} needs {} hexadecimal digits", kind, n_digit);
            if (*point > 0x10FFFF || (*point >= 0xD800 && *point <= 0xDFFF))
                return cursor_.error(place, "U+{:04X} is no character", static_cast<uint32_t>(*point));
            return *point;
        }
        constexpr std::string_view kNames = "nrt\\\"[]", kCharacters = "\n\r\t\\\"[]";
        const size_t found = kNames.find(kind);
        if (found == kNames.npos)
            return cursor_.error(
                place, "there is no escape \\{}; \\n \\r \\t \\\\ \\\" \\[ \\] \\xHH \\uHHHH \\UHHHHHHHH are possible",
                printable(cursor_.rest().substr(0, utf8_step(cursor_.rest()).length)));
        cursor_.skip();
        return static_cast<char32_t>(kCharacters[found]);
    }

    Result<std::optional<Part>> parse_literal() {
        const size_t place = cursor_.at();
        cursor_.skip();
        std::string bytes;
        while (!cursor_.take("\"")) {
            if (cursor_.is_done()) return cursor_.error(place, "the literal that begins here is not closed: '\"' is missing");
            KRAIT_TRY(const char32_t point, take_character());
            append_utf8(bytes, point);
        }
        return builder_.literal(bytes);
    }

    Result<std::optional<Part>> parse_class() {
        const size_t place = cursor_.at();
        cursor_.skip();
        const bool is_negated = cursor_.take("^");
        CodePointSet set;
        while (!cursor_.take("]")) {
            const auto not_closed = [&] {
                return cursor_.error(place, "the class that begins here is not closed: ']' is missing");
            };
            if (cursor_.is_done()) return not_closed();
            const size_t range_place = cursor_.at();
            KRAIT_TRY(const char32_t first, take_character());
            char32_t last = first;
            if (cursor_.sees("-") && !cursor_.sees("-]")) {
                cursor_.skip();
                if (cursor_.is_done()) return not_closed();
                KRAIT_TRY(last, take_character());
            }
            if (last < first)
                return cursor_.error(range_place, "the range from U+{:04X} to U+{:04X} is empty", static_cast<uint32_t>(first),
                                     static_cast<uint32_t>(last));
            set.add(first, last);
        }
        if (set.empty()) return cursor_.error(place, "the class has no characters; '.' is any character");
        return builder_.characters(is_negated ? set.negated() : set);
    }

    Result<std::optional<Part>> parse_token() {
        const size_t place = cursor_.at();
        TokenChoice choice{.id = {}, .text = {}, .is_negated = cursor_.take("!")};
        if (!cursor_.take("<"))
            return cursor_.error(place, "'<' is missing behind '!': !<[123]> or !<text> is any other token");
        const size_t end = cursor_.rest().find('>');
        const std::string_view inner = cursor_.rest().substr(0, end);
        if (end == std::string_view::npos || inner.find('\n') != inner.npos)
            return cursor_.error(place, "the token that begins here is not closed: '>' is missing");
        if (cursor_.take("[")) {
            const auto id = cursor_.take_number();
            if (!id || *id > INT32_MAX || !cursor_.take("]>"))
                return cursor_.error(place, "{} is no token; <[123]> names one by its id, <text> by its text",
                                     quote(fmt::format("<{}>", inner)));
            choice.id = static_cast<int32_t>(*id);
        } else {
            choice.text = fmt::format("<{}>", inner);
            cursor_.skip(end + 1);
        }
        return builder_.tokens(std::move(choice));
    }

    SourceCursor cursor_;
    ProgramBuilder builder_;
    std::map<std::string, NamedRule, std::less<>> rules_;
};

}  // namespace

Result<Program> compile_gbnf(std::string_view source, std::vector<std::string> triggers) {
    if (source.size() > kMaxSourceBytes)
        return fail(ErrorCode::invalid_argument, "the grammar has {} bytes: at most {} are possible", source.size(),
                    kMaxSourceBytes);
    return GbnfParser(source).parse(std::move(triggers));
}

}  // namespace krait::grammar
