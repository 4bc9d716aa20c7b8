// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_value.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <type_traits>

#include "core/base/printable.hpp"

namespace krait {
namespace {

std::string scalar_text(const std::string& value, size_t max_string_bytes) { return quote(value, '"', max_string_bytes); }
template <class T>
requires std::is_arithmetic_v<T> std::string scalar_text(T value, size_t) { return fmt::format("{}", value); }

}  // namespace

size_t gguf_array_size(const GgufArray& array) {
    return std::visit(
        [](const auto& elements) -> size_t {
            if constexpr (std::is_same_v<std::decay_t<decltype(elements)>, std::monostate>) return 0;
            else return elements.size();
        },
        array);
}

std::string to_string(const GgufValue& value, size_t max_array_elements, size_t max_string_bytes) {
    const auto array_text = [&](const auto& elements) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(elements)>, std::monostate>) {
            return "[]";
        } else {
            std::string text = "[";
            const size_t shown = std::min(elements.size(), max_array_elements);
            for (size_t i = 0; i < shown; ++i) {
                if (i > 0) text += ", ";
                // A bool vector gives proxies, which become a bool here; strings are not copied.
                const typename std::decay_t<decltype(elements)>::value_type& element = elements[i];
                text += scalar_text(element, max_string_bytes);
            }
            if (shown < elements.size()) text += fmt::format("{}... {} in all", shown ? ", " : "", elements.size());
            return text + "]";
        }
    };
    return std::visit(
        [&](const auto& held) -> std::string {
            if constexpr (std::is_same_v<std::decay_t<decltype(held)>, GgufArray>) return std::visit(array_text, held);
            else return scalar_text(held, max_string_bytes);
        },
        value);
}

}  // namespace krait
