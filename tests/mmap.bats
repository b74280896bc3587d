# mmap/writer and mmap/reader carry data through a file that both have mapped,
# ping and pong talk through another. Then the programs of one fact.
# ROUNDS=500 tries longer.

load helper # first: some of it is said again below

setup() {
    use mmap
    place=ipc.map
}

# map_of SIDE: the file that it has open, whether there is a name or not.
map_of() {
    local fd
    for fd in "/proc/$(child ${!1})"/fd/*; do
        [[ $(readlink "$fd") == *.map* ]] && echo "$fd"
    done
}

# clean: no map is left, under no name.
clean() {
    [ "$(echo *.map*)" = '*.map*' ]
}

# bats test_tags=data,C120
@test "mmap: what goes into the writer comes out of the reader" {
    carries_random 3M
}

# bats test_tags=data
@test "mmap: nothing, NULs, no final newline and the length of a slot or of all come out" {
    carries '' 'a\0\0b\n\0end'
    carries_random 262144 262145 1048575 1048577
}

# bats test_tags=data
@test "mmap: many times as much as fits comes out" {
    carries_slowly "${MEGABYTES:-32}M"
    clean
}

@test "mmap: whoever sleeps is woken at once" {
    woken
}

@test "mmap: the story ends with how many bytes went in how many slots" {
    head -c 20000 /dev/urandom > sent
    write_from sent -b 7
    read_to received
    both_end
    cmp sent received
    WHO=writer says "writer: end of input: 20000 bytes in 2858 slots"
    WHO=reader says "reader: end of data: 20000 bytes in 2858 slots"
}

@test "mmap: either side may start first, and makes the file for its owner alone" {
    umask 0
    for side in writer reader ping pong; do
        waits $side
        if [ $side = ping ]; then
            clean # it looks for what pong makes
        else
            [[ $(stat -c '%a %F' *.map) == "600 regular file" ]]
        fi
        meets $side
    done
}

# bats test_tags=C120
@test "mmap: what waits in the map stands in the file, for read to find" {
    echo "Can you hear me?" > sent
    write_from sent
    await grep -aq "Can you hear me?" ipc.map
    read_to received
    both_end
    cmp sent received
}

@test "mmap: both sides may start at the same moment" {
    at_once
}

@test "mmap: one transfer after the other, and none gets into the next" {
    in_a_row 20
}

# bats test_tags=data
@test "mmap: a typed line comes out at once, and both sleep until the next" {
    typed
}

@test "mmap: a killed side ends the other, which says so" {
    killed
}

@test "mmap: a killed side ends the other, also when all is full" {
    killed_full writer reader
}

@test "mmap: what a killed writer has put comes out before its end is told" {
    what_was_put
}

@test "mmap: a reader that ends before it has written out all is no success" {
    not_taken
}

@test "mmap: an output that takes only a part now takes the rest later" {
    slow
}

@test "mmap: killed at any moment, one side ends the other, and the next run works" {
    killed_at_random
}

@test "mmap: stopped with Ctrl-Z and continued, neither side loses anything" {
    continued
}

@test "mmap: told to stop while it waits, each program leaves nothing" {
    told_to_stop writer reader ping pong
}

@test "mmap: told to stop at any moment, either side leaves nothing" {
    at_any_moment writer reader
}

@test "mmap: told to stop while somebody else is at the door, a side goes at once" {
    for side in writer reader; do
        : > ipc.map
        chmod 600 ipc.map
        exec {door}< ipc.map
        flock $door
        start $side < /dev/null {door}<&-
        visitor=$!
        await asleep $visitor
        stop TERM $visitor
        finish $visitor 143
        exec {door}<&-
        rm ipc.map # it belonged to whoever was at the door
    done
}

@test "mmap: told to stop in the middle, a side ends the other" {
    in_the_middle
    at_work
}

@test "mmap: what a killed run leaves behind does not harm the next" {
    leftovers writer reader
    waits reader
    size=$(stat -c %s ipc.map)
    stop TERM $reader
    finish $reader 143
    for half in 0 $size; do # killed before it has made the file, or locked it
        truncate -s $half ipc.map
        chmod 600 ipc.map
        carries again
    done
}

@test "mmap: a new reader does not join what another broke off" {
    broken_off
}

@test "mmap: a second one who waits is told that there is one" {
    second writer reader pong
}

# refuses WORDS [PROGRAM...]: they refuse the path "own", all four if not said.
refuses() {
    local program
    for program in ${2-writer reader ping pong}; do
        run -1 timeout 10 $program own < /dev/null
        [[ $output == "$program: "*"$1" ]]
    done
}

@test "mmap: what is not ours under the name is refused and not harmed" {
    echo -n m > own
    chmod 600 own
    refuses "own is not a map of ours"
    [ "$(< own)" = m ]
    mv own precious
    ln -s precious own
    refuses "open own: Too many levels of symbolic links"
    [ "$(< precious)" = m ]
    rm own
    mkfifo -m 600 own
    refuses "own is not a map of ours" "writer ping"
    [ -p own ]
    rm own
    mkdir own
    refuses "open own: Is a directory" "reader ping"
    rmdir own

    # Ours in all but the mode, or the owner.
    waits reader
    cp ipc.map own
    stop TERM $reader
    finish $reader 143
    echo >> own
    refuses "own is not a map of ours"
    truncate -s -2 own
    refuses "own is not a map of ours"
    truncate -s +1 own
    chmod 644 own
    refuses "own is not a map of ours" "writer reader"
    [ "$(stat -c %a own)" = 644 ]
    if [ "$(id -u)" = 0 ]; then
        chmod 600 own
        chown 12345 own
        refuses "own is not a map of ours" "writer reader"
        [ "$(stat -c %u own)" = 12345 ]
    fi
}

@test "mmap: another file that has got the name stays" {
    for side in writer reader pong; do
        waits $side
        rm *.map
        [ $side = pong ] && file=ping.map || file=ipc.map
        echo precious > $file
        finish ${!side} 1 # its own is gone, and whoever took it away as well
        grep "is gone before" $side.err
        [ "$(< $file)" = precious ]
        rm $file
    done
}

@test "mmap: a file made shorter under the map is an error, not a death" {
    for side in writer reader pong; do
        [ $side = pong ] && file=ping.map || file=ipc.map
        waits $side
        : > $file
        finish ${!side} 1
        WHO=$side says "$side: $file has been made shorter under the map"
        clean
    done
    write_from /dev/zero
    await test -s writer.err
    : > ipc.map
    finish $writer 1
    WHO=writer says "writer: ipc.map has been made shorter under the map"
    clean
}

# rchar: how many bytes the writer has read.
rchar() {
    awk '/rchar/ { print $2 }' "/proc/$(child $writer)/io"
}

# Read into lost memory, or written from it: EFAULT, which is not the input's or
# the output's fault.
@test "mmap: read and write to a file made shorter say so as well" {
    typist
    truncate -s 4096 "$(map_of writer)"
    echo more >&$keys
    finish $writer 1
    WHO=writer says "writer: ipc.map has been made shorter under the map"
    finish $reader 1
    exec {keys}>&-

    typist
    stop STOP $reader
    await stopped $reader
    before=$(rchar)
    echo more >&$keys
    await eval '(($(rchar) >= before + 5))'
    truncate -s 4096 "$(map_of reader)"
    stop CONT $reader
    finish $reader 1
    WHO=reader says "reader: ipc.map has been made shorter under the map"
    finish $writer 1
    exec {keys}>&-
    clean
}

# scribbler: somebody hostile, who puts a length into the first slot and says that
# it is full, or a plan, or the counts, or keeps changing everything until it is stopped.
scribbler() {
    command -v cc > /dev/null || skip "needs cc, for a program that scribbles"
    cat > scribbler.c <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include CONTRACT
int main(int argc, char **argv) {
    int fd = open(argv[1], O_RDWR);
    struct window *w = mmap(0, sizeof *w, 3, MAP_SHARED, fd, 0);
    struct talk *t = mmap(0, sizeof *t, 3, MAP_SHARED, fd, 0);
    if (w == MAP_FAILED || t == MAP_FAILED)
        return 1;
    if (argc == 3) {
        w->length[0] = (uint32_t)strtoul(argv[2], NULL, 0);
        return w->filled = 1, 0;
    }
    if (argc == 4) {
        t->rounds = (int)strtoul(argv[2], NULL, 0);
        t->bytes = (int)strtoul(argv[3], NULL, 0);
        return t->turn = 1, 0;
    }
    if (argc == 5) {
        w->filled = (uint32_t)strtoul(argv[3], NULL, 0);
        return w->emptied = (uint32_t)strtoul(argv[4], NULL, 0), 0;
    }
    for (unsigned i = 0;; i++)
        ((volatile uint32_t *)w)[i % 64] = i * 2654435761u;
}
C
    cc -O1 -DCONTRACT="\"$(realpath "$BATS_TEST_DIRNAME")/../mmap/contract.h\"" -o scribbler scribbler.c
}

@test "mmap: lengths and plans out of bounds are refused" {
    scribbler
    for length in 262145 0xffffffff; do
        waits reader
        ./scribbler ipc.map $length
        finish $reader 1
        WHO=reader says "reader: a slot of $((length)) bytes: not from writer"
        clean
    done
    for plan in '0 1' '1 1048577' '11000001 -1'; do
        waits pong
        ./scribbler ping.map $plan
        finish $pong 1
        WHO=pong says "pong: this is not ping: ${plan% *} rounds of ${plan#* } bytes"
        clean
    done
}

@test "mmap: counts of slots out of bounds are refused" {
    scribbler
    waits reader
    ./scribbler ipc.map counts 5 0
    finish $reader 1
    WHO=reader says "reader: 5 of 4 slots full: not from writer"
    write_from /dev/zero
    await test -s writer.err
    await asleep $writer
    ./scribbler ipc.map counts 4 5
    finish $writer 1
    WHO=writer says "writer: 4294967295 of 4 slots full: not from reader"
    clean
}

@test "mmap: a pong that was told a plan notices that no ping is there" {
    scribbler
    waits pong
    ./scribbler ping.map 2 1
    finish $pong 1
    WHO=pong says "pong: ping.map: ping is gone before its end"
    clean
}

@test "mmap: whoever scribbles all over the map crashes nobody" {
    scribbler
    for ((round = 0; round < ${ROUNDS:-3}; round++)); do
        write_from /dev/zero
        read_to /dev/null
        await test -s writer.err
        await test -s reader.err
        start ./scribbler "$(map_of reader)"
        hostile=$!
        pause 0.05
        stop KILL $hostile
        finish $hostile 137
        stop TERM $writer 2> /dev/null || :
        stop TERM $reader 2> /dev/null || :
        for side in $writer $reader; do
            await ended $side
            wait $side && status=0 || status=$?
            [[ $status = [01] || $status = 143 ]]
        done
        no grep -i sanitizer ./*.err
        clean
    done
}

@test "mmap: no room on the disk is an error, not a death, and leaves nothing" {
    unshare -m true 2> /dev/null || skip "needs root, to have a small disk of its own"
    mkdir disk
    for program in writer reader pong; do
        run -1 timeout 10 unshare -m sh -c "mount -t tmpfs -o size=64k none disk && cd disk &&
            $program here < /dev/null; status=\$?; ls; exit \$status"
        [ "$output" = "$program: posix_fallocate here: No space left on device" ]
    done
}

@test "mmap: input that cannot be read and output that cannot be written are errors" {
    write_from /dev/zero
    run -1 timeout 10 sh -c "exec reader > /dev/full"
    [[ $output == *"reader: write standard output: No space left on device" ]]
    finish $writer 1
    write_from /dev/zero
    run timeout 10 bash -c 'reader | true; exit ${PIPESTATUS[0]}'
    [ $status = 1 ]
    [[ $output == *"write standard output: Broken pipe" ]]
    finish $writer 1
    for program in writer reader ping pong; do
        run -1 timeout 10 sh -c "exec $program <&-"
        [ "$output" = "$program: descriptor 0: Bad file descriptor" ]
        [ $program != ping ] || continue # it waits for one who can make it
        run -1 timeout 10 $program no/where < /dev/null
        [ "$output" = "$program: open no/where: No such file or directory" ]
    done
    run -1 timeout 10 writer < .
    [[ $output == *": read standard input: Is a directory" ]]
    clean
}

@test "mmap: a usage error has status 2, and --help is none" {
    helps writer reader ping pong edges refused kept sharing family isolated where \
        lazy victim poke
    no_number writer -b 262144
    no_number ping -n 10000000
    no_number ping -s 1048576
    for number in 0 -1 1x "" 99999999999999999999; do
        run -2 timeout 10 poke "$number" 0x1000 text
        [ "$output" = "poke: $number: not the number of a process" ]
    done
    run -1 timeout 10 ping "" # it waits for a name, but no file has this one
    [ "${lines[-1]}" = "ping: open : No such file or directory" ]
    run -2 timeout 10 reader -b 1
    run -2 timeout 10 poke 1 0x10g text
    [ "$output" = "poke: 0x10g: not an address like 0x1234" ]
    run -2 timeout 10 poke 1 0x1000 "$(printf '%064d' 0)"
    [[ $output == *": victim has room for 63 bytes" ]]
}

@test "mmap: ping prints five figures, or each round trip" {
    figures "" "-s 1048576"
    WHO=pong says "pong: 11 rounds of 1048576 bytes"
}

@test "mmap: ping refuses a false turn, and an echo that is not what it said" {
    for step in 1 7; do
        start pong 2> pong.err
        pong=$!
        start ping -n 1000000 > /dev/null 2> ping.err
        ping=$!
        await grep -q "rounds of" pong.err
        stop STOP $pong
        await stopped $pong
        await asleep $ping # it has said something, and waits for its turn
        for talk in /proc/"$(child $ping)"/fd/*; do
            [[ $(readlink $talk) != */ping.map* ]] || break
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

