# fifo/writer and fifo/reader are cat(1) cut in two by a FIFO. Tests tagged data
# hold for a reader in any language: make check BIN=mine. ROUNDS=500 tries longer.

setup() {
    load helper
    use fifo
}

# pair: carry the file sent into the file received. A reader of three lines may
# count on the name being there.
pair() {
    start writer < sent 2> writer.err
    writer=$!
    await test -p ipc.fifo
    start reader > received 2> reader.err
    reader=$!
}

# keyboard: a terminal in which nobody has typed yet, open as descriptor $keys.
keyboard() {
    mkfifo keyboard
    exec {keys}<> keyboard
}

# typist: a writer at the keyboard and a reader, who have met.
typist() {
    keyboard
    start writer < keyboard 2> writer.err {keys}>&-
    writer=$!
    start reader > received 2> reader.err {keys}>&-
    reader=$!
    WHO=writer await says "writer: a reader is there"
    WHO=reader await says "reader: a writer is there"
}

# says LINE: the last line that $WHO has told is this.
says() {
    [[ -s $WHO.err && $(tail -n 1 "$WHO.err") == "$1" ]]
}

# ticks PID: the CPU time it has used, in ticks of the clock.
ticks() {
    awk '{ print $14 + $15 }' "/proc/$(child "$1")/stat"
}

# bats test_tags=data,C63
@test "fifo: what goes into the writer comes out of the reader" {
    head -c 1M /dev/urandom > sent
    pair
    finish $writer
    finish $reader
    cmp sent received
    [ ! -e ipc.fifo ]
}

# bats test_tags=data
@test "fifo: an empty input comes out empty" {
    : > sent
    pair
    finish $writer
    finish $reader
    cmp sent received
}

# bats test_tags=data
@test "fifo: NULs and a missing final newline come out as they went in" {
    printf 'a\0\0b\n\0end' > sent
    pair
    finish $writer
    finish $reader
    cmp sent received
}

# bats test_tags=data,C16
@test "fifo: there is no such limit as a few megabytes" {
    head -c 128M /dev/urandom > sent
    pair
    WITHIN=20 finish $reader
    finish $writer
    cmp sent received
}

# bats test_tags=C64
@test "fifo: either side may start first" {
    start reader > received
    reader=$!
    await test -p ipc.fifo
    await asleep $reader
    timeout 10 writer <<< hello
    finish $reader
    [ "$(< received)" = hello ]

    start writer <<< hello
    writer=$!
    await asleep $writer
    [ "$(timeout 10 reader)" = hello ]
    finish $writer
}

# bats test_tags=C64
@test "fifo: both sides may start at the same moment" {
    for ((i = 0; i < ${ROUNDS:-10}; i++)); do
        start reader > received
        reader=$!
        start writer <<< "round $i"
        finish $!
        finish $reader
        [ "$(< received)" = "round $i" ]
        [ ! -e ipc.fifo ]
    done
}

@test "fifo: one transfer after the other, and none gets into the next" {
    start bash -c 'for i in {1..20}; do writer <<< $i || exit; done' 2> errors
    writers=$!
    timeout 10 bash -c 'for i in {1..20}; do reader || exit; done' > received
    finish $writers
    cmp received <(seq 20)
}

# bats test_tags=C38
@test "fifo: open sleeps until the other side opens too" {
    for side in writer reader; do
        start $side < /dev/null 2> errors
        first=$!
        await asleep $first
        grep "$side: open ipc.fifo: sleeps until a .* opens it too" errors
        [ "$(wc -l < errors)" = 1 ]
        [ $side = writer ] && start reader || start writer < /dev/null
        finish $!
        finish $first
    done
}

# bats test_tags=data
@test "fifo: a typed line comes out at once, and both sleep until the next" {
    keyboard
    start writer < keyboard {keys}>&-
    writer=$!
    await test -p ipc.fifo
    start reader > received {keys}>&-
    reader=$!
    for line in one two three; do
        echo $line >&$keys
        await grep -qx $line received
        await asleep $writer
        await asleep $reader
    done
    before=$(($(ticks $writer) + $(ticks $reader)))
    pause 0.3
    (($(ticks $writer) + $(ticks $reader) <= before + 1))
    exec {keys}>&-
    finish $writer
    finish $reader
    [ "$(wc -l < received)" = 3 ]
}

