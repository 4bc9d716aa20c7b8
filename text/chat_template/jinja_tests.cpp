// SPDX-License-Identifier: Apache-2.0
//
// Jinja's tests, which stand behind `is`: x is defined, x is divisibleby 3.
#include <algorithm>

#include "text/chat_template/characters.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/printing.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

// A test that looks at the value alone.
template <bool (*Question)(const Value&)>
Result<Value> plain(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    return Value::of(Question(call.self));
}

bool is_defined(const Value& value) { return !value.is(Kind::undefined); }
bool is_undefined(const Value& value) { return value.is(Kind::undefined); }
bool is_none(const Value& value) { return value.is(Kind::none); }
bool is_string(const Value& value) { return value.is(Kind::text); }
bool is_mapping(const Value& value) { return value.is(Kind::dict); }
bool is_boolean(const Value& value) { return value.is(Kind::boolean); }
bool is_true_itself(const Value& value) { return value.is(Kind::boolean) && value.boolean; }
bool is_false_itself(const Value& value) { return value.is(Kind::boolean) && !value.boolean; }
bool is_integer(const Value& value) { return value.is(Kind::integer); }
bool is_float(const Value& value) { return value.is(Kind::real); }
bool is_number(const Value& value) { return value.is_number(); }
// Undefined is callable, and fails when it is called.
bool is_callable(const Value& value) { return value.is(Kind::callable) || value.is(Kind::loop) || value.is(Kind::undefined); }
bool is_iterable(const Value& value) {
    return value.is(Kind::text) || value.is(Kind::list) || value.is(Kind::dict) || value.is(Kind::undefined) ||
           value.is(Kind::loop);
}
bool is_sequence(const Value& value) {
    if (value.is(Kind::list)) return value.list->flavor != Flavor::generator && value.list->flavor != Flavor::view;
    return value.is(Kind::text) || value.is(Kind::dict) || value.is(Kind::undefined);
}
bool is_never(const Value&) { return false; }

template <class Judge>
Result<Value> compared(const Call& call, Judge&& judge) {
    KRAIT_TRY(const auto bound, call.bind(1, {"other"}));
    KRAIT_TRY(const bool holds, judge(call.self, bound[0], call.budget()));
    return Value::of(holds);
}
Result<bool> opposite(Result<bool> found) { return found ? Result<bool>(!*found) : found; }

Result<Value> equals(const Call& call) { return compared(call, equal); }
Result<Value> differs(const Call& call) {
    return compared(call, [](const Value& a, const Value& b, Budget& budget) { return opposite(equal(a, b, budget)); });
}
Result<Value> is_less(const Call& call) { return compared(call, less); }
Result<Value> is_greater(const Call& call) {
    return compared(call, [](const Value& a, const Value& b, Budget& budget) { return less(b, a, budget); });
}
Result<Value> is_at_most(const Call& call) {
    return compared(call, [](const Value& a, const Value& b, Budget& budget) -> Result<bool> {
        KRAIT_TRY(const bool strictly, less(a, b, budget));
        return strictly ? Result<bool>(true) : equal(a, b, budget);
    });
}
Result<Value> is_at_least(const Call& call) {
    return compared(call, [](const Value& a, const Value& b, Budget& budget) -> Result<bool> {
        KRAIT_TRY(const bool strictly, less(b, a, budget));
        return strictly ? Result<bool>(true) : equal(a, b, budget);
    });
}
Result<Value> is_in(const Call& call) {
    return compared(call, [](const Value& a, const Value& b, Budget& budget) { return contains(b, a, budget); });
}
Result<Value> is_same(const Call& call) {
    return compared(call, [](const Value& a, const Value& b, Budget& budget) -> Result<bool> {
        if (a.kind != b.kind) return false;
        if (a.is(Kind::list)) return a.list == b.list;
        if (a.is(Kind::dict)) return a.dict == b.dict;
        return equal(a, b, budget);
    });
}

Result<bool> leaves(const Value& value, const Value& divisor, int64_t rest, Heap& heap) {
    KRAIT_TRY(const Value left, compute(Arithmetic::modulo, value, divisor, heap));
    return equal(left, Value::of(rest), heap.budget());
}
Result<Value> is_divisible(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"num"}));
    KRAIT_TRY(const bool holds, leaves(call.self, bound[0], 0, call.heap()));
    return Value::of(holds);
}
Result<Value> is_odd(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(const bool holds, leaves(call.self, Value::of(int64_t{2}), 1, call.heap()));
    return Value::of(holds);
}
Result<Value> is_even(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(const bool holds, leaves(call.self, Value::of(int64_t{2}), 0, call.heap()));
    return Value::of(holds);
}

// All letters that have a case have this one, and there is one.
Result<Value> has_case(const Call& call, bool upper) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(const Value text, to_text(call.self, call.heap()));
    const std::string_view bytes = bytes_of(text);
    call.budget().work(bytes.size() * 16);
    bool found = false;
    for (size_t at = 0; at < bytes.size(); at += length_at(bytes, at)) {
        const char32_t point = point_at(bytes, at);
        if (upper ? is_lower(point) : is_upper(point)) return Value::of(false);
        found |= upper ? is_upper(point) : is_lower(point);
    }
    return Value::of(found);
}
Result<Value> is_upper_text(const Call& call) { return has_case(call, true); }
Result<Value> is_lower_text(const Call& call) { return has_case(call, false); }

Result<Value> is_filter_name(const Call& call) {
    return Value::of(call.self.is(Kind::text) && find_filter(bytes_of(call.self)) != nullptr);
}
Result<Value> is_test_name(const Call& call) {
    return Value::of(call.self.is(Kind::text) && find_test(bytes_of(call.self)) != nullptr);
}

constexpr NamedFunction kTests[] = {{"defined", plain<is_defined>},
                                    {"undefined", plain<is_undefined>},
                                    {"none", plain<is_none>},
                                    {"string", plain<is_string>},
                                    {"mapping", plain<is_mapping>},
                                    {"iterable", plain<is_iterable>},
                                    {"sequence", plain<is_sequence>},
                                    {"boolean", plain<is_boolean>},
                                    {"true", plain<is_true_itself>},
                                    {"false", plain<is_false_itself>},
                                    {"integer", plain<is_integer>},
                                    {"float", plain<is_float>},
                                    {"number", plain<is_number>},
                                    {"callable", plain<is_callable>},
                                    {"escaped", plain<is_never>},
                                    {"eq", equals},
                                    {"equalto", equals},
                                    {"==", equals},
                                    {"ne", differs},
                                    {"!=", differs},
                                    {"lt", is_less},
                                    {"lessthan", is_less},
                                    {"<", is_less},
                                    {"le", is_at_most},
                                    {"<=", is_at_most},
                                    {"gt", is_greater},
                                    {"greaterthan", is_greater},
                                    {">", is_greater},
                                    {"ge", is_at_least},
                                    {">=", is_at_least},
                                    {"in", is_in},
                                    {"sameas", is_same},
                                    {"divisibleby", is_divisible},
                                    {"odd", is_odd},
                                    {"even", is_even},
                                    {"upper", is_upper_text},
                                    {"lower", is_lower_text},
                                    {"filter", is_filter_name},
                                    {"test", is_test_name}};

}  // namespace

const NamedFunction* find_test(std::string_view name) { return find_in(kTests, name); }

const NamedFunction* find_filter(std::string_view name) {
    for (const auto table : {text_filters(), sequence_filters(), selection_filters(), number_filters()}) {
        if (const NamedFunction* found = find_in(table, name)) return found;
    }
    return nullptr;
}

}  // namespace krait::chat