@test "mmap: a closed descriptor is an error before anything is made" {
    for side in writer reader ping pong; do
        for closed in 0 1 2; do
            eval "timeout 5 $side $closed>&-" 2> errors && status=0 || status=$?
            [ $status = 1 ]
            [ $closed = 2 ] || grep -x "$side: descriptor $closed: Bad file descriptor" errors
        done
    done
    clean
}

@test "mmap: a killed ping or pong ends the other, and the next run works" {
    place=ping.map
    killed_ping
    leftovers pong
}

# bats test_tags=C114,C115
@test "mmap: the last page of a file is there to its end, and after that is SIGBUS" {
    page=$(getconf PAGESIZE)
    ulimit -c unlimited || : # there could be core files
    run -0 timeout 10 edges
    [ "${lines[0]}" = "a map of $((3 * page)) bytes" ]
    read -ra header <<< "${lines[1]}"
    [ "${header[*]}" = "byte 0 $((page - 1)) $page $((2 * page - 1)) $((2 * page)) $((3 * page))" ]
    expected=(
        "0 SIGBUS SIGBUS SIGBUS SIGBUS SIGBUS SIGSEGV"
        "1 kept lost SIGBUS SIGBUS SIGBUS SIGSEGV"
        "$page kept kept SIGBUS SIGBUS SIGBUS SIGSEGV"
        "$((page + 904)) kept kept kept lost SIGBUS SIGSEGV"
        "$((2 * page)) kept kept kept kept SIGBUS SIGSEGV"
    )
    for i in 0 1 2 3 4; do
        read -ra row <<< "${lines[i + 2]}"
        [ "${row[*]}" = "file ${expected[i]}" ]
    done
    [ "${lines[7]}" = "the empty file, byte 0: SIGBUS" ]
    [ "${lines[8]}" = "made 1 byte long under the map, byte 0: kept" ]
    [ "${#lines[@]}" = 9 ]
    [ -z "$(ls)" ] # no core file either
}

