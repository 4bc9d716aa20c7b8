// SPDX-License-Identifier: Apache-2.0
//
// Functions that every template has, and where methods are looked up.
#include <array>
#include <ctime>

#include "text/chat_template/loop.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/printing.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

constexpr uint64_t kMaxRange = 100000;  // as Jinja's sandbox

Result<Value> range(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"start", "stop", "step"}));
    KRAIT_TRY(const int64_t first, expect_integer(bound[0], "a bound of range"));
    const bool has_one = bound[1].is(Kind::undefined) && call.positional.size() < 2;
    int64_t begin = has_one ? 0 : first, end = first, step = 1;
    if (!has_one) {
        KRAIT_TRY(end, expect_integer(bound[1], "a bound of range"));
    }
    if (call.positional.size() > 2) {
        KRAIT_TRY(step, expect_integer(bound[2], "the step of range"));
    }
    if (step == 0) return fail(ErrorCode::invalid_argument, "the step of range is 0");
    std::vector<Value> numbers;
    for (int64_t i = begin; step > 0 ? i < end : i > end;) {
        if (numbers.size() == kMaxRange) return fail(ErrorCode::invalid_argument, "a range has at most {} numbers", kMaxRange);
        numbers.push_back(Value::of(i));
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return call.heap().list(std::move(numbers), Flavor::range);
}

// dict(mapping or pairs, name=value)
Result<Dict*> collect(const Call& call) {
    auto* dict = call.heap().make<Dict>();
    if (call.positional.size() > 1) return fail(ErrorCode::invalid_argument, "a dict is made of one value and of names");
    if (!call.positional.empty()) {
        const Value& from = call.positional[0];
        KRAIT_TRY(const auto keys, elements(from, call.heap()));
        for (size_t i = 0; i < keys.size(); ++i) {
            Value key = keys[i], value;
            if (from.is(Kind::dict)) {
                value = from.dict->entries[i].second;
            } else {
                KRAIT_TRY(const auto pair, elements(keys[i], call.heap()));
                if (pair.size() != 2) return fail(ErrorCode::invalid_argument, "a dict is made of pairs");
                key = pair[0], value = pair[1];
            }
            KRAIT_CHECK(set_entry(*dict, key, value, call.budget()));
        }
    }
    for (const Keyword& keyword : call.keywords)
        KRAIT_CHECK(set_entry(*dict, call.heap().text(keyword.name), keyword.value, call.budget()));
    return dict;
}
Result<Value> make_dict(const Call& call) {
    KRAIT_TRY(Dict * dict, collect(call));
    return Value::of(dict);
}
Result<Value> make_namespace(const Call& call) {
    KRAIT_TRY(Dict * dict, collect(call));
    return Value::of(dict, Kind::names);
}

Result<Value> raise_exception(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"message"}));
    TextBuilder message(call.budget());
    KRAIT_CHECK(print(bound[0], message));
    return fail(ErrorCode::invalid_argument, "the template refuses these messages: {}", message.take().bytes);
}

Result<Value> strftime_now(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"format"}));
    KRAIT_TRY(const Value format, expect_text(bound[0], "the format of a time"));
    std::array<char, 1024> buffer{};
    // An 'x' behind it tells an empty result from one that is too long.
    const std::string pattern = std::string(bytes_of(format)) + "x";
    if (pattern.find('\0') != pattern.npos) return fail(ErrorCode::invalid_argument, "the format of a time holds a NUL");
    const size_t size = std::strftime(buffer.data(), buffer.size(), pattern.c_str(), &call.environment.now);
    if (size == 0) return fail(ErrorCode::invalid_argument, "the time has more than {} bytes", buffer.size() - 2);
    return call.heap().text(std::string_view(buffer.data(), size - 1));
}

Value make_callable(std::string_view name, Function function, const Value& self, Heap& heap) {
    auto* callable = heap.make<Callable>();
    callable->name = name;
    callable->function = function;
    callable->self = self;
    return Value::of(callable);
}

// joiner(", "): nothing the first time that it is called, then the separator. self: [separator, was called]
Result<Value> join_next(const Call& call) {
    auto& state = call.self.list->items;
    if (state[1].boolean) return state[0];
    state[1] = Value::of(true);
    return call.heap().text("");
}
Result<Value> joiner(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"sep"}));
    const Value separator = bound[0].is(Kind::undefined) ? call.heap().text(", ") : bound[0];
    return make_callable("joiner", join_next, call.heap().list({separator, Value::of(false)}), call.heap());
}

// cycler(a, b, c): its method next gives them in turn. self: {"items", "index", "current", ...}
Result<Value> move_cycler(const Call& call, int64_t by) {
    Dict& state = *call.self.dict;
    const auto& items = state.find("_items", call.budget())->list->items;
    Value& index = *state.find("_index", call.budget());
    const Value given = items[static_cast<size_t>(index.integer)];
    index = Value::of(by == 0 ? int64_t{0} : (index.integer + by) % static_cast<int64_t>(items.size()));
    *state.find("current", call.budget()) = items[static_cast<size_t>(index.integer)];
    return by == 0 ? Value::none() : given;
}
Result<Value> next_of_cycler(const Call& call) { return move_cycler(call, 1); }
Result<Value> reset_cycler(const Call& call) { return move_cycler(call, 0); }
Result<Value> cycler(const Call& call) {
    if (call.positional.empty()) return fail(ErrorCode::invalid_argument, "there is nothing to go through in turn");
    Heap& heap = call.heap();
    auto* state = heap.make<Dict>();
    const Value self = Value::of(state, Kind::names);
    const auto add = [&](std::string_view name, const Value& value) { state->entries.emplace_back(heap.text(name), value); };
    add("_items", heap.list({call.positional.begin(), call.positional.end()}));
    add("_index", Value::of(int64_t{0}));
    add("current", call.positional[0]);
    add("next", make_callable("next", next_of_cycler, self, heap));
    add("reset", make_callable("reset", reset_cycler, self, heap));
    return self;
}

constexpr NamedFunction kFunctions[] = {{"range", range},
                                        {"dict", make_dict},
                                        {"namespace", make_namespace},
                                        {"raise_exception", raise_exception},
                                        {"strftime_now", strftime_now},
                                        {"joiner", joiner},
                                        {"cycler", cycler}};

}  // namespace

const NamedFunction* find_function(std::string_view name) { return find_in(kFunctions, name); }

const NamedFunction* find_method(const Value& self, std::string_view name) {
    switch (self.kind) {
        case Kind::text: {
            const NamedFunction* found = find_in(text_methods(), name);
            return found ? found : find_in(text_test_methods(), name);
        }
        case Kind::list: return find_in(list_methods(), name);
        case Kind::dict: return find_in(dict_methods(), name);
        case Kind::loop: return find_in(loop_methods(), name);
        default: return nullptr;
    }
}

}  // namespace krait::chat
