# The ledger: the notes make 130 claims. Each stands in one table of one lesson,
# | C31 | the claim | what is true | the program |, and has a test tagged C31 that
# asserts it, or says "none: why" in the program's place.

setup() {
    load helper
    cd "$BATS_TEST_DIRNAME/.." || return
}

# rows: "31 pipe/README.md the-last-column" for each row of the lessons' tables.
rows() {
    awk -F '|' '/^\| C[0-9]+ \|/ { gsub(/[ C]/, "", $2); print $2, FILENAME, $(NF - 1) }' \
        README.md */README.md
}

tagged() {
    grep -hoE '^# bats test_tags=.*' tests/*.bats | grep -oE '\bC[0-9]+' | tr -d C | sort -nu
}

@test "claims: each of the 130 stands in one table, and once" {
    rows | cut -d ' ' -f 1 | sort -n | diff - <(seq 130)
}

@test "claims: each one in a table has a test, or says why none is possible" {
    rows | grep -v ' none: ' | cut -d ' ' -f 1 | sort -n | diff - <(tagged)
}

@test "claims: each one in a table names a program that is there" {
    while read -r claim lesson programs; do
        [[ $programs == none:* ]] && continue
        for program in $(grep -oE '`[a-z/-]+' <<< "$programs" | tr -d '\`'); do
            ls "$(dirname "$lesson")/$program.c" || ls "$program.c"
        done
        [[ $programs == *'`'* ]] || fail "C$claim in $lesson: no program"
    done < <(rows)
}
