// SPDX-License-Identifier: Apache-2.0
//
// The options by which commands take a grammar: --grammar, --json-schema, --regex, --json-object, with --lenient and --trigger.
#pragma once

#include <krait/grammar.hpp>
#include <krait/session.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/command.hpp"

namespace krait::tools {

struct GrammarArguments {
    std::string gbnf, schema;  // files; empty = not given
    std::optional<std::string> regex;
    bool json_object = false, is_lenient = false;
    std::vector<std::string> triggers;

    // takes_gbnf: with --grammar; else the GBNF file is an argument of its own.
    void add(Command& command, bool takes_gbnf);
    // Nothing where none of the options was given. Prints warnings.
    api::Result<std::optional<api::Grammar>> create() const;
};

// What a sampler obeys while it generates a text that obeys a grammar. It stays where it is.
class GrammarGuide {
  public:
    explicit GrammarGuide(std::optional<api::Grammar> grammar) : grammar_(std::move(grammar)) {}
    GrammarGuide(const GrammarGuide&) = delete;

    [[nodiscard]] bool is_given() const { return grammar_.has_value(); }
    // To be called before a sampler is made of the options: it becomes the sampler's constraint.
    void constrain(krait_sampler_options& options);
    // To be called before a text. ignores_ends: an end token is never allowed.
    api::Status begin(const api::Model& model, bool ignores_ends);
    // The sampler has chosen this token.
    api::Status accept(int32_t token);
    // Nothing but an end can follow.
    api::Result<bool> is_finished();
    // Why a call of the sampler ended with KRAIT_CANCELLED; KRAIT_OK where it was not the grammar.
    [[nodiscard]] const api::Status& failure() const { return failure_; }

  private:
    std::optional<api::Grammar> grammar_;
    std::optional<api::GrammarState> state_;
    std::vector<int32_t> forbidden_;
    api::Status failure_ = api::Done{};
};

}  // namespace krait::tools
