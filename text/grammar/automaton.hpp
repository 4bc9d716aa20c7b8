// SPDX-License-Identifier: Apache-2.0
//
// A program run over bytes: a deterministic automaton whose states are made when they are first come to. A state is the set of
// all positions where a byte or a token is read next; a step from one to the next is computed once, and is then a look at a
// table. Beneath are Earley's operations: predict (enter the rules that a position calls, all callers of one together), scan (a
// byte), complete (a rule has ended, its callers go on).
//
// No function recurses on the text or on the grammar; parts of a conjunction are automata inside a state, at most
// kMaxConjunctions inside each other. After a failure (kFailed) the automaton is as before, and failure() says why.
//
// Not for several threads at once.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "text/grammar/limits.hpp"
#include "text/grammar/position_sets.hpp"
#include "text/grammar/program.hpp"

namespace krait::grammar {

inline constexpr SetId kFailed = UINT32_MAX;

class Automaton {
  public:
    Automaton(std::shared_ptr<const Program> program, const MatchLimits& limits);
    Automaton(Automaton&&) noexcept;

    ~Automaton();

    SetId start();
    // The state of a text that `rule` alone has to match.
    SetId start_of(uint32_t rule);
    // kDead where no text goes on like that.
    SetId next(SetId state, uint8_t byte) { return state == kDead ? kDead : next(state, row_of(state), byte); }
    // The same for those who take many steps from one state, which is not kDead.
    SetId next(SetId state, uint32_t row, uint8_t byte) {
        const uint8_t byte_class = program_->class_of[byte];
        const SetId known = steps_[row + byte_class];
        return known != kUnknown ? known : compute(state, byte_class);
    }
    uint32_t row_of(SetId state) { return rows_[state] != kNone ? rows_[state] : add_row(state); }
    SetId advance(SetId state, std::string_view bytes);
    // Where the positions of the first state that read one of these token sets go on, together with all of the second state.
    SetId take_token(SetId state, std::span<const uint8_t> has_token, SetId others);

    [[nodiscard]] bool accepts(SetId state) const { return state != kDead && sets_[state].front().node == 0; }
    [[nodiscard]] std::span<const Position> positions(SetId state) const { return sets_[state]; }
    [[nodiscard]] const Program& program() const { return *program_; }
    [[nodiscard]] const std::shared_ptr<const Program>& shared_program() const { return program_; }
    [[nodiscard]] const MatchLimits& limits() const { return limits_; }

    // Restarts the count of MatchLimits::steps.
    void begin_work() { n_step_ = 0; }
    [[nodiscard]] const Error& failure() const { return failure_; }
    // Beyond MatchLimits::state_bytes: keep() is due.
    [[nodiscard]] bool is_full() const { return bytes() > limits_.state_bytes; }
    [[nodiscard]] size_t bytes() const { return sets_.bytes() + (rows_.size() + steps_.size()) * sizeof(uint32_t); }
    // Forgets all but these states, which get other numbers.
    void keep(std::span<SetId> states);
    // The same with states of another automaton of the program, which stays as it is.
    void take_states(const Automaton& other, std::span<SetId> states);

    // The state that has the same tokens of at most max_bytes bytes: counters that no such token can bring to their limits do
    // not matter. States of a long string are the same in this sense.
    // level: 0 to kLevels - 1, each with the max_bytes that it is always called with.
    static constexpr size_t kLevels = 4;
    SetId canonical(SetId state, size_t level, uint32_t max_bytes);

  private:
    static constexpr SetId kUnknown = UINT32_MAX - 1;
    static constexpr uint32_t kMaxConjunctions = 8;
    class Closure;

    SetId compute(SetId state, uint8_t byte_class);
    uint32_t add_row(SetId state);
    SetId close(std::span<const Position> kernel);
    SetId fail_with(std::string message);
    PositionSets copy(std::span<SetId> states) const;

    std::shared_ptr<const Program> program_;
    MatchLimits limits_;
    PositionSets sets_;
    std::vector<uint32_t> rows_;                         // by state: where its row in steps_ begins; kNone = none yet
    std::vector<SetId> steps_;                           // by class of bytes
    std::vector<SetId> starts_;                          // by rule; kUnknown
    std::array<std::vector<SetId>, kLevels> canonical_;  // by set, as far as found
    std::vector<std::unique_ptr<Closure>> closures_;     // one for each conjunction inside another
    uint32_t n_open_ = 0;                                // of closures_
    uint64_t n_step_ = 0;
    Error failure_;
};

}  // namespace krait::grammar