# refused_as WHAT WHY: a line of the table.
refused_as() {
    [[ $output == *"$1: $2"* ]] || fail "not so: $1: $2"
}

# bats test_tags=C111,C115
@test "mmap: an offset is a multiple of a page, a length is not 0" {
    run -0 timeout 10 refused
    refused_as "offset 0, length 100" "done"
    refused_as "offset 512" "Invalid argument"
    refused_as "offset 1000" "Invalid argument"
    refused_as "offset of a page" "done"
    refused_as "offset of 100 pages, beyond the end" "done"
    refused_as "length 0" "Invalid argument"
}

# bats test_tags=C116,C117
@test "mmap: a map may do no more than its descriptor, which must read" {
    run -0 timeout 10 refused
    refused_as "O_WRONLY, shared, to write" "Permission denied"
    refused_as "O_WRONLY, private, for nothing" "Permission denied"
    refused_as "O_RDONLY, shared, to read" "done"
    refused_as "the same, made to write by mprotect" "Permission denied"
    refused_as "O_RDONLY, shared, to write" "Permission denied"
    refused_as "O_RDONLY, private, to write" "done"
}

# bats test_tags=C110,C118,C119
@test "mmap: what cannot be mapped is MAP_FAILED, and who uses that dies" {
    ulimit -c unlimited || : # there could be core files
    run -0 timeout 10 refused
    refused_as "neither shared nor private" "Invalid argument"
    refused_as "a pipe" "No such device"
    refused_as "a directory" "No such device"
    refused_as "more than there are addresses" "Cannot allocate memory"
    refused_as "no descriptor" "Bad file descriptor"
    refused_as "MAP_FAILED is not NULL, but -1, and who writes to it" "Segmentation fault"
    [ "${#lines[@]}" = 18 ]
    [ -z "$(ls)" ]
}

