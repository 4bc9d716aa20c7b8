// SPDX-License-Identifier: Apache-2.0
//
// The machine that a pickle is a program for, as far as pickle_reader.hpp says. Its instructions stand in pickle_machine.cpp,
// and those that name, describe or call something in pickle_calls.cpp. Private to the reader.
#pragma once

#include <cstring>
#include <span>
#include <unordered_map>

#include "formats/torch/pickle_opcodes.hpp"
#include "formats/torch/pickle_reader.hpp"

namespace krait {

class PickleMachine {
  public:
    PickleMachine(std::string_view text, uint64_t first_byte, std::string_view where)
        : text_(text), first_byte_(first_byte), where_(where) {
        out_.tuples.emplace_back();  // the empty one
    }

    Result<Pickle> run();

  private:
    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> error(fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::corrupt_file, "{}: {}", where_, fmt::format(text, std::forward<Args>(args)...));
    }
    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> refuse(fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::unsupported, "{}: refused: {}", where_, fmt::format(text, std::forward<Args>(args)...));
    }
    // The position of the instruction that is being carried out.
    [[nodiscard]] uint64_t position() const { return first_byte_ + step_at_; }

    // ---- bytes
    Result<std::string_view> take(uint64_t size, std::string_view what);
    template <class Number>
    Result<Number> take_number(std::string_view what) {
        KRAIT_TRY(const std::string_view bytes, take(sizeof(Number), what));
        Number number;
        std::memcpy(&number, bytes.data(), sizeof number);
        return number;
    }
    Result<std::string_view> take_line(std::string_view what);

    // ---- the stack, as far as the last mark
    Result<void> push(PickleValue value);
    Result<void> push(PickleKind kind, int64_t number = 0) { return push({.kind = kind, .at = position(), .number = number}); }
    [[nodiscard]] size_t n_poppable() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
    Result<PickleValue> pop();
    Result<PickleValue> top() const;
    Result<std::vector<PickleValue>> pop_mark();

    // ---- instructions
    Result<void> step(PickleOpcode opcode);
    Result<void> step_structure(PickleOpcode opcode);
    Result<void> step_memo(PickleOpcode opcode);
    Result<void> check_protocol();
    Result<void> push_long();
    Result<void> push_tuple(std::vector<PickleValue> items);
    Result<void> push_short_tuple(size_t size);
    Result<void> push_global();
    Result<void> push_storage();
    Result<void> put(uint32_t index);
    Result<void> get(uint32_t index);
    Result<void> append(std::span<const PickleValue> items);
    Result<void> set_items(std::span<const PickleValue> items);
    Result<void> set_state();
    Result<void> call();
    Result<void> call_rebuild_tensor(std::span<const PickleValue> arguments);
    Result<std::vector<int64_t>> numbers(const PickleValue& tuple, std::string_view what) const;

    [[nodiscard]] const std::vector<PickleValue>& tuple_of(const PickleValue& value) const {
        return out_.tuples[static_cast<size_t>(value.number)];
    }

    std::string_view text_;
    uint64_t first_byte_;
    std::string_view where_;
    size_t at_ = 0, step_at_ = 0, n_step_ = 0;
    std::vector<PickleValue> stack_;
    std::vector<size_t> marks_;  // heights of the stack
    std::unordered_map<uint32_t, PickleValue> memo_;
    Pickle out_;
};

}  // namespace krait
