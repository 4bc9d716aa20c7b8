# The op list as a CMake list, read from the one place that has it.
#   KRAIT_OPS                       names, in the order of their ids
#   krait_op_sources(VAR dir)       <dir>/<op>.cpp for every op; an op without its file stops the configuration

set(KRAIT_OP_LIST "${PROJECT_SOURCE_DIR}/core/ops/op_list.def")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${KRAIT_OP_LIST}")
file(STRINGS "${KRAIT_OP_LIST}" krait_op_lines REGEX "^KRAIT_OP\\([0-9]")
set(KRAIT_OPS "")
foreach(line IN LISTS krait_op_lines)
  string(REGEX REPLACE "^KRAIT_OP\\([0-9]+, *([a-z0-9_]+),.*" "\\1" op "${line}")
  list(APPEND KRAIT_OPS "${op}")
endforeach()

function(krait_op_sources variable directory)
  set(sources "")
  foreach(op IN LISTS KRAIT_OPS)
    if(NOT EXISTS "${directory}/${op}.cpp")
      message(FATAL_ERROR "core/ops/op_list.def names the op '${op}', but ${directory}/${op}.cpp does not exist")
    endif()
    list(APPEND sources "${directory}/${op}.cpp")
  endforeach()
  set(${variable} "${sources}" PARENT_SCOPE)
endfunction()
