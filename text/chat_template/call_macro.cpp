// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/base/printable.hpp"
#include "text/chat_template/interpreter.hpp"
#include "text/chat_template/lexer.hpp"

namespace krait::chat {

Result<std::vector<Value>> Call::bind(std::initializer_list<std::string_view> parameters) const {
    if (positional.size() > parameters.size())
        return fail(ErrorCode::invalid_argument, "{} arguments are given; at most {} are taken", positional.size(),
                    parameters.size());
    std::vector<Value> bound(parameters.size());
    std::ranges::copy(positional, bound.begin());
    for (const Keyword& keyword : keywords) {
        const auto found = std::ranges::find(parameters, keyword.name);
        if (found == parameters.end())
            return fail(ErrorCode::invalid_argument, "there is no argument {}", quote(keyword.name, '\'', 40));
        const auto index = static_cast<size_t>(found - parameters.begin());
        if (index < positional.size())
            return fail(ErrorCode::invalid_argument, "the argument '{}' is given twice", keyword.name);
        bound[index] = keyword.value;
    }
    return bound;
}

Result<std::vector<Value>> Call::bind(size_t needed, std::initializer_list<std::string_view> parameters) const {
    KRAIT_TRY(auto bound, bind(parameters));
    for (size_t i = positional.size(); i < needed; ++i) {
        const std::string_view name = parameters.begin()[i];
        if (std::ranges::none_of(keywords, [&](const Keyword& keyword) { return keyword.name == name; }))
            return fail(ErrorCode::invalid_argument, "the argument '{}' is missing", name);
    }
    return bound;
}

Result<Interpreter::Given> Interpreter::evaluate_arguments(const Arguments& arguments, Scope& scope) {
    Given given;
    Heap& heap = environment_.heap;
    given.positional.reserve(arguments.positional.size());
    for (const auto& argument : arguments.positional) {
        KRAIT_TRY(const Value value, evaluate(*argument, scope));
        given.positional.push_back(value);
    }
    if (arguments.more_positional) {
        KRAIT_TRY(const Value list, evaluate(*arguments.more_positional, scope));
        KRAIT_TRY(const auto more, located(arguments.more_positional->place, elements(list, heap)));
        given.positional.insert(given.positional.end(), more.begin(), more.end());
    }
    for (const auto& [name, argument] : arguments.keywords) {
        KRAIT_TRY(const Value value, evaluate(*argument, scope));
        given.keywords.push_back({name, value});
    }
    if (arguments.more_keywords) {
        const Place place = arguments.more_keywords->place;
        KRAIT_TRY(const Value dict, evaluate(*arguments.more_keywords, scope));
        if (!dict.is(Kind::dict)) return fail_at(place, "** takes a dict, and this is of the type {}", type_name(dict));
        for (const auto& [name, value] : dict.dict->entries) {
            if (!name.is(Kind::text)) return fail_at(place, "the names of arguments are texts");
            given.keywords.push_back({bytes_of(name), value});
        }
    }
    return given;
}

Result<Value> Interpreter::call(const Expression& expression, Scope& scope, const Value* caller) {
    KRAIT_TRY(const Value function, evaluate(*expression.parts[0], scope));
    KRAIT_TRY(Given given, evaluate_arguments(*expression.arguments, scope));
    if (caller) given.keywords.push_back({"caller", *caller});
    return call_value(function, given, expression.place);
}

Result<Value> Interpreter::call_value(const Value& function, const Given& given, Place place) {
    if (function.is(Kind::loop) && function.loop->statement) return call_loop(*function.loop, given, place);
    if (function.is(Kind::undefined)) return located(place, Result<Value>(fail_undefined(function)));
    if (!function.is(Kind::callable)) return fail_at(place, "a value of the type {} cannot be called", type_name(function));
    const Callable& callable = *function.callable;
    if (callable.function)
        return located(place, callable.function({environment_, callable.self, given.positional, given.keywords}));
    KRAIT_CHECK(enter(place));
    return call_macro(callable, given);
}

Result<Value> Interpreter::call_macro(const Callable& callable, const Given& given) {
    auto* scope = environment_.heap.make<Scope>(callable.scope, environment_.heap.budget());
    KRAIT_CHECK(set_parameters(*callable.macro, given, *scope));
    TextBuilder text(environment_.heap.budget());
    const Value* around = std::exchange(block_, nullptr);
    const auto done = run_body(callable.macro->body, *scope, text);
    block_ = around;
    if (!done) return tl::unexpected<Error>(done.error());
    return environment_.heap.text(text);
}

Result<void> Interpreter::set_parameters(const Macro& macro, const Given& given, Scope& scope) {
    Heap& heap = environment_.heap;
    const size_t n = macro.parameters.size();
    const auto name_of = [&] { return quote(syntax_.names[macro.name], '\'', 40); };
    std::vector<bool> is_given(n);
    for (size_t i = 0; i < std::min(n, given.positional.size()); ++i) {
        scope.set(macro.parameters[i], given.positional[i]);
        is_given[i] = true;
    }
    auto* kwargs = heap.make<Dict>();
    Value caller = heap.missing("this call of the macro has no caller");
    for (const Keyword& keyword : given.keywords) {
        heap.budget().work(n * 8);  // names that are compared
        const auto found = std::ranges::find(macro.parameter_names, keyword.name);
        const auto index = static_cast<size_t>(found - macro.parameter_names.begin());
        if (index < n) {
            if (is_given[index])
                return fail_at(macro.place, "the macro {} is given its argument {} twice", name_of(),
                               quote(keyword.name, '\'', 40));
            scope.set(macro.parameters[index], keyword.value);
            is_given[index] = true;
        } else if (macro.uses_caller && keyword.name == "caller") {
            caller = keyword.value;
        } else if (macro.uses_kwargs) {
            KRAIT_CHECK(set_entry(*kwargs, heap.text(keyword.name), keyword.value, heap.budget()));
        } else {
            return fail_at(macro.place, "the macro {} has no argument {}", name_of(), quote(keyword.name, '\'', 40));
        }
    }
    if (given.positional.size() > n && !macro.uses_varargs)
        return fail_at(macro.place, "the macro {} takes {} arguments and is given {}", name_of(), n, given.positional.size());
    if (macro.uses_caller) scope.set(caller_name_, caller);
    if (macro.uses_kwargs) scope.set(kwargs_name_, Value::of(kwargs));
    if (macro.uses_varargs) {
        std::vector<Value> rest;
        for (size_t i = n; i < given.positional.size(); ++i) rest.push_back(given.positional[i]);
        scope.set(varargs_name_, heap.list(std::move(rest), Flavor::tuple));
    }
    for (size_t i = 0; i < n && heap.budget().ok(); ++i) {
        if (is_given[i]) continue;
        if (macro.defaults[i]) {
            KRAIT_TRY(const Value value, evaluate(*macro.defaults[i], scope));
            scope.set(macro.parameters[i], value);
        } else {
            scope.set(macro.parameters[i],
                      heap.missing(fmt::format("the argument '{}' is not given", macro.parameter_names[i])));
        }
    }
    return {};
}

Result<Value> Interpreter::call_loop(Loop& loop, const Given& given, Place place) {
    KRAIT_CHECK(enter(place));
    if (given.positional.size() != 1 || !given.keywords.empty())
        return fail_at(place, "a recursive loop is called with one value");
    const Depth depth(depth_);
    TextBuilder text(environment_.heap.budget());
    KRAIT_CHECK(run_loop(*loop.statement, given.positional[0], loop.depth + 1, place, *loop.scope, text));
    return environment_.heap.text(text);
}

}  // namespace krait::chat
