// SPDX-License-Identifier: Apache-2.0
//
// map, select, reject, selectattr, rejectattr: by the name of a filter or a test.
#include <charconv>

#include "core/base/printable.hpp"
#include "text/chat_template/characters.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/selection.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {

Result<Value> attribute_path(const Value& item_value, const Value& path, const Value& fallback, Heap& heap) {
    Value value = item_value;
    const auto step = [&](const Value& key) -> Result<void> {
        KRAIT_TRY(value, item(value, key, heap));
        if (value.is(Kind::undefined) && is_given(fallback)) value = fallback;
        return {};
    };
    if (!path.is(Kind::text)) {
        KRAIT_CHECK(step(path));
        return value;
    }
    std::string_view rest = bytes_of(path);
    for (bool more = true; more;) {
        const size_t dot = rest.find('.');
        const std::string_view part = rest.substr(0, dot);
        more = dot != rest.npos;
        if (more) rest.remove_prefix(dot + 1);
        int64_t index = 0;
        const auto read = std::from_chars(part.data(), part.data() + part.size(), index);
        const bool is_index =
            !part.empty() && part[0] != '-' && read.ec == std::errc() && read.ptr == part.data() + part.size();
        KRAIT_CHECK(step(is_index ? Value::of(index) : heap.text(part)));
        if (!heap.budget().ok()) break;
    }
    return value;
}

Value fold_case(const Value& value, Heap& heap) {
    if (!value.is(Kind::text)) return value;
    return map_characters(
        value, [](char32_t point, bool) { return to_lower(point); }, heap);
}

namespace {

Result<const NamedFunction*> named(const Value& name, bool is_filter) {
    KRAIT_TRY(const Value text, expect_text(name, is_filter ? "the name of a filter" : "the name of a test"));
    const NamedFunction* found = is_filter ? find_filter(bytes_of(text)) : find_test(bytes_of(text));
    if (!found)
        return fail(ErrorCode::invalid_argument, "there is no {} {}", is_filter ? "filter" : "test",
                    quote(bytes_of(text), '\'', 40));
    return found;
}

// Nothing is taken of a value that is false, none too.
Value nothing(const Call& call) { return call.heap().list({}, Flavor::generator); }

Result<Value> map(const Call& call) {
    if (!is_true(call.self)) return nothing(call);
    KRAIT_TRY(const auto items, elements(call.self, call.heap()));
    std::vector<Value> mapped;
    if (call.positional.empty()) {
        KRAIT_TRY(const auto bound, call.bind(1, {"attribute", "default"}));
        for (const Value& each : items) {
            if (!call.budget().step()) break;
            KRAIT_TRY(const Value value, attribute_path(each, bound[0], bound[1], call.heap()));
            mapped.push_back(value);
        }
    } else {
        KRAIT_TRY(const NamedFunction* filter, named(call.positional[0], true));
        if (filter->function == map) return fail(ErrorCode::unsupported, "map is not mapped");  // no recursion without end
        for (const Value& each : items) {
            if (!call.budget().step()) break;
            KRAIT_TRY(const Value value, filter->function({call.environment, each, call.positional.subspan(1), call.keywords}));
            mapped.push_back(value);
        }
    }
    return call.heap().list(std::move(mapped), Flavor::generator);
}

// Items for which the test is `wanted`; of their attribute where by_attribute.
Result<Value> filtered(const Call& call, bool wanted, bool by_attribute) {
    if (!is_true(call.self)) return nothing(call);
    if (by_attribute && call.positional.empty()) return fail(ErrorCode::invalid_argument, "the attribute is missing");
    KRAIT_TRY(const auto items, elements(call.self, call.heap()));
    const auto arguments = call.positional.subspan(by_attribute ? 1 : 0);
    const NamedFunction* test = nullptr;
    if (!arguments.empty()) {
        KRAIT_TRY(test, named(arguments[0], false));
    }
    std::vector<Value> taken;
    for (const Value& each : items) {
        if (!call.budget().step()) break;
        Value tested = each;
        if (by_attribute) {
            KRAIT_TRY(tested, attribute_path(each, call.positional[0], Value(), call.heap()));
        }
        if (test) {
            KRAIT_TRY(tested, test->function({call.environment, tested, arguments.subspan(1), call.keywords}));
        }
        if (is_true(tested) == wanted) taken.push_back(each);
    }
    return call.heap().list(std::move(taken), Flavor::generator);
}

Result<Value> select(const Call& call) { return filtered(call, true, false); }
Result<Value> reject(const Call& call) { return filtered(call, false, false); }
Result<Value> select_attribute(const Call& call) { return filtered(call, true, true); }
Result<Value> reject_attribute(const Call& call) { return filtered(call, false, true); }

constexpr NamedFunction kFilters[] = {
    {"map", map}, {"select", select}, {"reject", reject}, {"selectattr", select_attribute}, {"rejectattr", reject_attribute}};

}  // namespace

std::span<const NamedFunction> selection_filters() { return kFilters; }

}  // namespace krait::chat
