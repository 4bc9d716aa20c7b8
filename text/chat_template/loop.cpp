// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/loop.hpp"

#include "text/chat_template/callable.hpp"
#include "text/chat_template/operators.hpp"

namespace krait::chat {
namespace {

Result<Value> cycle(const Call& call) {
    if (call.positional.empty()) return fail(ErrorCode::invalid_argument, "there is nothing to go through in turn");
    return call.positional[call.self.loop->index % call.positional.size()];
}

Result<Value> changed(const Call& call) {
    const Value given = call.heap().list({call.positional.begin(), call.positional.end()});
    Loop& loop = *call.self.loop;
    bool is_same = false;
    if (loop.changed) {
        KRAIT_TRY(is_same, equal(*loop.changed, given, call.budget()));
    }
    loop.changed = given;
    return Value::of(!is_same);
}

constexpr NamedFunction kMethods[] = {{"cycle", cycle}, {"changed", changed}};

}  // namespace

std::span<const NamedFunction> loop_methods() { return kMethods; }

Result<std::optional<Value>> Loop::attribute(std::string_view name, Heap& heap) {
    const size_t n = items.size();
    if (name == "index") return Value::of(index + 1);
    if (name == "index0") return Value::of(index);
    if (name == "revindex") return Value::of(n - index);
    if (name == "revindex0") return Value::of(n - index - 1);
    if (name == "first") return Value::of(index == 0);
    if (name == "last") return Value::of(index + 1 == n);
    if (name == "length") return Value::of(n);
    if (name == "depth") return Value::of(size_t{depth} + 1);
    if (name == "depth0") return Value::of(size_t{depth});
    if (name == "previtem") return index > 0 ? items[index - 1] : heap.missing("there is no previous item");
    if (name == "nextitem") return index + 1 < n ? items[index + 1] : heap.missing("there is no next item");
    const NamedFunction* method = find_in(loop_methods(), name);
    if (!method) return std::optional<Value>();
    auto* callable = heap.make<Callable>();
    callable->name = method->name;
    callable->function = method->function;
    callable->self = Value::of(this);
    return Value::of(callable);
}

}  // namespace krait::chat