# bats test_tags=C112,C113
@test "mmap: a map outlives descriptor and name, and munmap takes any page" {
    run -0 timeout 10 kept
    [ "${lines[0]}" = 'descriptor closed, 0 names: the map is mapped, the file has "Hello"' ]
    [ "${lines[1]}" = "munmap of the map and 1 byte: Invalid argument; pages 1 to 3: mapped, mapped, mapped" ]
    [ "${lines[2]}" = "munmap of the map and a page: 0; pages 1 to 3: mapped, gone, mapped" ]
    [ "${lines[3]}" = "munmap of the same once more: 0; pages 1 to 3: mapped, gone, mapped" ]
    [ "${lines[4]}" = "munmap of the map: 0; pages 1 to 3: gone, gone, mapped" ]
    [ "${#lines[@]}" = 5 ]
}

# bats test_tags=C109
@test "mmap: a shared map is the file, a private page is it until it is written to" {
    run -0 timeout 10 sharing
    [ "${lines[0]}" = "at first:                read aaaa  shared aaaa  private aaaa" ]
    [ "${lines[1]}" = "b written to the file:   read baaa  shared baaa  private baaa" ]
    [ "${lines[2]}" = "c to the shared map:     read bcaa  shared bcaa  private bcaa" ]
    [ "${lines[3]}" = "d to the private map:    read bcaa  shared bcaa  private bcda" ]
    [ "${lines[4]}" = "e to the shared map:     read bcae  shared bcae  private bcda" ]
    [ "${#lines[@]}" = 5 ]
}

