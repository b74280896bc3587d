# fifo/writer and fifo/reader are cat(1) cut in two by a FIFO. Tests tagged data
# hold for a reader in any language: make check BIN=mine. ROUNDS=500 tries longer.
# Then chat, ping and pong, which talk both ways, and the programs of one fact.

load helper # first: some of it is said again below

setup() {
    use fifo
    unsure=writer # all is in the FIFO, and what the reader does is not its business
}

# named: a reader of three lines may count on the name being there.
named() {
    await test -p ipc.fifo
}

# met: and both have told so.
met() {
    WHO=writer says "writer: a reader is there" && WHO=reader says "reader: a writer is there"
}

# clean: neither a FIFO nor a file is left by any of the programs.
clean() {
    local name
    for name in ipc.fifo* *-*.fifo; do
        [ ! -e "$name" ] || return
    done
}

# misses SIDE: poll tells it, or write.
misses() {
    tail -n 1 $1.err | grep -E "^$1: .*($(other $1) is gone|write .*: Broken pipe)"
}

# settled: the survivor has ended, or waits for a peer that it has never met.
settled() {
    ended ${!survivor} || { asleep ${!survivor} && [[ $(wc -l < $survivor.err) = 1 ]]; }
}

# bats test_tags=data,C63
@test "fifo: what goes into the writer comes out of the reader" {
    carries_random 1M
}

# bats test_tags=data
@test "fifo: an empty input comes out empty" {
    carries ''
}

# bats test_tags=data
@test "fifo: NULs and a missing final newline come out as they went in" {
    carries 'a\0\0b\n\0end'
}

# bats test_tags=data,C16
@test "fifo: there is no such limit as a few megabytes" {
    head -c "${MEGABYTES:-128}M" /dev/urandom > sent
    carry 20
}

# bats test_tags=C64
@test "fifo: either side may start first" {
    either_first writer reader
}

# bats test_tags=C64
@test "fifo: both sides may start at the same moment" {
    at_once
}

@test "fifo: one transfer after the other, and none gets into the next" {
    in_a_row 20
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
    typed
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
    stuck
    stop KILL $reader
    finish $reader 137
    finish $writer 1
    WHO=writer says "writer: write ipc.fifo: Broken pipe"
}

@test "fifo: a killed writer is not taken for the end of the data" {
    typist
    stop KILL $writer
    finish $writer 137
    finish $reader 1
    WHO=reader says "reader: ipc.fifo: the writer is gone before its end"
}

@test "fifo: killed at any moment, one side ends the other, and the next run works" {
    killed_at_random
}

@test "fifo: stopped with Ctrl-Z and continued, neither side loses anything" {
    continued
}

# bats test_tags=C67
@test "fifo: told to stop while it waits, either side takes the name away" {
    told_to_stop writer reader
}

@test "fifo: told to stop at any moment, either side leaves no name behind" {
    at_any_moment writer reader
}

@test "fifo: told to stop in the middle, either side ends the other" {
    in_the_middle
    at_work
}

@test "fifo: told to stop in the middle, a side leaves the next pair's name alone" {
    for side in writer reader; do
        typist
        start reader > next 2> next.err
        next=$!
        await asleep $next
        stop INT "${!side}"
        finish "${!side}" 130
        [ -p ipc.fifo ]
        timeout 10 writer <<< next
        finish $next
        exec {keys}>&-
        rm keyboard
    done
}

