# socket/writer and socket/reader are cat(1) cut in two by a local socket, and
# tcp-writer and tcp-reader by a TCP connection. Tests tagged data hold for a
# reader in any language: make check BIN=mine. ROUNDS=500 tries longer. Then what
# sockets are, who is at the other end, and ping and pong.

load helper # first: some of it is said again below

setup() {
    use socket
    unsure=writer # when the kernel has all, and the reader has ended well
    port=$((10000 + RANDOM % 20000))
    local taken hex
    taken=$(< /proc/net/tcp)$(< /proc/net/udp)
    while printf -v hex %04X $port && [[ $taken == *":$hex "* ]]; do
        port=$((port + 1))
    done
}

# by KIND: the programs of the pair, and where they meet.
by() {
    case $1 in
        unix) operand='' place=ipc.sock who='' ;;
        tcp) operand="127.0.0.1 $port" place="127.0.0.1 port $port" who=tcp- ;;
        tcp6) operand="::1 $port" place="::1 port $port" who=tcp- ;;
    esac
    W=${who}writer R=${who}reader
}

# pairs: run the rest of the test's words with either pair.
pairs() {
    local kind
    for kind in unix tcp; do
        by $kind
        "$@" # no ||, which would let all but its last command fail unseen
    done
}

# clean: no name is left.
clean() {
    [ ! -e ipc.sock ] && [ ! -e ipc.ping ]
}

# met: both have told so.
met() {
    WHO=writer says "$W: a reader is there" && WHO=reader says "$R: a writer is there"
}

# misses SIDE: poll tells it, or write, or read.
misses() {
    tail -n 1 $1.err | grep -E "^$who$1: .*(the $(other $1) is gone|Broken pipe|Connection reset by peer)"
}

# settled: the survivor has ended, or waits for a peer that it has never met.
settled() {
    ended ${!survivor} || { asleep ${!survivor} && [[ $(wc -l < $survivor.err) = 1 ]]; }
}

# listening: the reader waits in accept, so that anybody may connect.
listening() {
    WHO=reader await says "$R: accept $place: sleeps until a writer connects"
    await asleep $reader
}

# has_ipv6: this machine can meet itself by IPv6, too.
has_ipv6() {
    [ -s /proc/net/if_inet6 ]
}

# bats test_tags=data,C52
@test "socket: what goes into the writer comes out of the reader" {
    pairs carries_random 1M
    if has_ipv6; then
        by tcp6
        carries_random 1M
    fi
}

# bats test_tags=data
@test "socket: an empty input comes out empty, NULs as they went in" {
    pairs carries '' 'a\0\0b\n\0end'
}

# bats test_tags=data
@test "socket: hundreds of megabytes come out as they went in" {
    head -c "${MEGABYTES:-128}M" /dev/urandom > sent
    carry 20
    by tcp
    truncate -s "$((${MEGABYTES:-128} / 4))M" sent
    carry 20
}

@test "socket: either side may start first" {
    pairs either_first writer reader
}

@test "socket: both sides may start at the same moment" {
    pairs at_once
}

@test "socket: one transfer after the other, and none gets into the next" {
    in_a_row 20
    by tcp
    in_a_row 4
}

@test "socket: writers that wait for a reader are served one after the other" {
    for i in 1 2 3; do
        start writer <<< "writer $i" 2> $i.err
        eval "w$i=$!"
        await asleep $!
    done
    for i in 1 2 3; do
        timeout 10 reader >> received
    done
    finish $w1
    finish $w2
    finish $w3
    sort received | cmp - <(printf 'writer %d\n' 1 2 3)
    [ ! -e ipc.sock ]
}

# bats test_tags=data
@test "socket: a typed line comes out at once, and both sleep until the next" {
    pairs typed
}

@test "socket: whoever waits for the other sleeps" {
    start reader 2> 1.err
    sleepers=($!)
    start writer elsewhere < /dev/null 2> 2.err
    sleepers+=($!)
    start tcp-reader 127.0.0.1 $port 2> 3.err
    sleepers+=($!)
    start tcp-writer ::ffff:127.0.0.1 1 < /dev/null 2> 4.err
    sleepers+=($!)
    before=0 after=0
    for pid in "${sleepers[@]}"; do
        await asleep $pid
        before=$((before + $(ticks $pid)))
    done
    pause 0.2
    for pid in "${sleepers[@]}"; do
        after=$((after + $(ticks $pid)))
    done
    ((after <= before + 1))
    [ "$(cat ./*.err | wc -l)" = 4 ]
    for pid in "${sleepers[@]}"; do
        stop TERM $pid
        finish $pid 143
    done
    [ ! -e ipc.sock ]
}

@test "socket: the story ends with how many bytes went in how many calls" {
    for kind in unix tcp; do
        by $kind
        start $R -b 2 $operand > received 2> reader.err
        reader=$!
        timeout 10 $W -b 1 $operand < <(printf hello) 2> writer.err
        finish $reader
        WHO=writer says "$W: end of input: 5 bytes in 5 writes"
        grep -E 'end of file: 5 bytes in [345] reads' reader.err
        [ "$(< received)" = hello ]
    done
}

@test "socket: a killed reader ends a writer that waits for input" {
    for kind in unix tcp; do
        by $kind
        typist
        stop KILL $reader
        finish $reader 137
        finish $writer 1
        WHO=writer says "$W: $place: the reader is gone"
    done
}

@test "socket: a killed reader ends a writer that waits for room" {
    pairs killed_full reader
}

@test "socket: a reader killed before it has taken all is missed by the writer" {
    mkfifo full
    exec {full}<> full
    head -c 200000 /dev/zero > sent
    for kind in unix tcp; do
        by $kind
        start $R -b 65536 $operand > full 2> reader.err
        reader=$!
        start $W $operand < sent 2> writer.err
        writer=$!
        WHO=writer await says "$W: end of input: 200000 bytes in 1 writes"
        await asleep $reader
        stop KILL $reader
        finish $reader 137
        finish $writer 1
        WHO=writer says "$W: $place: the reader is gone before the end"
    done
}

@test "socket: a killed writer is not taken for the end of the data" {
    for kind in unix tcp; do
        by $kind
        typist
        echo something >&$keys
        await grep -q something received
        stop KILL $writer
        finish $writer 137
        finish $reader 1
        if [ $kind = unix ]; then
            WHO=reader says "reader: ipc.sock: the writer is gone before its end"
        else
            WHO=reader says "tcp-reader: read $place: Connection reset by peer"
        fi
    done
}

@test "socket: killed at any moment, one side ends the other, and the next run works" {
    pairs killed_at_random
}

@test "socket: stopped with Ctrl-Z and continued, neither side loses anything" {
    pairs continued
}

@test "socket: told to stop while it waits, either side leaves no name behind" {
    for side in writer reader; do
        for signal in HUP INT TERM; do
            start $side < /dev/null 2> errors
            waiting=$!
            await grep -q sleeps errors
            await asleep $waiting
            [ $side = writer ] || [ -S ipc.sock ]
            stop $signal $waiting
            finish $waiting $((128 + $(kill -l $signal))) # it died of the signal
            [ ! -e ipc.sock ]
        done
    done
}

@test "socket: told to stop at any moment, either side leaves no name behind" {
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        start reader 2> errors
        reader=$!
        start writer < /dev/zero 2> errors
        writer=$!
        await child $reader > /dev/null
        pause "0.00$((RANDOM % 9))"
        stop TERM $reader
        finish $reader 143
        [ ! -e ipc.sock ]
        kill $writer 2> /dev/null || : # it may have lost its reader
        await ended $writer
        wait $writer || :
    done
}

@test "socket: told to stop in the middle, either side ends the other" {
    pairs in_the_middle
    pairs at_work
}

