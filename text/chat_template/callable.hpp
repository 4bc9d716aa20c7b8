// SPDX-License-Identifier: Apache-2.0
//
// Values that a template can call: its own macros, functions that every template has, methods of values. And the arguments of a
// call, which filters and tests take too.
#pragma once

#include <ctime>
#include <initializer_list>
#include <span>

#include "text/chat_template/value.hpp"

namespace krait::chat {

struct Keyword {
    std::string_view name;
    Value value;
};

// The parts of a rendering that functions which it calls may use.
struct Environment {
    Heap& heap;
    const std::tm& now;  // of strftime_now
};

// A call of a filter, a test, a function or a method: `self` is what it is applied to, the arguments are behind it.
struct Call {
    Environment& environment;
    Value self;
    std::span<const Value> positional;
    std::span<const Keyword> keywords;

    Heap& heap() const { return environment.heap; }
    Budget& budget() const { return environment.heap.budget(); }
    // The arguments in the order of the parameters' names; undefined where one is not given. Fails where one is given twice,
    // unknown, or beyond the last.
    Result<std::vector<Value>> bind(std::initializer_list<std::string_view> parameters) const;
    // The same for a function where the first `needed` have to be given.
    Result<std::vector<Value>> bind(size_t needed, std::initializer_list<std::string_view> parameters) const;
};

using Function = Result<Value> (*)(const Call& call);
struct NamedFunction {
    std::string_view name;
    Function function;
};

struct Macro;
struct Scope;
struct Callable : Object {
    std::string_view name;        // of something that lives as long as the rendering
    Function function = nullptr;  // null: a macro
    Value self;
    const Macro* macro = nullptr;
    Scope* scope = nullptr;  // in which the macro was defined
};

// By name; null where there is none.
const NamedFunction* find_filter(std::string_view name);
const NamedFunction* find_test(std::string_view name);
const NamedFunction* find_function(std::string_view name);  // range, dict, namespace, ...
const NamedFunction* find_method(const Value& self, std::string_view name);

// In one of the tables behind them.
inline const NamedFunction* find_in(std::span<const NamedFunction> table, std::string_view name) {
    for (const NamedFunction& entry : table) {
        if (entry.name == name) return &entry;
    }
    return nullptr;
}
// The tables, each with its file.
std::span<const NamedFunction> text_filters();
std::span<const NamedFunction> number_filters();
std::span<const NamedFunction> sequence_filters();
std::span<const NamedFunction> selection_filters();
std::span<const NamedFunction> text_methods();
std::span<const NamedFunction> text_test_methods();
std::span<const NamedFunction> list_methods();
std::span<const NamedFunction> dict_methods();
std::span<const NamedFunction> loop_methods();

}  // namespace krait::chat
