# signal/writer and signal/reader are cat(1) cut in two by signals alone; ping and
# pong take turns by them. Then the programs of one fact. ROUNDS=500 tries longer.
# The tests about data are tagged so: make check BIN=mine.

load helper # first: some of it is said again below

setup() {
    use signal
}

teardown() {
    clean
}

# clean: no file where any of them waits.
clean() {
    [ ! -e ipc.pid ] && [ ! -e ipc.ping ]
}

# place SIDE: the file where it waits.
place() {
    case $1 in
        writer | reader) echo ipc.pid ;;
        *) echo ipc.ping ;;
    esac
}

# told SIDE: it has told that the other is there.
told() {
    grep -q "^$1: .* is there: pid [0-9]*\$" $1.err
}

# met: writer and reader both have.
met() {
    told writer && told reader
}

# settled: the survivor has ended, or waits for a peer that it has never met.
settled() {
    ended ${!survivor} || { asleep ${!survivor} && ! told $survivor; }
}

# bats test_tags=data
@test "signal: what goes into the writer comes out of the reader" {
    head -c 1M /dev/urandom > sent
    carry 10
}

# bats test_tags=data
@test "signal: any number of bytes comes out as it went in, none as well" {
    carries_random 0 1 7 8 9 4095 4096 4097
}

# bats test_tags=data
@test "signal: NULs and a missing final newline come out as they went in" {
    carries 'a\0\0b\n\0\0\0\0\0\0\0\0\0\0\0end\0'
}

@test "signal: either side of both pairs may start first" {
    either_first writer reader ping pong
}

@test "signal: both sides may start at the same moment, again and again" {
    at_once writer
    at_once ping
}

@test "signal: one transfer after the other, and none gets into the next" {
    in_a_row 20
}

# bats test_tags=data
@test "signal: a typed line comes out at once, and both sleep until the next" {
    typed
}

@test "signal: the story ends with how many bytes came in how many signals" {
    carries 'hello, you' # two words of 8 bytes, or three of 4
    words=$(($(getconf LONG_BIT) == 64 ? 4 : 5)) # two say how many bytes follow
    WHO=writer says "writer: end of input: 10 bytes in $words signals"
    WHO=reader says "reader: end of data: 10 bytes in $words signals"
}

# pending PID: how many signals of the pair's kind wait for the program.
pending() {
    awk '/^SigQ:/ { split($2, part, "/"); print part[1] }' "/proc/$(child $1)/status"
}

@test "signal: a slow reader loses nothing, and no queue grows for it" {
    head -c 200000 /dev/urandom > sent
    mkfifo slow
    exec {slow}<> slow # nobody reads from it, so the reader gets stuck
    write_from sent
    read_to slow
    await met
    await asleep $reader
    await asleep $writer
    (($(pending $reader) <= 700)) # of the whole user: somebody else may have some
    start head -c 200000 slow > received
    finish $!
    both_end
    cmp sent received
}

@test "signal: where a user may have few signals queued, all arrives, slower" {
    head -c 3000 /dev/urandom > sent
    start bash -c 'ulimit -i 40; exec reader' > received 2> reader.err
    reader=$!
    write_from sent
    both_end 10
    cmp sent received
}

@test "signal: a killed reader ends a writer that waits for input, or for an answer" {
    typist
    stop KILL $reader
    finish $reader 137
    finish $writer 1
    misses writer
    exec {keys}>&-
    killed_full reader
}

@test "signal: a killed writer is not taken for the end of the data" {
    typist
    stop KILL $writer
    finish $writer 137
    finish $reader 1
    misses reader
}

@test "signal: killed at any moment, one side ends the other, and the next run works" {
    killed_at_random 300000
}

@test "signal: stopped with Ctrl-Z and continued, neither side loses anything" {
    continued
}

@test "signal: told to stop while it waits, no side leaves a file" {
    told_to_stop writer reader ping pong
}

@test "signal: told to stop at any moment, no side leaves a file" {
    at_any_moment writer reader ping pong
}

@test "signal: told to stop before they have met, the second leaves the first its file" {
    mkfifo full
    exec {full}<> full # nobody reads from it
    head -c 65536 /dev/zero >&$full
    for first in reader pong; do
        waits $first
        start "$(other $first)" "$(place $first)" < /dev/null 2> full # gets stuck at its first word
        second=$!
        await asleep $second
        stop TERM $second
        finish $second 143
        [ -f "$(place $first)" ]
        meets $first
    done
}

@test "signal: told to stop in the middle, either side ends the other" {
    in_the_middle
    at_work
}

