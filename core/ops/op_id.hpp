// SPDX-License-Identifier: Apache-2.0
//
// The ids of core/ops/op_list.def and their names, for code that handles operators without their contracts. A file that needs
// the contract of one operator includes core/ops/<name>.hpp; all of them, as a table, are in core/ops/op_list.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace krait {

enum class OpId : uint32_t {
#define KRAIT_OP(id, name, Type, params_size, revision) name = id,
#include "core/ops/op_list.def"
};

inline constexpr const char* kOpNames[] = {
#define KRAIT_OP(id, name, Type, params_size, revision) #name,
#include "core/ops/op_list.def"
};
inline constexpr size_t kOpCount = sizeof kOpNames / sizeof *kOpNames;  // ids count up from 0 (op_list.hpp proves it)

constexpr const char* op_name(OpId id) { return kOpNames[static_cast<uint32_t>(id)]; }

}  // namespace krait
