# What `cmake --install` lays down, and how other projects find it. Included once, at the end of the root CMakeLists.txt.
#
#   <bindir>/krait                       the command; has the library in it
#   <bindir>/krait-conformance           the laws of the plugin ABI as a test program; with KRAIT_BUILD_TESTS
#   <mandir>/man1, <datadir>/...         its man pages and completions, where the build made them (tools/CMakeLists.txt)
#   <libdir>/libkrait.so                 the library; the target krait
#   <includedir>/krait/                  its headers
#   <libdir>/krait/backends/             the plugins (krait_add_plugin in backends/common installs them)
#   <libdir>/cmake/Krait/                find_package(Krait) -> Krait::krait; with COMPONENTS plugin -> krait_add_plugin()
#   <includedir>/krait/plugin/           the headers of a backend: contracts, ABI, backends/common
#   <libdir>/krait/plugin/               the libraries of a backend in C++
#   <libdir>/pkgconfig/krait.pc          pkg-config krait
#   <datadir>/krait/krait-demo.gguf      the model that is used where none is named
#
# Everything is found relative to where it lies, so the installed tree can be moved as a whole.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(KRAIT_CMAKE_INSTALL_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/Krait")

install(TARGETS krait EXPORT KraitTargets
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT KraitTargets NAMESPACE Krait:: DESTINATION "${KRAIT_CMAKE_INSTALL_DIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/krait" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

# For backends that are built elsewhere. Headers keep their paths below <includedir>/krait/plugin, so includes read as in this tree.
foreach(folder IN ITEMS core/abi core/ops core/quant core/tensor backends/common)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/krait/plugin/${folder}/.."
          FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp" PATTERN "*.def")
endforeach()
# For those who write one in C and look for it beside krait.h.
install(FILES "${PROJECT_SOURCE_DIR}/core/abi/backend_abi.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/krait")
install(FILES "${KRAIT_OP_VERSIONS_HEADER}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/krait/plugin/core/abi")
install(FILES "${PROJECT_SOURCE_DIR}/core/base/result.hpp" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/krait/plugin/core/base")
set_target_properties(krait_plugin_common PROPERTIES EXPORT_NAME plugin_common)
set_target_properties(krait_quant PROPERTIES EXPORT_NAME quant)
set_target_properties(krait_contracts PROPERTIES EXPORT_NAME contracts)
install(TARGETS krait_plugin_common krait_contracts krait_quant EXPORT KraitPluginTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}/krait/plugin")
install(EXPORT KraitPluginTargets NAMESPACE Krait:: DESTINATION "${KRAIT_CMAKE_INSTALL_DIR}")
install(FILES "${PROJECT_SOURCE_DIR}/backends/common/KraitPlugin.cmake" "${PROJECT_SOURCE_DIR}/backends/common/plugin.map"
        DESTINATION "${KRAIT_CMAKE_INSTALL_DIR}")

install(FILES "${PROJECT_SOURCE_DIR}/models/demo/krait-demo.gguf" DESTINATION "${CMAKE_INSTALL_DATADIR}/krait")

if(TARGET krait_command)
  install(TARGETS krait_command RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/KraitConfig.cmake.in" "${PROJECT_BINARY_DIR}/KraitConfig.cmake"
                              INSTALL_DESTINATION "${KRAIT_CMAKE_INSTALL_DIR}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the library's interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/KraitConfigVersion.cmake" VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/KraitConfig.cmake" "${PROJECT_BINARY_DIR}/KraitConfigVersion.cmake"
        DESTINATION "${KRAIT_CMAKE_INSTALL_DIR}")

# From <libdir>/pkgconfig back to the prefix; "${pcfiledir}" is pkg-config's own variable.
file(RELATIVE_PATH krait_up_to_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" krait_up_to_prefix "${krait_up_to_prefix}")
set(KRAIT_PC_PREFIX "\${pcfiledir}/${krait_up_to_prefix}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/krait.pc.in" "${PROJECT_BINARY_DIR}/krait.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/krait.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
