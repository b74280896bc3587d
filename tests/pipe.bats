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
            readlink /proc/"$job"/fd/* | grep -qF "$pipe" && continue # inherited
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
    [ "$(tail -n 1 story)" = "to-child: child: the parent is gone before its end" ]
    [ "$(< received)" = before ]
}

@test "pipe: when the child is killed, the parent ends and says so" {
    pair
    kill -KILL "$child"
    finish $job 1
    [ "$(< story)" = "to-child: signal 9 killed the child" ]
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

@test "pipe: stopped in the middle of a write, neither side loses a byte" {
    head -c 4M /dev/urandom > sent
    mkfifo out
    exec {out}<> out # full until we read it
    start to-child -b 100000 < sent > out {out}>&-
    job=$!
    await asleep $job
    parent=$(child $job)
    await asleep "$parent"
    for process in $parent $(child "$parent"); do
        kill -STOP "$process"
        await grep -q "State:.T" "/proc/$process/status"
        kill -CONT "$process" # write returns less than it was given
    done
    timeout 10 head -c 4M <&$out | cmp sent -
    finish $job
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
    [[ $output == *"to-parent: exec ./missing: No such file or directory"* ]]
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
    for line in "to-parent sleep 30" "pipeline sleep 30 -- sleep 31"; do
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
    for _ in {1..5}; do
        run -0 --separate-stderr timeout 10 duplex turns
        [ "${lines[1]}" = 'child: reads "Who are you?"' ]
        [ "${lines[3]}" = 'parent: reads "I am your child."' ]
    done
}

# bats test_tags=C106
@test "pipe: pipeline joins any number of commands" {
    cat=(-- cat -- cat -- cat -- cat -- cat -- cat -- cat -- cat)
    [ "$(timeout 10 pipeline echo hello "${cat[@]}" -- tr h j)" = jello ]
    [ "$(timeout 10 pipeline yes -- head -n 1)" = y ]
}

@test "pipe: pipeline runs the notes' ps aux | grep bash" {
    command -v ps > /dev/null || skip "needs ps, from procps"
    run -0 --separate-stderr timeout 10 pipeline ps aux -- grep bash
    [[ $output == *bash* ]]
}

@test "pipe: pipeline ends as the last command does" {
    run -0 timeout 10 pipeline false -- true
    run -1 timeout 10 pipeline true -- false
    run -127 timeout 10 pipeline true -- ./missing
    [[ $output == *"pipeline: exec ./missing: No such file or directory"* ]]
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
    start pipeline sleep 30 -- sleep 31
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

# grandchild PID: the child that the program forked, which start began.
grandchild() {
    local program
    program=$(child "$1") && child "$program"
} 2> /dev/null

# forked PID: the program has a child, and is itself no longer timeout or env.
forked() {
    other=$(grandchild "$1")
}

# halted PID: this very process is stopped, as by Ctrl-Z.
halted() {
    [[ $(state "$1") == T ]]
}

# random BYTES: so many, none like the other.
random() {
    head -c "$1" /dev/urandom
}

# bats test_tags=C104
@test "pipe: its two ends are the lowest free descriptors, 3 and 4" {
    run --separate-stderr timeout 10 ends 3>&- 4>&-
    [[ $status == 0 && ${lines[0]} == "pipe: read from 3, write to 4" ]]
}

# bats test_tags=C104
@test "pipe: with standard input closed its ends are 0 and 3" {
    timeout 10 ends > out 3>&- 4>&- <&-
    [[ $(head -n 1 out) == "pipe: read from 0, write to 3" ]]
}

# bats test_tags=C22
@test "pipe: it goes one way, the wrong end is a bad descriptor" {
    run timeout 10 ends 3>&- 4>&-
    [[ ${lines[1]} == "write to 3: Bad file descriptor" ]]
    [[ ${lines[2]} == "read from 4: Bad file descriptor" ]]
}

# bats test_tags=C29,C56,C123
@test "pipe: both ends are one FIFO of size 0, whatever is in it" {
    run timeout 10 ends 3>&- 4>&-
    [[ ${lines[3]} == "write to 4: 5 bytes are in the pipe" ]]
    [[ ${lines[4]} =~ ^"descriptor 3: FIFO, size 0, "(pipe:\[[0-9]+\])$ ]]
    [[ ${lines[5]} == "descriptor 4: FIFO, size 0, ${BASH_REMATCH[1]}" ]]
    [[ ${lines[6]} == "lseek: Illegal seek" ]]
}

# bats test_tags=C26,C105
@test "pipe: it holds 16 pages, so fewer bytes if the writes do not fit" {
    run timeout 10 fill
    [[ $status == 0 && ${#lines[@]} == 5 ]]
    [[ ${lines[0]} == "1 bytes a write: full after 65536, with 65536 of 65536 bytes" ]]
    [[ ${lines[1]} == "2049 bytes a write: full after 16, with 32784 of 65536 bytes" ]]
    [[ ${lines[2]} == "4095 bytes a write: full after 16, with 65520 of 65536 bytes" ]]
    [[ ${lines[3]} == "4096 bytes a write: full after 16, with 65536 of 65536 bytes" ]]
    [[ ${lines[4]} == "65536 bytes a write: full after 1, with 65536 of 65536 bytes" ]]
    run timeout 10 fill 3000
    [[ $output == "3000 bytes a write: full after 16, with 48000 of 65536 bytes" ]]
}

@test "pipe: on a terminal it is seen filling up, within 3 seconds" {
    type script > /dev/null || skip "needs script (bsdutils)"
    SECONDS=0
    timeout 10 script -qec fill /dev/null > out < /dev/null
    ((SECONDS <= 3))
    grep -q '\[################################\]' out
    grep -q 'with 65520 of 65536 bytes' out
    run timeout 10 fill
    [[ $output != *"#"* ]]
}

# bats test_tags=C27,C28
@test "pipe: it holds 65536 bytes; PIPE_BUF, ulimit -p, is another thing" {
    run timeout 10 capacity
    [[ $status == 0 ]]
    [[ ${lines[0]} == "F_GETPIPE_SZ: 65536" ]]
    [[ ${lines[1]} == "PIPE_BUF: 4096" ]]
    [[ $(ulimit -p) == 8 ]] # blocks of 512 bytes
}

# bats test_tags=C27
@test "pipe: a new capacity is rounded up to 2, 4, 8 ... pages" {
    run timeout 10 capacity
    [[ ${lines[5]} == "F_SETPIPE_SZ 1: 4096" ]]
    [[ ${lines[6]} == "F_SETPIPE_SZ 100000: 131072" ]]
}

# bats test_tags=C27
@test "pipe: only a privileged process exceeds pipe-max-size" {
    most=$(< /proc/sys/fs/pipe-max-size)
    run timeout 10 capacity
    [[ ${lines[7]} == "F_SETPIPE_SZ $most: $most" ]]
    if ((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)); then
        [[ ${lines[8]} == "F_SETPIPE_SZ $((most + 1)): $((most * 2))" ]]
    else
        [[ ${lines[8]} == "F_SETPIPE_SZ $((most + 1)): EPERM" ]]
    fi
}

@test "pipe: it cannot be made smaller than what it contains" {
    run timeout 10 capacity
    [[ ${lines[2]} == "8192 bytes are in the pipe" ]]
    [[ ${lines[3]} == "F_SETPIPE_SZ 4096: EBUSY" ]]
}

# bats test_tags=C34
@test "pipe: a full one wakes its writer when a page is free, not a byte" {
    run timeout 10 drain
    [[ $status == 0 ]]
    [[ ${lines[0]} == "the pipe is full: 65536 bytes" ]]
    [[ ${lines[1]} == "write of 1 byte more: state S" ]]
    [[ ${lines[2]} == "1 byte read: state S" ]]
    [[ ${lines[3]} == "4095 bytes read: state S" ]]
    [[ ${lines[4]} == "4096 bytes read: the write is done" ]]
}

# bats test_tags=C35
@test "pipe: with too little room a write is whole, partial or refused" {
    run timeout 10 room
    [[ $status == 0 ]]
    [[ ${lines[0]} == "room for 4095, O_NONBLOCK:" ]]
    [[ ${lines[1]} == "write 4096 bytes: EAGAIN" ]]
    [[ ${lines[2]} == "write 8191 bytes: 4095 written" ]]
    [[ ${lines[3]} == "room for 4095, blocking, and a child that reads:" ]]
    [[ ${lines[4]} == "write 8191 bytes: 8191 written" ]]
}

# bats test_tags=C24,C30
@test "pipe: as a stream three writes are one read of 11 bytes" {
    run timeout 10 packets
    [[ $status == 0 ]]
    [[ ${lines[0]} == 'read 100: got 11 "Who are you"' ]]
    [[ ${lines[1]} == "stream: 3 writes, reads: 1" ]]
}

# bats test_tags=C24
@test "pipe: with O_DIRECT three writes are three reads" {
    run timeout 10 packets
    [[ ${lines[2]} == 'read 100: got 4 "Who "' ]]
    [[ ${lines[4]} == 'read 100: got 3 "you"' ]]
    [[ ${lines[5]} == "packets: 3 writes, reads: 3" ]]
}

# bats test_tags=C23
@test "pipe: records of up to PIPE_BUF bytes are never torn" {
    run timeout 10 crowd
    [[ $status == 0 && $output == "200 records of 4096 bytes: 0 torn" ]]
    run timeout 10 crowd 1
    [[ $status == 0 && $output == "200 records of 1 bytes: 0 torn" ]]
}

# bats test_tags=C23
@test "pipe: longer records of many writers are torn, but nothing is lost" {
    run timeout 10 crowd 100000
    [[ $status == 0 && $output =~ ^"200 records of 100000 bytes: "[1-9] ]]
}

@test "pipe: what goes into zero-copy comes out, file or pipe" {
    random 3000001 > in
    timeout 10 zero-copy < in > out 2> log
    cmp in out
    grep -q 'parent: 3000001 bytes in' log
    cat in | timeout 10 zero-copy 2> log | cat > out
    cmp in out
    [[ $(< log) != *copied* ]]
    timeout 10 zero-copy < /dev/null > out 2> log
    [[ ! -s out ]]
}

@test "pipe: zero-copy copies where splice is refused, and says so" {
    random 1000001 > in
    echo first > out
    timeout 10 zero-copy < in >> out 2> log
    cmp <(echo first; cat in) out
    grep -q 'child: cannot be spliced, so it is copied' log
}

@test "pipe: zero-copy passes on each line at once, stopped in between or not" {
    mkfifo in
    exec {keys}<> in
    start zero-copy < in > out 2> log
    pid=$!
    await forked "$pid"
    for line in one two three; do
        echo "$line" >&"$keys"
        await grep -q "$line" out
        kill -STOP "$(child "$pid")" "$other"
        await halted "$other"
        kill -CONT "$(child "$pid")" "$other"
    done
    [[ $(< out) == $'one\ntwo\nthree' && -z $(< log) ]]
    stop TERM "$pid"
    finish "$pid" 143
    await ended "$other"
}

@test "pipe: when the child of zero-copy is killed, zero-copy says so" {
    start zero-copy <&"$idle" > out 2> log
    pid=$!
    await forked "$pid"
    await asleep "$pid"
    kill -9 "$other"
    finish "$pid" 1
    [[ $(< log) == *'parent: the reader is gone'*'signal 9 killed the child' ]]
}

@test "pipe: when zero-copy is killed, its child says so and ends" {
    start zero-copy <&"$idle" > out 2> log
    pid=$!
    await forked "$pid"
    stop KILL "$pid"
    WITHIN=2 await ended "$other"
    await grep -q 'the parent is gone' log
    finish "$pid" 137
}

@test "pipe: output that zero-copy cannot write is an error" {
    random 3000000 > in
    run timeout 10 bash -c 'zero-copy < in > /dev/full'
    [[ $status == 1 && $output == *"write output: No space left on device"* ]]
    run timeout 10 bash -c 'echo one | zero-copy > /dev/full'
    [[ $status == 1 && $output == *"write output: No space left on device"* ]]
    run timeout 10 bash -c 'zero-copy < in >&-'
    [[ $status == 1 && $output == *"descriptor 1: Bad file descriptor"* ]]
    run timeout 10 bash -c 'zero-copy <&-'
    [[ $status == 1 && $output == *"descriptor 0: Bad file descriptor"* ]]
    run timeout 10 bash -c 'zero-copy < in | :; exit "${PIPESTATUS[0]}"'
    [[ $status == 1 ]]
    run timeout 10 bash -c 'zero-copy < .'
    [[ $status == 1 && $output == *"parent: "*"directory"* ]]
}

@test "pipe: ping reports round trips by rank, in microseconds" {
    run --separate-stderr timeout 10 ping -n 200
    [[ $status == 0 && ${#lines[@]} == 5 ]]
    local i=0 last=0 name names=(min median "90 %" "99 %" max)
    for name in "${names[@]}"; do
        [[ ${lines[i]} =~ ^"$name"\ +([0-9]+)\.([0-9])\ us$ ]]
        ((${#lines[i]} == 21))
        ((last <= ${BASH_REMATCH[1]}${BASH_REMATCH[2]}))
        last=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
        i=$((i + 1))
    done
}

@test "pipe: ping -r prints each round trip" {
    run --separate-stderr timeout 10 ping -n 123 -r
    [[ $status == 0 && ${#lines[@]} == 123 ]]
    [[ $(grep -cE '^[1-9][0-9]*$' <<< "$output") == 123 ]]
}

@test "pipe: a message of ping may be longer than a pipe" {
    run --separate-stderr timeout 10 ping -n 3 -s 1048576
    [[ $status == 0 && ${#lines[@]} == 5 ]]
}

@test "pipe: when the child of ping is killed, ping says so" {
    start ping -n 10000000 > out 2> log
    pid=$!
    await forked "$pid"
    kill -STOP "$other"
    await halted "$other"
    await asleep "$pid" # in read: it has sent, and waits for an answer
    kill -9 "$other"
    finish "$pid" 1
    grep -q 'is gone' log
}

@test "pipe: when ping is killed, its child ends, reading or writing" {
    for bytes in 8 1048576 1048576 1048576; do
        start ping -n 10000000 -s "$bytes" > out 2> log
        pid=$!
        await forked "$pid"
        stop STOP "$pid"
        stop KILL "$pid"
        WITHIN=2 await ended "$other"
        finish "$pid" 137
    done
}

@test "pipe: findings that cannot be written are an error" {
    for program in ends fill capacity room drain packets crowd "ping -n 9"; do
        run timeout 10 bash -c "$program > /dev/full"
        [[ $status == 1 && $output == *"standard output: No space left"* ]]
        run timeout 10 bash -c "$program <&- >&-"
        [[ $status == 1 && $output == *"standard output: Bad file"* ]]
    done
}

@test "pipe: --help is an answer, a wrong operand is not" {
    for program in ends fill capacity room drain packets crowd zero-copy ping; do
        run --separate-stderr timeout 10 "$program" --help
        [[ $status == 0 && $output == "usage: $program"* && -z $stderr ]]
        run --separate-stderr timeout 10 "$program" 1 2
        [[ $status == 2 && -z $output && $stderr == "usage: $program"* ]]
    done
    for wrong in "fill 0" "fill 1048577" "fill 1x" "crowd ''" "crowd -1" \
        "ping -n 0" "ping -n 1x" "ping -s 1048577" "ping -x"; do
        run timeout 10 bash -c "$wrong < /dev/null"
        [[ $status == 2 ]]
    done
}

@test "pipe: an inherited SIGCHLD that is ignored does no harm" {
    for program in to-child "to-parent true" "pipeline true" duplex zero-copy \
        last-holder drain room crowd; do
        run -0 timeout 10 env --ignore-signal=CHLD $program < /dev/null
    done
}

@test "pipe: crowd loses nothing when it is stopped and continued" {
    for _ in {1..9}; do # until it is caught while at work
        start crowd 1000000 > out 2> log
        crowd=$!
        WITHIN=1 await forked $crowd && stop STOP $crowd && await stopped $crowd && break
        wait $crowd || :
    done
    for pid in $(children "$(child $crowd)"); do
        kill -STOP $pid
        await halted $pid
        kill -CONT $pid
    done
    stop CONT $crowd
    WITHIN=10 finish $crowd # it has 200 MB to carry
    grep "^200 records of 1000000 bytes: " out
}
