// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/grammar.hpp"

#include <algorithm>

#include "core/base/printable.hpp"
#include "text/grammar/automaton.hpp"
#include "text/grammar/gbnf.hpp"
#include "text/grammar/json_schema.hpp"
#include "text/grammar/json_text.hpp"
#include "text/grammar/plain_repeats.hpp"
#include "text/grammar/regex.hpp"

namespace krait::grammar {
namespace {

// What the grammar could never go on with would be a trap.
Result<void> check_triggers(const std::shared_ptr<const Program>& program) {
    Automaton automaton(program, {});
    for (const std::string& trigger : program->triggers) {
        automaton.begin_work();
        const SetId root = automaton.start_of(program->root);
        const SetId state = root == kFailed ? kFailed : automaton.advance(root, trigger);
        if (state == kFailed) return tl::unexpected<Error>(automaton.failure());
        if (state == kDead)
            return fail(ErrorCode::invalid_argument, "no text of the grammar begins with the trigger {}", quote(trigger));
    }
    return {};
}

Result<Program> compile(GrammarKind kind, std::string_view source, const GrammarOptions& options,
                        std::vector<std::string>& warnings) {
    switch (kind) {
        case GrammarKind::gbnf: return compile_gbnf(source, options.triggers);
        case GrammarKind::json_schema:
            return compile_json_schema(source, options.triggers, options.is_lenient ? &warnings : nullptr);
        case GrammarKind::regex: return compile_regex(source, options.triggers);
        case GrammarKind::json_object: return compile_json_object(options.triggers);
    }
    return fail(ErrorCode::invalid_argument, "there is no kind {} of grammars", static_cast<int>(kind));
}

}  // namespace

Result<Grammar> Grammar::create(GrammarKind kind, std::string_view source, const GrammarOptions& options) {
    for (const std::string& trigger : options.triggers)
        if (trigger.empty() || trigger.size() > kMaxTriggerBytes)
            return fail(ErrorCode::invalid_argument, "a trigger has {} bytes: 1 to {} are possible", trigger.size(),
                        kMaxTriggerBytes);
    std::vector<std::string> warnings;
    Result<Program> program = compile(kind, source, options, warnings);
    if (!program) return tl::unexpected<Error>(std::move(program).error());
    find_plain_repeats(*program);
    Grammar grammar(std::make_shared<const Program>(*std::move(program)));
    grammar.warnings_ = std::move(warnings);
    KRAIT_CHECK(check_triggers(grammar.program_));
    return grammar;
}

Result<TextMatch> match_text(const Grammar& grammar, std::string_view text, const MatchLimits& limits) {
    if (!grammar.program()->token_sets.empty())
        return fail(ErrorCode::unsupported, "the grammar names tokens, which a text alone does not have");
    Automaton automaton(grammar.program(), limits);
    SetId state = automaton.start();
    TextMatch match;
    for (; match.n_matched < text.size() && state != kFailed; ++match.n_matched) {
        automaton.begin_work();
        if (automaton.is_full()) automaton.keep(std::span(&state, 1));
        const SetId next = automaton.next(state, static_cast<uint8_t>(text[match.n_matched]));
        if (next == kDead) return match;
        state = next;
    }
    if (state == kFailed) return tl::unexpected<Error>(automaton.failure());
    match.is_accepted = automaton.accepts(state);
    return match;
}

}  // namespace krait::grammar
