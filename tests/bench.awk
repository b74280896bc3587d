# bench.awk - what bench has measured, as text and as pictures.
#
# awk -v form=... -f bench.awk FILE:
#   ranks       numbers in order, one a line: their nearest ranks, as bench keeps them
#   sockperf    the same, out of what sockperf(1) prints
#   glance      one line of results in words
#   table json throughput roundtrip
#               a whole bench.tsv
#   compare     two of them, the old one first: what became faster, what slower
#
# A line of bench.tsv begins with its kind:
#   # WHAT VALUE                                  the machine
#   row KIND NAME BLOCK CPUS YARDSTICKS SIZE COMMAND
#   carry NAME BLOCK CPUS ROUND BYTES WALL CPU SLEPT GAVE-WAY OURS
#   trip NAME BLOCK CPUS ROUND COUNT MIN P10 P50 P90 P99 P99.9 MAX OURS
#   calls NAME BLOCK BYTES CALLS
#   other NAME - CPUS ROUND WHAT VALUE
#   none, wrong KIND NAME BLOCK CPUS WHY          no figure: asked too much, or failed
#   missing NAME PACKAGE
# Times are nanoseconds.

BEGIN { FS = "\t" }

# Of n numbers in order, so many thousandths are this one or less: its place.
function rank(n, thousandths) {
    return n < 1 ? 0 : int((n * thousandths + 999) / 1000)
}

# sort(a, n): a[1] to a[n], in place, by value.
function sort(a, n,    i, j, v) {
    for (i = 2; i <= n; i++) {
        v = a[i]
        for (j = i - 1; j > 0 && a[j] > v; j--)
            a[j + 1] = a[j]
        a[j + 1] = v
    }
}

# median(LIST): of numbers in a string. lowest and highest are left behind.
function median(list,    a, n, i) {
    n = split(list, a, " ")
    for (i = 1; i <= n; i++)
        a[i] += 0
    sort(a, n)
    lowest = a[1]
    highest = a[n]
    return n == 0 ? "" : n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}

form == "ranks" { sorted[NR] = $1; next }

form == "sockperf" {
    gsub(/\033\[[0-9;]*m/, "")
    if (match($0, /(percentile +[0-9.]+|<MIN> observation|<MAX> observation) = +[0-9.]+/)) {
        n = split(substr($0, RSTART, RLENGTH), word, " ")
        at[$0 ~ /<M/ ? substr(word[1], 2, 3) : word[2] + 0] = word[n] * 1000
    }
    if (match($0, /Total [0-9]+ observations/))
        total = substr($0, RSTART + 6) + 0
    next
}

# From here on, lines of bench.tsv. Old and new figures go by "old" and "new".
FNR == 1 { file++ }
{ age = form == "compare" && file == 1 ? "old" : "new" }

/^# / {
    if (age == "new") {
        fact[++facts] = substr($1, 3)
        told[facts] = $2
    }
    next
}

$1 == "missing" { missing = missing (missing ? ", " : "") $2 " (apt-get install " $3 ")" }
$1 == "other" { other[$2] = other[$2] " " $7; other_unit[$2] = $6 }
$1 == "calls" { calls[$2, $3] = $5 / $4 * 1048576 }

$1 == "row" || $1 == "none" || $1 == "wrong" {
    key = $2 SUBSEP $3 SUBSEP $4 SUBSEP $5
    if (!(key in known)) {
        known[key] = ++keys
        row[keys] = key
        kind[keys] = $2
        name[keys] = $3
        block[keys] = $4
        cpus[keys] = $5
    }
    if ($1 == "row") {
        yards[key] = $6
        command[key] = $8
    } else
        why[key] = ($1 == "wrong" ? "FAILED: " : "n/a: ") $6
    if ($1 == "wrong")
        delete figures[age, key]
    next
}

$1 == "carry" || $1 == "trip" {
    key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4
    ours[key] = ours[key] || $NF == "no"
    runs[key]++
}

# A byte in a nanosecond is a GB in a second.
$1 == "carry" && $7 > 0 {
    figures[age, key] = figures[age, key] " " $6 / $7
    if ($8 != "-") {
        costs[key] = costs[key] " " $8 / $6 * 1.073741824
        switches[key] = switches[key] " " ($9 + $10) / $6 * 1048576
    }
}