@test "socket: told to stop in the middle, a side leaves the next pair's name alone" {
    by unix
    for side in writer reader; do
        typist
        start reader > next 2> next.err
        next=$!
        await asleep $next
        await test -S ipc.sock
        stop INT "${!side}"
        finish "${!side}" 130
        [ -S ipc.sock ]
        timeout 10 writer <<< next
        finish $next
        [ "$(< next)" = next ]
    done
}

@test "socket: of readers that start at once, one alone listens" {
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        for n in 1 2 3; do
            start reader > $n.out 2> $n.err
            eval "r$n=$!"
        done
        await two_ended
        timeout 10 writer <<< "round $i"
        served=0
        for n in 1 2 3; do
            pid=r$n
            await ended ${!pid}
            if wait ${!pid}; then
                [ "$(< $n.out)" = "round $i" ]
                served=$((served + 1))
            else
                [ "$(< $n.err)" = "reader: ipc.sock: another reader is here" ]
                [ ! -s $n.out ]
            fi
        done
        [ $served = 1 ]
        [ ! -e ipc.sock ]
    done
}

# two_ended: two of three readers have given up.
two_ended() {
    [ "$(cat ./*.err | grep -c 'another reader is here')" = 2 ]
}

@test "socket: a listening tcp-reader keeps its port, a busy one gives it to the next" {
    by tcp
    start tcp-reader 127.0.0.1 $port > received 2> reader.err
    reader=$!
    listening
    run -1 timeout 10 tcp-reader 127.0.0.1 $port
    [[ $output == "tcp-reader: "*" 127.0.0.1 port $port: Address already in use" ]]
    stop TERM $reader
    finish $reader 143
    typist
    start tcp-reader 127.0.0.1 $port > next 2> next.err
    next=$!
    timeout 10 tcp-writer 127.0.0.1 $port <<< next
    finish $next
    [ "$(< next)" = next ]
    exec {keys}>&-
    finish $writer
    finish $reader
}

# bats test_tags=C103
@test "socket: the name that a killed reader leaves behind is replaced by the next" {
    for ((i = 0; i < 2; i++)); do
        start reader 2> errors
        victim=$!
        await test -S ipc.sock
        await asleep $victim
        stop KILL $victim
        finish $victim 137
        [ -S ipc.sock ]
        if [ $i = 0 ]; then
            start writer <<< again 2> writer.err
            writer=$!
            await asleep $writer # nobody is behind the name
            [ "$(timeout 10 reader)" = again ]
        else
            start reader > received
            reader=$!
            start writer <<< again
            writer=$!
            finish $reader
            [ "$(< received)" = again ]
        fi
        finish $writer
        [ ! -e ipc.sock ]
    done
}

@test "socket: a reader killed with a writer at its door ends that writer" {
    for kind in unix tcp; do
        by $kind
        start $R $operand 2> reader.err
        reader=$!
        listening
        stop STOP $reader # it cannot accept
        await stopped $reader
        start $W $operand < /dev/zero 2> writer.err
        writer=$!
        WHO=writer await says "$W: a reader is there"
        stop KILL $reader
        finish $reader 137
        finish $writer 1
    done
}

@test "socket: what is not a socket of ours is refused and not harmed" {
    echo precious > file
    mkdir folder
    mkfifo fifo
    start reader real 2> errors
    reader=$!
    await grep -q sleeps errors
    stop KILL $reader
    finish $reader 137
    ln -s real link # to a socket of ours
    ln -s nowhere dangling
    for name in file folder fifo link dangling /dev/null; do
        before=$(stat -c '%F %i %a %U %s' $name)
        for side in writer reader; do
            run -1 timeout 10 $side $name <<< overwritten
            [ "${lines[-1]}" = "$side: $name is not a socket of yours" ]
        done
        [ "$(stat -c '%F %i %a %U %s' $name)" = "$before" ]
    done
    [ "$(< file)" = precious ]
    [ -S real ] && [ ! -e nowhere ]
}

@test "socket: another user's socket is refused and not harmed" {
    [ "$(id -u)" = 0 ] || skip "needs root, to make a socket that belongs to another"
    start reader theirs 2> errors
    reader=$!
    await grep -q sleeps errors
    stop KILL $reader
    finish $reader 137
    chown 12345 theirs
    for side in writer reader; do
        run -1 timeout 10 $side theirs <<< overwritten
        [ "${lines[-1]}" = "$side: theirs is not a socket of yours" ]
    done
    [ -S theirs ]
}

@test "socket: another user's socket is refused, also by one who already waits" {
    [ "$(id -u)" = 0 ] || skip "needs root, to make a socket that belongs to another"
    for side in writer ping fd-sender echo-client; do
        start reader theirs 2> theirs.err
        theirs=$!
        await grep -q accept theirs.err
        start $side ipc.sock < /dev/null 2> $side.err
        one=$!
        await asleep $one
        chown 12345 theirs
        mv theirs ipc.sock
        finish $one 1
        WHO=$side says "$side: ipc.sock is not a socket of yours"
        [ -S ipc.sock ]
        stop TERM $theirs
        finish $theirs 143
        rm ipc.sock
    done
}

@test "socket: a live socket of another type is refused and not harmed" {
    command -v python3 || skip "needs python3, to make a datagram socket"
    for type in DGRAM SEQPACKET; do
        start python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX, getattr(socket, "SOCK_" + sys.argv[1]))
s.bind("ipc.sock")
sys.argv[1] == "DGRAM" or s.listen()
print("bound", flush=True)
time.sleep(20)' $type > ready
        other=$!
        await grep -q bound ready
        run -1 timeout 10 writer < /dev/null
        [ "${lines[-1]}" = "writer: connect ipc.sock: Protocol wrong type for socket" ]
        run -1 timeout 10 reader
        [ "${lines[-1]}" = "reader: ipc.sock: another reader is here" ]
        [ -S ipc.sock ]
        stop KILL $other
        finish $other 137
        rm ipc.sock ready
    done
}

@test "socket: who has no descriptor left for a caller says so, and leaves no name" {
    export ASAN_OPTIONS=detect_leaks=0 # it needs a descriptor for itself
    for side in reader pong fd-receiver; do
        run -1 timeout 10 bash -c 'exec 3>&- 4>&-; ulimit -n 5; exec "$@"' - $side ipc.sock
        [ "${lines[-1]}" = "$side: accept ipc.sock: Too many open files" ]
        [ ! -e ipc.sock ]
    done
    run -1 timeout 10 bash -c 'exec 3>&- 4>&-; ulimit -n 4; exec "$@"' - tcp-pong $port
    [ "${lines[-1]}" = "tcp-pong: accept port $port: Too many open files" ]
}

