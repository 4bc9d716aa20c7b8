// SPDX-License-Identifier: Apache-2.0
//
// Several schemas that hold together, taken apart: what they say about values of each type. Nothing is decided about properties
// and elements here but which schemas hold for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/grammar/number_parts.hpp"
#include "text/grammar/program.hpp"
#include "text/grammar/schema_document.hpp"

namespace krait::grammar {

enum JsonType : uint8_t {
    kNull = 1,
    kBoolean = 2,
    kInteger = 4,
    kFraction = 8,
    kString = 16,
    kArray = 32,
    kObject = 64,
    kAnyType = 127
};

// A schema that holds.
struct SchemaElement {
    enum Form : uint8_t {
        whole,
        base,         // without $ref, allOf, anyOf and oneOf
        alternatives  // `schema` is the list of anyOf or oneOf; one of them holds
    };
    const Json* schema;
    Form form;
    auto operator<=>(const SchemaElement&) const = default;
};
using SchemaElements = std::vector<SchemaElement>;

struct SchemaShape {
    uint8_t types = kAnyType;
    std::optional<std::vector<const Json*>> values;  // of const and enum
    NumberShape number;
    uint32_t min_length = 0, max_length = kEndless;
    std::vector<const Json*> patterns, formats;
    uint32_t min_items = 0, max_items = kEndless;
    uint32_t min_properties = 0, max_properties = kEndless;
    std::vector<const Json*> names;     // of propertyNames
    std::vector<std::string> required;  // in order
    std::vector<const Json*> bases;     // those that say something about properties or elements

    [[nodiscard]] bool restricts(uint8_t type) const;  // more than by the type
};

class SchemaReader {
  public:
    // warnings: nullptr = what is not supported is an error.
    SchemaReader(const SchemaDocument& document, std::vector<std::string>* warnings)
        : document_(document), warnings_(warnings) {}

    // Replaces $ref, allOf and whole schemas by bases and alternatives, in the document's order. Fails where a schema refers to
    // itself, and on keywords that are not supported.
    Result<SchemaElements> flatten(const SchemaElements& elements);
    // Of flattened elements; alternatives are left out.
    Result<SchemaShape> shape_of(const SchemaElements& elements);

  private:
    Result<void> check_keywords(const Json& schema);
    Result<void> check_exclusive(const Json& alternatives);
    Result<bool> excludes(const Json& a, const Json& b, int depth);
    Result<void> unsupported(const Json& at, std::string_view text);
    Result<void> add_base(const Json& schema, SchemaShape& shape);
    Result<void> add_types(const Json& given, SchemaShape& shape);
    Result<void> add_numbers(const Json& schema, SchemaShape& shape);

    const SchemaDocument& document_;
    std::vector<std::string>* warnings_;
    std::vector<const Json*> checked_;  // sorted
};

// A member of an object, or nullptr.
inline const Json* member(const Json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}
uint8_t type_of(const Json& value);

}  // namespace krait::grammar