@test "signal: told to stop in the middle, a side leaves the next pair's file alone" {
    typist
    start reader > next 2> next.err {keys}>&-
    next=$!
    await asleep $next
    await grep -q sleeps next.err
    stop INT $writer
    finish $writer 130
    finish $reader 1
    [ -f ipc.pid ]
    timeout 10 writer <<< next
    finish $next
    [ "$(< next)" = next ]
}

@test "signal: the file that a killed run leaves behind serves the next one" {
    leftovers reader pong
}

@test "signal: a second of a kind is refused, and the first goes on" {
    second reader pong
}

@test "signal: what is not a file of ours is refused and not harmed" {
    echo precious > file && chmod 600 file
    : > shared && chmod 644 shared
    mkdir folder
    mkfifo -m 600 fifo
    : > real && chmod 600 real
    ln -s real link
    ln -s nowhere dangling
    for name in file shared folder fifo link dangling /dev/null; do
        for side in writer reader ping pong; do
            run -1 timeout 10 $side $name < /dev/null
            [[ ${lines[-1]} == "$side: $name is not a file of ours" ||
                ${lines[-1]} == "$side: open $name: "* ]]
        done
    done
    [ "$(< file)" = precious ]
    [ -f shared ] && [ -d folder ] && [ -p fifo ] && [ -L link ] && [ -f real ]
    [ -L dangling ] && [ ! -e nowhere ]
}

@test "signal: another user's file is refused and not harmed" {
    [ "$(id -u)" = 0 ] || skip "needs root, to make a file that belongs to another"
    : > theirs
    chmod 600 theirs
    chown 12345 theirs
    for side in writer reader ping pong; do
        run -1 timeout 10 $side theirs < /dev/null
        [ "${lines[-1]}" = "$side: theirs is not a file of ours" ]
    done
    [ -f theirs ]
}

@test "signal: a name that cannot be made is an error that says why" {
    for side in reader pong; do
        run -1 timeout 10 $side nowhere/file < /dev/null
        [ "$output" = "$side: open nowhere/file: No such file or directory" ]
    done
    for side in writer ping; do # they wait for a name, but no file has this one
        run -1 timeout 10 $side "" < /dev/null
        [ "${lines[-1]}" = "$side: open : No such file or directory" ]
    done
}

@test "signal: the file is its owner's alone" {
    umask 000
    for side in reader pong; do
        waits $side
        [ "$(stat -c %a "$(place $side)")" = 600 ]
        stop TERM ${!side}
        finish ${!side} 143
    done
}

@test "signal: signals from anybody else change nothing" {
    waits reader
    for i in {1..50}; do stop 64 $reader; done # nobody has come yet
    await asleep $reader
    mkfifo keyboard
    exec {keys}<> keyboard
    write_from keyboard {keys}>&-
    await met
    for line in one two; do
        for i in {1..50}; do
            stop 64 $reader
            stop 64 $writer
        done
        type_in $line
    done
    exec {keys}>&-
    both_end
    [ "$(wc -c < received)" = 8 ]
}

@test "signal: a stranger's queued signals, with words, change nothing" {
    env kill --help 2>&1 | grep -q -e --queue || skip "needs kill(1), of util-linux or procps"
    waits reader
    for word in 0 1 8 4096; do
        env kill --queue $word -s 64 "$(child $reader)" # nobody has come yet
    done
    mkfifo keyboard
    exec {keys}<> keyboard
    write_from keyboard {keys}>&-
    await met
    for program in $writer $reader; do
        for word in 0 1 8 4096; do
            env kill --queue $word -s 64 "$(child $program)"
        done
    done
    type_in hello
    exec {keys}>&-
    both_end
    [ "$(< received)" = hello ]
}

@test "signal: ping and reader do not take each other for their own" {
    start reader meeting 2> reader.err
    reader=$!
    await test -s reader.err
    await asleep $reader
    run -1 timeout 10 ping meeting
    finish $reader 1
    WHO=reader says "reader: meeting: this is not writer"
    [ "${lines[-1]}" = "ping: meeting: this is not pong" ]
    [ ! -e meeting ]
}

@test "signal: output that cannot be written is an error, not silence" {
    write_from /dev/zero
    run -1 timeout 10 sh -c 'exec reader > /dev/full'
    [ "${lines[-1]}" = "reader: write standard output: No space left on device" ]
    finish $writer 1

    write_from /dev/zero
    { timeout 10 reader 2> reader.err || echo $? > status; } | head -c 1 > first
    WHO=reader says "reader: write standard output: Broken pipe"
    [ "$(< status)" = 1 ]
    finish $writer 1
}

@test "signal: input that cannot be read is an error, not an empty input" {
    read_to received
    run -1 timeout 10 writer < .
    [ "${lines[-1]}" = "writer: read standard input: Is a directory" ]
    finish $reader 1
    WHO=reader says "reader: the writer is gone before its end"
}

