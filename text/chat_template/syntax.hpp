// SPDX-License-Identifier: Apache-2.0
//
// A template as a tree, which the parser makes and the interpreter walks. At most kMaxNesting deep.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/chat_template/operators.hpp"
#include "text/chat_template/value.hpp"

namespace krait::chat {

struct Place {
    uint32_t line = 1, column = 1;  // from 1; columns are characters
};

using NameId = uint32_t;  // an index in Syntax::names

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Arguments {
    std::vector<ExpressionPtr> positional;
    std::vector<std::pair<std::string, ExpressionPtr>> keywords;
    ExpressionPtr more_positional, more_keywords;  // *list, **dict; null where there is none
};

enum class ExpressionKind : uint8_t {
    constant,
    name,
    list,
    tuple,
    dict,         // parts: key, value, key, value
    concatenate,  // ~
    arithmetic,
    negative,
    positive,
    not_,
    and_,
    or_,
    compare,      // parts: a, b, c; comparisons: between them
    conditional,  // parts: condition, value, or null, other
    attribute,    // parts: object; constant: the name
    item,         // parts: object, key
    slice,        // parts: object, begin, end, step; null where left out
    call,         // parts: function
    filter,       // parts: value (null inside of a filter block); text: name
    test,         // the same
};

enum class Comparison : uint8_t { equal, unequal, less, less_equal, greater, greater_equal, in, not_in };

struct Expression {
    ExpressionKind kind;
    Place place;
    uint32_t height = 1;  // of the tree below
    NameId name = 0;
    Arithmetic arithmetic = Arithmetic::add;
    Value constant;
    std::string text;
    std::vector<ExpressionPtr> parts;
    std::vector<Comparison> comparisons;
    std::unique_ptr<Arguments> arguments;  // of calls, filters and tests
};

// The left side of an assignment: a name, an attribute of a namespace, or several targets, which take its items.
struct Target {
    enum class Kind : uint8_t { name, attribute, several } kind = Kind::name;
    Place place;
    NameId name = 0;
    Value attribute;  // a text
    std::vector<Target> parts;
};

struct Statement;
using Body = std::vector<std::unique_ptr<Statement>>;

struct Macro {
    NameId name = 0;
    Place place;
    std::vector<NameId> parameters;
    std::vector<std::string> parameter_names;
    std::vector<ExpressionPtr> defaults;  // null where there is none
    Body body;
    bool uses_varargs = false, uses_kwargs = false, uses_caller = false;  // the special names occur in the body
};

struct For {
    Target target;
    ExpressionPtr iterated, condition;  // condition may be null
    Body body, otherwise;
    bool is_recursive = false;
};

enum class StatementKind : uint8_t {
    text,          // constant
    output,        // expressions, one after another
    condition,     // expressions[i] -> bodies[i]; the last body without an expression is else
    loop,          // loop
    set,           // target, expressions[0]
    set_block,     // target, expressions[0] (filters, or null), bodies[0]
    macro,         // macro
    call_block,    // macro (the caller), expressions[0]: the call
    filter_block,  // expressions[0], bodies[0]
    with,          // targets, expressions, bodies[0]
    block,         // bodies[0]: {% generation %}, {% block %}
    break_,
    continue_,
};

struct Statement {
    Statement(StatementKind of, Place at) : kind(of), place(at) {}

    StatementKind kind;
    Place place;
    Value constant;
    std::vector<ExpressionPtr> expressions;
    std::vector<Body> bodies;
    std::vector<Target> targets;
    std::unique_ptr<For> loop;
    std::unique_ptr<Macro> macro;
};

struct Syntax {
    Syntax() : budget(Limits{UINT64_MAX, UINT64_MAX, 0}), constants(budget) {}
    Body body;
    std::vector<std::string> names;  // of variables
    Budget budget;
    Heap constants;  // texts in the template
};

// source: valid UTF-8 or not, of any length. Errors say line and column.
Result<std::unique_ptr<const Syntax>> parse_template(std::string_view source);

}  // namespace krait::chat
