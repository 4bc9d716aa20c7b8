// SPDX-License-Identifier: Apache-2.0
//
// The names that a pickle may ask for. Private to its reader.
#pragma once

#include <string_view>

#include "formats/checkpoint/checkpoint_tensor.hpp"

namespace krait {

enum class PickleGlobalKind : uint8_t { ordered_dict, rebuild_tensor, rebuild_parameter, storage, dtype };

struct PickleGlobal {
    std::string_view module, name;
    PickleGlobalKind kind;
    CheckpointType type = CheckpointType::f32;  // of a storage
};

inline constexpr PickleGlobal kPickleGlobals[] = {
    {"collections", "OrderedDict", PickleGlobalKind::ordered_dict},
    {"torch._utils", "_rebuild_tensor_v2", PickleGlobalKind::rebuild_tensor},
    {"torch._utils", "_rebuild_parameter", PickleGlobalKind::rebuild_parameter},
    {"torch", "FloatStorage", PickleGlobalKind::storage, CheckpointType::f32},
    {"torch", "DoubleStorage", PickleGlobalKind::storage, CheckpointType::f64},
    {"torch", "HalfStorage", PickleGlobalKind::storage, CheckpointType::f16},
    {"torch", "BFloat16Storage", PickleGlobalKind::storage, CheckpointType::bf16},
    {"torch", "ByteStorage", PickleGlobalKind::storage, CheckpointType::u8},
    {"torch", "CharStorage", PickleGlobalKind::storage, CheckpointType::i8},
    {"torch", "ShortStorage", PickleGlobalKind::storage, CheckpointType::i16},
    {"torch", "IntStorage", PickleGlobalKind::storage, CheckpointType::i32},
    {"torch", "LongStorage", PickleGlobalKind::storage, CheckpointType::i64},
    {"torch", "BoolStorage", PickleGlobalKind::storage, CheckpointType::boolean},
    // Some write the type of their weights beside them.
    {"torch", "float32", PickleGlobalKind::dtype},
    {"torch", "float64", PickleGlobalKind::dtype},
    {"torch", "float16", PickleGlobalKind::dtype},
    {"torch", "bfloat16", PickleGlobalKind::dtype},
    {"torch", "uint8", PickleGlobalKind::dtype},
    {"torch", "int8", PickleGlobalKind::dtype},
    {"torch", "int16", PickleGlobalKind::dtype},
    {"torch", "int32", PickleGlobalKind::dtype},
    {"torch", "int64", PickleGlobalKind::dtype},
    {"torch", "bool", PickleGlobalKind::dtype},
};

}  // namespace krait
