// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/plain_repeats.hpp"

#include <algorithm>

#include "text/grammar/token_index.hpp"

namespace krait::grammar {
namespace {

// Whether every character of these bytes is a text of the rule that `start` belongs to.
bool takes_all(Automaton& automaton, SetId start, const ByteRanges& ranges) {
    constexpr size_t kMaxStates = 64;  // of a rule for characters; more is another kind of rule
    std::vector<SetId> states{start};
    for (uint32_t i = 0; i < ranges.length; ++i) {
        std::vector<SetId> next;
        for (const SetId state : states)
            for (unsigned byte = ranges.first[i]; byte <= ranges.last[i]; ++byte) {
                const SetId after = automaton.next(state, static_cast<uint8_t>(byte));
                if (after == kDead || after == kFailed) return false;
                if (std::ranges::find(next, after) == next.end()) next.push_back(after);
            }
        if (next.size() > kMaxStates) return false;
        states = std::move(next);
    }
    return std::ranges::all_of(states, [&](SetId state) { return automaton.accepts(state); });
}

// Remaining repetitions by the place where a rule goes on when the one that is being read has ended.
uint32_t remaining(const Program& program, std::span<const Position> callers, uint32_t entry, uint32_t limit) {
    uint32_t most = 0;
    for (const Position& caller : callers) {
        const Node& node = program.nodes[caller.node];
        if (node.kind != NodeKind::repeat) continue;
        const Repeat& repeat = program.repeats[node.arg];
        if (std::ranges::find(repeat.plain_entries, entry) == repeat.plain_entries.end()) continue;
        // The counter tells what it will be when this one has been read.
        most = std::max(most, repeat.max == kEndless ? limit : std::min(repeat.max - caller.extra, limit - 1) + 1);
    }
    return most;
}

}  // namespace

void find_plain_repeats(Program& program) {
    constexpr uint64_t kMaxSteps = uint64_t{1}
                                   << 20;  // for all of them, some 0.1 s; where fewer are found, masks are slower but right
    const std::vector<ByteRanges> plain = utf8_ranges(plain_characters());
    const auto shared = std::make_shared<const Program>(program);
    Automaton automaton(shared, {.steps = kMaxSteps});
    for (Repeat& repeat : program.repeats) {
        if (automaton.is_full()) return;
        const SetId start = automaton.start_of(repeat.rule);
        if (start == kFailed || start == kDead || program.rules[repeat.rule].is_nullable) continue;
        // Most rules take no 'a' and are done with here.
        if (!automaton.accepts(automaton.next(start, 'a')) || automaton.next(start, 'a') == kFailed) continue;
        repeat.takes_plain =
            std::ranges::all_of(plain, [&](const ByteRanges& ranges) { return takes_all(automaton, start, ranges); });
        if (!repeat.takes_plain) continue;
        for (const Position& at : automaton.positions(start)) {
            const Node& node = program.nodes[at.node];
            if (node.kind == NodeKind::bytes && program.byte_sets[node.arg].has('a')) repeat.plain_entries.push_back(at.node);
        }
    }
}

uint32_t plain_run(const Automaton& automaton, SetId state, uint32_t limit) {
    const Program& program = automaton.program();
    uint32_t most = 0;
    for (const Position& at : automaton.positions(state)) {
        const Node& node = program.nodes[at.node];
        if (node.kind == NodeKind::bytes) {
            most = std::max(most, remaining(program, automaton.positions(at.link), at.node, limit));
        } else if (node.kind == NodeKind::both) {
            uint32_t all = limit;
            for (const Position& part : automaton.positions(at.extra)) {
                if (!program.conjunctions[node.arg][part.extra].is_negated)
                    all = std::min(all, plain_run(automaton, part.link, limit));
                else if (part.link != kDead) all = 0;
            }
            most = std::max(most, all);
        }
    }
    return most;
}

}  // namespace krait::grammar
