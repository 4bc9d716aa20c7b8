# How tests are built, and how CTest finds them. Every entry is known when the build is configured; none has to be built for that.
#
# krait_add_test(<name> LABEL <label> SOURCES <file>... LIBS <target>... [HELPERS <file>...] [PLUGINS <plugin>...] [SPLIT <stem>=<n>...])
#   A GoogleTest program with one CTest entry for each of SOURCES, run in the source's root folder: models/session_chain_test.cpp is
#   <label>.session_chain. Files and no single tests, because many programs open every device that there is before they run the first
#   test, drivers and compilers too. HELPERS are sources without tests. SPLIT: what takes long has n entries, <label>.<stem>.1 and so on.
#
# krait_needs_plugins(<target> <plugin>...)
#   Building the target builds the plugins that it loads: a name as krait_add_plugin had it, `cpu` for the best variant of the CPU backend
#   that this machine runs, `all`.
#
# tests/entries.txt in the build's folder lists all entries for scripts/test.sh: name, targets, source file.

# Sanitizers and debug builds run ten times slower and more: there the op tests leave out what takes long.
if(KRAIT_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(krait_quick_tests 1)
  set(krait_test_timeout 900)
elseif(CMAKE_CROSSCOMPILING)  # by an emulator of the other processor
  set(krait_quick_tests 0)
  set(krait_test_timeout 1800)
else()
  set(krait_quick_tests 0)
  set(krait_test_timeout 300)
endif()

# What was measured or compiled for the person at this machine is not for tests, nor the other way round.
set(krait_test_environment "XDG_CACHE_HOME=${PROJECT_BINARY_DIR}/tests/cache")

# scripts/machine.sh knows what this processor runs; where it cannot be asked, all that was built is needed.
set(krait_cpu_levels "")
if(NOT CMAKE_CROSSCOMPILING)
  execute_process(COMMAND bash -c "source '${PROJECT_SOURCE_DIR}/scripts/machine.sh' && find_cpu_levels && echo $found"
                  OUTPUT_VARIABLE krait_cpu_levels OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  separate_arguments(krait_cpu_levels)
endif()
set(krait_best_cpu krait_plugins)
foreach(level IN LISTS krait_cpu_levels)
  if(TARGET krait-cpu-${level})
    set(krait_best_cpu krait-cpu-${level})
  endif()
endforeach()

function(krait_needs_plugins target)
  foreach(plugin IN LISTS ARGN)
    if(plugin STREQUAL "all")
      add_dependencies(${target} krait_plugins)
    elseif(plugin STREQUAL "cpu")
      add_dependencies(${target} ${krait_best_cpu})
    elseif(TARGET krait-${plugin})
      add_dependencies(${target} krait-${plugin})
    endif()
  endforeach()
endfunction()

# krait_list_test_entry(<entry> <target,...> <source>): for entries.txt, where no function here adds the entry.
function(krait_list_test_entry entry targets source)
  set_property(GLOBAL APPEND_STRING PROPERTY KRAIT_TEST_ENTRIES "${entry} ${targets} ${source}\n")
endfunction()

# krait_add_test_entry(<entry> <target> <source> <label> <argument>...)
function(krait_add_test_entry entry target source label)
  add_test(NAME "${entry}" COMMAND ${target} ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties("${entry}" PROPERTIES LABELS "${label}" TIMEOUT ${krait_test_timeout}
    ENVIRONMENT "GTEST_BRIEF=1;GTEST_OUTPUT=xml:${PROJECT_BINARY_DIR}/tests/results/${entry}.xml;${krait_test_environment}")
  krait_list_test_entry("${entry}" ${target} "${source}")
endfunction()

# krait_split_test_entry(<n> <the arguments of krait_add_test_entry>): n entries, each with a part of the tests.
function(krait_split_test_entry n entry)
  foreach(part RANGE 1 ${n})
    krait_add_test_entry("${entry}.${part}" ${ARGN})
    math(EXPR index "${part} - 1")
    set_property(TEST "${entry}.${part}" APPEND PROPERTY ENVIRONMENT "GTEST_TOTAL_SHARDS=${n};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()

# The flags of every test program.
function(krait_test_options name)
  if(KRAIT_PCH STREQUAL "TESTS")
    krait_precompiled_flags(${name} PRIVATE)
  endif()
  if(KRAIT_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)  # compiles twice as fast; the code under test, which takes the time, keeps its level
  else()
    target_compile_options(${name} PRIVATE -O1)
  endif()
endfunction()

function(krait_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL" "SOURCES;LIBS;HELPERS;PLUGINS;SPLIT")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES OR NOT arg_LABEL)
    message(FATAL_ERROR "krait_add_test(${name}): LABEL and SOURCES are needed; not understood: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  add_executable(${name} ${arg_SOURCES} ${arg_HELPERS})
  target_link_libraries(${name} PRIVATE krait_options krait_test_main fmt::fmt ${arg_LIBS} Threads::Threads)
  target_compile_definitions(${name} PRIVATE KRAIT_QUICK_TESTS=${krait_quick_tests})
  krait_test_options(${name})
  if(KRAIT_PCH)
    krait_reuse_precompiled(krait_test_headers ${name})
  endif()
  krait_needs_plugins(${name} ${arg_PLUGINS})

  foreach(source IN LISTS arg_SOURCES)
    get_filename_component(path "${source}" ABSOLUTE)
    file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}/tests" "${path}")
    get_filename_component(stem "${path}" NAME_WE)
    string(REGEX REPLACE "_test$" "" stem "${stem}")
    set(arguments "${arg_LABEL}.${stem}" ${name} "tests/${path}" ${arg_LABEL} "--file=tests/${path}")
    set(split ${arg_SPLIT})
    list(FILTER split INCLUDE REGEX "^${stem}=")
    if(split)
      string(REGEX REPLACE ".*=" "" n "${split}")
      krait_split_test_entry(${n} ${arguments})
    else()
      krait_add_test_entry(${arguments})
    endif()
  endforeach()
endfunction()

# krait_add_test_backend(<plugin> <file.cpp> <folder>): a plugin that computes as the reference does, with defects. It lies in a folder of
# its own, so that no other test loads it.
function(krait_add_test_backend name file folder)
  add_library(${name} MODULE ${file} "$<FILTER:$<TARGET_OBJECTS:krait-reference>,INCLUDE,/(ops/[a-z0-9_]+|kernels)[.]cpp>")
  target_link_libraries(${name} PRIVATE krait_options krait_plugin_common krait_quant)
  target_compile_definitions(${name} PRIVATE KRAIT_PLUGIN_VERSION="1")
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY "${folder}")
endfunction()

add_subdirectory(main)
