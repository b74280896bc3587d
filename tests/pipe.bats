# A pipe joins relatives: pipe/to-child and the other programs fork both sides.

setup() {
    load helper
    use pipe
}

# children PID: all its children, one a line.
children() {
    tr ' ' '\n' < "/proc/$1/task/$1/children" | grep .
}

# pair: start to-child between two FIFOs' ends, and name its two processes. The
# test writes to $keys, and what comes out is in the file received.
pair() {
    mkfifo keys
    exec {keys}<> keys
    start to-child < keys > received 2> story {keys}>&-
    job=$!
    await asleep $job
    parent=$(child $job)
    await child "$parent" > child
    child=$(< child)
    await asleep "$parent"
}

# broken: a file descriptor of a pipe that nobody reads any more.
broken() {
    exec {broken}> >(:)
    wait $!
}

# bats test_tags=C123
@test "pipe: what goes in comes out of the child" {
    head -c 1M /dev/urandom > sent
    timeout 10 to-child < sent > received
    cmp sent received
}

@test "pipe: 64 MiB, nothing, zeros and a cut last line all come out as they were" {
    head -c 64M /dev/urandom > many
    : > none
    printf 'a\0\0b\n\nno newline' > odd
    for sent in many none odd; do
        timeout 20 to-child < $sent > received
        cmp $sent received
    done
}

@test "pipe: blocks of any size from 1 byte to 1 MiB carry the same bytes" {
    head -c 20000 /dev/urandom > sent
    for size in 1 4095 65537 1048576; do
        timeout 10 to-child -b $size < sent > received
        cmp sent received
    done
    run -0 --separate-stderr timeout 10 to-child -b 4 <<< 12345
    [[ $stderr == *"parent: end of input: 6 bytes in 2 writes"* ]]
    [[ $stderr == *"child: end of file: 6 bytes in "* ]]
}

# bats test_tags=C32
@test "pipe: a line comes out at once, and both processes sleep until the next" {
    pair
    for line in one two; do
        echo $line >&$keys
        await grep -q $line received
        await asleep $job       # the parent sleeps for input
        await asleep "$parent" # and the child, for the parent, in read
    done
    exec {keys}>&-
    finish $job
    printf 'one\ntwo\n' | cmp - received
}

# bats test_tags=C22,C58,C123
@test "pipe: both hold the same pipe, the parent to write, the child to read" {
    pair
    for process in $parent $child; do
        for fd in /proc/"$process"/fd/*; do
            pipe=$(readlink "$fd")
            [[ $pipe == pipe:* ]] || continue
            ls -l "/proc/$job/fd" | grep -qF "$pipe" && continue # inherited
            flags=$(grep flags "/proc/$process/fdinfo/${fd##*/}")
            echo "$pipe ${flags: -1}"
        done > $((process == child)).ends
    done
    exec {keys}>&-
    finish $job
    [ "$(wc -l < 0.ends)" = 1 ] # each has closed the other end
    [ "$(wc -l < 1.ends)" = 1 ]
    read -r ours access < 0.ends
    [ "$access" = 1 ] # O_WRONLY
    [ "$(< 1.ends)" = "$ours 0" ] # O_RDONLY
}

# bats test_tags=C31
@test "pipe: after the last writer has closed, read still returns what is left" {
    pair
    kill -STOP "$child"
    head -c 100000 /dev/urandom > sent
    cat sent >&$keys
    exec {keys}>&-
    await grep -q "end of input: 100000 bytes" story
    [ ! -s received ]
    kill -CONT "$child"
    finish $job
    cmp sent received
    [[ $(tail -n 1 story) == "to-child: child: end of file: 100000 bytes "* ]]
}

# bats test_tags=C58
@test "pipe: when the parent is killed, the child ends and says so" {
    pair
    echo before >&$keys
    await grep -q before received
    stop KILL $job
    WITHIN=2 await ended "$child"
    finish $job 137
    [ "$(tail -n 1 story)" = "to-child: the parent is gone before its end" ]
    [ "$(< received)" = before ]
}

@test "pipe: when the child is killed, the parent ends and says so" {
    pair
    kill -KILL "$child"
    finish $job 1
    [ "$(< story)" = "to-child: parent: the child is gone" ]
}

@test "pipe: a child that is killed after the last byte is still missed" {
    pair
    kill -STOP "$child"
    exec {keys}>&-
    await grep -q "end of input" story
    kill -KILL "$child"
    finish $job 1
    [ "$(tail -n 1 story)" = "to-child: signal 9 killed the child" ]
}

