#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait and runs every test. See --help.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/dependencies.sh"

usage() {
    cat <<'END'
scripts/test.sh [--jobs N] [--preset NAME] [OPTION OF ctest...]

Installs what the build and the tests need and this machine lacks (Debian packages, by apt-get), builds
build/NAME and runs its tests with ctest. What a test needs more (Python, a GPU) it says itself and is then skipped.

  --jobs N        N parallel jobs, to build and to test (default: one per processor)
  --preset NAME   release (default), dev, asan, tsan or ubsan
  --help          this text

Examples:
  scripts/test.sh
  scripts/test.sh -R ssm_scan          # the tests whose name holds ssm_scan
  scripts/test.sh --preset asan
END
}

preset=release
while (($# > 0)); do
    case "$1" in
        -h | --help) usage; exit 0 ;;
        -j | --jobs)
            (($# > 1)) || fail "no number after --jobs"
            jobs="$2"
            shift 2
            ;;
        --preset)
            (($# > 1)) || fail "no name after --preset"
            preset="$2"
            shift 2
            ;;
        --) shift; break ;;
        *) break ;;
    esac
done
[[ "$jobs" =~ ^[0-9]*$ ]] || fail "--jobs wants a number, not '$jobs'"
[[ "$preset" =~ ^(release|dev|asan|tsan|ubsan)$ ]] || fail "no preset '$preset': release, dev, asan, tsan or ubsan"

need "${kBuildPackages[@]}" "${kTestPackages[@]}"
if [[ "$preset" == *san ]]; then need "${kSanitizerPackages[@]}"; fi
configure "$preset" -DKRAIT_BUILD_TESTS=ON
build "$preset"
run_tests "$preset" "$@"
