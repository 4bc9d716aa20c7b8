#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Writes what is installed beside the command: its completions and, with help2man, krait(1) and krait-COMMAND(1).
#   pages.sh KRAIT VERSION COMPLETIONS_FOLDER MANUAL_FOLDER [HELP2MAN]

set -euo pipefail

krait="$1" version="$2" completions="$3" manual="$4" help2man="${5:-}"

mkdir -p "$completions" "$manual"
"$krait" completion bash >"$completions/krait"
"$krait" completion zsh >"$completions/_krait"
"$krait" completion fish >"$completions/krait.fish"
if [[ -z "$help2man" ]]; then exit 0; fi

# help2man names a page after the program that it calls, and calls it without arguments of ours: hence a program for each command. It would
# run the lines of examples together, so these are put in as they stand, and exit codes as a section of their own.
programs="$(mktemp -d)"
trap 'rm -rf "$programs"' EXIT
write_page() {
    local name="$1" command="$2" help words
    read -ra words <<<"$command"
    help="$("$krait" "${words[@]}" --help)"
    cat >"$programs/$name" <<END
#!/bin/sh
"$krait" $command "\$@" | sed -e '/^Exit codes: /d' -e '/^Examples\{0,1\}:\$/,\$ { /^Examples\{0,1\}:/d; /^  /d; }'
END
    chmod +x "$programs/$name"
    {
        printf '[EXIT STATUS]\n%s\n\n[EXAMPLES]\n.nf\n' "$(sed -n 's/^Exit codes: //p' <<<"$help")"
        sed -n '/^Examples\{0,1\}:$/,$ { /^  /p; }' <<<"$help" | sed -e 's/\\/\\e/g' -e 's/-/\\-/g'
        printf '.fi\n'
    } >"$programs/sections"
    "$help2man" --no-info --section 1 --manual "Krait" --source "Krait $version" --version-string "$version" --include "$programs/sections" \
        --name "$(head -n 1 <<<"$help")" --output "$manual/$name.1" "$programs/$name"
}
# A command, and the commands that it has: krait-gguf-split(1) is one of krait gguf.
write_pages() {
    local command="$1" inner words
    read -ra words <<<"$command"
    write_page "krait${command// /-}" "$command"
    "$krait" "${words[@]}" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | while read -r inner; do write_pages "$command $inner"; done
}
write_pages ""
