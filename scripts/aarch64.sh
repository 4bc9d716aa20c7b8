#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait for Linux on 64-bit ARM and tests the levels of its CPU backend there. See --help.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/dependencies.sh"
# shellcheck source=scripts/debian_tree.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian_tree.sh"

usage() {
    cat <<'END'
scripts/aarch64.sh [--jobs N] [OPTION OF ctest...]

Cross-compiles the preset aarch64 with Debian's g++-aarch64-linux-gnu and runs it under qemu-user: the tests of the labels unit, ops and
conformance, on every variant of the CPU backend and the reference; that processors of several ages get the variant that they run;
and that logits have the same bits whatever the chunks, the threads and the level with dot products. The libraries of that system are
fetched into build/aarch64-system; they are not installed. The cross compiler and qemu-user-static are installed where they are missing.

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

# krait_on PROCESSOR ARGUMENT...: on a processor of qemu's.
krait_on() { qemu-aarch64-static -cpu "$1" -L "$system/tree" build/aarch64/bin/krait "${@:2}"; }

# serves PROCESSOR VARIANT: that this is what the processor gets, and that it works there.
serves() {
    local variant
    variant="$(krait_on "$1" devices | sed -n "/^cpu:/{s/ .*//;h}; /serves 'cpu'/{x;p}")"
    [[ "$variant" == "cpu:$2" ]] || fail "$1 gets ${variant:-no variant of the CPU backend}, not cpu:$2"
    say "$1: cpu:$2"
    krait_on "$1" run --device cpu -p "The sea was" -n 8 --seed 1
}

# same_bits TYPE: logits of a random model, by both levels with dot products (their integer sums are exact), at once and in parts.
same_bits() {
    local folder="$root/build/aarch64/same_bits" options first=""
    mkdir -p "$folder"
    krait_on max make-random --like mamba-130m --layers 2 --d-model 256 --vocab 512 --type "$1" --head "$1" "$folder/$1.gguf"
    for options in "neon:threads=2 --chunk 512" "neon:threads=1 --chunk 1" "neon:threads=2 --chunk 5" \
                   "i8mm:threads=2 --chunk 512" "i8mm:threads=1 --chunk 1" "i8mm:threads=2 --chunk 5"; do
        # shellcheck disable=SC2086  # an option and its number
        krait_on max logits "$folder/$1.gguf" -t "$(seq -s, 1 23)" -o "$folder/logits.npy" --device cpu:$options
        if [[ -z "$first" ]]; then
            first="$options"
            cp "$folder/logits.npy" "$folder/first.npy"
        fi
        cmp "$folder/logits.npy" "$folder/first.npy" || fail "logits with $1 by cpu:$options are not those by cpu:$first"
    done
}

configure aarch64 -DKRAIT_BUILD_TESTS=ON -DKRAIT_WERROR=ON
build aarch64 krait_unit_tests krait_cpu_tests krait_op_tests krait_harness_tests krait_conformance_tests krait_command
# Emulated, everything takes ten times as long: without the cases that take long anyway.
KRAIT_TEST_EFFORT=quick run_tests aarch64 -L '^(unit|ops|conformance)$' "$@"
serves cortex-a72 portable
serves neoverse-n1 neon
serves max i8mm
for type in q8_0 q4_k f16; do same_bits "$type"; done
