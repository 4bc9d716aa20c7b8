// SPDX-License-Identifier: Apache-2.0
//
// Objects of a schema: the properties that it names in their order, others behind them.
#include <algorithm>

#include "text/grammar/automaton.hpp"
#include "text/grammar/regex.hpp"
#include "text/grammar/schema_compiler.hpp"

namespace krait::grammar {
namespace {

// As it stands in a text, without quotes.
std::string escaped(const std::string& name) {
    const std::string text = Json(name).dump();
    return text.substr(1, text.size() - 2);
}

}  // namespace

Result<bool> SchemaCompiler::matches(const Json& pattern_owner, const std::string& pattern, const std::string& name) {
    auto found = patterns_.find(pattern);
    if (found == patterns_.end()) {
        ProgramBuilder builder;
        const uint32_t root = builder.add_rule("the pattern");
        const auto part = add_regex(builder, pattern, {.is_search = true, .name = "the pattern"});
        if (!part) return document_.error(pattern_owner, "{}", part.error().message);
        builder.define(root, *part);
        auto program = std::move(builder).finish(root);
        if (!program) return document_.error(pattern_owner, "{}", program.error().message);
        found = patterns_.emplace(pattern, std::make_shared<const Program>(*std::move(program))).first;
    }
    Automaton automaton(found->second, {});
    const SetId start = automaton.start();
    const SetId end = start == kFailed ? kFailed : automaton.advance(start, name);
    if (end == kFailed) return document_.error(pattern_owner, "{}", automaton.failure().message);
    return automaton.accepts(end);
}

// What holds for the value of a property.
Result<SchemaElements> SchemaCompiler::schemas_of(const SchemaShape& shape, const std::string& name) {
    SchemaElements schemas;
    for (const Json* base : shape.bases) {
        bool is_known = false;
        const auto add = [&](const Json& schema) {
            schemas.push_back({&schema, SchemaElement::whole});
            is_known = true;
        };
        if (const Json* properties = member(*base, "properties"); properties && properties->contains(name))
            add(properties->at(name));
        if (const Json* patterns = member(*base, "patternProperties"))
            for (auto entry = patterns->begin(); entry != patterns->end(); ++entry) {
                KRAIT_TRY(const bool is_match, matches(*entry, entry.key(), name));
                if (is_match) add(*entry);
            }
        if (const Json* additional = member(*base, "additionalProperties"); additional && !is_known) add(*additional);
    }
    return schemas;
}

// A key for which all of this holds, and what propertyNames says.
Result<Part> SchemaCompiler::key_of(const SchemaShape& shape, std::vector<Part> conditions, std::vector<Part> negated) {
    if (conditions.empty() && (!negated.empty() || !shape.names.empty()))
        conditions.push_back(builder_.repeat(JsonText::one_spelling(builder_, CodePointSet::all()), 0, kEndless));
    const Part text = conditions.empty() ? json_.string() : json_.quoted(builder_.both(conditions, negated));
    if (shape.names.empty()) return text;
    SchemaElements schemas;
    for (const Json* names : shape.names) schemas.push_back({names, SchemaElement::whole});
    KRAIT_TRY(const Part name, value_of(schemas));
    return builder_.both(std::array{text, name});
}

Result<uint32_t> SchemaCompiler::member_rule(const SchemaShape& shape, const std::string& name) {
    KRAIT_TRY(const SchemaElements schemas, schemas_of(shape, name));
    KRAIT_TRY(const Part key, key_of(shape, {builder_.literal(escaped(name))}, {}));
    KRAIT_TRY(const Part value, value_of(schemas));
    const uint32_t rule = builder_.add_rule(builder_.name_of(0));
    builder_.define(rule, json_.member(key, value));
    return rule;
}

// A member whose key is none of `names`. Nothing where there can be none.
Result<std::optional<uint32_t>> SchemaCompiler::others_rule(const SchemaShape& shape, const std::vector<std::string>& names) {
    constexpr size_t kMaxPatterns = 4;  // each subset of them has values of its own
    struct Pattern {
        const Json* base;
        const Json* schema;
        std::string regex;
    };
    std::vector<Pattern> patterns;
    for (const Json* base : shape.bases)
        if (const Json* given = member(*base, "patternProperties"))
            for (auto entry = given->begin(); entry != given->end(); ++entry) patterns.push_back({base, &*entry, entry.key()});
    if (patterns.size() > kMaxPatterns)
        return document_.error(*patterns.front().base, "patternProperties has {} patterns: at most {} are possible",
                               patterns.size(), kMaxPatterns);
    std::vector<Part> parts;
    for (uint32_t chosen = 0; chosen < 1u << patterns.size(); ++chosen) {
        SchemaElements schemas;
        std::vector<Part> conditions, negated;
        for (size_t i = 0; i < patterns.size(); ++i) {
            const bool is_match = (chosen >> i & 1) != 0;
            if (is_match) schemas.push_back({patterns[i].schema, SchemaElement::whole});
            KRAIT_TRY(const Part part, pattern_part(*patterns[i].schema, patterns[i].regex));
            (is_match ? conditions : negated).push_back(part);
        }
        for (const Json* base : shape.bases) {
            const auto is_known = [&](size_t i) { return (chosen >> i & 1) != 0 && patterns[i].base == base; };
            bool is_additional = true;
            for (size_t i = 0; i < patterns.size(); ++i) is_additional = is_additional && !is_known(i);
            if (const Json* additional = member(*base, "additionalProperties"); additional && is_additional)
                schemas.push_back({additional, SchemaElement::whole});
        }
        if (std::ranges::any_of(schemas, [](const SchemaElement& element) { return *element.schema == false; })) continue;
        if (!names.empty()) {
            std::vector<std::string> words;
            for (const std::string& name : names) words.push_back(escaped(name));
            negated.push_back(builder_.words(words));
        }
        KRAIT_TRY(const Part key, key_of(shape, std::move(conditions), std::move(negated)));
        KRAIT_TRY(const Part value, value_of(schemas));
        parts.push_back(json_.member(key, value));
    }
    if (parts.empty()) return std::nullopt;
    const uint32_t rule = builder_.add_rule("other properties");
    builder_.define(rule, builder_.either(parts));
    return rule;
}

Result<Part> SchemaCompiler::build_object(const SchemaShape& shape) {
    if (!shape.restricts(kObject)) return json_.object();
    std::vector<std::string> names;
    for (const Json* base : shape.bases)
        if (const Json* properties = member(*base, "properties"))
            for (auto entry = properties->begin(); entry != properties->end(); ++entry)
                if (std::ranges::find(names, entry.key()) == names.end()) names.push_back(entry.key());
    for (const std::string& name : shape.required)
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    KRAIT_TRY(const std::optional<uint32_t> others, others_rule(shape, names));
    KRAIT_TRY(const Part members, build_members(shape, names, others));
    return builder_.sequence(builder_.literal("{"), json_.blanks(), members, json_.blanks(), builder_.literal("}"));
}

// A place for each property and each number of those in front of it that are there; where nobody counts, only whether there is
// one, which decides about the comma.
Result<Part> SchemaCompiler::build_members(const SchemaShape& shape, const std::vector<std::string>& names,
                                           std::optional<uint32_t> others) {
    const bool is_counted = shape.min_properties > shape.required.size() ||
                            (shape.max_properties != kEndless && (others || shape.max_properties < names.size()));
    const uint32_t from = builder_.place(), out = builder_.place();
    std::vector<std::optional<uint32_t>> places{from};  // by the count
    const auto comma = [&](size_t count, Part part) { return count > 0 ? builder_.sequence(json_.comma(), part) : part; };
    for (const std::string& name : names) {
        if (builder_.is_full()) break;
        KRAIT_TRY(const uint32_t rule, member_rule(shape, name));
        const bool is_optional = std::ranges::find(shape.required, name) == shape.required.end();
        std::vector<std::optional<uint32_t>> next(is_counted ? places.size() + 1 : 2);
        for (size_t count = 0; count < places.size(); ++count) {
            if (!places[count]) continue;
            const auto to = [&](size_t n) {
                if (!next[n]) next[n] = builder_.place();
                return *next[n];
            };
            builder_.edge(*places[count], comma(count, builder_.call(rule)), to(is_counted ? count + 1 : 1));
            if (is_optional) builder_.edge(*places[count], builder_.empty(), to(count));
        }
        places = std::move(next);
    }
    for (uint32_t count = 0; count < places.size(); ++count) {
        if (!places[count]) continue;
        const bool has_limits = is_counted;
        const uint32_t min = has_limits && shape.min_properties > count ? shape.min_properties - count : 0;
        if (has_limits && shape.max_properties != kEndless && shape.max_properties < count) continue;
        const uint32_t max = !has_limits || shape.max_properties == kEndless ? kEndless : shape.max_properties - count;
        if (min == 0) builder_.edge(*places[count], builder_.empty(), out);
        if (!others || max == 0) continue;
        const Part first = comma(count, builder_.call(*others));
        const Part more = builder_.repeat(builder_.sequence(json_.comma(), builder_.call(*others)), min > 0 ? min - 1 : 0,
                                          max == kEndless ? kEndless : max - 1);
        builder_.edge(*places[count], builder_.sequence(first, more), out);
    }
    return Part{from, out};
}

}  // namespace krait::grammar
