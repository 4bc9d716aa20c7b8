// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/sorting.hpp"

#include <algorithm>

#include "text/chat_template/operators.hpp"
#include "text/chat_template/selection.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

struct Keyed {
    Value key, value;
};

// A merge sort of its own: the comparison may fail, and then it must stop.
Result<void> merge_sort(std::vector<Keyed>& values, bool reverse, Budget& budget) {
    std::vector<Keyed> merged(values.size());
    for (size_t width = 1; width < values.size(); width *= 2) {
        for (size_t begin = 0; begin < values.size(); begin += 2 * width) {
            const size_t middle = std::min(begin + width, values.size()), end = std::min(begin + 2 * width, values.size());
            size_t left = begin, right = middle;
            for (size_t to = begin; to < end; ++to) {
                bool takes_right = left == middle;
                if (left < middle && right < end) {
                    const Value &a = values[left].key, &b = values[right].key;
                    KRAIT_TRY(takes_right, reverse ? less(a, b, budget) : less(b, a, budget));
                    if (!budget.ok()) return {};
                }
                merged[to] = values[takes_right ? right++ : left++];
            }
        }
        values.swap(merged);
    }
    return {};
}

// The key that a value is sorted by: with several attributes, a list.
Result<Value> keys_of(const Value& value, const SortOptions& options, Heap& heap) {
    if (!options.attribute.is(Kind::text) || bytes_of(options.attribute).find(',') == std::string_view::npos)
        return sort_key(value, options, heap);
    std::vector<Value> keys;
    std::string_view rest = bytes_of(options.attribute);
    for (bool more = true; more;) {
        const size_t comma = rest.find(',');
        more = comma != rest.npos;
        SortOptions single = options;
        single.attribute = heap.text(rest.substr(0, comma));
        KRAIT_TRY(const Value key, sort_key(value, single, heap));
        keys.push_back(key);
        if (more) rest.remove_prefix(comma + 1);
    }
    return heap.list(std::move(keys));
}

}  // namespace

Result<Value> sort_key(const Value& value, const SortOptions& options, Heap& heap) {
    Value key = value;
    if (is_given(options.attribute)) {
        KRAIT_TRY(key, attribute_path(value, options.attribute, Value(), heap));
    }
    return options.case_sensitive ? key : fold_case(key, heap);
}

Result<std::vector<Value>> sort_values(std::vector<Value> values, const SortOptions& options, Heap& heap) {
    std::vector<Keyed> keyed;
    keyed.reserve(values.size());
    heap.budget().take(values.size() * 2 * sizeof(Keyed));
    for (const Value& value : values) {
        KRAIT_TRY(const Value key, keys_of(value, options, heap));
        keyed.push_back({key, value});
    }
    KRAIT_CHECK(merge_sort(keyed, options.reverse, heap.budget()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = keyed[i].value;
    return values;
}

}  // namespace krait::chat