@test "fifo: told to stop, a reader takes the name away that its writer, not ours, has left" {
    waits reader
    mkfifo keyboard
    exec {keys}<> keyboard
    start sh -c 'exec cat > ipc.fifo' < keyboard {keys}>&-
    cat=$!
    WHO=reader await says "reader: a writer is there"
    stop TERM $reader
    finish $reader 143
    clean
    exec {keys}>&-
    finish $cat
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

@test "fifo: of two that wait for a peer, one alone has the data" {
    head -c 300000 /dev/urandom > sent
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        start reader > first 2> first.err
        first=$!
        start reader > second 2> second.err
        second=$!
        await asleep $first
        await asleep $second
        timeout 10 writer < sent
        await ended $first
        await ended $second
        wait $first && status=0 || status=$?
        if [ $status = 0 ]; then
            cmp sent first
            loser=second
            finish $second 1
        else
            loser=first
            cmp sent second
            finish $second
        fi
        [ ! -s $loser ]
        tail -n 1 $loser.err | grep -x "reader: ipc.fifo: another reader has it"
    done
}

@test "fifo: the data and the story never get into each other" {
    start reader > received 2> reader.err
    reader=$!
    await asleep $reader
    for closed in '<&-' '2>&-'; do
        run -1 timeout 10 sh -c "exec writer $closed"
    done
    timeout 10 writer <<< hello
    finish $reader
    [ "$(< received)" = hello ]
}

@test "fifo: a reader leaves a file alone that has taken the name's place" {
    start reader > received
    reader=$!
    await test -p ipc.fifo
    mv ipc.fifo moved
    echo precious > ipc.fifo
    echo hello > moved
    finish $reader
    [ "$(< ipc.fifo)" = precious ]
}

@test "fifo: the name that a killed run leaves behind serves the next one" {
    leftovers writer reader
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
    umask 000
    for side in writer reader a b ping pong; do
        waits $side
        [ "$(stat -c %a ipc.fifo* | uniq)" = 600 ]
        stop TERM ${!side}
        finish ${!side} 143
    done
}

@test "fifo: output that cannot be written is an error, not silence" {
    start writer < /dev/zero 2> writer.err
    writer=$!
    run -1 timeout 10 sh -c 'exec reader > /dev/full'
    [ "${lines[-1]}" = "reader: write standard output: No space left on device" ]
    finish $writer 1

    start writer < /dev/zero 2> writer.err
    writer=$!
    run -1 timeout 10 sh -c 'exec reader >&-'
    [ "${lines[-1]}" = "reader: write standard output: Bad file descriptor" ]
    finish $writer 1

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
        no_number $side -b 1048576
        run -0 --separate-stderr timeout 10 $side --help
        [[ ${lines[0]} == "usage: $side [-b BYTES] [path]" && -z $stderr ]]
    done
    clean
}

# mine: a learner's reader, read from standard input, on its way through the tests
# about data, with our writer as its peer.
mine() {
    mkdir -p mine/fifo
    cat > mine/fifo/reader
    chmod +x mine/fifo/reader
    BIN=$PWD/mine MEGABYTES=4 timeout 60 bats --filter-tags data "$@" "$BATS_TEST_FILENAME"
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
    WITHIN=1 run -1 mine -f "empty input" <<'END'
#!/bin/bash
exec < "${1-ipc.fifo}"
while :; do
    read -r line
    echo "$line"
done
END
    [[ $output == *"not ok 1 fifo: an empty input comes out empty"* ]]
    [[ $output == *"reader did not end within 1 seconds: it is busy, state R."* ]]
    [[ $output == *"Does it stop when read() returns 0"* ]]
}

# talkers: chat a and chat b, who have met; type to them with >&$keys_a.
talkers() {
    mkfifo keyboard.a keyboard.b
    exec {keys_a}<> keyboard.a {keys_b}<> keyboard.b
    start chat a < keyboard.a > heard.a 2> a.err {keys_a}>&- {keys_b}>&-
    a=$!
    start chat b < keyboard.b > heard.b 2> b.err {keys_a}>&- {keys_b}>&-
    b=$!
    WHO=a await says "chat: b is there"
    WHO=b await says "chat: a is there"
}

# side SIDE [OPTION...]: start one of chat, with no input to wait for, ping or pong.
side() {
    case $1 in
        a | b) start chat "$@" < /dev/null > $1.out 2> $1.err ;;
        *) start "$@" > $1.out 2> $1.err ;;
    esac
    printf -v $1 %s $!
}

# bats test_tags=C68,C63
@test "fifo: over two FIFOs each side of a chat hears the other, not itself" {
    talkers
    echo from-a >&$keys_a
    await grep -qx from-a heard.b
    echo from-b >&$keys_b
    await grep -qx from-b heard.a
    [ "$(< heard.a)" = from-b ] && [ "$(< heard.b)" = from-a ]
    clean
    await asleep $a
    await asleep $b
    for who in a b; do
        [ "$(awk '{ print $14 + $15 }' "/proc/$(child "${!who}")/stat")" -le 2 ]
    done
    exec {keys_a}>&-
    finish $a
    finish $b
}