$1 == "trip" {
    figures[age, key] = figures[age, key] " " $9 / 1000
    for (i = 7; i <= 13; i++)
        if ($i != "-")
            times[key, i] = times[key, i] " " $i / 1000
}

form == "glance" && $1 == "carry" { print number($6 / $7) " GB/s" }
form == "glance" && $1 == "trip" { print number($9 / 1000) " us" }

# Three digits, as a reader wants them.
function number(x) {
    if (x == "")
        return "-"
    return sprintf(x < 0.0995 ? "%.2g" : x < 9.995 ? "%.2f" : x < 99.95 ? "%.1f" : "%.0f", x)
}

function bytes(n) {
    if (n !~ /^[0-9]+$/)
        return n == "own" ? "default" : n
    return n >= 1048576 ? n / 1048576 " MiB" : n >= 1024 ? n / 1024 " KiB" : n " B"
}

function measured(kind, name, block, cpus) {
    return ("new", kind, name, block, cpus) in figures
}

function figure(key) {
    return ("new", key) in figures ? median(figures["new", key]) : ""
}

# The first of its yardsticks that has a figure, of the same block and placement:
# its name, and our median as a multiple of its own.
function against(key, kind, block, cpus,    list, n, i) {
    n = split(yards[key], list, " ")
    for (i = 1; i <= n; i++) {
        yardstick = list[i]
        if (!measured(kind, yardstick, block, cpus)) {
            if (kind != "carry" || !measured(kind, yardstick, "own", cpus))
                continue
            block = "own"
        }
        return median(figures["new", key]) / median(figures["new", kind, yardstick, block, cpus])
    }
    yardstick = ""
    return ""
}

# What to think of a figure: two kinds of round trips, or CPUs shared with others.
function marks(key) {
    return (wide(key) ? " ~" : "") (ours[key] ? " !" : "")
}

function wide(key) {
    return median(times[key, 8]) > 0 && median(times[key, 10]) / median(times[key, 8]) > 3
}

function spread(key,    middle) {
    middle = figure(key)
    return number(lowest) ".." number(highest)
}

function table_line(k,    key, ratio, i, t) {
    key = row[k]
    printf "%-12s %-7s %-4s ", name[k], bytes(block[k]), cpus[k]
    if (!(("new", key) in figures)) {
        print why[key] == "" ? "not measured" : why[key]
        return
    }
    ratio = against(key, kind[k], block[k], cpus[k])
    if (kind[k] == "carry")
        printf "%8s %15s %8s %9s %9s", number(figure(key)), spread(key),
            number(median(costs[key])), number(calls[name[k], block[k]]), number(median(switches[key]))
    else {
        for (i = 8; i <= 11; i++)
            printf "%8s ", number(median(times[key, i]))
        printf "%15s", spread(key)
    }
    t = ratio == "" ? "" : sprintf("  %5s %s", number(ratio), yardstick)
    print t marks(key) (why[key] == "" ? "" : "  " why[key])
}

function table(    k, p, i) {
    for (i = 1; i <= facts; i++)
        print fact[i] ": " told[i]
    print "\nCarrying a file from the page cache to /dev/null, both sides on one CPU or on two."
    print "GB/s (higher is better): median, min..max. CPU: seconds for a GiB, of both sides."
    print "Calls: system calls for a MiB, on one CPU. Switches for a MiB. Last, GB/s as a"
    print "multiple of a yardstick on as many CPUs.\n"
    for (p = 1; p <= 2; p++) {
        printf "%-12s %-7s %-4s %8s %15s %8s %9s %9s  %s\n", "name", "block", "CPUs", "GB/s",
            "min..max", "CPU", "calls", "switches", "ratio"
        for (k = 1; k <= keys; k++)
            if (kind[k] == "carry" && cpus[k] == many(p))
                table_line(k)
        print ""
    }
    print "Round trips in microseconds (lower is better): so many in a hundred took as long as"
    print "this or less, median of the rounds; min..max of the medians; their multiple of a"
    print "yardstick. ~ 90 % is more than three times 10 %. ! others used our CPUs.\n"
    for (p = 1; p <= 2; p++) {
        printf "%-12s %-7s %-4s %8s %8s %8s %8s %15s  %s\n", "name", "bytes", "CPUs", "10 %", "50 %",
            "90 %", "99 %", "min..max", "ratio"
        for (k = 1; k <= keys; k++)
            if (kind[k] == "trip" && cpus[k] == many(p))
                table_line(k)
        print ""
    }
    for (i in other)
        printf "%s: %s %s, one CPU\n", i, number(median(other[i])), other_unit[i]
    if (missing)
        print "missing: " missing
}

