# msgq: two pairs, System V (writer, reader) and POSIX (posix-writer, posix-reader),
# that keep the same promises; ping and pong; the mesh; the programs of one fact.
# ROUNDS=500 tries longer. Queues are global, so each test has a name space of its
# own where the machine allows it, and a folder and names of its own anyway.

load helper # first: some of it is said again below

setup() {
    use msgq
    for rights in '' -Ur; do
        unshare $rights --ipc --mount true 2> /dev/null || continue
        mkdir mqueue
        unshare $rights --ipc --mount sh -c '
            mount -t mqueue none mqueue; echo $$ > ready; exec sleep 1000' \
            3>&- 4>&- {idle}>&- 2> /dev/null &
        await test -s ready
        holder=$(< ready)
        inside=(nsenter -t "$holder" ${rights:+-U} -i ${rights:+--preserve-credentials})
        break
    done
}

teardown() {
    [ -z "${holder-}" ] || kill $holder
}

# start PROGRAM...: as in helper.bash, but inside the name space.
start() {
    timeout 20 env --default-signal "${inside[@]}" "$@" <&0 3>&- 4>&- {idle}>&- &
}

# now PROGRAM...: the same in the foreground.
now() {
    timeout -k 1 20 env --default-signal "${inside[@]}" "$@" 3>&- 4>&- {idle}>&-
}

# asleep PID: nsenter, too, must have become the program.
asleep() {
    local pid name
    pid=$(child "$1" 2> /dev/null) || return
    read -r name < "/proc/$pid/comm" || return
    [[ $name != timeout && $name != env && $name != nsenter && $(state "$pid") == S ]]
} 2> /dev/null

# queues: mode and owner of each queue there is, those of this folder if outside.
queues() {
    if [ -n "${holder-}" ]; then
        "${inside[@]}" awk 'NR > 1 { print $3, $8 }' /proc/sysvipc/msg
        nsenter "${inside[@]:1}" -m ls -n "$PWD/mqueue" | awk 'NR > 1 { print $1, $3 }'
    else
        awk -v id=$(($(key 0))) 'NR > 1 && $1 % 16777216 == id { print $3, $8 }' /proc/sysvipc/msg
    fi
}

clean() {
    [ -z "$(queues)" ] || fail "left behind: $(queues)"
}

# key LETTER: what ftok makes of it and this folder.
key() {
    local code
    printf -v code %d "'$1"
    [ "$1" != 0 ] || code=0
    echo $((code << 24 | ($(stat -c %d .) & 0xff) << 16 | $(stat -c %i .) & 0xffff))
}

# left: outside a name space of our own we do not find POSIX queues.
left() {
    [ -z "${holder-}" ] || no clean
}

# names PREFIX: the pair of this kind, and what its queue is called.
names() {
    W=${1}writer R=${1}reader who=$1 operand=.
    if [ -n "$1" ]; then operand=/ipc-test-$$-$BATS_TEST_NUMBER; fi
}

# pairs: run the rest of the test's words with either pair.
pairs() {
    local kind
    for kind in '' posix-; do
        names "$kind"
        "$@" # no ||, which would let all but its last command fail unseen
    done
}

# keyboard: a terminal in which nobody has typed yet, open as descriptor $keys.
keyboard() {
    rm -f keyboard
    mkfifo keyboard
    exec {keys}<> keyboard
}

# bats test_tags=C43
@test "msgq: what goes into the writer comes out of the reader" {
    pairs carries_random 1M
}

@test "msgq: empty input, NULs and a missing final newline come out as they went in" {
    pairs carries '' 'a\0\0b\n\0end' x
}

@test "msgq: far more goes through than a queue holds" {
    head -c "${MEGABYTES:-24}M" /dev/urandom > sent
    pairs carry 20
}

# bats test_tags=C79
@test "msgq: either side may start first, and makes the queue, for its owner alone" {
    umask 000
    for kind in '' posix-; do
        names "$kind"
        start $R $operand > received
        reader=$!
        await asleep $reader
        [[ -z ${holder-} || $(queues) == 600* || $(queues) == -rw-------* ]]
        now $W $operand <<< hello
        finish $reader
        [ "$(< received)" = hello ]

        start $W $operand <<< hello
        writer=$!
        await asleep $writer
        [[ -z ${holder-} || $(queues) == 600* || $(queues) == -rw-------* ]]
        [ "$(now $R $operand)" = hello ]
        finish $writer
        clean
    done
}

# bats test_tags=C79
@test "msgq: both sides may start at the same moment" {
    pairs at_once
}

@test "msgq: one transfer after the other, and none gets into the next" {
    pairs in_a_row 20
}

