// SPDX-License-Identifier: Apache-2.0
#include "backends/common/constant_uses.hpp"

#include <algorithm>

#include "core/ops/op_list.hpp"

namespace krait::plugin {

const OperandSpec& operand_of(const krait_use& use) { return find_op(use.op)->inputs[use.operand]; }

bool used_as(const ConstantUpload& upload, OperandKind kind) {
    return std::ranges::any_of(upload.uses, [&](const krait_use& use) { return operand_of(use).kind == kind; });
}

bool used_as_matrix(const ConstantUpload& upload) {
    return std::ranges::any_of(upload.uses, [](const krait_use& use) { return is_matrix(operand_of(use).kind); });
}

static bool any_is(std::span<const krait_use> uses, OpId op, std::string_view operand) {
    return std::ranges::any_of(
        uses, [&](const krait_use& use) { return use.op == static_cast<uint32_t>(op) && operand == operand_of(use).name; });
}

bool used_by(const ConstantUpload& upload, OpId op, std::string_view operand) { return any_is(upload.uses, op, operand); }

bool used_by(const krait_memory_desc& desc, OpId op, std::string_view operand) {
    return any_is({desc.uses, desc.n_uses}, op, operand);
}

}  // namespace krait::plugin