# Not gsub(): what a backslash means in what it puts in differs between awks.
function quote(s,    i, c, quoted) {
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        quoted = quoted (c == "\\" || c == "\"" ? "\\" c : c < " " ? " " : c)
    }
    return "\"" quoted "\""
}

# "null" is for what was not measured.
function value(s) {
    return s == "" ? "null" : sprintf("%.6g", s)
}

function json(    k, i, key, ratio, middle, comma) {
    print "{\n  \"machine\": {"
    for (i = 1; i <= facts; i++)
        printf "    %s: %s%s\n", quote(fact[i]), quote(told[i]), i < facts ? "," : ""
    print "  },\n  \"missing\": " quote(missing) ",\n  \"figures\": ["
    for (k = 1; k <= keys; k++) {
        key = row[k]
        if (kind[k] == "other")
            continue
        ratio = against(key, kind[k], block[k], cpus[k])
        middle = figure(key)
        printf "%s    {\"kind\": %s, \"name\": %s, \"bytes\": %s, \"cpus\": %s,\n", comma,
            quote(kind[k]), quote(name[k]),
            block[k] ~ /^[0-9]+$/ ? block[k] : quote(block[k]), quote(cpus[k])
        printf "     \"command\": %s,\n", quote(command[key])
        if (why[key] != "")
            printf "     \"why\": %s,\n", quote(why[key])
        printf "     \"runs\": %d, \"cpus_ours\": %s,\n", runs[key], ours[key] ? "false" : "true"
        if (kind[k] == "carry")
            printf "     \"gb_per_s\": %s, \"min\": %s, \"max\": %s, " \
                "\"cpu_s_per_gib\": %s, \"calls_per_mib\": %s, \"switches_per_mib\": %s,\n",
                value(middle), value(middle == "" ? "" : lowest), value(middle == "" ? "" : highest),
                value(median(costs[key])), value(calls[name[k], block[k]]), value(median(switches[key]))
        else {
            printf "     \"us\": %s, \"min_us\": %s, \"max_us\": %s", value(middle),
                value(middle == "" ? "" : lowest), value(middle == "" ? "" : highest)
            split("min p10 p50 p90 p99 p99.9 max", rank_name, " ")
            for (i = 7; i <= 13; i++)
                printf ", \"%s\": %s", rank_name[i - 6], value(median(times[key, i]))
            print ","
        }
        printf "     \"yardstick\": %s, \"ratio\": %s}",
            yardstick == "" ? "null" : quote(yardstick), value(ratio)
        comma = ",\n"
    }
    print "\n  ],\n  \"others\": {"
    comma = ""
    for (i in other) {
        printf "%s    %s: {\"what\": %s, \"value\": %s}",
            comma, quote(i), quote(other_unit[i]), value(median(other[i]))
        comma = ",\n"
    }
    print "\n  }\n}"
}

# Faster or slower: no run of the one is among those of the other.
function compare(    k, key, old, new, old_low, old_high, verdict, count) {
    print "\nCompared with the old figures: beyond the spread, or the same."
    printf "%-6s %-12s %-7s %-4s %9s %9s %7s\n", "", "name", "bytes", "CPUs", "old", "new", "ratio"
    for (k = 1; k <= keys; k++) {
        key = row[k]
        if (!(("old", key) in figures) || !(("new", key) in figures))
            continue
        old = median(figures["old", key])
        old_low = lowest
        old_high = highest
        new = figure(key)
        verdict = lowest > old_high ? "more" : highest < old_low ? "less" : "same"
        if (verdict != "same")
            verdict = (verdict == "more") == (kind[k] == "carry") ? "faster" : "slower"
        count[verdict]++
        printf "%-6s %-12s %-7s %-4s %9s %9s %7s\n", verdict, name[k], bytes(block[k]), cpus[k],
            number(old), number(new), number(new / old)
    }
    printf "%d faster, %d slower, %d the same\n", count["faster"], count["slower"], count["same"]
}

