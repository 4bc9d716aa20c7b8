// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: any bytes as a GGUF file. What is accepted is read to the last byte; what is refused must say why.
#include <cstdlib>

#include "tests/models/gguf_touch.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto file = krait::GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz.gguf");
    if (file) {
        // A result that is used keeps the reads; the sum of anything so small is never this.
        if (krait::test::touch_everything(*file) == UINT64_MAX) std::abort();
    } else if (file.error().code == krait::ErrorCode::internal || file.error().message.find("byte") == std::string::npos) {
        std::abort();
    }
    return 0;
}
