// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_types.hpp"

#include <algorithm>
#include <iterator>

namespace krait {
namespace {

struct TypeFacts {
    std::string_view name;
    uint32_t bits;
};

// In the order of SafetensorsType.
constexpr TypeFacts kTypes[] = {{"BOOL", 8},    {"U8", 8},          {"I8", 8},          {"U16", 16},    {"I16", 16},
                                {"U32", 32},    {"I32", 32},        {"U64", 64},        {"I64", 64},    {"F16", 16},
                                {"BF16", 16},   {"F32", 32},        {"F64", 64},        {"C64", 64},    {"F8_E4M3", 8},
                                {"F8_E5M2", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F8_E8M0", 8}, {"F6_E2M3", 6},
                                {"F6_E3M2", 6}, {"F4", 4}};
static_assert(std::size(kTypes) == static_cast<size_t>(SafetensorsType::f4) + 1);

}  // namespace

std::string_view safetensors_type_name(SafetensorsType type) { return kTypes[static_cast<size_t>(type)].name; }
uint32_t safetensors_type_bits(SafetensorsType type) { return kTypes[static_cast<size_t>(type)].bits; }

std::optional<SafetensorsType> find_safetensors_type(std::string_view name) {
    const auto* found = std::ranges::find(kTypes, name, &TypeFacts::name);
    if (found == std::end(kTypes)) return std::nullopt;
    return static_cast<SafetensorsType>(found - kTypes);
}

}  // namespace krait