@test "fifo: the story ends with how many bytes went in how many calls" {
    start reader -b 2 > received 2> reader.err
    reader=$!
    printf hello > sent
    timeout 10 writer -b 1 < sent 2> writer.err
    finish $reader
    WHO=writer says "writer: end of input: 5 bytes in 5 writes"
    grep -E 'end of file: 5 bytes in [345] reads' reader.err
    [ "$(< received)" = hello ]
}

@test "fifo: a killed reader ends a writer that waits for input" {
    typist
    stop KILL $reader
    finish $reader 137
    finish $writer 1
    WHO=writer says "writer: ipc.fifo: the reader is gone"
}

@test "fifo: a killed reader ends a writer that waits for room" {
    mkfifo full
    exec {full}<> full # nobody reads from it, so the reader gets stuck
    start writer < /dev/zero 2> writer.err
    writer=$!
    start reader > full 2> reader.err
    reader=$!
    WHO=writer await says "writer: a reader is there"
    await asleep $reader
    await asleep $writer
    stop KILL $reader
    finish $reader 137
    finish $writer 1
    WHO=writer says "writer: write ipc.fifo: Broken pipe"
}

@test "fifo: a killed writer is not taken for the end of the data" {
    typist
    echo something >&$keys
    await grep -q something received
    stop KILL $writer
    finish $writer 137
    finish $reader 1
    WHO=reader says "reader: ipc.fifo: the writer is gone before its end"
}

@test "fifo: killed at any moment, one side ends the other, and the next run works" {
    head -c 3M /dev/urandom > sent
    for ((i = 0; i < ${ROUNDS:-10}; i++)); do
        start writer < sent 2> writer.err
        writer=$!
        start reader > received 2> reader.err
        reader=$!
        if ((i % 2)); then
            victim=$reader survivor=$writer WHO=writer
        else
            victim=$writer survivor=$reader WHO=reader
        fi
        pause "0.0$((RANDOM % 20 + 10))"
        stop KILL $victim 2> /dev/null || : # it may have ended already
        await ended $victim
        wait $victim && killed=0 || killed=$?
        WITHIN=2 await settled
        if ! ended $survivor; then
            # It never met the victim and waits for another: it shall have one.
            [ $WHO = reader ] && start writer < sent || start reader > received
            finish $!
            finish $survivor
            cmp sent received
            continue
        fi
        wait $survivor && status=0 || status=$?
        case $status in
            0) [ $killed = 0 ] || [ $WHO = writer ] || cmp sent received ;;
            1) tail -n 1 $WHO.err | grep -E "is gone|Broken pipe" ;;
            *) false ;;
        esac
        pair
        finish $writer
        finish $reader
        cmp sent received
        [ ! -e ipc.fifo ]
    done
}

# settled: the survivor has ended, or waits for a peer that it has never met.
settled() {
    ended $survivor || { asleep $survivor && [[ $(wc -l < $WHO.err) = 1 ]]; }
}

@test "fifo: stopped with Ctrl-Z and continued, neither side loses anything" {
    start reader > received 2> reader.err
    reader=$!
    await asleep $reader
    stop STOP $reader # asleep in open
    stop CONT $reader
    keyboard
    start writer < keyboard 2> writer.err {keys}>&-
    writer=$!
    WHO=writer await says "writer: a reader is there"
    for line in one two three; do
        await asleep $writer
        await asleep $reader
        for side in $writer $reader; do
            stop STOP $side
            await stopped $side
            stop CONT $side
        done
        echo $line >&$keys
        await grep -qx $line received
    done
    exec {keys}>&-
    finish $writer
    finish $reader
}

stopped() {
    [[ $(state "$(child "$1")") == T ]]
}

