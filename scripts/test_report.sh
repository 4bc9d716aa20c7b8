# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by test.sh.
#   print_untested BUILD   after a run of ctest in the folder BUILD: what was not tested, and why. Tests that were skipped, from what they
#                          left in BUILD/tests/results and in ctest's log; what `omitted` (machine.sh) says was not built; what is missing here.

# Skipped tests of GoogleTest by reason: how many, the reason, the entries of ctest.
skipped_tests() {
    find "$1/tests/results" -name '*.xml' -print0 2>/dev/null | sort -z | xargs -0 -r awk '
        function plain(text) {
            gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text); gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text)
            gsub(/&amp;/, "\\&", text)
            return text
        }
        /<skipped message="/ {
            text = $0
            sub(/.*<skipped message="/, "", text); sub(/".*/, "", text)
            n = split(text, line, /&#x0A;/)
            reason = plain(n > 1 ? line[2] : line[1])
            entry = FILENAME; sub(/.*\//, "", entry); sub(/\.xml$/, "", entry)
            if (!(reason in times)) order[++reasons] = reason
            ++times[reason]
            if (!((reason, entry) in seen)) {
                seen[reason, entry] = 1
                if (++entries[reason] <= 3) names[reason] = names[reason] (entries[reason] > 1 ? ", " : "") entry
            }
        }
        END {
            for (i = 1; i <= reasons; ++i) {
                r = order[i]
                printf "%d %s: %s (%s%s)\n", times[r], times[r] == 1 ? "test" : "tests", r, names[r], (entries[r] > 3 ? ", ..." : "")
            }
        }' | sort -rn
}

# Tests in Python say no more than their number unless asked: "OK (skipped=1)".
skipped_python_tests() {
    awk '/^[0-9]+\/[0-9]+ Test: / { entry = $3 }
         /skipped=[0-9]+/ { n = $0; sub(/.*skipped=/, "", n); printf "%d of %s; ctest -V -R %s says why\n", n, entry, entry }' \
        "$1/Testing/Temporary/LastTest.log" 2>/dev/null
}

print_untested() {
    local folder="$1" line
    local -a lines=("${omitted[@]}")
    mapfile -t -O "${#lines[@]}" lines < <(skipped_tests "$folder"; skipped_python_tests "$folder")
    if [[ -e "$folder/bin/backends/krait-vulkan.so" ]]; then
        find_vulkan_gpu
        if [[ -z "$found" ]]; then lines+=("Vulkan on a GPU ($lack; what ran, ran on the processor)"); fi
    fi
    if [[ "${KRAIT_TEST_EFFORT:-}" != full && -d "$folder/tests/results" ]]; then
        lines+=("all ways to run every operator on an emulated GPU (KRAIT_TEST_SEED=${KRAIT_TEST_SEED:-} chose; KRAIT_TEST_EFFORT=full runs all)")
    fi
    if [[ ! -e "$folder/bin/op_bench" ]]; then lines+=("bench/op_bench (Google Benchmark is not installed; Debian: libbenchmark-dev)"); fi
    if ! command -v python3 >/dev/null; then lines+=("the scripts of bench/ and tools/check (python3 is not installed)"); fi
    if ((${#lines[@]} == 0)); then return 0; fi
    say "Not tested:"
    for line in "${lines[@]}"; do printf '    %s\n' "$line" >&2; done
}
