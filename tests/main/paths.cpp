// SPDX-License-Identifier: Apache-2.0
#include "tests/main/paths.hpp"

namespace krait::test {

#define KRAIT_TESTS KRAIT_SOURCE "/tests"
#define KRAIT_PLUGINS KRAIT_BUILD "/bin/backends"

const char* const kTestsFolder = KRAIT_TESTS;
const char* const kGoldenFolder = KRAIT_TESTS "/golden";
const char* const kDemoModel = KRAIT_SOURCE "/models/demo/krait-demo.gguf";
const char* const kCommand = KRAIT_BUILD "/bin/krait";
const char* const kReferencePlugin = KRAIT_PLUGINS "/krait-reference.so";
const char* const kNullPlugin = KRAIT_PLUGINS "/krait-null.so";
const char* const kCpuPlugin = KRAIT_PLUGINS "/krait-cpu-" KRAIT_FIRST_CPU_VARIANT ".so";
const char* const kVulkanShaders = KRAIT_BUILD "/backends/vulkan/shaders";
const char* const kBadPlugins = KRAIT_BUILD "/tests/unit/plugins";
const char* const kBrokenPlugin = KRAIT_BUILD "/tests/harness/broken";
const char* const kFaultPlugin = KRAIT_BUILD "/tests/faults/plugin";

}  // namespace krait::test
