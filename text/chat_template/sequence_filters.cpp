// SPDX-License-Identifier: Apache-2.0
//
// Filters on lists and dicts; default.
#include <algorithm>

#include "text/chat_template/characters.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/printing.hpp"
#include "text/chat_template/selection.hpp"
#include "text/chat_template/sorting.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

Result<Value> length_of(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(const int64_t n, length(call.self, call.budget()));
    return Value::of(n);
}

Result<Value> first(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    if (call.self.is(Kind::text) && !bytes_of(call.self).empty())
        return call.heap().part(call.self, 0, length_at(bytes_of(call.self), 0));
    KRAIT_TRY(const auto items, elements(call.self, call.heap()));
    return items.empty() ? call.heap().missing("there is no first item, as there is none") : items.front();
}

Result<Value> last(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    if (call.self.is(Kind::list) && call.self.list->flavor == Flavor::generator)
        return fail(ErrorCode::invalid_argument, "a generator has no last item; make a list of it");
    KRAIT_TRY(const auto items, elements(call.self, call.heap()));
    return items.empty() ? call.heap().missing("there is no last item, as there is none") : items.back();
}

Result<Value> join(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"d", "attribute"}));
    KRAIT_TRY(const auto items, elements(call.self, call.heap()));
    TextBuilder builder(call.budget());
    bool is_first = true;
    for (Value each : items) {
        if (!call.budget().step()) break;
        if (!is_first && is_given(bound[0])) KRAIT_CHECK(print(bound[0], builder));
        is_first = false;
        if (is_given(bound[1])) {
            KRAIT_TRY(each, attribute_path(each, bound[1], Value(), call.heap()));
        }
        KRAIT_CHECK(print(each, builder));
    }
    return call.heap().text(builder);
}

Result<Value> list(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(auto items, elements(call.self, call.heap()));
    return call.heap().list(std::move(items));
}

std::vector<Value> pairs_of(const Dict& dict, Heap& heap) {
    std::vector<Value> pairs;
    for (const auto& [key, value] : dict.entries) pairs.push_back(heap.list({key, value}, Flavor::tuple));
    return pairs;
}

Result<Value> items(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    if (call.self.is(Kind::undefined)) return call.heap().list({}, Flavor::generator);
    if (!call.self.is(Kind::dict))
        return fail(ErrorCode::invalid_argument, "only a dict has items, and this is of the type {}", type_name(call.self));
    return call.heap().list(pairs_of(*call.self.dict, call.heap()), Flavor::generator);
}

Result<Value> dictsort(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"case_sensitive", "by", "reverse"}));
    if (call.self.is(Kind::undefined)) return fail_undefined(call.self);
    if (!call.self.is(Kind::dict))
        return fail(ErrorCode::invalid_argument, "dictsort takes a dict, no {}", type_name(call.self));
    int64_t by = 0;
    if (is_given(bound[1])) {
        KRAIT_TRY(const Value text, expect_text(bound[1], "what is sorted by"));
        if (bytes_of(text) != "key" && bytes_of(text) != "value")
            return fail(ErrorCode::invalid_argument, "a dict is sorted by 'key' or by 'value'");
        by = bytes_of(text) == "value" ? 1 : 0;
    }
    const SortOptions options{is_true(bound[2]), is_true(bound[0]), Value::of(by)};
    KRAIT_TRY(auto sorted, sort_values(pairs_of(*call.self.dict, call.heap()), options, call.heap()));
    return call.heap().list(std::move(sorted));
}

Result<Value> sort(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"reverse", "case_sensitive", "attribute"}));
    KRAIT_TRY(auto values, elements(call.self, call.heap()));
    KRAIT_TRY(auto sorted, sort_values(std::move(values), {is_true(bound[0]), is_true(bound[1]), bound[2]}, call.heap()));
    return call.heap().list(std::move(sorted));
}

