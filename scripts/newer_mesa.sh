#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tests the Vulkan backend with a newer driver than Debian 12's, without installing it. See --help.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/dependencies.sh"
# shellcheck source=scripts/debian_tree.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian_tree.sh"

usage() {
    cat <<'END'
scripts/newer_mesa.sh [--test]

Fetches Mesa from Debian 13's backports, whose lavapipe has cooperative matrices, with the loader, the validation layer and the shader
compiler of Debian 13 and all libraries that they need, into build/newer-mesa. Nothing is installed and no root is needed: apt is given lists
and a state of its own, and the mirror that this system's apt uses. Prints a command that runs programs in there:

  run="$(scripts/newer_mesa.sh)"
  "$run" build/release/bin/krait devices

  --test   builds the Vulkan backend with that shader compiler (build/newer-mesa/backend) and runs with build/release/bin/krait, which must be there,
           the op tests with and without cooperative matrices, with validation, and the tests with golden logits where they are built
  --help   this text

Where Debian's packages cannot be had it says so; with --test that is no failure, without it the exit code is 3. With --test another series
of Mesa than the one that Krait was tried with is no failure either.
END
}

readonly kPackages=(mesa-vulkan-drivers/trixie-backports libstdc++6 libvulkan1 vulkan-validationlayers spirv-tools glslang-tools)
readonly kTried=26.1  # the series that all passes with; --test is about Krait, not about what a later one brings

there="$root/build/newer-mesa"
tree="$there/tree"

fetch() { debian_tree "$there" "$(dpkg --print-architecture)" "trixie trixie-backports" "${kPackages[@]}"; }

# A program NAME in there that runs what follows with the libraries of the tree: WORDS are put before its arguments.
write_runner() {
    local name="$1" loader library="$tree/usr/lib/$multiarch"
    shift
    loader="$(compgen -G "$library/ld-linux*.so.*" | head -1)"
    cat >"$there/$name" <<END
#!/bin/sh
export VK_DRIVER_FILES="\$(echo "$tree"/usr/share/vulkan/icd.d/lvp_icd*.json)" VK_LAYER_PATH="$tree/usr/share/vulkan/explicit_layer.d"
exec "$loader" --library-path "$library" $* "\$@"
END
    chmod +x "$there/$name"
}

# The folder of plugins is named: it holds the other build of the Vulkan backend, and a program that the dynamic loader was told to run does
# not know where it lies.
tests() {
    local krait="$root/build/release/bin/krait" run="$there/run" options
    [[ -x "$krait" ]] || fail "there is no build/release/bin/krait; build it first"
    local version
    version="$(sed -n 's/^mesa-vulkan-drivers_\([^_]*\)_.*/\1/p' "$there/packages")"
    if [[ "$version" != "$kTried".* ]]; then
        say "skipped: this is Mesa $version, and Krait was tried with $kTried; if it passes, change kTried; if yours is older, delete ${there#"$root"/}"
        return 0
    fi
    say "Building the Vulkan backend with cooperative matrices"
    local -a arguments=(-B "$there/backend" -DKRAIT_BUILD_TESTS=OFF -DKRAIT_CUDA=OFF -DKRAIT_VULKAN=ON "-DKRAIT_GLSLANG=$there/glslangValidator"
                        "-DKRAIT_SPIRV_VAL=$there/spirv-val")
    # Shaders are what differs from build/release, so the rest may be compiled in less time.
    arguments+=("-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG")
    if has_cache; then arguments+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); else arguments+=(-DKRAIT_PCH=ON); fi
    (cd "$root" && cmake --preset release "${arguments[@]}") >"$there/configure.log" 2>&1 || { cat "$there/configure.log"; return 1; }
    cmake --build "$there/backend" --parallel "$(job_count)" --target krait-vulkan -- --quiet
    export KRAIT_BACKEND_PATH="$there/backend/bin/backends:$root/build/release/bin/backends"
    "$run" "$krait" devices | grep -o 'vulkan-.* cooperative-matrix-.*'
    "$run" "$krait" test-ops --device vulkan0:validation=on:cache=off
    for options in cooperative_matrix=on integer_dot=on:cooperative_matrix=on; do
        "$run" "$krait" test-ops --device "vulkan0:gpu_kernels=on:$options:validation=on:cache=off" --op mul_mat
    done
    if [[ -x "$root/build/release/bin/krait_golden_tests" ]]; then
        (cd "$root" && GTEST_BRIEF=1 "$run" build/release/bin/krait_golden_tests --gtest_filter='*ulkan*cooperative_matrix*')
    fi
}

wants_tests=no
case "${1:-}" in
    -h | --help) usage; exit 0 ;;
    --test) wants_tests=yes ;;
    "") ;;
    *) fail "no option '$1'; see --help" ;;
esac

if [[ ! -d "$tree" ]]; then
    if [[ "$wants_tests" == yes ]]; then
        (fetch) || { (($? == 3)) && say "skipped" && exit 0; exit 1; }
    else
        fetch
    fi
fi
multiarch="$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || cc -print-multiarch)"
write_runner run
write_runner glslangValidator "$tree/usr/bin/glslangValidator"
write_runner spirv-val "$tree/usr/bin/spirv-val"
if [[ "$wants_tests" == yes ]]; then tests; else echo "$there/run"; fi
