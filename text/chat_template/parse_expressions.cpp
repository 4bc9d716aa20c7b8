// SPDX-License-Identifier: Apache-2.0
//
// From what binds least to what binds most: x if c else y; or; and; not; comparisons; + -; ~; * / // %; **; signs; filters and
// tests; attributes, items and calls.
#include <algorithm>
#include <optional>

#include "core/base/printable.hpp"
#include "text/chat_template/parser.hpp"

namespace krait::chat {

ExpressionPtr Parser::make(ExpressionKind kind, Place place) const {
    auto made = std::make_unique<Expression>();
    made->kind = kind;
    made->place = place;
    return made;
}

Result<ExpressionPtr> Parser::finish(ExpressionPtr made) {
    uint32_t height = 0;
    const auto look_at = [&height](const ExpressionPtr& part) { height = std::max(height, part ? part->height : 0); };
    for (const auto& part : made->parts) look_at(part);
    if (made->arguments) {
        for (const auto& part : made->arguments->positional) look_at(part);
        for (const auto& [name, part] : made->arguments->keywords) look_at(part);
        look_at(made->arguments->more_positional);
        look_at(made->arguments->more_keywords);
    }
    made->height = height + 1;
    if (made->height > kMaxNesting)
        return fail_at(made->place, "the expression has more than {} operators inside each other", kMaxNesting);
    return made;
}

Result<ExpressionPtr> Parser::expression(bool with_conditional) {
    KRAIT_CHECK(enter());
    const Nesting nesting(depth_);
    return with_conditional ? conditional() : disjunction();
}

Result<ExpressionPtr> Parser::conditional() {
    KRAIT_TRY(auto value, disjunction());
    while (token().is_name("if")) {
        auto made = make(ExpressionKind::conditional, token().place);
        skip();
        KRAIT_TRY(auto condition, disjunction());
        ExpressionPtr other;
        if (take_name("else")) {
            KRAIT_TRY(other, expression());
        }
        made->parts.push_back(std::move(condition));
        made->parts.push_back(std::move(value));
        made->parts.push_back(std::move(other));
        KRAIT_TRY(value, finish(std::move(made)));
    }
    return value;
}

Result<ExpressionPtr> Parser::disjunction() {
    KRAIT_TRY(auto left, conjunction());
    while (token().is_name("or")) {
        auto made = make(ExpressionKind::or_, token().place);
        skip();
        KRAIT_TRY(auto right, conjunction());
        made->parts.push_back(std::move(left));
        made->parts.push_back(std::move(right));
        KRAIT_TRY(left, finish(std::move(made)));
    }
    return left;
}

Result<ExpressionPtr> Parser::conjunction() {
    KRAIT_TRY(auto left, negation());
    while (token().is_name("and")) {
        auto made = make(ExpressionKind::and_, token().place);
        skip();
        KRAIT_TRY(auto right, negation());
        made->parts.push_back(std::move(left));
        made->parts.push_back(std::move(right));
        KRAIT_TRY(left, finish(std::move(made)));
    }
    return left;
}

Result<ExpressionPtr> Parser::negation() {
    if (!token().is_name("not")) return comparison();
    KRAIT_CHECK(enter());
    const Nesting nesting(depth_);
    auto made = make(ExpressionKind::not_, token().place);
    skip();
    KRAIT_TRY(auto value, negation());
    made->parts.push_back(std::move(value));
    return finish(std::move(made));
}

Result<ExpressionPtr> Parser::comparison() {
    constexpr std::array<std::pair<std::string_view, Comparison>, 6> kSymbols{{{"==", Comparison::equal},
                                                                               {"!=", Comparison::unequal},
                                                                               {"<", Comparison::less},
                                                                               {"<=", Comparison::less_equal},
                                                                               {">", Comparison::greater},
                                                                               {">=", Comparison::greater_equal}}};
    auto made = make(ExpressionKind::compare, token().place);
    KRAIT_TRY(auto first, sum());
    made->parts.push_back(std::move(first));
    for (;;) {
        std::optional<Comparison> found;
        for (const auto& [symbol, comparison] : kSymbols) {
            if (token().is(symbol)) found = comparison;
        }
        const bool is_in = token().is_name("in"), is_not_in = token().is_name("not") && next_token().is_name("in");
        if (is_in) found = Comparison::in;
        if (is_not_in) found = Comparison::not_in;
        if (!found) break;
        if (made->comparisons.empty()) made->place = token().place;
        skip(is_not_in ? 2 : 1);
        KRAIT_TRY(auto other, sum());
        made->comparisons.push_back(*found);
        made->parts.push_back(std::move(other));
    }
    if (made->comparisons.empty()) return std::move(made->parts[0]);
    return finish(std::move(made));
}

Result<ExpressionPtr> Parser::sum() {
    KRAIT_TRY(auto left, concatenation());
    while (token().is("+") || token().is("-")) {
        auto made = make(ExpressionKind::arithmetic, token().place);
        made->arithmetic = token().is("+") ? Arithmetic::add : Arithmetic::subtract;
        skip();
        KRAIT_TRY(auto right, concatenation());
        made->parts.push_back(std::move(left));
        made->parts.push_back(std::move(right));
        KRAIT_TRY(left, finish(std::move(made)));
    }
    return left;
}

Result<ExpressionPtr> Parser::concatenation() {
    auto made = make(ExpressionKind::concatenate, token().place);
    do {
        KRAIT_TRY(auto part, product());
        made->parts.push_back(std::move(part));
    } while (take("~"));
    if (made->parts.size() == 1) return std::move(made->parts[0]);
    return finish(std::move(made));
}

Result<ExpressionPtr> Parser::product() {
    constexpr std::array<std::pair<std::string_view, Arithmetic>, 4> kSymbols{
        {{"*", Arithmetic::multiply}, {"/", Arithmetic::divide}, {"//", Arithmetic::divide_down}, {"%", Arithmetic::modulo}}};
    KRAIT_TRY(auto left, power());
    for (;;) {
        const auto found = std::ranges::find_if(kSymbols, [&](const auto& entry) { return token().is(entry.first); });
        if (found == kSymbols.end()) return left;
        auto made = make(ExpressionKind::arithmetic, token().place);
        made->arithmetic = found->second;
        skip();
        KRAIT_TRY(auto right, power());
        made->parts.push_back(std::move(left));
        made->parts.push_back(std::move(right));
        KRAIT_TRY(left, finish(std::move(made)));
    }
}

// From the left, unlike Python: 2 ** 3 ** 2 is 64.
Result<ExpressionPtr> Parser::power() {
    KRAIT_TRY(auto left, unary(true));
    while (token().is("**")) {
        auto made = make(ExpressionKind::arithmetic, token().place);
        made->arithmetic = Arithmetic::power;
        skip();
        KRAIT_TRY(auto right, unary(true));
        made->parts.push_back(std::move(left));
        made->parts.push_back(std::move(right));
        KRAIT_TRY(left, finish(std::move(made)));
    }
    return left;
}

Result<ExpressionPtr> Parser::unary(bool with_filters) {
    ExpressionPtr value;
    if (token().is("-") || token().is("+")) {
        KRAIT_CHECK(enter());
        const Nesting nesting(depth_);
        auto made = make(token().is("-") ? ExpressionKind::negative : ExpressionKind::positive, token().place);
        skip();
        KRAIT_TRY(auto inner, unary(false));
        made->parts.push_back(std::move(inner));
        KRAIT_TRY(value, finish(std::move(made)));
    } else {
        KRAIT_TRY(value, primary());
    }
    KRAIT_TRY(value, postfix(std::move(value)));
    if (!with_filters) return value;
    return filters_and_tests(std::move(value));
}

Result<ExpressionPtr> Parser::primary() {
    const Token& first = token();
    auto constant = make(ExpressionKind::constant, first.place);
    switch (first.kind) {
        case TokenKind::name: {
            const std::string name = first.text;
            skip();
            if (name == "true" || name == "True" || name == "false" || name == "False") {
                constant->constant = Value::of(name == "true" || name == "True");
            } else if (name == "none" || name == "None") {
                constant->constant = Value::none();
            } else {
                constant->kind = ExpressionKind::name;
                constant->name = id_of(name);
            }
            return constant;
        }
        case TokenKind::string: {
            std::string text;
            for (; token().kind == TokenKind::string; skip()) text += token().text;
            constant->constant = syntax_.constants.text(text);
            return constant;
        }
        case TokenKind::integer:
        case TokenKind::real:
            constant->constant = first.kind == TokenKind::integer ? Value::of(first.integer) : Value::of(first.real);
            skip();
            return constant;
        default: break;
    }
    if (first.is("[")) return list();
    if (first.is("{")) return dict();
    if (take("(")) {
        KRAIT_TRY(auto inner, tuple(true));
        KRAIT_CHECK(expect(")"));
        return inner;
    }
    return fail_at(first.place, "expected an expression, got {}", shown());
}

Result<ExpressionPtr> Parser::list() {
    auto made = make(ExpressionKind::list, token().place);
    KRAIT_CHECK(expect("["));
    while (!token().is("]")) {
        if (!made->parts.empty()) KRAIT_CHECK(expect(","));
        if (token().is("]")) break;
        KRAIT_TRY(auto part, expression());
        made->parts.push_back(std::move(part));
    }
    KRAIT_CHECK(expect("]"));
    return finish(std::move(made));
}

Result<ExpressionPtr> Parser::dict() {
    auto made = make(ExpressionKind::dict, token().place);
    KRAIT_CHECK(expect("{"));
    while (!token().is("}")) {
        if (!made->parts.empty()) KRAIT_CHECK(expect(","));
        if (token().is("}")) break;
        KRAIT_TRY(auto key, expression());
        KRAIT_CHECK(expect(":"));
        KRAIT_TRY(auto value, expression());
        made->parts.push_back(std::move(key));
        made->parts.push_back(std::move(value));
    }
    KRAIT_CHECK(expect("}"));
    return finish(std::move(made));
}

bool Parser::ends_tuple() const {
    return token().kind == TokenKind::output_end || token().kind == TokenKind::block_end || token().is(")");
}

Result<ExpressionPtr> Parser::tuple(bool in_parentheses, bool with_conditional) {
    auto made = make(ExpressionKind::tuple, token().place);
    bool has_comma = false;
    while (!ends_tuple()) {
        KRAIT_TRY(auto part, expression(with_conditional));
        made->parts.push_back(std::move(part));
        if (!take(",")) break;
        has_comma = true;
    }
    if (!has_comma) {
        if (!made->parts.empty()) return std::move(made->parts[0]);
        if (!in_parentheses) return fail_at(token().place, "expected an expression, got {}", shown());
    }
    return finish(std::move(made));
}

Result<ExpressionPtr> Parser::postfix(ExpressionPtr value) {
    for (;;) {
        if (token().is(".") || token().is("[")) {
            KRAIT_TRY(value, subscript(std::move(value)));
        } else if (token().is("(")) {
            KRAIT_TRY(value, call(std::move(value)));
        } else {
            return value;
        }
    }
}

Result<ExpressionPtr> Parser::filters_and_tests(ExpressionPtr value) {
    for (;;) {
        if (take("|")) {
            KRAIT_TRY(value, filter(std::move(value)));
        } else if (token().is_name("is")) {
            KRAIT_TRY(value, test(std::move(value)));
        } else if (token().is("(")) {
            KRAIT_TRY(value, call(std::move(value)));
        } else {
            return value;
        }
    }
}

Result<ExpressionPtr> Parser::subscript(ExpressionPtr value) {
    if (token().is("[")) return subscript_key(std::move(value));
    skip();
    auto made = make(ExpressionKind::attribute, token().place);
    made->parts.push_back(std::move(value));
    if (token().kind == TokenKind::integer) {
        made->kind = ExpressionKind::item;
        auto key = make(ExpressionKind::constant, token().place);
        key->constant = Value::of(token().integer);
        made->parts.push_back(std::move(key));
    } else if (token().kind == TokenKind::name) {
        made->constant = syntax_.constants.text(token().text);
    } else {
        return fail_at(token().place, "expected the name of an attribute or a number, got {}", shown());
    }
    skip();
    return finish(std::move(made));
}

Result<ExpressionPtr> Parser::subscript_key(ExpressionPtr value) {
    auto made = make(ExpressionKind::item, token().place);
    KRAIT_CHECK(expect("["));
    made->parts.push_back(std::move(value));
    ExpressionPtr first;
    if (!token().is(":")) {
        KRAIT_TRY(first, expression());
    }
    if (take(":")) {
        made->kind = ExpressionKind::slice;
        made->parts.push_back(std::move(first));
        for (int i = 0; i < 2; ++i) {  // the end, and the step behind another colon
            ExpressionPtr bound;
            if (!token().is(":") && !token().is("]") && !(i == 1 && !made->parts.empty() && !tokens_[at_ - 1].is(":"))) {
                KRAIT_TRY(bound, expression());
            }
            made->parts.push_back(std::move(bound));
            if (i == 0) take(":");
        }
    } else {
        if (token().is(",")) {  // d[1, 2] is d[(1, 2)]
            auto key = make(ExpressionKind::tuple, token().place);
            key->parts.push_back(std::move(first));
            while (take(",")) {
                KRAIT_TRY(auto part, expression());
                key->parts.push_back(std::move(part));
            }
            KRAIT_TRY(first, finish(std::move(key)));
        }
        made->parts.push_back(std::move(first));
    }
    KRAIT_CHECK(expect("]"));
    return finish(std::move(made));
}

Result<ExpressionPtr> Parser::call(ExpressionPtr function) {
    auto made = make(ExpressionKind::call, token().place);
    made->parts.push_back(std::move(function));
    KRAIT_TRY(made->arguments, arguments());
    return finish(std::move(made));
}

Result<std::unique_ptr<Arguments>> Parser::arguments() {
    auto made = std::make_unique<Arguments>();
    KRAIT_CHECK(expect("("));
    bool is_first = true;
    while (!token().is(")")) {
        if (!is_first) KRAIT_CHECK(expect(","));
        is_first = false;
        if (token().is(")")) break;
        KRAIT_CHECK(argument(*made));
    }
    KRAIT_CHECK(expect(")"));
    return made;
}

Result<void> Parser::argument(Arguments& made) {
    const Place place = token().place;
    const auto out_of_order = [&place] {
        return fail_at(place, "arguments come in this order: values, *list, name=value, **dict");
    };
    if (take("*")) {
        if (made.more_positional || made.more_keywords) return out_of_order();
        KRAIT_TRY(made.more_positional, expression());
    } else if (take("**")) {
        if (made.more_keywords) return out_of_order();
        KRAIT_TRY(made.more_keywords, expression());
    } else if (token().kind == TokenKind::name && next_token().is("=")) {
        if (made.more_keywords) return out_of_order();
        std::string name = token().text;
        skip(2);
        KRAIT_TRY(auto value, expression());
        made.keywords.emplace_back(std::move(name), std::move(value));
    } else {
        if (made.more_positional || made.more_keywords || !made.keywords.empty()) return out_of_order();
        KRAIT_TRY(auto value, expression());
        made.positional.push_back(std::move(value));
    }
    return {};
}

Result<std::string> Parser::dotted_name(std::string_view what) {
    KRAIT_TRY(std::string full, name(what));
    while (take(".")) {
        KRAIT_TRY(const std::string part, name(what));
        full += "." + part;
    }
    return full;
}

Result<ExpressionPtr> Parser::filter(ExpressionPtr value) {
    do {
        auto made = make(ExpressionKind::filter, token().place);
        KRAIT_TRY(made->text, dotted_name("the name of a filter"));
        made->parts.push_back(std::move(value));
        made->arguments = std::make_unique<Arguments>();
        if (token().is("(")) {
            KRAIT_TRY(made->arguments, arguments());
        }
        KRAIT_TRY(value, finish(std::move(made)));
    } while (take("|"));
    return value;
}

Result<ExpressionPtr> Parser::test(ExpressionPtr value) {
    skip();
    auto made = make(ExpressionKind::test, token().place);
    const bool is_negated = take_name("not");
    KRAIT_TRY(made->text, dotted_name("the name of a test"));
    made->parts.push_back(std::move(value));
    made->arguments = std::make_unique<Arguments>();
    const Token& next = token();
    const bool has_argument = next.kind == TokenKind::name || next.kind == TokenKind::string ||
                              next.kind == TokenKind::integer || next.kind == TokenKind::real || next.is("[") || next.is("{");
    if (next.is("(")) {
        KRAIT_TRY(made->arguments, arguments());
    } else if (has_argument && !next.is_name("else") && !next.is_name("or") && !next.is_name("and")) {
        if (next.is_name("is")) return fail_at(next.place, "a test does not follow a test: put one into parentheses");
        KRAIT_CHECK(enter());
        const Nesting nesting(depth_);
        KRAIT_TRY(auto argument, primary());
        KRAIT_TRY(argument, postfix(std::move(argument)));
        made->arguments->positional.push_back(std::move(argument));
    }
    KRAIT_TRY(auto finished, finish(std::move(made)));
    if (!is_negated) return finished;
    auto negated = make(ExpressionKind::not_, finished->place);
    negated->parts.push_back(std::move(finished));
    return finish(std::move(negated));
}

}  // namespace krait::chat
