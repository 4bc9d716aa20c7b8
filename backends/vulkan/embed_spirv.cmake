# cmake -DNAME=<shader> "-DBINARIES=[<name>.plain.spv][;<name>.subgroups.spv]" -DOUTPUT=<file.cpp> -P embed_spirv.cmake
#
# SPIR-V as arrays of words in a C++ source.
cmake_minimum_required(VERSION 3.25)
set(arrays "")
set(plain "{}")
set(subgroups "{}")
foreach(binary IN LISTS BINARIES)
  string(REGEX REPLACE ".*\\.([a-z]+)\\.spv$" "\\1" form "${binary}")
  file(READ "${binary}" hex HEX)
  # A word is four bytes, the least one first.
  string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," words "${hex}")
  string(REGEX REPLACE "((0x........,)(0x........,)(0x........,)(0x........,)(0x........,)(0x........,)(0x........,)(0x........,))" "\\1\n" words "${words}")
  string(APPEND arrays "constexpr uint32_t ${form}[] = {\n${words}};\n")
  set(${form} "${form}")
endforeach()
file(WRITE "${OUTPUT}" "// Written by embed_spirv.cmake.
#include \"shaders.hpp\"
namespace krait::vulkan::shaders {
namespace {
${arrays}}  // namespace
extern const vk::Shader ${NAME}{\"${NAME}\", ${plain}, ${subgroups}};
}  // namespace krait::vulkan::shaders
")
