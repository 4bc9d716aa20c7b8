// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/json_text.hpp"

#include "text/grammar/token_index.hpp"

namespace krait::grammar {
namespace {

ByteSet set_of(std::string_view bytes) {
    ByteSet set;
    for (const char byte : bytes) set.add(static_cast<uint8_t>(byte), static_cast<uint8_t>(byte));
    return set;
}

constexpr std::string_view kHex = "0123456789abcdefABCDEF";
constexpr std::string_view kShortEscapes = "\"\\/bfnrt", kEscaped = "\"\\/\b\f\n\r\t";

}  // namespace

// A rule, defined when it is first called.
Part JsonText::call(std::optional<uint32_t>& rule, const char* name, Body body) {
    if (!rule) {
        rule = builder_.add_rule(name);
        builder_.define(*rule, (this->*body)());
    }
    return builder_.call(*rule);
}

Part JsonText::blanks() { return call(blanks_, "blanks", &JsonText::blanks_body); }
Part JsonText::value() { return call(value_, "any value", &JsonText::value_body); }
Part JsonText::object() { return call(object_, "any object", &JsonText::object_body); }
Part JsonText::array() { return call(array_, "any array", &JsonText::array_body); }
Part JsonText::string() { return call(string_, "any string", &JsonText::string_body); }

Part JsonText::blanks_body() { return builder_.repeat(builder_.bytes(set_of(" \n\r\t")), 0, kMaxBlanks); }

Part JsonText::value_body() {
    const std::vector<std::string> words{"true", "false", "null"};
    return builder_.either({object(), array(), string(), number(), builder_.words(words)});
}

// `other` is `element` once more.
Part JsonText::list(Part element, Part other, const char* open, const char* close) {
    const Part rest = builder_.repeat(builder_.sequence(comma(), other), 0, kEndless);
    return builder_.sequence(builder_.literal(open), blanks(), builder_.optional(builder_.sequence(element, rest, blanks())),
                             builder_.literal(close));
}

Part JsonText::object_body() { return list(member(string(), value()), member(string(), value()), "{", "}"); }
Part JsonText::array_body() { return list(value(), value(), "[", "]"); }
Part JsonText::string_body() { return quoted(builder_.repeat(character(), 0, kEndless)); }

Part JsonText::digits(uint32_t min) { return builder_.repeat(builder_.bytes(set_of("0123456789")), min, kEndless); }

Part JsonText::integer() {
    return builder_.sequence(
        builder_.optional(builder_.literal("-")),
        builder_.either({builder_.literal("0"), builder_.sequence(builder_.bytes(set_of("123456789")), digits(0))}));
}

Part JsonText::number() {
    const Part fraction = builder_.optional(builder_.sequence(builder_.literal("."), digits(1)));
    const Part exponent = builder_.optional(
        builder_.sequence(builder_.bytes(set_of("eE")), builder_.optional(builder_.bytes(set_of("+-"))), digits(1)));
    return builder_.sequence(integer(), fraction, exponent);
}

// Halves of pairs of surrogates stand only side by side.
Part JsonText::character() {
    const auto hex = [&](std::string_view digits) { return builder_.bytes(set_of(digits)); };
    const Part single = builder_.either(
        {builder_.sequence(hex("0123456789abcefABCEF"), hex(kHex)), builder_.sequence(hex("dD"), hex("01234567"))});
    const Part pair =
        builder_.sequence(builder_.sequence(hex("dD"), hex("89abAB"), hex(kHex), hex(kHex)), builder_.literal("\\u"),
                          builder_.sequence(hex("dD"), hex("cdefCDEF"), hex(kHex), hex(kHex)));
    const Part escape = builder_.either(
        {builder_.bytes(set_of(kShortEscapes)),
         builder_.sequence(builder_.literal("u"), builder_.either({builder_.sequence(single, hex(kHex), hex(kHex)), pair}))});
    return builder_.either({builder_.characters(plain_characters()), builder_.sequence(builder_.literal("\\"), escape)});
}

Part JsonText::one_spelling(ProgramBuilder& builder, const CodePointSet& set) {
    std::vector<Part> parts{builder.characters(set.without(plain_characters().negated()))};
    std::vector<std::string> escapes;
    for (char32_t point = 0; point <= '\\'; ++point) {
        if ((point >= 0x20 && point != '"' && point != '\\') || !set.has(point)) continue;
        if (const size_t found = kEscaped.find(static_cast<char>(point)); found != kEscaped.npos)
            escapes.push_back({'\\', kShortEscapes[found]});
        else escapes.push_back(fmt::format("\\u{:04x}", static_cast<uint32_t>(point)));
    }
    if (!escapes.empty()) parts.push_back(builder.words(escapes));
    return builder.either(parts);
}

Part JsonText::quoted(Part characters) { return builder_.sequence(builder_.literal("\""), characters, builder_.literal("\"")); }

Part JsonText::member(Part name, Part value) {
    return builder_.sequence(name, blanks(), builder_.literal(":"), blanks(), value);
}

Part JsonText::comma() { return builder_.sequence(blanks(), builder_.literal(","), blanks()); }

Result<Program> compile_json_object(std::vector<std::string> triggers) {
    ProgramBuilder builder;
    const uint32_t root = builder.add_rule("root");
    JsonText json(builder);
    builder.define(root, json.object());
    return std::move(builder).finish(root, std::move(triggers));
}

}  // namespace krait::grammar
