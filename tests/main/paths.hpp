// SPDX-License-Identifier: Apache-2.0
//
// Where tests find what they read, load and start. The build's folders are known to paths.cpp alone, so that the other objects
// are the same in every clone, and ccache has them.
#pragma once

namespace krait::test {

extern const char* const kTestsFolder;  // tests/ of the source tree
extern const char* const kGoldenFolder;
extern const char* const kDemoModel;
extern const char* const kCommand;  // the krait command
extern const char* const kReferencePlugin;
extern const char* const kNullPlugin;
extern const char* const kCpuPlugin;  // the first variant that is built
extern const char* const kVulkanShaders;

// Folders of plugins that only one test loads.
extern const char* const kBadPlugins;
extern const char* const kBrokenPlugin;
extern const char* const kFaultPlugin;

}  // namespace krait::test