@test "pipe: stopped and continued, neither side loses a byte" {
    pair
    head -c 4M /dev/urandom > sent
    cat sent >&$keys &
    for process in $parent $child $parent $child; do
        kill -STOP "$process"
        await grep -q "State:.T" "/proc/$process/status"
        kill -CONT "$process"
    done
    wait $!
    exec {keys}>&-
    finish $job
    cmp sent received
}

# bats test_tags=C124
@test "pipe: to-parent prints what the command prints" {
    run -0 --separate-stderr timeout 10 to-parent printf '%s\n' one -l --
    [ "$output" = $'one\n-l\n--' ]
    [ "${stderr_lines[-1]}" = "to-parent: end of file: 10 bytes in 1 reads" ]
    head -c 8M /dev/urandom > sent
    timeout 10 to-parent cat sent | cmp - sent
}

@test "pipe: to-parent ends as the command does, as in the shell" {
    run -0 timeout 10 to-parent true
    run -3 timeout 10 to-parent sh -c 'exit 3'
    run -127 timeout 10 to-parent ./missing
    [[ $output == *"to-parent: ./missing: No such file or directory"* ]]
    run -126 timeout 10 to-parent /
    run -143 timeout 10 to-parent sh -c 'kill $$'
    [[ $output == *"to-parent: sh: killed by signal 15" ]]
}

@test "pipe: to-parent and pipeline start commands that SIGPIPE can kill" {
    trap '' PIPE # inherited, unless they see to it
    [[ $(timeout 10 to-parent grep SigIgn /proc/self/status) == *[02468ace]??? ]]
    [[ $(timeout 10 pipeline grep SigIgn /proc/self/status) == *[02468ace]??? ]]
}

@test "pipe: when to-parent or pipeline is killed, its commands end" {
    for line in "to-parent sleep 1000" "pipeline sleep 1000 -- sleep 1001"; do
        start $line
        job=$!
        await asleep $job
        program=$(child $job)
        await asleep "$program"
        mapfile -t commands < <(children "$program")
        kill -KILL "$program"
        for command in "${commands[@]}"; do
            WITHIN=2 await ended "$command"
        done
        finish $job 137
    done
}