# The pictures. Colours are the lessons'; a second line of a lesson is dashed.
function head(width, height, title, under) {
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" " \
        "width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n",
        width, height, width, height, title
    print "<style>"
    print "svg { font: 13px 'DejaVu Sans', Verdana, sans-serif }"
    print ".paper { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #59636e } .grid { stroke: #d1d9e0 }"
    print ".mark { stroke: #1f2328 } .title { font-size: 18px; font-weight: bold } .panel { font-weight: bold }"
    print ".small { font-size: 11px } .line { fill: none; stroke-width: 2 } .thin { fill: none; stroke-width: 1; opacity: .5 }"
    print ".pipe { color: #1769c4 } .fifo { color: #08807a } .msgq { color: #b85c00 } .shm { color: #c8283a }"
    print ".sem { color: #7a45b8 } .mmap { color: #3c7d16 } .signal { color: #b8327f } .socket { color: #80690a }"
    print ".yard { color: #6e7781 } g { fill: currentColor; stroke: none } .line, .thin { stroke: currentColor }"
    print "@media (prefers-color-scheme: dark) {"
    print ".paper { fill: #0d1117 } .ink { fill: #e6edf3 } .faint { fill: #9da7b1 } .grid { stroke: #30363d }"
    print ".mark { stroke: #e6edf3 }"
    print ".pipe { color: #6cb2ff } .fifo { color: #3fd0c6 } .msgq { color: #ffa657 } .shm { color: #ff7b85 }"
    print ".sem { color: #c69bf7 } .mmap { color: #7cc55a } .signal { color: #f58ac8 } .socket { color: #d9bf4a }"
    print ".yard { color: #9da7b1 }"
    print "}"
    print "</style>"
    printf "<title>%s</title>\n<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", title, width, height
    text(20, 30, "ink title", "start", title)
    text(20, 50, "faint", "start", under)
}

function text(x, y, class, anchor, words) {
    printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">%s</text>\n",
        x, y, class, anchor, words
}

function stroke(x1, y1, x2, y2, class, more) {
    printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"%s/>\n",
        x1, y1, x2, y2, class, more
}

function family(name) {
    if (name ~ /^(unix|tcp|udp)$/)
        return "socket"
    if (name == "zero-copy")
        return "pipe"
    sub(/-.*/, "", name)
    return name ~ /^(pipe|fifo|msgq|shm|sem|mmap|signal)$/ ? name : "yard"
}

function dash(name) {
    return name ~ /^(zero-copy|msgq-posix|shm-ring|shm-spin|tcp)$/ ? " stroke-dasharray=\"6 4\"" : \
        name == "udp" ? " stroke-dasharray=\"2 4\"" : ""
}

function machine(    i, s) {
    for (i = 1; i <= facts; i++)
        if (fact[i] ~ /^(cpu|kernel|compiler|date)$/)
            s = s (s == "" ? "" : " · ") (fact[i] == "date" ? substr(told[i], 1, 10) : told[i])
    gsub(/&/, "\\&amp;", s)
    gsub(/</, "\\&lt;", s)
    return s
}

function log10(x) { return log(x) / log(10) }
function floor(x) { return int(x) - (x < int(x)) }
function ceiling(x) { return -floor(-x) }
function many(p) { return p == 1 ? "one" : "two" }
function placement(p) { return p == 1 ? "one CPU for both sides" : "two CPUs, one for each side" }

# Keep n labels in order of height apart; label_y[] is where they would like to be.
function part(n, gap, top, bottom,    i, j, t) {
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && label_y[j] < label_y[j - 1]; j--) {
            t = label_y[j]; label_y[j] = label_y[j - 1]; label_y[j - 1] = t
            t = label_of[j]; label_of[j] = label_of[j - 1]; label_of[j - 1] = t
        }
    for (i = 1; i <= n; i++) {
        wish[i] = label_y[i]
        if (label_y[i] < top)
            label_y[i] = top
        if (i > 1 && label_y[i] < label_y[i - 1] + gap)
            label_y[i] = label_y[i - 1] + gap
    }
    for (i = n; i >= 1; i--) {
        t = i == n ? bottom : label_y[i + 1] - gap
        if (label_y[i] > t)
            label_y[i] = t
    }
}

