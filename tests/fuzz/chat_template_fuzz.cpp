// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: any bytes as the source of a chat template, rendered with a conversation that has tools. What is refused
// must say why; the marks of users' parts lie inside of the text, ascending.
#include <cstdlib>

#include "tests/text/render.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr const char* kConversation =
    R"({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi <|x|> é"},
 {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"a": [1, 2.5, true]}}}]}],
 "tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"type": "array"}}}}}],
 "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": true, "enable_thinking": false})";

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    krait::chat::RenderOptions options = krait::test::render_options();
    options.limits.steps = 20'000;
    options.limits.bytes = size_t{4} << 20;
    const auto text = krait::test::render({reinterpret_cast<const char*>(data), size}, kConversation, options);
    if (!text) {
        if (text.error().code != krait::ErrorCode::invalid_argument && text.error().code != krait::ErrorCode::unsupported)
            std::abort();
        if (text.error().message.empty()) std::abort();
        return 0;
    }
    size_t done = 0;
    for (const krait::ByteRange part : text->user) {
        if (part.begin < done || part.end <= part.begin || part.end > text->bytes.size()) std::abort();
        done = part.end + 1;
    }
    return 0;
}