@test "msgq: a typed line comes out at once, and both sleep until the next" {
    pairs typed
}

# bats test_tags=C74
@test "msgq: a message goes and comes whole, and the story counts them" {
    for kind in '' posix-; do
        names "$kind"
        printf hello > sent
        write_from sent -b 2
        read_to received
        finish $writer
        finish $reader
        WHO=writer says "$W: end of input: 5 bytes in 3 messages"
        WHO=reader says "$R: end of data: 5 bytes in 3 messages"
    done
}

@test "msgq: a killed side ends the other, which says so, and the next pair works" {
    pairs killed
}

@test "msgq: a killed reader ends a writer that waits for room" {
    pairs killed_full reader
}

@test "msgq: a reader that ends before it has written out all is no success" {
    pairs not_taken
}

@test "msgq: a reader whose output fills, and is woken in the middle, loses nothing" {
    for kind in '' posix-; do
        names "$kind"
        rm -f full
        mkfifo full
        exec {full}<> full
        head -c 200000 /dev/urandom > sent
        start $W -b 5001 $operand < sent {full}>&-
        writer=$!
        start $R $operand > full {full}>&-
        reader=$!
        await asleep $reader
        pause 0.15 # its clock cuts a write short
        head -c 200000 < full | cmp - sent
        finish $writer
        finish $reader
        exec {full}>&-
    done
}

@test "msgq: a writer that is late for the reader's answer still gets it" {
    command -v strace > /dev/null || skip "needs strace, to make the writer slow"
    for kind in '' posix-; do
        names "$kind"
        ASAN_OPTIONS=detect_leaks=0 start strace -qqo /dev/null -e trace=msgrcv,fcntl,pause \
            -e inject=msgrcv,fcntl,pause:delay_enter=20000 $W $operand <<< hello
        writer=$!
        [ "$(now $R $operand)" = hello ]
        finish $writer
        clean
    done
}

@test "msgq: killed at any moment, one side ends the other, and the next run works" {
    for kind in '' posix-; do
        names "$kind"
        head -c 3M /dev/urandom > sent
        for ((i = 0; i < ${ROUNDS:-3}; i++)); do
            read_to received
            write_from sent
            victim=$writer killed=writer survivor=$reader WHO=reader
            ((i % 2)) && victim=$reader killed=reader survivor=$writer WHO=writer
            pause "0.0$((RANDOM % 2))$((RANDOM % 10))"
            stop KILL $victim 2> /dev/null || :
            await ended $victim
            if wait $victim; then # it had ended already
                finish $survivor
                cmp sent received
                continue
            fi
            # Who takes its place meets the survivor, or is not harmed by it.
            if [ $killed = writer ]; then
                start $W $operand < sent 2> writer.err
            else
                mv received before
                start $R $operand > received 2> reader.err
            fi
            next=$!
            await ended $survivor
            wait $survivor && status=0 || status=$?
            [ $killed = reader ] || cp received before
            if [ $status = 0 ] && settle $next; then
                : # they have met
            elif [ $killed = reader ]; then # it may have had its last word already
                [ $status = 1 ] || cmp sent before
                now $W $operand < sent
            else # it may have sent all, and only not heard so
                [ $status = 1 ] || cmp sent before
                now $R $operand > received
            fi
            [ $status = 0 ] || says "$kind$WHO: the $killed is gone before the end"
            finish $next
            cmp sent received
            clean
        done
    done
}

# settle PID: true once it has ended, false if it has met nobody and sleeps on.
settle() {
    for ((j = 0; j < 40; j++)); do
        ended $1 && return
        pause 0.01
    done
    ended $1
}

# taken DESCRIPTOR: the lock under which a pair comes and goes is held by us.
taken() {
    local meeting=.
    if [ -n "$kind" ]; then meeting=/proc/$holder/root$PWD/mqueue$operand; fi
    exec {lock}< "$meeting"
    flock $lock
}

@test "msgq: told to stop while another comes in, a side ends by that signal" {
    for kind in '' posix-; do
        names "$kind"
        [ -n "${holder-}" ] || [ -z "$kind" ] || skip "needs an IPC name space, to find the queue"
        keyboard
        start $W $operand < keyboard {keys}>&-
        writer=$!
        await asleep $writer
        taken
        start $R $operand > received 2> errors {keys}>&- {lock}<&-
        reader=$!
        await asleep $reader
        stop TERM $reader
        finish $reader 143
        [ ! -s errors ]
        exec {lock}<&-
        start $R $operand > received {keys}>&-
        reader=$!
        echo hello >&$keys
        exec {keys}>&-
        finish $writer
        finish $reader
        [ "$(< received)" = hello ]
        clean
    done
}

