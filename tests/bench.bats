# make bench: its arithmetic, its pictures, its way to measure, and what it leaves
# behind. No test here asserts a time: they vary. They assert what can be counted.

setup() {
    load helper
    use tests
    bench=$BATS_TEST_DIRNAME/bench
}

# form NAME [FILE...]: what bench.awk makes of results.
form() {
    awk -v form="$1" -f "$BATS_TEST_DIRNAME/bench.awk" "${@:2}"
}

# line FIELD...: one line of results.
line() {
    local IFS=$'\t'
    echo "$*"
}

# results NS...: a run each of the default fifo on one CPU, 1000 bytes in so long;
# dd took 250 ns.
results() {
    local ns round=0
    line '# cpu' 'A "fast" one'
    line row carry fifo own one 'cat-fifo dd' 1000 'measure writer'
    line row carry fifo 65536 two dd 1000 'measure writer -b 65536'
    line row carry dd own one - 1000 'dd'
    line carry dd own one 1 1000 250 250 0 0 -
    for ns; do
        line carry fifo own one $((round += 1)) 1000 "$ns" 2000 1 2 -
    done
    line calls fifo own 1048576 42
    line none carry fifo 65536 two 'too "much" \ for it'
    line missing socat socat
}

# balanced FILE: each tag that is opened is closed, in order, and text has no
# bare < or &: what any reader of XML would ask.
balanced() {
    awk '{ text = text $0 " " }
        END {
            if (text ~ /&[^a-z#]/)
                exit 1
            gsub(/<style>[^<]*<\/style>/, "", text)
            while (match(text, /<[^>]*>/)) {
                tag = substr(text, RSTART + 1, RLENGTH - 2)
                text = substr(text, RSTART + RLENGTH)
                seen++
                if (tag ~ /\/$/)
                    continue
                if (tag ~ /^\//) {
                    if (open[depth--] != substr(tag, 2))
                        exit 1
                } else {
                    split(tag, word, " ")
                    open[++depth] = word[1]
                }
            }
            exit depth != 0 || seen < 10 || text ~ /</
        }' "$1"
}

# tree LESSON/NAME...: a build folder of these programs and no others, so that
# bench is soon done, and its results go into our folder.
tree() {
    local program
    for program in tests/measure "$@"; do
        mkdir -p "built/${program%/*}" tmp
        cp "$BUILD/$program" "built/$program"
    done
}

# measured LESSON: run bench on that tree, quickly.
measured() {
    BUILD=$PWD/built BIN=${mine-} TMPDIR=$PWD/tmp ONLY=$1 ROUNDS=${2:-1} \
        QUICK=1 MEGABYTES=1 start bash "$bench" > table 2> errors
}

# nothing_left: no file of bench, and no process: all of them have our TMPDIR.
nothing_left() {
    [ -z "$(ls -A tmp)" ]
    ! grep -lsaz "^TMPDIR=$PWD/tmp$" /proc/[0-9]*/environ || fail "these are still there"
}

@test "bench: ranks are the nearest: so many in a hundred are this or less" {
    diff <(seq 1 1000 | form ranks) <(line 1000 1 100 500 900 990 999 1000)
    diff <(seq 1 10 | form ranks) <(line 10 1 1 5 9 10 10 10)
    diff <(echo 7 | form ranks) <(line 1 7 7 7 7 7 7 7)
    diff <(printf '%s\n' 1 2 3 | form ranks) <(line 3 1 1 2 3 3 3 3)
}

@test "bench: a figure is the median of its runs, beside the lowest and the highest" {
    results 1000 250 500 > odd # 1, 4 and 2 GB/s
    form table odd > table
    grep -E '^fifo +default one +2\.00 +1\.00\.\.4\.00 ' table
    results 1000 250 500 400 > even
    form table even | grep -E '^fifo +default one +2\.25 +1\.00\.\.4\.00 '
}

@test "bench: what it cost is told for a MiB and a GiB, of both sides" {
    # 2000 ns for 1000 bytes; 42 calls a MiB; 3 switches for 1000 bytes.
    results 500 | form table - | grep -E '^fifo .* 2\.15 +42\.0 +3146 '
}

@test "bench: a ratio is to the first yardstick that was measured on as many CPUs" {
    results 500 > tsv
    form table tsv | grep -E '^fifo .* 0\.50 dd$'
    line carry cat-fifo own two 1 1000 500 500 0 0 yes >> tsv
    form table tsv | grep -E '^fifo .* 0\.50 dd$'
    line carry cat-fifo own one 1 1000 1000 500 0 0 - >> tsv
    form table tsv | grep -E '^fifo .* 2\.00 cat-fifo$'
    line carry fifo 65536 two 1 1000 250 500 0 0 yes >> tsv
    line carry dd own two 1 1000 500 500 0 0 yes >> tsv
    form table tsv | grep -E '^fifo +64 KiB +two .* 2\.00 dd '
}

@test "bench: what is asked too much of has no figure, but a reason" {
    results 500 | form table - > table
    grep -F 'n/a: too "much" \ for it' table
    grep 'missing: socat (apt-get install socat)' table
}

@test "bench: round trips of two kinds are marked, and CPUs that were not ours" {
    {
        line row trip pipe 8 two perf-pipe 100 'measure ping'
        line trip pipe 8 two 1 100 1000 1000 2000 3000 5000 6000 7000 yes
    } > tsv
    form table tsv | grep -E '^pipe +8 B +two +1\.00 +2\.00 +3\.00 +5\.00 +2\.00\.\.2\.00$'
    line trip pipe 8 two 2 100 1000 1000 2000 9000 9000 9000 9000 no >> tsv
    form table tsv | grep -E '^pipe .* ~ !$'
}

@test "bench: what sockperf prints is read" {
    printf '%s\n' 'sockperf: Total 400 observations; each percentile contains 4.00' \
        'sockperf: ---> <MAX> observation =   90.500' \
        'sockperf: ---> percentile 99.900 =   80.000' \
        'sockperf: ---> percentile 99.000 =   29.093' \
        'sockperf: ---> percentile 90.000 =   14.631' \
        'sockperf: ---> percentile 50.000 =   13.409' \
        'sockperf: ---> <MIN> observation =   13.139' | form sockperf > figures
    diff figures <(line 400 13139 - 13409 14631 29093 80000 90500)
}

@test "bench: COMPARE tells what is beyond the spread, and in which direction" {
    trips() {
        line row trip pipe 8 one - 100 ping
        local p50
        for p50; do line trip pipe 8 one 1 100 1 1 "$p50" 5 6 7 8 -; done
    }
    verdict() {
        form compare old new | awk '/^(faster|slower|same)/ { print $1, $2, $NF }'
    }
    { results 500 510 520; trips 5000 5100 5200; } > old
    { results 250 240 260; trips 4000 4100 4200; } > new
    [ "$(verdict)" = $'faster fifo 2.04\nsame dd 1.00\nfaster pipe 0.80' ]
    { results 515 900 950; trips 5200 5300 5400; } > new
    [ "$(verdict)" = $'same fifo 0.57\nsame dd 1.00\nsame pipe 1.04' ]
    { results 521 900 950; trips 5201 5300 5400; } > new
    [ "$(verdict)" = $'slower fifo 0.57\nsame dd 1.00\nslower pipe 1.04' ]
    form compare old new | grep '^0 faster, 2 slower, 1 the same'
}

@test "bench: the JSON parses, whatever the machine is called" {
    results 1000 250 500 > tsv
    form json tsv > json
    grep -F '"cpu": "A \"fast\" one"' json
    grep -F '"why": "n/a: too \"much\" \\ for it"' json
    grep -F '"gb_per_s": 2, "min": 1, "max": 4,' json
    [ "$(tr -cd '{[' < json | wc -c)" = "$(tr -cd ']}' < json | wc -c)" ]
    if command -v python3; then
        python3 -m json.tool json > /dev/null
    fi
}

@test "bench: the pictures are well formed, with or without figures" {
    results 1000 250 500 > tsv
    line row trip pipe 8 two - 1 'ping' >> tsv
    line trip pipe 8 two 1 100 1000 1000 2000 9000 9000 9000 9000 - >> tsv
    line '# compiler' 'cc <1 & 2>' >> tsv
    : > empty
    for file in tsv empty; do
        for picture in throughput roundtrip; do
            form $picture $file > $picture.svg
            balanced $picture.svg
            ! command -v xmllint || xmllint --noout $picture.svg
        done
    done
    echo '<svg><g></svg>' > broken.svg
    ! balanced broken.svg || fail "any tags are taken for balanced"
}

@test "bench: each awk sees the same" {
    results 1000 250 500 > tsv
    for awk in mawk gawk; do
        command -v $awk || skip "needs $awk: apt-get install $awk"
        for picture in table json throughput roundtrip; do
            $awk -v form=$picture -f "$BATS_TEST_DIRNAME/bench.awk" tsv
        done > by.$awk
    done
    cmp by.mawk by.gawk
}

@test "bench: labels keep apart where all lines end at one height" {
    for name in pipe fifo msgq msgq-posix shm shm-ring mmap signal unix tcp; do
        line row carry $name own one - 1000 x
        line carry $name own one 1 1000 100 1 0 0 - # as high as can be
    done > tsv
    form throughput tsv > picture
    awk -F '"' '/<text x="434/ { if ($4 < 100 || (last && $4 - last < 12)) exit 1; last = $4; n++ }
        END { if (n != 10) exit 1 }' picture
}

@test "bench: every word of a command is passed on, and its output compared" {
    seq 10000 > sent
    measure -c -i sent 0,0 cat
    measure -c -p -i sent 0,0 cat -- cat
    measure -o printed 0,0 printf '%s|' 'a b' '' c
    [ "$(< printed)" = 'a b||c|' ]
    run -1 measure -c -i sent 0,0 tr 5 6
    run -1 measure -c -i sent 0,0 head -c 100
    run -1 measure -c -i sent 0,0 sh -c 'cat; echo more'
}

@test "bench: one line tells wall and CPU time, sleeps and switches" {
    measure 0,0 sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done' > figures
    awk 'NF != 4 || $1 < 1e6 || $2 < 1e6 || $2 > $1 * 2 { exit 1 }' figures
    measure 0,0 sleep 0.2 > figures
    awk '$1 < 2e8 || $2 > 1e8 || $3 < 1 { exit 1 }' figures
}

@test "bench: a side that fails ends the other, and its status tells whose fault" {
    run -2 measure 0,0 sh -c 'exit 2' -- sleep 100
    run -2 measure 0,0 sleep 100 -- sh -c 'exit 2'
    run -1 measure 0,0 sleep 100 -- sh -c 'exit 3'
    run -1 measure 0,0 no-such-program -- sleep 100
    run -1 measure -t 1 0,0 sleep 100 -- sleep 100
    measure -k 0,0 true -- sleep 100
}

@test "bench: told to stop, it stops both, and dies of that signal" {
    mkdir tmp
    for signal in HUP INT TERM; do
        TMPDIR=$PWD/tmp start measure 0,0 sleep 100 -- sleep 100
        measure=$!
        both_sleep() {
            [ "$(wc -w < "/proc/$(child $measure)/task/$(child $measure)/children")" = 2 ]
        }
        await both_sleep
        stop $signal $measure
        finish $measure $((128 + $(kill -l $signal)))
        nothing_left
    done
}

@test "bench: system calls are counted, those of children too" {
    measure -s 0,0 true > none || skip "needs ptrace, which is forbidden here"
    head -c 6400 /dev/zero > sent
    measure -s -i sent 0,0 dd bs=64 of=/dev/null > some
    (($(< some) >= $(< none) + 200)) # a hundred reads, a hundred writes
    for nested in 'dd bs=64 of=/dev/null; :' '(dd bs=64 of=/dev/null; :); :'; do
        measure -s -i sent 0,0 sh -c "$nested" > nested
        (($(< nested) >= $(< some)))
    done
}

@test "bench: a quick run has a figure for each row and leaves nothing behind" {
    tree pipe/zero-copy pipe/ping
    measured pipe
    WITHIN=20 finish $!
    nothing_left
    awk -F '\t' '$1 == "row" && $2 != "other" { rows++; due[$2, $3, $4, $5] }
        $1 == "carry" || $1 == "trip" { delete due[$1, $2, $3, $4] }
        END { for (row in due) exit 1; exit rows < 4 }' built/bench/bench.tsv
    grep -E '^zero-copy +default one +[0-9]' table
    [ -s built/bench/bench.json ]
    balanced built/bench/throughput.svg
    balanced built/bench/roundtrip.svg
}

@test "bench: a reader that corrupts its data gets no figure, and status 1" {
    tree fifo/writer fifo/reader
    mkdir -p mine/fifo
    printf '%s\n' '#!/bin/sh' "$PWD/built/fifo/reader \"\$@\" | tr '\\0' x" > mine/fifo/reader
    chmod +x mine/fifo/reader
    mine=$PWD/mine measured fifo
    WITHIN=20 finish $! 1
    nothing_left
    grep -E '^fifo +64 KiB +one +FAILED: .*compare' table
    ! grep $'^carry\tfifo' built/bench/bench.tsv || fail "there is a figure"
    grep $'^carry\tcat-fifo' built/bench/bench.tsv
}

@test "bench: interrupted, it shows what it has, and nothing runs on" {
    tree pipe/zero-copy
    has_figure() {
        grep -qs $'^carry\tzero-copy' tmp/*/tsv
    }
    for signal in INT TERM; do
        measured pipe 1000000
        bench_pid=$!
        WITHIN=20 await has_figure
        stop $signal $bench_pid
        WITHIN=10 finish $bench_pid $((128 + $(kill -l $signal)))
        nothing_left
        grep -E '^zero-copy +default ' table || fail "$(cat table errors)"
        grep $'^carry\tzero-copy' built/bench/bench.tsv
        balanced built/bench/throughput.svg
        rm -r built/bench
    done
}

@test "bench: interrupted, it does not wait for a run that hangs" {
    tree fifo/writer fifo/reader
    mkdir -p mine/fifo
    printf '%s\n' '#!/bin/sh' '[ "$1" = --help ] || exec sleep 100' > mine/fifo/reader
    chmod +x mine/fifo/reader
    mine=$PWD/mine measured fifo
    bench_pid=$!
    hangs() {
        compgen -G 'tmp/*/run/ipc.fifo'
    }
    WITHIN=20 await hangs
    stop INT $bench_pid
    WITHIN=5 finish $bench_pid 130
    nothing_left
}

@test "bench: what it cannot do, it says" {
    ONLY=nothing run -2 bash "$bench"
    COMPARE=no-such-file run -2 bash "$bench"
    ROUNDS=x run -2 bash "$bench"
    BUILD=$PWD/none run -2 bash "$bench"
}

# calls LESSON/WRITER [OPTION...] -- [LESSON/READER [OPTION...]]: for 256 KiB.
calls() {
    local words=() word
    for word; do
        [[ $word == [a-z]*/* ]] && word=$BUILD/$word
        words+=("$word")
    done
    head -c 256K /dev/zero > sent
    # LeakSanitizer itself wants to trace, and fails.
    ASAN_OPTIONS=detect_leaks=0 measure -s -i sent 0,0 "${words[@]}" 2> errors
}

# bats test_tags=C50
@test "bench: with small blocks, shared memory asks the kernel as often as a pipe" {
    calls pipe/to-child -b 64 > pipe || skip "needs ptrace, which is forbidden here"
    calls shm/writer -b 64 -- shm/reader > shm
    (($(< shm) >= $(< pipe)))
    # With large ones, seldom.
    calls shm/posix-writer "/bench-$$" -- shm/posix-reader "/bench-$$" > ring
    (($(< ring) < $(< shm) / 20))
}

# bats test_tags=C88
@test "bench: a call costs what it costs: large blocks make any interface efficient" {
    calls pipe/to-child -b 64 > small || skip "needs ptrace, which is forbidden here"
    calls pipe/to-child -b 65536 > large
    (($(< small) > $(< large) * 20))
}

# bats test_tags=C102
@test "bench: what a signal tells is little: a MiB takes the most calls of all" {
    [ -e "$BUILD/signal/writer" ] || skip "needs signal/writer"
    calls pipe/to-child > pipe || skip "needs ptrace, which is forbidden here"
    calls signal/writer -- signal/reader > signals
    (($(< signals) > $(< pipe) * 20))
}
