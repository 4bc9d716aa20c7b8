// SPDX-License-Identifier: Apache-2.0
//
// Reads the fields of a request. null is the same as no field, as clients' libraries send it. The first error is kept, and the
// fields after it are absent, so that it is looked at once:
//   Fields fields(body);
//   options.temperature = fields.number("temperature", 0, 2).value_or(0.8);
//   if (fields.error()) return unexpected(*fields.error());
#pragma once

#include <optional>
#include <vector>

#include "server/json.hpp"

namespace krait::server {

class Fields {
  public:
    explicit Fields(const Json& object, std::string path = {}) : object_(object), path_(std::move(path)) {}

    const Json* find(std::string_view name) const;  // nullptr where it is absent or null
    std::optional<double> number(std::string_view name, double min, double max);
    std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max);
    std::optional<bool> boolean(std::string_view name);
    std::optional<std::string> text(std::string_view name);
    const Json* object(std::string_view name);
    const Json* list(std::string_view name);
    // A text, or a list of texts; at most max_size of them.
    std::vector<std::string> texts(std::string_view name, size_t max_size);

    // Keeps an error where there is none yet.
    void fail(Error error);
    void fail(std::string_view name, std::string_view message) { fail(bad_request(path_of(name), message)); }
    const std::optional<Error>& error() const { return error_; }
    std::string path_of(std::string_view name) const;  // "stream_options.include_usage"

  private:
    const Json* find_as(std::string_view name, bool (Json::*is)() const noexcept, std::string_view wanted);

    const Json& object_;
    std::string path_;
    std::optional<Error> error_;
};

}  // namespace krait::server