@test "msgq: who comes in the place of one that was stopped or killed begins anew" {
    for kind in '' posix-; do
        names "$kind"
        for gone in writer reader; do
            [ $gone = writer ] && WHO=reader signal=KILL || WHO=writer signal=TERM
            typist
            stop STOP ${!WHO}
            await stopped ${!WHO}
            stop $signal ${!gone}
            finish ${!gone} $((128 + $(kill -l $signal)))
            if [ $gone = writer ]; then
                start $W $operand <<< fresh {keys}>&-
            else
                start $R $operand > fresh 2> /dev/null {keys}>&-
            fi
            next=$!
            await asleep $next
            stop CONT ${!WHO}
            echo more >&$keys
            finish ${!WHO} 1
            says "$kind$WHO: the $gone is gone before the end"
            exec {keys}>&-
            if [ $gone = writer ]; then
                now $R $operand > fresh
            else
                now $W $operand <<< fresh
            fi
            finish $next
            cmp fresh <(echo fresh)
            clean
        done
    done
}

@test "msgq: stopped with Ctrl-Z and continued, neither side loses anything" {
    pairs continued
}

@test "msgq: a side that waits says so and sleeps; told to stop, it removes the queue" {
    for kind in '' posix-; do
        names "$kind"
        for side in writer reader; do
            until='until a message is there'
            [ $side = reader ] || until='while the queue is full, until a reader takes some'
            for signal in HUP INT TERM; do
                start $kind$side $operand < /dev/zero 2> errors
                waiting=$!
                await asleep $waiting
                [[ $(< errors) =~ ^"$kind$side: m"[a-z_]*": sleeps $until"$ ]]
                stop $signal $waiting
                finish $waiting $((128 + $(kill -l $signal))) # it died of the signal
                clean
            done
        done
    done
}

@test "msgq: told to stop in the middle, a side ends the other and leaves nothing" {
    pairs in_the_middle
    pairs at_work
}

@test "msgq: told to stop at any moment, a side leaves nothing behind" {
    pairs at_any_moment writer reader
}

@test "msgq: what a killed run has left is not taken for the next one's data" {
    head -c 100 /dev/zero > zeros
    input=zeros
    pairs leftovers writer reader
}

@test "msgq: a second writer or reader is turned away, and does no harm" {
    for kind in '' posix-; do
        names "$kind"
        for side in writer reader; do
            keyboard
            start $kind$side $operand < keyboard > received 2> errors {keys}>&-
            first=$!
            await asleep $first
            run -1 --separate-stderr now $kind$side $operand < /dev/null
            [ "$stderr" = "$kind$side: $operand: another $side is here" ]
            if [ $side = writer ]; then
                echo hello >&$keys
                exec {keys}>&-
                now $R $operand > received
            else
                now $W $operand <<< hello
                exec {keys}>&-
            fi
            finish $first
            [ "$(< received)" = hello ]
        done
    done
}

# bats test_tags=C80
@test "msgq: a queue of another mode or owner is refused and not harmed" {
    command -v perl > /dev/null || skip "needs perl, to make a foreign queue"
    for project in q p n; do
        now perl -e 'defined msgget(shift, 01666) or die $!' "$(key $project)"
    done
    before=$(queues)
    for program in writer reader ping pong "node A"; do
        run -1 --separate-stderr now $program < /dev/null
        [ "$stderr" = "${program% *}: .: the queue is not one of ours" ]
    done
    [ "$before" = "$(queues)" ]
    for project in q p n; do
        now perl -e 'msgctl(msgget(shift, 0), 0, 0) or die $!' "$(key $project)"
    done
    clean
}

@test "msgq: another user's queue is refused and not harmed" {
    [ "$(id -u)" = 0 ] || skip "needs root, to be another user"
    [ -n "${holder-}" ] || skip "needs an IPC name space"
    command -v setpriv > /dev/null || skip "needs setpriv, of util-linux"
    for kind in '' posix-; do
        names "$kind"
        [ -n "$kind" ] || name=/ # a folder that anybody can reach
        cp "$(command -v $W)" "/tmp/msgq.$$"
        start setpriv --reuid 12345 --clear-groups "/tmp/msgq.$$" $operand < /dev/zero 2> errors
        theirs=$!
        await asleep $theirs
        stop KILL $theirs
        finish $theirs 137
        rm "/tmp/msgq.$$"
        before=$(queues)
        [ -n "$before" ]
        for side in writer reader; do
            run -1 --separate-stderr now $kind$side $operand < /dev/null
            [ "$stderr" = "$kind$side: $operand: the queue is not one of ours" ]
        done
        [ "$before" = "$(queues)" ]
    done
}

