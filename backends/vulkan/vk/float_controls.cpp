// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/float_controls.hpp"

namespace krait::vulkan::vk {
namespace {

// The format is that of the SPIR-V specification. A module is a header of 5 words, then instructions: the number of words in
// the upper half of the first word, the operation in the lower. All capabilities come first, then extensions; execution modes
// follow the entry points.
constexpr size_t kHeaderWords = 5;
constexpr uint32_t kOpExtension = 10, kOpEntryPoint = 15, kOpExecutionMode = 16, kOpCapability = 17;
constexpr uint32_t kDenormPreserveCapability = 4464, kDenormPreserveMode = 4459;

constexpr uint32_t head(uint32_t operation, uint32_t n_words) { return n_words << 16 | operation; }

}  // namespace

std::vector<uint32_t> with_half_subnormals(std::span<const uint32_t> module) {
    // "SPV_KHR_float_controls", four characters a word, the first one lowest
    constexpr char kName[24] = "SPV_KHR_float_controls";
    std::vector<uint32_t> extension{head(kOpExtension, 1 + sizeof kName / 4)};
    for (size_t i = 0; i < sizeof kName; i += 4)
        extension.push_back(uint32_t(kName[i]) | uint32_t(kName[i + 1]) << 8 | uint32_t(kName[i + 2]) << 16 |
                            uint32_t(kName[i + 3]) << 24);

    std::vector<uint32_t> out(module.begin(), module.begin() + kHeaderWords);
    const auto append = [&](std::span<const uint32_t> words) { out.insert(out.end(), words.begin(), words.end()); };
    uint32_t before = 0, entry_point = 0;
    for (size_t at = kHeaderWords; at < module.size();) {
        const uint32_t operation = module[at] & 0xffff, n_words = module[at] >> 16;
        if (operation != kOpCapability && (before == kOpCapability || at == kHeaderWords)) {
            append(std::vector<uint32_t>{head(kOpCapability, 2), kDenormPreserveCapability});
            append(extension);
        }
        if (before == kOpEntryPoint)
            append(std::vector<uint32_t>{head(kOpExecutionMode, 4), entry_point, kDenormPreserveMode, 16});
        if (operation == kOpEntryPoint) entry_point = module[at + 2];
        append(module.subspan(at, n_words));
        before = operation;
        at += n_words;
    }
    return out;
}

}  // namespace krait::vulkan::vk
