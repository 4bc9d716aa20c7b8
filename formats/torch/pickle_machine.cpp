// SPDX-License-Identifier: Apache-2.0
#include "formats/torch/pickle_machine.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "core/base/utf8.hpp"

namespace krait {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers of the pickle are copied as they lie in the file");

constexpr size_t kMaxNameBytes = 256;  // of a module or a name in it

}  // namespace

// ---- bytes -----------------------------------------------------------------------------------------------------------

Result<std::string_view> PickleMachine::take(uint64_t size, std::string_view what) {
    if (size > text_.size() - at_)
        return error("{} at byte {} takes {} bytes, and the pickle ends after {}", what, position(), size, text_.size() - at_);
    const std::string_view bytes = text_.substr(at_, static_cast<size_t>(size));
    at_ += bytes.size();
    return bytes;
}

Result<std::string_view> PickleMachine::take_line(std::string_view what) {
    const std::string_view line = text_.substr(at_, kMaxNameBytes + 1);
    const size_t size = line.find('\n');
    if (size == std::string_view::npos)
        return error("{} at byte {} does not end within {} bytes", what, position(), std::min(line.size(), kMaxNameBytes));
    at_ += size + 1;
    return line.substr(0, size);
}

// ---- the stack -------------------------------------------------------------------------------------------------------

Result<void> PickleMachine::push(PickleValue value) {
    if (stack_.size() == kPickleMaxStack)
        return refuse("the pickle has more than {} values on its stack at byte {}", kPickleMaxStack, position());
    stack_.push_back(value);
    return {};
}

Result<PickleValue> PickleMachine::top() const {
    if (n_poppable() == 0) return error("the instruction at byte {} takes a value, and the stack has none", position());
    return stack_.back();
}

Result<PickleValue> PickleMachine::pop() {
    KRAIT_TRY(const PickleValue value, top());
    stack_.pop_back();
    return value;
}

Result<std::vector<PickleValue>> PickleMachine::pop_mark() {
    if (marks_.empty()) return error("the instruction at byte {} takes values up to a mark, and there is none", position());
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleValue> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
}

// ---- instructions ----------------------------------------------------------------------------------------------------

Result<Pickle> PickleMachine::run() {
    for (;;) {
        step_at_ = at_;
        if (at_ == text_.size()) return error("the pickle ends at byte {} without a STOP", position());
        if (++n_step_ > kPickleMaxSteps)
            return refuse("the pickle has more than {} instructions at byte {}", kPickleMaxSteps, position());
        const auto code = static_cast<uint8_t>(text_[at_++]);
        if (code == static_cast<uint8_t>(PickleOpcode::stop)) break;
        KRAIT_CHECK(step(static_cast<PickleOpcode>(code)));
    }
    KRAIT_TRY(out_.root, pop());
    if (!stack_.empty() || !marks_.empty())
        return error("the pickle stops at byte {} with {} values and {} marks left", position(), stack_.size(), marks_.size());
    if (at_ != text_.size()) return error("{} bytes follow the STOP at byte {}", text_.size() - at_, position());
    return std::move(out_);
}

Result<void> PickleMachine::step(PickleOpcode opcode) {
    switch (opcode) {
        case PickleOpcode::proto: return check_protocol();
        case PickleOpcode::none:
        case PickleOpcode::newtrue:
        case PickleOpcode::newfalse: return push(PickleKind::plain);
        case PickleOpcode::binint: {
            KRAIT_TRY(const int32_t number, take_number<int32_t>("a number"));
            return push(PickleKind::integer, number);
        }
        case PickleOpcode::binint1: {
            KRAIT_TRY(const uint8_t number, take_number<uint8_t>("a number"));
            return push(PickleKind::integer, number);
        }
        case PickleOpcode::binint2: {
            KRAIT_TRY(const uint16_t number, take_number<uint16_t>("a number"));
            return push(PickleKind::integer, number);
        }
        case PickleOpcode::long1: return push_long();
        case PickleOpcode::binfloat: {
            KRAIT_CHECK(take(8, "a number"));
            return push(PickleKind::plain);
        }
        case PickleOpcode::binunicode: {
            KRAIT_TRY(const uint32_t size, take_number<uint32_t>("the length of a text"));
            KRAIT_TRY(const std::string_view text, take(size, "a text"));
            if (!is_utf8(text)) return error("the text at byte {} is not UTF-8", position());
            return push({.kind = PickleKind::text, .at = position(), .text = text});
        }
        default: return step_structure(opcode);
    }
}

Result<void> PickleMachine::step_structure(PickleOpcode opcode) {
    switch (opcode) {
        case PickleOpcode::mark:
            if (marks_.size() == kPickleMaxDepth)
                return refuse("values at byte {} are nested more than {} deep", position(), kPickleMaxDepth);
            marks_.push_back(stack_.size());
            return {};
        case PickleOpcode::empty_tuple: return push(PickleKind::tuple);
        case PickleOpcode::tuple1: return push_short_tuple(1);
        case PickleOpcode::tuple2: return push_short_tuple(2);
        case PickleOpcode::tuple3: return push_short_tuple(3);
        case PickleOpcode::tuple: {
            KRAIT_TRY(std::vector<PickleValue> items, pop_mark());
            return push_tuple(std::move(items));
        }
        case PickleOpcode::empty_list: return push(PickleKind::list);
        case PickleOpcode::append: {
            KRAIT_TRY(const PickleValue item, pop());
            return append({&item, 1});
        }
        case PickleOpcode::appends: {
            KRAIT_TRY(const std::vector<PickleValue> items, pop_mark());
            return append(items);
        }
        case PickleOpcode::empty_dict:
            out_.dicts.emplace_back();
            return push(PickleKind::dict, static_cast<int64_t>(out_.dicts.size() - 1));
        case PickleOpcode::setitem: {
            KRAIT_TRY(const PickleValue value, pop());
            KRAIT_TRY(const PickleValue key, pop());
            return set_items(std::array{key, value});
        }
        case PickleOpcode::setitems: {
            KRAIT_TRY(const std::vector<PickleValue> items, pop_mark());
            return set_items(items);
        }
        case PickleOpcode::global: return push_global();
        case PickleOpcode::binpersid: return push_storage();
        case PickleOpcode::reduce: return call();
        case PickleOpcode::build: return set_state();
        default: return step_memo(opcode);
    }
}

