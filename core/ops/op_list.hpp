// SPDX-License-Identifier: Apache-2.0
//
// The op list as a table of contracts, for code that handles ops as data. It includes every contract: a kernel includes its own
// alone.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "core/ops/activate.hpp"
#include "core/ops/add.hpp"
#include "core/ops/argmax.hpp"
#include "core/ops/attention.hpp"
#include "core/ops/combine_experts.hpp"
#include "core/ops/concat.hpp"
#include "core/ops/copy.hpp"
#include "core/ops/get_rows.hpp"
#include "core/ops/kv_write.hpp"
#include "core/ops/l2_norm.hpp"
#include "core/ops/mul.hpp"
#include "core/ops/mul_mat.hpp"
#include "core/ops/mul_mat_experts.hpp"
#include "core/ops/op_id.hpp"
#include "core/ops/rms_norm.hpp"
#include "core/ops/rope.hpp"
#include "core/ops/route_experts.hpp"
#include "core/ops/scale.hpp"
#include "core/ops/scale_add.hpp"
#include "core/ops/silu_mul.hpp"
#include "core/ops/softmax.hpp"
#include "core/ops/ssm_conv.hpp"
#include "core/ops/ssm_scan.hpp"
#include "core/ops/top_k.hpp"

namespace krait {

struct OpSpec {
    OpId id;
    const char* name;
    std::span<const OperandSpec> inputs;
    std::span<const OperandSpec> outputs;
    uint32_t params_size;
    uint32_t revision;
    // Checks the inputs (absent ones are nullptr), fills outputs.size() descriptions.
    Result<void> (*infer)(const std::array<const TensorDesc*, KRAIT_MAX_INPUTS>& inputs, const void* params,
                          std::array<TensorDesc, KRAIT_MAX_OUTPUTS>& outputs);
};

namespace detail {

template <class Op>
Result<void> infer_as_data(const std::array<const TensorDesc*, KRAIT_MAX_INPUTS>& inputs, const void* params,
                           std::array<TensorDesc, KRAIT_MAX_OUTPUTS>& outputs) {
    static_assert(std::size(Op::kIn) <= KRAIT_MAX_INPUTS && std::size(Op::kOut) <= KRAIT_MAX_OUTPUTS);
    typename Op::Params typed{};
    if constexpr (kParamsSize < Op >> 0) std::memcpy(&typed, params, sizeof typed);
    typename Op::template Out<TensorDesc> out{};
    KRAIT_CHECK(Op::infer(ops::as_named<Op::template In>(inputs), typed, out));
    if constexpr (std::size(Op::kOut) > 0) std::memcpy(outputs.data(), &out, sizeof out);
    return {};
}

}  // namespace detail

inline constexpr OpSpec kOps[kOpCount] = {
#define KRAIT_OP(id, name, Type, params_size, revision) \
    {OpId::name, #name, ops::Type::kIn, ops::Type::kOut, params_size, revision, &detail::infer_as_data<ops::Type>},
#include "core/ops/op_list.def"
};

#define KRAIT_OP(number, op, Type, params_size, revision)                                                                    \
    static_assert(kParamsSize<ops::Type> == params_size, "op_list.def gives another size for " #Type "::Params");            \
    static_assert(params_size <= kMaxParamsBytes, #Type "::Params is larger than a node has room for");                      \
    static_assert(are_complete(ops::Type::kIn), #Type " has an index or a state that the host cannot check (operands.hpp)"); \
    static_assert(kOps[number].id == OpId::op, "ids of op_list.def count up from 0");
#include "core/ops/op_list.def"

// nullptr for an id that does not exist.
constexpr const OpSpec* find_op(uint32_t id) { return id < std::size(kOps) ? &kOps[id] : nullptr; }
constexpr const OpSpec& op_spec(OpId id) { return kOps[static_cast<uint32_t>(id)]; }

inline const OpSpec* find_op(std::string_view name) {
    for (const OpSpec& spec : kOps)
        if (name == spec.name) return &spec;
    return nullptr;
}

}  // namespace krait
