// SPDX-License-Identifier: Apache-2.0
//
// A folder of the test's own, for files that are written.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "core/base/output_file.hpp"

namespace krait {

class OutputFileFixture : public testing::Test {
  protected:
    void SetUp() override {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("krait-output-{}-{}", info->name(), getpid());
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    static std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
    static Result<void> write(const std::filesystem::path& path, std::string_view text) {
        auto file = OutputFile::create(path);
        if (!file) return tl::unexpected<Error>(std::move(file).error());
        if (auto written = file->write(bytes(text)); !written) return written;
        return file->finish();
    }
    void put(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
    std::string content(const std::string& name) const {
        std::ifstream stream(folder_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    size_t file_count() const {
        return static_cast<size_t>(
            std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
    }
    std::filesystem::path folder_;
};

}  // namespace krait
