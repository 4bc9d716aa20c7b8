// SPDX-License-Identifier: Apache-2.0
//
// Jinja's grammar: statements in parse_statements.cpp, expressions in parse_expressions.cpp. For parse_template alone.
#pragma once

#include <initializer_list>
#include <map>

#include "text/chat_template/lexer.hpp"

namespace krait::chat {

class Parser {
  public:
    Parser(std::vector<Token> tokens, Syntax& syntax) : tokens_(std::move(tokens)), syntax_(syntax) {}

    // Up to a block that begins with one of `ends`, whose name is then the current token; with none, to the end of the source.
    Result<Body> body(std::initializer_list<std::string_view> ends);

  private:
    // ---- tokens ----
    const Token& token() const { return tokens_[at_]; }
    const Token& next_token() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    void skip(size_t n = 1) { at_ = std::min(at_ + n, tokens_.size() - 1); }
    bool take(std::string_view symbol);
    bool take_name(std::string_view name);
    Result<void> expect(std::string_view symbol);
    Result<void> expect_name(std::string_view name);
    Result<std::string> name(std::string_view what);
    Result<void> expect_block_end();
    std::string shown() const;  // the current token, for messages
    NameId id_of(const std::string& name);

    // ---- statements ----
    Result<std::unique_ptr<Statement>> statement();
    Result<void> if_statement(Statement& made);
    Result<void> for_statement(Statement& made);
    Result<void> set_statement(Statement& made);
    Result<void> macro_statement(Statement& made);
    Result<void> call_statement(Statement& made);
    Result<void> filter_statement(Statement& made);
    Result<void> with_statement(Statement& made);
    Result<void> block_statement(Statement& made, std::string_view end);
    Result<Body> block_body(std::string_view end);  // behind a tag, up to the end block, which goes
    Result<Target> target(bool may_be_attribute);
    Result<Target> single_target(bool may_be_attribute);
    Result<void> signature(Macro& macro);
    Result<void> macro_body(Macro& macro, std::string_view end);

    // ---- expressions ----
    Result<ExpressionPtr> expression(bool with_conditional = true);
    Result<ExpressionPtr> conditional();
    Result<ExpressionPtr> disjunction();
    Result<ExpressionPtr> conjunction();
    Result<ExpressionPtr> negation();
    Result<ExpressionPtr> comparison();
    Result<ExpressionPtr> sum();
    Result<ExpressionPtr> concatenation();
    Result<ExpressionPtr> product();
    Result<ExpressionPtr> power();
    Result<ExpressionPtr> unary(bool with_filters);
    Result<ExpressionPtr> primary();
    Result<ExpressionPtr> list();
    Result<ExpressionPtr> dict();
    // Expressions with commas between them are a tuple.
    Result<ExpressionPtr> tuple(bool in_parentheses, bool with_conditional = true);
    Result<ExpressionPtr> postfix(ExpressionPtr value);
    Result<ExpressionPtr> filters_and_tests(ExpressionPtr value);
    Result<ExpressionPtr> subscript(ExpressionPtr value);
    Result<ExpressionPtr> subscript_key(ExpressionPtr value);
    Result<ExpressionPtr> call(ExpressionPtr function);
    Result<std::unique_ptr<Arguments>> arguments();
    Result<void> argument(Arguments& made);
    // `value` may be null; the name of the first filter is the current token.
    Result<ExpressionPtr> filter(ExpressionPtr value);
    Result<ExpressionPtr> test(ExpressionPtr value);
    Result<std::string> dotted_name(std::string_view what);
    bool ends_tuple() const;
    ExpressionPtr make(ExpressionKind kind, Place place) const;
    // Fails where the tree has become too high to be walked.
    static Result<ExpressionPtr> finish(ExpressionPtr made);
    Result<void> enter() const;

    struct Nesting {  // of what is being parsed
        explicit Nesting(uint32_t& depth) : depth_(depth) { ++depth_; }
        ~Nesting() { --depth_; }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        uint32_t& depth_;
    };

    std::vector<Token> tokens_;
    Syntax& syntax_;
    size_t at_ = 0;
    uint32_t depth_ = 0, loops_ = 0;
    std::map<std::string, NameId, std::less<>> ids_;
};

}  // namespace krait::chat
