// SPDX-License-Identifier: Apache-2.0
//
// Models and results for the commands that use the C++ library instead of include/krait: tests, measurements, and tools that
// make models.
#pragma once

#include "models/model.hpp"
#include "tools/command.hpp"
#include "tools/error.hpp"

namespace krait::tools {

Result<std::shared_ptr<const Model>> load_model(const ModelArguments& arguments);  // as ModelArguments::load

// As their namesakes in command.hpp.
int report(const Error& error);
void run_when_chosen(Command& command, std::function<Result<void>()> body);

}  // namespace krait::tools
