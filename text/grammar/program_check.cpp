// SPDX-License-Identifier: Apache-2.0
//
// The last pass over a program: what can never end is taken out, and what matching has to know beforehand is found. All of it
// in linear time, with no recursion.
#include <algorithm>
#include <span>

#include "core/base/printable.hpp"
#include "text/grammar/program_builder.hpp"

namespace krait::grammar {
namespace {

// For each node the nodes whose properties follow from its own.
class Dependents {
  public:
    explicit Dependents(const Program& program) {
        std::vector<std::pair<uint32_t, uint32_t>> pairs;  // of a node, one that depends on it
        for (uint32_t i = 0; i < program.nodes.size(); ++i) {
            const Node& node = program.nodes[i];
            const auto add = [&](uint32_t on) {
                if (on != kNone) pairs.emplace_back(on, i);
            };
            add(node.next);
            if (node.kind == NodeKind::split) add(node.arg);
            if (node.kind == NodeKind::call) add(program.rules[node.arg].entry);
            if (node.kind == NodeKind::repeat) add(program.rules[program.repeats[node.arg].rule].entry);
            if (node.kind == NodeKind::both)
                for (const ConjunctionPart& part : program.conjunctions[node.arg]) add(program.rules[part.rule].entry);
        }
        std::ranges::sort(pairs);
        begin_.assign(program.nodes.size() + 1, 0);
        for (const auto& [on, node] : pairs) {
            ++begin_[on + 1];
            nodes_.push_back(node);
        }
        for (size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
    }
    std::span<const uint32_t> of(uint32_t node) const {
        return std::span(nodes_).subspan(begin_[node], begin_[node + 1] - begin_[node]);
    }

  private:
    std::vector<size_t> begin_;
    std::vector<uint32_t> nodes_;
};

// The smallest set of nodes for which holds(node, set) is true where it has to be.
template <class Holds>
std::vector<bool> least_set(const Program& program, const Dependents& dependents, Holds&& holds) {
    std::vector<bool> set(program.nodes.size());
    std::vector<uint32_t> open;
    const auto look = [&](uint32_t node) {
        if (set[node] || !holds(node, set)) return;
        set[node] = true;
        open.push_back(node);
    };
    for (uint32_t node = 0; node < set.size(); ++node) look(node);
    while (!open.empty()) {
        const uint32_t node = open.back();
        open.pop_back();
        for (const uint32_t dependent : dependents.of(node)) look(dependent);
    }
    return set;
}

bool parts_hold(const Program& program, uint32_t conjunction, const std::vector<bool>& set, bool look_at_negated) {
    return std::ranges::all_of(program.conjunctions[conjunction], [&](const ConjunctionPart& part) {
        const bool holds = set[program.rules[part.rule].entry];
        return part.is_negated ? !look_at_negated || !holds : holds;
    });
}

// Nodes from which the end of the rule can be reached at all.
std::vector<bool> find_ending(const Program& program, const Dependents& dependents) {
    return least_set(program, dependents, [&](uint32_t i, const std::vector<bool>& set) {
        const Node& node = program.nodes[i];
        const auto has = [&](uint32_t at) { return at != kNone && set[at]; };
        switch (node.kind) {
            case NodeKind::end:
            case NodeKind::final:
            case NodeKind::trigger: return true;
            case NodeKind::fail: return false;
            case NodeKind::split: return has(node.next) || has(node.arg);
            case NodeKind::bytes: return has(node.next) && program.byte_sets[node.arg] != ByteSet();
            case NodeKind::tokens: return has(node.next);
            case NodeKind::call: return has(node.next) && has(program.rules[node.arg].entry);
            case NodeKind::repeat:
                return has(node.next) &&
                       (program.repeats[node.arg].min == 0 || has(program.rules[program.repeats[node.arg].rule].entry));
            case NodeKind::both: return has(node.next) && parts_hold(program, node.arg, set, false);
        }
        return false;
    });
}

// What never ends would be a trap: a text could be let into it, and nothing could follow.
Result<void> remove_endless(Program& program, const Dependents& dependents) {
    const std::vector<bool> ends = find_ending(program, dependents);
    if (!ends[program.rules[program.root].entry])
        return fail(ErrorCode::invalid_argument,
                    "the grammar accepts no text: rule {} never comes to an end (give it an alternative without itself)",
                    quote(program.rules[program.root].name));
    for (uint32_t i = 2; i < program.nodes.size(); ++i) {
        Node& node = program.nodes[i];
        if (!ends[i]) {
            node = {NodeKind::fail};
        } else if (node.kind == NodeKind::split) {
            if (node.arg != kNone && !ends[node.arg]) node.arg = kNone;
            if (!ends[node.next]) node.next = std::exchange(node.arg, kNone);
        } else if (node.kind == NodeKind::repeat && !ends[program.rules[program.repeats[node.arg].rule].entry]) {
            node = {NodeKind::split, kNone, node.next};
        }
    }
    return {};
}

void find_nullable(Program& program, const Dependents& dependents) {
    // A negated part changes its mind when the rule becomes nullable, so parts are settled first: they contain none themselves.
    std::vector<bool> nullable;
    const auto find = [&](bool with_conjunctions) {
        nullable = least_set(program, dependents, [&](uint32_t i, const std::vector<bool>& set) {
            const Node& node = program.nodes[i];
            const auto has = [&](uint32_t at) { return at != kNone && set[at]; };
            switch (node.kind) {
                case NodeKind::end:
                case NodeKind::final: return true;
                case NodeKind::split: return has(node.next) || has(node.arg);
                case NodeKind::call: return has(node.next) && has(program.rules[node.arg].entry);
                case NodeKind::repeat:
                    return has(node.next) &&
                           (program.repeats[node.arg].min == 0 || has(program.rules[program.repeats[node.arg].rule].entry));
                case NodeKind::both:
                    return with_conjunctions && has(node.next) &&
                           std::ranges::all_of(program.conjunctions[node.arg], [&](const ConjunctionPart& part) {
                               return program.rules[part.rule].is_nullable != part.is_negated;
                           });
                default: return false;
            }
        });
        for (Rule& rule : program.rules) rule.is_nullable = nullable[rule.entry];
    };
    find(false);
    if (!program.conjunctions.empty()) find(true);
    // An empty repetition counts for nothing, so there may be fewer of the others.
    for (Repeat& repeat : program.repeats)
        if (program.rules[repeat.rule].is_nullable) repeat.min = 0;
}

// The rules that a rule can begin with.
std::vector<uint32_t> beginnings(const Program& program, uint32_t rule, std::vector<uint32_t>& seen) {
    std::vector<uint32_t> rules, open{program.rules[rule].entry};
    while (!open.empty()) {
        const uint32_t at = open.back();
        open.pop_back();
        if (at == kNone || seen[at] == rule + 1) continue;
        seen[at] = rule + 1;
        const Node& node = program.nodes[at];
        if (node.kind == NodeKind::split) {
            open.push_back(node.next);
            open.push_back(node.arg);
        } else if (node.kind == NodeKind::call) {
            rules.push_back(node.arg);
            if (program.rules[node.arg].is_nullable) open.push_back(node.next);
        } else if (node.kind == NodeKind::repeat) {
            rules.push_back(program.repeats[node.arg].rule);
            if (program.repeats[node.arg].min == 0) open.push_back(node.next);
        } else if (node.kind == NodeKind::both) {
            bool is_nullable = true;
            for (const ConjunctionPart& part : program.conjunctions[node.arg]) {
                rules.push_back(part.rule);
                is_nullable = is_nullable && program.rules[part.rule].is_nullable != part.is_negated;
            }
            if (is_nullable) open.push_back(node.next);
        }
    }
    return rules;
}

Error left_recursion(const Program& program, std::span<const uint32_t> circle) {
    std::string names;
    std::string_view previous;
    for (const uint32_t rule : circle) {
        const std::string& name = program.rules[rule].name;
        if (name != previous) names += (names.empty() ? "" : " -> ") + quote(name);
        previous = name;
    }
    if (program.rules[circle.front()].name != previous || names.find(" -> ") == names.npos)
        names += " -> " + quote(program.rules[circle.front()].name);
    return {ErrorCode::invalid_argument,
            fmt::format("left recursion: a rule begins with itself ({}); write it as a repetition, or with itself at the end",
                        names)};
}

// Numbers the rules so that each comes before those that it can begin with.
Result<void> order_rules(Program& program) {
    struct Visit {
        uint32_t rule;
        std::vector<uint32_t> begins;
        size_t next = 0;
    };
    enum : uint8_t { unseen, open, done };
    std::vector<uint8_t> state(program.rules.size(), unseen);
    std::vector<uint32_t> seen(program.nodes.size());
    auto order = static_cast<uint32_t>(program.rules.size());
    std::vector<Visit> path;
    const auto enter = [&](uint32_t rule) {
        state[rule] = open;
        path.push_back({rule, beginnings(program, rule, seen)});
    };
    for (uint32_t rule = 0; rule < program.rules.size(); ++rule) {
        if (state[rule] == unseen) enter(rule);
        while (!path.empty()) {
            Visit& visit = path.back();
            if (visit.next == visit.begins.size()) {
                state[visit.rule] = done;
                program.rules[visit.rule].order = --order;
                path.pop_back();
                continue;
            }
            const uint32_t begin = visit.begins[visit.next++];
            if (state[begin] == unseen) {
                enter(begin);
            } else if (state[begin] == open) {
                std::vector<uint32_t> circle;
                for (const Visit& step : path)
                    if (step.rule == begin || !circle.empty()) circle.push_back(step.rule);
                return tl::unexpected<Error>(left_recursion(program, circle));
            }
        }
    }
    return {};
}

void find_only_final(Program& program) {
    enum : uint8_t { unknown, no, yes };
    std::vector<uint8_t> answers(program.nodes.size(), unknown);
    std::vector<uint32_t> chain;
    for (uint32_t start = 0; start < program.nodes.size(); ++start) {
        uint32_t at = start;
        chain.clear();
        while (answers[at] == unknown) {
            const Node& node = program.nodes[at];
            answers[at] = no;  // also what a circle is
            chain.push_back(at);
            if (node.kind == NodeKind::final) answers[at] = yes;
            if (node.kind != NodeKind::split || node.arg != kNone || node.next == kNone) break;
            at = node.next;
        }
        for (const uint32_t node : chain) answers[node] = answers[at];
    }
    program.only_final.assign(answers.size(), false);
    for (size_t i = 0; i < answers.size(); ++i) program.only_final[i] = answers[i] == yes;
}

void find_byte_classes(Program& program) {
    program.class_of.fill(0);
    size_t n_class = 1;
    for (const ByteSet& set : program.byte_sets) {
        std::array<int, 512> renamed{};  // by class, and whether the set has the byte
        renamed.fill(-1);
        int next = 0;
        for (unsigned byte = 0; byte < 256; ++byte) {
            int& name = renamed[program.class_of[byte] * 2u + (set.has(static_cast<uint8_t>(byte)) ? 1 : 0)];
            if (name < 0) name = next++;
            program.class_of[byte] = static_cast<uint8_t>(name);
        }
        n_class = static_cast<size_t>(next);
    }
    program.byte_of_class.assign(n_class, 0);
    for (unsigned byte = 256; byte-- > 0;) program.byte_of_class[program.class_of[byte]] = static_cast<uint8_t>(byte);
}

}  // namespace

Result<void> finish_program(Program& program) {
    const Dependents dependents(program);
    KRAIT_CHECK(remove_endless(program, dependents));
    find_nullable(program, dependents);
    KRAIT_CHECK(order_rules(program));
    find_only_final(program);
    find_byte_classes(program);
    return {};
}

}  // namespace krait::grammar
