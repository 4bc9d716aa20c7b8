// SPDX-License-Identifier: Apache-2.0
//
// Whether names are unique, of lists of a million entries too.
#pragma once

#include <functional>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace krait {

// The first entry whose name one before it has; nullptr where there is none. name: entry -> std::string, by reference.
template <class Entry, class Name>
const Entry* find_repeated(const std::vector<Entry>& entries, Name name) {
    std::unordered_set<std::string_view> names;
    names.reserve(entries.size());
    for (const Entry& entry : entries)
        if (!names.insert(std::invoke(name, entry)).second) return &entry;
    return nullptr;
}

}  // namespace krait