# bats test_tags=C67
@test "fifo: told to stop while it waits, either side takes the name away" {
    for side in writer reader; do
        for signal in HUP INT TERM; do
            start $side < /dev/null 2> errors
            waiting=$!
            await asleep $waiting
            [ -p ipc.fifo ]
            stop $signal $waiting
            finish $waiting $((128 + $(kill -l $signal))) # it died of the signal
            [ ! -e ipc.fifo ]
        done
    done
}

@test "fifo: told to stop at any moment, either side leaves no name behind" {
    for ((i = 0; i < ${ROUNDS:-10}; i++)); do
        start $( ((i % 2)) && echo writer || echo reader) < /dev/null 2> errors
        waiting=$!
        await child $waiting > /dev/null
        pause "0.00$((RANDOM % 6))"
        stop TERM $waiting
        finish $waiting 143
        [ ! -e ipc.fifo ]
    done
}

@test "fifo: told to stop in the middle, either side ends the other" {
    for side in writer reader; do
        : > received
        typist
        [ ! -e ipc.fifo ]
        stop INT "${!side}"
        finish "${!side}" 130
        [ $side = writer ] && finish $reader 1 || finish $writer 1
        exec {keys}>&-
        rm keyboard
    done
}

@test "fifo: of two that wait for a peer, one told to stop does not strand the other" {
    for side in writer reader; do
        start $side < /dev/null 2> first.err
        first=$!
        await asleep $first
        start $side < /dev/null 2> second.err
        second=$!
        await asleep $second
        stop INT $second
        finish $second 130
        finish $first 1
        WHO=first
        cat first.err
        tail -n 1 first.err | grep -E "is gone|No such file"
        [ ! -e ipc.fifo ]
    done
}

@test "fifo: the name that a killed run leaves behind serves the next one" {
    for side in writer reader; do
        start $side < /dev/null 2> errors
        victim=$!
        await asleep $victim
        stop KILL $victim
        finish $victim 137
        [ -p ipc.fifo ]
        start writer <<< again
        writer=$!
        [ "$(timeout 10 reader)" = again ]
        finish $writer
        [ ! -e ipc.fifo ]
    done
}

# bats test_tags=C64
@test "fifo: what is not a FIFO of ours is refused and not harmed" {
    echo precious > file
    mkdir folder
    mkfifo real
    ln -s real link
    ln -s nowhere dangling
    for name in file folder link dangling /dev/null; do
        for side in writer reader; do
            run -1 --separate-stderr timeout 10 $side $name <<< overwritten
            [ "${stderr_lines[0]}" = "$side: $name is not a FIFO of yours" ]
        done
    done
    [ "$(< file)" = precious ]
    [ -d folder ] && [ -p real ] && [ -L link ] && [ -L dangling ]
}

@test "fifo: another user's FIFO is refused and not harmed" {
    [ "$(id -u)" = 0 ] || skip "needs root, to make a FIFO that belongs to another"
    mkfifo theirs
    chown 12345 theirs
    for side in writer reader; do
        run -1 --separate-stderr timeout 10 $side theirs <<< overwritten
        [ "${stderr_lines[0]}" = "$side: theirs is not a FIFO of yours" ]
    done
    [ -p theirs ]
}

@test "fifo: a name that cannot be made is an error that says why" {
    for side in writer reader; do
        run -1 timeout 10 $side nowhere/fifo < /dev/null
        [ "$output" = "$side: mkfifo nowhere/fifo: No such file or directory" ]
        run -1 timeout 10 $side "" < /dev/null
        [ "$output" = "$side: mkfifo : No such file or directory" ]
        long=$(printf '%0300d' 0)
        run -1 timeout 10 $side $long < /dev/null
        [ "$output" = "$side: mkfifo $long: File name too long" ]
    done
}

@test "fifo: the FIFO is its owner's alone" {
    for side in writer reader; do
        umask 000
        start $side < /dev/null 2> errors
        waiting=$!
        await asleep $waiting
        [ "$(stat -c %a ipc.fifo)" = 600 ]
        stop TERM $waiting
        finish $waiting 143
    done
}