@test "socket: a call that is interrupted is made again, and nothing is lost" {
    command -v strace > /dev/null || skip "needs strace: apt-get install strace"
    export ASAN_OPTIONS=detect_leaks=0 # it needs ptrace for itself
    # The loader reads too, before the program begins.
    strace -o trace -e trace=read reader --help > /dev/null
    calls=accept,poll,recvfrom,recvmsg,sendmsg,sendto,write
    often="strace -fqqo /dev/null -e trace=read,$calls -e inject=$calls:error=EINTR:when=1+2
        -e inject=read:error=EINTR:when=$(($(grep -c '^read' trace) + 1))+2"
    seq 10000 > sent
    for names in "writer reader" "tcp-writer tcp-reader" "fd-sender fd-receiver"; do
        by tcp
        [[ $names == tcp* ]] || operand=''
        start $often ${names#* } $operand > received 2> errors
        reader=$!
        start $often ${names% *} $operand < sent 2>> errors
        finish $!
        finish $reader
        cmp sent received
    done
    for kind in unix tcp udp; do
        over $kind
        start $often ${prefix}pong "${where[@]}" > /dev/null 2> errors
        pong=$!
        start ${often//,write/} ${prefix}ping -n 9 "${where[@]}" > /dev/null 2>> errors
        finish $!
        finish $pong
    done
    start $often store-server 2> errors
    server=$!
    start $often echo-client < sent > received 2> client.err
    finish $!
    cmp sent received
    cmp sent ipc.log
    stop TERM "$(child $server)"
    finish $server 143
}

@test "socket: a path that cannot be an address is an error that says why" {
    for side in fd-sender fd-receiver writer reader; do
        run -1 timeout 10 $side nowhere/sock < /dev/null
        [ "${lines[-1]}" = "$side: open nowhere: No such file or directory" ]
        long=$(printf '%0108d' 0)
        for path in "" $long; do
            run -1 timeout 10 $side "$path" < /dev/null
            [ "$output" = "$side: '$path': an address has 1 to 107 bytes" ]
        done
    done
    by unix
    mkdir sub
    for operand in ${long:1} sub/ipc.sock; do
        carries longest
    done
}

@test "socket: an address that is none is an error that says why" {
    for side in tcp-writer tcp-reader; do
        run -1 timeout 10 $side no.such.name < /dev/null
        [[ $output == "$side: no.such.name: "?* ]]
    done
    run -1 timeout 10 tcp-reader 192.0.2.1 $port
    [ "$output" = "tcp-reader: bind 192.0.2.1 port $port: Cannot assign requested address" ]
    run -1 timeout 10 tcp-writer 255.255.255.255 $port < /dev/null
    [[ ${lines[-1]} == "tcp-writer: connect 255.255.255.255 port $port: "?* ]]
}

@test "socket: what we make is ours alone: mode 0600, or loopback" {
    umask 000
    start reader 2> errors
    waiting=$!
    await asleep $waiting
    await test -S ipc.sock
    [ "$(stat -c %a ipc.sock)" = 600 ]
    stop TERM $waiting
    finish $waiting 143

    run -0 timeout 10 tcp-reader --help
    start env tcp-reader 2> reader.err
    waiting=$!
    await grep -E 'accept|in use' reader.err
    if grep -q accept reader.err; then
        number=$(grep -oE 'port [0-9]+' reader.err | cut -c 6-)
        [ $number = $((20000 + $(id -u) % 10000)) ]
        grep ": 0100007F:$(printf %04X $number) 00000000:0000 0A " /proc/net/tcp
        stop TERM $waiting
    fi
    await ended $waiting
    wait $waiting || :
}

@test "socket: a connection of tcp-writer with itself is no reader" {
    unshare -rn true || skip "needs unshare, of util-linux, and leave to use it"
    command -v ip || skip "needs ip: apt-get install iproute2"
    mkfifo go
    start unshare -rn bash -c 'ip link set lo up
        echo 20000 20001 > /proc/sys/net/ipv4/ip_local_port_range
        tcp-writer 127.0.0.1 20000 <<< hello 2> writer.err &
        read -r < go
        tcp-reader 127.0.0.1 20000 > received && wait $!'
    both=$!
    await grep -q tries writer.err
    pause 0.3 # three tries
    echo > go
    WITHIN=10 finish $both
    [ "$(< received)" = hello ]
}

@test "socket: output that cannot be written is an error, not silence" {
    for kind in unix tcp; do
        by $kind
        start $W $operand < /dev/zero 2> writer.err
        writer=$!
        run -1 timeout 10 sh -c 'exec "$@" > /dev/full' - $R $operand
        [ "${lines[-1]}" = "$R: write standard output: No space left on device" ]
        finish $writer 1

        start $W $operand < /dev/zero 2> writer.err
        writer=$!
        { timeout 10 $R $operand 2> reader.err || echo $? > status; } | head -c 1 > first
        WHO=reader says "$R: write standard output: Broken pipe"
        [ "$(< status)" = 1 ]
        finish $writer 1
    done
}

@test "socket: the data and the story never get into each other" {
    for side in writer reader tcp-writer tcp-reader ping pong tcp-ping tcp-pong \
        udp-ping udp-pong; do
        run -1 timeout 10 sh -c "exec $side <&-"
        [ "$output" = "$side: descriptor 0: Bad file descriptor" ]
        run -1 timeout 10 sh -c "exec $side >&-"
        [ "$output" = "$side: descriptor 1: Bad file descriptor" ]
    done
    [ ! -e ipc.sock ] && [ ! -e ipc.ping ]
}

@test "socket: input that cannot be read is an error, not an empty input" {
    for kind in unix tcp; do
        by $kind
        start $R $operand 2> reader.err
        reader=$!
        run -1 timeout 10 $W $operand < .
        [ "${lines[-1]}" = "$W: read standard input: Is a directory" ]
        finish $reader 1
    done
}

@test "socket: a usage error has status 2, and --help is none" {
    for program in writer reader tcp-writer tcp-reader pair kinds stale queue peer \
        ping pong tcp-ping tcp-pong udp-ping udp-pong; do
        run -2 timeout 10 $program one two three
        run -2 timeout 10 $program -x
        run -0 --separate-stderr timeout 10 $program --help
        [[ ${lines[0]} == "usage: $program"* && -z $stderr ]]
    done
}

@test "socket: a number that is none, or out of bounds, is a usage error" {
    while IFS='|' read -r program option number bounds; do
        run -2 timeout 10 $program $option "$number"
        [ "$output" = "$program: ${option:+$option }$number: not a number from 1 to $bounds" ]
    done << 'END'
writer|-b|0|1048576
writer|-b|1048577|1048576
writer|-b|12k|1048576
reader|-b||1048576
reader|-b|99999999999999999999|1048576
tcp-writer|-b|-1|1048576
tcp-reader|-b|0x|1048576
ping|-n|10000001|10000000
ping|-s|1048577|1048576
tcp-ping|-n||10000000
tcp-ping|-s|0|1048576
udp-ping|-n|1x|10000000
udp-ping|-s|65508|65507
END
    for number in 0 65536 12k ""; do
        for side in tcp-reader tcp-writer; do
            run -2 timeout 10 $side 127.0.0.1 "$number"
            [ "$output" = "$side: $number: not a port from 1 to 65535" ]
        done
    done
    for number in 0 32768 "" 99999999999999999999; do
        for side in tcp-ping tcp-pong udp-ping udp-pong; do
            run -2 timeout 10 $side "$number"
            [ "$output" = "$side: $number: not a port from 1 to 32767" ]
        done
    done
}

@test "socket: nc and socat can take either part" {
    command -v nc > /dev/null || skip "needs nc: apt-get install netcat-openbsd"
    command -v socat > /dev/null || skip "needs socat: apt-get install socat"
    head -c 300000 /dev/urandom > sent
    for stranger in "unix nc -NU ipc.sock" "unix socat -t9 - UNIX-CONNECT:ipc.sock" \
        "tcp nc -N 127.0.0.1 $port"; do
        by ${stranger%% *}
        start $R $operand > received 2> reader.err
        reader=$!
        listening
        start ${stranger#* } < sent > /dev/null
        finish $!
        finish $reader
        cmp sent received
        [ ! -e ipc.sock ]
    done
    for stranger in "unix nc -lNU ipc.sock" "unix socat -u UNIX-LISTEN:ipc.sock -" \
        "tcp nc -lN 127.0.0.1 $port"; do
        by ${stranger%% *}
        start $W $operand < sent 2> writer.err
        writer=$!
        start ${stranger#* } < /dev/null > received
        finish $!
        finish $writer
        cmp sent received
        rm -f ipc.sock
    done
}

@test "socket: a tcp-writer that has finished does not take back what is under way" {
    command -v nc > /dev/null || skip "needs nc: apt-get install netcat-openbsd"
    by tcp
    mkfifo go
    head -c 400000 /dev/urandom > sent
    start $W $operand < sent 2> writer.err
    writer=$!
    # It says at once that it has nothing to say, and begins to read much later.
    start sh -c 'nc -lN "$@" < /dev/null | { read -r line < go; cat; }' - $operand > received
    nc=$!
    finish $writer
    echo > go
    finish $nc
    cmp sent received
}

@test "socket: a stranger that only closes: a local reader doubts, TCP cannot" {
    by tcp
    start tcp-reader $operand > received 2> reader.err
    reader=$!
    listening
    exec {stranger}<> /dev/tcp/127.0.0.1/$port
    echo hello >&$stranger
    exec {stranger}>&-
    finish $reader
    [ "$(< received)" = hello ]
    command -v python3 > /dev/null || skip "needs python3"
    start reader > received 2> reader.err
    reader=$!
    by unix
    listening
    timeout 10 python3 -c 'import socket
s = socket.socket(socket.AF_UNIX)
s.connect("ipc.sock")
s.sendall(b"hello\n")'
    finish $reader 1
    [ "$(< received)" = hello ]
    WHO=reader says "reader: ipc.sock: the writer is gone before its end"
    [ ! -e ipc.sock ]
}

# bats test_tags=C52
@test "socket: both ends of a pair are alike, and each talks both ways" {
    run -0 timeout 10 pair
    [ "${lines[0]}" = "one end: does not listen, has no name" ]
    [ "${lines[1]}" = "the other end: does not listen, has no name" ]
    [ "${lines[2]}" = 'parent: writes "Who are you?"' ]
    [ "${lines[3]}" = 'child: reads "Who are you?"' ]
    [ "${lines[4]}" = 'child: writes "I am your child."' ]
    [ "${lines[5]}" = 'parent: reads "I am your child."' ]
    [ "${lines[6]}" = 'child: reads end of file' ]
    [ "${lines[7]}" = 'child: writes "Goodbye."' ]
    [ "${lines[8]}" = 'parent: reads "Goodbye."' ]
    [ "${lines[9]}" = 'parent: reads end of file' ]
    [ "${#lines[@]}" = 10 ]
}

# bats test_tags=C53
@test "socket: a stream joins messages, datagram and seqpacket keep them apart" {
    run -0 timeout 10 kinds
    [ "${lines[0]}" = "AF_UNIX stream: protocol 0" ]
    [ "${lines[1]}" = "AF_UNIX datagram: protocol 0" ]
    [ "${lines[2]}" = "AF_UNIX seqpacket: protocol 0" ]
    [ "${lines[3]}" = "AF_INET stream: protocol 6" ]
    [ "${lines[4]}" = "AF_INET datagram: protocol 17" ]
    [ "${lines[5]}" = "AF_INET seqpacket: Socket type not supported" ]
    [ "${lines[6]}" = "AF_INET stream, protocol 17: Protocol not supported" ]
    [ "${lines[7]}" = 'stream, room for 100: "onetwothree"' ]
    [ "${lines[8]}" = "stream, the other end closed: end of file" ]
    [ "${lines[9]}" = 'stream, room for 2: "on" "et" "wo" "th" "re" "e"' ]
    [ "${lines[10]}" = 'datagram, room for 100: "one" "two" "three" ""' ]
    [ "${lines[11]}" = "datagram, the other end closed: Resource temporarily unavailable" ]
    [ "${lines[12]}" = 'datagram, room for 2: "on" "tw" "th" ""' ]
    [ "${lines[13]}" = 'seqpacket, room for 100: "one" "two" "three" ""' ]
    [ "${lines[14]}" = "seqpacket, the other end closed: end of file" ]
    [ "${lines[15]}" = 'seqpacket, room for 2: "on" "tw" "th" ""' ]
    [ "${#lines[@]}" = 16 ]
}

# bats test_tags=C103
@test "socket: a name outlives its server, and the next one must remove it" {
    run -0 timeout 10 stale
    [ "${lines[0]}" = "connect, no such name: No such file or directory" ]
    [ "${lines[1]}" = "bind: done" ]
    [ "${lines[2]}" = "connect, nobody listens yet: Connection refused" ]
    [ "${lines[3]}" = "listen: done" ]
    [ "${lines[4]}" = "connect: done" ]
    [ "${lines[5]}" = "bind a second socket to the name: Address already in use" ]
    [ "${lines[6]}" = "access the name, the server is killed: done" ]
    [ "${lines[7]}" = "connect: Connection refused" ]
    [ "${lines[8]}" = "bind: Address already in use" ]
    [ "${lines[9]}" = "unlink: done" ]
    [ "${lines[10]}" = "bind, once more: done" ]
    [ "${lines[11]}" = "listen: done" ]
    [ "${lines[12]}" = "connect: done" ]
    [ "${lines[13]}" = "unlink: done" ]
    [ "${lines[14]}" = "write, by who is connected: done" ]
    [ "${#lines[@]}" = 15 ]
    [ -z "$(ls)" ]
}

# bats test_tags=C103
@test "socket: local datagrams wait and none is lost, UDP loses what has no room" {
    run -0 timeout 10 queue
    again="Resource temporarily unavailable"
    [[ ${lines[0]} =~ ^"a pair: "([0-9]+)" sent, then $again"$ ]]
    sent=${BASH_REMATCH[1]}
    [[ $sent -gt 1 && ${lines[1]} == "a pair: $sent received in order, 0 lost" ]]
    [[ ${lines[2]} =~ ^"a name: "([0-9]+)" sent, then $again"$ ]]
    sent=${BASH_REMATCH[1]}
    [ $sent = $(($(< /proc/sys/net/unix/max_dgram_qlen) + 1)) ] || [ $sent -gt 100 ]
    [ "${lines[3]}" = "a name: $sent received in order, 0 lost" ]
    [ "${lines[4]}" = "UDP: 10000 sent, then we stop" ]
    [[ ${lines[5]} =~ ^"UDP: "([0-9]+)" received in order, "([0-9]+)" lost"$ ]]
    [ $((BASH_REMATCH[1] + BASH_REMATCH[2])) = 10000 ]
    [ ${BASH_REMATCH[2]} -gt 0 ]
    [ "${lines[6]}" = "a stream closed with 5 bytes unread: read: Connection reset by peer" ]
    [ "${lines[7]}" = "a stream closed with 5 bytes unread: write: Broken pipe" ]
    [ "${#lines[@]}" = 8 ]
}

@test "socket: of a local peer the kernel knows the process, of a TCP peer the port" {
    run -0 timeout 10 peer
    [ "${lines[0]}" = "unix: no name" ]
    [[ ${lines[1]} =~ ^"unix: pid "([0-9]+)", uid $(id -u), gid $(id -g): the child"$ ]]
    pid=${BASH_REMATCH[1]}
    if [ "${lines[2]}" != "unix, a descriptor for it: Protocol not available" ]; then
        [ "${lines[2]}" = "unix, a descriptor for it: poll: it lives" ]
        [ "${lines[3]}" = "unix, a descriptor for it: poll: it has ended" ]
    fi
    [ "${lines[-4]}" = "unix, after its end: no name" ]
    [ "${lines[-3]}" = "unix, after its end: pid $pid, uid $(id -u), gid $(id -g): the child" ]
    [[ ${lines[-2]} =~ ^"tcp: 127.0.0.1, port "[0-9]+$ ]]
    [ "${lines[-1]}" = "tcp: pid 0, uid -1, gid -1: not known" ]
}

# side WHO [ARGUMENT...]: the ping or pong that $kind is about; what it tells
# goes to ping.err or pong.err.
side() {
    local who=$1
    shift
    start $prefix$who "$@" "${where[@]}" 2> $who.err > $who.out
}

# over KIND: where ping and pong meet.
over() {
    kind=$1
    case $kind in
        unix) where=() prefix='' ;;
        tcp) where=("$port") prefix=tcp- ;;
        udp) where=("$port") prefix=udp- ;;
    esac
}

# playing: ping has found pong.
playing() {
    WHO=ping await grep -q 'pong is there' ping.err
}

@test "socket: ping and pong meet whoever is first, and report in order" {
    for kind in unix tcp udp; do
        over $kind
        [ $kind = udp ] && bytes=65507 || bytes=1048576
        side pong
        pong=$!
        await asleep $pong
        side ping -n 5 -s $bytes
        finish $!
        finish $pong
        [ "$(cut -c 1-9 ping.out | tr -s ' \n' ' ')" = "min median 90 % 99 % max " ]
        [ "$(grep -cE '^.{8} [ 0-9]{7}\.[0-9] us$' ping.out)" = 5 ]
        cut -c 9-18 ping.out | sort -cn
        side ping -r -n 30
        ping=$!
        await asleep $ping
        side pong
        finish $!
        finish $ping
        [ "$(grep -cxE '[0-9]+' ping.out)" = 30 ]
        grep -x ".*pong: 33 rounds of 8 bytes" pong.err
        [ ! -e ipc.ping ]
    done
    WHO=ping says "udp-ping: lost: 0 of 33 datagrams"
}

@test "socket: a killed ping or pong ends the other, the next one works" {
    for kind in unix tcp udp; do
        over $kind
        for victim in ping pong; do
            side pong
            pong=$!
            side ping -n 10000000
            ping=$!
            playing
            stop KILL ${!victim}
            finish ${!victim} 137
            [ $victim = ping ] && other=pong || other=ping
            finish ${!other} 1
            tail -n 1 $other.err | grep -E "gone before its end|Broken pipe|reset by peer"
            [ ! -s ping.out ]
        done
        side pong
        pong=$!
        side ping -n 9
        finish $!
        finish $pong
    done
}

@test "socket: told to stop, ping and pong leave no name and end each other" {
    for kind in unix tcp; do
        over $kind
        for signal in HUP INT TERM; do
            [ $kind = unix ] || continue
            side pong
            pong=$!
            await grep -q "accept" pong.err
            stop $signal $pong
            finish $pong $((128 + $(kill -l $signal)))
            [ ! -e ipc.ping ]
        done
        side pong
        pong=$!
        side ping -n 10000000
        ping=$!
        playing
        stop INT $pong
        finish $pong 130
        finish $ping 1
        [ ! -e ipc.ping ]
    done
}

@test "socket: the name that a killed pong leaves is replaced, a live one's never" {
    over unix
    side pong
    pong=$!
    await grep -q accept pong.err
    run -1 timeout 10 pong
    [ "${lines[-1]}" = "pong: ipc.ping: another pong is here" ]
    stop KILL $pong
    finish $pong 137
    [ "$(stat -c '%F %a' ipc.ping)" = "socket 600" ]
    side pong
    pong=$!
    side ping -n 9
    finish $!
    finish $pong
    [ ! -e ipc.ping ]
    echo precious > file
    mkdir folder
    ln -s file link
    for name in file folder link; do
        for side in ping pong; do
            run -1 timeout 10 $side $name
            [ "${lines[-1]}" = "$side: $name is not a socket of yours" ]
        done
    done
    [ "$(< file)" = precious ]
    [ "$(echo *)" = "file folder link ping.err ping.out pong.err pong.out" ]
}

@test "socket: pong refuses a plan that is not ping's, and one that is cut short" {
    over tcp
    for plan in 'hello, who is there?' '\0\0\0\0\x08\0\0\0' '\x01\0\0\0\0\0\0\0' \
        '\xff\xff\xff\xff\x08\0\0\0' '\x01\0\0\0\x01\0\x10\0' \
        '\xc1\xd8\xa7\0\x01\0\0\0' four; do
        side pong
        pong=$!
        await grep -q accept pong.err
        exec {stranger}<> /dev/tcp/127.0.0.1/$port
        printf "$plan" >&$stranger
        [ $plan != four ] 2> /dev/null || exec {stranger}>&-
        finish $pong 1
        exec {stranger}>&-
        [ "$plan" = four ] || grep -q "tcp-pong: this is not ping: " pong.err
    done
    WHO=pong says "tcp-pong: ping is gone before its end"
    over udp
    for plan in 'hello, who is there?' '\0\0\0\0\x08\0\0\0' '' '\x01\0\0\0\xff\xff\0\0' \
        '\x01\0\0\0\x08\0\0\0!'; do
        side pong
        pong=$!
        await grep -q recvfrom pong.err
        await asleep $pong
        printf "$plan" > /dev/udp/127.0.0.1/$port
        [ -n "$plan" ] || { stop TERM $pong && finish $pong 143 && continue; }
        finish $pong 1
        grep -q "udp-pong: this is not udp-ping: " pong.err
    done
}

@test "socket: ping refuses an echo that is not what it said" {
    command -v nc > /dev/null || skip "needs nc: apt-get install netcat-openbsd"
    over tcp
    head -c 4096 /dev/zero > zeros
    start nc -l 127.0.0.1 $port < zeros > /dev/null
    nc=$!
    side ping
    finish $! 1
    WHO=ping says "tcp-ping: the echo is not what was said"
    finish $nc
}

@test "socket: what udp-pong does not answer in time is lost, and not waited for" {
    over udp
    side pong
    pong=$!
    side ping -n 40000
    ping=$!
    playing
    stop STOP $pong
    await stopped $pong
    pause 0.6
    stop CONT $pong
    WITHIN=9 finish $ping
    finish $pong
    tail -n 1 ping.err | grep -xE "udp-ping: lost: [1-9] of 44000 datagrams"
}

@test "socket: findings that cannot be written are an error" {
    for program in pair kinds stale queue peer; do
        run -1 timeout 10 sh -c "exec $program > /dev/full"
        [ "${lines[0]}" = "$program: standard output: No space left on device" ]
        run -1 timeout 10 sh -c "exec $program >&-"
        [ "$output" = "$program: standard output: Bad file descriptor" ]
    done
    for kind in unix tcp udp; do
        over $kind
        side pong
        pong=$!
        program=${prefix}ping
        run -1 timeout 10 sh -c 'exec "$@" > /dev/full' - $program -n 5 "${where[@]}"
        [ "${lines[-1]}" = "$program: standard output: No space left on device" ]
        finish $pong
    done
    [ "$(echo *)" = "pong.err pong.out" ]
}

# The server that keeps what it echoes.

# server [PATH [FILE]]: it listens, and has told so.
server() {
    start store-server "$@" 2> server.err
    server=$!
    WHO=server await grep -q 'sleeps until a client comes or speaks' server.err
}

# logger: the child of the server.
logger() {
    local of children
    of=$(child $server)
    read -r children < "/proc/$of/task/$of/children"
    echo "${children% }"
}

# close_server: nothing of it is left but the file.
close_server() {
    local keeper
    keeper=$(logger)
    stop TERM $server
    finish $server 143
    [ ! -e ipc.store ]
    await ended "$keeper"
}

# talker: a client at the keyboard, who has met the server.
talker() {
    rm -f keyboard
    mkfifo keyboard
    exec {keys}<> keyboard
    start echo-client < keyboard > heard 2> client.err {keys}>&-
    client=$!
    WHO=client await says "echo-client: the server is there"
}

# bats test_tags=C129
@test "socket: what is said to the store-server comes back and is in its file" {
    server
    for bytes in 0 1 100000 3000000; do
        : > ipc.log
        head -c $bytes /dev/urandom > said
        timeout 10 echo-client < said > heard
        cmp said heard
        cmp said ipc.log
    done
    printf 'a\0\0b\n\0end' > said
    timeout 10 echo-client < said | cmp - said
    close_server
}

# bats test_tags=C129
@test "socket: each line is in the store-server's file when its echo comes" {
    server
    talker
    for line in one two three; do
        echo $line >&$keys
        await grep -qx $line heard
        [ "$(tail -n 1 ipc.log)" = $line ]
    done
    before=$(ticks $server)
    pause 0.1
    (($(ticks $server) <= before + 1))
    exec {keys}>&-
    finish $client
    close_server
}

# bats test_tags=C129
@test "socket: nothing is echoed while the store-server's logger stands still" {
    server
    talker
    keeper=$(logger)
    kill -STOP "$keeper"
    echo something >&$keys
    pause 0.1
    [ ! -s heard ]
    [ ! -s ipc.log ]
    kill -CONT "$keeper"
    await grep -qx something heard
    exec {keys}>&-
    finish $client
    close_server
}

@test "socket: a store-server whose logger stands still ends when it is told to" {
    server
    talker
    kill -STOP "$(logger)"
    stop TERM $server
    finish $server 143
    exec {keys}>&-
    finish $client 1
    [ ! -e ipc.store ]
}

# bats test_tags=C130
@test "socket: what many clients say at once is kept in the order of each" {
    letters=(a b c d e f g h)
    server
    for who in "${letters[@]}"; do
        head -c 100000 /dev/urandom | tr '\0-\177' "$who" | tr '\200-\377' "${who^}" > said.$who
    done
    clients=()
    for who in "${letters[@]}"; do
        start echo-client < said.$who > heard.$who 2> errors.$who
        clients+=($!)
    done
    for client in "${clients[@]}"; do
        finish $client
    done
    [ "$(wc -c < ipc.log)" = 800000 ]
    for who in "${letters[@]}"; do
        cmp said.$who heard.$who
        tr -cd "$who${who^}" < ipc.log | cmp - said.$who
    done
    close_server
}

# bats test_tags=C130
@test "socket: lines said in turn stand in the store-server's file as they came" {
    server
    talker
    for i in 1 2 3; do
        echo "$i from the first" >&$keys
        await grep -q "^$i" heard
        timeout 5 echo-client <<< "$i from a second" 2> errors
    done
    exec {keys}>&-
    finish $client
    cmp ipc.log <(printf '%s\n' "1 from the first" "1 from a second" "2 from the first" \
        "2 from a second" "3 from the first" "3 from a second")
    close_server
}

@test "socket: a hundred clients at once say and hear a hundred messages each" {
    command -v python3 > /dev/null || skip "needs python3, to be a hundred clients"
    server
    cat > clients.py << 'END'
import random, selectors, socket

random.seed(1)
sel = selectors.DefaultSelector()
clients = []
for i in range(100):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect("ipc.store")
    sock.setblocking(False)
    sizes = [random.choice((1, 3, 50, 700, 3000)) for _ in range(99)] + [65536]
    random.shuffle(sizes)
    said = b"".join(bytes((i + 128 * random.getrandbits(1),)) * n for n in sizes)
    clients.append([sock, sizes, said, 0, bytearray()])
    sel.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, clients[i])
while sel.get_map():
    for key, events in sel.select():
        c = key.data
        if events & selectors.EVENT_WRITE:
            c[3] += c[0].send(c[2][c[3]:c[3] + c[1][-1]])
            c[1].insert(0, c[1].pop())
            if c[3] == len(c[2]):
                c[0].shutdown(socket.SHUT_WR)
                sel.modify(c[0], selectors.EVENT_READ, c)
        if events & selectors.EVENT_READ:
            heard = c[0].recv(65536)
            c[4] += heard
            if not heard:
                sel.unregister(c[0])
kept = open("ipc.log", "rb").read()
assert len(kept) == sum(len(c[2]) for c in clients), "length"
for i, c in enumerate(clients):
    others = bytes(set(range(256)) - {i, i + 128})
    assert c[2] == c[4], ("echo", i)
    assert c[2] == kept.translate(None, others), ("kept", i)
END
    timeout 15 python3 clients.py
    close_server
}