# open_queue NAME MESSAGES BYTES: a POSIX queue made by hand.
open_queue() {
    [ "$(uname -m)" = x86_64 ] || skip "knows the system call's number on x86-64 only"
    command -v perl > /dev/null || skip "needs perl, to make a foreign queue"
    now perl -e '$operand = substr(shift, 1); $attr = pack "q8", 0, @ARGV;
        syscall(240, $operand, 0102, 0600, $attr) >= 0 or die $!' "$@"
}

@test "msgq: a POSIX queue of another shape is refused and not harmed" {
    names posix-
    open_queue $operand 5 100
    for side in writer reader; do
        run -1 --separate-stderr now posix-$side $operand < /dev/null
        [ "$stderr" = "posix-$side: $operand: the queue is not one of ours" ]
    done
    [ -z "${holder-}" ] || [ "$(queues | wc -l)" = 1 ]
    perl -e 'exit' && now perl -e 'syscall(241, substr(shift, 1))' $operand
}

@test "msgq: a POSIX reader that a stranger has told the end too early ends the writer" {
    [ "$(uname -m)" = x86_64 ] || skip "knows the system call's number on x86-64 only"
    command -v perl > /dev/null || skip "needs perl, to send a message without text"
    names posix-
    keyboard
    start posix-writer $operand < keyboard 2> writer.err {keys}>&-
    writer=$!
    await asleep $writer
    now perl -e '$name = substr(shift, 1); $queue = syscall(240, $name, 1, 0, 0); $text = "";
        $queue >= 0 && syscall(242, $queue, $text, 0, 0, 0) == 0 or die $!' $operand
    now posix-reader $operand
    finish $writer 1
    WHO=writer says "posix-writer: the reader is gone before the end"
    clean
}

@test "msgq: a path or a name that will not do is an error that says why" {
    for side in writer reader; do
        run -1 now $side nowhere < /dev/null
        [ "$output" = "$side: open nowhere: No such file or directory" ]
        run -1 now posix-$side /a/b < /dev/null
        [ "$output" = "posix-$side: mq_open /a/b: Permission denied" ] ||
            [ "$output" = "posix-$side: mq_open /a/b: No such file or directory" ]
        run -1 now posix-$side slashless < /dev/null
        [[ $output == "posix-$side: mq_open slashless: "* ]] # musl takes it
    done
    clean
}

@test "msgq: output that cannot be written is an error, and ends the writer" {
    for kind in '' posix-; do
        names "$kind"
        start $W $operand < /dev/zero 2> writer.err
        writer=$!
        run -1 now sh -c "exec $R $operand > /dev/full"
        [ "${lines[-1]}" = "$R: write standard output: No space left on device" ]
        finish $writer 1
        run -1 now sh -c "exec $R $operand >&-"
        [ "$output" = "$R: standard output: Bad file descriptor" ]
        run -1 now sh -c "exec $W $operand <&-"
        [ "$output" = "$W: standard input: Bad file descriptor" ]

        start $W $operand < /dev/zero 2> writer.err
        writer=$!
        { now $R $operand 2> reader.err || echo $? > status; } | head -c 1 > first
        WHO=reader says "$R: write standard output: Broken pipe"
        [ "$(< status)" = 1 ]
        finish $writer 1
        clean
    done
}

@test "msgq: input that cannot be read is an error, not an empty input" {
    for kind in '' posix-; do
        names "$kind"
        start $R $operand 2> reader.err
        reader=$!
        await asleep $reader
        run -1 now $W $operand < .
        [ "${lines[-1]}" = "$W: read standard input: Is a directory" ]
        if settle $reader; then
            wait $reader && status=0 || status=$?
            [ $status = 1 ]
            WHO=reader says "$R: the writer is gone before the end"
        fi
        clean
    done
}

@test "msgq: a usage error of a pair has status 2, and --help is none" {
    for side in writer reader posix-writer posix-reader; do
        run -2 timeout 20 $side one two
        run -2 timeout 20 $side -x
        run -0 --separate-stderr timeout 20 $side --help
        [[ ${lines[0]} == "usage: $side "* && -z $stderr ]]
    done
    for side in writer posix-writer; do
        no_number $side -b 8192
    done
    clean
}

@test "msgq: ping and pong: either first, both at once, one pair after the other" {
    either_first ping pong
    at_once ping
}

@test "msgq: a second ping or pong is refused, and the first goes on" {
    second ping pong
}

@test "msgq: ping reports five figures in order, or every round trip with -r" {
    figures "" "-s 1" "-s 8192"
    WHO=pong says "pong: 11 rounds of 8192 bytes"
}

