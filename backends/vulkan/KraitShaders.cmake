# krait_add_shaders(<variable> <file.comp>...)
#
# Compiles every shader with glslangValidator to SPIR-V for Vulkan 1.2, checks it with spirv-val where that is installed, and
# embeds it: appends C++ sources to <variable>, and writes shaders.hpp with a vk::Shader <stem> for each. A shader that mentions
# KRAIT_SUBGROUPS, or includes reduce.glsl, is compiled twice, without and with that macro. One with cooperative matrices has the second
# form alone, and none where the compiler does not know them (krait_check_cooperative_matrix).

# krait_check_cooperative_matrix()
#
# Sets KRAIT_COOPERATIVE_MATRIX to whether the compiler knows GL_KHR_cooperative_matrix (glslang 13 and later do), and
# KRAIT_COOPERATIVE_MATRIX_VAL to whether spirv-val knows what comes of it. Asks again when either program has changed.
function(krait_check_cooperative_matrix)
  set(asked "")
  foreach(program IN ITEMS KRAIT_GLSLANG KRAIT_SPIRV_VAL)
    if(${program})
      file(TIMESTAMP "${${program}}" date)
      string(APPEND asked "${${program}} ${date} ")
    endif()
  endforeach()
  if(NOT "${KRAIT_COOPERATIVE_MATRIX_ASKED}" STREQUAL asked)
    set(directory "${CMAKE_CURRENT_BINARY_DIR}/cooperative_matrix")
    file(WRITE "${directory}/try.comp"
"#version 460
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
layout(constant_id = 0) const uint kSize = 16;
void main() { coopmat<float16_t, gl_ScopeSubgroup, kSize, kSize, gl_MatrixUseA> m; }
")
    execute_process(COMMAND "${KRAIT_GLSLANG}" -V --target-env vulkan1.2 -o "${directory}/try.spv" "${directory}/try.comp"
                    RESULT_VARIABLE compiled OUTPUT_QUIET ERROR_QUIET)
    set(validated 1)
    if(compiled EQUAL 0 AND KRAIT_SPIRV_VAL)
      execute_process(COMMAND "${KRAIT_SPIRV_VAL}" --target-env vulkan1.2 "${directory}/try.spv"
                      RESULT_VARIABLE validated OUTPUT_QUIET ERROR_QUIET)
    endif()
    string(COMPARE EQUAL "${compiled}" 0 has_compiler)
    string(COMPARE EQUAL "${validated}" 0 has_validator)
    set(KRAIT_COOPERATIVE_MATRIX ${has_compiler} CACHE INTERNAL "The GLSL compiler knows GL_KHR_cooperative_matrix")
    set(KRAIT_COOPERATIVE_MATRIX_VAL ${has_validator} CACHE INTERNAL "spirv-val knows SPV_KHR_cooperative_matrix")
    set(KRAIT_COOPERATIVE_MATRIX_ASKED "${asked}" CACHE INTERNAL "The programs that were asked")
  endif()
  if(KRAIT_COOPERATIVE_MATRIX)
    message(STATUS "Vulkan backend: with cooperative matrices")
  else()
    message(STATUS "Vulkan backend: without cooperative matrices, because ${KRAIT_GLSLANG} does not know GL_KHR_cooperative_matrix")
  endif()
endfunction()

function(krait_compile_shader file form definition output can_validate)
  set(validate "")
  if(KRAIT_SPIRV_VAL AND can_validate)
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
    set(forms plain)
    set(can_validate TRUE)
    if(text MATCHES "GL_KHR_cooperative_matrix")
      set(can_validate ${KRAIT_COOPERATIVE_MATRIX_VAL})
      set(forms "")
      if(KRAIT_COOPERATIVE_MATRIX)
        set(forms subgroups)
      endif()
    elseif(text MATCHES "KRAIT_SUBGROUPS|reduce\\.glsl")
      list(APPEND forms subgroups)
    endif()
    set(binaries "")
    foreach(form IN LISTS forms)
      set(definition "")
      if(form STREQUAL "subgroups")
        set(definition "-DKRAIT_SUBGROUPS=1")
      endif()
      krait_compile_shader("${file}" "${name}, ${form}" "${definition}" "${directory}/${name}.${form}" ${can_validate})
      list(APPEND binaries "${directory}/${name}.${form}.spv")
    endforeach()
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