@test "socket: a hundred clients come, and each hears what it has said" {
    server
    seq 1000 > said
    start bash -c 'for i in {1..100}; do echo-client < said > heard.$i || touch failed & done; wait' 2> errors
    WITHIN=15 finish $!
    [ ! -e failed ]
    for i in {1..100}; do
        cmp said heard.$i
    done
    [ "$(wc -c < ipc.log)" = $((100 * $(wc -c < said))) ]
    close_server
}

@test "socket: clients who are slow, deaf, silent or gone hold up no other" {
    server
    mkfifo full
    exec {full}<> full # nobody reads from it: this client never hears all
    start echo-client < /dev/zero > full 2> deaf.err
    deaf=$!
    talker # silent
    start echo-client < /dev/zero > /dev/null 2> gone.err
    gone=$!
    await grep -q 'is there' gone.err
    stop KILL $gone
    finish $gone 137
    start bash -c 'for i in {1..50}; do printf .; done | while read -rn 1 c; do printf "$c"; done |
        echo-client > slow' 2> slow.err
    slow=$!
    await asleep $deaf
    before=$(stat -c %s ipc.log)
    head -c 1M /dev/urandom > said
    timeout 5 echo-client < said > heard.next
    cmp said heard.next
    finish $slow
    [ "$(wc -c < slow)" = 50 ]
    # Of the deaf one no more was taken than the buffers hold.
    (($(stat -c %s ipc.log) < before + 3000000))
    (($(awk '/VmRSS/ { print $2 }' "/proc/$(child $server)/status") < 16384))
    stop KILL $deaf
    finish $deaf 137
    exec {keys}>&-
    finish $client
    close_server
}

