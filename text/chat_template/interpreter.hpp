// SPDX-License-Identifier: Apache-2.0
//
// Walks the tree of a template, once: statements in run_statements.cpp, expressions in evaluate.cpp, calls in call_macro.cpp.
#pragma once

#include <ctime>

#include "text/chat_template/callable.hpp"
#include "text/chat_template/loop.hpp"
#include "text/chat_template/syntax.hpp"

namespace krait::chat {

// Variables. A loop's round, a macro's call, a with block have scopes of their own, and see those around them. The budget is
// charged for the variables that are looked through: a template may have a hundred thousand.
struct Scope : Object {
    Scope(Scope* around, Budget& charged) : parent(around), budget(charged) {}
    Scope* parent;
    Budget& budget;
    std::vector<std::pair<NameId, Value>> variables;

    Value* find(NameId name);
    void set(NameId name, const Value& value);
};

struct Variable {
    std::string_view name;
    Value value;
};

class Interpreter {
  public:
    // All of it outlives the interpreter.
    Interpreter(const Syntax& syntax, Environment& environment, uint32_t max_depth)
        : syntax_(syntax), environment_(environment), max_depth_(max_depth) {}

    Result<MarkedText> run(std::span<const Variable> variables);

  private:
    enum class Flow : uint8_t { on, break_, continue_ };

    // ---- statements ----
    Result<Flow> run_body(const Body& body, Scope& scope, TextBuilder& out);
    Result<Flow> run_statement(const Statement& statement, Scope& scope, TextBuilder& out);
    Result<Flow> run_condition(const Statement& statement, Scope& scope, TextBuilder& out);
    Result<void> run_loop(const For& loop, const Value& iterated, uint32_t depth, Place place, Scope& scope, TextBuilder& out);
    Result<void> run_set(const Statement& statement, Scope& scope);
    Result<void> run_set_block(const Statement& statement, Scope& scope);
    Result<void> run_call_block(const Statement& statement, Scope& scope, TextBuilder& out);
    Result<Flow> run_with(const Statement& statement, Scope& scope, TextBuilder& out);
    Result<Value> filtered_block(const Statement& statement, Scope& scope);
    Result<void> assign(const Target& target, const Value& value, Scope& scope);
    Value macro_value(const Macro& macro, Scope& scope);

    // ---- expressions ----
    Result<Value> evaluate(const Expression& expression, Scope& scope);
    Result<Value> evaluate_node(const Expression& expression, Scope& scope);
    Result<Value> evaluate_if_given(const ExpressionPtr& expression, Scope& scope);  // undefined where there is none
    Result<Value> variable(const Expression& expression, Scope& scope);
    Result<Value> make_list(const Expression& expression, Scope& scope);
    Result<Value> make_dict(const Expression& expression, Scope& scope);
    Result<Value> concatenate(const Expression& expression, Scope& scope);
    Result<Value> compare(const Expression& expression, Scope& scope);
    Result<bool> compare_two(Comparison comparison, const Value& a, const Value& b);
    Result<Value> slice_of(const Expression& expression, Scope& scope);
    Result<Value> apply(const Expression& expression, Scope& scope);  // a filter or a test

    // ---- calls ----
    struct Given {
        std::vector<Value> positional;
        std::vector<Keyword> keywords;
    };
    Result<Given> evaluate_arguments(const Arguments& arguments, Scope& scope);
    Result<Value> call(const Expression& expression, Scope& scope, const Value* caller = nullptr);
    Result<Value> call_value(const Value& function, const Given& given, Place place);
    Result<Value> call_macro(const Callable& callable, const Given& given);
    Result<void> set_parameters(const Macro& macro, const Given& given, Scope& scope);
    Result<Value> call_loop(Loop& loop, const Given& given, Place place);

    // ---- both ----
    Result<void> enter(Place place);  // counts a node
    struct Depth {
        explicit Depth(uint32_t& depth) : depth_(depth) { ++depth_; }
        ~Depth() { --depth_; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;
        uint32_t& depth_;
    };
    NameId id_of(std::string_view name) const;  // kNoName where the template does not mention it
    static constexpr NameId kNoName = UINT32_MAX;

    const Syntax& syntax_;
    Environment& environment_;
    const uint32_t max_depth_;
    uint32_t depth_ = 0;
    const Value* block_ = nullptr;  // what the filter of a block is applied to
    NameId loop_name_ = kNoName, caller_name_ = kNoName, varargs_name_ = kNoName, kwargs_name_ = kNoName;
};

// An error of a value, told with its place in the template.
template <class T>
Result<T> located(Place place, Result<T> result) {
    if (result) return result;
    return tl::unexpected<Error>(std::move(result).error().within(fmt::format("line {}, column {}", place.line, place.column)));
}

}  // namespace krait::chat
