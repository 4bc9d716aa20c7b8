// SPDX-License-Identifier: Apache-2.0
//
// main() of the test programs. With --file=models/session_chain_test.cpp (the end of a source file's path) only the tests that
// stand in that file run, whatever their suites are called: CTest has an entry for each file (tests/KraitTest.cmake).
// --gtest_filter, or $GTEST_FILTER, counts instead where one is given. A file without tests is an error.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

// "Suite.One:Suite.Two": the tests of the file, as a filter.
std::string tests_of_file(std::string_view file) {
    const auto& all = *testing::UnitTest::GetInstance();
    std::string names;
    for (int s = 0; s < all.total_test_suite_count(); ++s) {
        const testing::TestSuite& suite = *all.GetTestSuite(s);
        for (int t = 0; t < suite.total_test_count(); ++t) {
            const testing::TestInfo& test = *suite.GetTestInfo(t);
            const std::string_view path = test.file() ? test.file() : "";
            if (!path.ends_with(file)) continue;
            if (!names.empty()) names += ':';
            names.append(suite.name()).append(".").append(test.name());
        }
    }
    return names;
}

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    constexpr std::string_view kFile = "--file=";
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (!argument.starts_with(kFile)) {
            std::fprintf(stderr, "%s: no option '%s'; --file=NAME, or those of GoogleTest (--help)\n", argv[0], argv[i]);
            return 2;
        }
        const std::string names = tests_of_file(argument.substr(kFile.size()));
        if (names.empty()) {
            std::fprintf(stderr, "%s: no test stands in a file '%s'\n", argv[0], argv[i] + kFile.size());
            return 2;
        }
        if (GTEST_FLAG_GET(filter) == "*") GTEST_FLAG_SET(filter, names);
    }
    return RUN_ALL_TESTS();
}