@test "socket: a client that listens late hears all that it has said" {
    server
    head -c 2M /dev/urandom > said
    mkfifo full
    exec {full}<> full
    start echo-client < said > full 2> client.err {full}>&-
    client=$!
    await asleep $client # all buffers between here and the server are full
    before=$(ticks $server)
    pause 0.1
    (($(ticks $server) <= before + 1))
    start head -c 2M <&$full > heard
    finish $!
    finish $client
    cmp said heard
    cmp said ipc.log
    close_server
}

@test "socket: a killed logger is replaced, and all is echoed and kept, once" {
    server
    talker
    for i in {1..5}; do
        kill -KILL "$(logger)"
        await eval "(($i == \$(grep -c 'signal 9 killed the logger: another starts' server.err)))"
        echo $i >&$keys
        await grep -qx $i heard
    done
    # It has no copy of a client's socket, or that could not end.
    [ "$(find "/proc/$(logger)/fd" -lname 'socket:*' | wc -l)" = 0 ]
    exec {keys}>&-
    finish $client
    : > ipc.log
    head -c 64M /dev/urandom > said
    start echo-client < said > heard 2> client.err
    client=$!
    while ! ended $client; do
        kill -KILL "$(logger)" 2> /dev/null || :
        pause 0.001
    done
    finish $client
    cmp said heard
    cmp said ipc.log
    (($(grep -c 'another starts' server.err) > 5))
    close_server
}

