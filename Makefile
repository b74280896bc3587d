# Every lesson is a folder and every .c file in it is one program: fifo/writer.c
# builds build/fifo/writer. New files are found; there is no list to maintain.
# Programs in tests are the instruments that drive the lessons'.
# make help lists the targets; make V=1 shows the commands.

BUILD    ?= build
PREFIX   ?= /usr/local
CFLAGS   ?= -O2 -g
WARNINGS ?= -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
            -Wstrict-prototypes -Wmissing-prototypes
LDLIBS   ?= -pthread -lrt# glibc before 2.34 needs them; others ignore them
TESTS    ?= tests
JOBS     ?= $(shell nproc)

SOURCES  := $(sort $(wildcard */*.c))
PROGRAMS := $(SOURCES:%.c=$(BUILD)/%)
STUDY    := $(filter-out tests/%,$(SOURCES))# those that students read
LESSONS  := $(sort $(patsubst %/,%,$(dir $(STUDY))))
SCRIPTS  := $(filter-out %.c %.awk %.svg,$(wildcard tests/* .ci/run))
BINDIR    = $(DESTDIR)$(PREFIX)/bin
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
# Not asked for: functions of C11's Annex K, which neither libc has.
TIDY     := -*,clang-analyzer-*,bugprone-*,-bugprone-assignment-in-if-condition,$\
            -bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,$\
            -clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
# With its own limits gcc gives up early on half of the programs, and says nothing.
ANALYZE  := -fanalyzer --param=analyzer-bb-explosion-factor=100 $\
            --param=analyzer-max-enodes-per-program-point=32
Q        := $(if $(filter-out 0,$(V)),,@)

.DELETE_ON_ERROR:
.SECONDEXPANSION:
.PHONY: all $(LESSONS) demo check check-sanitized torture bench lint install \
        uninstall clean help

all: $(PROGRAMS)                ## build every program; make fifo: of one lesson

# make fifo builds the programs of one lesson.
$(LESSONS): $$(filter $(BUILD)/$$@/%,$(PROGRAMS))

# The one rule. -MMD notes which headers a program read, so that editing
# fifo/contract.h rebuilds the programs that include it and no others.
$(BUILD)/%: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $*"
	$(Q)$(CC) -std=c17 $(WARNINGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) \
	    -MMD -MP -o $@ $< $(LDLIBS)

-include $(PROGRAMS:=.d)

demo: all                       ## watch the first pair at work
	@BUILD='$(BUILD)' tests/demo

# BIN=mine puts mine/fifo/reader, in any language, in the place of ours.
check: all                      ## run the tests; TESTS=tests/fifo.bats BIN=mine
	@command -v bats >/dev/null || { \
	    echo "make check needs bats: sudo apt-get install bats" >&2; exit 2; }
	$(Q)BUILD='$(abspath $(BUILD))' BIN='$(BIN)' JOBS='$(JOBS)' tests/check \
	    $(BATSFLAGS) $(wildcard $(TESTS:%=%/*.bats)) $(filter %.bats,$(TESTS))

check-sanitized:                ## run them again under ASan and UBSan
	$(Q)$(MAKE) check BUILD='$(BUILD)/sanitized' CFLAGS='$(SANITIZE)'

# Each call of each pair goes wrong once; either side is hit by a signal at any
# moment, and both start at once, ROUNDS=300 times; each program meets each limit,
# each pair a hostile peer; bugs put in on purpose must be found by all this; and
# other compilers, valgrind and TSan look at what goes well.
torture: all                    ## what the world does to programs; ONLY=fifo
	$(Q)$(MAKE) -s all BUILD='$(BUILD)/sanitized' CFLAGS='$(SANITIZE)' >/dev/null
	$(Q)status=0; for each in torture rounds limits hostile seeds eyes; do \
	    [ $$each = limits -o $$each = hostile ] && \
	        build='$(abspath $(BUILD))/sanitized' || build='$(abspath $(BUILD))'; \
	    BUILD="$$build" PLAIN='$(abspath $(BUILD))' ONLY='$(ONLY)' \
	        SHARE='$(SHARE)' ROUNDS='$(ROUNDS)' tests/$$each || status=1; \
	done; exit $$status

# COMPARE=old.tsv says what became faster or slower.
bench: all                      ## measure; QUICK=1 ONLY=fifo COMPARE=old.tsv
	$(Q)BUILD='$(abspath $(BUILD))' BIN='$(BIN)' CC='$(CC)' CFLAGS='$(CFLAGS)' \
	    ONLY='$(ONLY)' QUICK='$(QUICK)' ROUNDS='$(ROUNDS)' COMPARE='$(COMPARE)' \
	    tests/bench

lint: $(SOURCES:%.c=$(BUILD)/lint/%) ## find fault with the sources and the scripts
	$(Q)clang-format --dry-run -Werror $(SOURCES) $(wildcard */*.h)
	$(Q)shellcheck -S warning -e SC2034,SC2120,SC2154 $(SCRIPTS)

# Three compilers, one of which follows each path through a program; then as a
# student would compile it; then those who only read. What was good stays so
# until it is edited: make -j lint is quick.
$(BUILD)/lint/%: %.c Makefile $$(wildcard $$(*D)/*.h)
	@mkdir -p $(@D)
	@echo "  LINT $*"
	$(Q)gcc -std=c17 -O2 $(ANALYZE) $(WARNINGS) -Werror -o $@ $< $(LDLIBS)
	$(Q)clang -std=c17 -O2 $(WARNINGS) -Werror -o $@ $< $(LDLIBS)
	$(Q)musl-gcc -std=c17 -O2 $(WARNINGS) -Werror -o $@ $< $(LDLIBS)
	$(Q)clang-tidy --quiet --checks='$(TIDY)' --warnings-as-errors='*' \
	    $< -- -std=c17 2>/dev/null
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 \
	    --enable=warning,portability,performance $<
	$(Q)$(CC) -Werror -o $@ $< $(LDLIBS)

install: all                    ## copy to PREFIX/bin, as ipc-fifo-writer
	$(Q)install -d '$(BINDIR)'
	$(Q)for p in $(STUDY:.c=); do \
	    install $(BUILD)/$$p "$(BINDIR)/ipc-$$(echo $$p | tr / -)" || exit; \
	done

uninstall:                      ## remove what install has copied
	$(Q)for p in $(STUDY:.c=); do \
	    rm -f "$(BINDIR)/ipc-$$(echo $$p | tr / -)" || exit; \
	done

clean:                          ## remove everything that make has built
	$(Q)rm -rf $(BUILD)

help:                           ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1	/p' Makefile | expand -t 18
