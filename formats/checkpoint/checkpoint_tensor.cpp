// SPDX-License-Identifier: Apache-2.0
#include "formats/checkpoint/checkpoint_tensor.hpp"

#include <algorithm>
#include <iterator>

namespace krait {
namespace {

struct TypeFacts {
    std::string_view name;
    uint32_t bits;
};

// In the order of CheckpointType.
constexpr TypeFacts kTypes[] = {{"BOOL", 8},    {"U8", 8},          {"I8", 8},          {"U16", 16},    {"I16", 16},
                                {"U32", 32},    {"I32", 32},        {"U64", 64},        {"I64", 64},    {"F16", 16},
                                {"BF16", 16},   {"F32", 32},        {"F64", 64},        {"C64", 64},    {"F8_E4M3", 8},
                                {"F8_E5M2", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F8_E8M0", 8}, {"F6_E2M3", 6},
                                {"F6_E3M2", 6}, {"F4", 4}};
static_assert(std::size(kTypes) == static_cast<size_t>(CheckpointType::f4) + 1);

}  // namespace

std::string_view checkpoint_type_name(CheckpointType type) { return kTypes[static_cast<size_t>(type)].name; }
uint32_t checkpoint_type_bits(CheckpointType type) { return kTypes[static_cast<size_t>(type)].bits; }

std::optional<CheckpointType> find_checkpoint_type(std::string_view name) {
    const auto* found = std::ranges::find(kTypes, name, &TypeFacts::name);
    if (found == std::end(kTypes)) return std::nullopt;
    return static_cast<CheckpointType>(found - kTypes);
}

std::optional<CheckpointSize> checkpoint_size(CheckpointType type, std::span<const int64_t> extents) {
    CheckpointSize size{.n_element = 1};
    bool overflows = false;
    for (const int64_t extent : extents)
        overflows |= __builtin_mul_overflow(size.n_element, static_cast<uint64_t>(extent), &size.n_element);
    overflows |= __builtin_mul_overflow(size.n_element, uint64_t{checkpoint_type_bits(type)}, &size.bits);
    if (overflows) return std::nullopt;
    return size;
}

}  // namespace krait
