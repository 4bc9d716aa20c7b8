#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs a build to a folder of its own, builds the examples against that folder alone and runs them: hosts once as a CMake project
# with find_package(Krait), once with pkg-config; backends from copies outside of the source tree; and the command from where it lies.
#   run.sh BUILD_DIRECTORY SOURCE_DIRECTORY
# Generator and compilers are those of the build; flags that all of it was made with (a sanitizer) come in CFLAGS and CXXFLAGS.

set -euo pipefail

build="$1"
source="$2"
prefix="$(mktemp -d)"
trap 'rm -rf "$prefix"' EXIT
export LC_ALL=C
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
CC="$(cached CMAKE_C_COMPILER)"
CXX="$(cached CMAKE_CXX_COMPILER)"
export CC CXX
unset KRAIT_BACKEND_PATH KRAIT_DEVICE || true

# Moved after the install: what is found by an absolute path would not be found then.
cmake --install "$build" --prefix "$prefix/first" >/dev/null
mv "$prefix/first" "$prefix/usr"

model="$prefix/usr/share/krait/krait-demo.gguf"
pc="$(find "$prefix/usr" -name krait.pc -print -quit)"
test -n "$pc"
export PKG_CONFIG_PATH="${pc%/*}"
libdir="$(pkg-config --variable=libdir krait)"

expect_text() {
    local what="$1"
    shift
    local text
    text="$("$@")"
    if [[ -z "${text//[[:space:]]/}" ]]; then
        echo "$what printed nothing" >&2
        exit 1
    fi
    echo "$what: $(head -c 80 <<<"$text" | tr '\n' ' ')"
}

expect_text "the installed command" "$prefix/usr/bin/krait" run -p "The sea" -n 8 --seed 1 --no-timings
# Found by PATH, from a folder that has a file of its name and a plugin that must not be taken.
mkdir -p "$prefix/elsewhere/backends"
touch "$prefix/elsewhere/krait" "$prefix/elsewhere/backends/krait-foreign.so"
plugins="$(cd "$prefix/elsewhere" && PATH="$prefix/usr/bin:$PATH" krait devices)"
if [[ "$plugins" == *elsewhere* || "$plugins" != *"$prefix/usr/"* ]]; then
    printf 'the command that PATH found takes other plugins than its own:\n%s\n' "$plugins" >&2
    exit 1
fi

# What a build of everything makes beside the command.
if [[ -n "$(find "$build" -maxdepth 2 -name pages.stamp)" ]]; then
    test -s "$prefix/usr/share/zsh/site-functions/_krait" -a -s "$prefix/usr/share/fish/vendor_completions.d/krait.fish"
    expect_text "the installed completion" bash -c 'source "$1/usr/share/bash-completion/completions/krait"
        COMP_WORDS=(krait tok) COMP_CWORD=1; _krait; test "${COMPREPLY[*]}" = tokenize && echo "${COMPREPLY[*]}"' - "$prefix"
    if [[ -n "$(cached KRAIT_HELP2MAN | grep -v NOTFOUND)" ]]; then
        for command in $("$prefix/usr/bin/krait" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'); do
            grep -q "^krait-$command " "$prefix/usr/share/man/man1/krait-$command.1" || { echo "krait-$command.1 is no page" >&2; exit 1; }
        done
    fi
fi

cmake -G "$(cached CMAKE_GENERATOR)" -S "$source/examples" -B "$prefix/cmake" -DCMAKE_PREFIX_PATH="$prefix/usr" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$prefix/cmake" >/dev/null
for example in host host_cpp conversation; do
    expect_text "$example by find_package" "$prefix/cmake/$example" <<<"Where do ships sleep?"
done

read -r -a flags <<<"$(pkg-config --cflags --libs krait)"
read -r -a c_flags <<<"${CFLAGS:-}"
read -r -a cxx_flags <<<"${CXXFLAGS:-}"
"$CC" -std=c11 -Wall -Wextra -Werror "${c_flags[@]}" "$source/examples/host.c" -o "$prefix/host" "${flags[@]}" -Wl,-rpath,"$libdir"
"$CC" -std=c11 -Wall -Wextra -Werror "${c_flags[@]}" "$source/examples/conversation.c" -o "$prefix/conversation" "${flags[@]}" -Wl,-rpath,"$libdir"
"$CXX" -std=c++20 -Wall -Wextra -Werror "${cxx_flags[@]}" "$source/examples/host.cpp" -o "$prefix/host_cpp" "${flags[@]}" -Wl,-rpath,"$libdir"
for example in host host_cpp conversation; do
    expect_text "$example by pkg-config" "$prefix/$example" "$model" <<<"Where do ships sleep?"
done
if "$prefix/conversation" <<<'a "quote"' 2>"$prefix/refused.txt"; then exit 1; fi
grep -q '^render: the messages: the JSON text cannot be used: line 1, column ' "$prefix/refused.txt"

# Backends. Their plugins are found by KRAIT_BACKEND_PATH, run the cases of the operators that they have, and pass the conformance suite.
cp -r "$source/examples/backend-cpp" "$source/examples/backend-c" "$prefix"
for file in "$source"/backends/null/*.[ch]; do
    sed 's|backends/null/||; s|"null"|"skeleton"|' "$file" >"$prefix/backend-c/${file##*/}"
done
for example in backend-cpp backend-c; do
    cmake -G "$(cached CMAKE_GENERATOR)" -S "$prefix/$example" -B "$prefix/$example/build" -DCMAKE_PREFIX_PATH="$prefix/usr" \
        -DCMAKE_BUILD_TYPE=Release >/dev/null
    cmake --build "$prefix/$example/build" >/dev/null
done
export KRAIT_BACKEND_PATH="$prefix/backend-cpp/build/backends:$prefix/backend-c/build/backends"
krait="$prefix/usr/bin/krait"
for family in loops skeleton; do
    expect_text "the plugin '$family'" grep "^$family " <("$krait" devices)
    "$krait" test-ops --device "$family" --quick >"$prefix/test-ops.txt" || { cat "$prefix/test-ops.txt" >&2; exit 1; }
    expect_text "test-ops on '$family'" tail -1 "$prefix/test-ops.txt"
done
test "$(awk '$1 == "mul_mat" { print ($2 == $3 && $3 > 100) }' <("$krait" test-ops --device loops --op mul_mat --quick))" = 1
expect_text "a model on 'loops'" "$krait" run --device cpu,loops --place '.=loops' -p "The sea" -n 8 --seed 1 --no-timings
if [[ -x "$prefix/usr/bin/krait-conformance" ]]; then
    "$prefix/usr/bin/krait-conformance" --gtest_brief=1 --gtest_filter='*loops*:*skeleton*' >"$prefix/conformance.txt" || { cat "$prefix/conformance.txt" >&2; exit 1; }
    grep -q 'PASSED' "$prefix/conformance.txt"
fi
