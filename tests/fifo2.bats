# Two FIFOs carry both directions (chat, ping and pong); the other programs show
# one fact each. ROUNDS=500 tries longer.

setup() {
    load helper
    use fifo
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

# says LINE: the last line that $WHO has told is this.
says() {
    [[ -s $WHO.err && $(tail -n 1 "$WHO.err") == "$1" ]]
}

stopped() {
    [[ $(state "$(child "$1")") == T ]]
}

# no_names: neither a FIFO nor a file is left by any of the programs.
no_names() {
    for name in ipc.fifo.* *-*.fifo; do
        [ ! -e "$name" ]
    done
}

# side SIDE: start one side of either pair, with no input to wait for.
side() {
    case $1 in
        a | b) start chat $1 < /dev/null > heard.$1 2> $1.err ;;
        ping) start ping -n 20 > figures 2> ping.err ;;
        pong) start pong 2> pong.err ;;
    esac
}

other() {
    case $1 in
        a) echo b ;;
        b) echo a ;;
        ping) echo pong ;;
        pong) echo ping ;;
    esac
}

# bats test_tags=C68,C63
@test "fifo: over two FIFOs each side of a chat hears the other, not itself" {
    talkers
    echo from-a >&$keys_a
    await grep -qx from-a heard.b
    echo from-b >&$keys_b
    await grep -qx from-b heard.a
    [ "$(< heard.a)" = from-b ] && [ "$(< heard.b)" = from-a ]
    no_names
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

@test "fifo: both sides busy writing and stopped, chat loses nothing" {
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
    for first in a b ping pong; do
        side $first
        one=$!
        await asleep $one
        side "$(other $first)"
        two=$!
        finish $one
        finish $two
        no_names
    done
}

# bats test_tags=C64
@test "fifo: both sides of both pairs may start at the same moment, again and again" {
    sides=(a ping b pong)
    for ((i = 0; i < ${ROUNDS:-25}; i++)); do
        side ${sides[i % 4]}
        one=$!
        side "$(other ${sides[i % 4]})"
        two=$!
        finish $one
        finish $two
        no_names
    done
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
    for first in a b ping pong; do
        side $first
        one=$!
        await asleep $one
        stop STOP $one
        await stopped $one
        stop CONT $one
        await asleep $one
        side "$(other $first)"
        finish $!
        finish $one
    done
}

# bats test_tags=C67
@test "fifo: told to stop while it waits, no side of a pair leaves a name" {
    for who in a b ping pong; do
        for signal in HUP INT TERM; do
            side $who
            waiting=$!
            await asleep $waiting
            [ "$(stat -c %a ipc.fifo.* | uniq)" = 600 ]
            stop $signal $waiting
            finish $waiting $((128 + $(kill -l $signal)))
            no_names
        done
    done
}

@test "fifo: of two that wait, one told to stop does not strand the other" {
    for who in a b ping pong; do
        side $who
        one=$!
        await asleep $one
        side $who
        two=$!
        await asleep $two
        stop TERM $one
        finish $one 143
        finish $two 1
        no_names
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
    for victim in ping pong; do
        start ping -n 1000000 > figures 2> ping.err
        ping=$!
        start pong 2> pong.err
        pong=$!
        WHO=pong await says "pong: 1001000 rounds of 8 bytes"
        stop KILL ${!victim}
        finish ${!victim} 137
        WHO=$(other $victim)
        finish ${!WHO} 1
        tail -n 1 $WHO.err | grep -E "$victim is gone before its end|Broken pipe"
        [ ! -s figures ]
    done
}

@test "fifo: killed while it waits, a side leaves names that serve the next pair" {
    for who in a b ping pong; do
        side $who
        waiting=$!
        await asleep $waiting
        stop KILL $waiting
        finish $waiting 137
        [ -p ipc.fifo.$who ]
        chmod 400 ipc.fifo.[ab] 2> /dev/null || : # as if it had been sealed
        side "$(other $who)"
        one=$!
        await asleep $one
        side $who
        finish $!
        finish $one
        no_names
    done
}

# settled: the survivor has ended, or waits for a peer that it has never met.
settled() {
    ended $survivor || { asleep $survivor && [[ $(wc -l < $WHO.err) = 1 ]]; }
}

@test "fifo: killed at any moment, one side ends the other, and the next pair works" {
    for ((i = 0; i < ${ROUNDS:-25}; i++)); do
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
        WITHIN=2 await settled
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
        no_names
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
        '\xa9\x9a\x98\0\x01\0\0\0'; do
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
    WHO=ping says "ping: round 0: the echo is not what was said"
    finish $cat
}

@test "fifo: ping reports five figures in order, or every round trip with -r" {
    for bytes in 1 8 100000; do
        start pong 2> pong.err
        pong=$!
        timeout 10 ping -n 30 -s $bytes > figures 2> ping.err
        finish $pong
        [ "$(cut -c 1-9 figures | tr -s ' \n' ' ')" = "min median 90 % 99 % max " ]
        [ "$(grep -cE '^.{8} [ 0-9]{7}\.[0-9] us$' figures)" = 5 ]
        cut -c 9-18 figures | sort -cn
    done
    start pong 2> pong.err
    timeout 10 ping -r -n 30 > figures 2> ping.err
    finish $!
    [ "$(grep -cxE '[0-9]+' figures)" = 30 ]
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
    no_names
}

# bats test_tags=C36,C37,C65,C66
@test "fifo: mkfifo and mknod make FIFOs, open a file; umask counts; the disk holds no data" {
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
    no_names
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
    for crowd in "3 3" "1 5" "5 1" "20 20"; do
        run -0 timeout 10 crowd $crowd
        writers=${crowd% *} readers=${crowd#* } sum=0
        for line in "${lines[@]:0:readers}"; do
            [[ $line =~ ^"reader "[0-9]+": "([0-9]+)" lines"$ ]]
            sum=$((sum + BASH_REMATCH[1]))
        done
        [ $sum = $((writers * 1000)) ]
        [ "${lines[readers]}" = "sum: $sum lines of $writers writers, 0 lost, 0 doubled, 0 torn" ]
    done
    no_names
}

@test "fifo: a killed reader or writer of the crowd, or its parent, ends them all" {
    command -v strace > /dev/null || skip "needs strace, to make the writers slow"
    for victim in reader writer parent; do
        start strace -qqfo /dev/null -e inject=write:delay_enter=5000 \
            -e trace=write crowd 2 2 > out 2> errors
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
            no_names
        fi
        for pid in "${crowds[@]}"; do
            await ended $pid
        done
    done
}

# all_there: crowd, under strace, has its two readers and two writers.
all_there() {
    parent=$(child "$(child $crowd)") &&
        crowds=($(< "/proc/$parent/task/$parent/children")) &&
        [ ${#crowds[@]} = 4 ]
} 2> /dev/null

@test "fifo: findings that cannot be written are an error, and leave nothing" {
    for program in open-modes making crowd; do
        run -1 timeout 10 sh -c "exec $program > /dev/full"
        [ "$output" = "$program: standard output: No space left on device" ]
        run -1 timeout 10 sh -c "exec $program >&-"
        [ "$output" = "$program: standard output: Bad file descriptor" ]
    done
    side pong
    run -1 --separate-stderr timeout 10 sh -c "exec ping -n 5 > /dev/full"
    [ "${stderr_lines[-1]}" = "ping: standard output: No space left on device" ]
    finish $!
    no_names
}

@test "fifo: a chat whose output cannot be written fails, and ends the other" {
    for output in '> /dev/full' '>&-'; do
        rm -f keyboard.a
        mkfifo keyboard.a
        exec {keys_a}<> keyboard.a
        start chat a < keyboard.a > heard.a 2> a.err {keys_a}>&-
        a=$!
        start sh -c "exec chat b < /dev/zero $output" > /dev/null 2> b.err {keys_a}>&-
        b=$!
        echo hello >&$keys_a
        finish $b 1
        finish $a 1
        WHO=a says "chat: b is gone before its end"
        tail -n 1 b.err | grep "^chat: write standard output: "
        exec {keys_a}>&-
    done
}

@test "fifo: a usage error of the others has status 2, and --help is none" {
    for program in chat ping pong open-modes making crowd; do
        run -2 timeout 10 $program one two three
        run -2 timeout 10 $program -x
        run -0 --separate-stderr timeout 10 $program --help
        [[ ${lines[0]} == "usage: $program"* && -z $stderr ]]
    done
    run -2 timeout 10 chat
    run -2 timeout 10 chat c
    for number in 0 -1 x 1x "" 10000001 99999999999999999999; do
        run -2 timeout 10 ping -n "$number"
        [ "$output" = "ping: -n $number: not a number from 1 to 10000000" ]
        run -2 timeout 10 ping -s "$number"
        [ "$output" = "ping: -s $number: not a number from 1 to 1048576" ]
        run -2 timeout 10 crowd "$number" 1
        [ "$output" = "crowd: $number: not a number from 1 to 100" ]
    done
    no_names
}