# bats test_tags=C68
@test "fifo: over a single FIFO a process reads its own words back" {
    mkfifo single
    exec {both}<> single
    echo mine >&$both
    read -r -t 2 words <&$both
    [ "$words" = mine ]
}

@test "fifo: end of input on one side ends both, and each says why" {
    for who in a b; do
        rm -f keyboard.*
        talkers
        if [ $who = a ]; then exec {keys_a}>&-; else exec {keys_b}>&-; fi
        finish $a
        finish $b
        grep -qx "chat: end of input: $(other $who) will end too" $who.err
        grep -qx "chat: $who has ended" "$(other $who).err"
        exec {keys_a}>&- {keys_b}>&-
    done
}

@test "fifo: chat carries both ways at once, more than both FIFOs hold" {
    head -c 1M /dev/urandom > sent.a
    head -c 1M /dev/urandom > sent.b
    mkfifo keyboard.a keyboard.b
    exec {keys_a}<> keyboard.a {keys_b}<> keyboard.b
    start chat a < keyboard.a > heard.a 2> a.err {keys_a}>&- {keys_b}>&-
    a=$!
    start chat b < keyboard.b > heard.b 2> b.err {keys_a}>&- {keys_b}>&-
    b=$!
    start cat sent.a >&$keys_a {keys_b}>&-
    one=$!
    start cat sent.b >&$keys_b {keys_a}>&-
    two=$!
    await cmp -s sent.a heard.b
    await cmp -s sent.b heard.a
    finish $one
    finish $two
    exec {keys_a}>&-
    finish $a
    finish $b
}

@test "fifo: a chat that nobody listens to still hears" {
    start chat a < /dev/zero > heard.a 2> a.err
    a=$!
    await asleep $a
    exec {mouth}> ipc.fifo.b {deaf}< ipc.fifo.a # we play b, and never read
    echo hello >&$mouth
    await grep -qx hello heard.a
    exec {deaf}<&-
    finish $a 1
    WHO=a says "chat: b is gone before its end"
}

@test "fifo: stopped with Ctrl-Z and continued, chat loses nothing" {
    talkers
    for line in one two three; do
        for who in $a $b; do
            await asleep $who
            stop STOP $who
            await stopped $who
        done
        echo $line >&$keys_a
        echo $line >&$keys_b
        stop CONT $a
        stop CONT $b
        await grep -qx $line heard.a
        await grep -qx $line heard.b
    done
    exec {keys_b}>&-
    finish $a
    finish $b
}

# bats test_tags=C64
@test "fifo: either side of both pairs may start first" {
    either_first a b ping pong
}

# bats test_tags=C64
@test "fifo: both sides of both pairs may start at the same moment, again and again" {
    at_once a
    at_once ping
}

@test "fifo: a row of pings meets a row of pongs" {
    start bash -c 'for i in {1..20}; do ping -n 5 > /dev/null || exit; done' 2> errors
    pings=$!
    start bash -c 'for i in {1..20}; do pong || exit; done' 2> errors
    pongs=$!
    WITHIN=10 await ended $pings
    finish $pings
    finish $pongs
}

@test "fifo: a side stopped while it waits for the other still meets it" {
    still_meets a b ping pong
}

# bats test_tags=C67
@test "fifo: told to stop while it waits, no side of a pair leaves a name" {
    told_to_stop a b ping pong
}

@test "fifo: of two that wait, one told to stop does not strand the other" {
    for who in a b ping pong; do
        waits $who
        one=${!who}
        waits $who
        stop TERM $one
        finish $one 143
        finish ${!who} 1
        clean
    done
}

