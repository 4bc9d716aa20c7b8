// SPDX-License-Identifier: Apache-2.0
//
// Builds a program from parts, as Thompson's construction does: each part has one way in and one way out. A part is used once;
// what is to be used in several places is a rule. Time and size are linear in what is added.
//
// Beyond kMaxNodes nothing is added any more, and finish() fails.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "text/grammar/code_points.hpp"
#include "text/grammar/program.hpp"

namespace krait::grammar {

struct Part {
    uint32_t in, out;
};

class ProgramBuilder {
  public:
    ProgramBuilder();

    Part empty();
    Part nothing();  // no text at all, not even the empty one
    Part literal(std::string_view bytes);
    Part bytes(const ByteSet& set);
    Part characters(const CodePointSet& set);
    // One of these; a tree of them, so that a thousand words are not looked at one by one.
    Part words(std::span<const std::string> words);
    Part sequence(Part first, Part second);
    template <class... More>
    Part sequence(Part first, Part second, More... more) {
        return sequence(sequence(first, second), more...);
    }
    Part either(std::span<const Part> parts);
    Part either(std::initializer_list<Part> parts) { return either(std::span(parts.begin(), parts.size())); }
    Part optional(Part part) { return either({part, empty()}); }
    // max: kEndless = without end
    Part repeat(Part part, uint32_t min, uint32_t max);
    Part call(uint32_t rule);
    // A text that all of them accept. None may contain another rule that leads back to here.
    Part both(std::span<const Part> parts, std::span<const Part> negated = {});
    Part tokens(TokenChoice choice);

    // Parts as edges between places: what has several ways that meet again. {from, to} is a part.
    uint32_t place();
    void edge(uint32_t from, Part part, uint32_t to);

    uint32_t add_rule(std::string name);  // to be defined later
    void define(uint32_t rule, Part part);
    bool is_defined(uint32_t rule) const { return program_.rules[rule].entry != kNone; }
    const std::string& name_of(uint32_t rule) const { return program_.rules[rule].name; }
    // The rule that parts belong to from now on, for messages.
    void set_owner(std::string name) { owner_ = std::move(name); }
    bool is_full() const;  // finish() will fail

    // triggers: of a lazy grammar; the text in front of the first of them is free, and the root begins where it begins. Fails
    // on a rule that begins with itself, and on a root that accepts no text.
    Result<Program> finish(uint32_t root, std::vector<std::string> triggers = {}) &&;

  private:
    uint32_t add(NodeKind kind, uint32_t arg = kNone, uint32_t next = kNone);
    uint32_t add_set(const ByteSet& set);
    uint32_t rule_of(Part part);
    uint32_t split(std::span<const uint32_t> targets);
    void connect(uint32_t out, uint32_t next) { program_.nodes[out].next = next; }
    void add_waiting();

    Program program_;
    std::map<ByteSet, uint32_t> set_ids_;
    std::string owner_ = "root";
};

// What Program says is found by it: reachable ends, the order of rules, classes of bytes. Part of finish().
Result<void> finish_program(Program& program);

}  // namespace krait::grammar
