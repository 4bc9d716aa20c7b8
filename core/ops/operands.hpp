// SPDX-License-Identifier: Apache-2.0
//
// The operands of an operator, from one list. Inside a contract,
//     KRAIT_INPUTS((table, kTable), (ids, rows_of("table")))
//     KRAIT_OUTPUTS((y, kValue))
// declare template <class T> struct In { T table; T ids; }, in which a graph, a kernel and a test each put their own type, and
// kIn[], the same operands in the same order as data; and Out and kOut likewise. In the list an operand is what its entry says:
//     kValue                    activations: row-strided, computed by a node or written by the host
//     kVector                   float32 weights that are applied element by element: a bias, a norm, a decay. Any rank
//     kMatrix                   a weight in any format of core/quant/formats.def, [rows, columns]; a backend may pack it
//     kTable                    rows that are looked up: a matrix, or float32 values
//     kState                    slots of state, updated in place
//     kPages                    pages of rows, of which a sequence has as many as it is long: keys and values, updated in place
//     rows_of("table")          i32: rows of that operand, from 0
//     sequence_starts("x")      i32 [n_seq + 1]: where each sequence begins in the rows of that operand (core/ops/ragged.hpp)
//     slots_read("state"), slots_written("state")   i32 [n_seq]: slots of that operand
//     snapshots_of("state")     i32 [n_snapshot, 2]: rows, and the slots where the state after them is kept
//     rows_written("cache")     i32: rows of those pages, counted through all of them; -1 = none (core/ops/paged.hpp)
//     pages_read("cache")       i32 [n_seq, W]: the pages of each sequence; -1 = none (core/ops/paged.hpp)
//     positions_of("x")         i32: the place of each row of that operand in its sequence; -1 = padding (core/ops/paged.hpp)
//     optional(...)             may be absent
// Indices are contiguous. The host checks their values before each run that writes them (graph/check_indices.hpp), backends
// choose layouts of weights by the kind (backends/common/constant_uses.hpp), and all of it enters the operator's hash
// (core/ops/op_hash.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace krait {

enum class OperandKind : uint8_t {  // hashed: append only
    value = 0,
    vector = 1,
    matrix = 2,
    table = 3,
    state = 4,
    index = 5,
    pages = 6,
};

enum class IndexMeaning : uint8_t {  // hashed: append only
    none = 0,
    rows = 1,
    sequence_starts = 2,
    slots_read = 3,
    slots_written = 4,
    snapshots = 5,
    rows_written = 6,
    pages_read = 7,
    positions = 8,
};
inline constexpr size_t kIndexMeanings = 9;

struct OperandType {
    OperandKind kind = OperandKind::value;
    IndexMeaning index = IndexMeaning::none;
    const char* of = "";  // the operand that an index counts in
    bool optional = false;
};

struct OperandSpec : OperandType {
    const char* name;
};

constexpr bool is_constant(OperandKind kind) { return kind == OperandKind::vector || kind == OperandKind::matrix; }
// A weight that is read there is one in any format, by whole rows or columns: backends pack it.
constexpr bool is_matrix(OperandKind kind) { return kind == OperandKind::matrix || kind == OperandKind::table; }

// Memories of sequences: tensors of memory_create (core/abi/backend_abi.h).
constexpr bool is_memory(OperandKind kind) { return kind == OperandKind::state || kind == OperandKind::pages; }

// The input of that name, or -1.
constexpr int find_operand(std::span<const OperandSpec> operands, std::string_view name) {
    for (size_t i = 0; i < operands.size(); ++i)
        if (name == operands[i].name) return static_cast<int>(i);
    return -1;
}

// The input of that meaning, or -1: an operator has one at most of each (op_list.hpp proves it).
constexpr int find_operand(std::span<const OperandSpec> operands, IndexMeaning meaning) {
    for (size_t i = 0; i < operands.size(); ++i)
        if (operands[i].index == meaning) return static_cast<int>(i);
    return -1;
}

// The slots of state, or -1.
constexpr int find_state(std::span<const OperandSpec> operands) {
    for (size_t i = 0; i < operands.size(); ++i)
        if (operands[i].kind == OperandKind::state) return static_cast<int>(i);
    return -1;
}

// The slots of state, or the pages, or -1: an operator has one memory at most.
constexpr int find_memory(std::span<const OperandSpec> operands) {
    for (size_t i = 0; i < operands.size(); ++i)
        if (is_memory(operands[i].kind)) return static_cast<int>(i);
    return -1;
}

// Whether an index of this meaning may count in an operand of that kind.
constexpr bool may_count_in(IndexMeaning index, OperandKind kind) {
    switch (index) {
        case IndexMeaning::none: return false;
        case IndexMeaning::rows: return is_matrix(kind) || kind == OperandKind::value;
        case IndexMeaning::sequence_starts: return kind == OperandKind::value;
        case IndexMeaning::slots_read:
        case IndexMeaning::slots_written:
        case IndexMeaning::snapshots: return kind == OperandKind::state;
        case IndexMeaning::rows_written:
        case IndexMeaning::pages_read: return kind == OperandKind::pages;
        case IndexMeaning::positions: return kind == OperandKind::value;
    }
    return false;
}

