// SPDX-License-Identifier: Apache-2.0
//
// The same result in every form, with ceilings that are round numbers.
#include "bench/report.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/demo/demo_model.hpp"

namespace krait::bench {
namespace {

// The demo model in a file whose name has quotes and a comma.
BenchResult demo_result(const BenchPlan& plan) {
    const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / fmt::format("krait-report-{}", getpid());
    const std::string path = (folder / "a \"name\", with a comma").string();
    std::filesystem::create_directory(folder);
    const auto bytes = demo_model_bytes();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    auto result = run_bench(
        [&](krait_model_options options) {
            options.device = "cpu";
            return api::Model::load_with(path, options);
        },
        plan);
    std::filesystem::remove_all(folder);
    EXPECT_TRUE(result) << result.error().message;
    return std::move(*result);
}

Report demo_report() {
    const BenchPlan plan{.prompts = {8}, .decodes = {2}, .repetitions = 3};
    Report report{.version = "9.9",
                  .date = date_now(),
                  .device = "cpu:threads=2",
                  .n_threads = 2,
                  .machine = Machine::describe(),
                  .plan = plan,
                  .result = demo_result(plan)};
    report.result.series[0].seconds = {2, 1, 4};  // 8 tokens: 4, 8 and 2 a second
    report.result.series[0].bytes = 10e9;
    report.result.series[0].operations = 40e9;
    Ceilings ceilings;
    ceilings.n_threads = 2;
    ceilings.read_bytes_per_second = 20e9;
    ceilings.peaks = {
        {Number::f32, "a", 50e9}, {Number::bf16, "x", 80e9}, {Number::int16, "b", 70e9}, {Number::int8, "c", 200e9}};
    report.ceilings = ceilings;
    return report;
}

TEST(Report, RatesFollowFromTimes) {
    const Report report = demo_report();
    const Rates rates = rates_of(report.result.series[0], report);
    EXPECT_DOUBLE_EQ(rates.tokens_per_second.median, 4);
    EXPECT_DOUBLE_EQ(rates.tokens_per_second.min, 2);
    EXPECT_DOUBLE_EQ(rates.tokens_per_second.max, 8);
    EXPECT_DOUBLE_EQ(rates.step_seconds, 2);
    EXPECT_DOUBLE_EQ(*rates.share_of_read, 0.25);
    EXPECT_DOUBLE_EQ(*rates.share_of_peak, 0.1);  // 20 of int8's 200: the demo model is Q8_0
}

TEST(Report, PeakIsThatOfTheWeights) {
    Ceilings ceilings = *demo_report().ceilings;
    EXPECT_EQ(peak_for(ceilings, DType::F32).unit, "a");
    EXPECT_EQ(peak_for(ceilings, DType::F16).unit, "b");
    EXPECT_EQ(peak_for(ceilings, DType::BF16).unit, "b");
    EXPECT_EQ(peak_for(ceilings, DType::Q4_K).unit, "c");
    ceilings.peaks = {{Number::f32, "a", 50e9}};
    EXPECT_EQ(peak_for(ceilings, DType::F16).unit, "a");
    EXPECT_EQ(peak_for(ceilings, DType::Q4_K).unit, "a");
}

TEST(Report, JsonHoldsAllThatAResultNeeds) {
    const auto json = nlohmann::json::parse(as_json(demo_report()));
    EXPECT_EQ(json.at("schema"), 1);
    EXPECT_EQ(json.at("krait"), "9.9");
    EXPECT_FALSE(json.at("machine").at("cpu").get<std::string>().empty());
    EXPECT_GT(json.at("machine").at("memory_bytes"), 0);
    EXPECT_GE(json.at("machine").at("processors"), 1);
    EXPECT_EQ(json.at("device").at("threads"), 2);
    EXPECT_EQ(json.at("device").at("name").get<std::string>().rfind("cpu:", 0), 0u);
    EXPECT_EQ(json.at("model").at("n_layer"), 8);
    EXPECT_EQ(json.at("model").at("types").at("Q8_0").at("tensors"), 33);
    EXPECT_EQ(json.at("model").at("bytes"), demo_model_bytes().size());
    EXPECT_EQ(json.at("ceilings").at("read_gb_per_second"), 20);
    EXPECT_EQ(json.at("ceilings").at("peaks").size(), 4u);
    EXPECT_EQ(json.at("ceilings").at("peak_of_this_model").at("unit"), "c");
    EXPECT_GT(json.at("load").at("first_token_seconds"), 0);
    EXPECT_DOUBLE_EQ(json.at("peak_memory_to_file").get<double>() * static_cast<double>(demo_model_bytes().size()),
                     json.at("peak_memory_bytes").get<double>());
    EXPECT_GT(json.at("peak_memory_bytes"), 0);
    const auto& prompt = json.at("results").at(0);
    EXPECT_EQ(prompt.at("test"), "prompt");
    EXPECT_EQ(prompt.at("n_tok"), 8);
    EXPECT_EQ(prompt.at("tokens_per_second").at("median"), 4);
    EXPECT_EQ(prompt.at("seconds").size(), 3u);
    EXPECT_EQ(prompt.at("share_of_read"), 0.25);
    EXPECT_EQ(json.at("results").at(1).at("test"), "decode");
}

TEST(Report, WithoutCeilingsThereAreNoShares) {
    Report report = demo_report();
    report.ceilings.reset();
    const auto json = nlohmann::json::parse(as_json(report));
    EXPECT_FALSE(json.contains("ceilings"));
    EXPECT_FALSE(json.at("results").at(0).contains("share_of_read"));
    EXPECT_EQ(as_table(report).find('%'), std::string::npos);
}

TEST(Report, TableAndMarkdownShowTheSame) {
    const Report report = demo_report();
    const std::string table = as_table(report), markdown = as_markdown(report);
    for (const char* word :
         {"prompt 8", "decode 2", "25%", "10%", "4.0", "2000.00", "read 20.0 GB/s", "MiB at most, ", " x the file"}) {
        EXPECT_NE(table.find(word), std::string::npos) << word;
        EXPECT_NE(markdown.find(word), std::string::npos) << word;
    }
}

TEST(Report, CsvQuotesNames) {
    const std::string csv = as_csv(demo_report());
    EXPECT_NE(csv.find("/a \"\"name\"\", with a comma\",cpu:"), std::string::npos) << csv;
    EXPECT_NE(csv.find(",prompt,8,1,1,3,4.000,2.000,8.000,2.000000,5.000,0.2500,20.000,0.1000\n"), std::string::npos) << csv;
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
}

}  // namespace
}  // namespace krait::bench
