// SPDX-License-Identifier: Apache-2.0
#include "server/fields.hpp"

#include <fmt/format.h>

#include <cmath>

namespace krait::server {

const Json* Fields::find(std::string_view name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void Fields::fail(Error error) {
    if (!error_) error_ = std::move(error);
}

const Json* Fields::find_as(std::string_view name, bool (Json::*is)() const noexcept, std::string_view wanted) {
    const Json* value = error_ ? nullptr : find(name);
    if (!value || (value->*is)()) return value;
    fail(name, fmt::format("has to be {}", wanted));
    return nullptr;
}

std::optional<double> Fields::number(std::string_view name, double min, double max) {
    const Json* value = find_as(name, &Json::is_number, "a number");
    if (!value) return std::nullopt;
    const auto number = value->get<double>();
    if (number >= min && number <= max) return number;
    fail(name, fmt::format("is {}: it has to be from {} to {}", number, min, max));
    return std::nullopt;
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t min, int64_t max) {
    const Json* value = find_as(name, &Json::is_number, "a whole number");
    if (!value) return std::nullopt;
    // 16.0 is what JavaScript calls a whole number; those of JSON beyond 64 bits are doubles here.
    const auto number = value->get<double>();
    const bool is_large = value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
    if (value->is_number_float() && (std::trunc(number) != number || std::abs(number) > 9007199254740992.0)) {
        fail(name, fmt::format("is {}: it has to be a whole number", number));
        return std::nullopt;
    }
    const int64_t whole = value->is_number_float() ? static_cast<int64_t>(number) : value->get<int64_t>();
    if (!is_large && whole >= min && whole <= max) return whole;
    fail(name, fmt::format("is {}: it has to be from {} to {}", value->dump(), min, max));
    return std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view name) {
    const Json* value = find_as(name, &Json::is_boolean, "true or false");
    return value ? std::optional(value->get<bool>()) : std::nullopt;
}

std::optional<std::string> Fields::text(std::string_view name) {
    const Json* value = find_as(name, &Json::is_string, "a text");
    return value ? std::optional(value->get<std::string>()) : std::nullopt;
}

const Json* Fields::object(std::string_view name) { return find_as(name, &Json::is_object, "an object"); }

const Json* Fields::list(std::string_view name) { return find_as(name, &Json::is_array, "a list"); }

std::vector<std::string> Fields::texts(std::string_view name, size_t max_size) {
    const Json* value = error_ ? nullptr : find(name);
    if (!value) return {};
    std::vector<std::string> texts;
    if (value->is_string()) return {value->get<std::string>()};
    if (!value->is_array() || value->size() > max_size) {
        fail(name, fmt::format("has to be a text or a list of at most {} texts", max_size));
        return {};
    }
    for (const Json& item : *value) {
        if (!item.is_string()) {
            fail(name, "has an item that is no text");
            return {};
        }
        texts.push_back(item.get<std::string>());
    }
    return texts;
}

}  // namespace krait::server
