// SPDX-License-Identifier: Apache-2.0
//
// The JSON of a schema: read with the order of its members, its values known by their paths.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/base/result.hpp"

namespace krait::grammar {

using Json = nlohmann::ordered_json;

class SchemaDocument {
  public:
    // Fails on what is no JSON, on more than kMaxSourceBytes and on more than kMaxSchemaNesting brackets inside each other.
    static Result<SchemaDocument> read(std::string_view source);

    [[nodiscard]] const Json& root() const { return *root_; }
    // "#/properties/name", of a value of the document.
    [[nodiscard]] std::string path(const Json& value) const;
    // Values in front of others in the document have smaller numbers.
    [[nodiscard]] size_t order(const Json& value) const { return places_.at(&value).order; }
    // The value that a `$ref` means. Fails on one that is outside of the document, or not there.
    [[nodiscard]] Result<const Json*> resolve(std::string_view reference) const;

    // "the schema, #/properties/name: ..."
    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> error(const Json& at, fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::invalid_argument, "the schema, {}: {}", path(at),
                    fmt::format(text, std::forward<Args>(args)...));
    }

  private:
    struct Place {
        const Json* parent = nullptr;
        std::string step;
        size_t order = 0;
    };
    void find_places();

    std::unique_ptr<const Json> root_;  // its values keep their addresses
    std::unordered_map<const Json*, Place> places_;
    std::unordered_map<std::string, const Json*> anchors_;
};

}  // namespace krait::grammar
