// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/program_builder.hpp"

#include <algorithm>
#include <utility>

#include "text/grammar/limits.hpp"

namespace krait::grammar {

ProgramBuilder::ProgramBuilder() {
    program_.nodes.push_back({NodeKind::end});
    program_.nodes.push_back({NodeKind::fail});  // node 1 marks parts of a conjunction in a state
}

bool ProgramBuilder::is_full() const { return program_.nodes.size() >= kMaxNodes; }

uint32_t ProgramBuilder::add(NodeKind kind, uint32_t arg, uint32_t next) {
    // One that is there takes the place of those that are too many; nobody reads the program then.
    if (is_full()) return kMaxNodes - 1;
    program_.nodes.push_back({kind, arg, next});
    return static_cast<uint32_t>(program_.nodes.size() - 1);
}

uint32_t ProgramBuilder::add_set(const ByteSet& set) {
    const auto [found, is_new] = set_ids_.try_emplace(set, static_cast<uint32_t>(program_.byte_sets.size()));
    if (is_new) program_.byte_sets.push_back(set);
    return found->second;
}

Part ProgramBuilder::empty() {
    const uint32_t node = add(NodeKind::split);
    return {node, node};
}

Part ProgramBuilder::nothing() { return {add(NodeKind::fail), add(NodeKind::split)}; }

Part ProgramBuilder::bytes(const ByteSet& set) {
    const uint32_t out = add(NodeKind::split);
    return {add(NodeKind::bytes, add_set(set), out), out};
}

Part ProgramBuilder::literal(std::string_view text) {
    const uint32_t out = add(NodeKind::split);
    uint32_t next = out;
    for (size_t i = text.size(); i-- > 0 && !is_full();) {
        ByteSet set;
        set.add(static_cast<uint8_t>(text[i]), static_cast<uint8_t>(text[i]));
        next = add(NodeKind::bytes, add_set(set), next);
    }
    return {next, out};
}

uint32_t ProgramBuilder::split(std::span<const uint32_t> targets) {
    if (targets.empty()) return add(NodeKind::fail);
    uint32_t node = targets.back();
    for (size_t i = targets.size() - 1; i-- > 0;) node = add(NodeKind::split, node, targets[i]);
    return node;
}

// Characters that end in the same way share nodes, and first bytes with the same rest share one.
Part ProgramBuilder::characters(const CodePointSet& set) {
    const uint32_t out = add(NodeKind::split);
    std::map<std::pair<ByteSet, uint32_t>, uint32_t> tails;
    std::map<uint32_t, ByteSet> firsts;
    for (const ByteRanges& ranges : utf8_ranges(set)) {
        uint32_t next = out;
        for (uint32_t i = ranges.length; i-- > 1;) {
            ByteSet bytes;
            bytes.add(ranges.first[i], ranges.last[i]);
            const auto [found, is_new] = tails.try_emplace({bytes, next}, 0);
            if (is_new) found->second = add(NodeKind::bytes, add_set(bytes), next);
            next = found->second;
        }
        firsts[next].add(ranges.first[0], ranges.last[0]);
    }
    std::vector<uint32_t> targets;
    for (const auto& [next, bytes] : firsts) targets.push_back(add(NodeKind::bytes, add_set(bytes), next));
    return {split(targets), out};
}

Part ProgramBuilder::words(std::span<const std::string> given) {
    std::vector<std::string> sorted(given.begin(), given.end());
    std::ranges::sort(sorted);
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    const uint32_t out = add(NodeKind::split);
    struct Branch {  // the node in front of a byte; its targets are joined when the last of them is known
        uint8_t byte;
        std::vector<uint32_t> targets;
    };
    std::vector<Branch> path(1);
    const auto close_to = [&](size_t depth) {
        while (path.size() > depth + 1) {
            ByteSet set;
            set.add(path.back().byte, path.back().byte);
            const uint32_t node = add(NodeKind::bytes, add_set(set), split(path.back().targets));
            path.pop_back();
            path.back().targets.push_back(node);
        }
    };
    std::string_view previous;
    for (const std::string& word : sorted) {
        if (is_full()) break;
        const size_t common = static_cast<size_t>(std::ranges::mismatch(previous, word).in1 - previous.begin());
        close_to(common);
        for (size_t i = common; i < word.size(); ++i) path.push_back({static_cast<uint8_t>(word[i]), {}});
        path.back().targets.push_back(out);
        previous = word;
    }
    close_to(0);
    return {split(path.front().targets), out};
}

Part ProgramBuilder::sequence(Part first, Part second) {
    connect(first.out, second.in);
    return {first.in, second.out};
}

Part ProgramBuilder::either(std::span<const Part> parts) {
    if (parts.size() == 1) return parts[0];
    const uint32_t out = add(NodeKind::split);
    std::vector<uint32_t> targets;
    for (const Part& part : parts) {
        connect(part.out, out);
        targets.push_back(part.in);
    }
    return {split(targets), out};
}

uint32_t ProgramBuilder::place() { return add(NodeKind::split); }

// The ways that leave a place are a chain of splits.
void ProgramBuilder::edge(uint32_t from, Part part, uint32_t to) {
    connect(part.out, to);
    if (is_full()) return;
    if (program_.nodes[from].next != kNone) {
        const uint32_t others = add(NodeKind::split, program_.nodes[from].arg, program_.nodes[from].next);
        program_.nodes[from].arg = others;
    }
    program_.nodes[from].next = part.in;
}

uint32_t ProgramBuilder::add_rule(std::string name) {
    program_.rules.push_back({.name = std::move(name)});
    return static_cast<uint32_t>(program_.rules.size() - 1);
}

void ProgramBuilder::define(uint32_t rule, Part part) {
    connect(part.out, add(NodeKind::final));
    program_.rules[rule].entry = part.in;
}

uint32_t ProgramBuilder::rule_of(Part part) {
    const uint32_t rule = add_rule(owner_);
    define(rule, part);
    return rule;
}

Part ProgramBuilder::repeat(Part part, uint32_t min, uint32_t max) {
    if (max == 0) return empty();
    if (max == 1) return min == 1 ? part : optional(part);
    program_.repeats.push_back({.rule = rule_of(part), .min = min, .max = max});
    const uint32_t out = add(NodeKind::split);
    return {add(NodeKind::repeat, static_cast<uint32_t>(program_.repeats.size() - 1), out), out};
}

Part ProgramBuilder::call(uint32_t rule) {
    const uint32_t out = add(NodeKind::split);
    return {add(NodeKind::call, rule, out), out};
}

Part ProgramBuilder::both(std::span<const Part> parts, std::span<const Part> negated) {
    if (parts.size() == 1 && negated.empty()) return parts[0];
    std::vector<ConjunctionPart> all;
    for (const Part& part : parts) all.push_back({rule_of(part), false});
    for (const Part& part : negated) all.push_back({rule_of(part), true});
    program_.conjunctions.push_back(std::move(all));
    const uint32_t out = add(NodeKind::split);
    return {add(NodeKind::both, static_cast<uint32_t>(program_.conjunctions.size() - 1), out), out};
}

Part ProgramBuilder::tokens(TokenChoice choice) {
    program_.token_sets.push_back(std::move(choice));
    const uint32_t out = add(NodeKind::split);
    return {add(NodeKind::tokens, static_cast<uint32_t>(program_.token_sets.size() - 1), out), out};
}

// The automaton of Aho and Corasick: a state for each beginning of a trigger, which is the longest end of the text so far that
// is one.
void ProgramBuilder::add_waiting() {
    const auto& triggers = program_.triggers;
    struct State {
        std::array<uint32_t, 256> next;
        uint32_t shorter = 0, trigger = kNone;
    };
    std::vector<State> states(1);
    states[0].next.fill(kNone);
    for (size_t t = 0; t < triggers.size(); ++t) {
        uint32_t state = 0;
        for (const char c : triggers[t]) {
            const auto byte = static_cast<uint8_t>(c);
            if (states[state].next[byte] == kNone) {
                states[state].next[byte] = static_cast<uint32_t>(states.size());
                states.emplace_back().next.fill(kNone);
            }
            state = states[state].next[byte];
        }
        states[state].trigger = static_cast<uint32_t>(t);
    }
    std::vector<uint32_t> order{0};  // by length
    for (size_t i = 0; i < order.size(); ++i) {
        const uint32_t state = order[i];
        const uint32_t shorter = states[state].shorter;
        if (states[state].trigger == kNone) states[state].trigger = states[shorter].trigger;
        for (size_t byte = 0; byte < 256; ++byte) {
            uint32_t& next = states[state].next[byte];
            const uint32_t fallback = state == 0 ? 0 : states[shorter].next[byte];
            if (next == kNone) {
                next = fallback;
            } else {
                states[next].shorter = fallback;
                order.push_back(next);
            }
        }
    }
    program_.first_waiting = static_cast<uint32_t>(program_.nodes.size());
    std::vector<uint32_t> entries(states.size());
    const uint32_t last = add(NodeKind::final);
    for (size_t i = 0; i < states.size(); ++i)
        entries[i] = states[i].trigger == kNone ? add(NodeKind::split, kNone, last) : add(NodeKind::trigger, states[i].trigger);
    for (size_t i = 0; i < states.size() && !is_full(); ++i) {
        if (states[i].trigger != kNone) continue;
        std::map<uint32_t, ByteSet> sets;
        for (unsigned byte = 0; byte < 256; ++byte)
            sets[states[i].next[byte]].add(static_cast<uint8_t>(byte), static_cast<uint8_t>(byte));
        std::vector<uint32_t> targets;
        for (const auto& [next, set] : sets) targets.push_back(add(NodeKind::bytes, add_set(set), entries[next]));
        program_.nodes[entries[i]].arg = split(targets);
    }
    program_.start = add_rule("the text in front of a trigger");
    program_.rules[program_.start].entry = entries[0];
}

Result<Program> ProgramBuilder::finish(uint32_t root, std::vector<std::string> triggers) && {
    program_.root = program_.start = root;
    program_.triggers = std::move(triggers);
    if (!program_.triggers.empty()) add_waiting();
    if (is_full())
        return fail(ErrorCode::invalid_argument,
                    "the grammar needs more than {} nodes: fewer or shorter words and rules are possible", kMaxNodes);
    KRAIT_CHECK(finish_program(program_));
    return std::move(program_);
}

}  // namespace krait::grammar
