// SPDX-License-Identifier: Apache-2.0
#include "core/base/printable.hpp"
#include "text/chat_template/interpreter.hpp"
#include "text/chat_template/lexer.hpp"
#include "text/chat_template/printing.hpp"

namespace krait::chat {

Result<Value> Interpreter::evaluate(const Expression& expression, Scope& scope) {
    KRAIT_CHECK(enter(expression.place));
    const Depth depth(depth_);
    return evaluate_node(expression, scope);
}

Result<Value> Interpreter::evaluate_if_given(const ExpressionPtr& expression, Scope& scope) {
    if (!expression) return Value();
    return evaluate(*expression, scope);
}

Result<Value> Interpreter::evaluate_node(const Expression& expression, Scope& scope) {
    Heap& heap = environment_.heap;
    switch (expression.kind) {
        case ExpressionKind::constant: return expression.constant;
        case ExpressionKind::name: return variable(expression, scope);
        case ExpressionKind::list:
        case ExpressionKind::tuple: return make_list(expression, scope);
        case ExpressionKind::dict: return make_dict(expression, scope);
        case ExpressionKind::concatenate: return concatenate(expression, scope);
        case ExpressionKind::compare: return compare(expression, scope);
        case ExpressionKind::slice: return slice_of(expression, scope);
        case ExpressionKind::call: return call(expression, scope);
        case ExpressionKind::filter:
        case ExpressionKind::test: return apply(expression, scope);
        default: break;
    }
    KRAIT_TRY(const Value first, evaluate(*expression.parts[0], scope));
    switch (expression.kind) {
        case ExpressionKind::and_: return is_true(first) ? evaluate(*expression.parts[1], scope) : first;
        case ExpressionKind::or_: return is_true(first) ? first : evaluate(*expression.parts[1], scope);
        case ExpressionKind::not_: return Value::of(!is_true(first));
        case ExpressionKind::conditional:
            if (is_true(first)) return evaluate(*expression.parts[1], scope);
            if (expression.parts[2]) return evaluate(*expression.parts[2], scope);
            return heap.missing("a condition without else was false, so that its value is undefined");
        case ExpressionKind::negative: return located(expression.place, negate(first));
        case ExpressionKind::positive:
            if (first.is_number()) return first.is(Kind::boolean) ? Value::of(first.as_integer()) : first;
            if (first.is(Kind::undefined)) return located(expression.place, Result<Value>(fail_undefined(first)));
            return fail_at(expression.place, "there is no +{}", type_name(first));
        case ExpressionKind::attribute: return located(expression.place, attribute(first, expression.constant, heap));
        default: break;
    }
    KRAIT_TRY(const Value second, evaluate(*expression.parts[1], scope));
    if (expression.kind == ExpressionKind::item) return located(expression.place, item(first, second, heap));
    return located(expression.place, compute(expression.arithmetic, first, second, heap));
}

Result<Value> Interpreter::variable(const Expression& expression, Scope& scope) {
    if (const Value* found = scope.find(expression.name)) return *found;
    const std::string& name = syntax_.names[expression.name];
    if (const NamedFunction* function = find_function(name)) {
        auto* callable = environment_.heap.make<Callable>();
        callable->name = function->name;
        callable->function = function->function;
        return Value::of(callable);
    }
    return environment_.heap.missing(fmt::format("{} is undefined", quote(name)));
}

Result<Value> Interpreter::make_list(const Expression& expression, Scope& scope) {
    std::vector<Value> items;
    items.reserve(expression.parts.size());
    for (const auto& part : expression.parts) {
        KRAIT_TRY(const Value item, evaluate(*part, scope));
        items.push_back(item);
    }
    return environment_.heap.list(std::move(items), expression.kind == ExpressionKind::tuple ? Flavor::tuple : Flavor::list);
}

Result<Value> Interpreter::make_dict(const Expression& expression, Scope& scope) {
    auto* dict = environment_.heap.make<Dict>();
    for (size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
        KRAIT_TRY(const Value key, evaluate(*expression.parts[i], scope));
        KRAIT_TRY(const Value value, evaluate(*expression.parts[i + 1], scope));
        KRAIT_CHECK(located(expression.parts[i]->place, set_entry(*dict, key, value, environment_.heap.budget())));
    }
    return Value::of(dict);
}

Result<Value> Interpreter::concatenate(const Expression& expression, Scope& scope) {
    TextBuilder builder(environment_.heap.budget());
    for (const auto& part : expression.parts) {
        KRAIT_TRY(const Value value, evaluate(*part, scope));
        KRAIT_CHECK(located(part->place, print(value, builder)));
    }
    return environment_.heap.text(builder);
}

Result<bool> Interpreter::compare_two(Comparison comparison, const Value& a, const Value& b) {
    Budget& budget = environment_.heap.budget();
    const auto opposite = [](Result<bool> found) { return found ? Result<bool>(!*found) : found; };
    switch (comparison) {
        case Comparison::equal: return equal(a, b, budget);
        case Comparison::unequal: return opposite(equal(a, b, budget));
        case Comparison::in: return contains(b, a, budget);
        case Comparison::not_in: return opposite(contains(b, a, budget));
        case Comparison::less: return less(a, b, budget);
        case Comparison::greater: return less(b, a, budget);
        case Comparison::less_equal:
        case Comparison::greater_equal: break;
    }
    // Not the opposite of greater: NaN is neither.
    const bool is_less = comparison == Comparison::less_equal;
    KRAIT_TRY(const bool strictly, is_less ? less(a, b, budget) : less(b, a, budget));
    return strictly ? Result<bool>(true) : equal(a, b, budget);
}

// a < b < c: each with the next, as long as it is true.
Result<Value> Interpreter::compare(const Expression& expression, Scope& scope) {
    KRAIT_TRY(Value left, evaluate(*expression.parts[0], scope));
    for (size_t i = 0; i < expression.comparisons.size(); ++i) {
        KRAIT_TRY(const Value right, evaluate(*expression.parts[i + 1], scope));
        KRAIT_TRY(const bool holds, located(expression.place, compare_two(expression.comparisons[i], left, right)));
        if (!holds) return Value::of(false);
        left = right;
    }
    return Value::of(true);
}

Result<Value> Interpreter::slice_of(const Expression& expression, Scope& scope) {
    KRAIT_TRY(const Value object, evaluate(*expression.parts[0], scope));
    KRAIT_TRY(const Value begin, evaluate_if_given(expression.parts[1], scope));
    KRAIT_TRY(const Value end, evaluate_if_given(expression.parts[2], scope));
    KRAIT_TRY(const Value step, evaluate_if_given(expression.parts[3], scope));
    return located(expression.place, slice(object, begin, end, step, environment_.heap));
}

Result<Value> Interpreter::apply(const Expression& expression, Scope& scope) {
    const bool is_filter = expression.kind == ExpressionKind::filter;
    Value self;
    if (expression.parts[0]) {
        KRAIT_TRY(self, evaluate(*expression.parts[0], scope));
    } else if (block_) {
        self = *block_;
    }
    const NamedFunction* function = is_filter ? find_filter(expression.text) : find_test(expression.text);
    if (!function)
        return fail_at(expression.place, "there is no {} {}", is_filter ? "filter" : "test", quote(expression.text, '\'', 40));
    KRAIT_TRY(const Given given, evaluate_arguments(*expression.arguments, scope));
    return located(expression.place, function->function({environment_, self, given.positional, given.keywords}))
        .map_error([&](Error error) {
            error.message += fmt::format(" ({} '{}')", is_filter ? "filter" : "test", expression.text);
            return error;
        });
}

}  // namespace krait::chat
