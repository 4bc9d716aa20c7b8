// SPDX-License-Identifier: Apache-2.0
//
// Makes a program of a schema. Schemas that hold together are one rule; the rules that it calls wait in a queue, so nothing
// recurses on the schema. For json_schema.cpp and schema_object.cpp.
#pragma once

#include <deque>
#include <map>

#include "text/grammar/json_text.hpp"
#include "text/grammar/schema_shape.hpp"

namespace krait::grammar {

class SchemaCompiler {
  public:
    SchemaCompiler(const SchemaDocument& document, std::vector<std::string>* warnings)
        : document_(document), warnings_(warnings), reader_(document, warnings), json_(builder_) {}
    Result<Program> compile(std::vector<std::string> triggers) &&;

  private:
    // The keys of an object that no `properties` has, by the patterns that they match.
    struct OtherKeys {
        Part key;
        SchemaElements value;
    };

    Result<uint32_t> rule_for(const SchemaElements& elements);
    // A value for which these schemas hold; any one where there are none.
    Result<Part> value_of(const SchemaElements& elements);
    Result<Part> build(const SchemaElements& elements);
    Result<Part> build_shape(const SchemaShape& shape, const SchemaElements& elements);
    Result<Part> build_values(const SchemaShape& shape, const SchemaElements& elements);
    Result<Part> build_types(const SchemaShape& shape, const SchemaElements& elements);
    Result<Part> build_string(const SchemaShape& shape);
    Result<Part> build_array(const SchemaShape& shape);

    Result<Part> build_object(const SchemaShape& shape);
    Result<Part> build_members(const SchemaShape& shape, const std::vector<std::string>& names, std::optional<uint32_t> others);
    Result<uint32_t> member_rule(const SchemaShape& shape, const std::string& name);
    Result<std::optional<uint32_t>> others_rule(const SchemaShape& shape, const std::vector<std::string>& names);
    Result<Part> key_of(const SchemaShape& shape, std::vector<Part> conditions, std::vector<Part> negated);
    Result<SchemaElements> schemas_of(const SchemaShape& shape, const std::string& name);
    Result<bool> matches(const Json& pattern_owner, const std::string& pattern, const std::string& name);
    Result<Part> pattern_part(const Json& at, std::string_view regex);

    const SchemaDocument& document_;
    std::vector<std::string>* warnings_;
    SchemaReader reader_;
    ProgramBuilder builder_;
    JsonText json_;
    std::map<SchemaElements, uint32_t> rules_;
    std::deque<std::pair<uint32_t, SchemaElements>> queue_;
    std::map<std::string, std::shared_ptr<const Program>, std::less<>> patterns_;  // for names that the schema has
};

}  // namespace krait::grammar
