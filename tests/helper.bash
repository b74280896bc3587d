# What every lesson's tests share.
bats_require_minimum_version 1.5.0

# use LESSON: its programs are on PATH, a learner's own in $BIN before ours, and
# an empty folder is ours to fill. No file may grow past 2 GiB, so that a program
# that spins cannot fill the disk.
use() {
    local top=$BATS_TEST_DIRNAME/..
    [[ -z ${BIN-} || $BIN = /* ]] || BIN=$top/$BIN
    [[ ${BUILD:=build} = /* ]] || BUILD=$top/$BUILD
    export LC_ALL=C PATH=${BIN:+$BIN/$1:}$BUILD/$1:$PATH
    ulimit -f 2097152
    cd "$BATS_TEST_TMPDIR" || return
    exec {idle}<> <(:) # nobody writes to it, so that pause can read from it
}

# start PROGRAM...: run it in the background, as a terminal would: signals as by
# default, standard input ours (a background job would read /dev/null). Fd 3 is
# how bats would wait for it. The time limit turns a hang into one failed test,
# even of a program that blocks signals.
start() {
    timeout -k 1 20 env --default-signal "$@" <&0 3>&- 4>&- {idle}>&- &
}

# pause SECONDS: without a process of its own, as sleep(1) would be.
pause() {
    read -rt "$1" -u "$idle" || :
}

# await CONDITION...: poll until it holds. A test never sleeps and hopes.
await() {
    local deadline=$((SECONDS + ${WITHIN:-5}))
    until "$@"; do
        if ((SECONDS > deadline)); then
            echo "never came true: $*" >&2
            return 1
        fi
        pause 0.005
    done
}

# child PID: the program that start put under timeout.
child() {
    local children
    read -r children < "/proc/$1/task/$1/children" || :
    [[ -n $children ]] && echo "${children%% *}"
}

# state PID: R, S, T, Z as ps shows it, the first letter after the name; nothing
# once it is gone. It is asked all the time: one line, no loop.
state() {
    local stat
    read -r stat < "/proc/$1/stat" || return 0
    stat=${stat##*) }
    echo "${stat:0:1}"
} 2> /dev/null

# asleep PID: the program that start began is blocked in the kernel. It must
# have become itself first: timeout and env sleep now and then as well.
asleep() {
    local pid name
    pid=$(child "$1" 2> /dev/null) || return
    read -r name < "/proc/$pid/comm" || return
    [[ $name != timeout && $name != env && $(state "$pid") == S ]]
} 2> /dev/null

# stopped PID: by Ctrl-Z, or by SIGSTOP.
stopped() {
    [[ $(state "$(child "$1")") == T ]]
}

# ticks PID: the CPU time it has used, in ticks of the clock.
ticks() {
    awk '{ print $14 + $15 }' "/proc/$(child "$1")/stat"
}

# says LINE: the last line that $WHO has told is this.
says() {
    [[ -s $WHO.err && $(tail -n 1 "$WHO.err") == "$1" ]]
}

# ended PID: it is gone, or a zombie that wait can collect.
ended() {
    [[ $(state "$1") =~ ^Z?$ ]]
}

# finish PID [STATUS]: it ends within 2 seconds, with this status (or 0).
finish() {
    local status=0
    if ! WITHIN=${WITHIN:-2} await ended "$1" 2> /dev/null; then
        accuse "$(child "$1")" "${WITHIN:-2}" >&2
        stop KILL "$1"
        return 1
    fi
    wait "$1" || status=$?
    if ((status != ${2:-0})); then
        echo "ended with status $status, not ${2:-0}" >&2
        return 1
    fi
}

# accuse PID SECONDS: say what a program that should have ended does instead.
accuse() {
    local name
    read -r name < "/proc/$1/comm"
    echo -n "$name did not end within $2 seconds: it "
    case $(state "$1") in
        R) echo "is busy, state R. Does it stop when read() returns 0, the end of file?" ;;
        S) echo "sleeps, state S. What does it wait for, and who should wake it?" ;;
        *) echo "is in state $(state "$1")." ;;
    esac
}

# fail MESSAGE: the test fails, and says why.
fail() {
    echo "$1" >&2
    return 1
}

# stop SIGNAL PID: send it to the program that start began.
stop() {
    kill -"$1" "$(child "$2")"
}

# now PROGRAM...: the same in the foreground.
now() {
    timeout -k 1 20 env --default-signal "$@" 3>&- 4>&- {idle}>&-
}

# no COMMAND...: it must fail; a bare ! would not stop a test.
no() {
    if "$@"; then return 1; fi
}

other() {
    case $1 in
        writer) echo reader ;;
        reader) echo writer ;;
        ping) echo pong ;;
        pong) echo ping ;;
        a) echo b ;;
        b) echo a ;;
    esac
}

# What follows is what each pair promises, said once, for the commands $W and $R
# with $operand behind their options. A lesson defines clean, which is true if
# nothing is left behind, and says again what is otherwise with its own pairs.

W=writer R=reader operand=''
who=''    # how the names in their story begin
place=''  # what they call it when the other is gone
unsure='' # the side that may end well though the other has not taken all

# write_from FILE [OPTION...], read_to FILE [OPTION...]: start one side; its
# number is in $writer, $reader.
write_from() {
    start $W "${@:2}" $operand < "$1" 2> writer.err
    writer=$!
}

read_to() {
    start $R "${@:2}" $operand > "$1" 2> reader.err
    reader=$!
}

# side SIDE [OPTION...]: start ping or pong, and its number is in $ping, $pong.
side() {
    start "$@" $operand > $1.out 2> $1.err
    printf -v $1 %s $!
}

# begins SIDE: start it, with little to do.
begins() {
    case $1 in
        writer) write_from ${input-/dev/null} ;;
        reader) read_to received ;;
        ping) side ping -n 20 ;;
        *) side $1 ;;
    esac
}

# waits SIDE: it begins without the other, and has told what it sleeps on.
waits() {
    begins $1
    await test -s $1.err
    await asleep ${!1}
}

# named: the writer, which came first, can be found by a reader.
named() { :; }

# met: both know that the other is there.
met() { :; }

# both_end [SECONDS]: and well.
both_end() {
    local WITHIN=${1:-${WITHIN:-5}}
    finish $writer
    finish $reader
}

# meets SIDE: the other of one that waits comes, and both end well.
meets() {
    local WITHIN=${WITHIN:-5} peer
    peer=$(other $1)
    begins $peer
    finish ${!1}
    finish ${!peer}
    clean
}

# carry [SECONDS]: what is in the file sent, through the pair.
carry() {
    write_from sent
    named
    read_to received
    both_end "$@"
    cmp sent received
    clean
}

# carries TEXT...: each, as printf writes it.
carries() {
    local text
    for text; do
        printf "$text" > sent
        carry
    done
}

# carries_random SIZE...: so many bytes, as head counts them.
carries_random() {
    local size
    for size; do
        head -c $size /dev/urandom > sent
        carry
    done
}

# carries_slowly SIZE: much more than fits, to a reader who is slow, so that the
# writer has to sleep again and again. Each time a whole tick would take too long.
carries_slowly() {
    head -c $1 /dev/urandom > sent
    write_from sent
    start bash -c "set -o pipefail; $R $operand 2> reader.err | cmp - sent"
    reader=$!
    both_end
}

# typist [FIRST]: a writer at a keyboard, open as $keys, and a reader; one of them
# is there before the other, if so said. A line has come.
typist() {
    rm -f keyboard
    mkfifo keyboard
    exec {keys}<> keyboard
    if [ "${1-}" = reader ]; then waits reader {keys}>&-; fi
    write_from keyboard {keys}>&-
    if [ "${1-}" = writer ]; then await asleep $writer; fi
    if [ "${1-}" != reader ]; then named; read_to received {keys}>&-; fi
    type_in met
}

# type_in LINE: it comes out.
type_in() {
    echo "$1" >&$keys
    await grep -qx "$1" received
}

# typed: a line comes out at once, and both sleep until the next.
typed() {
    local line before
    typist
    for line in one two; do
        type_in $line
        await asleep $writer
        await asleep $reader
    done
    before=$(($(ticks $writer) + $(ticks $reader)))
    pause 0.15
    (($(ticks $writer) + $(ticks $reader) <= before + 1))
    exec {keys}>&-
    both_end
    [ "$(wc -l < received)" = 3 ]
}

# last LINE: it is the last that was received. No process is started for this.
last() {
    mapfile -t lines < received
    [[ ${lines[-1]} == "$1" ]]
}

# woken: whoever sleeps is woken at once. Who is not finds out when it looks around
# the next time: ten lines would take a second.
woken() {
    local attempt line began
    typist
    for attempt in 1 2 3; do
        began=${EPOCHREALTIME/./}
        for line in {1..10}; do
            echo $attempt.$line >&$keys
            await last $attempt.$line
        done
        ((${EPOCHREALTIME/./} - began < 700000)) && break
    done
    exec {keys}>&-
    both_end
    [ $attempt != 3 ]
}

# arrived SIDE: if it is one of those who carry, what was sent has come.
arrived() {
    [[ $1 != writer && $1 != reader ]] || cmp sent received
}

# either_first SIDE...: whoever comes first waits for the other.
either_first() {
    local side input=sent
    for side; do
        echo "$side comes first" > sent
        waits $side
        meets $side
        arrived $side
    done
}

# at_once [SIDE]: it and the other start at the same moment.
at_once() {
    local round input=sent one=${1-writer} two
    two=$(other $one)
    for ((round = 0; round < ${ROUNDS:-3}; round++)); do
        echo "round $round" > sent
        if ((round % 2)); then begins $one; fi
        begins $two
        if ((round % 2 == 0)); then begins $one; fi
        finish ${!one}
        finish ${!two}
        arrived $one
        clean
    done
}

# in_a_row COUNT: one transfer after the other, and none gets into the next.
in_a_row() {
    start bash -c "for i in {1..$1}; do $W $operand <<< \$i || exit; done" 2> writer.err
    writer=$!
    start bash -c "for i in {1..$1}; do $R $operand || exit; done" > received 2> reader.err
    reader=$!
    both_end 10
    cmp received <(seq $1)
}

# misses SIDE: it says that the other has gone too early.
misses() {
    local line
    line=$(tail -n 1 $1.err)
    [[ $line =~ ^"$who$1: ${place:+$place: }"("the ")?"$(other $1) is gone before "(its|the)" end"$ ]] ||
        fail "$line"
}

# works SIDE: a pair of its kind does.
works() {
    case $1 in
        writer | reader) carries again ;;
        *) either_first $1 ;;
    esac
}

# killed: the other side ends, and says why; the next pair works.
killed() {
    local side survivor
    for side in writer reader; do
        survivor=$(other $side)
        typist $survivor # who waits has to see that somebody came
        await met
        stop KILL ${!side}
        finish ${!side} 137
        finish ${!survivor} 1
        misses $survivor
        exec {keys}>&-
        clean
        works $side
    done
}

# killed_ping [OPTION...]: the same of ping and pong.
killed_ping() {
    local side survivor
    for side in ping pong; do
        survivor=$(other $side)
        side pong
        side ping "$@" -n 10000000
        await grep -q rounds pong.err
        stop KILL ${!side}
        finish ${!side} 137
        finish ${!survivor} 1
        misses $survivor
        [ ! -s ping.out ]
        clean
        works $side
    done
}

# stuck: both sides sleep, for nobody reads from $full.
stuck() {
    rm -f full
    mkfifo full
    exec {full}<> full
    write_from /dev/zero {full}>&-
    named
    read_to full {full}>&-
    await met
    await asleep $reader
    await asleep $writer
}

# killed_full SIDE...: the same, while all is full.
killed_full() {
    local side
    for side; do
        stuck
        stop KILL ${!side}
        finish ${!side} 137
        if [ $side = writer ]; then
            start cat < full > /dev/null # now the reader can go on
            finish $reader 1
            stop TERM $!
        else
            finish $writer 1
        fi
        misses "$(other $side)"
        exec {full}>&-
        clean
    done
}

# not_taken: a reader that ends before it has written out all is no success.
not_taken() {
    local signal
    head -c 72K /dev/zero > sent
    for signal in INT KILL; do
        rm -f full
        mkfifo full
        exec {full}<> full # has not room for all
        write_from sent {full}>&-
        read_to full {full}>&-
        await grep -q 'end of input' writer.err
        await asleep $reader
        await asleep $writer
        stop $signal $reader
        finish $reader $((128 + $(kill -l $signal)))
        finish $writer 1
        misses writer
        exec {full}>&-
        clean
    done
}

# what_was_put: by a killed writer comes out before its end is told.
what_was_put() {
    mkfifo source full
    exec {full}<> full
    head -c 300000 /dev/urandom > part
    (cat part; exec sleep 10) 3>&- 4>&- {idle}>&- > source &
    source=$!
    write_from source
    read_to full
    await all_put
    stop KILL $writer
    finish $writer 137
    kill $source
    pause 0.25 # the reader could have noticed
    start head -c 300000 < full > received
    finish $!
    finish $reader 1
    cmp part received
    exec {full}>&-
    rm source full
}

# all_put: all is written into the pipe, and both wait for somebody else.
all_put() {
    local name
    read -r name < /proc/$source/comm
    [[ $name == sleep ]] && asleep $writer && asleep $reader
}

# settled: the survivor has ended, or waits for a peer that it has never met: it
# has looked around a few times, and is still there.
settled() {
    for _ in 1 2 3 4; do
        ended ${!survivor} && return
        pause 0.1
    done
    asleep ${!survivor}
}

# killed_at_random: at any moment; the other side ends, and the next run works.
killed_at_random() {
    local round side survivor killed status
    head -c "${1-3M}" /dev/urandom > sent
    for ((round = 0; round < ${ROUNDS:-3}; round++)); do
        write_from sent
        read_to received
        side=writer
        ((round % 2 == 0)) || side=reader
        survivor=$(other $side)
        pause "0.0$((RANDOM % 3))$((RANDOM % 10))"
        stop KILL ${!side} 2> /dev/null || : # it may have ended, or not begun
        await ended ${!side}
        wait ${!side} && killed=0 || killed=$?
        WITHIN=2 await settled
        if ! ended ${!survivor}; then
            # It never met the victim and waits for another: it shall have one.
            if [ $survivor = reader ]; then write_from sent; else read_to received; fi
            both_end
            cmp sent received
            continue
        fi
        wait ${!survivor} && status=0 || status=$?
        case $status in
            0) [ $killed = 0 ] || [ $survivor = "$unsure" ] || cmp sent received ;;
            1) misses $survivor ;;
            *) false ;;
        esac
        carry
    done
}

# suspend PID: as Ctrl-Z and fg do.
suspend() {
    await asleep $1
    stop STOP $1
    await stopped $1
    stop CONT $1
}

# still_meets SIDE...: the other, if it was stopped and continued while it waited.
still_meets() {
    local side
    for side; do
        waits $side
        suspend ${!side}
        await asleep ${!side}
        meets $side
    done
}

# continued: stopped and continued, neither side loses anything, be it asleep or
# with data that come meanwhile, for longer than a look at the other takes.
continued() {
    local side
    still_meets writer reader
    typist
    suspend $writer
    suspend $reader
    type_in one
    for side in $writer $reader; do
        await asleep $side
        stop STOP $side
        await stopped $side
    done
    echo two >&$keys
    pause 0.15
    stop CONT $writer
    stop CONT $reader
    await grep -qx two received
    stop STOP $reader
    await stopped $reader
    exec {keys}>&-
    pause 0.15
    stop CONT $reader
    both_end
    [ "$(wc -l < received)" = 3 ]
}

# slow: who can write out only a part now writes the rest later.
slow() {
    head -c 1M /dev/urandom > sent
    mkfifo full
    exec {full}<> full
    write_from sent
    named
    read_to full
    await met
    suspend $reader
    start head -c 1M < full > received
    both_end
    finish $!
    cmp sent received
    exec {full}>&-
    rm full
}

# told_to_stop SIDE...: while it waits, it leaves nothing, and dies of the signal.
told_to_stop() {
    local side signal
    for side; do
        for signal in HUP INT TERM; do
            waits $side
            stop $signal ${!side}
            finish ${!side} $((128 + $(kill -l $signal)))
            clean
        done
    done
}

# at_any_moment SIDE...: told to stop, it leaves nothing.
at_any_moment() {
    local round side sides=("$@")
    for ((round = 0; round < $# * ${ROUNDS:-3} / 2; round++)); do
        side=${sides[round % $#]}
        begins $side
        await child ${!side} > /dev/null
        pause "0.00$((RANDOM % 8))"
        stop TERM ${!side}
        finish ${!side} 143
        clean
    done
}

# in_the_middle: told to stop, either side ends the other.
in_the_middle() {
    local side peer
    for side in writer reader; do
        peer=$(other $side)
        typist
        await met
        stop INT ${!side}
        finish ${!side} 130
        finish ${!peer} 1
        exec {keys}>&-
        clean
    done
}

# at_work: the same while much is on the way.
at_work() {
    local side peer cat
    for side in writer reader; do
        peer=$(other $side)
        stuck
        start cat < full > /dev/null {full}>&-
        cat=$!
        exec {full}>&-
        stop INT ${!side}
        finish ${!side} 130
        finish ${!peer} 1
        finish $cat
        clean
    done
}

# left: a killed run could not tidy up.
left() {
    no clean
}

# leftovers SIDE...: what it leaves behind when it is killed does not harm the next.
leftovers() {
    local side
    for side; do
        waits $side
        stop KILL ${!side}
        finish ${!side} 137
        left
        works $side
        waits $side
        stop KILL ${!side}
        finish ${!side} 137
        either_first "$(other $side)"
    done
}

# broken_off: a new reader does not join what another has broken off.
broken_off() {
    typist
    stop STOP $writer
    await stopped $writer
    stop KILL $reader # the writer does not know yet
    finish $reader 137
    start $R $operand > next 2> next.err {keys}>&-
    next=$!
    await test -s next.err
    exec {keys}>&-
    stop CONT $writer
    finish $writer 1
    [ ! -s next ]
    echo new > sent
    write_from sent
    finish $writer
    finish $next
    cmp sent next
}

# second SIDE...: one who comes while another waits is told so.
second() {
    local side again
    for side; do
        waits $side
        case $side in
            writer) again=$W ;;
            reader) again=$R ;;
            *) again=$side ;;
        esac
        run -1 now $again $operand < /dev/null
        [[ $output == "${again##* }: "*": another $side is here" ]]
        meets $side
    done
}

# figures OPTIONS...: with each, ping prints five in order, and with -r each round.
figures() {
    local options
    for options; do
        side pong
        now ping -n 30 $options $operand > ping.out 2> ping.err
        finish $pong
        grep "^pong: 33 rounds" pong.err
        [ "$(cut -c 1-9 ping.out | tr -s ' \n' ' ')" = "min median 90 % 99 % max " ]
        [ "$(grep -cE '^.{8} [ 0-9]{6,7}\.[0-9]{1,2} us$' ping.out)" = 5 ]
        cut -c 9-18 ping.out | sort -cn
        side pong
        now ping -r -n 10 $options $operand > ping.out
        finish $pong
        [ "$(grep -cxE '[0-9]+' ping.out)" = 10 ]
    done
    clean
}

# unwritable PROGRAM...: findings that cannot be written are an error.
unwritable() {
    local program closed
    for program; do
        for closed in '> /dev/full' '>&-'; do
            run -1 now sh -c "exec $program < /dev/null $closed"
            [[ $output == *"$program: standard output: "[BN]* ]]
        done
        clean
    done
}

# helps PROGRAM...: a usage error has status 2, and --help is none.
helps() {
    local program
    for program; do
        run -2 now $program one two three four five
        run -2 now $program -x
        run -0 --separate-stderr now $program --help
        [[ ${lines[0]} == "usage: $program"* && -z $stderr ]]
    done
}

# no_number PROGRAM OPTION MOST: what is none, or too large, is a usage error.
no_number() {
    local number
    for number in 0 -1 x 0x 1x "" " " $(($3 + 1)) 99999999999999999999; do
        run -2 now $1 $2 "$number"
        [ "$output" = "$1: $2 $number: not a number from 1 to $3" ]
    done
}
