# shm/writer and shm/reader carry data over System V shared memory and semaphores,
# posix-writer and posix-reader over a ring in POSIX shared memory. Each promise is
# tried with both. Then ping and pong, and the programs of one fact.
# ROUNDS=500 tries longer. System V objects live in an IPC namespace of our own
# where we may make one: then nothing else is in it, and nothing may stay in it.

load helper # first: some of it is said again below

setup_file() {
    export HOLDER='' ENTER=''
    if unshare --ipc true 2> /dev/null; then
        ENTER='nsenter --ipc'
        unshare --ipc sleep 1000 3>&- 4>&- &
    elif unshare -Ur --ipc true 2> /dev/null; then
        ENTER='nsenter -U --ipc --preserve-credentials'
        unshare -Ur --ipc sleep 1000 3>&- 4>&- &
    else
        return
    fi
    HOLDER=$!
    ENTER+=" -t $HOLDER"
    until [[ $(< /proc/$HOLDER/comm) == sleep ]]; do sleep 0.01; done
}

teardown_file() {
    [ -z "$HOLDER" ] || kill "$HOLDER"
}

setup() {
    use shm
    name=/ipc-test-$$-$BATS_TEST_NUMBER
    operand=$name # of ping and pong
}

teardown() {
    rm -rf "/dev/shm$name" "/dev/shm$name".*
}

# pairs: run the rest of the test's words with either pair: $W and $R are the two
# commands, which find each other in this folder or under our name.
pairs() {
    local kind
    for kind in '' posix-; do
        echo "# ${kind:-System V }writer and reader"
        W="$ENTER ${kind}writer" R="$ENTER ${kind}reader" who=$kind
        operand=${kind:+$name} place=$operand
        "$@" # no ||, which would let all but its last command fail unseen
        clean
    done
}

# clean: nothing is left. Without a namespace of our own we cannot tell whose
# System V objects there are.
clean() {
    [ ! -e "/dev/shm$name" ] || return
    if [ -n "$HOLDER" ]; then
        [[ $($ENTER wc -l /proc/sysvipc/shm /proc/sysvipc/sem) == *[[:space:]]"2 total" ]]
    fi
}

# left: a killed run could not tidy up.
left() {
    [ -z "$HOLDER$place" ] || no clean
}

# bats test_tags=data,C87,C51
@test "shm: what goes into the writer comes out of the reader" {
    pairs carries_random 1M
}

# bats test_tags=data
@test "shm: nothing, NULs, no final newline and the length of a slot or a ring come out" {
    pairs carries '' 'a\0\0b\n\0end'
    pairs carries_random 262144 262145 1048576 1048577
}

# bats test_tags=data,C87
@test "shm: many times as much as fits comes out" {
    pairs carries_slowly "${MEGABYTES:-64}M"
}

@test "shm: whoever sleeps is woken at once" {
    pairs woken
}

small() {
    head -c 20000 /dev/urandom > sent
    write_from sent -b 7
    read_to received
    both_end
    cmp sent received
    grep -E "^${who}writer: end of input: 20000 bytes in 2858 (slots|reads)$" writer.err
    grep -E "^${who}reader: end of data: 20000 bytes in [0-9]+ (slots|writes)$" reader.err
}

@test "shm: the story ends with how many bytes went in how many parts" {
    pairs small
}

# bats test_tags=C91
@test "shm: either side may start first, and makes it" {
    pairs either_first writer reader
}

# bats test_tags=C91
@test "shm: both sides may start at the same moment" {
    pairs at_once
}

@test "shm: one transfer after the other, and none gets into the next" {
    pairs in_a_row 10
}

# bats test_tags=data,C17
@test "shm: a typed line comes out at once, and both sleep until the next" {
    pairs typed
}

@test "shm: a killed side ends the other, which says so" {
    pairs killed
}

@test "shm: a killed side ends the other, also when all is full" {
    pairs killed_full writer reader
}

@test "shm: what a killed writer has put comes out before its end is told" {
    pairs what_was_put
}

@test "shm: a reader that ends before it has written out all is no success" {
    pairs not_taken
}

@test "shm: an output that takes only a part now takes the rest later" {
    pairs slow
}

@test "shm: killed at any moment, one side ends the other, and the next run works" {
    pairs killed_at_random
}

@test "shm: stopped with Ctrl-Z and continued, neither side loses anything" {
    pairs continued
}

