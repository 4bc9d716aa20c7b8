# For backends in this tree, and outside of it by find_package(Krait COMPONENTS plugin).
#
# krait_add_plugin(<name> SOURCES <file>... [LINK <target>...] [OPTIONS <compile option>...] [DEFINITIONS <definition>...])
#
# Makes the target krait-<name>: the module krait-<name>.so in KRAIT_PLUGIN_DIRECTORY, installed to lib/krait/backends. All of
# SOURCES is compiled with OPTIONS, so a plugin for one instruction set is compiled whole for it (OPTIONS -mavx2 -mfma);
# the same sources may make several plugins. LINK: libraries; backends in C++ want Krait::plugin_common (the ABI as classes, a device in
# host memory) and Krait::quant (the scalar codec of every weight format). Sources may use KRAIT_PLUGIN_VERSION, the project's version.
# KRAIT_PLUGIN_DIRECTORY is "backends" in the build folder unless it is set: KRAIT_BACKEND_PATH takes it as it is.
#
# The target krait_plugins is all of them, the global property KRAIT_PLUGINS their names.
#
# With KRAIT_STATIC_PLUGINS, krait-<name> is a static library instead, its query function is called krait_plugin_query_<name>
# (with _ for -), and <name> is appended to the global property KRAIT_STATIC_PLUGIN_LIST, from which core/runtime makes the
# table of linked-in plugins; an alias target of that name stands for the library. The trap there: an inline function of a
# header (std::vector's, fmt's, ours) that a plugin compiled for AVX-512 has the same name as everybody's, the linker keeps
# one of them, and the program dies of an illegal instruction on older machines. So the plugin's objects are first linked into
# one (ld -r, with all groups of duplicates resolved), and then every symbol but the query function is made local (objcopy).
# Two plugins from the same sources need no namespaces of their own for the same reason. Libraries given by LINK stay
# outside: they are compiled for the plain machine. Needs GNU binutils, and no link-time optimization.

set(KRAIT_PLUGIN_MAP "${CMAKE_CURRENT_LIST_DIR}/plugin.map" CACHE INTERNAL "")

if(NOT DEFINED KRAIT_PLUGIN_DIRECTORY)
  set(KRAIT_PLUGIN_DIRECTORY "${CMAKE_BINARY_DIR}/backends")
endif()
if(NOT TARGET krait_plugins)
  add_custom_target(krait_plugins ALL)
endif()

function(krait_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;OPTIONS;DEFINITIONS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "krait_add_plugin(${name}): SOURCES are needed; not understood: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  set(target "krait-${name}")
  set_property(GLOBAL APPEND PROPERTY KRAIT_PLUGINS "${name}")
  set(definitions KRAIT_PLUGIN_VERSION="${PROJECT_VERSION}" ${arg_DEFINITIONS})

  set(headers krait_options)  # of the contracts: this tree's, or those that were installed
  if(TARGET Krait::plugin)
    set(headers Krait::plugin)
  endif()

  if(NOT KRAIT_STATIC_PLUGINS)
    add_library(${target} MODULE ${arg_SOURCES})
    target_compile_options(${target} PRIVATE ${arg_OPTIONS})
    target_compile_definitions(${target} PRIVATE ${definitions})
    target_link_libraries(${target} PRIVATE ${headers} ${arg_LINK})
    set_target_properties(${target} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON LIBRARY_OUTPUT_DIRECTORY "${KRAIT_PLUGIN_DIRECTORY}")
    if(KRAIT_SANITIZE)
      # LeakSanitizer takes what lies before a plugin's thread-local memory for a header, follows what it reads there, and dies.
      # Memory that is reserved when a thread begins has no such address to guess.
      target_compile_options(${target} PRIVATE -ftls-model=initial-exec)
    endif()
    if(NOT KRAIT_SANITIZE)  # sanitizers leave symbols for the program to define
      target_link_options(${target} PRIVATE LINKER:--no-undefined)
    endif()
    target_link_options(${target} PRIVATE "LINKER:--version-script=${KRAIT_PLUGIN_MAP}")
    set_target_properties(${target} PROPERTIES LINK_DEPENDS "${KRAIT_PLUGIN_MAP}")
    add_dependencies(krait_plugins ${target})
    include(GNUInstallDirs)
    install(TARGETS ${target} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/krait/backends")
    return()
  endif()

  string(MAKE_C_IDENTIFIER "${name}" id)
  set(objects "${target}-objects")
  add_library(${objects} OBJECT ${arg_SOURCES})
  # objcopy leaves symbols of GNU's "unique" kind as they are; without that kind, inline variables are plain weak ones.
  target_compile_options(${objects} PRIVATE ${arg_OPTIONS} -fno-lto $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_compile_definitions(${objects} PRIVATE ${definitions} KRAIT_PLUGIN_QUERY_SYMBOL=krait_plugin_query_${id})
  target_link_libraries(${objects} PRIVATE ${headers} ${arg_LINK})

  set(whole "${CMAKE_CURRENT_BINARY_DIR}/${target}.o")
  set(linked "$<FILTER:$<TARGET_OBJECTS:${objects}>,EXCLUDE,[.]gch$>")  # a precompiled header is no object
  add_custom_command(
    OUTPUT "${whole}"
    COMMAND "${CMAKE_LINKER}" -r --force-group-allocation -o "${whole}" "${linked}"
    COMMAND "${CMAKE_OBJCOPY}" --keep-global-symbol=krait_plugin_query_${id} "${whole}"
    DEPENDS ${objects} "${linked}"
    COMMAND_EXPAND_LISTS VERBATIM)
  add_library(${target} STATIC "${whole}")
  set_source_files_properties("${whole}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${target} PUBLIC ${arg_LINK})
  if(NOT TARGET ${id})
    add_library(${id} ALIAS ${target})
  endif()
  set_property(GLOBAL APPEND PROPERTY KRAIT_STATIC_PLUGIN_LIST ${id})
endfunction()
