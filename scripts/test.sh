#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait and runs the tests. See --help.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/dependencies.sh"
# shellcheck source=scripts/test_selection.sh
source "$root/scripts/test_selection.sh"
# shellcheck source=scripts/test_report.sh
source "$root/scripts/test_report.sh"

usage() {
    cat <<'END'
scripts/test.sh [OPTION...] [OPTION OF ctest...]

Installs what the build and the tests need and this machine lacks (Debian packages, by apt-get; among them lavapipe, a Vulkan driver that
needs no GPU), builds build/release with every backend that this machine can test, and runs all tests with ctest. The last lines say what
was not tested, and why.

  --only NAME     build what NAME needs and run that alone; as often as wanted. NAME is
                    an operator, or the name of a test's file: ssm_scan, session_chain
                    a label: unit, graph, models, golden, conformance, ops, capi, bench, tools, cuda
                    an entry of ctest: ops.ssm_scan.cpu
                    a suite, a test or both: ChainTest, TakesPart, GoldenDevice.TakesPart
                    a file of the tests, or of the sources: tests/models/session_test.cpp, backends/cpu/ops/ssm_scan.cpp
  --cuda          build the CUDA backend too; without it only where there are nvcc and an NVIDIA GPU, for that GPU alone
  --all           build all that there is, as cmake --preset release does: CUDA where there is nvcc, every variant of the CPU backend
  --preset NAME   build/NAME with that preset: release (default), dev, asan, tsan or ubsan
  --jobs N        N parallel jobs, to build and to test (default: one per processor)
  --help          this text

Examples:
  scripts/test.sh
  scripts/test.sh --only ssm_scan
  scripts/test.sh -L models            # what comes after the script's own options goes to ctest
  scripts/test.sh --preset asan
END
}

preset=release cuda=no all=no
declare -a only=()
while (($# > 0)); do
    case "$1" in
        -h | --help) usage; exit 0 ;;
        -j | --jobs | --preset | --only)
            (($# > 1)) || fail "nothing after $1"
            case "$1" in
                --preset) preset="$2" ;;
                --only) [[ -n "$2" ]] || fail "--only '': the name is empty"; only+=("$2") ;;
                *) jobs="$2" ;;
            esac
            shift
            ;;
        --cuda) cuda=yes ;;
        --all) all=yes ;;
        --) shift; break ;;
        -*) break ;;
        *) fail "'$1' is no option; to run that alone: scripts/test.sh --only $1" ;;
    esac
    shift
done
[[ "$jobs" =~ ^[0-9]*$ ]] || fail "--jobs wants a number, not '$jobs'"
[[ "$preset" =~ ^(release|dev|asan|tsan|ubsan)$ ]] || fail "no preset '$preset': release, dev, asan, tsan or ubsan"

packages=("${kBuildPackages[@]}" "${kServerPackages[@]}" "${kTestPackages[@]}")
arguments+=(-DKRAIT_BUILD_TESTS=ON)
if [[ "$preset" == *san ]]; then
    packages+=("${kSanitizerPackages[@]}")
    omitted+=("CUDA, Vulkan and some variants of the CPU backend (not built with sanitizers)")
else
    packages+=("${kVulkanPackages[@]}" "${kVulkanTestPackages[@]}")
    choose_cpu_variants "$all" emulated
    choose_cuda "$cuda" "$all"
fi

need "${packages[@]}"
if ((${#only[@]} == 0)) || ! is_configured "$preset" "${arguments[@]}"; then configure "$preset" "${arguments[@]}"; fi
if [[ "$preset" != *san ]]; then note_what_cmake_left_out "$root/build/$preset/configure.log"; fi

if ((${#only[@]} > 0)); then
    select_tests "$root/build/$preset/tests/entries.txt" "${only[@]}"
    if ((${#targets[@]} > 0)); then build "$preset" "${targets[@]}"; fi
    if [[ -n "$filter" ]]; then export GTEST_FILTER="$filter"; fi
    say "Runs ${entries[*]}${filter:+, of them the tests ${only[*]}}"
    printf -v expression '|%s' "${entries[@]//./\\.}"
    run_tests "$preset" -R "^(${expression#|})$" "$@"
    exit
fi

build "$preset"
status=0
run_tests "$preset" "$@" || status=$?
print_untested "$root/build/$preset"
exit "$status"