# bats test_tags=C120
@test "mmap: a child shares what is mapped as shared, and nothing else" {
    run -0 timeout 10 family
    [ "${lines[0]}" = 'new memory: shared "", private ""' ]
    [ "${lines[1]}" = 'a child has written: shared "from the child", private ""' ]
    [ "${#lines[@]}" = 2 ]
}

# bats test_tags=C5,C8
@test "mmap: one address has two contents in two processes" {
    run -0 timeout 10 isolated
    [[ ${lines[0]} =~ ^"before fork:         at "(0x[0-9a-f]+)": 1, "(.*) ]]
    at=${BASH_REMATCH[1]}
    [[ ${lines[1]} == "child:               at $at: 1, in a page that is "* ]]
    [[ ${lines[2]} == "child, has set 2:    at $at: 2, in a page that is "* ]]
    [[ ${lines[3]} == "parent, afterwards:  at $at: 1, in a page that is "* ]]
    [ "${#lines[@]}" = 4 ]
}

# bats test_tags=C5
@test "mmap: until one of them writes, both have the same page of memory" {
    run -0 timeout 10 isolated
    [[ $output != *"not to be seen"* ]] || skip "needs /proc/self/pagemap"
    [[ ${lines[0]} == *"own" && ${lines[1]} == *"shared" ]]
    [[ ${lines[2]} == *"own" && ${lines[3]} == *"own" ]]
}

# bats test_tags=C6
@test "mmap: addresses differ from run to run" {
    [ "$(< /proc/sys/kernel/randomize_va_space)" = 2 ] || skip "addresses are not random here"
    run -0 timeout 10 where
    [ "${#lines[@]}" = 6 ]
    first=$output
    run -0 timeout 10 where
    [ "$output" != "$first" ]
    for i in 0 1 2 3 4 5; do
        [[ ${lines[i]} =~ ^[a-z]+\ +0x[0-9a-f]+$ ]]
    done
}

