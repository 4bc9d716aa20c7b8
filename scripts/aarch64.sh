#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait for Linux on 64-bit ARM and runs its unit and op tests there. See --help.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/dependencies.sh"
# shellcheck source=scripts/debian_tree.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian_tree.sh"

usage() {
    cat <<'END'
scripts/aarch64.sh [--jobs N] [OPTION OF ctest...]

Cross-compiles the preset aarch64 with Debian's g++-aarch64-linux-gnu and runs the tests of the labels unit and ops and the demo model
under qemu-user: the CPU backend's portable variant and the reference. The libraries of that system are fetched into
build/aarch64-system; they are not installed. The cross compiler and qemu-user-static are installed where they are missing.

  --jobs N   N parallel jobs, to build and to test (default: one per processor)
  --help     this text
END
}

while (($# > 0)); do
    case "$1" in
        -h | --help) usage; exit 0 ;;
        -j | --jobs)
            (($# > 1)) || fail "no number after --jobs"
            jobs="$2"
            shift 2
            ;;
        *) break ;;
    esac
done

# The libraries that the build needs, without its programs.
libraries=(libstdc++-12-dev)
for package in "${kBuildPackages[@]}" libgtest-dev; do
    if [[ "$package" == lib* || "$package" == nlohmann-json3-dev ]]; then libraries+=("$package"); fi
done

need "${kBuildPackages[@]}" "${kCrossPackages[@]}"
system="$root/build/aarch64-system"
if [[ ! -d "$system/tree" || "$(cat "$system/asked_for" 2>/dev/null)" != "${libraries[*]}" ]]; then
    debian_tree "$system" arm64 "$(debian_codename)" "${libraries[@]}"
    echo "${libraries[*]}" >"$system/asked_for"
fi

configure aarch64 -DKRAIT_BUILD_TESTS=ON -DKRAIT_WERROR=ON
build aarch64 krait_unit_tests krait_cpu_tests krait_op_tests krait_harness_tests krait_command
# Emulated, everything takes ten times as long: without the cases that take long anyway.
KRAIT_TEST_EFFORT=quick run_tests aarch64 -L '^(unit|ops)$' "$@"
qemu-aarch64-static -L "$system/tree" build/aarch64/bin/krait run --device cpu -p "The sea was" -n 16 --seed 1
