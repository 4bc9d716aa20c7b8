// SPDX-License-Identifier: Apache-2.0
#include "tools/grammar_arguments.hpp"

#include <cmath>

#include "tools/log.hpp"
#include "tools/shown.hpp"

namespace krait::tools {

void GrammarArguments::add(Command& command, bool takes_gbnf) {
    constexpr const char* kGroup = "Grammar";
    const auto choice = [&](Option& option) {
        option.group(kGroup);
        return &option;
    };
    std::vector<Option*> choices;
    if (takes_gbnf)
        choices.push_back(
            choice(command.option("--grammar", gbnf, "the text obeys the grammar of this file, in GBNF").path("FILE")));
    choices.push_back(choice(command.option("--json-schema", schema, "the text is JSON that this schema allows").path("FILE")));
    choices.push_back(
        choice(command.option("--regex", regex, "the whole text matches this regular expression").value_name("REGEX")));
    choices.push_back(choice(command.option("--json-object", json_object, "the text is an object of JSON")));
    for (Option* option : choices)
        for (const Option* other : choices)
            if (other != option) option->excludes(*other);
    command.option("--lenient", is_lenient, "leave out what is not supported in a JSON schema, with a warning").group(kGroup);
    command
        .option("--trigger", triggers,
                "the grammar holds from the first place on where this stands, and the text in front is free; may be repeated")
        .value_name("TEXT")
        .group(kGroup);
}

api::Result<std::optional<api::Grammar>> GrammarArguments::create() const {
    krait_grammar_options options = KRAIT_GRAMMAR_OPTIONS_INIT;
    std::string text;
    const std::string& file = schema.empty() ? gbnf : schema;
    if (!file.empty()) {
        options.kind = schema.empty() ? KRAIT_GRAMMAR_GBNF : KRAIT_GRAMMAR_JSON_SCHEMA;
        TOOLS_TRY(text, read_text(file));
    } else if (regex) {
        options.kind = KRAIT_GRAMMAR_REGEX;
        text = *regex;
    } else if (json_object) {
        options.kind = KRAIT_GRAMMAR_JSON_OBJECT;
    } else if (is_lenient || !triggers.empty()) {
        return failure(KRAIT_INVALID_ARGUMENT, "--lenient and --trigger need a grammar");
    } else {
        return std::optional<api::Grammar>();
    }
    options.is_lenient = is_lenient ? 1 : 0;
    std::vector<const char*> words;
    for (const std::string& trigger : triggers) words.push_back(trigger.c_str());
    options.triggers = words.data();
    options.n_trigger = words.size();
    auto grammar = api::Grammar::create(text, options);
    if (!grammar && !file.empty()) return failure(grammar.failure().code, "{}: {}", printable(file), grammar.failure().message);
    if (!grammar) return grammar.failure();
    for (const std::string_view warning : grammar->warnings()) print_warning(warning);
    return std::optional<api::Grammar>(std::move(*grammar));
}

void GrammarGuide::constrain(krait_sampler_options& options) {
    if (!grammar_) return;
    options.user = this;
    options.constraint = [](void* user, float* logits, size_t n_token) {
        GrammarGuide& guide = *static_cast<GrammarGuide*>(user);
        guide.failure_ = guide.state_->apply(std::span(logits, n_token));
        for (const int32_t token : guide.forbidden_)
            if (static_cast<size_t>(token) < n_token) logits[token] = -INFINITY;
        return guide.failure_ ? 0 : 1;
    };
}

api::Status GrammarGuide::begin(const api::Model& model, bool ignores_ends) {
    if (!grammar_) return api::Done{};
    if (!state_) {
        TOOLS_TRY(state_, api::GrammarState::create(*grammar_, model));
    }
    state_->reset();
    if (ignores_ends) forbidden_ = model.ends();
    return api::Done{};
}

api::Status GrammarGuide::accept(int32_t token) { return state_ ? state_->accept(token) : api::Status(api::Done{}); }

api::Result<bool> GrammarGuide::is_finished() {
    if (!state_) return false;
    return state_->is_finished();
}

}  // namespace krait::tools
