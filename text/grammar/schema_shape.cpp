// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/schema_shape.hpp"

#include <algorithm>
#include <array>

#include "core/base/printable.hpp"

namespace krait::grammar {
namespace {

constexpr std::array kSupported = {"$ref",
                                   "$defs",
                                   "definitions",
                                   "$anchor",
                                   "allOf",
                                   "anyOf",
                                   "oneOf",
                                   "const",
                                   "enum",
                                   "type",
                                   "minimum",
                                   "maximum",
                                   "exclusiveMinimum",
                                   "exclusiveMaximum",
                                   "multipleOf",
                                   "minLength",
                                   "maxLength",
                                   "pattern",
                                   "format",
                                   "items",
                                   "prefixItems",
                                   "additionalItems",
                                   "minItems",
                                   "maxItems",
                                   "properties",
                                   "required",
                                   "additionalProperties",
                                   "patternProperties",
                                   "propertyNames",
                                   "minProperties",
                                   "maxProperties"};
constexpr std::array kAnnotations = {"$schema",     "$id",       "$comment",        "$vocabulary",      "title",
                                     "description", "default",   "examples",        "example",          "deprecated",
                                     "readOnly",    "writeOnly", "contentEncoding", "contentMediaType", "contentSchema"};
constexpr std::array kLists = {"allOf", "anyOf", "oneOf", "enum", "prefixItems", "required"};
constexpr std::array kObjects = {"properties", "patternProperties", "$defs", "definitions"};
constexpr std::array kStrings = {"$ref", "pattern", "format"};

bool is_one_of(std::span<const char* const> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

}  // namespace

uint8_t type_of(const Json& value) {
    if (value.is_null()) return kNull;
    if (value.is_boolean()) return kBoolean;
    if (value.is_number_integer()) return kInteger;
    if (value.is_number_float()) {
        const auto number = Decimal::parse(value.dump());
        return number && number->fraction.empty() ? kInteger : kFraction;
    }
    return value.is_string() ? kString : value.is_array() ? kArray : kObject;
}

bool SchemaShape::restricts(uint8_t type) const {
    switch (type) {
        case kInteger:
        case kFraction: return !number.is_free();
        case kString: return min_length > 0 || max_length != kEndless || !patterns.empty() || !formats.empty();
        case kArray: return min_items > 0 || max_items != kEndless || !bases.empty();
        case kObject:
            return min_properties > 0 || max_properties != kEndless || !bases.empty() || !names.empty() || !required.empty();
        default: return false;
    }
}

Result<void> SchemaReader::unsupported(const Json& at, std::string_view text) {
    if (!warnings_) return document_.error(at, "{} (--lenient leaves it out)", text);
    warnings_->push_back(fmt::format("the schema, {}: {}; it is left out", document_.path(at), text));
    return {};
}

// Each schema once.
Result<void> SchemaReader::check_keywords(const Json& schema) {
    const auto place = std::ranges::lower_bound(checked_, &schema);
    if (place != checked_.end() && *place == &schema) return {};
    checked_.insert(place, &schema);
    if (schema.is_boolean()) return {};
    if (!schema.is_object())
        return document_.error(schema, "a schema is an object, true or false, and not {}", schema.type_name());
    for (auto keyword = schema.begin(); keyword != schema.end(); ++keyword) {
        const std::string& name = keyword.key();
        const auto wrong = [&](const char* right) {
            return document_.error(*keyword, "{} is to be {}, not {}", name, right, keyword->type_name());
        };
        if (is_one_of(kLists, name) && !keyword->is_array()) return wrong("a list");
        if (is_one_of(kObjects, name) && !keyword->is_object()) return wrong("an object");
        if (is_one_of(kStrings, name) && !keyword->is_string()) return wrong("a string");
        const bool is_empty = name == "anyOf" || name == "oneOf" || name == "allOf" ? keyword->empty() : false;
        if (is_empty) return document_.error(*keyword, "the list is empty");
        if (name == "uniqueItems" && *keyword == false) continue;
        if (is_one_of(kSupported, name) || is_one_of(kAnnotations, name) || name.starts_with("x-")) continue;
        KRAIT_CHECK(unsupported(*keyword, fmt::format("the keyword {} is not supported", quote(name))));
    }
    return {};
}

Result<SchemaElements> SchemaReader::flatten(const SchemaElements& elements) {
    SchemaElements flat, open = elements;
    std::vector<const Json*> seen;
    while (!open.empty()) {
        const SchemaElement element = open.back();
        open.pop_back();
        if (element.form != SchemaElement::whole) {
            flat.push_back(element);
            continue;
        }
        const Json& schema = *element.schema;
        if (std::ranges::find(seen, &schema) != seen.end()) continue;  // twice is as once, and a circle says nothing more
        seen.push_back(&schema);
        KRAIT_CHECK(check_keywords(schema));
        flat.push_back({&schema, SchemaElement::base});
        if (!schema.is_object()) continue;
        if (const Json* reference = member(schema, "$ref")) {
            const auto target = document_.resolve(reference->get_ref<const std::string&>());
            if (!target) return document_.error(*reference, "{}", target.error().message);
            open.push_back({*target, SchemaElement::whole});
        }
        if (const Json* all = member(schema, "allOf"))
            for (const Json& part : *all) open.push_back({&part, SchemaElement::whole});
        if (const Json* any = member(schema, "anyOf")) flat.push_back({any, SchemaElement::alternatives});
        if (const Json* one = member(schema, "oneOf")) {
            KRAIT_CHECK(check_exclusive(*one));
            flat.push_back({one, SchemaElement::alternatives});
        }
    }
    std::ranges::sort(flat, {},
                      [&](const SchemaElement& element) { return std::pair(document_.order(*element.schema), element.form); });
    flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
    return flat;
}

// While a text is written nobody counts how many alternatives it fits, so they have to exclude each other.
Result<void> SchemaReader::check_exclusive(const Json& alternatives) {
    if (std::ranges::binary_search(checked_, &alternatives)) return {};
    checked_.insert(std::ranges::lower_bound(checked_, &alternatives), &alternatives);
    constexpr size_t kMaxPairs = 64;
    for (size_t i = 0; i < alternatives.size(); ++i)
        for (size_t j = 0; j < i; ++j) {
            if (alternatives.size() <= kMaxPairs) {
                KRAIT_TRY(const bool is_exclusive, excludes(alternatives[j], alternatives[i], 0));
                if (is_exclusive) continue;
            }
            return unsupported(alternatives,
                               fmt::format("alternatives {} and {} of oneOf may hold together; anyOf is possible, or a "
                                           "property with a const of its own in each",
                                           j, i));
        }
    return {};
}

// Whether it can be seen that no value fits both.
Result<bool> SchemaReader::excludes(const Json& a, const Json& b, int depth) {
    constexpr int kMaxDepth = 3;  // of properties inside properties
    const auto shape = [&](std::initializer_list<const Json*> schemas) -> Result<std::pair<SchemaShape, SchemaElements>> {
        SchemaElements elements;
        for (const Json* schema : schemas) elements.push_back({schema, SchemaElement::whole});
        KRAIT_TRY(SchemaElements flat, flatten(elements));
        KRAIT_TRY(SchemaShape made, shape_of(flat));
        return std::pair(std::move(made), std::move(flat));
    };
    KRAIT_TRY(const auto together, shape({&a, &b}));
    const SchemaShape& both = together.first;
    if (both.types == 0 || (both.values && both.values->empty())) return true;
    const bool is_number = (both.types & ~(kInteger | kFraction)) == 0;
    if (is_number && both.number.min && both.number.max) {
        const int order = both.number.min->value.compare(both.number.max->value);
        if (order > 0 || (order == 0 && (both.number.min->is_exclusive || both.number.max->is_exclusive))) return true;
    }
    if ((both.types == kString && both.min_length > both.max_length) ||
        (both.types == kArray && both.min_items > both.max_items))
        return true;
    if (both.types != kObject || depth == kMaxDepth) return false;
    for (const std::string& name : both.required) {  // one of a property that has to be there
        std::vector<const Json*> schemas;
        for (const Json* base : both.bases) {
            const Json* properties = member(*base, "properties");
            const Json* additional = member(*base, "additionalProperties");
            if (properties && properties->contains(name)) schemas.push_back(&properties->at(name));
            else if (additional && *additional == false && !member(*base, "patternProperties")) return true;
        }
        for (size_t i = 0; i < schemas.size(); ++i)
            for (size_t j = 0; j < i; ++j) {
                KRAIT_TRY(const bool is_exclusive, excludes(*schemas[j], *schemas[i], depth + 1));
                if (is_exclusive) return true;
            }
    }
    return false;
}

Result<SchemaShape> SchemaReader::shape_of(const SchemaElements& elements) {
    SchemaShape shape;
    for (const SchemaElement& element : elements)
        if (element.form == SchemaElement::base) KRAIT_CHECK(add_base(*element.schema, shape));
    if (shape.values) std::erase_if(*shape.values, [&](const Json* value) { return (type_of(*value) & shape.types) == 0; });
    shape.number.is_integer = (shape.types & kFraction) == 0;
    return shape;
}

Result<void> SchemaReader::add_types(const Json& given, SchemaShape& shape) {
    constexpr std::array<std::pair<std::string_view, uint8_t>, 7> kNames = {{{"null", kNull},
                                                                             {"boolean", kBoolean},
                                                                             {"integer", kInteger},
                                                                             {"number", kInteger | kFraction},
                                                                             {"string", kString},
                                                                             {"array", kArray},
                                                                             {"object", kObject}}};
    uint8_t types = 0;
    const auto add = [&](const Json& name) -> Result<void> {
        for (const auto& [known, type] : kNames)
            if (name == known) {
                types |= type;
                return {};
            }
        return document_.error(name, "{} is no type: null, boolean, integer, number, string, array and object are",
                               name.dump());
    };
    if (!given.is_array()) KRAIT_CHECK(add(given));
    else
        for (const Json& name : given) KRAIT_CHECK(add(name));
    shape.types &= types;
    return {};
}

Result<void> SchemaReader::add_numbers(const Json& schema, SchemaShape& shape) {
    const auto decimal = [&](const Json& at) -> Result<Decimal> {
        const auto number = at.is_number() ? Decimal::parse(at.dump()) : std::nullopt;
        if (!number) return document_.error(at, "{} is no number that can be a limit", at.dump());
        return *number;
    };
    for (const auto& [name, is_exclusive, is_min] : {std::tuple("minimum", false, true),
                                                     {"exclusiveMinimum", true, true},
                                                     {"maximum", false, false},
                                                     {"exclusiveMaximum", true, false}}) {
        const Json* given = member(schema, name);
        if (!given) continue;
        KRAIT_TRY(const Decimal value, decimal(*given));
        std::optional<NumberBound>& bound = is_min ? shape.number.min : shape.number.max;
        const int order = bound ? value.compare(bound->value) * (is_min ? 1 : -1) : 1;
        if (order > 0) bound = NumberBound{value, is_exclusive};
        else if (order == 0) bound->is_exclusive |= is_exclusive;
    }
    if (const Json* given = member(schema, "multipleOf")) {
        KRAIT_TRY(const Decimal value, decimal(*given));
        if (value.is_negative || value.is_zero()) return document_.error(*given, "multipleOf is to be above 0");
        shape.number.multiples.push_back(value);
    }
    const auto count = [&](const char* name, uint32_t& limit, bool is_min) -> Result<void> {
        const Json* given = member(schema, name);
        if (!given) return {};
        const auto number = given->is_number() ? Decimal::parse(given->dump()) : std::nullopt;
        if (!number || number->is_negative || !number->fraction.empty())
            return document_.error(*given, "{} is to be a whole number that is not negative", name);
        uint32_t value = kEndless;
        if (number->digits.size() <= 9) value = static_cast<uint32_t>(std::stoul(number->digits));
        else if (is_min) return document_.error(*given, "{} is too large: at most 999,999,999 is possible", name);
        limit = is_min ? std::max(limit, value) : std::min(limit, value);
        return {};
    };
    KRAIT_CHECK(count("minLength", shape.min_length, true));
    KRAIT_CHECK(count("maxLength", shape.max_length, false));
    KRAIT_CHECK(count("minItems", shape.min_items, true));
    KRAIT_CHECK(count("maxItems", shape.max_items, false));
    KRAIT_CHECK(count("minProperties", shape.min_properties, true));
    return count("maxProperties", shape.max_properties, false);
}

Result<void> SchemaReader::add_base(const Json& schema, SchemaShape& shape) {
    if (schema.is_boolean()) {
        if (schema == false) shape.types = 0;
        return {};
    }
    if (const Json* type = member(schema, "type")) KRAIT_CHECK(add_types(*type, shape));
    const auto keep_values = [&](std::vector<const Json*> values) {
        if (shape.values)
            std::erase_if(values, [&](const Json* value) {
                return std::ranges::none_of(*shape.values, [&](const Json* other) { return *value == *other; });
            });
        shape.values = std::move(values);
    };
    if (const Json* value = member(schema, "const")) keep_values({value});
    if (const Json* list = member(schema, "enum")) {
        std::vector<const Json*> values;
        for (const Json& value : *list) values.push_back(&value);
        keep_values(std::move(values));
    }
    KRAIT_CHECK(add_numbers(schema, shape));
    if (const Json* pattern = member(schema, "pattern")) shape.patterns.push_back(pattern);
    if (const Json* format = member(schema, "format")) shape.formats.push_back(format);
    if (const Json* names = member(schema, "propertyNames")) shape.names.push_back(names);
    if (const Json* required = member(schema, "required"))
        for (const Json& name : *required) {
            if (!name.is_string())
                return document_.error(name, "required has the names of properties, not {}", name.type_name());
            const auto& text = name.get_ref<const std::string&>();
            if (std::ranges::find(shape.required, text) == shape.required.end()) shape.required.push_back(text);
        }
    for (const char* name : {"properties", "patternProperties", "additionalProperties", "items", "prefixItems"})
        if (member(schema, name)) {
            shape.bases.push_back(&schema);
            break;
        }
    return {};
}

}  // namespace krait::grammar
