# cmake -DNAME=<shader> "-DBINARIES=<plain.spv>[;<subgroups.spv>]" -DOUTPUT=<file.cpp> -P embed_spirv.cmake
#
# SPIR-V as arrays of words in a C++ source.
cmake_minimum_required(VERSION 3.25)
set(arrays "")
set(spans "")
set(form plain)
foreach(binary IN LISTS BINARIES)
  file(READ "${binary}" hex HEX)
  # A word is four bytes, the least one first.
  string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," words "${hex}")
  string(REGEX REPLACE "((0x........,)(0x........,)(0x........,)(0x........,)(0x........,)(0x........,)(0x........,)(0x........,))" "\\1\n" words "${words}")
  string(APPEND arrays "constexpr uint32_t ${form}[] = {\n${words}};\n")
  list(APPEND spans "${form}")
  set(form subgroups)
endforeach()
if(NOT "subgroups" IN_LIST spans)
  list(APPEND spans "{}")
endif()
list(JOIN spans ", " spans)
file(WRITE "${OUTPUT}" "// Written by embed_spirv.cmake.
#include \"shaders.hpp\"
namespace krait::vulkan::shaders {
namespace {
${arrays}}  // namespace
extern const vk::Shader ${NAME}{\"${NAME}\", ${spans}};
}  // namespace krait::vulkan::shaders
")
