// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/json_schema.hpp"

#include <algorithm>

#include "core/base/printable.hpp"
#include "text/grammar/regex.hpp"
#include "text/grammar/schema_compiler.hpp"
#include "text/grammar/schema_formats.hpp"

namespace krait::grammar {

Result<uint32_t> SchemaCompiler::rule_for(const SchemaElements& elements) {
    KRAIT_TRY(SchemaElements flat, reader_.flatten(elements));
    if (const auto found = rules_.find(flat); found != rules_.end()) return found->second;
    const uint32_t rule = builder_.add_rule(elements.empty() ? "any value" : document_.path(*elements.front().schema));
    rules_.emplace(flat, rule);
    queue_.emplace_back(rule, std::move(flat));
    return rule;
}

Result<Part> SchemaCompiler::value_of(const SchemaElements& elements) {
    if (elements.empty()) return json_.value();
    KRAIT_TRY(const uint32_t rule, rule_for(elements));
    return builder_.call(rule);
}

Result<Program> SchemaCompiler::compile(std::vector<std::string> triggers) && {
    KRAIT_TRY(const uint32_t root, rule_for({{&document_.root(), SchemaElement::whole}}));
    while (!queue_.empty() && !builder_.is_full()) {
        const auto [rule, elements] = std::move(queue_.front());
        queue_.pop_front();
        builder_.set_owner(builder_.name_of(rule));
        KRAIT_TRY(const Part part, build(elements));
        builder_.define(rule, part);
    }
    auto made = std::move(builder_).finish(root, std::move(triggers));
    if (!made) return tl::unexpected<Error>(std::move(made).error().within("the schema"));
    return made;
}

// Of flattened schemas. Alternatives are tried one list after another, the rest in a rule of its own.
Result<Part> SchemaCompiler::build(const SchemaElements& elements) {
    const auto list = std::ranges::find(elements, SchemaElement::alternatives, &SchemaElement::form);
    if (list == elements.end()) {
        KRAIT_TRY(const SchemaShape shape, reader_.shape_of(elements));
        return build_shape(shape, elements);
    }
    SchemaElements rest(elements.begin(), list);
    rest.insert(rest.end(), list + 1, elements.end());
    std::vector<Part> parts;
    for (const Json& alternative : *list->schema) {
        SchemaElements all = rest;
        all.push_back({&alternative, SchemaElement::whole});
        KRAIT_TRY(const Part part, value_of(all));
        parts.push_back(part);
    }
    return builder_.either(parts);
}

Result<Part> SchemaCompiler::build_shape(const SchemaShape& shape, const SchemaElements& elements) {
    return shape.values ? build_values(shape, elements) : build_types(shape, elements);
}

Result<Part> SchemaCompiler::build_values(const SchemaShape& shape, const SchemaElements& elements) {
    std::vector<std::string> texts;
    uint8_t types = 0;
    bool is_restricted = false;
    for (const Json* value : *shape.values) {
        texts.push_back(value->dump());
        types |= type_of(*value);
        is_restricted = is_restricted || shape.restricts(type_of(*value));
    }
    if (texts.empty()) return builder_.nothing();
    const Part words = builder_.words(texts);
    if (!is_restricted) return words;
    SchemaShape rest = shape;
    rest.types = types;
    KRAIT_TRY(const Part part, build_types(rest, elements));
    return builder_.both(std::array{words, part});
}

Result<Part> SchemaCompiler::build_types(const SchemaShape& shape, const SchemaElements& elements) {
    if (shape.types == kAnyType && std::ranges::none_of(std::array{kInteger, kString, kArray, kObject},
                                                        [&](JsonType type) { return shape.restricts(type); }))
        return json_.value();
    std::vector<Part> parts;
    if ((shape.types & kNull) != 0) parts.push_back(builder_.literal("null"));
    if ((shape.types & kBoolean) != 0) parts.push_back(builder_.either({builder_.literal("true"), builder_.literal("false")}));
    if ((shape.types & (kInteger | kFraction)) != 0) {
        if (shape.number.is_free()) {
            parts.push_back(shape.number.is_integer ? json_.integer() : json_.number());
        } else {
            auto part = add_number(builder_, shape.number);
            if (!part) return document_.error(*elements.front().schema, "{}", part.error().message);
            parts.push_back(*part);
        }
    }
    if ((shape.types & kString) != 0) {
        KRAIT_TRY(const Part part, build_string(shape));
        parts.push_back(part);
    }
    if ((shape.types & kArray) != 0) {
        KRAIT_TRY(const Part part, build_array(shape));
        parts.push_back(part);
    }
    if ((shape.types & kObject) != 0) {
        KRAIT_TRY(const Part part, build_object(shape));
        parts.push_back(part);
    }
    return parts.empty() ? builder_.nothing() : builder_.either(parts);
}

Result<Part> SchemaCompiler::pattern_part(const Json& at, std::string_view regex) {
    auto part = add_regex(builder_, regex, {.is_search = true, .name = "the pattern", .write = &JsonText::one_spelling});
    if (!part) return document_.error(at, "{}", part.error().message);
    return *part;
}

Result<Part> SchemaCompiler::build_string(const SchemaShape& shape) {
    if (!shape.restricts(kString)) return json_.string();
    std::vector<Part> conditions;
    for (const Json* pattern : shape.patterns) {
        KRAIT_TRY(const Part part, pattern_part(*pattern, pattern->get_ref<const std::string&>()));
        conditions.push_back(part);
    }
    for (const Json* format : shape.formats) {
        const auto regex = regex_of_format(format->get_ref<const std::string&>());
        if (regex) {
            KRAIT_TRY(const Part part, add_regex(builder_, *regex, {.name = "the format", .write = &JsonText::one_spelling}));
            conditions.push_back(part);
            continue;
        }
        const std::string text =
            fmt::format("the format {} is not supported: {} are", quote(format->get_ref<const std::string&>()), kFormats);
        if (!warnings_) return document_.error(*format, "{} (--lenient leaves it out)", text);
        warnings_->push_back(fmt::format("the schema, {}: {}; it is left out", document_.path(*format), text));
    }
    if (shape.min_length > shape.max_length) return builder_.nothing();
    if (conditions.empty()) return json_.quoted(builder_.repeat(json_.character(), shape.min_length, shape.max_length));
    if (shape.min_length > 0 || shape.max_length != kEndless)
        conditions.push_back(
            builder_.repeat(JsonText::one_spelling(builder_, CodePointSet::all()), shape.min_length, shape.max_length));
    return json_.quoted(builder_.both(conditions));
}

Result<Part> SchemaCompiler::build_array(const SchemaShape& shape) {
    struct Elements {  // of one schema: those of its first places, and of the others
        const Json* first;
        const Json* others;
    };
    std::vector<Elements> all;
    size_t n_first = 0;
    for (const Json* base : shape.bases) {
        Elements given{member(*base, "prefixItems"), member(*base, "items")};
        if (given.others && given.others->is_array())
            given = {given.others, member(*base, "additionalItems")};  // until draft 2019-09
        if (given.first) n_first = std::max(n_first, given.first->size());
        all.push_back(given);
    }
    const auto element = [&](size_t place) {
        SchemaElements schemas;
        for (const Elements& given : all) {
            const Json* schema = given.first && place < given.first->size() ? &(*given.first)[place] : given.others;
            if (schema) schemas.push_back({schema, SchemaElement::whole});
        }
        return value_of(schemas);
    };
    if (shape.min_items > shape.max_items) return builder_.nothing();
    n_first = std::min<size_t>(n_first, shape.max_items);
    const uint32_t from = builder_.place(), out = builder_.place();
    uint32_t at = from;
    for (uint32_t place = 0; place <= n_first && !builder_.is_full(); ++place) {
        if (place >= shape.min_items) builder_.edge(at, builder_.empty(), out);
        if (place == shape.max_items) break;
        KRAIT_TRY(Part value, element(place));
        if (place > 0) value = builder_.sequence(json_.comma(), value);
        const uint32_t next = builder_.place();
        builder_.edge(at, value, next);
        at = next;
    }
    const auto n_read = static_cast<uint32_t>(n_first) + 1;  // one of the others is read, so each further one has a comma
    if (shape.max_items >= n_read) {
        KRAIT_TRY(const Part value, element(n_first));
        const uint32_t min = shape.min_items > n_read ? shape.min_items - n_read : 0;
        const uint32_t max = shape.max_items == kEndless ? kEndless : shape.max_items - n_read;
        builder_.edge(at, builder_.repeat(builder_.sequence(json_.comma(), value), min, max), out);
    }
    return builder_.sequence(builder_.literal("["), json_.blanks(), Part{from, out}, json_.blanks(), builder_.literal("]"));
}

Result<Program> compile_json_schema(std::string_view source, std::vector<std::string> triggers,
                                    std::vector<std::string>* warnings) {
    KRAIT_TRY(const SchemaDocument document, SchemaDocument::read(source));
    return SchemaCompiler(document, warnings).compile(std::move(triggers));
}

}  // namespace krait::grammar