Result<Value> unique(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"case_sensitive", "attribute"}));
    KRAIT_TRY(const auto values, elements(call.self, call.heap()));
    std::vector<Value> taken;
    const Value seen = call.heap().list({});
    for (const Value& each : values) {
        KRAIT_TRY(const Value key, sort_key(each, {false, is_true(bound[0]), bound[1]}, call.heap()));
        KRAIT_CHECK(expect_hashable(key, call.budget()));
        KRAIT_TRY(const bool is_known, contains(seen, key, call.budget()));
        if (!call.budget().ok()) break;
        if (is_known) continue;
        seen.list->items.push_back(key);
        taken.push_back(each);
    }
    return call.heap().list(std::move(taken), Flavor::generator);
}

Result<Value> extreme(const Call& call, bool largest) {
    KRAIT_TRY(const auto bound, call.bind({"case_sensitive", "attribute"}));
    KRAIT_TRY(const auto values, elements(call.self, call.heap()));
    if (values.empty()) return call.heap().missing("there is no smallest or largest item, as there is none");
    const SortOptions options{false, is_true(bound[0]), bound[1]};
    Value best = values[0];
    KRAIT_TRY(Value best_key, sort_key(best, options, call.heap()));
    for (size_t i = 1; i < values.size(); ++i) {
        KRAIT_TRY(const Value key, sort_key(values[i], options, call.heap()));
        KRAIT_TRY(const bool better, largest ? less(best_key, key, call.budget()) : less(key, best_key, call.budget()));
        if (better) best = values[i], best_key = key;
    }
    return best;
}
Result<Value> min(const Call& call) { return extreme(call, false); }
Result<Value> max(const Call& call) { return extreme(call, true); }

Result<Value> sum(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"attribute", "start"}));
    KRAIT_TRY(const auto values, elements(call.self, call.heap()));
    Value total = bound[1].is(Kind::undefined) ? Value::of(int64_t{0}) : bound[1];
    for (Value each : values) {
        if (is_given(bound[0])) {
            KRAIT_TRY(each, attribute_path(each, bound[0], Value(), call.heap()));
        }
        KRAIT_TRY(total, compute(Arithmetic::add, total, each, call.heap()));
    }
    return total;
}

Result<Value> reverse(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(auto values, elements(call.self, call.heap()));
    std::ranges::reverse(values);
    if (!call.self.is(Kind::text)) return call.heap().list(std::move(values), Flavor::generator);
    TextBuilder builder(call.budget());
    for (const Value& each : values) builder.append(each.text->marked);
    return call.heap().text(builder);
}

Result<Value> default_value(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"default_value", "boolean"}));
    const bool takes_self = is_true(bound[1]) ? is_true(call.self) : !call.self.is(Kind::undefined);
    if (takes_self) return call.self;
    return call.positional.empty() && bound[0].is(Kind::undefined) ? call.heap().text("") : bound[0];
}

// Lists of n items each; the last one is filled up.
Result<Value> batch(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"linecount", "fill_with"}));
    KRAIT_TRY(const int64_t n, expect_width(bound[0], "the number of items"));
    if (n == 0) return fail(ErrorCode::invalid_argument, "the number of items is 0");
    KRAIT_TRY(const auto values, elements(call.self, call.heap()));
    std::vector<Value> batches;
    const auto size = static_cast<size_t>(n);
    for (size_t i = 0; i < values.size() && call.budget().step(); i += size) {
        std::vector<Value> part(values.begin() + static_cast<std::ptrdiff_t>(i),
                                values.begin() + static_cast<std::ptrdiff_t>(std::min(i + size, values.size())));
        if (is_given(bound[1])) part.resize(size, bound[1]);
        batches.push_back(call.heap().list(std::move(part)));
    }
    return call.heap().list(std::move(batches), Flavor::generator);
}

constexpr NamedFunction kFilters[] = {
    {"length", length_of}, {"count", length_of}, {"first", first},       {"last", last},       {"join", join},
    {"list", list},        {"items", items},     {"dictsort", dictsort}, {"sort", sort},       {"unique", unique},
    {"min", min},          {"max", max},         {"sum", sum},           {"reverse", reverse}, {"default", default_value},
    {"d", default_value},  {"batch", batch}};

}  // namespace

std::span<const NamedFunction> sequence_filters() { return kFilters; }

}  // namespace krait::chat
