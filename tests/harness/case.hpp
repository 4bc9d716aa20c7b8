// SPDX-License-Identifier: Apache-2.0
//
// A case: one node of one op with everything that decides its result, as data. tests/ops/<op>.cpp lists them:
//   void add_rms_norm_cases(CaseList& list) {
//       auto op = list.op<ops::RmsNorm, evaluate>();
//       op.add("e33", {.x = f32({3, 33}), .weight = f32({33})}, {.eps = 1e-5f});
//       op.add_illegal("groups", {...}, {...}, {"groups", "divide"});
//   }
// `evaluate` is the op's formula in plain double loops, written from the contract and from nothing else: the reference backend
// is compared with it, every other device with the reference.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "core/ops/op_list.hpp"
#include "graph/builder.hpp"
#include "tests/harness/operand.hpp"

namespace krait::harness {

// A materialized input as a formula reads it: elements one after another, quantized ones decoded.
struct Values {
    TensorDesc desc{};
    std::span<const float> f;
    std::span<const int32_t> i;

    explicit operator bool() const { return desc.rank > 0; }
    int64_t extent(uint32_t dimension) const { return desc.extent[dimension]; }
    // Element `k` (counted flat) under index `row` of the first extent.
    double at(int64_t row, int64_t k) const { return f[static_cast<size_t>(row * (element_count(desc) / desc.extent[0]) + k)]; }
    double at(int64_t k) const { return f[static_cast<size_t>(k)]; }
    int32_t id(int64_t k) const { return i[static_cast<size_t>(k)]; }
};

// A memory in a formula's eyes: what was in the slots, and what the run writes; of pages the rows that it writes, as bytes.
struct SlotStates {
    int64_t slot_elements = 0;         // of a row of pages too
    std::span<const float> before;     // [n_slots, slot_elements]; pages are decoded
    std::span<const std::byte> bytes;  // the same as it lies in memory
    std::map<int32_t, std::vector<double>> after;
    std::map<int32_t, std::vector<std::byte>> rows;

    // The state a sequence starts from.
    std::vector<double> start(int32_t slot) const {
        std::vector<double> state(static_cast<size_t>(slot_elements), 0.0);
        if (slot >= 0)
            for (size_t k = 0; k < state.size(); ++k) state[k] = at(slot, static_cast<int64_t>(k));
        return state;
    }
    // Element k of a slot, or of a row counted through all pages.
    double at(int64_t slot, int64_t k) const { return before[static_cast<size_t>(slot * slot_elements + k)]; }
    // The bytes of a row that the run writes, to begin with those that it has.
    std::vector<std::byte>& write(int32_t row) {
        const size_t width = bytes.size() / (before.size() / static_cast<size_t>(slot_elements));
        const auto old = bytes.subspan(static_cast<size_t>(row) * width, width);
        return rows.try_emplace(row, old.begin(), old.end()).first->second;
    }
};

using FormulaInputs = std::array<Values, KRAIT_MAX_INPUTS>;
using FormulaOutputs = std::array<std::vector<double>, KRAIT_MAX_OUTPUTS>;

struct Case {
    OpId op{};
    std::string name;
    std::array<Operand, KRAIT_MAX_INPUTS> in{};
    std::array<std::byte, kMaxParamsBytes> params{};
    double flops = 0;       // for --perf, and to judge how long the case takes
    int64_t error_row = 0;  // elements of a result that are judged together; 0 = those under one index of its first extent
    bool heavy = false;     // left out by --quick
    std::vector<std::string> error_words;  // not empty: an illegal case, whose error must say these words

    void (*formula)(const FormulaInputs& in, const void* params, FormulaOutputs& out, SlotStates& states) = nullptr;
    std::vector<graph::TensorId> (*add_node)(graph::GraphBuilder&, const std::array<graph::TensorId, KRAIT_MAX_INPUTS>&,
                                             const void* params) = nullptr;