@test "socket: what a logger has kept and not yet told is not kept twice" {
    command -v strace > /dev/null || skip "needs strace, to kill the logger in that moment"
    server
    talker
    start strace -o trace -p "$(logger)" -e trace=write -e inject=write:signal=KILL:when=2 2> strace.err
    tracer=$!
    await grep -q attached strace.err
    echo once >&$keys
    await grep -qx once heard
    [ "$(< ipc.log)" = once ]
    grep -qx 'store-server: signal 9 killed the logger: another starts' server.err
    await ended $tracer
    exec {keys}>&-
    finish $client
    close_server
}

# bats test_tags=C129
@test "socket: a file that takes no more ends the store-server, and no echo is wrong" {
    start bash -c 'ulimit -f 64; exec store-server' 2> server.err
    server=$!
    WHO=server await grep -q 'sleeps' server.err
    head -c 1M /dev/urandom > said
    timeout 5 echo-client < said > heard 2> client.err && status=0 || status=$?
    [ $status = 1 ]
    grep 'echo-client: ipc.store: the server is gone, after' client.err
    finish $server 1
    grep 'store-server: logger: write ipc.log: File too large' server.err
    WHO=server says "store-server: the logger has failed"
    (($(wc -c < heard) <= $(wc -c < ipc.log)))
    cmp ipc.log <(head -c "$(wc -c < ipc.log)" said)
    [ ! -e ipc.store ]
}

