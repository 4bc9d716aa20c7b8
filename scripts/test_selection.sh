# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # what select_tests sets is for those who call
#
# Sourced by test.sh: from a name to what has to be built and run.
#   select_tests FILE NAME...   FILE is tests/entries.txt of a build, with a line for each entry of ctest: its name, targets divided by
#                               commas (- for none), source file. Sets the arrays entries and targets, and filter, which GTEST_FILTER
#                               has to be where NAME is a suite or a test. Fails for a name that nothing has, with names like it.

# What NAME is, tried in this order: an entry, or a part of its name between dots; a file; a suite or a test. Prints entries.
entries_of() {
    local table="$1" name="$2"
    awk -v name="$name" '{ if (index("." $1 ".", "." name ".") > 0) print $1 }' "$table"
}

# Of a source file: the tests that it is, those of the operator whose name it has, those of the file's own name, or those that include
# the header of that name.
entries_of_file() {
    local table="$1" file="$2" stem header family op best=""
    stem="$(basename "${file%.*}")"
    if grep -q " $file\$" "$table"; then
        awk -v file="$file" '$3 == file { print $1 }' "$table"
        return
    fi
    while read -r op; do
        if [[ "$stem" == "$op"* && ${#op} -gt ${#best} ]]; then best="$op"; fi
    done < <(sed -n 's/^KRAIT_OP([0-9]*, *\([a-z0-9_]*\),.*/\1/p' "$root/core/ops/op_list.def")
    if [[ -n "$best" && "$file" == */ops/* ]]; then
        case "$file" in
            backends/cpu/reference/*) family='reference$' ;;
            backends/cpu/*) family='cpu(\.|$)' ;;
            backends/vulkan/*) family='vulkan(\.|$)' ;;
            backends/cuda/*) family='cuda(-host)?(\.|$)' ;;
            *) family="" ;;
        esac
        awk -v expression="^ops[.]${best}[.]$family" '$1 ~ expression { print $1 }' "$table"
        return
    fi
    entries_of "$table" "$stem"
    header="${file%.*}.hpp"
    while read -r file; do
        awk -v file="$file" '$3 == file { print $1 }' "$table"
    done < <(cd "$root" && grep -rlF "#include \"$header\"" tests --include='*.cpp')
}

# Suite, Test or Suite.Test, also as GoogleTest prints them (Models/ChainTest.Same/mamba_cpu): the files in which they stand.
files_of_test() {
    local suite="${1%%.*}" test=""
    if [[ "$1" == *.* ]]; then test="${1#*.}"; fi
    if [[ "$suite" == */* && ! "${suite##*/}" =~ ^[0-9]+$ ]]; then suite="${suite#*/}"; fi
    suite="${suite%%/*}" test="${test%%/*}"
    local is='\<(TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\('
    if [[ ! "$suite$test" =~ ^[A-Za-z0-9_]+$ ]]; then return 0; fi
    if [[ -n "$test" ]]; then
        (cd "$root" && grep -rlE "$is$suite, *$test\)" tests --include='*.cpp')
    else
        (cd "$root" && grep -rlE "$is($suite,|[A-Za-z0-9_]+, *$suite\))" tests --include='*.cpp')
    fi || true
}

# Suite and Test for GTEST_FILTER; what is given with instance or parameter counts as it is.
filter_of_test() {
    case "$1" in
        */*) echo "$1" ;;
        *.*) echo "$1:$1/*:*/$1/*:${1%%.*}/*.${1#*.}" ;;
        *) echo "$1.*:$1/*:*/$1.*:*/$1/*:*.$1:*.$1/*" ;;
    esac
}

# Every name that would do and is within a third of NAME's letters, or has NAME in it.
names_like() {
    local table="$1" name="$2"
    { awk '{ print $1; n = split($1, part, "."); for (i = 1; i <= n; ++i) print part[i]; print $3 }' "$table"
      (cd "$root" && grep -rhoE '\<(TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\([A-Za-z0-9_]+, *[A-Za-z0-9_]+' tests --include='*.cpp') |
          sed 's/^[A-Z_]*(//; s/, */\n/'
    } | sort -u | awk -v name="$name" '
        function distance(a, b,    i, j, row, last, old, cost, best) {
            for (j = 0; j <= length(b); ++j) row[j] = j
            for (i = 1; i <= length(a); ++i) {
                last = row[0]; row[0] = i
                for (j = 1; j <= length(b); ++j) {
                    old = row[j]
                    best = last + (substr(a, i, 1) != substr(b, j, 1))
                    if (row[j] + 1 < best) best = row[j] + 1
                    if (row[j - 1] + 1 < best) best = row[j - 1] + 1
                    row[j] = best; last = old
                }
            }
            return row[length(b)]
        }
        BEGIN { lower = tolower(name) }
        $0 == "-" { next }
        { mine = tolower($0) }
        index(mine, lower) { print 0, $0; next }
        (length(mine) - length(lower)) ^ 2 <= (length(lower) / 3) ^ 2 {
            far = distance(mine, lower)
            if (far <= length(lower) / 3) print far, $0
        }' | sort -n | head -12 | cut -d' ' -f2-
}

select_tests() {
    local table="$1" name file near
    local -a found=() files=()
    shift
    entries=() targets=() filter=""
    for name in "$@"; do
        found=()
        file="$name"
        if [[ -e "$file" ]]; then file="$(realpath --relative-to="$root" "$file")"; fi
        if [[ "$file" == */* && -e "$root/$file" ]]; then
            mapfile -t found < <(entries_of_file "$table" "$file")
        else
            mapfile -t found < <(entries_of "$table" "$name")
        fi
        if ((${#found[@]} == 0)); then
            mapfile -t files < <(files_of_test "$name")
            for file in "${files[@]}"; do
                mapfile -t -O "${#found[@]}" found < <(awk -v file="$file" '$3 == file { print $1 }' "$table")
            done
            if ((${#found[@]} > 0)); then
                (($# == 1)) || fail "--only $name is a suite or a test: one at a time, without other names"
                filter="$(filter_of_test "$name")"
            fi
        fi
        if ((${#found[@]} == 0)); then
            near="$(names_like "$table" "$name" | sed 's/^/    /')"
            fail "--only $name: no operator, test, suite or file that tests know has this name${near:+; names like it:
$near}"
        fi
        entries+=("${found[@]}")
    done
    mapfile -t entries < <(printf '%s\n' "${entries[@]}" | sort -u)
    mapfile -t targets < <(printf '%s\n' "${entries[@]}" | awk 'NR == FNR { wanted[$1]; next } $1 in wanted && $2 != "-" {
        gsub(",", "\n", $2); print $2 }' - "$table" | sort -u)
}