@test "msgq: a killed ping or pong ends the other, which says so, and the next pair works" {
    killed_ping
}

@test "msgq: told to stop, ping and pong leave nothing, waiting or at work" {
    told_to_stop ping pong
    for side in ping pong; do
        survivor=$(other $side)
        side ping -n 1000000
        side pong
        await grep -q rounds pong.err
        stop TERM ${!side}
        finish ${!side} 143
        finish ${!survivor} 1
        misses $survivor
        clean
    done
}

# speak LETTER TYPE TEXT...: send messages by hand into the queue that is there,
# quickly: a side soon sees that nobody is there who could have sent them.
speak() {
    command -v perl > /dev/null || skip "needs perl, to play a stranger"
    now perl -e 'my $id = msgget(shift, 0);
        while (@ARGV) {
            my $type = shift;
            msgsnd($id, pack("l! a*", $type, eval "qq(" . shift . ")"), 0) or die $!;
        }' "$(key $1)" "${@:2}"
}

@test "msgq: pong refuses a plan and a length that are not ping's, ping a wrong echo" {
    for plan in 'hi' '\x01\0\0\0\0\0\0\0' '\xff\xff\xff\xff\x08\0\0\0' \
        '\x01\0\0\0\x01\x20\0\0' '\xc1\xd8\xa7\0\x01\0\0\0'; do
        side pong
        await asleep $pong
        speak p 1 "$plan"
        finish $pong 1
        WHO=pong says "pong: this is not ping: no plan of rounds and bytes"
        clean
    done
    side pong
    await asleep $pong
    speak p 1 '\x02\0\0\0\x08\0\0\0' 2 'nine char'
    finish $pong 1
    WHO=pong says "pong: this is not ping: another length than agreed"
    for echo in 12345678 123; do
        side ping
        await asleep $ping
        speak p 3 $echo
        finish $ping 1
        WHO=ping says "ping: the echo is not what was said"
    done
    clean
}

@test "msgq: a foreign message in the pair's queue never crashes a side" {
    start reader > received 2> reader.err
    reader=$!
    await asleep $reader
    speak q 9 'of no type' 1 foreign
    finish $reader 1
    [ "$(< received)" = foreign ]
    WHO=reader says "reader: the writer is gone before the end"
    clean
}

# nodes [naive]: start A, B, C and D, with files said.A ... as what they say.
nodes() {
    for who in A B C D; do
        start node $who "$@" < said.$who > heard.$who 2> $who.err
        eval "$who=$!"
    done
}

# say COUNT BYTES: as many lines from each to each.
say() {
    local from to
    for from in A B C D; do
        for to in A B C D; do
            [ $from = $to ] || seq -f "$to %0$2.0f" "$1"
        done > said.$from
    done
}

# bats test_tags=C76
@test "msgq: four nodes send three hundred lines to each other, all in order" {
    say 300 1
    nodes
    for who in A B C D; do
        finish ${!who}
        WHO=$who says "node: all have ended"
    done
    for who in A B C D; do
        for from in A B C D; do
            [ $from = $who ] || sed -n "s/^$from: //p" heard.$who | cmp - <(seq 300)
        done
        [ "$(wc -l < heard.$who)" = 900 ]
    done
    clean
}

# bats test_tags=C76
@test "msgq: nodes that send before they receive fill the queue, and all sleep" {
    say 15 2000
    nodes naive
    for who in A B C D; do
        WITHIN=4 finish ${!who} 1
        WHO=$who
        tail -n 1 $who.err | grep -xE "node: (deadlock: the queue is full, nobody receives|. is gone before its end)"
    done
    grep -h deadlock ?.err
    clean
    nodes # the cure
    for who in A B C D; do
        finish ${!who}
        [ "$(wc -l < heard.$who)" = 45 ]
    done
    clean
}

# typing: four nodes, all there; type to A with >&$keys.
typing() {
    keyboard
    mkfifo silence
    exec {silence}<> silence
    for who in A B C D; do
        [ $who = A ] && from=keyboard || from=silence
        start node $who < $from > heard.$who 2> $who.err {keys}>&- {silence}>&-
        eval "$who=$!"
    done
    for who in A B C D; do
        WHO=$who await says "node: all are there"
    done
    rm silence
}

