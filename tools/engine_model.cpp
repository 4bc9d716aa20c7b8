// SPDX-License-Identifier: Apache-2.0
#include "tools/engine_model.hpp"

#include "capi/api.hpp"

namespace krait::tools {

Result<std::shared_ptr<const Model>> load_model(const ModelArguments& arguments) {
    KRAIT_TRY(const api::Model model, from_api(arguments.load()));
    return model.get()->loaded;
}

int report(const Error& error) { return report(failure_of(error)); }

void run_when_chosen(Command& command, std::function<Result<void>()> body) {
    command.body([body = std::move(body)] {
        const auto done = body();
        return done ? kExitOk : report(done.error());
    });
}

}  // namespace krait::tools