# bats test_tags=C62,C128
@test "pipe: with two pipes each side reads what the other wrote" {
    run -0 --separate-stderr timeout 10 duplex
    [ "${lines[0]}" = 'parent: writes "Who are you?"' ]
    [ "${lines[1]}" = 'child: reads "Who are you?"' ]
    [ "${lines[2]}" = 'child: writes "I am your child."' ]
    [ "${lines[3]}" = 'parent: reads "I am your child."' ]
    [ ${#lines[@]} = 4 ]
}

# bats test_tags=C61,C125
@test "pipe: with one pipe both ways, whoever reads first gets the words" {
    run -0 timeout 10 duplex one
    [ "${lines[0]}" = 'alone: writes "mine"' ]
    [ "${lines[1]}" = 'alone: reads "mine"' ]
    child=$(grep ^child: <<< "$output")
    parent=$(grep ^parent: <<< "$output")
    if [[ $child == *reads* ]]; then # the child was first, and answered
        answer='child: writes "I am your child."'
        [ "$child" = 'child: reads "Who are you?"'$'\n'"$answer" ]
        heard='parent: reads "I am your child."'
    else # the parent was, and the child waited in vain
        [ "$child" = "child: nothing for 1 s: a read would sleep for ever" ]
        heard='parent: reads "Who are you?"'
    fi
    [ "$parent" = 'parent: writes "Who are you?"'$'\n'"$heard" ]
}

# bats test_tags=C127
@test "pipe: one pipe serves both ways if they take turns" {
    for _ in {1..20}; do
        run -0 --separate-stderr timeout 10 duplex turns
        [ "${lines[1]}" = 'child: reads "Who are you?"' ]
        [ "${lines[3]}" = 'parent: reads "I am your child."' ]
    done
}

# bats test_tags=C106
@test "pipe: pipeline joins any number of commands" {
    run -0 --separate-stderr timeout 10 pipeline ps aux -- grep bash
    [[ $output == *bash* ]]
    cat=(-- cat -- cat -- cat -- cat -- cat -- cat -- cat -- cat)
    [ "$(timeout 10 pipeline echo hello "${cat[@]}" -- tr h j)" = jello ]
    [ "$(timeout 10 pipeline yes -- head -n 1)" = y ]
}

@test "pipe: pipeline ends as the last command does" {
    run -0 timeout 10 pipeline false -- true
    run -1 timeout 10 pipeline true -- false
    run -127 timeout 10 pipeline true -- ./missing
    [[ $output == *"pipeline: ./missing: No such file or directory"* ]]
    run -126 timeout 10 pipeline true -- /
    run -143 timeout 10 pipeline true -- sh -c 'kill $$'
}

@test "pipe: no command of a pipeline inherits the pipes of the others" {
    list=(sh -c 'ls /proc/self/fd > list')
    timeout 10 "${list[@]}"
    mv list expected
    timeout 10 pipeline "${list[@]}" -- cat -- cat
    diff expected list
    timeout 10 pipeline true -- "${list[@]}" -- cat
    diff expected list
    timeout 10 pipeline true -- true -- "${list[@]}"
    diff expected list
}

# bats test_tags=C106
@test "pipe: who keeps a write end open keeps its reader from ending" {
    run -1 --separate-stderr timeout 10 pipeline -l echo hello -- grep -c h
    [ "$output" = "" ] # grep would print its count at the end
    [ "${stderr_lines[0]}" = "pipeline: echo: status 0" ]
    [[ ${stderr_lines[1]} == "pipeline: grep hangs: "* ]]
    run -0 timeout 10 pipeline -l echo hello -- head -n 1 # needs no end of file
}

@test "pipe: Ctrl-C ends a pipeline with all of its commands" {
    start pipeline sleep 1000 -- sleep 1001
    job=$!
    await asleep $job
    program=$(child $job)
    await test "$(children "$program" | wc -l)" = 2
    mapfile -t commands < <(children "$program")
    kill -INT -- -$job # timeout leads the process group
    for process in "$program" "${commands[@]}"; do
        WITHIN=2 await ended "$process"
    done
    wait $job || :
}

# bats test_tags=C25,C60
@test "pipe: it outlives its maker, and breaks with its last reader" {
    run -0 --separate-stderr timeout 10 last-holder
    [ "${lines[0]}" = 'the maker has exited: its heir reads "left behind"' ]
    [ "${lines[1]}" = "two processes hold a read end: write succeeds" ]
    [ "${lines[2]}" = "one is killed, the other left: write succeeds" ]
    [ "${lines[3]}" = "both are killed: write fails: Broken pipe" ]
    [ ${#lines[@]} = 4 ]
}

# bats test_tags=C33,C59
@test "pipe: without a reader SIGPIPE kills, and the shell says 141" {
    run -141 timeout 10 sigpipe default
    [ "$output" = "write: will not return: SIGPIPE kills this process" ]
    trap '' PIPE # it is no excuse that it was ignored
    run -141 timeout 10 sigpipe default
}

# bats test_tags=C59
@test "pipe: ignored, caught or blocked, SIGPIPE leaves write to fail" {
    check() {
        run -0 timeout 10 sigpipe "$1"
        [ "${lines[0]}" = "write: fails: Broken pipe" ]
        [ "${lines[1]}" = "SIGPIPE: $2" ]
    }
    check ignore "caught 0, pending 0"
    check catch "caught 1, pending 0"
    check block "caught 0, pending 1"
}

@test "pipe: output that cannot be written is an error" {
    broken
    for line in "to-child" "to-parent echo hello" "duplex two" "duplex turns" \
        "last-holder" "sigpipe ignore" "sigpipe catch" "sigpipe block"; do
        for output in /dev/full "/dev/fd/$broken"; do
            status=0
            timeout 10 $line <<< hello > story 2>&1 > "$output" || status=$?
            [ "$status" = 1 ]
            grep -q "standard output: " story
        done
        status=0
        timeout 10 $line <<< hello 2> story >&- || status=$?
        [ "$status" = 1 ]
        [ -s story ]
    done
    status=0
    timeout 10 sigpipe default > /dev/full || status=$?
    [ "$status" = 1 ] # and not 141: it could not announce it
}

@test "pipe: what is no option or no operand is a usage error" {
    for line in "to-child x" "to-child -x" "to-child -b 0" "to-child -b 1048577" \
        "to-child -b 12x" "to-child -b" "to-child -b 99999999999999999999" \
        "to-parent" "to-parent -x" "duplex three" "duplex one two" "pipeline" \
        "pipeline -x" "pipeline --" "pipeline a --" "pipeline a -- -- b" \
        "last-holder x" "sigpipe" "sigpipe x" "sigpipe block x"; do
        run -2 --separate-stderr timeout 10 $line < /dev/null
        [ -z "$output" ]
        [ -n "$stderr" ]
    done
}

@test "pipe: --help explains on standard output" {
    for program in to-child to-parent duplex pipeline last-holder sigpipe; do
        run -0 --separate-stderr timeout 10 $program --help
        [[ ${lines[0]} == "usage: $program"* ]]
        [ -n "${lines[1]}" ]
        [ -z "$stderr" ]
    done
}