# bats test_tags=C6
@test "mmap: addresses are the same in each run, if that is asked for" {
    command -v setarch > /dev/null || skip "needs setarch, of util-linux"
    setarch -R true 2> /dev/null || skip "personality(2) is not allowed here"
    run -0 timeout 10 where fixed
    first=$output
    run -0 timeout 10 where fixed
    [ "$output" = "$first" ]
    run -0 setarch -R timeout 10 where
    first=$output
    run -0 setarch -R timeout 10 where
    [ "$output" = "$first" ]
}

# bats test_tags=C7
@test "mmap: 160 GiB of addresses take no memory until they are touched" {
    run timeout 10 lazy
    [[ $output != *"Cannot allocate memory" ]] || skip "so many addresses are refused here"
    [ $status = 0 ]
    [ "${lines[0]}" = "160 GiB mapped: 0 MiB of memory" ]
    [ "${lines[1]}" = "64 MiB of it written to: 64 MiB of memory" ]
    [ "${lines[2]}" = "given back, still mapped: 0 MiB of memory" ]
    [ "${#lines[@]}" = 3 ]
}

# bats test_tags=C7
@test "mmap: more addresses than are allowed is an error that says so" {
    if [[ $BUILD == *sanitized ]]; then # which take terabytes of addresses
        cc -o lazy "$BATS_TEST_DIRNAME/../mmap/lazy.c"
        PATH=.:$PATH
    fi
    run -1 timeout 10 sh -c "ulimit -v 20000000; exec lazy"
    [[ $output == "lazy: mmap, after "*" GiB: Cannot allocate memory" ]]
}

# prey [open]: a victim at a keyboard; what it says to type is in $address.
prey() {
    rm -f keyboard
    mkfifo keyboard
    exec {keys}<> keyboard
    start victim "$@" < keyboard > victim.out 2> victim.err {keys}>&-
    victim=$!
    await asleep $victim
    WHO=victim says "victim: read: sleeps until a line is typed"
    read -r _ pid address _ < victim.out
    [ $pid = "$(child $victim)" ]
}

# bats test_tags=C9
@test "mmap: a process of the same user writes into another" {
    prey open
    run timeout 10 poke $pid $address 'HACKED!'
    echo >&$keys
    exec {keys}>&-
    finish $victim
    if [ $status != 0 ]; then
        [[ $output == *"process_vm_writev to $pid: Operation not permitted" ]]
        [ "$(tail -n 1 victim.out)" = "after: mine" ]
        skip "the kernel forbids it here: see ptrace(2), and seccomp of containers"
    fi
    [ "$output" = "poke: 8 bytes written to process $pid" ]
    [ "$(tail -n 2 victim.out)" = $'before: mine\nafter: HACKED!' ]
}

# bats test_tags=C9
@test "mmap: another user's process is out of reach, and so is what is not mapped" {
    prey open
    run -1 timeout 10 poke $pid 10 x
    [[ $output == *"process_vm_writev to $pid: Bad address" || $output == *"not permitted" ]]
    if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
        run -1 timeout 10 setpriv --reuid 12345 --clear-groups "$(command -v poke)" $pid $address x
        [[ $output == *"process_vm_writev to $pid: Operation not permitted" ]]
        [[ $output == *"has another user or other rights, or Yama forbids"* ]]
    fi
    echo >&$keys
    exec {keys}>&-
    finish $victim
    [ "$(tail -n 1 victim.out)" = "after: mine" ]
    run -1 timeout 10 poke $pid $address x
    [ "$output" = "poke: process_vm_writev to $pid: No such process" ]
}

@test "mmap: findings that cannot be written are an error" {
    unwritable edges refused kept sharing family isolated where lazy victim
    side pong
    run -1 --separate-stderr timeout 10 sh -c "exec ping -n 5 > /dev/full"
    [ "${stderr_lines[-1]}" = "ping: standard output: No space left on device" ]
    finish $pong
    run timeout 10 bash -c 'ping -n 5 | { exec <&-; pong < /dev/null; }; exit ${PIPESTATUS[0]}'
    [ $status = 1 ]
    [[ $output == *"ping: standard output: Broken pipe" ]]
    clean
}
