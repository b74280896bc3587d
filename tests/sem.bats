# sem/ping and sem/pong take turns on semaphores; file-writer and file-reader are
# cat(1) cut in two by a file and its locks. Then the programs of one fact.
# Some of these block signals, so that only timeout -k ends them if they hang.
# ROUNDS=500 tries longer. Where the machine allows it, each test has a space of
# System V objects of its own, so that what is left behind can be counted.

load helper # first: some of it is said again below

W=file-writer R=file-reader unsure=writer

setup() {
    use sem
    inside=()
    [ -e "$BATS_FILE_TMPDIR/bin" ] || make_space
    holder=$(< "$BATS_FILE_TMPDIR/holder")
    [ -z "$holder" ] || read -ra inside < "$BATS_FILE_TMPDIR/inside"
    PATH=$BATS_FILE_TMPDIR/bin:$PATH
}

# make_space: once for all tests. Whoever is in the space keeps it; the programs
# that need it start in it, by scripts of their names.
make_space() {
    local space=() name
    cd "$BATS_FILE_TMPDIR" || return
    mkdir bin
    : > holder
    if unshare --ipc true 2> /dev/null; then
        space=(unshare --ipc) inside=(nsenter --ipc)
    elif unshare -Ur --ipc true 2> /dev/null; then
        space=(unshare -Ur --ipc) inside=(nsenter -U --preserve-credentials --ipc)
    fi
    if [ ${#space[@]} != 0 ]; then
        "${space[@]}" sleep 1000 3>&- 4>&- {idle}>&- &
        holder=$!
        await apart
        echo $holder > holder
        echo "${inside[@]}" -t $holder -- > inside
        for name in amounts crash handoff init mutex order philosophers ping \
            pong vector; do
            printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$(< inside)" \
                "$(command -v $name)" > bin/$name
        done
        chmod +x bin/*
    fi
    cd "$BATS_TEST_TMPDIR" || return
}

# apart: the holder has its space, and is what it will be.
apart() {
    [[ $(readlink /proc/$holder/ns/ipc) != "$(readlink /proc/self/ns/ipc)" &&
        $(< /proc/$holder/comm) == sleep ]]
} 2> /dev/null

teardown_file() {
    [ ! -s "$BATS_FILE_TMPDIR/holder" ] || kill -9 "$(< "$BATS_FILE_TMPDIR/holder")"
}

# What is left behind is the fault of this test, and none of the next one's.
teardown() {
    clean && return
    [ -z "$holder" ] || "${inside[@]}" ipcrm --all=sem
    return 1
}

# sets: how many sets of semaphores there are in our space.
sets() {
    "${inside[@]}" awk 'END { print NR - 1 }' /proc/sysvipc/sem
}

# clean: no file, no set, and no name of a posix that has ended: one that
# runs may be another's.
clean() {
    local name
    for name in /dev/shm/sem.ipc-posix-*; do
        [[ -e /proc/${name##*-} || ! -e $name ]] || return
    done
    [ ! -e ipc.file ] && [[ -z $holder || $(sets) == 0 ]]
}

# met: who does not know of the other yet does not miss it.
met() {
    WHO=writer says "file-writer: a reader is there" &&
        WHO=reader says "file-reader: a writer is there"
}

# left: outside a space of our own we cannot tell whose sets there are.
left() {
    [ -z "$holder" ] || no clean
}

# apart_sides: ping and pong wait side by side, for others than each other.
apart_sides() {
    mkdir -p one two
    operand=one waits ping
    operand=two waits pong
}

# bats test_tags=C40,C41
@test "sem: ping times the way to pong and back, and either may start first" {
    for first in ping pong; do
        waits $first
        meets $first
        WHO=pong says "pong: 22 rounds"
        WHO=ping says "ping: pong is there"
    done
    figures ""
}

@test "sem: ping prints every round trip with -r" {
    side pong
    now ping -r -n 30 > ping.out 2> ping.err
    finish $pong
    [ "$(grep -cxE '[0-9]+' ping.out)" = 30 ]
}

@test "sem: more rounds than one semaphore can count are told and played" {
    side ping -n 30000
    side pong
    WITHIN=10 finish $ping
    finish $pong
    WHO=pong says "pong: 33000 rounds"
}

@test "sem: ping and pong may start at the same moment, again and again" {
    at_once ping
}

@test "sem: a row of pings meets a row of pongs" {
    start bash -c 'for i in {1..20}; do ping -n 5 > /dev/null || exit; done' 2> errors
    pings=$!
    start bash -c 'for i in {1..20}; do pong || exit; done' 2> errors
    pongs=$!
    WITHIN=10 await ended $pings
    finish $pings
    finish $pongs
}

@test "sem: ping and pong sleep while they wait, and use no time" {
    apart_sides
    before=$(($(ticks $ping) + $(ticks $pong)))
    pause 0.15
    (($(ticks $ping) + $(ticks $pong) <= before + 1))
    for who in ping pong; do
        stop TERM ${!who}
        finish ${!who} 143
    done
}

@test "sem: stopped with Ctrl-Z and continued, ping and pong go on" {
    for who in ping pong; do
        waits $who
        suspend ${!who} # asleep in semop: EINTR, without any handler
        await asleep ${!who}
        case $who in
            ping) side pong ;;
            pong) side ping -n 10000 ;;
        esac
        await grep -q rounds pong.err       # they have met
        stop STOP ${!who} 2> /dev/null || : # it may have ended
        pause 0.12                          # the other looks: we are there
        stop CONT ${!who} 2> /dev/null || :
        finish $ping
        finish $pong
    done
}

@test "sem: told to stop while it waits, neither ping nor pong leaves a set" {
    for signal in HUP INT TERM; do
        apart_sides
        if [ -n "$holder" ]; then
            [ "$("${inside[@]}" awk 'NR > 1 { print $3, $4 }' /proc/sysvipc/sem | uniq)" = "600 4" ]
        fi
        for who in ping pong; do
            stop $signal ${!who}
            finish ${!who} $((128 + $(kill -l $signal)))
        done
        clean
    done
}

@test "sem: told to stop while another comes in, ping and pong die of that signal" {
    exec {door}< .
    flock $door
    for who in ping pong; do
        side $who
        await asleep ${!who}
        stop INT ${!who}
        finish ${!who} 130
        [ ! -s $who.err ]
    done
}

@test "sem: ping lets pong end, and is not disturbed, while nobody reads its figures" {
    mkfifo full
    exec {full}<> full
    head -c 64K /dev/zero >&$full
    start pong 2> pong.err
    pong=$!
    start ping -n 5 2> ping.err 1>&$full
    ping=$!
    finish $pong
    pause 0.15 # its clock ticks
    head -c 64K <&$full > /dev/null
    finish $ping
    read -r line <&$full
    [[ $line == min* ]]
}

@test "sem: told to stop in the middle, either ends the other, and says so" {
    for side in ping pong; do
        side ping -n 10000000
        side pong
        WHO=ping await says "ping: pong is there"
        stop INT ${!side}
        finish ${!side} 130
        survivor=$(other $side)
        finish ${!survivor} 1
        misses $survivor
        clean
    done
}

@test "sem: a killed ping or pong ends the other, which says so" {
    killed_ping
}

@test "sem: what a killed ping or pong leaves behind, the next one replaces" {
    leftovers ping pong
}

@test "sem: killed at any moment, one of ping and pong ends the other, and the next pair works" {
    for ((round = 0; round < ${ROUNDS:-3}; round++)); do
        side=ping
        ((round % 2)) && side=pong
        survivor=$(other $side)
        ((round % 4 < 2)) || side pong
        side ping -n 10000000
        ((round % 4 >= 2)) || side pong
        pause "0.0$((RANDOM % 3))$((RANDOM % 10))"
        await child ${!side} > /dev/null
        stop KILL ${!side}
        await ended ${!side}
        wait ${!side} || :
        WITHIN=2 await settled
        if ended ${!survivor}; then
            finish ${!survivor} 1
            misses $survivor
        else
            stop TERM ${!survivor}
            finish ${!survivor} 143
        fi
        works $side
    done
}

@test "sem: a second ping, or pong, is refused, and the first goes on" {
    second ping pong
}

@test "sem: ping does not wait for what a stranger has put into the set" {
    command -v python3 > /dev/null || skip "needs python3, to change a value"
    waits pong
    "${inside[@]}" python3 -c "
import ctypes
libc = ctypes.CDLL(None)
assert libc.semctl(libc.semget(libc.ftok(b'.', ord('V')), 4, 0), 2, 16, 7) == 0"
    side ping
    finish $ping 1
    WHO=ping says "ping: semop: Resource temporarily unavailable"
    finish $pong 1
    clean
}

# strangers PATH SEMAPHORES MODE...: make sets of sevens under these paths' keys.
strangers() {
    command -v python3 > /dev/null || skip "needs python3, to make a stranger's set"
    "${inside[@]}" python3 - "$@" <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
os.setuid(int(os.environ.get('STRANGER', os.getuid())))
for path, semaphores, mode in zip(*[iter(sys.argv[1:])] * 3):
    key = libc.ftok(path.encode(), ord('V'))
    id = libc.semget(key, int(semaphores), 0o1000 | int(mode, 8))
    assert id != -1, os.strerror(ctypes.get_errno())
    for i in range(int(semaphores)):
        assert libc.semctl(id, i, 16, 7) == 0
END
}

# sevens COUNT: so many values there are in our space, as strangers made them.
sevens() {
    local id
    for id in $("${inside[@]}" awk 'NR > 1 { print $2 }' /proc/sysvipc/sem); do
        "${inside[@]}" ipcs -s -i $id
    done > sets
    [ "$(grep -cE '^[0-9]+ +7 ' sets)" = $1 ]
}

remove_sets() {
    "${inside[@]}" ipcrm --all=sem
}

@test "sem: a set that is not one of ours is refused and not harmed" {
    [ -n "$holder" ] || skip "needs a space of its own"
    touch mode more fewer
    strangers mode 4 660 more 5 600 fewer 3 600
    for who in ping pong; do
        for path in mode more; do
            run -1 timeout -k 1 10 $who $path
            [ "$output" = "$who: $path: the set is not one of ours" ]
        done
        run -1 timeout -k 1 10 $who fewer
        [ "$output" = "$who: semget fewer: Invalid argument" ]
    done
    sevens 12
    remove_sets
}

@test "sem: another user's set is refused and not harmed" {
    [ -n "$holder" ] || skip "needs a space of its own"
    [ "$(id -u)" = 0 ] || skip "needs root, to be somebody else"
    STRANGER=65534 strangers . 4 600
    for who in ping pong; do
        run -1 timeout -k 1 10 $who
        [ "$output" = "$who: .: the set is not one of ours" ]
    done
    sevens 4
    remove_sets
}

# meddle PATH VALUE VALUE VALUE VALUE...: add to the sets, as an enemy would.
meddle() {
    "${inside[@]}" python3 - "$@" <<'END'
import ctypes, sys
libc = ctypes.CDLL(None)
for path, *values in zip(*[iter(sys.argv[1:])] * 5):
    id = libc.semget(libc.ftok(path.encode(), ord('V')), 0, 0)
    assert id != -1
    ops = b''
    for i, value in enumerate(map(int, values)):
        if value != 0:
            ops += b''.join(n.to_bytes(2, 'little') for n in (i, value, 0))
    assert libc.semop(id, ops, len(ops) // 6) == 0
END
}

@test "sem: ping and pong do not believe what an enemy puts into the set" {
    command -v python3 > /dev/null || skip "needs python3, to meddle"
    [ -n "$holder" ] || skip "needs a space of its own"
    pongs=()
    touch none most eleven
    for path in none most eleven; do
        start pong $path 2> $path.err
        pongs+=($!)
    done
    waits ping
    for waiter in "${pongs[@]}"; do
        await asleep $waiter
    done
    meddle none 1 0 0 0 most 1 0 32767 32767 eleven 1 0 336 0 . 0 30 0 0
    for waiter in "${pongs[@]}" $ping; do
        finish $waiter 1
    done
    [ "$(cat none.err most.err eleven.err | grep -cE "^pong: this is not ping: [0-9]+ rounds$")" = 3 ]
    WHO=ping says "ping: pong has said more than it heard"
    clean
}

@test "sem: a path that is not there is an error before any set is made" {
    for who in ping pong; do
        run -1 timeout -k 1 10 $who nowhere
        [ "$output" = "$who: ftok nowhere: No such file or directory" ]
    done
    echo key > key
    start pong key 2> pong.err
    pong=$!
    timeout -k 1 10 ping -n 5 key > figures 2> ping.err
    finish $pong
    [ "$(< key)" = key ]
}

# bats test_tags=data,C11
@test "sem: what goes into the file-writer comes out of the file-reader" {
    carries_random 1M
}

# bats test_tags=data
@test "sem: empty, with NULs, without a final newline, a file carries it all" {
    carries '' 'a\0\0b\n\0end' '\0' 'x' '\n\n'
}

# bats test_tags=data
@test "sem: a file carries much more than a block" {
    head -c "${MEGABYTES:-16}M" /dev/urandom > sent
    carry 20
}

@test "sem: either side of the file may start first" {
    either_first reader
    echo hello > sent
    write_from sent
    WHO=writer await says "file-writer: end of input: 6 bytes in 1 writes"
    [ "$(stat -c '%a %F' ipc.file)" = "600 regular file" ]
    read_to received
    both_end
    cmp sent received
    clean
}

@test "sem: both sides of the file may start at the same moment, again and again" {
    at_once
}

@test "sem: one file after the other, and none gets into the next" {
    in_a_row 8
}

# bats test_tags=C11
@test "sem: a line typed into the file comes out at once, and both sleep until the next" {
    typed
}

# bats test_tags=C11,C97
@test "sem: a second user's lock is refused, but cat reads without asking for one" {
    typist
    run -1 timeout -k 1 10 file-reader
    [ "$output" = "file-reader: ipc.file: another reader is here" ]
    run -1 timeout -k 1 10 file-writer < /dev/null
    [ "$output" = "file-writer: ipc.file: another writer is here" ]
    run -0 timeout -k 1 10 cat ipc.file # which does not sleep at the end, either
    [ "${lines[0]}" = "ipc.file: open   " ]
    [ "${lines[1]}" = met ]
    type_in world
    exec {keys}>&-
    both_end
}

@test "sem: a killed side of the file ends the other, which says so" {
    who=file- place=ipc.file killed
}

@test "sem: killed at any moment, one side of the file ends the other, and the next pair works" {
    who=file- place=ipc.file killed_at_random
}

@test "sem: stopped with Ctrl-Z and continued, neither side of the file loses anything" {
    continued
}

@test "sem: told to stop, neither side leaves a file, and the other ends" {
    in_the_middle
    told_to_stop writer reader
}

@test "sem: the file that a killed run leaves behind is replaced" {
    leftovers writer reader
}

@test "sem: what is not a file of ours is refused and not harmed" {
    echo precious > file
    cp file private
    chmod 600 private
    mkdir folder
    mkfifo fifo
    ln -s file link
    for name in file private folder fifo link /dev/null; do
        before=$(stat -c '%F %i %a %s' $name)
        for side in writer reader; do
            run -1 --separate-stderr timeout -k 1 10 file-$side $name <<< overwritten
            [[ $stderr == "file-$side: $name is not a file of ours" ||
                $stderr == "file-$side: open $name: Is a directory" ||
                $stderr == "file-$side: open $name: Too many levels of symbolic links" ]]
        done
        [ "$(stat -c '%F %i %a %s' $name)" = "$before" ]
    done
    [ "$(cat file private)" = "$(printf 'precious\nprecious')" ]
}

@test "sem: a file of another user, or for others too, is refused" {
    printf 'ipc.file: open   \n' > ipc.file
    chmod 644 ipc.file
    run -1 timeout -k 1 10 file-reader
    [ "$output" = "file-reader: ipc.file is not a file of ours" ]
    if [ "$(id -u)" = 0 ]; then
        chmod 600 ipc.file
        chown 12345 ipc.file
        run -1 timeout -k 1 10 file-writer <<< hello
        [ "$output" = "file-writer: ipc.file is not a file of ours" ]
    fi
    rm ipc.file
}

@test "sem: a file that is cut short or scribbled over is no end of the data" {
    for harm in 'truncate -s 0' 'truncate -s 20' 'dd conv=notrunc status=none if=/dev/zero count=1 of='; do
        typist
        if [[ $harm == dd* ]]; then ${harm}ipc.file; else $harm ipc.file; fi
        echo more >&$keys
        exec {keys}>&-
        await ended $reader
        await ended $writer
        wait $reader && status=0 || status=$?
        [[ $harm != dd* || $status == 1 ]]
        rm -f ipc.file
    done
}

# bats test_tags=C92,C93
@test "sem: with a semaphore no update is lost, without one many are" {
    run -0 timeout -k 1 10 mutex
    [ "$output" = "2 processes added 1, 1000 times each: 2000, lost 0" ]
    run -0 timeout -k 1 10 mutex unlocked
    [[ $output =~ ^"2 processes added 1, 1000 times each: "[0-9]+", lost "([0-9]+)$ ]]
    ((BASH_REMATCH[1] > 0))
}

# bats test_tags=C95
@test "sem: A, B and C come in turn, however often; without turns they do not" {
    [ "$(timeout -k 1 10 order)" = ABCABCABCABCABC ]
    [ "$(timeout -k 1 10 order -n 1)" = ABC ]
    [ "$(timeout -k 1 10 order -n 2000 | tr -d '\n' | sed 's/ABC//g' | wc -c)" = 0 ]
    run -0 timeout -k 1 10 order -n 10 unordered
    [[ $output != *ABCABCABC* ]]
    [ "$(grep -o . <<< "$output" | sort | uniq -c | tr -s ' \n' ' ')" = " 10 A 10 B 10 C " ]
}

# bats test_tags=C41,C98
@test "sem: changes to two semaphores are all made or none" {
    run -0 timeout -k 1 10 vector
    [ "${lines[0]}" = "semget: a new set: values 0 0" ]
    [ "${lines[1]}" = "+1 on the first: done: values 1 0" ]
    [ "${lines[2]}" = "-1 on both: Resource temporarily unavailable: values 1 0" ]
    [ "${lines[3]}" = "+1 on the second: done: values 1 1" ]
    [ "${lines[4]}" = "-1 on both: done: values 0 0" ]
    [ "${lines[5]}" = "+1 on the first, -1 on the second: Resource temporarily unavailable: values 0 0" ]
    [ ${#lines[@]} = 6 ]
}

# bats test_tags=C40,C94,C99
@test "sem: a semaphore counts in any amount, and who wants more than there is sleeps" {
    run -0 timeout -k 1 10 amounts
    [ "${lines[0]}" = "semget: a new set: value 0" ]
    [ "${lines[1]}" = "+5: done: value 5" ]
    [ "${lines[2]}" = "-3: done: value 2" ]
    [ "${lines[3]}" = "-3 with IPC_NOWAIT: Resource temporarily unavailable: value 2" ]
    [ "${lines[4]}" = "+32767: Numerical result out of range: value 2" ]
    [ "${lines[5]}" = "-3 by a child: state S: value 2" ]
    [ "${lines[6]}" = "+1: done: value 0" ]
    [ "${lines[7]}" = "+2: done: value 2" ]
    [ "${lines[8]}" = "0 by a child: state S: value 2" ]
    [ "${lines[9]}" = "-1: done: value 1" ]
    [ "${lines[10]}" = "0 by the child: state S: value 1" ]
    [ "${lines[11]}" = "-1: done: value 0" ]
    [ "${lines[12]}" = "0 by the child: done: value 0" ]
    [ ${#lines[@]} = 13 ]
}

# bats test_tags=C100
@test "sem: whoever comes first makes it: the naive way loses, always" {
    run -0 timeout -k 1 10 init naive
    [ "${lines[1]}" = "second: semget: returns" ]
    [ "${lines[2]}" = "second: takes it: Resource temporarily unavailable" ]
    [ "${lines[3]}" = "first: SETVAL 1" ]
    [ "${lines[4]}" = "first: takes it: done" ]
    [ "${lines[6]}" = "third: SETVAL 1" ]
    [ "${lines[7]}" = "third: takes it: done" ] # two are in
    [ ${#lines[@]} = 8 ]
}

# bats test_tags=C100
@test "sem: IPC_EXCL and sem_otime keep the second out until the set is ready" {
    run -0 timeout -k 1 10 init
    [ "${lines[0]}" = "first: semget: returns" ]
    [ "${lines[1]}" = "second: semget: File exists" ]
    [ "${lines[2]}" = "second: sem_otime is 0: not ready, waits" ]
    [ "${lines[3]}" = "first: semop +1" ]
    [ "${lines[4]}" = "second: sem_otime is set: ready" ]
    [ "${lines[5]}" = "second: takes it: done" ]
    [ "${lines[6]}" = "first: takes it: Resource temporarily unavailable" ]
    [ ${#lines[@]} = 7 ]
}

# bats test_tags=C96
@test "sem: anybody may give back a semaphore, only its owner a mutex" {
    run -0 timeout -k 1 10 handoff
    [ "${lines[3]}" = "semaphore: a child, which never took it, gives it back: value 1" ]
    [ "${lines[4]}" = "mutex: a child unlocks it: Operation not permitted" ]
    [ "${lines[5]}" = "semaphore: the parent takes it again: value 0" ]
    [ "${lines[6]}" = "mutex: the parent unlocks it: done" ]
}

# bats test_tags=C19,C97
@test "sem: of seven kinds of lock, four are freed when their holder is killed" {
    run -0 timeout -k 1 10 crash
    [ "${lines[0]}" = "System V semaphore  held: taken  killed: taken" ]
    [ "${lines[1]}" = "System V, SEM_UNDO  held: taken  killed: free" ]
    [ "${lines[2]}" = "POSIX semaphore     held: taken  killed: taken" ]
    [ "${lines[3]}" = "plain mutex         held: taken  killed: taken" ]
    [ "${lines[4]}" = "robust mutex        held: taken  killed: free, EOWNERDEAD" ]
    [ "${lines[5]}" = "fcntl lock          held: taken  killed: free" ]
    [ "${lines[6]}" = "flock               held: taken  killed: free" ]
    [ ${#lines[@]} = 7 ]
}

# bats test_tags=C14
@test "sem: a POSIX semaphore works alike between threads and between processes" {
    run -0 timeout -k 1 10 posix
    [ "${lines[0]}" = "4 threads, no name: 400000 of 400000" ]
    [ "${lines[1]}" = "4 processes, a name: 400000 of 400000" ]
}

@test "sem: philosophers who take both forks at once all eat; naive ones never do" {
    run -0 timeout -k 1 10 philosophers
    [ "$output" = "5 philosophers have eaten 1000 times each" ]
    run -0 timeout -k 1 10 philosophers naive
    [ "$output" = "deadlock: 5 hold the left fork and wait for the right one" ]
}

# crowd: order, whose children are stuck: nobody reads what they write.
crowd() {
    [ -p full ] || mkfifo full
    exec {full}<> full
    start order -n 1000000 > full 2> errors {full}>&-
    parent=$!
    await children
}

# children: the program has its children; remember them.
children() {
    local program
    program=$(child $parent) || return
    those=()
    read -ra those < "/proc/$program/task/$program/children" || :
    [ ${#those[@]} = 3 ]
} 2> /dev/null

all_ended() {
    for pid in "${those[@]}"; do
        await ended $pid
    done
}

@test "sem: told to stop, a program of several processes leaves none, and no set" {
    for signal in HUP INT TERM; do
        crowd
        stop $signal $parent
        finish $parent $((128 + $(kill -l $signal)))
        all_ended
        clean
    done
}

@test "sem: a killed child ends them all, and so does a killed parent" {
    for victim in 0 1 2; do
        crowd
        kill -9 ${those[victim]}
        finish $parent 1
        grep -x "order: a child was killed, or failed" errors
        all_ended
        clean
    done
    [ -n "$holder" ] || skip "needs a space of its own for the last part"
    crowd
    stop KILL $parent
    finish $parent 137
    all_ended
    "${inside[@]}" ipcrm --all=sem # nobody was left to do it
}

@test "sem: told to stop at any moment, a program of one fact leaves no set" {
    local most=${ROUNDS:-3}
    ((most < 50)) || most=50 # some take a fifth of a second
    programs=(mutex posix philosophers crash init amounts "philosophers naive")
    for ((i = 0; i < most; i++)); do
        start ${programs[i % 7]} > findings
        parent=$!
        await child $parent > /dev/null || :
        pause "0.0$((RANDOM % 5))$((RANDOM % 10))"
        stop TERM $parent 2> /dev/null || : # it may have ended
        await ended $parent
        wait $parent && status=0 || status=$?
        [[ $status = 0 || $status = 143 ]]
        clean
    done
}

@test "sem: output that cannot be written is an error, and leaves nothing" {
    for program in amounts crash handoff init "init naive" mutex order \
        philosophers posix vector; do
        for where in '> /dev/full' '>&-'; do
            status=0
            timeout -k 1 10 sh -c "exec $program $where" 2> errors || status=$?
            [ $status = 1 ]
            grep -q "standard output: " errors
        done
    done
    mkfifo pipe
    exec {both}<> pipe {end}> pipe {both}<&-
    start order 2> errors 1>&$end
    finish $! 1
    grep -q "standard output: Broken pipe" errors
    clean
    run -1 timeout -k 1 10 sh -c "exec ping -n 5 >&-"
    [ "$output" = "ping: standard output: Bad file descriptor" ]
    side pong
    run -1 timeout -k 1 10 sh -c "exec ping -n 5 > /dev/full"
    [[ $output == *"ping: standard output: No space left on device" ]]
    finish $pong
    start file-writer <<< hello 2> writer.err
    writer=$!
    run -1 timeout -k 1 10 sh -c "exec file-reader > /dev/full"
    [[ $output == *"file-reader: write standard output: No space left on device" ]]
    finish $writer 1
    for closed in 'writer <&-' 'writer 2>&-' 'reader >&-' 'reader 2>&-'; do
        run -1 timeout -k 1 10 sh -c "exec file-$closed"
        [ ! -e ipc.file ]
    done
}

# refuses PROGRAM WORD...: it ends with status 2, and says why in errors.
refuses() {
    local status=0
    timeout -k 1 10 "$@" > findings 2> errors || status=$?
    [[ $status = 2 && ! -s findings && -s errors ]]
}

@test "sem: a usage error has status 2, and --help is none" {
    for program in amounts crash file-reader file-writer handoff init mutex order \
        philosophers ping pong posix vector; do
        refuses $program one two three
        refuses $program -x
        timeout -k 1 10 $program --help > findings 2> errors
        [ ! -s errors ]
        read -r line < findings
        [[ $line == "usage: $program"* ]]
    done
    for program in init mutex order philosophers; do
        refuses $program wrong
    done
    for number in 0 -1 x 1x "" 10000001 99999999999999999999; do
        refuses ping -n "$number"
        [ "$(< errors)" = "ping: -n $number: not a number from 1 to 10000000" ]
        refuses order -n "$number"
        [ "$(< errors)" = "order: -n $number: not a number from 1 to 1000000" ]
    done
}