@test "fifo: output that cannot be written is an error, not silence" {
    start writer < /dev/zero 2> writer.err
    writer=$!
    run -1 timeout 10 sh -c 'exec reader > /dev/full'
    [ "${lines[-1]}" = "reader: write standard output: No space left on device" ]
    finish $writer 1

    start writer <<< hello 2> writer.err
    writer=$!
    run -1 timeout 10 sh -c 'exec reader >&-'
    [ "${lines[-1]}" = "reader: write standard output: Bad file descriptor" ]
    finish $writer # its six bytes had gone into the pipe

    start writer < /dev/zero 2> writer.err
    writer=$!
    { timeout 10 reader 2> reader.err || echo $? > status; } | head -c 1 > first
    WHO=reader says "reader: write standard output: Broken pipe"
    [ "$(< status)" = 1 ]
    finish $writer 1
}

@test "fifo: input that cannot be read is an error, not an empty input" {
    start reader 2> reader.err
    reader=$!
    run -1 timeout 10 writer < .
    [ "${lines[-1]}" = "writer: read standard input: Is a directory" ]
    finish $reader 1
    WHO=reader says "reader: ipc.fifo: the writer is gone before its end"
}

# bats test_tags=C63
@test "fifo: cat and the shell's redirections can take either part" {
    start writer <<< from-us
    writer=$!
    await test -p ipc.fifo
    [ "$(timeout 10 cat ipc.fifo)" = from-us ]
    finish $writer
    [ ! -e ipc.fifo ]

    start reader > received
    reader=$!
    await test -p ipc.fifo
    start sh -c 'echo to-us > ipc.fifo'
    finish $!
    finish $reader
    [ "$(< received)" = to-us ]
    [ ! -e ipc.fifo ]
}

@test "fifo: a usage error has status 2, and --help is none" {
    for side in writer reader; do
        run -2 timeout 10 $side one two
        run -2 timeout 10 $side -x
        for number in 0 -1 1048577 99999999999999999999 0x 12k "" " "; do
            run -2 timeout 10 $side -b "$number"
            [ "$output" = "$side: -b $number: not a number from 1 to 1048576" ]
        done
        run -0 --separate-stderr timeout 10 $side --help
        [[ ${lines[0]} == "usage: $side [-b BYTES] [path]" && -z $stderr ]]
    done
    [ ! -e ipc.fifo ]
}

# mine: a learner's reader, read from standard input, on its way through the tests
# about data, with our writer as its peer.
mine() {
    mkdir -p mine/fifo
    cat > mine/fifo/reader
    chmod +x mine/fifo/reader
    BIN=$PWD/mine timeout 60 bats --filter-tags data "$@" "$BATS_TEST_FILENAME"
}

@test "fifo: a reader in shell passes the tests about data" {
    mine <<'END'
#!/bin/sh
exec cat "${1-ipc.fifo}"
END
}

@test "fifo: a reader in Python passes the tests about data" {
    command -v python3 || skip "needs python3"
    mine <<'END'
#!/usr/bin/env python3
import os, sys
fifo = os.open(sys.argv[1] if len(sys.argv) > 1 else "ipc.fifo", os.O_RDONLY)
while data := os.read(fifo, 65536):
    while data:
        data = data[os.write(1, data):]
END
}

@test "fifo: a reader in Perl passes the tests about data" {
    command -v perl || skip "needs perl"
    mine <<'END'
#!/usr/bin/env perl
open my $fifo, '<', $ARGV[0] // 'ipc.fifo' or die "open: $!";
while (sysread $fifo, my $data, 65536) {
    syswrite STDOUT, $data or die "write: $!";
}
END
}

@test "fifo: a reader that spins at end of file is told so, quickly" {
    run -1 mine -f "empty input" <<'END'
#!/bin/bash
exec < "${1-ipc.fifo}"
while :; do
    read -r line
    echo "$line"
done
END
    [[ $output == *"not ok 1 fifo: an empty input comes out empty"* ]]
    [[ $output == *"reader did not end within 2 seconds: it is busy, state R."* ]]
    [[ $output == *"Does it stop when read() returns 0"* ]]
}
