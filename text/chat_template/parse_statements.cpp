// SPDX-License-Identifier: Apache-2.0
#include "core/base/printable.hpp"
#include "text/chat_template/parser.hpp"

namespace krait::chat {

bool Parser::take(std::string_view symbol) {
    if (!token().is(symbol)) return false;
    skip();
    return true;
}

bool Parser::take_name(std::string_view name) {
    if (!token().is_name(name)) return false;
    skip();
    return true;
}

std::string Parser::shown() const {
    switch (token().kind) {
        case TokenKind::end: return "the end of the template";
        case TokenKind::block_end: return "the end of the block";
        case TokenKind::output_end: return "the end of the expression";
        case TokenKind::string: return "the string " + quote(token().text, '\'', 40);
        case TokenKind::integer:
        case TokenKind::real: return "a number";
        default: return quote(token().text, '\'', 40);
    }
}

Result<void> Parser::expect(std::string_view symbol) {
    if (take(symbol)) return {};
    return fail_at(token().place, "expected '{}', got {}", symbol, shown());
}

Result<void> Parser::expect_name(std::string_view name) {
    if (take_name(name)) return {};
    return fail_at(token().place, "expected '{}', got {}", name, shown());
}

Result<std::string> Parser::name(std::string_view what) {
    if (token().kind != TokenKind::name) return fail_at(token().place, "expected {}, got {}", what, shown());
    std::string found = token().text;
    skip();
    return found;
}

Result<void> Parser::expect_block_end() {
    if (token().kind != TokenKind::block_end)
        return fail_at(token().place, "expected the end of the block, %}}, got {}", shown());
    skip();
    return {};
}

NameId Parser::id_of(const std::string& name) {
    const auto [entry, is_new] = ids_.emplace(name, static_cast<NameId>(syntax_.names.size()));
    if (is_new) syntax_.names.push_back(name);
    return entry->second;
}

Result<void> Parser::enter() const {
    if (depth_ >= kMaxNesting)
        return fail_at(token().place, "statements and expressions are nested more than {} deep", kMaxNesting);
    return {};
}

Result<Body> Parser::body(std::initializer_list<std::string_view> ends) {
    KRAIT_CHECK(enter());
    const Nesting nesting(depth_);
    Body made;
    for (;;) {
        const Place place = token().place;
        switch (token().kind) {
            case TokenKind::end: {
                if (ends.size() == 0) return made;
                return fail_at(place, "the template ends inside of a block that ends with {{% {} %}}", *(ends.end() - 1));
            }
            case TokenKind::data: {
                auto text = std::make_unique<Statement>(StatementKind::text, place);
                text->constant = syntax_.constants.text(token().text);
                made.push_back(std::move(text));
                skip();
                break;
            }
            case TokenKind::output_begin: {
                skip();
                auto output = std::make_unique<Statement>(StatementKind::output, place);
                KRAIT_TRY(auto value, tuple(false));
                output->expressions.push_back(std::move(value));
                if (token().kind != TokenKind::output_end)
                    return fail_at(token().place, "expected the end of the expression, }}}}, got {}", shown());
                skip();
                made.push_back(std::move(output));
                break;
            }
            default: {
                skip();
                for (const std::string_view end : ends) {
                    if (token().is_name(end)) return made;
                }
                KRAIT_TRY(auto parsed, statement());
                KRAIT_CHECK(expect_block_end());
                if (parsed) made.push_back(std::move(parsed));
            }
        }
    }
}

Result<Body> Parser::block_body(std::string_view end) {
    KRAIT_CHECK(expect_block_end());
    KRAIT_TRY(Body made, body({end}));
    skip();
    return made;
}

// Its name is the current token; afterwards its last block's end is.
Result<std::unique_ptr<Statement>> Parser::statement() {
    const Place place = token().place;
    KRAIT_TRY(const std::string kind, name("the name of a statement"));
    auto made = std::make_unique<Statement>(StatementKind::block, place);
    if (kind == "if") {
        KRAIT_CHECK(if_statement(*made));
    } else if (kind == "for") {
        KRAIT_CHECK(for_statement(*made));
    } else if (kind == "set") {
        KRAIT_CHECK(set_statement(*made));
    } else if (kind == "macro") {
        KRAIT_CHECK(macro_statement(*made));
    } else if (kind == "call") {
        KRAIT_CHECK(call_statement(*made));
    } else if (kind == "filter") {
        KRAIT_CHECK(filter_statement(*made));
    } else if (kind == "with") {
        KRAIT_CHECK(with_statement(*made));
    } else if (kind == "generation") {
        KRAIT_CHECK(block_statement(*made, "endgeneration"));
    } else if (kind == "block") {
        KRAIT_TRY(const std::string ignored, name("the name of the block"));
        KRAIT_CHECK(block_statement(*made, "endblock"));
        if (token().kind == TokenKind::name) skip();
    } else if (kind == "print") {
        made->kind = StatementKind::output;
        do {
            KRAIT_TRY(auto value, expression());
            made->expressions.push_back(std::move(value));
        } while (take(","));
    } else if (kind == "break" || kind == "continue") {
        if (loops_ == 0) return fail_at(place, "'{}' stands outside of a loop", kind);
        made->kind = kind == "break" ? StatementKind::break_ : StatementKind::continue_;
    } else if (kind == "include" || kind == "import" || kind == "extends" || kind == "from") {
        return fail_at(place, "'{}' reads another template, and a chat template has none", kind);
    } else {
        return fail_at(place, "there is no statement {} here", quote(kind, '\'', 40));
    }
    return made;
}

Result<void> Parser::if_statement(Statement& made) {
    made.kind = StatementKind::condition;
    for (;;) {
        KRAIT_TRY(auto condition, tuple(false, false));
        made.expressions.push_back(std::move(condition));
        KRAIT_CHECK(expect_block_end());
        KRAIT_TRY(Body then, body({"elif", "else", "endif"}));
        made.bodies.push_back(std::move(then));
        if (take_name("elif")) continue;
        if (take_name("else")) {
            KRAIT_TRY(Body otherwise, block_body("endif"));
            made.bodies.push_back(std::move(otherwise));
        } else {
            skip();
        }
        return {};
    }
}

Result<void> Parser::for_statement(Statement& made) {
    made.kind = StatementKind::loop;
    made.loop = std::make_unique<For>();
    For& loop = *made.loop;
    KRAIT_TRY(loop.target, target(false));
    KRAIT_CHECK(expect_name("in"));
    KRAIT_TRY(loop.iterated, tuple(false, false));
    if (take_name("if")) {
        KRAIT_TRY(loop.condition, expression());
    }
    loop.is_recursive = take_name("recursive");
    KRAIT_CHECK(expect_block_end());
    ++loops_;
    KRAIT_TRY(loop.body, body({"else", "endfor"}));
    --loops_;
    if (take_name("else")) {
        KRAIT_TRY(loop.otherwise, block_body("endfor"));
    } else {
        skip();
    }
    return {};
}

Result<Target> Parser::single_target(bool may_be_attribute) {
    Target made{Target::Kind::name, token().place};
    if (take("(")) {
        KRAIT_TRY(made, target(may_be_attribute));
        KRAIT_CHECK(expect(")"));
        return made;
    }
    KRAIT_TRY(const std::string variable, name("the name of a variable"));
    for (const std::string_view reserved : {"true", "false", "none", "True", "False", "None"}) {
        if (variable == reserved) return fail_at(made.place, "'{}' cannot be assigned to", variable);
    }
    made.name = id_of(variable);
    if (may_be_attribute && take(".")) {
        made.kind = Target::Kind::attribute;
        KRAIT_TRY(const std::string attribute, name("the name of an attribute"));
        made.attribute = syntax_.constants.text(attribute);
    }
    return made;
}

Result<Target> Parser::target(bool may_be_attribute) {
    KRAIT_CHECK(enter());
    const Nesting nesting(depth_);
    const Place place = token().place;
    KRAIT_TRY(Target first, single_target(may_be_attribute));
    if (!token().is(",")) return first;
    Target several{Target::Kind::several, place};
    several.parts.push_back(std::move(first));
    while (take(",")) {
        if (token().kind != TokenKind::name && !token().is("(")) break;
        if (token().is_name("in")) break;
        KRAIT_TRY(Target part, single_target(may_be_attribute));
        several.parts.push_back(std::move(part));
    }
    return several;
}

Result<void> Parser::set_statement(Statement& made) {
    made.kind = StatementKind::set;
    KRAIT_TRY(Target to, target(true));
    made.targets.push_back(std::move(to));
    if (take("=")) {
        KRAIT_TRY(auto value, tuple(false));
        made.expressions.push_back(std::move(value));
        return {};
    }
    made.kind = StatementKind::set_block;
    made.expressions.emplace_back();
    if (take("|")) {
        KRAIT_TRY(made.expressions[0], filter(nullptr));
    }
    KRAIT_TRY(Body value, block_body("endset"));
    made.bodies.push_back(std::move(value));
    return {};
}

Result<void> Parser::signature(Macro& macro) {
    KRAIT_CHECK(expect("("));
    while (!token().is(")")) {
        if (!macro.parameters.empty()) KRAIT_CHECK(expect(","));
        if (token().is(")")) break;
        KRAIT_TRY(std::string parameter, name("the name of a parameter"));
        macro.parameters.push_back(id_of(parameter));
        macro.parameter_names.push_back(std::move(parameter));
        ExpressionPtr given;
        if (take("=")) {
            KRAIT_TRY(given, expression());
        } else if (!macro.defaults.empty() && macro.defaults.back()) {
            return fail_at(token().place, "a parameter without a default follows one with a default");
        }
        macro.defaults.push_back(std::move(given));
    }
    return expect(")");
}

// Notes which of varargs, kwargs and caller the body mentions: these say which other arguments the macro takes.
Result<void> Parser::macro_body(Macro& macro, std::string_view end) {
    const uint32_t loops = std::exchange(loops_, 0);
    const size_t begin = at_;
    KRAIT_TRY(macro.body, block_body(end));
    loops_ = loops;
    for (size_t i = begin; i < at_; ++i) {
        macro.uses_varargs |= tokens_[i].is_name("varargs");
        macro.uses_kwargs |= tokens_[i].is_name("kwargs");
        macro.uses_caller |= tokens_[i].is_name("caller");
    }
    return {};
}

Result<void> Parser::macro_statement(Statement& made) {
    made.kind = StatementKind::macro;
    made.macro = std::make_unique<Macro>();
    made.macro->place = made.place;
    KRAIT_TRY(const std::string macro_name, name("the name of the macro"));
    made.macro->name = id_of(macro_name);
    KRAIT_CHECK(signature(*made.macro));
    return macro_body(*made.macro, "endmacro");
}

Result<void> Parser::call_statement(Statement& made) {
    made.kind = StatementKind::call_block;
    made.macro = std::make_unique<Macro>();
    made.macro->place = made.place;
    made.macro->name = id_of("caller");
    if (token().is("(")) KRAIT_CHECK(signature(*made.macro));
    const Place place = token().place;
    KRAIT_TRY(auto called, expression());
    if (called->kind != ExpressionKind::call) return fail_at(place, "a call block needs a call of a macro");
    made.expressions.push_back(std::move(called));
    return macro_body(*made.macro, "endcall");
}

Result<void> Parser::filter_statement(Statement& made) {
    made.kind = StatementKind::filter_block;
    KRAIT_TRY(auto filtered, filter(nullptr));
    made.expressions.push_back(std::move(filtered));
    KRAIT_TRY(Body inner, block_body("endfilter"));
    made.bodies.push_back(std::move(inner));
    return {};
}

Result<void> Parser::with_statement(Statement& made) {
    made.kind = StatementKind::with;
    while (token().kind != TokenKind::block_end) {
        if (!made.targets.empty()) KRAIT_CHECK(expect(","));
        KRAIT_TRY(Target to, single_target(false));
        KRAIT_CHECK(expect("="));
        KRAIT_TRY(auto value, expression());
        made.targets.push_back(std::move(to));
        made.expressions.push_back(std::move(value));
    }
    KRAIT_TRY(Body inner, block_body("endwith"));
    made.bodies.push_back(std::move(inner));
    return {};
}

Result<void> Parser::block_statement(Statement& made, std::string_view end) {
    KRAIT_TRY(Body inner, block_body(end));
    made.bodies.push_back(std::move(inner));
    return {};
}

Result<std::unique_ptr<const Syntax>> parse_template(std::string_view source) {
    KRAIT_TRY(auto tokens, read_tokens(source));
    auto syntax = std::make_unique<Syntax>();
    Parser parser(std::move(tokens), *syntax);
    KRAIT_TRY(syntax->body, parser.body({}));
    return syntax;
}

}  // namespace krait::chat