function y_of(gbs) { return bottom - (log10(gbs) - low) / (high - low) * (bottom - top) }

function throughput(    k, p, i, x, left, v, least, most, n, points, last, dot, words, s, f) {
    least = most = 1
    for (k = 1; k <= keys; k++)
        if (kind[k] == "carry" && (v = figure(row[k])) != "") {
            if (v < least) least = v
            if (v > most) most = v
        }
    low = floor(log10(least))
    high = ceiling(log10(most))
    if (high == low) high++
    top = 100
    bottom = 520
    head(1040, 590, "Carrying a file: bytes a second, by block size. Higher is better",
        "From the page cache to /dev/null. Both scales are logarithmic. Grey: cat | cat, and dd, the one copy nobody avoids. Dashed: msgq-posix, shm-ring, tcp.")
    columns = split("64 1024 4096 65536 1048576 own", column, " ")
    for (p = 1; p <= 2; p++) {
        left = 75 + (p - 1) * 510
        text(left, 82, "ink panel", "start", placement(p))
        for (i = low; i <= high; i++) {
            stroke(left, y_of(10 ^ i), left + 340, y_of(10 ^ i), "grid", "")
            words = i >= 0 ? 10 ^ i " GB/s" : i >= -3 ? 10 ^ (i + 3) " MB/s" : 10 ^ (i + 6) " kB/s"
            text(left - 8, y_of(10 ^ i) + 4, "faint small", "end", words)
        }
        for (i = 1; i <= columns; i++) {
            at_x[column[i]] = left + (i - 1) * 60 + (i == columns ? 35 : 5)
            text(at_x[column[i]], bottom + 20, "faint small", "middle", bytes(column[i]))
        }
        n = 0
        split("", points)
        split("", last)
        for (k = 1; k <= keys; k++) {
            if (kind[k] != "carry" || cpus[k] != many(p) || (v = figure(row[k])) == "")
                continue
            f = family(name[k])
            if (f == "yard" && name[k] !~ /^(dd|cat-pipe)$/)
                continue
            if (!(name[k] in last)) {
                label_of[++n] = name[k]
                last[name[k]] = ""
            }
            if (block[k] == "own") {
                own_y[p, name[k]] = y_of(v)
                last[name[k]] = y_of(v)
                if (f == "yard")
                    points[name[k]] = sprintf("%.1f,%.1f %.1f,%.1f", left, y_of(v), at_x["own"], y_of(v))
                else
                    dot[name[k]] = sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", at_x["own"], y_of(v))
            } else {
                points[name[k]] = points[name[k]] sprintf(" %.1f,%.1f", at_x[block[k]], y_of(v))
                end_x[p, name[k]] = at_x[block[k]]
                if (!((p, name[k]) in own_y))
                    last[name[k]] = y_of(v)
            }
        }
        for (i = 1; i <= n; i++)
            label_y[i] = last[label_of[i]]
        part(n, 15, top, bottom)
        for (i = 1; i <= n; i++) {
            s = label_of[i]
            printf "<g class=\"%s\">\n", family(s)
            x = (p, s) in own_y ? at_x["own"] : end_x[p, s]
            if (points[s] != "")
                printf "<polyline class=\"line\" points=\"%s\"%s/>\n", points[s], \
                    family(s) == "yard" ? " stroke-dasharray=\"1 4\"" : dash(s)
            if ((p, s) in own_y)
                print dot[s]
            stroke(x + 5, wish[i], left + 355, label_y[i], "thin", "")
            text(left + 359, label_y[i] + 4, "", "start", s == "cat-pipe" ? "cat | cat" : s)
            print "</g>"
        }
    }
    text(20, 575, "faint small", "start", machine())
    print "</svg>"
}

function x_of(us) { return start + (log10(us) - low) / (high - low) * 370 }

