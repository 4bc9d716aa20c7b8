// SPDX-License-Identifier: Apache-2.0
//
// Grammars, whatever they are written in. A grammar never changes; a copy costs one reference, and threads share it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "text/grammar/limits.hpp"
#include "text/grammar/program.hpp"

namespace krait::grammar {

enum class GrammarKind {
    gbnf,         // gbnf.hpp
    json_schema,  // json_schema.hpp
    regex,        // regex.hpp; the whole text has to match
    json_object,  // any object of JSON; there is no source
};

struct GrammarOptions {
    bool is_lenient = false;  // json_schema: keywords that are not supported are left out, with a warning
    // A lazy grammar: the text is free until the first of these comes up in it, and obeys the grammar from the beginning of
    // that on. Each has to be the beginning of a text of the grammar.
    std::vector<std::string> triggers = {};
};

class Grammar {
  public:
    // Fails where the source is wrong: says in which line and column, or at which path of the schema.
    static Result<Grammar> create(GrammarKind kind, std::string_view source, const GrammarOptions& options = {});

    [[nodiscard]] const std::shared_ptr<const Program>& program() const { return program_; }
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    explicit Grammar(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
    std::shared_ptr<const Program> program_;
    std::vector<std::string> warnings_;
};

// Whether a grammar accepts a text.
struct TextMatch {
    bool is_accepted = false;
    size_t n_matched = 0;  // bytes that a text of the grammar begins with; all of them where the text is only too short
};
// Fails at a limit, and on a grammar that names tokens: a text alone has none.
Result<TextMatch> match_text(const Grammar& grammar, std::string_view text, const MatchLimits& limits = {});

}  // namespace krait::grammar
