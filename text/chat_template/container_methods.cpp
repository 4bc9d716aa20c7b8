// SPDX-License-Identifier: Apache-2.0
//
// Methods of lists and dicts. Those that change them work too, although the sandbox of transformers refuses them, because
// templates of Kimi call append and pop.
#include <algorithm>

#include "text/chat_template/operators.hpp"
#include "text/chat_template/sorting.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

Result<std::vector<Value>*> changeable(const Call& call) {
    if (call.self.list->flavor == Flavor::list) return &call.self.list->items;
    return fail(ErrorCode::invalid_argument, "a value of the type {} cannot be changed", type_name(call.self));
}

Result<Value> append(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"item"}));
    KRAIT_TRY(auto* items, changeable(call));
    if (call.budget().take(sizeof(Value))) items->push_back(bound[0]);
    return Value::none();
}

Result<Value> extend(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"items"}));
    KRAIT_TRY(auto* items, changeable(call));
    KRAIT_TRY(const auto more, elements(bound[0], call.heap()));
    if (call.budget().ok()) items->insert(items->end(), more.begin(), more.end());
    return Value::none();
}

Result<Value> insert(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(2, {"index", "item"}));
    KRAIT_TRY(auto* items, changeable(call));
    KRAIT_TRY(int64_t at, expect_integer(bound[0], "the index"));
    const auto n = static_cast<int64_t>(items->size());
    at = std::clamp<int64_t>(at < 0 ? at + n : at, 0, n);
    if (call.budget().take(sizeof(Value)) && call.budget().work(items->size() * sizeof(Value)))
        items->insert(items->begin() + at, bound[1]);
    return Value::none();
}

Result<Value> pop(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"index"}));
    KRAIT_TRY(auto* items, changeable(call));
    KRAIT_TRY(int64_t at, integer_or(bound[0], -1, "the index"));
    const auto n = static_cast<int64_t>(items->size());
    if (at < 0) at += n;
    if (at < 0 || at >= n) return fail(ErrorCode::invalid_argument, "the list has {} items, and none at that index", n);
    const Value item = (*items)[static_cast<size_t>(at)];
    call.budget().work(items->size() * sizeof(Value));
    items->erase(items->begin() + at);
    return item;
}

Result<Value> remove(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"item"}));
    KRAIT_TRY(auto* items, changeable(call));
    for (size_t i = 0; i < items->size(); ++i) {
        KRAIT_TRY(const bool same, equal((*items)[i], bound[0], call.budget()));
        if (!same) continue;
        items->erase(items->begin() + static_cast<std::ptrdiff_t>(i));
        return Value::none();
    }
    return fail(ErrorCode::invalid_argument, "the list does not hold the item");
}

Result<Value> index(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"item"}));
    for (size_t i = 0; i < call.self.list->items.size(); ++i) {
        KRAIT_TRY(const bool same, equal(call.self.list->items[i], bound[0], call.budget()));
        if (same) return Value::of(i);
    }
    return fail(ErrorCode::invalid_argument, "the list does not hold the item");
}

Result<Value> count(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"item"}));
    int64_t n = 0;
    for (const Value& item : call.self.list->items) {
        KRAIT_TRY(const bool same, equal(item, bound[0], call.budget()));
        n += same ? 1 : 0;
    }
    return Value::of(n);
}

Result<Value> reverse(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(auto* items, changeable(call));
    call.budget().work(items->size() * sizeof(Value));
    std::ranges::reverse(*items);
    return Value::none();
}

Result<Value> sort(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"reverse"}));
    KRAIT_TRY(auto* items, changeable(call));
    KRAIT_TRY(*items, sort_values(*items, {is_true(bound[0]), true, Value()}, call.heap()));
    return Value::none();
}

Result<Value> copy_list(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    return call.heap().list(call.self.list->items, call.self.list->flavor);
}

enum class Part : uint8_t { keys, values, items };
template <Part part>
Result<Value> view(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    std::vector<Value> all;
    for (const auto& [key, value] : call.self.dict->entries) {
        if (!call.budget().step()) break;
        all.push_back(part == Part::keys ? key : part == Part::values ? value : call.heap().list({key, value}, Flavor::tuple));
    }
    return call.heap().list(std::move(all), Flavor::view);
}

Result<Value> get(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"key", "default"}));
    KRAIT_TRY(const Value* found, find_entry(*call.self.dict, bound[0], call.budget()));
    if (found) return *found;
    return call.positional.size() < 2 && bound[1].is(Kind::undefined) ? Value::none() : bound[1];
}

Result<Value> set_default(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"key", "default"}));
    KRAIT_TRY(const Value* found, find_entry(*call.self.dict, bound[0], call.budget()));
    if (found) return *found;
    const Value value = bound[1].is(Kind::undefined) ? Value::none() : bound[1];
    KRAIT_CHECK(set_entry(*call.self.dict, bound[0], value, call.budget()));
    return value;
}

Result<Value> update(const Call& call) {
    KRAIT_TRY(const Value more, find_function("dict")->function(call));
    for (const auto& [key, value] : more.dict->entries) KRAIT_CHECK(set_entry(*call.self.dict, key, value, call.budget()));
    return Value::none();
}

Result<Value> pop_entry(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"key", "default"}));
    KRAIT_TRY(const Value* found, find_entry(*call.self.dict, bound[0], call.budget()));
    if (!found) {
        if (call.positional.size() > 1) return bound[1];
        return fail(ErrorCode::invalid_argument, "the dict does not hold the key");
    }
    auto& entries = call.self.dict->entries;
    const auto entry = std::ranges::find_if(entries, [&](const auto& each) { return &each.second == found; });
    const Value value = entry->second;
    call.budget().work(entries.size() * sizeof(*entry));
    entries.erase(entry);
    return value;
}

Result<Value> copy_dict(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    auto* made = call.heap().make<Dict>();
    if (call.budget().take(call.self.dict->entries.size() * 2 * sizeof(Value))) made->entries = call.self.dict->entries;
    return Value::of(made);
}

constexpr NamedFunction kListMethods[] = {{"append", append}, {"extend", extend}, {"insert", insert}, {"pop", pop},
                                          {"remove", remove}, {"index", index},   {"count", count},   {"reverse", reverse},
                                          {"sort", sort},     {"copy", copy_list}};
constexpr NamedFunction kDictMethods[] = {{"get", get},
                                          {"items", view<Part::items>},
                                          {"keys", view<Part::keys>},
                                          {"values", view<Part::values>},
                                          {"setdefault", set_default},
                                          {"update", update},
                                          {"pop", pop_entry},
                                          {"copy", copy_dict}};

}  // namespace

std::span<const NamedFunction> list_methods() { return kListMethods; }
std::span<const NamedFunction> dict_methods() { return kDictMethods; }

}  // namespace krait::chat
