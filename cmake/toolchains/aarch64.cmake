# A toolchain file: Linux on 64-bit ARM, by Debian's cross compiler; programs run under qemu-user. scripts/aarch64.sh fetches what it needs.
#   KRAIT_SYSROOT   a folder with the libraries of that system (default: build/aarch64-system/tree in the source tree)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

if(NOT KRAIT_SYSROOT)
  get_filename_component(KRAIT_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../../build/aarch64-system/tree" ABSOLUTE)
endif()
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES KRAIT_SYSROOT)
set(CMAKE_SYSROOT "${KRAIT_SYSROOT}")
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64-static;-L;${KRAIT_SYSROOT}")

# Programs are this machine's, everything else is that one's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${KRAIT_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${KRAIT_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${KRAIT_SYSROOT}/usr/share/pkgconfig")
