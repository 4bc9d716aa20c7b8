// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/regex_classes.hpp"

#include <utf8proc.h>

#include <array>

namespace krait::grammar {

CodePointSet any_in_line() { return CodePointSet::all().without({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}); }

std::optional<CodePointSet> class_of_escape(char name) {
    const bool is_negated = name >= 'A' && name <= 'Z';
    CodePointSet set;
    switch (is_negated ? name - 'A' + 'a' : name) {
        case 'd': set = {{'0', '9'}}; break;
        case 'w': set = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}; break;
        case 's':
            set = {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
                   {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
            break;
        default: return {};
    }
    return is_negated ? set.negated() : set;
}

std::optional<CodePointSet> general_category(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kLongNames = {{{"Letter", "L"},
                                                                                          {"Mark", "M"},
                                                                                          {"Number", "N"},
                                                                                          {"Punctuation", "P"},
                                                                                          {"Symbol", "S"},
                                                                                          {"Separator", "Z"},
                                                                                          {"Other", "C"}}};
    for (const auto& [long_name, short_name] : kLongNames)
        if (name == long_name) name = short_name;
    if (name.empty() || name.size() > 2) return {};
    CodePointSet set;
    char32_t first = 0;
    bool is_open = false;
    for (char32_t point = 0; point <= 0x110000; ++point) {
        const bool is_in = point < 0x110000 &&
                           std::string_view(utf8proc_category_string(static_cast<utf8proc_int32_t>(point))).starts_with(name);
        if (is_in && !is_open) first = point;
        if (!is_in && is_open) set.add(first, point - 1);
        is_open = is_in;
    }
    if (set.empty()) return {};  // no such category, or surrogates
    return set;
}

}  // namespace krait::grammar
