// SPDX-License-Identifier: Apache-2.0
#include "tools/engine_model.hpp"

#include "capi/api.hpp"
#include "models/demo/demo_model.hpp"

namespace krait::tools {

Result<GgufFile> open_file(const ModelArguments& arguments) {
    if (arguments.path.empty()) return GgufFile::parse(demo_model_bytes(), "the demo model");
    return GgufFile::open(arguments.path, arguments.no_mmap ? GgufAccess::read : GgufAccess::mapped);
}

Result<PlacementOptions> placement_of(const ModelArguments& arguments) {
    return PlacementTexts{arguments.layers, arguments.split, arguments.place, arguments.max_memory}.parse();
}

Result<std::shared_ptr<const Model>> load_model(const ModelArguments& arguments) {
    KRAIT_TRY(const api::Model model, from_tools(arguments.load()));
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