@test "fifo: of two pongs or two pings that wait, one alone meets the other" {
    for pair in "pong ping" "ping pong"; do
        twin=${pair% *} other=${pair#* }
        side $twin
        first=$!
        side $twin
        second=$!
        await asleep $first
        await asleep $second
        side $other
        finish $!
        await ended $first
        await ended $second
        wait $first && first=0 || first=$?
        wait $second && second=0 || second=$?
        [ $((first + second)) = 1 ]
        clean
    done
}

@test "fifo: a killed side of a chat ends the other, which says so" {
    for who in a b; do
        rm -f keyboard.*
        talkers
        WHO=$(other $who)
        stop KILL "${!who}"
        finish "${!who}" 137
        finish "${!WHO}" 1
        says "chat: $who is gone before its end"
        exec {keys_a}>&- {keys_b}>&-
    done
}

@test "fifo: a killed ping or pong ends the other, which says so" {
    killed_ping
}

@test "fifo: a killed ping ends a pong that waits for room" {
    start pong 2> pong.err
    pong=$!
    await asleep $pong
    exec {deaf}< ipc.fifo.pong {mouth}> ipc.fifo.ping # we play ping
    printf '\x01\0\0\0\0\0\x10\0' >&$mouth
    head -c 1M /dev/zero >&$mouth
    await asleep $pong
    exec {deaf}<&- {mouth}>&-
    finish $pong 1
    WHO=pong says "pong: write to ping: Broken pipe"
}

@test "fifo: killed while it waits, a side leaves names that serve the next pair" {
    for who in a b ping pong; do
        waits $who
        stop KILL ${!who}
        finish ${!who} 137
        [ -p ipc.fifo.$who ]
        chmod 400 ipc.fifo.[ab] 2> /dev/null || : # as if it had been sealed
        waits "$(other $who)"
        [[ $who == p* || $(stat -c %a ipc.fifo.* | uniq) == 600 ]] # not sealed
        meets "$(other $who)"
    done
}

# both_settled: the survivor has ended, or waits for a peer that it has never met.
both_settled() {
    ended $survivor || { asleep $survivor && [[ $(wc -l < $WHO.err) = 1 ]]; }
}

@test "fifo: killed at any moment, one side ends the other, and the next pair works" {
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        sides=(a b ping pong)
        victim=${sides[i % 4]}
        WHO=$(other $victim)
        if ((i % 4 < 2)); then
            start chat $WHO < /dev/zero > /dev/null 2> $WHO.err
            survivor=$!
            start chat $victim < /dev/zero > /dev/null 2> $victim.err
        else
            start ping -n 10000000 2> ping.err > figures
            survivor=$!
            start pong 2> pong.err
            if [ $victim = pong ]; then killed=$!; else
                killed=$survivor survivor=$!
            fi
        fi
        ((i % 4 < 2)) && killed=$!
        read -rt "0.00$((RANDOM % 10))" -u $idle || :
        await child $killed > /dev/null
        stop KILL $killed
        await ended $killed
        wait $killed || :
        WITHIN=2 await both_settled
        if ended $survivor; then
            finish $survivor 1
            tail -n 1 $WHO.err | grep -E "is gone|Broken pipe"
        else
            stop TERM $survivor
            finish $survivor 143
        fi
        side $victim
        one=$!
        side $WHO
        finish $!
        finish $one
        clean
    done
}

# bats test_tags=C64
@test "fifo: what is not a FIFO of ours is refused by chat, ping and pong, unharmed" {
    mkfifo real theirs
    [ "$(id -u)" != 0 ] || chown 12345 theirs
    for who in a b ping pong; do
        for part in $who "$(other $who)"; do
            name=ipc.fifo.$part
            for make in 'echo precious >' mkdir 'ln -s real' 'ln -s nowhere' \
                'mv theirs'; do
                [[ $make != mv* || $(id -u) = 0 ]] || continue
                eval "$make $name"
                before=$(stat -c '%F %i %a %U %s' $name)
                side $who
                finish $! 1
                [ "$(tail -n 1 $who.err)" = "${who/[ab]/chat}: $name is not a FIFO of yours" ]
                [ "$(stat -c '%F %i %a %U %s' $name)" = "$before" ]
                [ "$(echo ipc.fifo.*)" = $name ] # and nothing else is left
                if [[ $make = mv* ]]; then mv $name theirs; else rm -r $name; fi
            done
        done
    done
}

@test "fifo: pong refuses a plan that is not ping's, and one that is cut short" {
    for plan in 'hello, who is there?' '\0\0\0\0\x08\0\0\0' '\x01\0\0\0\0\0\0\0' \
        '\xff\xff\xff\xff\x08\0\0\0' '\x01\0\0\0\x01\0\x10\0' \
        '\xc1\xd8\xa7\0\x01\0\0\0'; do
        side pong
        pong=$!
        await asleep $pong
        printf "$plan" > ipc.fifo.ping
        finish $pong 1
        grep -q "pong: this is not ping: " pong.err
        rm ipc.fifo.*
    done
    side pong
    pong=$!
    await asleep $pong
    printf 'four' > ipc.fifo.ping
    finish $pong 1
    WHO=pong says "pong: ping is gone before its end"
}

@test "fifo: ping refuses an echo that is not what it said" {
    side ping
    ping=$!
    await asleep $ping
    exec {echo}<> ipc.fifo.pong
    start cat ipc.fifo.ping > /dev/null {echo}>&-
    cat=$!
    head -c 4096 /dev/zero >&$echo
    finish $ping 1
    WHO=ping says "ping: the echo is not what was said"
    finish $cat
}

@test "fifo: ping reports five figures in order, or every round trip with -r" {
    figures "" "-s 1" "-s 100000"
    WHO=pong says "pong: 11 rounds of 100000 bytes"
}

# bats test_tags=C38,C39
@test "fifo: open sleeps for want of the other end, and O_NONBLOCK or O_RDWR do not" {
    run -0 timeout 10 open-modes
    [ "${lines[0]}" = "open O_RDONLY, no writer: state S" ]
    [ "${lines[1]}" = "open O_RDONLY, then a writer opens: both return" ]
    [ "${lines[2]}" = "open O_WRONLY, no reader: state S" ]
    [ "${lines[3]}" = "open O_WRONLY, then a reader opens: both return" ]
    [ "${lines[4]}" = "open O_RDWR, nobody else: returns" ]
    [ "${lines[5]}" = "read, a writer is there and silent: state S" ]
    [ "${lines[6]}" = "read, then the writer writes: both return" ]
    [ "${lines[7]}" = "open O_WRONLY|O_NONBLOCK, no reader: No such device or address" ]
    [ "${lines[8]}" = "open O_RDONLY|O_NONBLOCK, no writer: returns" ]
    [ "${lines[9]}" = "read O_NONBLOCK, no writer: 0 bytes" ]
    [ "${lines[10]}" = "open O_WRONLY|O_NONBLOCK, a reader is there: returns" ]
    [ "${lines[11]}" = "read O_NONBLOCK, a writer is there and silent: Resource temporarily unavailable" ]
    [ "${lines[12]}" = "open O_RDONLY|O_CREAT, no such name: a file: returns" ]
    [ "${lines[13]}" = "read of an empty file: 0 bytes" ]
    [ "${#lines[@]}" = 14 ]
    clean
}

# bats test_tags=C36,C37,C65,C66
@test "fifo: mkfifo and mknod make FIFOs, open a file; umask counts; the disk holds no data" {
    umask 0
    run -0 timeout 10 making
    [ "${lines[0]}" = "mkfifo 0664, umask 022: a FIFO, mode 0644" ]
    [ "${lines[1]}" = "mkfifo once more: File exists" ]
    [ "${lines[2]}" = "mkfifo 0666, umask 077: a FIFO, mode 0600" ]
    [ "${lines[3]}" = "mkfifo 0222, umask 0: a FIFO, mode 0222" ]
    [ "${lines[5]}" = "open O_CREAT 0600: a regular file, mode 0600" ]
    [ "${lines[6]}" = "mkfifo over the file: File exists" ]
    [ "${lines[7]}" = "mknod S_IFIFO 0600: a FIFO, mode 0600" ]
    [ "${lines[8]}" = "holding 5 bytes: size 0, blocks 0" ]
    [ "${lines[9]}" = "closed by all, opened again: 0 bytes" ]
    [ "${#lines[@]}" = 10 ]
    clean
}

# bats test_tags=C66
@test "fifo: a FIFO without read permission is made, and cannot be opened" {
    as=()
    if [ "$(id -u)" = 0 ]; then
        command -v setpriv > /dev/null || skip "needs setpriv, of util-linux"
        run -0 timeout 10 making
        [ "${lines[4]}" = "open it for reading: allowed, we are privileged" ]
        cp "$(command -v making)" /tmp/making.$$
        mkdir open && chmod 777 open
        exec {here}< open
        as=(setpriv --reuid 65534 --clear-groups)
        run -0 timeout 10 "${as[@]}" sh -c "cd /proc/self/fd/$here && exec /tmp/making.$$"
        rm /tmp/making.$$
    else
        run -0 timeout 10 making
    fi
    [ "${lines[4]}" = "open it for reading: Permission denied" ]
}

# bats test_tags=C107,C108,C126
@test "fifo: of many writers and readers on one FIFO nothing is lost, doubled or torn" {
    run -0 timeout 10 crowd
    sum=0
    for line in "${lines[@]:0:3}"; do
        [[ $line =~ ^"reader "[1-3]": "([0-9]+)" lines"$ ]]
        sum=$((sum + BASH_REMATCH[1]))
    done
    [ $sum = 3000 ]
    [ "${lines[3]}" = "sum: 3000 lines, 0 torn, and one of each" ]
    clean
}

@test "fifo: a killed reader or writer of the crowd, or its parent, ends them all" {
    command -v strace > /dev/null || skip "needs strace, to make the writers slow"
    for victim in reader writer parent; do
        start strace -qqfo /dev/null -e inject=write:delay_enter=100 \
            -e trace=write crowd > out 2> errors
        crowd=$!
        await all_there
        case $victim in
            reader) kill -9 ${crowds[0]} ;;
            writer) kill -9 ${crowds[3]} ;;
            parent) kill -9 $parent ;;
        esac
        if [ $victim = parent ]; then
            finish $crowd 137
        else
            finish $crowd 1
            grep -qx "crowd: a writer or a reader was killed, or failed" errors
            clean
        fi
        for pid in "${crowds[@]}"; do
            await ended $pid
        done
    done
}

