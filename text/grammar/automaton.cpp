// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/automaton.hpp"

#include <utility>

#include "core/base/format_bytes.hpp"
#include "core/base/scope_exit.hpp"
#include "text/grammar/closure.hpp"

namespace krait::grammar {

class Automaton::Closure {
  public:
    explicit Closure(size_t n_rule) : called_(n_rule) {}

    SetId close(Automaton& automaton, std::span<const Position> kernel) {
        seen_.clear();
        called_.clear();
        found_.clear();
        open_.assign(kernel.begin(), kernel.end());
        may_complete_ = true;
        if (!visit_all(automaton)) return kFailed;
        may_complete_ = false;
        while (!called_.empty()) {
            const uint32_t rule = called_.pop();
            auto& callers = called_.callers(rule);
            if (callers.size() > automaton.limits_.items) return too_many_places(automaton);
            const SetId link = automaton.sets_.add(callers);
            callers.clear();
            if (automaton.sets_.depth(link) > automaton.limits_.depth)
                return automaton.fail_with(
                    fmt::format("the text is nested more than {} rules of the grammar deep", automaton.limits_.depth));
            open_.push_back({automaton.program_->rules[rule].entry, 0, link});
            if (!visit_all(automaton)) return kFailed;
        }
        const SetId state = automaton.sets_.add(found_);
        automaton.rows_.resize(automaton.sets_.size(), kNone);
        return state;
    }

  private:
    bool visit_all(Automaton& automaton) {
        const Program& program = *automaton.program_;
        while (!open_.empty()) {
            const Position at = open_.back();
            open_.pop_back();
            if (!seen_.add(at)) continue;
            if (found_.size() > automaton.limits_.items) return too_many_places(automaton) != kFailed;
            if (++automaton.n_step_ > automaton.limits_.steps) {
                automaton.fail_with(
                    fmt::format("the grammar is too ambiguous here: more than {} steps", automaton.limits_.steps));
                return false;
            }
            const Node& node = program.nodes[at.node];
            switch (node.kind) {
                case NodeKind::fail: break;
                case NodeKind::end:
                case NodeKind::bytes:
                case NodeKind::tokens: found_.push_back(at); break;
                case NodeKind::split:
                    open_.push_back({node.next, 0, at.link});
                    if (node.arg != kNone) open_.push_back({node.arg, 0, at.link});
                    break;
                case NodeKind::final: complete(automaton, at); break;
                case NodeKind::call: call(automaton, node.arg, node.next, at.link); break;
                case NodeKind::repeat: repeat(automaton, at); break;
                case NodeKind::both:
                    if (!enter_both(automaton, at)) return false;
                    break;
                case NodeKind::trigger: {
                    const SetId root = automaton.start_of(program.root);
                    const SetId state = root == kFailed ? kFailed : automaton.advance(root, program.triggers[node.arg]);
                    if (state == kFailed) return false;
                    const auto positions = automaton.sets_[state];
                    open_.insert(open_.end(), positions.begin(), positions.end());
                    break;
                }
            }
        }
        return true;
    }

    static SetId too_many_places(Automaton& automaton) {
        return automaton.fail_with(fmt::format(
            "the grammar is too ambiguous here: the text may be at more than {} places of it", automaton.limits_.items));
    }

    // A rule that ends where it began is told by Rule::is_nullable, and its callers have gone on already.
    void complete(Automaton& automaton, const Position& at) {
        if (!may_complete_) return;
        const auto callers = automaton.sets_[at.link];
        open_.insert(open_.end(), callers.begin(), callers.end());
    }

    // Where nothing follows a call, the callers of the caller are those that go on: recursion at the end of a rule needs no
    // stack.
    void add_caller(Automaton& automaton, uint32_t rule, const Position& caller) {
        auto& callers = called_.callers(rule, automaton.program_->rules[rule].order);
        if (automaton.program_->only_final[caller.node]) {
            const auto further = automaton.sets_[caller.link];
            callers.insert(callers.end(), further.begin(), further.end());
        } else {
            callers.push_back(caller);
        }
    }

    void call(Automaton& automaton, uint32_t rule, uint32_t next, SetId link) {
        if (automaton.program_->rules[rule].is_nullable) open_.push_back({next, 0, link});
        add_caller(automaton, rule, {next, 0, link});
    }

    void repeat(Automaton& automaton, const Position& at) {
        const Node& node = automaton.program_->nodes[at.node];
        const Repeat& repeat = automaton.program_->repeats[node.arg];
        if (at.extra >= repeat.min) open_.push_back({node.next, 0, at.link});
        if (repeat.max == kEndless) {
            add_caller(automaton, repeat.rule, {at.node, std::min(at.extra + 1, repeat.min), at.link});
        } else if (at.extra < repeat.max) {
            const bool is_last = at.extra + 1 == repeat.max;
            add_caller(automaton, repeat.rule,
                       is_last ? Position{node.next, 0, at.link} : Position{at.node, at.extra + 1, at.link});
        }
    }

