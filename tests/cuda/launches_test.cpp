// SPDX-License-Identifier: Apache-2.0
//
// A decode step on the device: few launches, and the same numbers as the many launches of a prompt.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "core/runtime/plugin_registry.hpp"
#include "models/session/session.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

// Programs as the plugin tells of them when it makes them: nodes and launches.
class Launches : public testing::Test {
  protected:
    struct Program {
        int n_nodes = 0, n_launches = 0;
    };
    void SetUp() override {
        PluginRegistry::instance().set_log([this](krait_log_level, const std::string& message) {
            Program program;
            if (std::sscanf(message.c_str(), "cuda: a program of %d nodes is %d launches", &program.n_nodes,
                            &program.n_launches) == 2)
                programs.push_back(program);
        });
    }
    void TearDown() override { PluginRegistry::instance().set_log({}); }

    std::shared_ptr<const Model> load(const char* name, const char* device = "cuda-host") {
        auto model = Model::load(std::string(test::kGoldenFolder) + "/" + name + ".gguf", {.device = device});
        EXPECT_TRUE(model) << model.error().message;
        return model ? *model : nullptr;
    }

    std::vector<Program> programs;
};

TEST_F(Launches, AStepIsFiveALayer) {
    const auto model = load("mamba");
    ASSERT_TRUE(model);
    auto session = Session::create(model);
    ASSERT_TRUE(session) << session.error().message;
    const std::vector<int32_t> token{1};
    ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = token, .want = WantLogits::last}}));
    ASSERT_EQ(programs.size(), 1u);
    const auto n_layer = static_cast<int>(model->shape().n_layer);
    EXPECT_GE(programs[0].n_nodes, 7 * n_layer + 3) << "seven nodes a layer, embedding, norm and head";
    // Beside the layers: the embedding, the choice of rows, the head.
    EXPECT_LE(programs[0].n_launches, 5 * n_layer + 3);
}

// With pdl a step asks for weights before it waits, and the emulation looks at what it touches there.
TEST_F(Launches, StepsGiveWhatAPromptGives) {
    for (const char* device : {"cuda-host", "cuda-host0:pdl=on"})
        for (const char* name : {"mamba", "falcon_mamba", "mamba2"}) {
            const auto model = load(name, device);
            ASSERT_TRUE(model);
            const std::vector<int32_t> tokens{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
            auto whole = Session::create(model), steps = Session::create(model);
            ASSERT_TRUE(whole && steps);
            ASSERT_TRUE(whole->decode({{.sequence = 0, .tokens = tokens, .want = WantLogits::all}}));
            double error = 0, power = 0;
            for (size_t t = 0; t < tokens.size(); ++t) {
                ASSERT_TRUE(
                    steps->decode({{.sequence = 0, .tokens = std::span(tokens).subspan(t, 1), .want = WantLogits::last}}));
                const auto expected = whole->logits(0, t), got = steps->logits(0, 0);
                for (size_t i = 0; i < expected.size(); ++i) {
                    error += std::pow(static_cast<double>(got[i]) - static_cast<double>(expected[i]), 2);
                    power += std::pow(static_cast<double>(expected[i]), 2);
                }
            }
            EXPECT_LE(error, 1e-9 * power) << name << " on " << device;
        }
}

}  // namespace
}  // namespace krait
