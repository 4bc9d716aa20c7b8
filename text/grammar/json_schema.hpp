// SPDX-License-Identifier: Apache-2.0
//
// JSON schemas (Draft 2020-12) as programs: the texts are the JSON values that the schema allows.
//
//   any           $ref within the schema, $defs, $anchor, allOf, anyOf, oneOf (alternatives that exclude each other), const,
//                 enum, type, true and false; several of them hold together
//   numbers       minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf
//   strings       minLength, maxLength, pattern (regex.hpp), format (schema_formats.hpp)
//   arrays        items, prefixItems, minItems, maxItems, uniqueItems: false
//   objects       properties, required, additionalProperties, patternProperties, propertyNames, minProperties, maxProperties
//
// Any other keyword is an error that names its path, and so is what cannot be decided while a text is written. Annotations
// (title, description, ...) and keywords that begin with "x-" say nothing about texts.
//
// Properties come in the order in which the schema names them, others behind them: an order that a model can follow, and fewer
// states. Numbers with bounds have no exponent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "text/grammar/program.hpp"

namespace krait::grammar {

// warnings: where it is not NULL, keywords that are not supported are left out and told here.
Result<Program> compile_json_schema(std::string_view source, std::vector<std::string> triggers,
                                    std::vector<std::string>* warnings);

}  // namespace krait::grammar