Result<void> PickleMachine::step_memo(PickleOpcode opcode) {
    const bool is_put = opcode == PickleOpcode::binput || opcode == PickleOpcode::long_binput;
    const bool is_long = opcode == PickleOpcode::long_binput || opcode == PickleOpcode::long_binget;
    if (is_put || is_long || opcode == PickleOpcode::binget) {
        uint32_t index = 0;
        if (is_long) {
            KRAIT_TRY(index, take_number<uint32_t>("a place in the memo"));
        } else {
            KRAIT_TRY(index, take_number<uint8_t>("a place in the memo"));
        }
        return is_put ? put(index) : get(index);
    }
    const auto code = static_cast<uint8_t>(opcode);
    const std::string_view name = pickle_opcode_name(code);
    if (name.empty()) return error("0x{:02x} at byte {} is no instruction of a pickle", code, position());
    return refuse("the pickle uses {} at byte {}, which no state dict needs; no code is ever run", name, position());
}

Result<void> PickleMachine::check_protocol() {
    KRAIT_TRY(const uint8_t protocol, take_number<uint8_t>("the protocol"));
    if (protocol == 2) return {};
    return refuse("the pickle at byte {} has protocol {}; 2 is read, which torch.save writes where nothing else is asked for",
                  position(), protocol);
}

// In two's complement. One that 64 bits do not hold is no extent and no size.
Result<void> PickleMachine::push_long() {
    KRAIT_TRY(const uint8_t size, take_number<uint8_t>("the length of a number"));
    KRAIT_TRY(const std::string_view bytes, take(size, "a number"));
    int64_t number = size > 0 && (static_cast<uint8_t>(bytes.back()) & 0x80) != 0 ? -1 : 0;
    if (size > sizeof number) return push(PickleKind::plain);
    std::memcpy(&number, bytes.data(), size);
    return push(PickleKind::integer, number);
}

Result<void> PickleMachine::push_tuple(std::vector<PickleValue> items) {
    if (items.empty()) return push(PickleKind::tuple);
    out_.tuples.push_back(std::move(items));
    return push(PickleKind::tuple, static_cast<int64_t>(out_.tuples.size() - 1));
}

Result<void> PickleMachine::push_short_tuple(size_t size) {
    if (n_poppable() < size)
        return error("the instruction at byte {} takes {} values, and the stack has {}", position(), size, n_poppable());
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(size);
    std::vector<PickleValue> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    return push_tuple(std::move(items));
}

// ---- the memo --------------------------------------------------------------------------------------------------------

Result<void> PickleMachine::put(uint32_t index) {
    KRAIT_TRY(const PickleValue value, top());
    if (memo_.size() == kPickleMaxMemo && !memo_.contains(index))
        return refuse("the pickle remembers more than {} values at byte {}", kPickleMaxMemo, position());
    memo_[index] = value;
    return {};
}

Result<void> PickleMachine::get(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end())
        return error("the instruction at byte {} takes value {} of the memo, which has none", position(), index);
    return push(found->second);
}

// ---- lists, dicts, calls -----------------------------------------------------------------------------------------------

// Items of lists are of no use here, and are not kept.
Result<void> PickleMachine::append(std::span<const PickleValue> /*items*/) {
    KRAIT_TRY(const PickleValue list, top());
    if (list.kind == PickleKind::list) return {};
    return error("the instruction at byte {} appends to {}", position(), pickle_kind_name(list.kind));
}

Result<void> PickleMachine::set_items(std::span<const PickleValue> items) {
    KRAIT_TRY(const PickleValue dict, top());
    if (dict.kind != PickleKind::dict)
        return error("the instruction at byte {} sets entries of {}", position(), pickle_kind_name(dict.kind));
    if (items.size() % 2 != 0) return error("the instruction at byte {} sets a key without a value", position());
    auto& entries = out_.dicts[static_cast<size_t>(dict.number)];
    for (size_t i = 0; i < items.size(); i += 2) entries.emplace_back(items[i], items[i + 1]);
    return {};
}

// Attributes of a dict, such as the versions of modules in _metadata, say nothing about its entries.
Result<void> PickleMachine::set_state() {
    KRAIT_TRY(const PickleValue state, pop());
    KRAIT_TRY(const PickleValue object, top());
    if (object.kind == PickleKind::dict && state.kind == PickleKind::dict) return {};
    return refuse("the pickle sets the state of {} at byte {}; only dicts have one that is read", pickle_kind_name(object.kind),
                  position());
}

std::string_view pickle_kind_name(PickleKind kind) {
    constexpr std::string_view kNames[] = {"a plain value", "a number", "a text",    "a list",  "a type or function",
                                           "a tuple",       "a dict",   "a storage", "a tensor"};
    return kNames[static_cast<size_t>(kind)];
}

Result<Pickle> read_pickle(std::string_view text, uint64_t first_byte, std::string_view where) {
    return PickleMachine(text, first_byte, where).run();
}

}  // namespace krait
