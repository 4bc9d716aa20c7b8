// SPDX-License-Identifier: Apache-2.0
//
// JSON as parts of a program (RFC 8259). Between its signs a text may have up to kMaxBlanks blanks and ends of lines; without
// that limit a model can write blanks for ever.
//
// Strings whose characters are restricted are written in one spelling: a character as it is where JSON permits that, else by
// its short escape (\n), else as \u00XX. Free strings, and those whose length alone is restricted, may have any escape.
#pragma once

#include <optional>
#include <string>

#include "text/grammar/program_builder.hpp"

namespace krait::grammar {

inline constexpr uint32_t kMaxBlanks = 64;

class JsonText {
  public:
    explicit JsonText(ProgramBuilder& builder) : builder_(builder) {}

    Part blanks();
    Part value();    // any
    Part object();   // any
    Part array();    // any
    Part string();   // any
    Part integer();  // without fraction and exponent
    Part number();   // any
    // One character of a string, in any spelling.
    Part character();
    // One of these characters, in the one spelling.
    static Part one_spelling(ProgramBuilder& builder, const CodePointSet& set);
    // The text of a string, with its quotes.
    Part quoted(Part characters);
    // first, second, ... with the blanks that may be between them.
    Part member(Part name, Part value);
    Part comma();

  private:
    using Body = Part (JsonText::*)();
    Part call(std::optional<uint32_t>& rule, const char* name, Body body);
    Part blanks_body();
    Part value_body();
    Part object_body();
    Part array_body();
    Part string_body();
    Part digits(uint32_t min);
    Part list(Part element, Part other, const char* open, const char* close);

    ProgramBuilder& builder_;
    std::optional<uint32_t> blanks_, value_, object_, array_, string_;
};

// Any object.
Result<Program> compile_json_object(std::vector<std::string> triggers = {});

}  // namespace krait::grammar