    bool enter_both(Automaton& automaton, Position at) {
        const Node& node = automaton.program_->nodes[at.node];
        const auto& parts = automaton.program_->conjunctions[node.arg];
        if (at.extra == 0) {
            std::vector<Position> states;
            for (uint32_t i = 0; i < parts.size(); ++i) {
                const SetId start = automaton.start_of(parts[i].rule);
                if (start == kFailed) return false;
                states.push_back({1, i, start});
            }
            at.extra = automaton.sets_.add(states);
        }
        found_.push_back(at);
        for (const Position& part : automaton.sets_[at.extra])
            if (automaton.accepts(part.link) == parts[part.extra].is_negated) return true;
        open_.push_back({node.next, 0, at.link});
        return true;
    }

    SeenPositions seen_;
    CalledRules called_;
    std::vector<Position> open_, found_;
    bool may_complete_ = true;
};

Automaton::Automaton(std::shared_ptr<const Program> program, const MatchLimits& limits)
    : program_(std::move(program)), limits_(limits), rows_(1, kNone), starts_(program_->rules.size(), kUnknown) {}

Automaton::Automaton(Automaton&&) noexcept = default;
Automaton::~Automaton() = default;

SetId Automaton::fail_with(std::string message) {
    failure_ = {ErrorCode::unsupported, std::move(message)};
    return kFailed;
}

SetId Automaton::start() { return start_of(program_->start); }

SetId Automaton::start_of(uint32_t rule) {
    if (starts_[rule] != kUnknown) return starts_[rule];
    std::vector<Position> end{{0, 0, kDead}};
    const SetId link = sets_.add(end);
    std::vector<Position> kernel{{program_->rules[rule].entry, 0, link}};
    const SetId state = close(kernel);
    if (state != kFailed) starts_[rule] = state;
    return state;
}

SetId Automaton::close(std::span<const Position> kernel) {
    if (n_open_ == kMaxConjunctions)
        return fail_with(fmt::format("more than {} conditions inside each other", kMaxConjunctions));
    if (n_open_ == closures_.size()) closures_.push_back(std::make_unique<Closure>(program_->rules.size()));
    const ScopeExit leave([&] { --n_open_; });
    return closures_[n_open_++]->close(*this, kernel);
}

SetId Automaton::compute(SetId state, uint8_t byte_class) {
    if (bytes() > 2 * limits_.state_bytes)  // within one mask or token
        return fail_with(fmt::format("the grammar is too ambiguous here: its states need more than {}",
                                     format_bytes(static_cast<uint64_t>(2 * limits_.state_bytes))));
    const uint8_t byte = program_->byte_of_class[byte_class];
    std::vector<Position> kernel;
    for (size_t i = 0; i < sets_[state].size(); ++i) {  // sets_ may grow meanwhile
        const Position at = sets_[state][i];
        const Node& node = program_->nodes[at.node];
        if (node.kind == NodeKind::bytes && program_->byte_sets[node.arg].has(byte)) kernel.push_back({node.next, 0, at.link});
        if (node.kind != NodeKind::both) continue;
        std::vector<Position> parts(sets_[at.extra].begin(), sets_[at.extra].end());
        bool is_alive = true;
        for (Position& part : parts) {
            part.link = next(part.link, byte);
            if (part.link == kFailed) return kFailed;
            is_alive = is_alive && (part.link != kDead || program_->conjunctions[node.arg][part.extra].is_negated);
        }
        if (is_alive) kernel.push_back({at.node, sets_.add(parts), at.link});
    }
    n_step_ += sets_[state].size();
    const SetId result = close(kernel);
    if (result == kFailed) return kFailed;
    return steps_[row_of(state) + byte_class] = result;
}

uint32_t Automaton::add_row(SetId state) {
    rows_[state] = static_cast<uint32_t>(steps_.size());
    steps_.resize(steps_.size() + program_->byte_of_class.size(), kUnknown);
    return rows_[state];
}

SetId Automaton::advance(SetId state, std::string_view bytes) {
    for (const char byte : bytes) {
        state = next(state, static_cast<uint8_t>(byte));
        if (state == kDead || state == kFailed) break;
    }
    return state;
}

SetId Automaton::take_token(SetId state, std::span<const uint8_t> has_token, SetId others) {
    std::vector<Position> kernel;
    for (const Position& at : sets_[state]) {
        const Node& node = program_->nodes[at.node];
        if (node.kind == NodeKind::tokens && has_token[node.arg] != 0) kernel.push_back({node.next, 0, at.link});
    }
    if (kernel.empty()) return others;
    const SetId taken = close(kernel);
    if (taken == kFailed || others == kDead) return taken;
    std::vector<Position> all(sets_[taken].begin(), sets_[taken].end());
    all.insert(all.end(), sets_[others].begin(), sets_[others].end());
    const SetId result = sets_.add(all);
    rows_.resize(sets_.size(), kNone);
    return result;
}

}  // namespace krait::grammar
