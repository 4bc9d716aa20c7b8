// SPDX-License-Identifier: Apache-2.0
//
// The variable `loop` inside of a for loop.
#pragma once

#include <optional>

#include "text/chat_template/value.hpp"

namespace krait::chat {

struct For;
struct Scope;

struct Loop : Object {
    std::vector<Value> items;
    size_t index = 0;                // of the round, from 0
    uint32_t depth = 0;              // of a recursive loop in itself
    std::optional<Value> changed;    // what loop.changed() was given last
    const For* statement = nullptr;  // of a recursive loop, which can be called; else null
    Scope* scope = nullptr;          // around it

    Result<std::optional<Value>> attribute(std::string_view name, Heap& heap);
};

}  // namespace krait::chat
