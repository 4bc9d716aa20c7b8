// SPDX-License-Identifier: Apache-2.0
//
// Truth, comparisons, membership, lengths.
#include "text/chat_template/operators.hpp"

#include <cmath>
#include <limits>

#include "core/base/printable.hpp"
#include "text/chat_template/characters.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

Result<bool> equal_nested(const Value& a, const Value& b, Budget& budget, uint32_t depth);

Result<bool> equal_lists(const List& a, const List& b, Budget& budget, uint32_t depth) {
    if (&a == &b) return true;
    if (a.flavor != b.flavor || a.flavor == Flavor::generator || a.items.size() != b.items.size()) return false;
    for (size_t i = 0; i < a.items.size(); ++i) {
        KRAIT_TRY(const bool same, equal_nested(a.items[i], b.items[i], budget, depth + 1));
        if (!same) return false;
    }
    return true;
}

Result<bool> equal_dicts(Dict& a, Dict& b, Budget& budget, uint32_t depth) {
    if (&a == &b) return true;
    if (a.entries.size() != b.entries.size()) return false;
    for (const auto& [key, value] : a.entries) {
        KRAIT_TRY(const Value* other, find_entry(b, key, budget));
        if (!other) return false;
        KRAIT_TRY(const bool same, equal_nested(value, *other, budget, depth + 1));
        if (!same) return false;
    }
    return true;
}

Result<bool> equal_nested(const Value& a, const Value& b, Budget& budget, uint32_t depth) {
    if (depth > kMaxNesting)
        return fail(ErrorCode::invalid_argument, "values that are nested more than {} deep cannot be compared", kMaxNesting);
    if (!budget.step()) return false;
    if (a.is_number() && b.is_number()) {
        if (a.is(Kind::real) || b.is(Kind::real)) return a.as_real() == b.as_real();
        return a.as_integer() == b.as_integer();
    }
    if (a.kind != b.kind) return false;
    switch (a.kind) {
        case Kind::undefined:
        case Kind::none: return true;
        case Kind::text: budget.work(bytes_of(a).size()); return bytes_of(a) == bytes_of(b);
        case Kind::list: return equal_lists(*a.list, *b.list, budget, depth);
        case Kind::dict: return equal_dicts(*a.dict, *b.dict, budget, depth);
        case Kind::names: return a.dict == b.dict;
        case Kind::callable: return a.callable == b.callable;
        case Kind::loop: return a.loop == b.loop;
        default: return false;
    }
}

bool is_list_or_tuple(const Value& value) {
    return value.is(Kind::list) && (value.list->flavor == Flavor::list || value.list->flavor == Flavor::tuple);
}

}  // namespace

bool is_true(const Value& value) {
    switch (value.kind) {
        case Kind::undefined:
        case Kind::none: return false;
        case Kind::boolean: return value.boolean;
        case Kind::integer: return value.integer != 0;
        case Kind::real: return value.real != 0;
        case Kind::text: return !bytes_of(value).empty();
        case Kind::list: return value.list->flavor == Flavor::generator || !value.list->items.empty();
        case Kind::dict: return !value.dict->entries.empty();
        default: return true;
    }
}

Result<bool> equal(const Value& a, const Value& b, Budget& budget) { return equal_nested(a, b, budget, 0); }

Result<bool> less(const Value& a, const Value& b, Budget& budget) {
    budget.step();
    if (a.is_number() && b.is_number()) {
        if (a.is(Kind::real) || b.is(Kind::real)) return a.as_real() < b.as_real();
        return a.as_integer() < b.as_integer();
    }
    if (a.is(Kind::text) && b.is(Kind::text)) {  // bytes of UTF-8 are in the order of their code points
        budget.work(std::min(bytes_of(a).size(), bytes_of(b).size()));
        return bytes_of(a) < bytes_of(b);
    }
    if (is_list_or_tuple(a) && is_list_or_tuple(b) && a.list->flavor == b.list->flavor) {
        const auto &left = a.list->items, &right = b.list->items;
        for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
            KRAIT_TRY(const bool same, equal(left[i], right[i], budget));
            if (same) continue;
            if (is_list_or_tuple(left[i]))
                return fail(ErrorCode::invalid_argument, "lists of lists have no order here");  // no recursion without end
            return less(left[i], right[i], budget);
        }
        return left.size() < right.size();
    }
    if (a.is(Kind::undefined)) return fail_undefined(a);
    if (b.is(Kind::undefined)) return fail_undefined(b);
    return fail(ErrorCode::invalid_argument, "values of the types {} and {} have no order", type_name(a), type_name(b));
}