# bats test_tags=C76
@test "msgq: a typed line goes to its node, and a stopped node is in everybody's way" {
    typing
    echo "C hello" >&$keys
    await grep -qx "A: hello" heard.C
    stop STOP $D
    await stopped $D
    for ((i = 0; i < 20; i++)); do
        printf 'D %01000d\n' $i
    done >&$keys
    echo "C late" >&$keys
    pause 0.15
    [ "$(wc -l < heard.C)" = 1 ] # the queue is full of what D does not take
    stop CONT $D
    await grep -qx "A: late" heard.C
    echo "nobody hello" >&$keys
    await grep "nobody hello: not a letter of another node" A.err
    [ "$(wc -l < heard.B)" = 0 ] && [ "$(wc -l < heard.D)" = 20 ]
    exec {keys}>&- {silence}>&-
    for who in A B C D; do
        finish ${!who}
    done
    clean
}

@test "msgq: a node that is killed or told to stop ends the others, and leaves nothing" {
    for signal in KILL TERM; do
        typing
        stop $signal $B
        finish $B $((128 + $(kill -l $signal)))
        for who in A C D; do
            finish ${!who} 1
            WHO=$who
            tail -n 1 $who.err | grep -xE "node: [BACD] is gone before its end"
        done
        exec {keys}>&- {silence}>&-
        clean
        say 3 1
        nodes
        for who in A B C D; do
            finish ${!who}
        done
    done
}

@test "msgq: the last node, told to stop while it sends, removes the queue and dies of it" {
    typing
    stop STOP $B
    await stopped $B
    for ((i = 0; i < 20; i++)); do
        printf 'B %01000d\n' $i
    done >&$keys
    full() {
        now ipcs -q | grep -qE ' 16016 +16 *$'
    }
    await full
    for who in A C D; do
        stop STOP ${!who}
        await stopped ${!who}
    done
    for who in B C D; do
        stop KILL ${!who}
        finish ${!who} 137
    done
    # One thread removes the queue; the other, which that wakes, shall come first.
    taskset -acp "$(taskset -cp $$ | grep -oE '[0-9]+$')" "$(child $A)"
    chrt -ip 0 "$(child $A)"
    stop TERM $A
    stop CONT $A
    finish $A 143
    [ "$(tail -n 1 A.err)" = "node: all are there" ]
    exec {keys}>&- {silence}>&-
    clean
}

@test "msgq: a node that waits is told to stop; a second one of its name is refused" {
    for signal in HUP INT TERM KILL; do
        start node A < /dev/null 2> A.err
        A=$!
        await asleep $A
        run -1 --separate-stderr now node A < /dev/null
        [ "$stderr" = "node: .: another A is here" ]
        stop $signal $A
        finish $A $((128 + $(kill -l $signal)))
        [ $signal = KILL ] || clean
    done
    say 2 1
    nodes
    for who in A B C D; do
        finish ${!who}
    done
    clean
}

@test "msgq: what ping and a node print waits for room, and none is lost" {
    mkfifo full
    exec {full}<> full
    head -c 65536 /dev/zero >&$full
    for signal in INT ''; do
        side pong
        start ping -r -n 30 > full 2> ping.err {full}>&-
        ping=$!
        finish $pong # ping has left the queue, and prints
        await asleep $ping
        [ -z "$signal" ] || stop INT $ping
        [ -z "$signal" ] || finish $ping 130
    done
    for who in A B C D; do
        [ $who = C ] && out=full || out=heard
        [ $who = A ] && echo C hello > said.$who || : > said.$who
        start node $who < said.$who > $out 2> $who.err {full}>&-
        eval "$who=$!"
    done
    for who in A B D; do
        finish ${!who}
    done
    pause 0.15 # while their clocks tick
    head -c 65536 <&$full > /dev/null
    finish $ping
    finish $C
    head -n 31 <&$full > printed
    [ "$(grep -cxE '[0-9]+' printed)" = 30 ]
    grep -qx 'A: hello' printed
    clean
}

# bats test_tags=C46,C47,C48
@test "msgq: one list, from which the receiver takes by arrival, type or lowest type" {
    run -0 now by-type
    [ "${lines[1]}" = "type 0, the first of all: 3a 1b 2c 1d, then No message of desired type" ]
    [ "${lines[2]}" = "type 1, only these: 1b 1d, then No message of desired type" ]
    [ "${lines[3]}" = "type -2, the lowest up to 2: 1b 1d 2c, then No message of desired type" ]
    [ "${lines[4]}" = "type -3, the lowest up to 3: 1b 1d 2c 3a, then No message of desired type" ]
    [ "${lines[5]}" = "type 1 with MSG_EXCEPT, all others: 3a 2c, then No message of desired type" ]
    [ "${lines[6]}" = "msgsnd type 0: Invalid argument" ]
    [ "${lines[7]}" = "msgsnd type -1: Invalid argument" ]
    [ "${#lines[@]}" = 8 ]
}

