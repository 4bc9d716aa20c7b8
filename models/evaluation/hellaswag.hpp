// SPDX-License-Identifier: Apache-2.0
//
// HellaSwag: which of four endings of a scene does a model find most likely?
//
//   accuracy             the right one has the largest  sum ln p(token | context, ending so far)
//   accuracy, normalized the right one has the largest  sum ln p / characters of the ending: long endings are less
//                        likely in all
//
// A task is six lines of a text file: context; index of the right ending, 0 to 3; the four endings. Context and ending are
// joined by one space. Characters are Unicode code points of the ending without that space, as the LM Evaluation Harness
// counts. Each context is read once; its state is then forked for the four endings.
// R. Zellers, A. Holtzman, Y. Bisk, A. Farhadi, Y. Choi, "HellaSwag: Can a Machine Really Finish Your Sentence?", ACL 2019.
#pragma once

#include <array>

#include "models/session/session.hpp"

namespace krait {

struct HellaswagTask {
    static constexpr size_t kEndings = 4;
    std::string context;
    int32_t right = 0;
    std::array<std::string, kEndings> endings;
    int64_t line = 0;  // where it begins, counted from 1
};

// The first max_tasks tasks; 0 = all. The error names the line, what stands there and what should.
Result<std::vector<HellaswagTask>> parse_hellaswag(std::string_view text, size_t max_tasks = 0);

struct HellaswagScore {
    std::array<double, HellaswagTask::kEndings> log_likelihood{}, normalized{};
    int32_t choice = 0, normalized_choice = 0;  // the first of the largest
};

struct HellaswagOptions {
    int32_t batch = 4;                          // tasks of one decode call; costs four states each, and some while they fork
    const std::atomic<bool>* cancel = nullptr;  // as in DecodeControl
    // Tasks done, of how many, and how many of them were right by normalized likelihood.
    std::function<void(int64_t done, int64_t total, int64_t n_right)> progress;
};

struct HellaswagRun {
    std::vector<HellaswagScore> scores;  // by task
    int64_t n_right = 0, n_right_normalized = 0;
    int64_t n_read = 0;  // tokens
};

Result<HellaswagRun> measure_hellaswag(std::shared_ptr<const Model> model, std::span<const HellaswagTask> tasks,
                                       const HellaswagOptions& options = {});

}  // namespace krait