Result<bool> contains(const Value& container, const Value& item, Budget& budget) {
    switch (container.kind) {
        case Kind::undefined: return false;
        case Kind::text:
            if (!item.is(Kind::text))
                return fail(ErrorCode::invalid_argument, "a text may hold texts, and no value of the type {}", type_name(item));
            return find_first(bytes_of(container), bytes_of(item), 0, budget) != std::string_view::npos;
        case Kind::list:
            for (const Value& element : container.list->items) {
                KRAIT_TRY(const bool same, equal(element, item, budget));
                if (same) return true;
            }
            return false;
        case Kind::dict: {
            KRAIT_TRY(const Value* found, find_entry(*container.dict, item, budget));
            return found != nullptr;
        }
        default:
            return fail(ErrorCode::invalid_argument, "a value of the type {} holds no others, so that nothing is `in` it",
                        type_name(container));
    }
}

Result<std::vector<Value>> elements(const Value& value, Heap& heap) {
    std::vector<Value> all;
    switch (value.kind) {
        case Kind::undefined: return all;
        case Kind::list:
            heap.budget().take(value.list->items.size() * sizeof(Value));
            if (value.list->flavor == Flavor::generator) return std::exchange(value.list->items, {});
            return value.list->items;
        case Kind::dict:
            heap.budget().take(value.dict->entries.size() * sizeof(Value));
            for (const auto& entry : value.dict->entries) all.push_back(entry.first);
            return all;
        case Kind::text: {
            const std::string_view bytes = bytes_of(value);
            for (size_t at = 0; at < bytes.size() && heap.budget().ok();) {
                const size_t next = at + length_at(bytes, at);
                all.push_back(heap.part(value, at, next));
                at = next;
            }
            return all;
        }
        default: return fail(ErrorCode::invalid_argument, "a value of the type {} cannot be iterated over", type_name(value));
    }
}

Result<int64_t> length(const Value& value, Budget& budget) {
    switch (value.kind) {
        case Kind::undefined: return 0;
        case Kind::text: budget.work(bytes_of(value).size()); return static_cast<int64_t>(count_points(bytes_of(value)));
        case Kind::list:
            if (value.list->flavor != Flavor::generator) return static_cast<int64_t>(value.list->items.size());
            break;
        case Kind::dict: return static_cast<int64_t>(value.dict->entries.size());
        default: break;
    }
    return fail(ErrorCode::invalid_argument, "a value of the type {} has no length", type_name(value));
}

Result<void> expect_hashable(const Value& value, Budget& budget, uint32_t depth) {
    if (depth > kMaxNesting)
        return fail(ErrorCode::invalid_argument, "tuples that are nested more than {} deep cannot be keys", kMaxNesting);
    const bool is_list = value.is(Kind::list);
    if (is_list && value.list->flavor == Flavor::tuple) {
        for (const Value& item : value.list->items) {
            if (!budget.step()) break;
            KRAIT_CHECK(expect_hashable(item, budget, depth + 1));
        }
    } else if (value.is(Kind::dict) ||
               (is_list && (value.list->flavor == Flavor::list || value.list->flavor == Flavor::view))) {
        return fail(ErrorCode::invalid_argument,
                    "a value of the type {} has no hash: keys, and items of unique, are texts, numbers, tuples and the like",
                    type_name(value));
    }
    return {};
}

Result<Value*> find_entry(Dict& dict, const Value& key, Budget& budget) {
    if (key.is(Kind::text)) return dict.find(bytes_of(key), budget);
    budget.step(dict.entries.size() / 16);
    KRAIT_CHECK(expect_hashable(key, budget));
    for (auto& [name, value] : dict.entries) {
        KRAIT_TRY(const bool same, equal(name, key, budget));
        if (same) return &value;
    }
    return nullptr;
}

Result<void> set_entry(Dict& dict, const Value& key, const Value& value, Budget& budget) {
    if (!budget.ok()) return {};
    KRAIT_TRY(Value * found, find_entry(dict, key, budget));
    if (found) {
        *found = value;
    } else if (budget.take(2 * sizeof(Value))) {
        dict.entries.emplace_back(key, value);
    }
    return {};
}

tl::unexpected<Error> fail_undefined(const Value& value) {
    if (!value.missing) return fail(ErrorCode::invalid_argument, "the value is undefined");
    return fail(ErrorCode::invalid_argument, "{}", *value.missing);
}

}  // namespace krait::chat