# bats test_tags=C75
@test "msgq: reading takes a message away, copying does not" {
    run -0 now board
    [[ ${lines[0]} != *"Function not implemented"* ]] || skip "this kernel has no MSG_COPY"
    [ "${lines[0]}" = 'msgrcv MSG_COPY: "lost: a grey cat", on the board: 1' ]
    [ "${lines[1]}" = "${lines[0]}" ]
    [ "${lines[2]}" = 'msgrcv: "lost: a grey cat", on the board: 0' ]
    [ "${lines[3]}" = 'msgrcv: No message of desired type, on the board: 0' ]
}

# bats test_tags=C44,C74
@test "msgq: a queue holds less than a pipe; a message comes whole, or is cut if asked" {
    max=$("${inside[@]}" cat /proc/sys/kernel/msgmax)
    room=$("${inside[@]}" cat /proc/sys/kernel/msgmnb)
    run -0 now limits
    [ "${lines[0]}" = "messages of $((max + 1)) bytes: 0, then Invalid argument" ]
    [ "${lines[1]}" = "messages of $max bytes: $((room / max)), then Resource temporarily unavailable" ]
    [[ ${lines[2]} =~ ^"a pipe: "([0-9]+)" bytes"$ ]]
    [ "$room" != 16384 ] || ((BASH_REMATCH[1] > room || BASH_REMATCH[1] < 65536))
    [ "${lines[3]}" = "room for 100: Argument list too long, in the queue: 1" ]
    [ "${lines[4]}" = "room for 100: 100 bytes, in the queue: 0" ]
    for i in 1 2 3; do
        [ "${lines[4 + i]}" = "room for $max: $i bytes, in the queue: $((3 - i))" ]
    done
}

# bats test_tags=C43,C71,C72,C79,C80,C86
@test "msgq: msgget makes or finds by key; identifiers are no descriptors" {
    run -0 now identity
    [ "${lines[0]}" = "msgget(key, 0): No such file or directory" ]
    [ "${lines[1]}" = "msgget(key, IPC_CREAT | IPC_EXCL | 0600): a queue" ]
    [ "${lines[2]}" = "msgget(key, 0): the same queue" ]
    [ "${lines[3]}" = "msgget(key, IPC_CREAT | 0600): the same queue" ]
    [ "${lines[4]}" = "msgget(key, IPC_CREAT | IPC_EXCL | 0600): File exists" ]
    [ "${lines[5]}" = "in /proc/sysvipc/msg: 1 line" ]
    [[ ${lines[6]} =~ ^"identifiers: queue "[0-9]+", segment "[0-9]+", semaphores "[0-9]+$ ]]
    if [ -n "${holder-}" ]; then # a new space: the first of each kind have number 0
        [[ ${lines[6]} == *"segment 0, semaphores 0" ]]
    fi
    [ "${lines[7]}" = "read(identifier): Bad file descriptor" ]
    clean
}

# bats test_tags=C73,C78
@test "msgq: a removed queue wakes its sleepers, and its identifier does not come back" {
    run -0 now removal
    [ "${lines[0]}" = "removed under a sleeping msgrcv: Identifier removed" ]
    [ "${lines[1]}" = "the identifier, after that: Invalid argument" ]
    [ "${lines[2]}" = "made again under the same key: a new identifier" ]
    clean
}

# bats test_tags=C45,C86
@test "msgq: msgget checks what it is asked for, and the other calls check again" {
    if [ "$(id -u)" = 0 ]; then run -0 now rights; else
        run -0 timeout 20 rights # in a name space of its own it could not be another
    fi
    [ "${lines[0]}" = "msgget(key, 0): allowed" ]
    [ "${lines[1]}" = "msgget(key, 0400): Permission denied" ]
    [ "${lines[2]}" = "msgget(key, IPC_CREAT | 0600): Permission denied" ]
    [ "${lines[3]}" = "msgget(key, IPC_CREAT | IPC_EXCL | 0600): File exists" ]
    [ "${lines[4]}" = "msgsnd: Permission denied" ]
    [ "${lines[5]}" = "msgrcv: Permission denied" ]
    [ "$(id -u)" != 0 ] ||
        [ "${lines[6]}" = "msgctl IPC_RMID: Operation not permitted" ]
    clean
}

