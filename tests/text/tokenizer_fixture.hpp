// SPDX-License-Identifier: Apache-2.0
//
// The small tokenizer of data/pre_tokenizer_golden.json, for the tests of the tokenizer.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/random.hpp"
#include "tests/main/paths.hpp"
#include "text/tokenizer/tokenizer.hpp"

namespace krait::test {

inline const nlohmann::json& tokenizer_golden() {
    static const nlohmann::json golden = [] {
        const auto path = std::filesystem::path(test::kTestsFolder) / "text" / "data" / "pre_tokenizer_golden.json";
        std::ifstream file(path);
        EXPECT_TRUE(file.is_open()) << path;
        return nlohmann::json::parse(file);
    }();
    return golden;
}

// 731 tokens: <|endoftext|> = 0, the 256 bytes, merges, <|turn|>, runs of 2 to 8 blanks, "->", "->>", two tabs.
inline TokenizerSpec golden_spec(const std::string& pre = "gpt-2") {
    const auto& json = tokenizer_golden().at("spec");
    TokenizerSpec spec;
    spec.pre = pre;
    json.at("tokens").get_to(spec.tokens);
    json.at("token_types").get_to(spec.token_types);
    json.at("merges").get_to(spec.merges);
    spec.bos = json.at("bos").get<int32_t>();
    spec.eos = json.at("eos").get<int32_t>();
    return spec;
}

inline Tokenizer golden_tokenizer(const std::string& pre = "gpt-2") {
    auto tokenizer = Tokenizer::create(golden_spec(pre));
    if (!tokenizer) throw std::runtime_error(tokenizer.error().message);  // GoogleTest reports it as a failure
    return *std::move(tokenizer);
}

// Random text: `n` pieces, each a piece of a real text's kind or, one in `noise`, a random byte.
inline std::string random_text(Random& random, size_t n, uint64_t noise) {
    static const std::vector<std::string> kPieces{"a",    "e",  "t",      " ",      "  ",  " the", "ing",      "'s",    "\n",
                                                  "\t\t", "12", "7",      ".",      ",",   "->",   "é",        "ò",     "ж",
                                                  "狐",   "😀",  "\u0301", "\u00a0", "THE", "$",    "<|turn|>", "      "};
    std::string text;
    for (size_t i = 0; i < n; ++i) {
        const uint64_t pick = random.next() >> 11;
        if (noise != 0 && pick % noise == 0) {
            text.push_back(static_cast<char>(random.next() >> 56));
        } else {
            text += kPieces[pick % kPieces.size()];
        }
    }
    return text;
}

inline std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) out += fmt::format("{:02x} ", static_cast<uint8_t>(c));
    return out;
}

}  // namespace krait::test
