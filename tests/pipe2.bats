# What a pipe is made of: its ends, its size, its atoms, its speed.

setup() {
    load helper
    use pipe
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

# stopped PID: it stands still, as after Ctrl-Z.
stopped() {
    [[ $(state "$1") == T ]]
}

# random BYTES: so many, none like the other.
random() {
    head -c "$1" /dev/urandom
}

# bats test_tags=C104
@test "pipe: its two ends are the lowest free descriptors, 3 and 4" {
    run --separate-stderr ends 3>&- 4>&-
    [[ $status == 0 && ${lines[0]} == "pipe: read from 3, write to 4" ]]
}

# bats test_tags=C104
@test "pipe: with standard input closed its ends are 0 and 3" {
    ends > out 3>&- 4>&- <&-
    [[ $(head -n 1 out) == "pipe: read from 0, write to 3" ]]
}

# bats test_tags=C22
@test "pipe: it goes one way, the wrong end is a bad descriptor" {
    run ends 3>&- 4>&-
    [[ ${lines[1]} == "write to 3: Bad file descriptor" ]]
    [[ ${lines[2]} == "read from 4: Bad file descriptor" ]]
}

# bats test_tags=C29,C56,C123
@test "pipe: both ends are one FIFO of size 0, whatever is in it" {
    run ends 3>&- 4>&-
    [[ ${lines[3]} == "write to 4: 5 bytes are in the pipe" ]]
    [[ ${lines[4]} =~ ^"descriptor 3: FIFO, size 0, "(pipe:\[[0-9]+\])$ ]]
    [[ ${lines[5]} == "descriptor 4: FIFO, size 0, ${BASH_REMATCH[1]}" ]]
}

# bats test_tags=C26,C105
@test "pipe: it holds 16 pages, so fewer bytes if the writes do not fit" {
    run fill
    [[ $status == 0 && ${#lines[@]} == 5 ]]
    [[ ${lines[0]} == "1 bytes a write: full after 65536, with 65536 of 65536 bytes" ]]
    [[ ${lines[1]} == "2049 bytes a write: full after 16, with 32784 of 65536 bytes" ]]
    [[ ${lines[2]} == "4095 bytes a write: full after 16, with 65520 of 65536 bytes" ]]
    [[ ${lines[3]} == "4096 bytes a write: full after 16, with 65536 of 65536 bytes" ]]
    [[ ${lines[4]} == "65536 bytes a write: full after 1, with 65536 of 65536 bytes" ]]
    run fill 3000
    [[ $output == "3000 bytes a write: full after 16, with 48000 of 65536 bytes" ]]
}

@test "pipe: on a terminal it is seen filling up, within 3 seconds" {
    type script > /dev/null || skip "needs script (bsdutils)"
    SECONDS=0
    script -qec fill /dev/null > out < /dev/null
    ((SECONDS <= 3))
    grep -q '\[################################\]' out
    grep -q 'with 65520 of 65536 bytes' out
    run fill
    [[ $output != *"#"* ]]
}

# bats test_tags=C27,C28
@test "pipe: it holds 65536 bytes; PIPE_BUF, ulimit -p, is another thing" {
    run capacity
    [[ $status == 0 ]]
    [[ ${lines[0]} == "F_GETPIPE_SZ: 65536" ]]
    [[ ${lines[1]} == "PIPE_BUF: 4096" ]]
    [[ $(ulimit -p) == 8 ]] # blocks of 512 bytes
}

# bats test_tags=C27
@test "pipe: a new capacity is rounded up to 2, 4, 8 ... pages" {
    run capacity
    [[ ${lines[2]} == "F_SETPIPE_SZ 1: 4096" ]]
    [[ ${lines[3]} == "F_SETPIPE_SZ 100000: 131072" ]]
}

# bats test_tags=C27
@test "pipe: only a privileged process exceeds pipe-max-size" {
    most=$(< /proc/sys/fs/pipe-max-size)
    run capacity
    [[ ${lines[4]} == "F_SETPIPE_SZ $most: $most" ]]
    if ((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)); then
        [[ ${lines[5]} == "F_SETPIPE_SZ $((most + 1)): $((most * 2))" ]]
    else
        [[ ${lines[5]} == "F_SETPIPE_SZ $((most + 1)): EPERM" ]]
    fi
}

@test "pipe: it cannot be made smaller than what it contains" {
    run capacity
    [[ ${lines[6]} == "8192 bytes are in the pipe" ]]
    [[ ${lines[7]} == "F_SETPIPE_SZ 4096: EBUSY" ]]
}

# bats test_tags=C34
@test "pipe: a full one wakes its writer when a page is free, not a byte" {
    run drain
    [[ $status == 0 ]]
    [[ ${lines[0]} == "the pipe is full: 65536 bytes" ]]
    [[ ${lines[1]} == "write of 1 byte more: state S" ]]
    [[ ${lines[2]} == "1 byte read: state S" ]]
    [[ ${lines[3]} == "4095 bytes read: state S" ]]
    [[ ${lines[4]} == "4096 bytes read: the write is done" ]]
}

# bats test_tags=C35
@test "pipe: with too little room a write is whole, partial or refused" {
    run room
    [[ $status == 0 ]]
    [[ ${lines[0]} == "room for 4095, O_NONBLOCK:" ]]
    [[ ${lines[1]} == "write 4096 bytes: EAGAIN" ]]
    [[ ${lines[2]} == "write 8191 bytes: 4095 written" ]]
    [[ ${lines[3]} == "room for 4095, blocking, and a child that reads:" ]]
    [[ ${lines[4]} == "write 8191 bytes: 8191 written" ]]
}

# bats test_tags=C24,C30
@test "pipe: as a stream three writes are one read of 11 bytes" {
    run packets
    [[ $status == 0 ]]
    [[ ${lines[0]} == 'read 100: got 11 "Who are you"' ]]
    [[ ${lines[1]} == "stream: 3 writes, reads: 1" ]]
}

# bats test_tags=C24
@test "pipe: with O_DIRECT three writes are three reads" {
    run packets
    [[ ${lines[2]} == 'read 100: got 4 "Who "' ]]
    [[ ${lines[4]} == 'read 100: got 3 "you"' ]]
    [[ ${lines[5]} == "packets: 3 writes, reads: 3" ]]
}

# bats test_tags=C23
@test "pipe: records of up to PIPE_BUF bytes are never torn" {
    run crowd
    [[ $status == 0 && $output == "200 records of 4096 bytes: 0 torn" ]]
    run crowd 1
    [[ $status == 0 && $output == "200 records of 1 bytes: 0 torn" ]]
}

# bats test_tags=C23
@test "pipe: longer records of many writers are torn, but nothing is lost" {
    run crowd 100000
    [[ $status == 0 && $output =~ ^"200 records of 100000 bytes: "[1-9] ]]
}

@test "pipe: what goes into zero-copy comes out, file or pipe" {
    random 3000001 > in
    zero-copy < in > out 2> log
    cmp in out
    grep -q 'from 0 to [0-9]*: 3000001 bytes in' log
    cat in | zero-copy 2> log | cat > out
    cmp in out
    [[ $(< log) != *copied* ]]
    zero-copy < /dev/null > out 2> log
    [[ ! -s out ]]
}

@test "pipe: zero-copy copies where splice is refused, and says so" {
    random 1000001 > in
    echo first > out
    zero-copy < in >> out 2> log
    cmp <(echo first; cat in) out
    grep -q 'to 1: cannot be spliced, so it is copied' log
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
        await stopped "$other"
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
    grep -q 'the reader is gone' log
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
    run bash -c 'zero-copy < in > /dev/full'
    [[ $status == 1 && $output == *"to 1: No space left on device"* ]]
    run bash -c 'zero-copy < in >&-'
    [[ $status == 1 && $output == *"descriptor 1: Bad file descriptor"* ]]
    run bash -c 'zero-copy <&-'
    [[ $status == 1 && $output == *"descriptor 0: Bad file descriptor"* ]]
    run bash -c 'zero-copy < in | :; exit "${PIPESTATUS[0]}"'
    [[ $status == 1 ]]
    run bash -c 'zero-copy < .'
    [[ $status == 1 && $output == *"from 0 to "*"directory"* ]]
}

# bats test_tags=C102
@test "pipe: ping reports round trips by rank, in microseconds" {
    run --separate-stderr ping -n 200
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
    run --separate-stderr ping -n 123 -r
    [[ $status == 0 && ${#lines[@]} == 123 ]]
    [[ $(grep -cE '^[1-9][0-9]*$' <<< "$output") == 123 ]]
}

@test "pipe: a message of ping may be longer than a pipe" {
    run --separate-stderr ping -n 3 -s 1048576
    [[ $status == 0 && ${#lines[@]} == 5 ]]
}

@test "pipe: when the child of ping is killed, ping says so" {
    start ping -n 10000000 > out 2> log
    pid=$!
    await forked "$pid"
    kill -9 "$other"
    finish "$pid" 1
    grep -q 'the child is gone' log
}

@test "pipe: when ping is killed, its child ends" {
    start ping -n 10000000 > out 2> log
    pid=$!
    await forked "$pid"
    stop KILL "$pid"
    WITHIN=2 await ended "$other"
    finish "$pid" 137
}

@test "pipe: findings that cannot be written are an error" {
    for program in ends fill capacity room drain packets crowd "ping -n 9"; do
        run bash -c "$program > /dev/full"
        [[ $status == 1 && $output == *"standard output: No space left"* ]]
        run bash -c "$program <&- >&-"
        [[ $status == 1 && $output == *"standard output: Bad file"* ]]
    done
}

@test "pipe: --help is an answer, a wrong operand is not" {
    for program in ends fill capacity room drain packets crowd zero-copy ping; do
        run --separate-stderr "$program" --help
        [[ $status == 0 && $output == "usage: $program"* && -z $stderr ]]
        run --separate-stderr "$program" 1 2
        [[ $status == 2 && -z $output && $stderr == "usage: $program"* ]]
    done
    for wrong in "fill 0" "fill 1048577" "fill 1x" "crowd ''" "crowd -1" \
        "ping -n 0" "ping -n 1x" "ping -s 1048577" "ping -x"; do
        run bash -c "$wrong < /dev/null"
        [[ $status == 2 ]]
    done
}