@test "signal: a closed descriptor is an error before any file is made" {
    for side in writer reader ping pong; do
        for closed in 0 1 2; do
            run -1 timeout 10 sh -c "exec $side $closed<&-"
            [ $closed = 2 ] || [ "$output" = "$side: descriptor $closed: Bad file descriptor" ]
        done
    done
}

@test "signal: ping reports five figures in order, or every round trip with -r" {
    figures ""
}

@test "signal: stopped with Ctrl-Z and continued, ping and pong go on" {
    still_meets ping pong
    side ping -n 30000
    side pong
    await told ping
    for side in ping pong; do
        stop STOP ${!side}
        await stopped ${!side}
        peer=$(other $side)
        await asleep ${!peer}
        stop CONT ${!side}
    done
    WITHIN=10 finish $ping
    finish $pong
}

@test "signal: a killed ping or pong ends the other, which says so" {
    for side in ping pong; do
        side ping -n 10000000
        side pong
        await told ping
        await told pong
        stop STOP ${!side} # so that the other sleeps, and waits for it
        await stopped ${!side}
        survivor=$(other $side)
        await asleep ${!survivor}
        stop KILL ${!side}
        finish ${!side} 137
        finish ${!survivor} 1
        misses $survivor
        [ ! -s ping.out ]
    done
}

@test "signal: a stranger's signals hide no death" {
    for side in ping pong; do
        side ping -n 10000000
        side pong
        await told ping
        await told pong
        survivor=$(other $side)
        # It never has a moment without one.
        pid=$(child ${!survivor})
        bash -c "while kill -64 $pid; do read -t 0.02 <> <(:); done" 2> /dev/null 3>&- 4>&- &
        stop KILL ${!side}
        finish ${!side} 137
        finish ${!survivor} 1
        misses $survivor
    done
}

@test "signal: a usage error has status 2, and --help is none" {
    for side in writer reader ping pong; do
        run -2 timeout 10 $side one two
        run -2 timeout 10 $side -x
        run -0 --separate-stderr timeout 10 $side --help
        [[ ${lines[0]} == "usage: $side "*"[path]" && -z $stderr ]]
    done
    no_number ping -n 10000000
    for program in count children descriptor states; do
        run -2 timeout 10 $program one two
        [[ ${lines[0]} == "usage: $program"* ]]
        run -0 --separate-stderr timeout 10 $program --help
        [[ ${lines[0]} == "usage: $program"* && -z $stderr ]]
    done
    run -2 timeout 10 trace
    run -2 timeout 10 trace -x true
    run -0 --separate-stderr timeout 10 trace --help
    [[ ${lines[0]} == "usage: trace "* && -z $stderr ]]
}

# bats test_tags=C12,C42
@test "signal: of five standard signals one arrives, of five queued ones all, in order" {
    run -0 timeout 10 count
    [ "${lines[0]}" = "kill with USR1, five times: USR1, 1 arrived" ]
    [ "${lines[1]}" = "sigqueue with USR1 and 1 to 5: USR1=1, 1 arrived" ]
    [ "${lines[2]}" = "sigqueue with RTMIN and 1 to 5: RTMIN=1 RTMIN=2 RTMIN=3 RTMIN=4 RTMIN=5, 5 arrived" ]
    [ "${lines[3]}" = "sigqueue with RTMIN+1, RTMIN, USR1: USR1=3 RTMIN=2 RTMIN+1=1, 3 arrived" ]
    [ "${#lines[@]}" = 4 ]
}

# found ZOMBIES SIGNALS WAITED LEFT: what children prints.
found() {
    echo "5 children have ended: $1 zombies"
    echo "SIGCHLD came: $2"
    echo "waitpid found: $3"
    echo "zombies left: $4"
}

# bats test_tags=C18
@test "signal: one SIGCHLD tells of five ends, and only a loop finds all five" {
    run -0 timeout 10 children
    [ "$output" = "$(found 5 1 5 0)" ]
    run -0 timeout 10 children once
    [ "$output" = "$(found 5 1 1 4)" ]
    run -0 timeout 10 children ignore
    [ "$output" = "$(found 0 0 0 0)" ]
}

# bats test_tags=C54,C55
@test "signal: R, S, T, D and Z are entered and left; SIGTERM ends not all of them" {
    run -0 timeout 10 states
    diff - <(printf '%s\n' "$output") <<'STATES'
spins: R
spins on the same CPU: R
  SIGSTOP: T
  SIGTERM: T
  SIGCONT: Z
sleeps in pause: S
  SIGSTOP: T
  SIGCONT: S
  SIGTERM: Z
waits in vfork: D
  SIGTERM: Z
has ended: Z
  SIGKILL: Z
  waitpid: -
STATES
}

