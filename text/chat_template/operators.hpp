// SPDX-License-Identifier: Apache-2.0
//
// Operators on values, as Python has them.
#pragma once

#include "text/chat_template/value.hpp"

namespace krait::chat {

bool is_true(const Value& value);

// ==, which values of different types never are; numbers are compared with each other whatever their type.
Result<bool> equal(const Value& a, const Value& b, Budget& budget);
// <, for numbers, texts, and lists of them.
Result<bool> less(const Value& a, const Value& b, Budget& budget);
// `item in container`
Result<bool> contains(const Value& container, const Value& item, Budget& budget);

enum class Arithmetic : uint8_t { add, subtract, multiply, divide, divide_down, modulo, power };
Result<Value> compute(Arithmetic op, const Value& a, const Value& b, Heap& heap);
Result<Value> negate(const Value& value);

// The values that a loop over this one visits: items of a list, keys of a dict, characters of a text, nothing of undefined.
// A generator is empty afterwards.
Result<std::vector<Value>> elements(const Value& value, Heap& heap);
Result<int64_t> length(const Value& value, Budget& budget);

// object.name and object[key]; undefined where the object does not have it.
Result<Value> attribute(const Value& object, const Value& name, Heap& heap);
Result<Value> item(const Value& object, const Value& key, Heap& heap);
// object[begin:end:step]; undefined or none where one is left out.
Result<Value> slice(const Value& object, const Value& begin, const Value& end, const Value& step, Heap& heap);

// Fails for values that Python cannot hash, so that they are neither keys of a dict nor in a set: lists, dicts, and tuples that
// hold one.
Result<void> expect_hashable(const Value& value, Budget& budget, uint32_t depth = 0);
// The value behind a key; null where the dict does not have it. Fails for keys that cannot be one.
Result<Value*> find_entry(Dict& dict, const Value& key, Budget& budget);
Result<void> set_entry(Dict& dict, const Value& key, const Value& value, Budget& budget);

// "'x' is undefined"
tl::unexpected<Error> fail_undefined(const Value& value);

}  // namespace krait::chat
