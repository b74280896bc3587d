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