function roundtrip(    k, p, i, j, y, v, n, names, order, s, key, size, sizes, least, most, height, t) {
    least = 1e9
    most = 0
    split("", names)
    n = 0
    for (k = 1; k <= keys; k++)
        if (kind[k] == "trip" && (v = figure(row[k])) != "") {
            if (!(name[k] in names)) {
                names[name[k]] = 1e9
                order[++n] = name[k]
            }
            if (block[k] == 8 && (cpus[k] == "one" || names[name[k]] == 1e9))
                names[name[k]] = v
            if (v < least) least = v
            t = median(times[row[k], 8])
            if (t != "" && t < least) least = t
            t = median(times[row[k], 11])
            if (t == "") t = v
            if (t > most) most = t
        }
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && names[order[j]] < names[order[j - 1]]; j--) {
            t = order[j]; order[j] = order[j - 1]; order[j - 1] = t
        }
    if (n == 0) { least = 1; most = 10 }
    low = floor(log10(least) + 0.0001)
    high = ceiling(log10(most) + 0.0001)
    sizes = split("8 4096 65536", size, " ")
    y = 108
    for (i = 1; i <= n; i++) {
        for (j = 1; j <= sizes; j++)
            if (measured("trip", order[i], size[j], "one") || measured("trip", order[i], size[j], "two")) {
                y += 17
                y_at[order[i], size[j]] = y
            }
        y += 9
    }
    height = y + 60
    head(1040, height, "There and back: the time of a round trip. Lower is better",
        "Bar: from 10 % to 90 % of the round trips. Stroke and number: the median, in µs. Dot: 99 %. Grey: others' programs. Logarithmic.")
    for (i = 1; i <= n; i++)
        for (j = sizes; j >= 1; j--)
            if ((order[i], size[j]) in y_at) {
                text(175, y_at[order[i], size[j]], "faint small", "end", bytes(size[j]))
                s = y_at[order[i], size[j]]
                if (j == 1 || !((order[i], size[1]) in y_at)) {
                    printf "<g class=\"%s\">\n", family(order[i])
                    text(20, s, "", "start", order[i])
                    print "</g>"
                }
            }
    for (p = 1; p <= 2; p++) {
        start = 190 + (p - 1) * 430
        text(start, 82, "ink panel", "start", placement(p))
        for (i = low; i <= high; i++) {
            stroke(x_of(10 ^ i), 92, x_of(10 ^ i), y, "grid", "")
            text(x_of(10 ^ i), y + 16, "faint small", "middle", i < 3 ? 10 ^ i " µs" : 10 ^ (i - 3) " ms")
        }
        for (k = 1; k <= keys; k++) {
            key = row[k]
            if (kind[k] != "trip" || cpus[k] != many(p) || (v = figure(key)) == "")
                continue
            s = y_at[name[k], block[k]] - 4
            printf "<g class=\"%s\">\n", family(name[k])
            t = v
            if ((i = median(times[key, 8])) != "" && (j = median(times[key, 10])) != "") {
                printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"9\" rx=\"2\"/>\n",
                    x_of(i), s - 4.5, x_of(j) - x_of(i) + 1
                t = i
            }
            if ((i = median(times[key, 11])) != "")
                printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", x_of(i), s
            stroke(x_of(v), s - 7, x_of(v), s + 7, "mark", " stroke-width=\"2\"")
            print "</g>"
            text(x_of(t) - 7, s + 4, "ink small", "end", number(v))
        }
    }
    text(20, height - 12, "faint small", "start", machine())
    print "</svg>"
}

END {
    if (form == "ranks") {
        printf "%d\t%d", NR, sorted[1]
        n = split("100 500 900 990 999 1000", thousandths, " ")
        for (i = 1; i <= n; i++)
            printf "\t%d", sorted[rank(NR, thousandths[i])]
        print ""
    } else if (form == "sockperf")
        printf "%d\t%.0f\t-\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\n", total, at["MIN"], at[50], at[90], at[99], at[99.9], at["MAX"]
    else if (form == "table")
        table()
    else if (form == "json")
        json()
    else if (form == "compare")
        compare()
    else if (form == "throughput")
        throughput()
    else if (form == "roundtrip")
        roundtrip()
}
