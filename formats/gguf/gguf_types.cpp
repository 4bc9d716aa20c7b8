// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_types.hpp"

#include <fmt/format.h>

#include <iterator>

#include "core/base/printable.hpp"

namespace krait {
namespace {

struct TypeFacts {
    std::string_view name;
    size_t bytes;
};

constexpr TypeFacts kTypes[kGgufTypeCount] = {{"uint8", 1},  {"int8", 1},    {"uint16", 2}, {"int16", 2},  {"uint32", 4},
                                              {"int32", 4},  {"float32", 4}, {"bool", 1},   {"string", 0}, {"array", 0},
                                              {"uint64", 8}, {"int64", 8},   {"float64", 8}};

// Types 4 and 5 were given up, 31 to 33 and 36 to 38 became layouts that a program makes for itself.
constexpr std::string_view kGgmlTypes[] = {"F32",   "F16",        "Q4_0",       "Q4_1",       "Q4_2",     "Q4_3",     "Q5_0",
                                           "Q5_1",  "Q8_0",       "Q8_1",       "Q2_K",       "Q3_K",     "Q4_K",     "Q5_K",
                                           "Q6_K",  "Q8_K",       "IQ2_XXS",    "IQ2_XS",     "IQ3_XXS",  "IQ1_S",    "IQ4_NL",
                                           "IQ3_S", "IQ2_S",      "IQ4_XS",     "I8",         "I16",      "I32",      "I64",
                                           "F64",   "IQ1_M",      "BF16",       "Q4_0_4_4",   "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
                                           "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",    "NVFP4",    "Q1_0"};

}  // namespace

std::string_view gguf_type_name(GgufType type) {
    const auto id = static_cast<uint32_t>(type);
    return id < kGgufTypeCount ? kTypes[id].name : "?";
}

size_t gguf_type_bytes(GgufType type) {
    const auto id = static_cast<uint32_t>(type);
    return id < kGgufTypeCount ? kTypes[id].bytes : 0;
}

std::string gguf_shard_suffix(uint64_t number, uint64_t count) {
    return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

std::string quote_name(std::string_view name, size_t max_bytes) { return quote(name, '\'', max_bytes); }

std::string_view ggml_type_name(uint32_t id) { return id < std::size(kGgmlTypes) ? kGgmlTypes[id] : std::string_view(); }

}  // namespace krait
