# Every console block of every lesson is played, and must print what it says.
#
# ```console            a terminal; see tests/terminal for what is typed in it
# ```console t2         the second terminal, at the same time as the block before
# ```console numbers    its numbers differ from run to run and are not compared
# ```console unordered  two processes speak, in whatever order they come to it

setup() {
    load helper
    use .
    for name in "$BATS_TEST_DIRNAME"/../*; do
        [[ $name == */build ]] || ln -s "$name" .
    done
    ln -s "$BUILD" build # so build/fifo/writer is what a student would type
}

# blocks LESSON: write each block to a file like 3.first.numbers, or 3.second for
# the terminal that runs beside it; the line where it stands goes to 3.first.line.
blocks() {
    awk '
        /^ *```console/ {
            indent = index($0, "`")
            if (/ t2/) { side = "second" } else { side = "first"; n++ }
            file = n "." side
            print NR > (file ".line")
            if (/ numbers/) printf "" > (file ".numbers")
            if (/ unordered/) printf "" > (file ".unordered")
            printf "" > file
            inside = 1
            next
        }
        /^ *```/ { inside = 0 }
        inside { print substr($0, indent) > file }
        END { print n + 0 > "count" }' "$1"
}

# alike BLOCK: the screen as it is compared, numbers and order left out if so said.
alike() {
    local order='cat' numbers='s/\bpid [0-9]+/pid N/; s/pipe:\[[0-9]+\]/pipe:[N]/'
    [ -e "$1.numbers" ] && numbers='s/ *[0-9]+(\.[0-9]+)?/ N/g'
    [ -e "$1.unordered" ] && order='sort'
    sed -E "$numbers" | $order
}

# play LESSON: at least one block, and each as it says.
play() {
    local n side
    blocks "$BATS_TEST_DIRNAME/../$1"
    (($(< count) > 0))
    for ((n = 1; n <= $(< count); n++)); do
        for side in first second; do
            [ -e $n.$side ] || continue
            start "$BATS_TEST_DIRNAME/terminal" < $n.$side > $n.$side.screen
            eval "$side=$!"
        done
        for side in first second; do
            [ -e $n.$side ] || continue
            WITHIN=20 await ended "${!side}"
            alike $n.$side < $n.$side > expected
            alike $n.$side < $n.$side.screen > screen
            diff expected screen ||
                fail "$1, line $(< $n.$side.line): < as printed, > as it came"
        done
    done
}

@test "lessons: pipe/README.md prints what it says" {
    play pipe/README.md
}

@test "lessons: fifo/README.md prints what it says" {
    play fifo/README.md
}

@test "lessons: sem/README.md prints what it says" {
    play sem/README.md
}

@test "lessons: shm/README.md prints what it says" {
    play shm/README.md
}

@test "lessons: msgq/README.md prints what it says" {
    play msgq/README.md
}

@test "lessons: mmap/README.md prints what it says" {
    play mmap/README.md
}

@test "lessons: signal/README.md prints what it says" {
    play signal/README.md
}

@test "lessons: socket/README.md prints what it says" {
    play socket/README.md
}

@test "lessons: README.md prints what it says" {
    play README.md
}

@test "lessons: an option that a program has not, or an operand too many, has status 2" {
    for source in */*.c; do
        program=${source%.c}
        [[ $program != tests/* ]] || continue
        echo "# $program"
        # These run the command that they are given.
        [[ $program == @(pipe/pipeline|pipe/to-parent|signal/trace) ]] ||
            run -2 timeout 5 "$BUILD/$program" 1 2 3 4 5 < /dev/null
        [[ $program == msgq/collide ]] || # a folder may have any name
            run -2 timeout 5 "$BUILD/$program" -x < /dev/null
        [ -n "$output" ]
    done
}

@test "lessons: every README is played here" {
    for lesson in README.md */README.md; do
        grep "play $lesson\$" "$BATS_TEST_FILENAME"
    done
}

@test "lessons: a wrong word in an expected output is found" {
    printf '%s\n' '```console' '$ echo right' wrong '```' > lesson
    BATS_TEST_DIRNAME=$PWD/tests run -1 play "../lesson"
}