    const OpSpec& spec() const { return op_spec(op); }
    bool legal() const { return error_words.empty(); }
    // The operand of that name; nullptr where the op has none or it is absent.
    const Operand* find(std::string_view operand) const;
    // The operand index of the pool or the pages, or -1.
    int memory_operand() const;
    bool has_pages() const;
};

class CaseList;

// Adds cases of one op; operands by name.
template <class Op, auto kEvaluate>
class OpCases {
  public:
    using In = typename Op::template In<Operand>;
    explicit OpCases(CaseList& list) : list_(list) {}
    Case& add(std::string name, const In& in, const typename Op::Params& params = {});
    Case& add_illegal(std::string name, const In& in, const typename Op::Params& params, std::vector<std::string> words);

  private:
    CaseList& list_;
};

class CaseList {
  public:
    template <class Op, auto kEvaluate>
    OpCases<Op, kEvaluate> op() {
        return OpCases<Op, kEvaluate>(*this);
    }
    // Names are unique within an op: a repeated one is a mistake of the list, and aborts.
    Case& append(Case added);
    const std::vector<std::unique_ptr<Case>>& all() const { return cases_; }

  private:
    std::vector<std::unique_ptr<Case>> cases_;
    std::map<std::string, size_t> names_;
};

// The cases of an op, from tests/ops/<op>.cpp.
const CaseList& cases_of(OpId op);

// '*' matches any run of characters, '?' any one.
bool matches(std::string_view glob, std::string_view text);

namespace detail {

template <class Op>
std::vector<graph::TensorId> add_node(graph::GraphBuilder& builder, const std::array<graph::TensorId, KRAIT_MAX_INPUTS>& in,
                                      const void* params) {
    typename Op::Params typed{};
    if constexpr (kParamsSize < Op >> 0) std::memcpy(&typed, params, sizeof typed);
    std::array<graph::GraphBuilder::Operand, KRAIT_MAX_INPUTS> operands;
    std::copy(in.begin(), in.end(), operands.begin());
    const auto out = builder.op<Op>("case", ops::as_named<Op::template In>(operands), typed);
    const auto* ids = reinterpret_cast<const graph::TensorId*>(&out);
    return {ids, ids + std::size(Op::kOut)};
}

template <class Op, auto kEvaluate>
void formula_as_data(const FormulaInputs& in, const void* params, FormulaOutputs& out, SlotStates& states) {
    typename Op::Params typed{};
    if constexpr (kParamsSize < Op >> 0) std::memcpy(&typed, params, sizeof typed);
    typename Op::template Out<std::vector<double>*> named{};
    auto* pointers = reinterpret_cast<std::vector<double>**>(&named);
    for (size_t i = 0; i < std::size(Op::kOut); ++i) pointers[i] = &out[i];
    const auto inputs = ops::as_named<Op::template In>(in);
    if constexpr (std::is_invocable_v<decltype(kEvaluate), decltype(inputs), decltype(typed), decltype(named), SlotStates&>)
        kEvaluate(inputs, typed, named, states);
    else kEvaluate(inputs, typed, named);
}

}  // namespace detail

template <class Op, auto kEvaluate>
Case& OpCases<Op, kEvaluate>::add(std::string name, const In& in, const typename Op::Params& params) {
    Case added;
#define KRAIT_OP(id, op_name, Type, params_size, revision) \
    if constexpr (std::is_same_v<Op, ops::Type>) added.op = OpId::op_name;
#include "core/ops/op_list.def"
    added.name = std::move(name);
    const auto* operands = reinterpret_cast<const Operand*>(&in);
    std::copy(operands, operands + std::size(Op::kIn), added.in.begin());
    for (size_t i = 0; i < std::size(Op::kIn); ++i)
        if (is_constant(Op::kIn[i].kind)) added.in[i].as_constant = true;
    if constexpr (kParamsSize < Op >> 0) std::memcpy(added.params.data(), &params, sizeof params);
    added.formula = &detail::formula_as_data<Op, kEvaluate>;
    added.add_node = &detail::add_node<Op>;
    return list_.append(std::move(added));
}

template <class Op, auto kEvaluate>
Case& OpCases<Op, kEvaluate>::add_illegal(std::string name, const In& in, const typename Op::Params& params,
                                          std::vector<std::string> words) {
    Case& added = add("illegal." + std::move(name), in, params);
    added.error_words = std::move(words);
    return added;
}

}  // namespace krait::harness