@test "shm: told to stop while it waits, either side leaves nothing" {
    pairs told_to_stop writer reader
}

at_the_door() {
    place=.
    if [ -n "$operand" ]; then
        place=/dev/shm$name
        (umask 077 && : > $place)
    fi
    exec {door}< $place
    flock $door
    for side in writer reader; do
        if [ $side = writer ]; then write_from /dev/null; else read_to received; fi
        await asleep ${!side}
        [ ! -s $side.err ]
        stop INT ${!side}
        finish ${!side} 130
    done
    exec {door}<&-
    [ $place = . ] || rm $place # it was there before them
}

@test "shm: told to stop while another comes or goes, either side ends at once" {
    command -v flock > /dev/null || skip "needs flock, of util-linux"
    pairs at_the_door
}

@test "shm: told to stop at any moment, either side leaves nothing" {
    pairs at_any_moment writer reader
}

@test "shm: told to stop in the middle, a side ends the other" {
    pairs in_the_middle
    pairs at_work
}

@test "shm: what a killed run leaves behind does not harm the next" {
    pairs leftovers writer reader
}

after_a_killed_reader() {
    waits reader
    stop KILL $reader # its memory is left, and nobody is at it
    finish $reader 137
    either_first reader
}

@test "shm: a reader replaces what a killed reader has left" {
    pairs after_a_killed_reader
}

@test "shm: a new reader does not join what another broke off" {
    pairs broken_off
}

@test "shm: a second writer or reader is told that there is one" {
    pairs second writer reader
}

