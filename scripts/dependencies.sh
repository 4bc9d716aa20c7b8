# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # variables of this file are used by those that source it
#
# Shared by the scripts of this folder: finds what a build needs, installs what is missing, configures and builds.
# Sourced, not run. Sets: root (the source tree), jobs (parallel build jobs; may be set before), and the functions
#   say, fail, need PACKAGE..., configure PRESET [CMAKE ARGUMENT...], build PRESET [TARGET...],
#   run_tests PRESET [CTEST ARGUMENT...], and those of machine.sh
# Everything comes from Debian's packages; nothing is downloaded in any other way. No root is needed where nothing is
# missing. On systems without apt-get the missing packages are named (by their Debian names) and the script stops.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
jobs="${jobs:-}"

# shellcheck source=scripts/machine.sh
source "$root/scripts/machine.sh"

readonly kBuildPackages=(g++ cmake ninja-build pkg-config libfmt-dev libcli11-dev libpcre2-dev
                         libutf8proc-dev libexpected-dev libxxhash-dev nlohmann-json3-dev
                         libedit-dev)  # the latter edits the prompts of krait run, which works without it
# The Vulkan backend, which is left out without headers and glslangValidator; a driver that needs no GPU (lavapipe), and what
# checks shaders and calls.
readonly kVulkanPackages=(libvulkan-dev glslang-tools)
readonly kVulkanTestPackages=(spirv-tools mesa-vulkan-drivers vulkan-validationlayers)
# For krait serve, which is left out without Boost 1.81. Debian has two versions of Boost, of which one alone can be installed.
readonly kServerPackages=(libboost1.81-dev)
readonly kTestPackages=(libgtest-dev libboost-context1.81-dev)  # the latter for CUDA kernels without a GPU
readonly kSanitizerPackages=(clang libclang-rt-14-dev)  # the compiler of the presets asan, tsan and ubsan, and of the fuzzer
readonly kCheckPackages=(python3 clang-format clang-tidy-14 git abigail-tools)  # tools/check, tools/tidy, tools/abi.py
readonly kCrossPackages=(g++-aarch64-linux-gnu qemu-user-static)  # scripts/aarch64.sh
readonly kJudgePackages=(python3-venv)  # for what .ci/run takes from PyPI, and for the wheel
readonly kBenchPackages=(libbenchmark-dev)  # for bench/op_bench, which is left out without it
readonly kBrowserPackages=(chromium)  # in which .ci/nightly goes through the page of krait serve
readonly kManualPackages=(help2man)  # for the man pages, which are left out without it

# What each package is there for: "command NAME" or "header FILE". A package counts as present where that is found, so
# that a compiler or a library from elsewhere will do.
probe_of() {
    case "$1" in
        g++) echo "command ${CXX:-c++}" ;;
        cmake) echo "command cmake" ;;
        ninja-build) echo "command ninja" ;;
        pkg-config) echo "command pkg-config" ;;
        libfmt-dev) echo "header fmt/format.h" ;;
        libcli11-dev) echo "header CLI/CLI.hpp" ;;
        nlohmann-json3-dev) echo "header nlohmann/json.hpp" ;;
        libpcre2-dev) echo "header pcre2.h" ;;
        libutf8proc-dev) echo "header utf8proc.h" ;;
        libexpected-dev) echo "header tl/expected.hpp" ;;
        libxxhash-dev) echo "header xxhash.h" ;;
        libedit-dev) echo "header histedit.h" ;;
        libgtest-dev) echo "header gtest/gtest.h" ;;
        libvulkan-dev) echo "header vulkan/vulkan.h" ;;
        glslang-tools) echo "command glslangValidator" ;;
        spirv-tools) echo "command spirv-val" ;;
        mesa-vulkan-drivers) echo "file /usr/share/vulkan/icd.d/lvp_icd*.json" ;;
        vulkan-validationlayers) echo "file /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json" ;;
        libboost1.81-dev) echo "header boost/url.hpp" ;;  # which 1.74 has not
        libboost-context1.81-dev) echo "file /usr/lib/*/cmake/boost_context-1.8*/boost_context-config.cmake" ;;
        libbenchmark-dev) echo "header benchmark/benchmark.h" ;;
        chromium) echo "command chromium" ;;
        help2man) echo "command help2man" ;;
        clang) echo "command clang++" ;;
        libclang-rt-14-dev) echo "file /usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a" ;;
        clang-format) echo "command clang-format" ;;
        clang-tidy-14) echo "command clang-tidy-14" ;;
        abigail-tools) echo "command abidiff" ;;
        python3-venv) echo "file /usr/lib/python3*/ensurepip/__init__.py" ;;
        python3) echo "command python3" ;;
        git) echo "command git" ;;
        debootstrap) echo "command debootstrap" ;;
        g++-aarch64-linux-gnu) echo "command aarch64-linux-gnu-g++" ;;
        qemu-user-static) echo "command qemu-aarch64-static" ;;
        *) fail "scripts/dependencies.sh has no probe for the package '$1'" ;;
    esac
}

