// SPDX-License-Identifier: Apache-2.0
//
// The uses of a constant or of a memory, as the contracts of the operators that have it say them: a backend chooses the layout
// by that. A new operator with a matrix among its operands gets packed weights without a line in any backend.
#pragma once

#include "backends/common/plugin_shim.hpp"
#include "core/ops/op_id.hpp"
#include "core/ops/operands.hpp"

namespace krait::plugin {

// The operand of a use that the shim has checked (all that an upload brings are).
const OperandSpec& operand_of(const krait_use& use);

// Whether a memory was created for that operand of that operator: used_by(desc, OpId::ssm_scan, "state").
bool used_by(const krait_memory_desc& desc, OpId op, std::string_view operand);

// Whether any operand of that kind reads it: used_as(upload, OperandKind::matrix).
bool used_as(const ConstantUpload& upload, OperandKind kind);

// Whether it is read as a matrix or as a table, in any format.
bool used_as_matrix(const ConstantUpload& upload);

// Whether that operand of that operator reads it, for layouts that one kernel alone wants: used_by(upload, OpId::ssm_scan,
// "A").
bool used_by(const ConstantUpload& upload, OpId op, std::string_view operand);

}  // namespace krait::plugin