# all_there: crowd, under strace, has its three readers and three writers.
all_there() {
    parent=$(child "$(child $crowd)") || return
    crowds=()
    read -ra crowds < "/proc/$parent/task/$parent/children" || : # no newline
    [ ${#crowds[@]} = 6 ]
} 2> /dev/null

@test "fifo: findings that cannot be written are an error, and leave nothing" {
    unwritable open-modes making crowd
    side pong
    run -1 --separate-stderr timeout 10 sh -c "exec ping -n 5 > /dev/full"
    [ "${stderr_lines[-1]}" = "ping: standard output: No space left on device" ]
    finish $!
    clean
}

@test "fifo: told to stop, open-modes, making and crowd leave no name" {
    mkfifo full
    exec {full}<> full
    head -c 64K /dev/zero >&$full # no room for findings: they sleep
    for program in open-modes making crowd; do
        for signal in HUP INT TERM; do
            start $program >&$full {full}>&-
            pid=$!
            await compgen -G "$program-*.fifo" > /dev/null
            await asleep $pid
            stop $signal $pid
            finish $pid $((128 + $(kill -l $signal)))
            clean
        done
    done
}

@test "fifo: a chat whose output cannot be written fails, and ends the other" {
    mkfifo keyboard.a
    exec {keys_a}<> keyboard.a
    start chat a < keyboard.a > heard.a 2> a.err {keys_a}>&-
    a=$!
    start chat b < /dev/zero > /dev/full 2> b.err {keys_a}>&-
    b=$!
    echo hello >&$keys_a
    finish $b 1
    finish $a 1
    WHO=a says "chat: b is gone before its end"
    tail -n 1 b.err | grep "^chat: write standard output: "
    exec {keys_a}>&-
}

@test "fifo: a closed descriptor is no place for a FIFO" {
    for who in 'chat a' ping pong; do
        for closed in '<&-' '>&-' '2>&-'; do
            run -1 --separate-stderr timeout 10 sh -c "exec $who $closed < /dev/null $closed"
            [[ $closed = '2>&-' || $stderr = *": descriptor "[01]": Bad file descriptor" ]]
        done
    done
    clean
}

@test "fifo: a usage error of the others has status 2, and --help is none" {
    helps chat ping pong open-modes making crowd
    run -2 timeout 10 chat
    run -2 timeout 10 chat c
    no_number ping -n 10000000
    no_number ping -s 1048576
    clean
}
