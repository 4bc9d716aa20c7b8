// SPDX-License-Identifier: Apache-2.0
//
// object.name, object[key], object[a:b:c].
#include <algorithm>

#include "core/base/printable.hpp"
#include "text/chat_template/callable.hpp"
#include "text/chat_template/characters.hpp"
#include "text/chat_template/loop.hpp"
#include "text/chat_template/operators.hpp"

namespace krait::chat {
namespace {

constexpr size_t kMaxShown = 60;

// The attribute that Python's getattr finds: methods, the names of a namespace, what a loop knows.
Result<std::optional<Value>> find_attribute(const Value& object, std::string_view name, Heap& heap) {
    if (object.is(Kind::undefined)) return fail_undefined(object);
    if (object.is(Kind::loop)) return object.loop->attribute(name, heap);
    if (object.is(Kind::names)) {
        const Value* found = object.dict->find(name, heap.budget());
        return found ? std::optional(*found) : std::nullopt;
    }
    const NamedFunction* found = find_method(object, name);
    if (!found) return std::optional<Value>();
    auto* method = heap.make<Callable>();
    method->name = found->name;
    method->function = found->function;
    method->self = object;
    return Value::of(method);
}

// The item that Python's object[key] finds.
Result<std::optional<Value>> find_item(const Value& object, const Value& key, Heap& heap) {
    if (object.is(Kind::undefined)) return fail_undefined(object);
    if (object.is(Kind::dict)) {
        if (!expect_hashable(key, heap.budget())) return std::optional<Value>();
        KRAIT_TRY(const Value* found, find_entry(*object.dict, key, heap.budget()));
        return found ? std::optional(*found) : std::nullopt;
    }
    if (!key.is_integral()) return std::optional<Value>();
    int64_t index = key.as_integer();
    if (object.is(Kind::list) && object.list->flavor != Flavor::generator && object.list->flavor != Flavor::view) {
        const auto& items = object.list->items;
        if (index < 0) index += static_cast<int64_t>(items.size());
        if (index >= 0 && index < static_cast<int64_t>(items.size())) return items[static_cast<size_t>(index)];
    } else if (object.is(Kind::text)) {
        const std::string_view bytes = bytes_of(object);
        heap.budget().work(bytes.size() * 4);  // bytes are looked at one by one
        if (index < 0) index += static_cast<int64_t>(count_points(bytes));
        if (index < 0) return std::optional<Value>();
        const size_t at = byte_of_point(bytes, static_cast<size_t>(index));
        if (at < bytes.size()) return heap.part(object, at, at + length_at(bytes, at));
    }
    return std::optional<Value>();
}

std::string key_text(const Value& key) {
    if (key.is(Kind::text)) return quote(bytes_of(key), '\'', kMaxShown);
    return key.is_integral() ? fmt::format("{}", key.as_integer()) : type_name(key);
}

Value missing_of(const Value& object, const Value& key, Heap& heap) {
    return heap.missing(fmt::format("a value of the type {} has no attribute or item {}", type_name(object), key_text(key)));
}

struct Bounds {
    int64_t begin, end, step;
};

// As Python's slice.indices().
Result<Bounds> bounds_of(const Value& begin, const Value& end, const Value& step, int64_t size) {
    const auto is_left_out = [](const Value& value) { return value.is(Kind::undefined) || value.is(Kind::none); };
    for (const Value* value : {&begin, &end, &step}) {
        if (!is_left_out(*value) && !value->is_integral())
            return fail(ErrorCode::invalid_argument, "the bounds of a slice are integers, and this one is of the type {}",
                        type_name(*value));
    }
    Bounds bounds{0, 0, is_left_out(step) ? 1 : step.as_integer()};
    if (bounds.step == 0) return fail(ErrorCode::invalid_argument, "the step of a slice is 0");
    const bool is_back = bounds.step < 0;
    const int64_t lowest = is_back ? -1 : 0, highest = is_back ? size - 1 : size;
    const auto place = [&](const Value& value, int64_t fallback) {
        if (is_left_out(value)) return fallback;
        const int64_t given = value.as_integer();
        return std::clamp(given < 0 ? std::max(given, -size - 1) + size : given, lowest, highest);
    };
    bounds.begin = place(begin, is_back ? highest : lowest);
    bounds.end = place(end, is_back ? lowest : highest);
    return bounds;
}

Value slice_text(const Value& text, const Bounds& bounds, Heap& heap) {
    const std::string_view bytes = bytes_of(text);
    heap.budget().work(bytes.size() * 4);
    if (bounds.step == 1) {
        const size_t begin = byte_of_point(bytes, static_cast<size_t>(bounds.begin));
        const size_t end = byte_of_point(bytes, static_cast<size_t>(std::max(bounds.begin, bounds.end)));
        return heap.part(text, begin, end);
    }
    std::vector<size_t> starts;
    if (!heap.budget().take(bytes.size() * sizeof(size_t))) return text;
    for (size_t at = 0; at < bytes.size(); at += length_at(bytes, at)) starts.push_back(at);
    TextBuilder builder(heap.budget());
    for (int64_t i = bounds.begin; bounds.step > 0 ? i < bounds.end : i > bounds.end;) {
        const size_t at = starts[static_cast<size_t>(i)];
        builder.append(text.text->marked, at, at + length_at(bytes, at));
        if (__builtin_add_overflow(i, bounds.step, &i)) break;
    }
    return heap.text(builder);
}

}  // namespace

Result<Value> attribute(const Value& object, const Value& name, Heap& heap) {
    KRAIT_TRY(auto found, find_attribute(object, bytes_of(name), heap));
    if (found) return *found;
    KRAIT_TRY(found, find_item(object, name, heap));
    return found ? *found : missing_of(object, name, heap);
}

Result<Value> item(const Value& object, const Value& key, Heap& heap) {
    KRAIT_TRY(auto found, find_item(object, key, heap));
    if (found) return *found;
    if (key.is(Kind::text)) {
        KRAIT_TRY(found, find_attribute(object, bytes_of(key), heap));
        if (found) return *found;
    }
    return missing_of(object, key, heap);
}

Result<Value> slice(const Value& object, const Value& begin, const Value& end, const Value& step, Heap& heap) {
    if (object.is(Kind::undefined)) return fail_undefined(object);
    const bool is_list =
        object.is(Kind::list) && object.list->flavor != Flavor::generator && object.list->flavor != Flavor::view;
    if (!object.is(Kind::text) && !is_list)
        return fail(ErrorCode::invalid_argument, "a value of the type {} has no slices", type_name(object));
    KRAIT_TRY(const int64_t size, length(object, heap.budget()));
    KRAIT_TRY(const Bounds bounds, bounds_of(begin, end, step, size));
    if (object.is(Kind::text)) return slice_text(object, bounds, heap);
    std::vector<Value> items;
    for (int64_t i = bounds.begin; bounds.step > 0 ? i < bounds.end : i > bounds.end;) {
        items.push_back(object.list->items[static_cast<size_t>(i)]);
        if (__builtin_add_overflow(i, bounds.step, &i)) break;
    }
    return heap.list(std::move(items), object.list->flavor);
}

}  // namespace krait::chat
