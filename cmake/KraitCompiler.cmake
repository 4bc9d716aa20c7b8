# What every target is compiled with. krait_options carries it: link it PRIVATE.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(krait_options INTERFACE)
target_include_directories(krait_options INTERFACE "${PROJECT_SOURCE_DIR}")
# -Wno-missing-field-initializers: an operand that a node, a case or a test does not have is left out of its initializer.
# -ffp-contract=off: a*b+c is fused only where a kernel says fma, so that every build gives the same bits.
# nvcc takes none of these; backends/cuda has its own.
target_compile_options(krait_options INTERFACE
  "$<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion;-Wno-missing-field-initializers;-ffp-contract=off>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 takes "literal" + std::string for overlapping copies (GCC bug 105651).
  target_compile_options(krait_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(KRAIT_WERROR)
  target_compile_options(krait_options INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Werror>)
endif()
if(KRAIT_SANITIZE)
  add_compile_options(-fsanitize=${KRAIT_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KRAIT_SANITIZE})
  add_compile_definitions(KRAIT_SANITIZED)
  if(KRAIT_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endif()

# krait_precompile(<target> <PRIVATE|PUBLIC|INTERFACE> <header>...), with KRAIT_PCH: headers that most files of the target include. Of
# libraries only: what Krait's own headers hold changes too often.
function(krait_precompile target scope)
  if(KRAIT_PCH AND NOT KRAIT_PCH STREQUAL "TESTS")
    krait_precompile_headers(${target} ${scope} ${ARGN})
  endif()
endfunction()
# krait_reuse_precompiled(<donor> <target>...): the targets take the precompiled headers of the donor instead of making their own, which
# costs three seconds each. They have the donor's flags; definitions that those headers do not read may differ.
function(krait_reuse_precompiled donor)
  foreach(target IN LISTS ARGN)
    if(TARGET ${target})
      set_target_properties(${target} PROPERTIES PRECOMPILE_HEADERS_REUSE_FROM ${donor})
    endif()
  endforeach()
endfunction()
function(krait_precompile_headers target scope)
  list(TRANSFORM ARGN REPLACE "<(.+)>" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>" OUTPUT_VARIABLE headers)
  target_precompile_headers(${target} ${scope} ${headers})
  krait_precompiled_flags(${target} ${scope})
endfunction()
function(krait_precompiled_flags target scope)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # Bug 105651 in other words: a precompiled header of the library is no system header any more.
    target_compile_options(${target} ${scope} "$<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-array-bounds>")
  endif()
endfunction()
set(krait_precompiled <algorithm> <array> <atomic> <cmath> <cstring> <functional> <map> <memory> <optional> <span> <string> <string_view> <vector>)
krait_precompile(krait_options INTERFACE ${krait_precompiled})

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  string(REPLACE "-g" "-g -O1" CMAKE_CXX_FLAGS_DEBUG "${CMAKE_CXX_FLAGS_DEBUG}")
endif()
