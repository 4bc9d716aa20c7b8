// SPDX-License-Identifier: Apache-2.0
//
// `krait test-ops --perf`: what is timed, in copies that no cache holds together, and that its JSON is JSON.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bench/model_shapes.hpp"
#include "bench/product_shapes.hpp"
#include "tests/harness/perf.hpp"
#include "tests/tools/run_command.hpp"

namespace krait::bench {
namespace {

using test::Answer;
using test::Streams;

Answer test_ops(const std::string& arguments, Streams streams = Streams::output_and_errors) {
    return test::run_krait("test-ops " + arguments, streams);
}

const harness::Case* shape(std::string_view name) {
    for (const auto& of : model_shapes().all())
        if (of->name == name) return of.get();
    return nullptr;
}

TEST(OpTimes, ProductsHaveTheNamesThatOtherProgramsGiveThem) {
    size_t n = 0;
    for (const ModelSize& size : kModelSizes)
        for (const ModelProduct& product : products_of(size))
            for (const int64_t n_tok : kProductRows)
                if (n_tok <= product.max_rows) {
                    ++n;
                    const harness::Case* of = shape(product_name("F16", n_tok, product, size));
                    ASSERT_NE(of, nullptr) << product_name("F16", n_tok, product, size);
                    EXPECT_EQ(of->find("w")->desc.extent[0], product.n_out);
                    EXPECT_EQ(of->find("w")->desc.extent[1], product.n_in);
                    EXPECT_EQ(of->find("x")->desc.extent[0], n_tok);
                }
    EXPECT_EQ(n, 72u);  // 3 sizes: 4 products of 5 numbers of rows, and the head of 4
    EXPECT_NE(shape("Q4_K.t512.n10240.k2560.2.8b.in"), nullptr);
}

TEST(OpTimes, CopiesAreAsManyAsItTakes) {
    const auto device = Device::open("reference");
    ASSERT_TRUE(device) << device.error().message;
    const harness::Case* of = shape("F16.t1.n80.k1536.130m.x");
    ASSERT_NE(of, nullptr);
    constexpr double kBytes = 80 * 1536 * 2 + 1536 * 4 + 80 * 4;
    auto timed = harness::TimedCase::create(*device, *of, 1 << 20);
    ASSERT_TRUE(timed) << timed.error().message;
    EXPECT_EQ(timed->bytes(), kBytes);
    EXPECT_EQ(timed->copies(), 5u);  // 1 MiB / 246.3 KiB
    ASSERT_TRUE(timed->run(7));
    ASSERT_TRUE(timed->run_copies(2));
    const auto timing = harness::measure(*device, *of, 1 << 20);
    ASSERT_TRUE(timing) << timing.error().message;
    EXPECT_GT(timing->seconds, 0);
    EXPECT_EQ(timing->bytes, kBytes);
    EXPECT_EQ(timing->flops, 2.0 * 80 * 1536);
}

TEST(OpTimes, JsonOfModelShapes) {
    const Answer answer =
        test_ops("-d cpu --perf --shapes models --op mul_mat --case 'Q8_0.t1.n80.k1536*' -o json", Streams::output);
    ASSERT_EQ(answer.exit_code, 0) << answer.text;
    const auto json = nlohmann::json::parse(answer.text);
    EXPECT_EQ(json.at("device"), "cpu");
    const auto& ceilings = json.at("ceilings");
    EXPECT_GT(ceilings.at("read_gb_per_second").get<double>(), 0);
    EXPECT_GT(ceilings.at("threads").get<int>(), 0);
    EXPECT_GT(ceilings.at("peaks").at(0).at("gflop_per_second").get<double>(), 0);
    const auto& cases = json.at("cases");
    ASSERT_EQ(cases.size(), 1u) << answer.text;
    EXPECT_EQ(cases[0].at("op"), "mul_mat");
    EXPECT_EQ(cases[0].at("case"), "Q8_0.t1.n80.k1536.130m.x");
    const double us = cases[0].at("us");
    EXPECT_GT(us, 0);
    const int bytes = 80 * 1536 / 32 * 34 + 1536 * 4 + 80 * 4;
    EXPECT_NEAR(cases[0].at("gb_per_second").get<double>(), bytes / us * 1e-3, 1e-6);
}

TEST(OpTimes, QuickIsForTheCasesOfTheTests) {
    const Answer answer = test_ops("-d cpu --perf --shapes models --quick");
    EXPECT_EQ(answer.exit_code, 2);
    EXPECT_NE(answer.text.find("--quick is for the cases of the tests"), std::string::npos) << answer.text;
}

TEST(OpTimes, WhatIsForPerfIsRefusedWithoutIt) {
    for (const char* arguments : {"-d cpu -o json", "-d cpu --shapes models", "--list -o json", "--list --perf -o json"}) {
        const Answer answer = test_ops(arguments);
        EXPECT_EQ(answer.exit_code, 2) << arguments;
        EXPECT_NE(answer.text.find("is for --perf"), std::string::npos) << answer.text;
    }
    EXPECT_EQ(test_ops("-d cpu,reference --perf -o json").exit_code, 2);
    EXPECT_EQ(test_ops("--perf --shapes mine").exit_code, 2);
}

}  // namespace
}  // namespace krait::bench