say() { printf '==> %s\n' "$*" >&2; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

is_present() {
    local kind what directory
    read -r kind what <<<"$(probe_of "$1")"
    case "$kind" in
        command) command -v "$what" >/dev/null ;;
        file) compgen -G "$what" >/dev/null ;;
        header)
            local -a directories=(/usr/include /usr/local/include)
            local extra="${CPATH:-}:${CPLUS_INCLUDE_PATH:-}:${CMAKE_PREFIX_PATH:+${CMAKE_PREFIX_PATH//[:;]//include:}/include}"
            while IFS= read -r -d: directory; do
                if [[ -n "$directory" ]]; then directories+=("$directory"); fi
            done <<<"$extra:"
            for directory in "${directories[@]}"; do
                if [[ -e "$directory/$what" ]]; then return 0; fi
            done
            return 1
            ;;
        *) return 1 ;;
    esac
}

# need PACKAGE...: afterwards every one of them is there.
need() {
    local -a missing=() as_root=()
    local package
    for package in "$@"; do
        is_present "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then return 0; fi

    command -v apt-get >/dev/null || fail "this needs (named as in Debian): ${missing[*]}. Install them with your system's package manager and start again."
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null || { [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; }; then
            fail "packages are missing. As root, run
    apt-get update && apt-get install --no-install-recommends ${missing[*]}
and start again: the rest needs no root."
        fi
        as_root=(sudo)
    fi

    say "Installing from Debian: ${missing[*]}"
    local log
    log="$(mktemp)"
    if ! { "${as_root[@]}" apt-get update -qq &&
           "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"; } \
            >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: ${missing[*]}"
    fi
    rm -f "$log"
    for package in "${missing[@]}"; do
        is_present "$package" || fail "the package $package is installed, but its $(probe_of "$package") is not to be found"
    done
}

job_count() {
    if [[ -n "$jobs" ]]; then echo "$jobs"; else getconf _NPROCESSORS_ONLN; fi
}

has_cache() { [[ -z "${CCACHE_DISABLE:-}" ]] && command -v ccache >/dev/null; }

# configure PRESET [CMAKE ARGUMENT...]: its output goes to build/PRESET/configure.log, and to the terminal if it fails.
configure() {
    local preset="$1"
    shift
    local -a arguments=("$@")
    local log="$root/build/$preset/configure.log"
    mkdir -p "$root/build/$preset"
    if has_cache; then
        # Paths in the source tree count relative to it, so that another clone finds what this one compiled.
        export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1
        arguments+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    fi
    say "Configuring build/$preset"
    if ! (cd "$root" && cmake --preset "$preset" "${arguments[@]}") >"$log" 2>&1; then
        cat "$log" >&2
        fail "configuring failed; the text above stands in ${log#"$root"/} too"
    fi
}

# is_configured PRESET [CMAKE ARGUMENT...]: whether cmake has run there with these; ninja runs it again where its files have changed.
is_configured() {
    local cache="$root/build/$1/CMakeCache.txt" argument
    shift
    [[ -e "${cache%/*}/build.ninja" && ! "${cache%/*}/build.ninja" -ot "$cache" ]] || return 1
    for argument in "$@"; do
        if [[ "$argument" == -D* ]]; then
            argument="${argument#-D}"
            awk -v name="${argument%%=*}" -v value="${argument#*=}" '
                index($0, name ":") == 1 { sub(/^[^=]*=/, ""); found = $0 == value } END { exit !found }' "$cache" || return 1
        fi
    done
}

# Of ninja's lines of progress one in kSecondsOfProgress, and all others.
kSecondsOfProgress=15
show_some_progress() {
    local line next=$((SECONDS + kSecondsOfProgress))
    while IFS= read -r line; do
        if [[ "$line" =~ ^\[[0-9]+/[0-9]+\] ]]; then
            if ((SECONDS < next)); then continue; fi
            next=$((SECONDS + kSecondsOfProgress))
        fi
        [[ "$line" == "ninja: no work to do." ]] || printf '%s\n' "$line"
    done
}

# build PRESET [TARGET...]: on a terminal ninja keeps to one line.
build() {
    local preset="$1" target
    shift
    local -a arguments=(--build "$root/build/$preset" --parallel "$(job_count)")
    for target in "$@"; do arguments+=(--target "$target"); done
    say "Building build/$preset with $(job_count) jobs"
    local started=$SECONDS
    if [[ -t 2 ]]; then
        cmake "${arguments[@]}" >&2 || fail "the build failed"
    else
        cmake "${arguments[@]}" 2>&1 | show_some_progress >&2 || fail "the build failed"
    fi
    say "Built in $((SECONDS - started)) s"
}

# run_tests PRESET [CTEST ARGUMENT...]: failures with their output, and the summary; on a terminal a line that counts.
run_tests() {
    local preset="$1"
    shift
    local -a arguments=(--test-dir "$root/build/$preset" --output-on-failure --no-tests=error --parallel "$(job_count)" "$@")
    rm -rf "$root/build/$preset/tests/results"
    # What runs on a sample (tests/harness/effort.hpp) runs on another one for every commit.
    export KRAIT_TEST_SEED="${KRAIT_TEST_SEED:-$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo 0)}"
    say "Testing build/$preset"
    if [[ -t 1 ]]; then
        ctest --progress "${arguments[@]}"
    else
        ctest "${arguments[@]}" | grep -vE '^ +Start +[0-9]+: |^ *[0-9]+/[0-9]+ Test +#[0-9]+: .* Passed +[0-9.]+ sec'
    fi
}
