// SPDX-License-Identifier: Apache-2.0
//
// + - * / // % ** of Python, on integers of 64 bits.
#include <algorithm>
#include <array>
#include <cmath>

#include "text/chat_template/operators.hpp"
#include "text/chat_template/percent_format.hpp"

namespace krait::chat {
namespace {

constexpr std::array<const char*, 7> kSymbols{"+", "-", "*", "/", "//", "%", "**"};

tl::unexpected<Error> too_large() { return fail(ErrorCode::invalid_argument, "the result is an integer of more than 64 bits"); }

// Rounds down, as Python does.
int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

Result<Value> power(int64_t base, int64_t exponent) {
    if (exponent < 0) return Value::of(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    int64_t result = 1;
    if (base == 0 || base == 1 || exponent == 0) return Value::of(exponent == 0 ? int64_t{1} : base);
    if (base == -1) return Value::of(exponent % 2 == 0 ? int64_t{1} : int64_t{-1});
    for (int64_t i = 0; i < exponent; ++i) {
        if (__builtin_mul_overflow(result, base, &result)) return too_large();
    }
    return Value::of(result);
}

Result<Value> integers(Arithmetic op, int64_t a, int64_t b) {
    int64_t result = 0;
    bool overflows = false;
    switch (op) {
        case Arithmetic::add: overflows = __builtin_add_overflow(a, b, &result); break;
        case Arithmetic::subtract: overflows = __builtin_sub_overflow(a, b, &result); break;
        case Arithmetic::multiply: overflows = __builtin_mul_overflow(a, b, &result); break;
        case Arithmetic::power: return power(a, b);
        default:
            if (b == 0) return fail(ErrorCode::invalid_argument, "a division by zero");
            if (op == Arithmetic::divide) return Value::of(static_cast<double>(a) / static_cast<double>(b));
            if (b == -1) {
                if (op == Arithmetic::modulo) return Value::of(int64_t{0});
                overflows = __builtin_sub_overflow(int64_t{0}, a, &result);
                break;
            }
            result = op == Arithmetic::divide_down ? floor_divide(a, b) : a - floor_divide(a, b) * b;
    }
    if (overflows) return too_large();
    return Value::of(result);
}

Result<Value> reals(Arithmetic op, double a, double b) {
    switch (op) {
        case Arithmetic::add: return Value::of(a + b);
        case Arithmetic::subtract: return Value::of(a - b);
        case Arithmetic::multiply: return Value::of(a * b);
        case Arithmetic::power:
            if (a == 0 && b < 0) return fail(ErrorCode::invalid_argument, "a division by zero");
            return Value::of(std::pow(a, b));
        default: break;
    }
    if (b == 0) return fail(ErrorCode::invalid_argument, "a division by zero");
    if (op == Arithmetic::divide) return Value::of(a / b);
    double rest = std::fmod(a, b);
    if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
    return Value::of(op == Arithmetic::modulo ? rest : std::round((a - rest) / b));
}

Result<Value> join(const Value& a, const Value& b, Heap& heap) {
    if (a.is(Kind::text)) {
        TextBuilder builder(heap.budget());
        builder.append(a.text->marked);
        builder.append(b.text->marked);
        return heap.text(builder);
    }
    std::vector<Value> all;
    if (heap.budget().take((a.list->items.size() + b.list->items.size()) * sizeof(Value))) {
        all = a.list->items;
        all.insert(all.end(), b.list->items.begin(), b.list->items.end());
    }
    return heap.list(std::move(all), a.list->flavor);
}

// Short texts are repeated in blocks, so that a block is what costs a step.
Value repeat_text(const Value& what, int64_t count, Heap& heap) {
    constexpr size_t kBlock = 4096;
    const MarkedText& text = what.text->marked;
    const int64_t n_block = std::max<int64_t>(1, static_cast<int64_t>(kBlock / text.bytes.size()));
    TextBuilder block(heap.budget()), builder(heap.budget());
    for (int64_t i = 0; i < std::min(n_block, count); ++i) block.append(text);
    const MarkedText repeated = block.take();
    for (; count >= n_block && heap.budget().ok(); count -= n_block) builder.append(repeated);
    builder.append(repeated, 0, static_cast<size_t>(std::min(n_block, count)) * text.bytes.size());
    return heap.text(builder);
}

Result<Value> repeat(const Value& what, int64_t count, Heap& heap) {
    const size_t size = what.is(Kind::text) ? bytes_of(what).size() : what.list->items.size() * sizeof(Value);
    const bool is_nothing = size == 0 || count <= 0;
    int64_t total = 0;
    if (!is_nothing && (__builtin_mul_overflow(static_cast<int64_t>(size), count, &total) || !heap.budget().can_take(total))) {
        heap.budget().take(UINT64_MAX);
        return what;
    }
    if (what.is(Kind::text)) return is_nothing ? heap.text("") : repeat_text(what, count, heap);
    std::vector<Value> all;
    const auto& items = what.list->items;
    for (int64_t i = 0; !is_nothing && i < count; ++i) all.insert(all.end(), items.begin(), items.end());
    return heap.list(std::move(all), what.list->flavor);
}

bool can_be_joined(const Value& value) {
    if (value.is(Kind::text)) return true;
    return value.is(Kind::list) && (value.list->flavor == Flavor::list || value.list->flavor == Flavor::tuple);
}

}  // namespace

Result<Value> compute(Arithmetic op, const Value& a, const Value& b, Heap& heap) {
    if (a.is_number() && b.is_number()) {
        if (a.is_integral() && b.is_integral()) return integers(op, a.as_integer(), b.as_integer());
        return reals(op, a.as_real(), b.as_real());
    }
    if (a.is(Kind::undefined)) return fail_undefined(a);
    if (b.is(Kind::undefined) && !(op == Arithmetic::modulo && a.is(Kind::text))) return fail_undefined(b);
    if (op == Arithmetic::modulo && a.is(Kind::text)) return percent_format(a, b, heap);
    if (op == Arithmetic::add && can_be_joined(a) && a.kind == b.kind && (a.is(Kind::text) || a.list->flavor == b.list->flavor))
        return join(a, b, heap);
    if (op == Arithmetic::multiply) {
        if (can_be_joined(a) && b.is_integral()) return repeat(a, b.as_integer(), heap);
        if (can_be_joined(b) && a.is_integral()) return repeat(b, a.as_integer(), heap);
    }
    return fail(ErrorCode::invalid_argument, "there is no {} {} {}", type_name(a), kSymbols[static_cast<size_t>(op)],
                type_name(b));
}

Result<Value> negate(const Value& value) {
    if (value.is(Kind::real)) return Value::of(-value.real);
    if (value.is_integral()) {
        int64_t result = 0;
        if (__builtin_sub_overflow(int64_t{0}, value.as_integer(), &result)) return too_large();
        return Value::of(result);
    }
    if (value.is(Kind::undefined)) return fail_undefined(value);
    return fail(ErrorCode::invalid_argument, "there is no -{}", type_name(value));
}

}  // namespace krait::chat