@test "socket: told to stop, the store-server has kept all that it has echoed" {
    for signal in HUP INT TERM; do
        rm -f ipc.log heard
        server
        keeper=$(logger)
        start bash -c 'seq 100000000 | echo-client > heard' 2> client.err
        client=$!
        await test -s heard
        stop $signal $server
        finish $server $((128 + $(kill -l $signal)))
        finish $client 1
        [ ! -e ipc.store ]
        ended "$keeper"
        cmp heard <(head -c "$(wc -c < heard)" ipc.log)
    done
}

@test "socket: Ctrl-C, which the logger gets too, costs the store-server nothing" {
    server
    talker
    echo before >&$keys
    await grep -qx before heard
    for signal in HUP INT TERM; do
        kill -$signal "$(logger)"
    done
    echo after >&$keys
    await grep -qx after heard
    [ "$(grep -c 'another starts' server.err)" = 0 ]
    exec {keys}>&-
    finish $client
    close_server
}

@test "socket: told to stop at any moment, the store-server leaves no name behind" {
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        start store-server 2> server.err
        server=$!
        await child $server > /dev/null
        pause "0.00$((RANDOM % 6))"
        stop TERM $server
        finish $server 143
        [ ! -e ipc.store ]
    done
}

# bats test_tags=C103
@test "socket: a killed store-server ends its logger and clients, and the next goes on" {
    server
    keeper=$(logger)
    talker
    echo first >&$keys
    await grep -qx first heard
    speaker=$(child "$(child $client)")
    stop KILL $server
    finish $server 137
    await ended "$keeper"
    finish $client 1
    WHO=client says "echo-client: ipc.store: the server is gone, after 6 bytes"
    await ended "$speaker"
    [ -S ipc.store ]
    server
    timeout 5 echo-client <<< second
    cmp ipc.log <(printf 'first\nsecond\n')
    close_server
    exec {keys}>&-
}

@test "socket: a name or a file that a server has is refused, and the server unharmed" {
    server
    timeout 5 store-server ipc.store other.log 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep -x 'store-server: ipc.store: another server is here' errors
    timeout 5 store-server other.store 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep 'store-server: ipc.log: another server keeps it' errors
    [ ! -e other.store ]
    timeout 5 echo-client <<< hello 2> errors
    close_server
}

@test "socket: what is no socket or file of ours is refused by the store-server, unharmed" {
    for kind in file folder fifo link; do
        case $kind in
            file) echo precious > object ;;
            folder) mkdir object ;;
            fifo) mkfifo object ;;
            link) ln -s nowhere object ;;
        esac
        before=$(stat -c '%i %F %s %a' object)
        timeout 5 store-server object 2> errors && status=0 || status=$?
        [ $status = 1 ]
        grep -x 'store-server: object is not a socket of yours' errors
        if [ $kind != file ]; then
            timeout 5 store-server ipc.store object 2> errors && status=0 || status=$?
            [ $status = 1 ]
            grep -E 'store-server: (open object: |object is not a file of yours)' errors
        fi
        [ "$(stat -c '%i %F %s %a' object)" = "$before" ]
        [ ! -e ipc.store ]
        rm -r object
    done
    timeout 5 store-server ipc.store /dev/full 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep -x 'store-server: /dev/full is not a file of yours' errors
    timeout 5 store-server "$(printf '%0108d' 0)" 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep 'an address has 1 to 107 bytes' errors
}

@test "socket: the store-server's name and file are its owner's alone" {
    umask 0
    server
    [ "$(stat -c %a ipc.store)" = 600 ]
    [ "$(stat -c %a ipc.log)" = 600 ]
    close_server
}

@test "socket: out of descriptors, the store-server sleeps until a client leaves" {
    start bash -c 'ulimit -n 14; exec store-server' 2> server.err
    server=$!
    await grep -q 'sleeps until a client' server.err
    mkfifo keyboard
    exec {keys}<> keyboard
    clients=()
    for i in {1..8}; do
        start bash -c "cat <(echo $i) keyboard | echo-client > heard.$i" 2> errors {keys}>&-
        clients+=($!)
        await grep -q 'is there' errors
    done
    await grep -q 1 heard.1
    await asleep $server
    before=$(ticks $server)
    pause 0.2
    (($(ticks $server) <= before + 1))
    (($(cat heard.? | wc -l) < 8))
    exec {keys}>&-
    for client in "${clients[@]}"; do
        finish $client
    done
    [ "$(cat heard.? | sort | xargs)" = "1 2 3 4 5 6 7 8" ]
    close_server
}

# bats test_tags=C129
@test "socket: nc and socat are clients of the store-server, too" {
    command -v nc > /dev/null || skip "needs nc: apt-get install netcat-openbsd"
    command -v socat > /dev/null || skip "needs socat: apt-get install socat"
    server
    seq 20000 > said
    timeout 5 nc -U -N ipc.store < said | cmp - said
    timeout 5 socat -t 5 - UNIX-CONNECT:ipc.store < said | cmp - said
    cmp ipc.log <(cat said said)
    close_server
}

@test "socket: stopped with Ctrl-Z and continued, the store-server and its client lose nothing" {
    server
    talker
    for line in one two three; do
        for who in $server $client; do
            await asleep $who
            stop STOP $who
            await stopped $who
        done
        echo $line >&$keys
        stop CONT $server
        stop CONT $client
        await grep -qx $line heard
    done
    exec {keys}>&-
    finish $client
    close_server
}

@test "socket: server and client may start in any order, or at once" {
    for name in ipc.store folder/ipc.store; do
        mkdir -p folder
        start echo-client $name <<< hello > heard 2> client.err
        client=$!
        await asleep $client
        grep -x "echo-client: connect $name: sleeps until a server listens there" client.err
        start store-server $name 2> server.err
        server=$!
        finish $client
        [ "$(< heard)" = hello ]
        stop TERM $server
        finish $server 143
        [ ! -e $name ]
    done
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        start store-server 2> server.err
        server=$!
        start echo-client <<< "round $i" > heard 2> client.err
        finish $!
        [ "$(< heard)" = "round $i" ]
        ((i % 2)) && stop TERM $server || stop KILL $server # and its name stays
        await ended $server
    done
    rm -f ipc.store
    mkfifo ipc.store
    timeout 5 echo-client <<< hello 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep -x 'echo-client: ipc.store is not a socket of yours' errors
}

@test "socket: what a killed client has said is kept, though nobody hears it" {
    server
    keeper=$(logger)
    kill -STOP "$keeper" # so that nothing is echoed, and most of it not heard
    head -c 150000 /dev/urandom > said
    start echo-client < said > heard 2> client.err
    client=$!
    await asleep $client
    speaker=$(child "$(child $client)")
    await ended "$speaker" # it has said it all
    stop KILL $client
    finish $client 137
    kill -CONT "$keeper"
    await cmp -s said ipc.log
    await grep -q 'client 1 has left: 150000 bytes' server.err
    close_server
}

@test "socket: told to stop or killed, no process of an echo-client is left" {
    server
    for signal in INT TERM KILL; do
        talker
        speaker=$(child "$(child $client)")
        stop $signal $client
        finish $client $((128 + $(kill -l $signal)))
        await ended "$speaker"
        exec {keys}>&-
    done
    talker
    kill -KILL "$(child "$(child $client)")"
    finish $client 1
    WHO=client says "echo-client: signal 9 killed the child"
    exec {keys}>&-
    close_server
}

@test "socket: an echo-client that does not hear everything back has failed" {
    command -v socat > /dev/null || skip "needs socat: apt-get install socat"
    start socat UNIX-LISTEN:ipc.store SYSTEM:'head -c 3'
    await test -S ipc.store
    timeout 5 echo-client <<< hello > heard 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep -x 'echo-client: ipc.store: the server is gone, after 3 bytes' errors
    [ "$(< heard)" = hel ]
    rm -f ipc.store
    start socat UNIX-LISTEN:ipc.store SYSTEM:'tac' # echoes at the end of input
    await test -S ipc.store
    timeout 5 echo-client <<< hello | grep -x hello
}

