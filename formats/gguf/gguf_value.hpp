// SPDX-License-Identifier: Apache-2.0
//
// A metadata value of a GGUF file: a variant whose index IS the type id of the file, and so is the index of an array's variant.
// Values own their memory: metadata read from one file can be handed to the writer of another. Apart from gguf_reader.hpp,
// which nearly every file that knows a model includes: the variants cost it a fifth of a second of compiling.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "formats/gguf/gguf_types.hpp"

namespace krait {

// Elements of one type; index() is the GgufType of the elements. Arrays of arrays do not exist in files that models
// come in, and are neither read nor written: index 9 stays unused.
using GgufArray =
    std::variant<std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>, std::vector<int16_t>, std::vector<uint32_t>,
                 std::vector<int32_t>, std::vector<float>, std::vector<bool>, std::vector<std::string>, std::monostate,
                 std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>>;

// index() is the GgufType.
using GgufValue = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool, std::string, GgufArray,
                               uint64_t, int64_t, double>;

static_assert(std::variant_size_v<GgufArray> == kGgufTypeCount && std::variant_size_v<GgufValue> == kGgufTypeCount);

inline GgufType gguf_type(const GgufValue& value) { return static_cast<GgufType>(value.index()); }
inline GgufType gguf_type(const GgufArray& array) { return static_cast<GgufType>(array.index()); }

size_t gguf_array_size(const GgufArray& array);

// For people: "gpt2" in quotes, numbers as they are, arrays as [1, 2, 3, ... 50277 in all].
std::string to_string(const GgufValue& value, size_t max_array_elements = 6, size_t max_string_bytes = 120);

struct GgufMetadata {
    std::string key;
    GgufValue value;
    uint64_t offset = 0;  // of the value in the file
};

}  // namespace krait
