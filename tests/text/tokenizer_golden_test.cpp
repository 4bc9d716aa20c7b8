// SPDX-License-Identifier: Apache-2.0
//
// Every kind of tokenizer against data/tokenizer_goldens.json: ids and texts by sentencepiece, Hugging Face's tokenizers, rwkv
// and llama.cpp (make_tokenizer_goldens.py).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/main/paths.hpp"
#include "tests/text/tokenizer_json.hpp"
#include "text/tokenizer/tokenizer.hpp"

namespace krait::test {
namespace {

const nlohmann::json& goldens() {
    static const nlohmann::json json = [] {
        const auto path = std::filesystem::path(kTestsFolder) / "text" / "data" / "tokenizer_goldens.json";
        std::ifstream file(path);
        EXPECT_TRUE(file.is_open()) << path;
        return nlohmann::json::parse(file);
    }();
    return json;
}

Tokenizer tokenizer_of(const nlohmann::json& golden) {
    nlohmann::json spec = golden.at("spec");
    if (golden.contains("like"))
        for (const auto& [key, value] : goldens().at(golden.at("like").get<std::string>()).at("spec").items())
            if (!spec.contains(key) && (key == "tokens" || key == "scores" || key == "merges")) spec[key] = value;
    auto tokenizer = Tokenizer::create(tokenizer_spec_of(spec));
    if (!tokenizer) throw std::runtime_error(tokenizer.error().message);
    return *std::move(tokenizer);
}

TEST(TokenizerGoldens, HoldEveryKind) {
    std::set<std::string> models;
    size_t n_case = 0;
    for (const auto& [name, golden] : goldens().items()) {
        models.insert(golden.at("spec").at("model").get<std::string>());
        n_case += golden.at("cases").size();
    }
    EXPECT_EQ(models, (std::set<std::string>{"bert", "gpt2", "llama", "plamo2", "rwkv", "t5"}));
    EXPECT_GE(n_case, 1000u);
}

TEST(TokenizerGoldens, IdsAndTextsAreThoseOfTheJudges) {
    for (const auto& [name, golden] : goldens().items()) {
        SCOPED_TRACE(name);
        const Tokenizer tokenizer = tokenizer_of(golden);
        EXPECT_EQ(tokenizer.warnings(), std::vector<std::string>{});
        for (const auto& entry : golden.at("cases")) {
            const auto text = entry.at(0).get<std::string>();
            const auto ids = tokenizer.encode(text, {.parse_special = golden.at("parse_special").get<bool>()});
            ASSERT_TRUE(ids) << entry.at(0).dump() << ": " << ids.error().message;
            EXPECT_EQ(*ids, entry.at(1).get<std::vector<int32_t>>()) << entry.at(0).dump();
            if (!golden.at("decodes").get<bool>()) continue;
            EXPECT_EQ(tokenizer.decode(*ids).value(), entry.size() > 2 ? entry.at(2).get<std::string>() : text);
        }
    }
}

}  // namespace
}  // namespace krait::test
