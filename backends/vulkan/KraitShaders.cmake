# krait_add_shaders(<variable> <file.comp>...)
#
# Compiles every shader with glslangValidator to SPIR-V for Vulkan 1.2, checks it with spirv-val where that is installed, and
# embeds it: appends C++ sources to <variable>, and writes shaders.hpp with a vk::Shader <stem> for each. A shader that mentions
# KRAIT_SUBGROUPS, or includes reduce.glsl, is compiled twice, without and with that macro.

function(krait_compile_shader file form definition output)
  set(validate "")
  if(KRAIT_SPIRV_VAL)
    set(validate COMMAND "${KRAIT_SPIRV_VAL}" --target-env vulkan1.2 "${output}.spv")
  endif()
  add_custom_command(
    OUTPUT "${output}.spv"
    COMMAND "${KRAIT_GLSLANG}" --quiet -V --target-env vulkan1.2 -g0 "-I${PROJECT_SOURCE_DIR}" ${definition}
            --depfile "${output}.d" -o "${output}.spv" "${file}"
    ${validate}
    DEPENDS "${file}" DEPFILE "${output}.d" COMMENT "Compiling shader ${form}" VERBATIM)
endfunction()

function(krait_add_shaders variable)
  set(directory "${CMAKE_CURRENT_BINARY_DIR}/shaders")
  file(MAKE_DIRECTORY "${directory}")
  set(declarations "")
  set(sources "")
  foreach(file IN LISTS ARGN)
    cmake_path(GET file STEM name)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" text)
    set(plain "${directory}/${name}.plain")
    krait_compile_shader("${file}" "${name}" "" "${plain}")
    set(binaries "${plain}.spv")
    if(text MATCHES "KRAIT_SUBGROUPS|reduce\\.glsl")
      set(subgroups "${directory}/${name}.subgroups")
      krait_compile_shader("${file}" "${name} (subgroups)" "-DKRAIT_SUBGROUPS=1" "${subgroups}")
      list(APPEND binaries "${subgroups}.spv")
    endif()
    add_custom_command(
      OUTPUT "${directory}/${name}.cpp"
      COMMAND "${CMAKE_COMMAND}" "-DNAME=${name}" "-DBINARIES=${binaries}" "-DOUTPUT=${directory}/${name}.cpp"
              -P "${PROJECT_SOURCE_DIR}/backends/vulkan/embed_spirv.cmake"
      DEPENDS ${binaries} "${PROJECT_SOURCE_DIR}/backends/vulkan/embed_spirv.cmake" VERBATIM)
    list(APPEND sources "${directory}/${name}.cpp")
    string(APPEND declarations "extern const vk::Shader ${name};\n")
  endforeach()
  file(CONFIGURE OUTPUT "${directory}/shaders.hpp" @ONLY CONTENT
"// The shaders of ops/*.comp. Written by the build.
#pragma once
#include \"backends/vulkan/vk/shader.hpp\"
namespace krait::vulkan::shaders {
@declarations@}  // namespace krait::vulkan::shaders
")
  set(${variable} ${${variable}} ${sources} PARENT_SCOPE)
endfunction()