# bats test_tags=C91
@test "shm: a segment or semaphores of another size or mode are refused and not harmed" {
    [ -n "$HOLDER" ] || skip "needs an IPC namespace, not to touch what is not ours"
    command -v ipcmk > /dev/null || skip "needs ipcmk, of util-linux"
    # The key is what ftok makes of this folder and 'm'.
    waits_key() {
        W="$ENTER writer" R="$ENTER reader" who='' operand=''
        waits reader
        read -r key size < <($ENTER awk 'NR == 2 { print $1, $4 }' /proc/sysvipc/shm)
        stop TERM $reader
        finish $reader 143
    }
    waits_key
    cat > other.c <<'C'
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/shm.h>
int main(int c, char **v) { int key = atoi(v[2]), n = atoi(v[3]), mode = strtol(v[4], 0, 8);
 return (!strcmp(v[1], "shm") ? shmget(key, n, IPC_CREAT | IPC_EXCL | mode) : semget(key, n, IPC_CREAT | IPC_EXCL | mode)) == -1 || c != 5; }
C
    cc -o other other.c
    for what in "shm 100 600" "shm 4194304 600" "shm $size 666" "sem 1 600" "sem 250 600" "sem 5 666"; do
        $ENTER ./other ${what%% *} $key ${what#* }
        before=$($ENTER cat /proc/sysvipc/shm /proc/sysvipc/sem)
        for side in writer reader; do
            run -1 timeout 10 $ENTER $side < /dev/null
            [[ $output == "$side: the s"*" not "* ]]
        done
        [ "$($ENTER cat /proc/sysvipc/shm /proc/sysvipc/sem)" = "$before" ]
        $ENTER ipcrm -a
    done
    clean
}

@test "shm: what is not a ring of ours under the name is refused and not harmed" {
    object=/dev/shm$name
    echo precious > $object
    chmod 600 $object
    for program in posix-writer posix-reader ping pong; do
        run -1 timeout 10 $program $name < /dev/null
        [[ ${lines[-1]} == "$program: $name is not "*ours* ]]
        [ "$(< $object)" = precious ]
    done
    rm $object

    # The right size and the wrong mode.
    waits_ring() {
        W=posix-writer R=posix-reader who=posix- operand=$name
        waits reader
        size=$(stat -c %s $object)
        stop TERM $reader
        finish $reader 143
    }
    waits_ring
    truncate -s $size $object
    chmod 644 $object
    run -1 timeout 10 posix-reader $name
    [ "$output" = "posix-reader: $name is not a ring of ours" ]
    rm $object

    mkfifo -m 600 $object
    run -1 timeout 10 posix-reader $name
    [ "$output" = "posix-reader: $name is not a ring of ours" ]
    [ -p $object ] && rm $object

    mkdir $object
    run -1 timeout 10 posix-reader $name
    [[ $output == "posix-reader: shm_open $name: "* ]]
    rmdir $object

    ln -s precious $object
    run -1 timeout 10 posix-reader $name
    [ "$output" = "posix-reader: shm_open $name: Too many levels of symbolic links" ]
    rm $object

    if [ "$(id -u)" = 0 ]; then
        truncate -s $size $object
        chmod 600 $object
        chown 12345 $object
        for program in posix-writer posix-reader; do
            run -1 timeout 10 $program $name < /dev/null
        done
        [ "$(stat -c '%u %s' $object)" = "12345 $size" ]
    fi
}

@test "shm: objects are for their owner alone" {
    umask 0
    W=posix-writer R=posix-reader operand=$name
    for first in writer reader; do
        waits $first
        [ "$(stat -c %a /dev/shm$name)" = 600 ]
        meets $first
    done
    side pong
    await test -s pong.err
    [ "$(stat -c %a /dev/shm$name)" = 600 ]
    stop TERM $pong
    finish $pong 143
    [ -n "$HOLDER" ] || return 0
    W="$ENTER writer" R="$ENTER reader" operand=''
    for first in writer reader; do
        waits $first
        [ "$($ENTER awk 'NR == 2 { print $3 }' /proc/sysvipc/shm)" = 600 ]
        [ "$($ENTER awk 'NR == 2 { print $3 }' /proc/sysvipc/sem)" = 600 ]
        meets $first
    done
    clean
}

# scribble NAME OFFSET BYTES: over the object, as printf writes them.
# The victim may have seen it, and gone, before the last of several.
scribble() {
    printf "$3" | dd of=/dev/shm$1 bs=1 seek=$2 conv=notrunc,nocreat status=none || :
}

@test "shm: positions out of bounds in the ring are refused" {
    heads=('' '\1\0\20\0' '\377\377\377\377') # a reader is at 0
    tails=('' '\0\0\40\0' '\377\377\377\377') # a writer at 1048576
    for i in 1 2; do
        start posix-reader $name.r$i 2> reader$i.err
        readers[i]=$!
        start posix-writer $name.w$i < /dev/zero 2> writer$i.err
        writers[i]=$!
    done
    for i in 1 2; do
        await test -s reader$i.err
        await test -s writer$i.err
        await asleep ${writers[i]}
        scribble $name.r$i 0 "${heads[i]}"
        scribble $name.w$i 64 "${tails[i]}"
    done
    for i in 1 2; do
        finish ${readers[i]} 1
        grep "posix-reader: $name.r$i: [0-9]* of 1048576 bytes full: not from" reader$i.err
        finish ${writers[i]} 1
        grep "bytes full: not from posix-reader" writer$i.err
        [ ! -e /dev/shm$name.r$i ] && [ ! -e /dev/shm$name.w$i ]
    done
}

@test "shm: whoever scribbles all over the ring crashes nobody" {
    scribbler
    mkfifo keyboard
    exec {keys}<> keyboard
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        start posix-writer $name < keyboard 2> writer.err {keys}>&-
        writer=$!
        await test -s writer.err
        start ./scribbler /dev/shm$name > attached {keys}>&-
        hostile=$!
        await test -s attached # later the ring has no name any more
        start posix-reader $name > /dev/null 2> reader.err {keys}>&-
        reader=$!
        await test -s reader.err
        echo >&$keys # the writer looks at the ring again
        await ended $reader
        wait $reader && status=0 || status=$?
        [[ $status = [01] ]]
        await ended $writer
        wait $writer && status=0 || status=$?
        [[ $status = [01] ]]
        stop KILL $hostile
        await ended $hostile
        no grep -i sanitizer ./*.err
    done
    exec {keys}>&-
    clean
}

# scribbler: a hostile program. With a number, it puts this length into the first
# slot and says that it is full; else it keeps changing all lengths, or with the
# path of a ring all that lies before the bytes, until it is stopped.
scribbler() {
    command -v cc > /dev/null || skip "needs cc, for a program that scribbles"
    cat > scribbler.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>
#include CONTRACT
int main(int argc, char **argv) {
    volatile uint32_t *words;
    unsigned count = SHM_SLOTS;
    if (argc > 1 && argv[1][0] == '/') {
        words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open(argv[1], O_RDWR), 0);
        if (words == MAP_FAILED)
            return 1;
        count = offsetof(struct ring, bytes) / sizeof(*words);
    } else {
        key_t key = ftok(".", SHM_PROJECT);
        int id = shmget(key, 0, 0), set = semget(key, 0, 0);
        struct segment *s = shmat(id, NULL, 0);
        struct sembuf full = {FULL, 1, 0};
        if (id == -1 || set == -1 || s == (void *)-1)
            return 1;
        words = s->length;
        if (argc > 1) {
            words[0] = (uint32_t)strtoul(argv[1], NULL, 0);
            return semop(set, &full, 1) == -1;
        }
    }
    write(1, "attached\n", 9);
    for (unsigned i = 1;; i++)
        words[i % count] = i * 2654435761u;
}
C
    cc -O1 -w -DCONTRACT="\"$(realpath "$BATS_TEST_DIRNAME")/../shm/contract.h\"" -o scribbler scribbler.c
}

@test "shm: lengths out of bounds in the segment are refused" {
    scribbler
    W="$ENTER writer" R="$ENTER reader" operand=''
    for length in 262145 0xffffffff; do
        waits reader
        $ENTER ./scribbler $length
        finish $reader 1
        WHO=reader says "reader: a slot of $((length)) bytes: not from writer"
        clean
    done
    waits reader
    $ENTER ./scribbler 0 # looks like the end, but there is no writer to thank
    finish $reader
    clean
}

@test "shm: whoever scribbles all over the lengths crashes nobody" {
    scribbler
    W="$ENTER writer" R="$ENTER reader" operand=''
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        write_from /dev/zero
        await test -s writer.err
        start $ENTER ./scribbler > attached
        hostile=$!
        await test -s attached # later the segment has no key any more
        read_to /dev/null
        await ended $reader
        wait $reader && status=0 || status=$?
        [[ $status = [01] ]]
        await ended $writer
        wait $writer && status=0 || status=$?
        [[ $status = [01] ]]
        stop KILL $hostile 2> /dev/null || :
        await ended $hostile
        no grep -i sanitizer ./*.err
    done
    clean
}

@test "shm: no memory left for a ring is an error, not a death" {
    unshare -m true 2> /dev/null || skip "needs root, to have a small /dev/shm of its own"
    for program in posix-writer posix-reader pong; do
        run -1 timeout 10 unshare -m sh -c "mount -t tmpfs -o size=64k none /dev/shm &&
            $program $name < /dev/null; status=\$?; ls /dev/shm; exit \$status"
        [ "$output" = "$program: posix_fallocate $name: No space left on device" ]
    done
}

# A reader with no output never comes: its writer waits, and is told to stop.
no_output() {
    for output in '/dev/full' '&-'; do
        rm -f status
        write_from /dev/zero
        await test -s writer.err
        run -1 timeout 10 bash -c "exec $R $operand >$output"
        [[ $output == *"write standard output: No space left on device" ||
            $output == "${who}reader: descriptor 1: Bad file descriptor" ]]
        ended $writer || stop TERM $writer 2> /dev/null || :
        await ended $writer
        clean
    done
    write_from /dev/zero
    run timeout 10 bash -c "$R $operand | true; exit \${PIPESTATUS[0]}"
    [ $status = 1 ]
    [[ $output == *"write standard output: Broken pipe" ]]
    finish $writer 1
    run -1 timeout 10 bash -c "exec $W $operand <&-"
    [ "$output" = "${who}writer: descriptor 0: Bad file descriptor" ]
    run -1 timeout 10 $W $operand < .
    [[ $output == *": read standard input: Is a directory" ]]
}

@test "shm: input that cannot be read and output that cannot be written are errors" {
    pairs no_output
}

@test "shm: a path or a name that cannot be used is an error that says why" {
    for side in writer reader; do
        run -1 timeout 10 $side nowhere < /dev/null
        [ "$output" = "$side: ftok nowhere: No such file or directory" ]
        run -1 timeout 10 posix-$side /no/where < /dev/null
        [[ $output == "posix-$side: shm_open /no/where: "* ]]
        run -1 timeout 10 posix-$side "/$(printf '%0300d' 0)" < /dev/null
        # What is documented, and what glibc says instead.
        [[ $output == *": File name too long" || $output == *": Invalid argument" ]]
    done
}

@test "shm: a usage error has status 2, and --help is none" {
    helps writer reader posix-writer posix-reader ping pong bread lifetime addresses \
        making torn sealed handover
    no_number writer -b 262144
    no_number posix-writer -b 1048576
    no_number ping -n 10000000
    no_number ping -s 1048576
}

@test "shm: ping prints five figures, or each round trip" {
    figures "" "-s 1048576"
    WHO=pong says "pong: 11 rounds of 1048576 bytes, sleeping"
}

@test "shm: spinning, ping and pong call the kernel only to meet" {
    command -v strace > /dev/null || skip "needs strace, to count system calls"
    (($(nproc) > 1)) || skip "needs two CPUs, to spin on"
    strace -qqfo /dev/null true 2> /dev/null || skip "strace is not allowed here"
    export ASAN_OPTIONS=detect_leaks=0 # it cannot trace what is traced
    start strace -qqo pong.trace pong $name 2> pong.err
    pong=$!
    run -0 --separate-stderr timeout 10 strace -qqo ping.trace ping -p -n 1000 $name
    finish $pong
    [ "$(grep -c futex ping.trace)" -lt 20 ]
    [ "$(grep -c futex pong.trace)" -lt 20 ]
    [ "$(wc -l < ping.trace)" -lt 1000 ]
}

@test "shm: ping and pong may start in either order, or at once, again and again" {
    either_first ping pong
    at_once ping
}

@test "shm: a killed ping or pong ends the other, sleeping or spinning" {
    place=$name
    killed_ping
    killed_ping -p
}

@test "shm: told to stop, ping and pong leave nothing, and serve the next after a kill" {
    told_to_stop ping pong
    leftovers pong
    side pong
    side ping -pn 10000000
    await grep -q rounds pong.err
    stop INT $ping
    finish $ping 130
    finish $pong 1
    clean
}

@test "shm: ping refuses a false turn, and an echo that is not what it said" {
    for step in 1 7; do
        start pong $name 2> pong.err
        pong=$!
        start ping -n 1000000 $name > /dev/null 2> ping.err
        ping=$!
        await grep -q "rounds of" pong.err
        stop STOP $pong
        await stopped $pong
        await asleep $ping # it has said something, and waits for its turn
        for talk in /proc/"$(child $ping)"/fd/*; do
            [[ $(readlink $talk) != /dev/shm$name* ]] || break
        done
        turn=$(od -An -tu4 -N4 $talk)
        bytes=$(printf '%08x' $((turn + step)))
        printf "\\x${bytes:6:2}\\x${bytes:4:2}\\x${bytes:2:2}\\x${bytes:0:2}" 1<> $talk
        finish $ping 1
        [ $step = 7 ] && why="turn $((turn + 7)) after $((turn)): this is not pong" ||
            why="the echo is not what was said"
        WHO=ping says "ping: $why"
        stop KILL $pong
        finish $pong 137
    done
}

@test "shm: a second pong is refused, and the first goes on" {
    start pong $name 2> pong.err
    pong=$!
    await asleep $pong
    run -1 timeout 10 pong $name
    [ "$output" = "pong: $name: another pong is here" ]
    timeout 10 ping -n 5 $name > figures 2> ping.err
    finish $pong
}

@test "shm: a closed descriptor is an error before anything is made" {
    for side in writer reader posix-writer posix-reader ping pong; do
        for closed in 0 1 2; do
            eval "timeout 5 $side $closed>&-" 2> errors && status=0 || status=$?
            [ $status = 1 ]
            [ $closed = 2 ] || grep -x "$side: descriptor $closed: Bad file descriptor" errors
        done
    done
    clean
}

@test "shm: pong refuses a plan out of bounds" {
    plans=('\0\0\0\0\1\0\0\0' '\1\0\0\0\0\0\0\0' '\377\377\377\377\1\0\0\0'
        '\1\0\0\0\1\0\20\0' '\377\377\377\177\377\377\377\177' '\1\0\0\0\0\0\0\200')
    for ((i = 0; i <= ${#plans[@]}; i++)); do
        start pong $name.$i 2> pong$i.err
        pongs[i]=$!
    done
    for ((i = 0; i < ${#plans[@]}; i++)); do
        await test -s pong$i.err
        scribble $name.$i 64 "${plans[i]}"
        scribble $name.$i 0 '\1\0\0\0'
    done
    await test -s pong$i.err
    scribble $name.$i 0 '\7\0\0\0'
    finish ${pongs[i]} 1
    WHO=pong$i says "pong: turn 7 after 0: this is not ping"
    for ((i = 0; i < ${#plans[@]}; i++)); do
        finish ${pongs[i]} 1
        tail -n 1 pong$i.err | grep "^pong: this is not ping: "
        [ ! -e /dev/shm$name.$i ]
    done
}

@test "shm: a pong that was told a plan, asleep or spinning, notices that no ping is there" {
    for spin in 0 1; do
        start pong $name.$spin 2> pong$spin.err
        pong=$!
        await test -s pong$spin.err
        scribble $name.$spin 64 '\2\0\0\0\1\0\0\0'"\\$spin"
        scribble $name.$spin 0 '\1\0\0\0'
        finish $pong 1
        WHO=pong$spin says "pong: $name.$spin: ping is gone before its end"
        [ ! -e /dev/shm$name.$spin ]
    done
}

# bats test_tags=C15,C122
@test "shm: what a child sets, its parent sees only in shared memory" {
    run -0 timeout 10 $ENTER bread
    [ "${lines[0]}" = "a plain variable: the child sets 1, the parent sees 0" ]
    [ "${lines[1]}" = "one in shared memory: the child sets 1, the parent sees 1" ]
    [ "${#lines[@]}" = 2 ]
    clean
}

# bats test_tags=C90
@test "shm: a removed segment lives until the last process detaches" {
    run -0 timeout 10 $ENTER lifetime
    [ "${lines[0]}" = 'its maker has exited: "left behind"' ]
    [ "${lines[1]}" = "IPC_RMID: marked, attached 1" ]
    [ "${lines[2]}" = "shmget by its key: No such file or directory" ]
    [ "${lines[3]}" = 'read where it is attached: "left behind"' ]
    [ "${lines[4]}" = 'attached once more by its id: "left behind"' ]
    [ "${lines[5]}" = "one detached: 1 left" ]
    [ "${lines[6]}" = "the last detached: Invalid argument" ]
    [ "${#lines[@]}" = 7 ]
    clean
}

# waiting PID: lifetime is attached to its segment, which another process has made.
waiting() {
    asleep $1 &&
        $ENTER awk '$5 != $6 && $6 == pid && $7 == 1 { found = 1 } END { exit !found }' \
            pid="$(child $1)" /proc/sysvipc/shm
}

@test "shm: lifetime replaces what a killed one has left, not what another is at" {
    mkfifo full
    exec {full}<> full
    head -c 64K /dev/zero >&$full # no room for findings: it sleeps
    start $ENTER lifetime >&$full {full}>&-
    pid=$!
    await waiting $pid
    run -1 timeout 10 $ENTER lifetime
    [ "$output" = "lifetime: the segment under our key is not ours" ]
    stop KILL $pid
    finish $pid 137
    run -0 timeout 10 $ENTER lifetime
    [ "${#lines[@]}" = 7 ]
    clean
}

# bats test_tags=C91
@test "shm: who comes later gets the same segment, but not a larger one" {
    run -0 timeout 10 $ENTER making
    [ "${lines[0]}" = "IPC_CREAT, 100 bytes: the same segment" ]
    [ "${lines[1]}" = "IPC_CREAT, 1 byte: the same segment" ]
    [ "${lines[2]}" = "IPC_CREAT, 101 bytes: Invalid argument" ]
    [ "${lines[3]}" = "IPC_CREAT and IPC_EXCL: File exists" ]
    [ "${lines[4]}" = "another key: No such file or directory" ]
    [ "${lines[5]}" = "new memory: zeroes" ]
    [ "${lines[6]}" = "write to byte 99: done" ]
    [ "${lines[7]}" = "write to byte $(($(getconf PAGESIZE) - 1)): done" ]
    [ "${#lines[@]}" = 8 ]
    clean
}

# bats test_tags=C89,C87,C70
@test "shm: a segment is one memory at several addresses, and a file in maps" {
    run -0 timeout 10 $ENTER addresses
    [ "${lines[0]}" = "attached twice: two addresses" ]
    [ "${lines[1]}" = 'written at the first, read at the second: "here"' ]
    [ "${lines[2]}" = 'written by a child, at an address of its own: "from elsewhere"' ]
    [ "${lines[3]}" = "in maps: rw-s /SYSV00000000, and its inode is the id" ]
    [ "${lines[4]}" = "${lines[3]}" ]
    [ "${lines[5]}" = "that is 2 of our mappings" ]
    [ "${#lines[@]}" = 6 ]
    clean
}

# bats test_tags=C17,C51
@test "shm: what is half written is seen at once, unless a semaphore keeps it back" {
    run -0 timeout 10 $ENTER torn unlocked
    [ "${lines[0]}" = 'unlocked: the parent reads "new old"' ]
    [ "${lines[1]}" = 'when the child has ended: "new new"' ]
    for ((round = 0; round < ${ROUNDS:-3}; round++)); do # run takes i
        run -0 timeout 10 $ENTER torn
        [ "${lines[0]}" = 'with a lock: the parent reads "new new"' ]
    done
    clean
}

# bats test_tags=C10
@test "shm: ten thousand blocks are handed over" {
    run -0 timeout 10 $ENTER handover
    [ "${lines[0]}" = "10000 blocks of 4096 bytes: begin" ]
    [ "${lines[1]}" = "10000 blocks have come, 10000 as they were sent" ]
    [ "${#lines[@]}" = 2 ]
    clean
}

# bats test_tags=C10
@test "shm: handing them over takes no system call" {
    command -v strace > /dev/null || skip "needs strace, to count system calls"
    strace -qqfo /dev/null true 2> /dev/null || skip "strace is not allowed here"
    export ASAN_OPTIONS=detect_leaks=0 # it cannot trace what is traced
    run -0 timeout 10 $ENTER strace -qqfo trace handover
    run -0 awk '/begin|4096 bytes/ { n = 0; on = 1; next } /blocks have come/ { exit } on { n++ } END { print on, n }' trace
    [ "$output" = "1 0" ]
}

@test "shm: a killed child or parent leaves nobody who spins" {
    command -v strace > /dev/null || skip "needs strace, to make it slow"
    strace -qqfo /dev/null true 2> /dev/null || skip "strace is not allowed here"
    for victim in child parent; do
        start $ENTER strace -qqfo /dev/null -e trace=write -e inject=write:delay_enter=200000:when=1 \
            handover > out 2> errors
        handover=$!
        await both
        case $victim in
            child)
                kill -9 $spinner
                finish $handover 1
                grep "handover: the child is gone before its end" errors
                ;;
            parent)
                kill -9 $parent
                finish $handover 137
                await ended $spinner
                ;;
        esac
        clean
    done
}

# both: handover, under strace, has its child.
both() {
    parent=$(child "$(child $handover)") || return
    spinner=$(child $parent)
} 2> /dev/null

@test "shm: a child that is stopped and continued has not gone" {
    command -v strace > /dev/null || skip "needs strace, to make it slow"
    strace -qqfo /dev/null true 2> /dev/null || skip "strace is not allowed here"
    export ASAN_OPTIONS=detect_leaks=0 # it cannot trace what is traced
    start $ENTER strace -qqfo /dev/null -e trace=write -e inject=write:delay_enter=200000:when=1 \
        handover > out 2> errors
    handover=$!
    await both
    kill -STOP $spinner
    kill -CONT $spinner
    finish $handover
    grep -q 'blocks have come' out
}

@test "shm: sealed memory cannot be changed by anybody" {
    run -0 timeout 10 sealed
    for i in 1 2 3 4; do
        [[ ${lines[i]} == *": done" ]]
        [[ ${lines[i + 5]} == *": Operation not permitted" ]]
    done
    [ "${lines[10]}" = 'the receiver finds it sealed, and reads "Hello"' ]
    [ "${#lines[@]}" = 11 ]
}

@test "shm: findings that cannot be written are an error, and leave nothing" {
    for program in bread lifetime making addresses torn handover sealed; do
        run -1 timeout 10 $ENTER sh -c "exec $program > /dev/full"
        [[ $output == *"$program: standard output: No space left on device"* ]]
        run -1 timeout 10 $ENTER sh -c "exec $program >&-"
        [[ $output == *"$program: standard output: "* ]]
    done
    side pong
    run -1 --separate-stderr timeout 10 sh -c "exec ping -n 5 $name > /dev/full"
    [ "${stderr_lines[-1]}" = "ping: standard output: No space left on device" ]
    finish $pong
    clean
}