@test "signal: killed, states leaves no process behind" {
    start states > states.out
    states=$!
    await grep -q "same CPU" states.out
    stop STOP $states
    await stopped $states
    read -ra pids < "/proc/$(child $states)/task/$(child $states)/children" || :
    ((${#pids[@]} >= 2))
    kill -CONT "${pids[@]}" # stopped orphans would get a SIGHUP
    stop KILL $states
    finish $states 137
    for pid in "${pids[@]}"; do
        await ended $pid
    done
}

# tracing: skip where nobody may trace.
tracing() {
    run timeout 10 trace true
    [[ $output != *"ptrace: Operation not permitted"* ]] || skip "ptrace is forbidden here"
}

# bats test_tags=C20
@test "signal: a tracer hears of exec, signals, stops and faults before its child" {
    tracing
    run -3 timeout 10 trace sh -c 'trap "echo caught" USR1; kill -USR1 $$; exit 3'
    usr1=$(kill -l USR1)
    [ "${lines[1]}" = "trace: exec: the new program is there, and has not begun" ]
    [[ ${lines[2]} == "trace: signal $usr1, "* ]]
    [ "${lines[3]}" = caught ]
    [ "${lines[4]}" = "trace: exit: status 3" ]

    run -133 timeout 10 trace sh -c 'kill -TRAP $$'
    [[ ${lines[2]} == "trace: signal 5, "* && ${lines[3]} == "trace: killed by signal 5, "* ]]

    # A fault of its own: more calls than its stack has room for.
    run timeout 10 trace sh -c 'ulimit -s 128; f() { f; }; f'
    ((status == 139))
    [[ ${lines[2]} == "trace: signal 11, "* && ${lines[3]} == "trace: killed by signal 11, "* ]]
}

# bats test_tags=C20
@test "signal: a traced command that is stopped stays so until it is continued" {
    tracing
    start trace sh -c 'kill -STOP $$; echo on' > out 2> trace.err
    trace=$!
    await grep -q "^trace: signal $(kill -l STOP), " trace.err
    read -r pid < "/proc/$(child $trace)/task/$(child $trace)/children" || :
    await grep -q '^State:.[tT]' /proc/$pid/status
    await asleep $trace
    [ ! -s out ]
    kill -CONT $pid
    finish $trace
    [ "$(< out)" = on ]
}

@test "signal: with -s a tracer tells of each system call, and without not" {
    tracing
    run -0 timeout 10 trace -s true
    (($(grep -c '^trace: system call [0-9]*$' <<< "$output") > 5))
    run -0 timeout 10 trace true
    [[ $output != *"system call"* ]]
}

@test "signal: a tracer ends as its command does, and takes it along" {
    tracing
    run -7 timeout 10 trace sh -c 'exit 7'
    run -127 timeout 10 trace ./nowhere
    [[ $output == *"trace: ./nowhere: No such file or directory"* ]]
    for phase in running stopped; do
        start trace sh -c 'kill -USR2 $$; sleep 100 & wait' 2> trace.err < /dev/null
        trace=$!
        await grep -q "^trace: killed" trace.err
        finish $trace 140
        start trace sleep 100 2> trace.err
        trace=$!
        await grep -q "^trace: exec" trace.err
        read -r pid < "/proc/$(child $trace)/task/$(child $trace)/children" || :
        if [ $phase = stopped ]; then
            kill -STOP $pid
            await grep -q '^State:.[tT]' /proc/$pid/status
        fi
        stop KILL $trace
        finish $trace 137
        await ended $pid
    done
}

@test "signal: a signal, a count and an end are awaited by one poll" {
    run -0 timeout 10 descriptor
    [ "${lines[0]}" = "eventfd: 3" ]
    [ "${lines[1]}" = "signalfd: signal $(kill -l USR1), from the child" ]
    [ "${lines[2]}" = "pidfd: the child has ended, status 7" ]
    [ "${#lines[@]}" = 3 ]
}

@test "signal: findings that cannot be written are an error" {
    for program in count children states descriptor; do
        run -1 timeout 10 sh -c "exec $program > /dev/full"
        [ "$output" = "$program: standard output: No space left on device" ]
        run -1 timeout 10 sh -c "exec $program >&-"
        [[ ${lines[0]} == "$program: "*": Bad file descriptor" ]]
    done
    side pong
    run -1 --separate-stderr timeout 10 sh -c "exec ping -n 5 > /dev/full"
    [ "${stderr_lines[-1]}" = "ping: standard output: No space left on device" ]
    finish $pong
}