@test "socket: an echo-client whose output cannot be written fails" {
    server
    timeout 5 echo-client <<< hello > /dev/full 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep 'write standard output: No space left on device' errors
    timeout 5 echo-client < . > heard 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep 'read standard input: Is a directory' errors
    head -c 1M /dev/zero > said
    { timeout 5 echo-client < said 2> errors && : > succeeded; } | :
    [ ! -e succeeded ]
    grep 'write standard output: Broken pipe' errors
    close_server
}

# hand: the file said goes through a pipe that only the one side has made.
hand() {
    start fd-receiver > received 2> receiver.err
    receiver=$!
    start fd-sender < said 2> sender.err
    sender=$!
}

# bats test_tags=C21
@test "socket: a pipe's end handed to a stranger carries what its sender writes" {
    for bytes in 0 17 3000000; do
        head -c $bytes /dev/urandom > said
        hand
        finish $sender
        finish $receiver
        cmp said received
        [ ! -e ipc.fd ]
    done
    grep -E 'fd-receiver: descriptor [0-9]+ has come, an end of pipe:\[[0-9]+\]' receiver.err
}

# handed: a sender at the keyboard and a receiver, who have met.
handed() {
    rm -f keyboard
    mkfifo keyboard
    exec {keys}<> keyboard
    start fd-sender < keyboard 2> sender.err {keys}>&-
    sender=$!
    start fd-receiver > received 2> receiver.err {keys}>&-
    receiver=$!
    await grep -q 'has come' receiver.err
    WHO=sender await grep -q 'is on its way' sender.err
    await asleep $sender
}

# bats test_tags=C21
@test "socket: a typed line comes out of the handed pipe at once" {
    handed
    for line in one two three; do
        for who in $sender $receiver; do
            await asleep $who
            stop STOP $who
            await stopped $who
        done
        echo $line >&$keys
        stop CONT $sender
        stop CONT $receiver
        await grep -qx $line received
    done
    exec {keys}>&-
    finish $sender
    finish $receiver
}

@test "socket: sender and receiver of a descriptor may start in any order, or at once" {
    echo hello > said
    start fd-receiver > received 2> receiver.err
    receiver=$!
    await test -S ipc.fd
    [ "$(stat -c %a ipc.fd)" = 600 ]
    await asleep $receiver
    timeout 5 fd-sender < said
    finish $receiver
    cmp said received
    start fd-sender < said 2> sender.err
    sender=$!
    await asleep $sender
    timeout 5 fd-receiver > received
    finish $sender
    cmp said received
    for ((i = 0; i < ${ROUNDS:-3}; i++)); do
        hand
        finish $sender
        finish $receiver
        cmp said received
        [ ! -e ipc.fd ]
    done
}

@test "socket: a killed sender or receiver of a descriptor ends the other" {
    handed
    stop KILL $sender
    finish $sender 137
    finish $receiver 1
    WHO=receiver says "fd-receiver: ipc.fd: the sender is gone before its end"
    exec {keys}>&-
    handed
    stop KILL $receiver
    finish $receiver 137
    finish $sender 1
    WHO=sender says "fd-sender: ipc.fd: the receiver is gone"
    exec {keys}>&-
    start fd-receiver > received 2> receiver.err # killed before it is awake
    receiver=$!
    await asleep $receiver
    stop STOP $receiver
    await stopped $receiver
    start fd-sender < /dev/zero 2> sender.err
    sender=$!
    WHO=sender await grep -q 'is on its way' sender.err
    stop KILL $receiver
    finish $receiver 137
    finish $sender 1
    start fd-receiver > received 2> receiver.err # killed before they meet
    receiver=$!
    await asleep $receiver
    stop KILL $receiver
    finish $receiver 137
    echo hello > said
    hand
    finish $sender
    finish $receiver
    cmp said received
}

@test "socket: told to stop while it waits, no side leaves a name for descriptors" {
    for side in fd-sender fd-receiver; do
        for signal in HUP INT TERM; do
            start $side < /dev/null 2> errors
            waiting=$!
            await asleep $waiting
            stop $signal $waiting
            finish $waiting $((128 + $(kill -l $signal)))
            [ ! -e ipc.fd ]
        done
    done
}

@test "socket: what is no socket of ours is refused for descriptors, unharmed" {
    start fd-receiver 2> receiver.err
    receiver=$!
    await asleep $receiver
    timeout 5 fd-receiver 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep -x 'fd-receiver: ipc.fd: another receiver is here' errors
    timeout 5 fd-sender < /dev/null
    finish $receiver
    for kind in file folder fifo link; do
        case $kind in
            file) echo precious > object ;;
            folder) mkdir object ;;
            fifo) mkfifo object ;;
            link) ln -s nowhere object ;;
        esac
        before=$(stat -c '%i %F %s %a' object)
        for side in fd-sender fd-receiver; do
            timeout 5 $side object < /dev/null 2> errors && status=0 || status=$?
            [ $status = 1 ]
            grep -x "$side: object is not a socket of yours" errors
        done
        [ "$(stat -c '%i %F %s %a' object)" = "$before" ]
        rm -r object
    done
}

# deliver PYTHON: a stranger, who sends what this makes of the socket s and of a
# pipe r, w to the receiver.
deliver() {
    start fd-receiver > received 2> receiver.err
    receiver=$!
    await asleep $receiver
    timeout 5 python3 -c "
import array, os, select, socket
s = socket.socket(socket.AF_UNIX)
s.connect('ipc.fd')
r, w = os.pipe()
os.write(w, b'hello')
def send(*fds, kind=socket.SCM_RIGHTS):
    s.sendmsg([b'x'], [(socket.SOL_SOCKET, kind, array.array('i', fds))])
$1
os.close(r)
os.fchmod(w, 0o400)
gone = select.poll() # of whoever has the pipe's reading end
gone.register(w, 0)
if gone.poll(2000):
    print('closed')
" > stranger
}

@test "socket: anything but one pipe's reading end is refused, and closed" {
    command -v python3 > /dev/null || skip "needs python3, to be a stranger"
    none='no descriptor has come' other='not a pipe to read from has come'
    while IFS='|' read -r words code; do
        deliver "$code"
        finish $receiver 1
        grep -x "fd-receiver: ipc.fd: $words" receiver.err
        [ "$(< stranger)" = closed ]
        [ ! -s received ]
        [ ! -e ipc.fd ]
    done << END
$none|s.send(b'x')
more has come than one descriptor|send(r, r)
more has come than one descriptor|send(*[r] * 200)
$other|send(w)
$other|send(s.fileno())
$other|send(os.open('.', os.O_RDONLY))
the sender is gone, nothing has come|s.shutdown(socket.SHUT_WR)
END
}

@test "socket: descriptors closed or full, sender and receiver fail and say so" {
    for side in fd-sender fd-receiver store-server echo-client; do
        for closed in 0 1 2; do
            eval "timeout 5 $side $closed>&-" 2> errors && status=0 || status=$?
            [ $status = 1 ]
            [ $closed = 2 ] || grep "$side: descriptor $closed: Bad file descriptor" errors
        done
    done
    start fd-sender < /dev/zero 2> sender.err
    sender=$!
    timeout 5 fd-receiver > /dev/full 2> errors && status=0 || status=$?
    [ $status = 1 ]
    grep 'write standard output: No space left on device' errors
    finish $sender 1
}

@test "socket: a usage error of these four has status 2, and --help is none" {
    for program in store-server echo-client fd-sender fd-receiver; do
        for arguments in -x "-x y" "a b c"; do
            timeout 5 $program $arguments 2> errors && status=0 || status=$?
            [ $status = 2 ]
            grep "^usage: $program" errors
        done
        timeout 5 $program --help > help 2> errors
        grep "^usage: $program" help
        [ ! -s errors ]
    done
}