# bats test_tags=C81,C82,C85
@test "msgq: an inherited number, an integer, ftok or a file lead to the same queue" {
    run -0 now keys private
    [ "${lines[0]}" = "the identifier that fork hands down: the same queue" ]
    [ "${lines[1]}" = "IPC_PRIVATE once more: another queue" ]
    run -0 now keys integer
    [ "$output" = "another program with the same integer: the same queue" ]
    run -0 now keys ftok
    [ "${lines[0]}" = "ftok of the same folder and letter: the same queue" ]
    [ "${lines[1]}" = "ftok with another letter: No such file or directory" ]
    run -0 now keys file
    [ "${lines[0]}" = "the number in the file, no msgget: the same queue" ]
    [ "${lines[1]}" = "the number in the file, the queue is gone: Invalid argument" ]
    [ ! -e ipc.queue-id ]
    clean
}

# bats test_tags=C83,C84
@test "msgq: ftok gives two files one key, and one path two keys" {
    run -0 now collide
    if [ "${lines[0]}" != "/usr: no two files with one key" ]; then
        [[ ${lines[0]} =~ ^(.*)" and "(.*)": one key, 0x61"[0-9a-f]{6}$ ]]
        [ ! "${BASH_REMATCH[1]}" -ef "${BASH_REMATCH[2]}" ]
    fi
    [ "${lines[1]}" = "'a' and 0x161: one key, only 8 bits count" ]
    [ "${lines[2]}" = "the same path, saved anew: another key" ]
    [ "${lines[3]}" = "ftok of a missing file: -1, No such file or directory" ]
    [ "${lines[4]}" = "msgget(-1): makes a queue, with the key 0xffffffff" ]
    clean
    mkdir lonely
    run -0 now collide lonely
    [ "${lines[0]}" = "lonely: no two files with one key" ]
    [ -z "$(ls ipc.* 2> /dev/null)" ]
}

@test "msgq: a POSIX queue gives out by priority, and tells once that it is not empty" {
    run -0 now posix-order
    [ "${lines[1]}" = "a fifth message: Resource temporarily unavailable" ]
    [ "${lines[2]}" = "received: 9b 9d 5c 1a, then Resource temporarily unavailable" ]
    [ "${lines[3]}" = "a message into the empty queue: a signal, from the sender" ]
    [ "${lines[5]}" = "another, without asking again: no signal" ]
    [ "${lines[6]}" = "asked again, but the queue was not empty: no signal" ]
    clean
}

@test "msgq: a queue with no room for one message is refused, and not left" {
    [ -n "${holder-}" ] || skip "needs an IPC name space of its own: run as root"
    "${inside[@]}" sh -c 'echo 100 > /proc/sys/kernel/msgmnb' 2> /dev/null ||
        skip "needs to lower msgmnb: run as root"
    for program in writer ping; do
        run -1 now $program < /dev/null
        [ "$output" = "$program: .: a queue holds 100 bytes, not 8192: see msgmnb" ]
        clean
    done
}

@test "msgq: collide, out of descriptors, leaves no file" {
    mkdir lonely
    now sh -c 'ulimit -n 4; exec collide lonely' 3>&- 4>&- {idle}>&- 2> errors && false
    [[ $(< errors) == "collide: mkstemp"*": Too many open files"* ]]
    [ -z "$(ls ipc.* 2> /dev/null)" ]
}

facts=(by-type board limits identity removal rights keys collide posix-order)

@test "msgq: findings that cannot be written are an error, and leave nothing" {
    mkdir lonely
    exec {broken}> >(:)
    await ended $! # nobody reads: SIGPIPE
    for program in "${facts[@]}"; do
        case $program in
            keys) words=ftok ;;
            collide) words=lonely ;;
            *) words= ;;
        esac
        ! now $program $words 2> errors 1>&"$broken" || false
        clean
        for output in '> /dev/full' '>&-'; do
            run -1 --separate-stderr now sh -c "exec $program $words $output"
            [[ $stderr == "$program: "* ]]
            clean
        done
    done
    side pong
    run -1 --separate-stderr now sh -c "exec ping -n 5 > /dev/full"
    [ "${stderr_lines[-1]}" = "ping: standard output: No space left on device" ]
    finish $pong
    clean
}

@test "msgq: a usage error of the others has status 2, and --help is none" {
    for program in ping pong node "${facts[@]}"; do
        run -2 timeout 20 $program one two three
        run -2 timeout 20 $program one two
        run -0 --separate-stderr timeout 20 $program --help
        [[ ${lines[0]} == "usage: $program"* && -z $stderr ]]
    done
    run -2 timeout 20 ping -x
    run -2 timeout 20 node
    run -2 timeout 20 node E
    run -2 timeout 20 node AB
    run -2 timeout 20 node A wise
    run -1 --separate-stderr now sh -c 'exec node A <&-'
    [ "$stderr" = "node: standard input: Bad file descriptor" ]
    run -2 timeout 20 keys
    no_number ping -n 10000000
    no_number ping -s 8192
    clean
}
