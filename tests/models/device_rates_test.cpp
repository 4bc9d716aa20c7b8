// SPDX-License-Identifier: Apache-2.0
//
// The file of measured rates: what is in it is taken, what is no line of it is not, and where there can be none, devices are
// measured again. And memory budgets that live in one memory.
#include "models/placement/device_rates.hpp"
#include "models/placement/placement.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "models/placement/auto_placement.hpp"

namespace krait {
namespace {

std::shared_ptr<const Device> open_cpu() {
    auto device = Device::open("cpu:threads=1");
    EXPECT_TRUE(device) << device.error().message;
    return *device;
}

class DeviceRatesTest : public testing::Test {
  protected:
    void SetUp() override {
        if (const char* cache = std::getenv("XDG_CACHE_HOME")) before_ = cache;
        std::filesystem::create_directories(folder_);
        use(folder_);
    }
    void TearDown() override {
        if (before_) setenv("XDG_CACHE_HOME", before_->c_str(), 1);
        else unsetenv("XDG_CACHE_HOME");
        std::filesystem::remove_all(folder_);
    }
    static void use(const std::filesystem::path& cache) { setenv("XDG_CACHE_HOME", cache.c_str(), 1); }
    std::filesystem::path file() const { return folder_ / "krait" / "rates.tsv"; }
    std::string text() const {
        std::ifstream stream(file());
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    void write(const std::string& text) const { std::ofstream(file()) << text; }
    // The text before the numbers of this device.
    std::string key() const {
        EXPECT_TRUE(rates_of(device_));
        return text().substr(0, text().find('\t'));
    }

    std::shared_ptr<const Device> device_ = open_cpu();
    std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("krait-rates-{}", getpid());
    std::optional<std::string> before_;
};

TEST_F(DeviceRatesTest, MeasuredOnceAndKept) {
    const auto measured = rates_of(device_);
    ASSERT_TRUE(measured) << measured.error().message;
    EXPECT_GT(measured->bytes_per_second, 1e6);
    EXPECT_GT(measured->operations_per_second, 1e6);
    const std::string once = text();
    const auto known = rates_of(device_);
    ASSERT_TRUE(known);
    EXPECT_NEAR(known->bytes_per_second / measured->bytes_per_second, 1, 1e-9);
    EXPECT_EQ(text(), once) << "not measured again";
}

TEST_F(DeviceRatesTest, NumbersAreThoseOfTheFileWhateverTheLocale) {
    const std::string name = key();
    write(name + "\t1.5e9\t2500000.5\t1e-06\t3\n");
    const std::string locale = std::setlocale(LC_NUMERIC, nullptr);
    for (const char* decimal_comma : {"de_DE.UTF-8", "fr_FR.UTF-8"}) std::setlocale(LC_NUMERIC, decimal_comma);
    const auto rates = rates_of(device_);
    std::setlocale(LC_NUMERIC, locale.c_str());
    ASSERT_TRUE(rates);
    EXPECT_EQ(rates->bytes_per_second, 1.5e9);
    EXPECT_EQ(rates->operations_per_second, 2500000.5);
    EXPECT_EQ(rates->copy_seconds, 1e-6);
    EXPECT_EQ(rates->copy_bytes_per_second, 3);
}

TEST_F(DeviceRatesTest, WhatIsNoLineOfItIsMeasuredAgain) {
    const std::string name = key();
    const std::string other_version = name.substr(0, name.find('|')) + "|of another version";
    for (const std::string& line :
         {std::string("\n"), name, name + "\t", name + "\t1\t2\t3", name + "\t1\t2\t3\t4\t5", name + "\t1,5\t2\t3\t4",
          name + "\t-1\t2\t3\t4", name + "\t0\t2\t3\t4", name + "\tnan\t2\t3\t4", name + "\t1\tinf\t3\t4",
          name + "\t1e999\t2\t3\t4", name + "x\t1\t2\t3\t4", other_version + "\t1\t2\t3\t4", std::string("\0\xff\t\n", 4)}) {
        write(line + "\n");
        const auto measured = rates_of(device_);
        ASSERT_TRUE(measured);
        EXPECT_GT(measured->bytes_per_second, 1e6) << line;
        const std::string both = text();
        EXPECT_NE(both.find("\n" + name + "\t"), std::string::npos) << "measured and written, behind " << line;
        ASSERT_TRUE(rates_of(device_));
        EXPECT_EQ(text(), both) << "found behind what cannot be read";
    }
}

TEST_F(DeviceRatesTest, AFolderThatCannotBeMadeIsDoneWithout) {
    std::ofstream(folder_ / "a file") << "x";
    use(folder_ / "a file");  // nothing can be made in it, whoever runs this
    const auto measured = rates_of(device_);
    ASSERT_TRUE(measured) << measured.error().message;
    EXPECT_GT(measured->bytes_per_second, 1e6);
}

TEST(MemoryBudgets, DevicesInOneMemoryShareIt) {
    const auto cpu = open_cpu();
    const std::vector<std::shared_ptr<const Device>> one{cpu}, two{cpu, cpu};
    const double all = memory_budgets(one, device_labels(one), {})[0];
    ASSERT_GT(all, 0);
    EXPECT_EQ(memory_budgets(two, device_labels(two), {}), (std::vector<double>{all / 2, all / 2}));
    EXPECT_EQ(memory_budgets(two, device_labels(two), {.max_memory = {{"cpu#2", 1000}}}), (std::vector<double>{all / 2, 1000}));
}

TEST(MemoryBudgets, MinChunkRowsFollowTheRates) {
    EXPECT_EQ(min_chunk_rows_of({.bytes_per_second = 1e10, .operations_per_second = 1e11}), 32u);
    EXPECT_EQ(min_chunk_rows_of({.bytes_per_second = 2e12, .operations_per_second = 3e14}), 96u);
    EXPECT_EQ(min_chunk_rows_of({.bytes_per_second = 1e9, .operations_per_second = 1e15}), 128u);
}

}  // namespace
}  // namespace krait