// Whether the inputs of a contract tell the host all that it has to check: every index has a meaning and counts in an operand
// that is there; an operator with state says where sequences begin and which slots it reads and writes, one without does not;
// one with pages says which rows it writes.
constexpr bool are_complete(std::span<const OperandSpec> inputs) {
    size_t n_state = 0, n_pages = 0, n_of[kIndexMeanings] = {};
    for (const OperandSpec& operand : inputs) {
        n_state += operand.kind == OperandKind::state;
        n_pages += operand.kind == OperandKind::pages;
        ++n_of[static_cast<size_t>(operand.index)];
        if ((operand.kind == OperandKind::index) != (operand.index != IndexMeaning::none)) return false;
        if (operand.kind != OperandKind::index) continue;
        const int of = find_operand(inputs, operand.of);
        if (of < 0 || !may_count_in(operand.index, inputs[static_cast<size_t>(of)].kind)) return false;
        const bool may_be_absent = operand.index == IndexMeaning::rows || operand.index == IndexMeaning::snapshots;
        if (operand.optional && !may_be_absent) return false;
    }
    const auto n = [&](IndexMeaning index) { return n_of[static_cast<size_t>(index)]; };
    const size_t n_read = n(IndexMeaning::pages_read);
    return n_state + n_pages <= 1 && n(IndexMeaning::rows_written) + n_read == n_pages &&
           n(IndexMeaning::positions) >= n_read && n(IndexMeaning::sequence_starts) == n_state + n_read &&
           n(IndexMeaning::slots_read) == n_state && n(IndexMeaning::slots_written) == n_state &&
           n(IndexMeaning::snapshots) <= n_state;
}

namespace ops {

inline constexpr OperandType kValue{OperandKind::value};
inline constexpr OperandType kVector{OperandKind::vector};
inline constexpr OperandType kMatrix{OperandKind::matrix};
inline constexpr OperandType kTable{OperandKind::table};
inline constexpr OperandType kState{OperandKind::state};
inline constexpr OperandType kPages{OperandKind::pages};

constexpr OperandType rows_of(const char* operand) { return {OperandKind::index, IndexMeaning::rows, operand}; }
constexpr OperandType sequence_starts(const char* operand) {
    return {OperandKind::index, IndexMeaning::sequence_starts, operand};
}
constexpr OperandType slots_read(const char* state) { return {OperandKind::index, IndexMeaning::slots_read, state}; }
constexpr OperandType slots_written(const char* state) { return {OperandKind::index, IndexMeaning::slots_written, state}; }
constexpr OperandType snapshots_of(const char* state) { return {OperandKind::index, IndexMeaning::snapshots, state}; }

constexpr OperandType rows_written(const char* pages) { return {OperandKind::index, IndexMeaning::rows_written, pages}; }
constexpr OperandType pages_read(const char* pages) { return {OperandKind::index, IndexMeaning::pages_read, pages}; }
constexpr OperandType positions_of(const char* operand) { return {OperandKind::index, IndexMeaning::positions, operand}; }

constexpr OperandType optional(OperandType type) {
    type.optional = true;
    return type;
}

}  // namespace ops
}  // namespace krait

#define KRAIT_INPUTS(...) KRAIT_OPERANDS(In, kIn, __VA_ARGS__)
#define KRAIT_OUTPUTS(...) KRAIT_OPERANDS(Out, kOut, __VA_ARGS__)
// For an operator that only writes a memory.
#define KRAIT_NO_OUTPUTS() \
    template <class T>     \
    struct Out {};         \
    static constexpr std::span<const OperandSpec> kOut{};

#define KRAIT_OPERANDS(Struct, table, ...)                              \
    template <class T>                                                  \
    struct Struct {                                                     \
        KRAIT_EXPAND(KRAIT_FOR_EACH(KRAIT_OPERAND_MEMBER, __VA_ARGS__)) \
    };                                                                  \
    static constexpr OperandSpec table[] = {KRAIT_EXPAND(KRAIT_FOR_EACH(KRAIT_OPERAND_SPEC, __VA_ARGS__))};
#define KRAIT_OPERAND_MEMBER(name, ...) T name;
#define KRAIT_OPERAND_SPEC(name, ...) {__VA_ARGS__, #name},

// KRAIT_FOR_EACH(MACRO, (a, b), (c, d)) is MACRO(a, b) MACRO(c, d), for up to 64 entries: each KRAIT_EXPAND lets the
// preprocessor take the next step of the recursion.
#define KRAIT_FOR_EACH(MACRO, first, ...) MACRO first __VA_OPT__(KRAIT_FOR_EACH_NEXT KRAIT_PARENTHESES(MACRO, __VA_ARGS__))
#define KRAIT_FOR_EACH_NEXT() KRAIT_FOR_EACH
#define KRAIT_PARENTHESES ()
#define KRAIT_EXPAND(...) KRAIT_EXPAND_16(KRAIT_EXPAND_16(KRAIT_EXPAND_16(KRAIT_EXPAND_16(__VA_ARGS__))))
#define KRAIT_EXPAND_16(...) KRAIT_EXPAND_4(KRAIT_EXPAND_4(KRAIT_EXPAND_4(KRAIT_EXPAND_4(__VA_ARGS__))))
#define KRAIT_EXPAND_4(...) KRAIT_EXPAND_1(KRAIT_EXPAND_1(KRAIT_EXPAND_1(KRAIT_EXPAND_1(__VA_ARGS__))))
#define KRAIT_EXPAND_1(...) __VA_ARGS__
