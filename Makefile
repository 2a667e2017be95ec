# SPDX-License-Identifier: BSD-2-Clause
# All output goes to build/. V=1 shows the commands. `make help` lists what there is.
# ARCH=arm64, where the machine is no such one, builds for it with a cross compiler, to build/arm64/.

MACHINE := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
ARCH := $(MACHINE)
BUILD := build
CLANG ?= clang
BPFTOOL ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool)
PYTHON ?= /usr/bin/python3
PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider
CFLAGS ?= -O2 -g
# Names and orders are the same on every machine, so that the same sources make the same package.
export LC_ALL := C.UTF-8
DEBIAN_x86 := amd64
DEBIAN_arm64 := arm64
TRIPLET_x86 := x86_64-linux-gnu
TRIPLET_arm64 := aarch64-linux-gnu
DEBIAN_ARCH := $(or $(DEBIAN_$(ARCH)),$(error ARCH=$(ARCH): keepwatch knows x86 and arm64))
STRIP := strip
SYSROOT :=
ifneq ($(ARCH),$(MACHINE))
BUILD := build/$(ARCH)
SYSROOT := build/$(ARCH)-root
CC := $(TRIPLET_$(ARCH))-gcc --sysroot=$(SYSROOT)
STRIP := $(TRIPLET_$(ARCH))-strip
endif
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
CHANGELOG := tools/packaging/debian/changelog
VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' $(CHANGELOG))
# The date of pages and packages is that of the version, and not of the build.
SOURCE_DATE_EPOCH ?= $(shell date -u -d "$$(sed -n 's/^ -- .*>  //p' $(CHANGELOG) | head -1)" +%s)
export SOURCE_DATE_EPOCH

# Where `make install` puts things; DESTDIR goes in front of each. systemd and bash look below /usr/local too.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
SHAREDIR ?= $(PREFIX)/share/keepwatch
SYSCONFDIR ?= /etc
CONFIG := $(SYSCONFDIR)/keepwatch/keepwatch.conf
SHARED := tools/prometheus/alerts.yml tools/prometheus/recording.yml tools/grafana/keepwatch.json

KW_CFLAGS := -std=gnu11 -Wall -Wextra -Werror=implicit-function-declaration -D_GNU_SOURCE -DKEEPWATCH_VERSION='"$(VERSION)"' -I$(BUILD) -Iuser -I.
BPF_CFLAGS := -std=gnu11 -Wall -Wextra -Wno-unused-parameter -O2 -g -mcpu=v3 --target=bpf \
	-D__TARGET_ARCH_$(ARCH) $(if $(MULTIARCH),-idirafter $(SYSROOT)/usr/include/$(MULTIARCH)) -Ivmlinux -I$(BUILD)
# Paths in the program are those in the sources, wherever these lie.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=.
BPF_CFLAGS += $(PREFIX_MAP)
# Bugs in the program are to end it, and not to be of use to anybody; tests/e2e/test_hardening.py reads them from the program.
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection -Wformat -Werror=format-security
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifdef SANITIZE
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
else # sanitizers have checks of their own in the place of these
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
LIBS := -lbpf -lelf -lz -lmicrohttpd -lgnutls -ljansson -lyaml -lzstd -lcrypt -lm -lcap-ng -lseccomp -lncursesw -ltinfo

PARSE_SRC := $(sort $(wildcard tools/http1-parse/*.c))
PARSE2_SRC := $(sort $(wildcard tools/http2-parse/*.c))
MAIN_SRC := $(sort $(shell find user -name '*.c'))
OBJECTS := $(MAIN_SRC:%.c=$(BUILD)/%.o)
UNITS := $(patsubst %.c,$(BUILD)/%,$(shell find tests/unit -name 'test_*.c' -path '*$(TEST)*' | sort))

ALONE := test_race.py test_tls_race.py test_no_false_alarm.py # run alone, because other tests would reuse their many ports
FACTS := $(BUILD)/tests/differential/facts $(BUILD)/tests/differential/http2_facts
VALGRIND := test_valgrind.py # has a target of its own, because it takes minutes
SANITIZED := $(BUILD)/sanitized
SANITIZING := KEEPWATCH_BUILD=$(SANITIZED) UBSAN_OPTIONS=print_stacktrace=1 \
	ASAN_OPTIONS=exitcode=99:quarantine_size_mb=4:verify_asan_link_order=0
SOAK_SECONDS ?= 600
PEERS := $(BUILD)/tests/kernels/peers
CARRIERS := $(BUILD)/tests/e2e/lib/within_read $(BUILD)/tests/e2e/lib/rings.so $(BUILD)/tests/e2e/lib/caller32
BENCH := $(BUILD)/reference $(BUILD)/load
UNFILTERED := $(BUILD)/tests/e2e/lib/unfiltered.so
UNSEEN := $(BUILD)/tests/e2e/lib/unseen
MADE := $(BUILD)/tests/e2e/lib/recordings
# Official programs of node, which have OpenSSL 1.1.1 and 3.5 within them.
NODES := $(BUILD)/tests/node-16.20.2 $(BUILD)/tests/node-24.22.3
STATIC := $(BUILD)/tests/e2e/lib/static_tls $(BUILD)/tests/e2e/lib/static_tls_exported

PAGES := $(patsubst tools/packaging/%.scd,$(BUILD)/man/%,$(wildcard tools/packaging/*.scd))
FILL_IN := sed 's|@VERSION@|$(VERSION)|g; s|@BINDIR@|$(BINDIR)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g; s|@SHAREDIR@|$(SHAREDIR)|g'

C_FILES := $(shell find bpf include user tests tools vmlinux -name "*.[ch]" ! -path tools/cppcheck.h)
# The .c in the assumed name fixes the language: clang-format takes some headers for Objective-C.
FORMAT := clang-format --assume-filename=$$file.c < $$file
SCRIPTS := $(wildcard .ci/run tools/*.sh tools/*/*.sh tools/packaging/*.bash tools/packaging/debian/p*)
# Files with text for people; the awk script itself names the words that it looks for.
PROSE := Makefile tests/fuzz/fuzz.mk $(SCRIPTS) $(shell find README.md SECURITY.md bpf include user tests tools -name '*.[ch]' -o -name '*.js' -o -name '*.py' \
	-o -name '*.yml' -o -name '*.yaml' -o -name '*.conf' -o -name '*.in' -o -name '*.tsv' -o -name '*.bt' \
	-o -name 'Dockerfile*' -o -name '*.md' -o -name '*.scd')
# Suppressed are two false alarms: leaks where __attribute__((cleanup)) frees, and values of statement expressions.
CPPCHECK_FLAGS := --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --std=c11 \
	-j $(shell nproc) --include=tools/cppcheck.h -D_GNU_SOURCE -D__x86_64__ -DKEEPWATCH_VERSION='"$(VERSION)"' \
	--suppress=memleak --suppress=resourceLeak --suppress=constStatement
# Checks that do not fit the kernel side, where addresses of user memory are numbers, hooks name arguments they do not
# use, and programs read pointers themselves with sizeof.
TIDY_BPF := --checks=-performance-no-int-to-ptr,-misc-unused-parameters,-bugprone-sizeof-expression \
	--header-filter='/bpf/.*\.bpf\.h$$'
TIDY := xargs -P $(shell nproc) -I FILE clang-tidy --quiet

HASH := \#
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2);)

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all run test test-sanitized test-valgrind test-kernels guest soak help setup setup-test unit check check-format fuzz fuzz-short e2e \
	verifier bench man install uninstall deb lint format clean

all: $(BUILD)/keepwatch $(BUILD)/http1-parse $(BUILD)/http2-parse $(BUILD)/tls-records ## build everything; with ARCH=arm64, for that processor on any machine, into build/arm64/

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install the packages that building and running need
	$(Q)tools/setup.sh build $(if $(SYSROOT),cross)

setup-test:
	$(Q)tools/setup.sh build cross test bench

run: setup ## install missing packages, build, run the daemon with its defaults
	$(Q)$(MAKE) --no-print-directory all
	$(BUILD)/keepwatch

test: setup-test ## install missing packages, build, run every test that needs no VM: 12 minutes on an idle machine; .ci/run takes 25
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(MAKE) --no-print-directory unit
	$(Q)$(MAKE) --no-print-directory fuzz-short
	$(Q)$(MAKE) --no-print-directory e2e

unit: $(UNITS) ## run the unit tests, or those with TEST=judge in their name; all run, even if one fails
	$(Q)test -n "$(UNITS)" || { echo "no unit test is named $(TEST)" >&2; exit 1; }
	$(Q)failed=; for unit in $(UNITS); do echo "$$unit"; $$unit || failed="$$failed $$unit"; done; \
		test -z "$$failed" || { echo "failed:$$failed" >&2; exit 1; }

check: $(BUILD)/http1-parse $(BUILD)/http2-parse $(BUILD)/tls-records unit check-format ## check the format, run unit tests and cases: under a minute, for every commit
	$(Q)$(PYTEST) tests/unit

check-format:
	$(call say,LINT,clang-format)for file in $(C_FILES); do \
		$(FORMAT) | cmp -s - $$file || { echo "$$file: run make format"; bad=1; }; done; test -z "$$bad"

e2e: all $(PAGES) $(FACTS) $(CARRIERS) $(UNSEEN) $(MADE) $(STATIC) $(NODES) $(BENCH) $(BUILD)/verifier $(BUILD)/calls ## run the tests of the built programs, or those with TEST=race in their name
ifdef TEST
	$(Q)$(PYTEST) $(wildcard tests/e2e/test_*$(TEST)*.py) $(if $(wildcard tests/e2e/test_*$(TEST)*.py),,-k $(TEST) tests/e2e)
else
	$(Q)$(PYTEST) -n 3 $(foreach test,$(ALONE) $(VALGRIND),--ignore-glob='*/$(test)') tests
	$(Q)$(PYTEST) $(ALONE:%=tests/e2e/%)
endif

test-sanitized: setup-test ## run unit and e2e tests, built with ASan and UBSan
	$(Q)$(MAKE) --no-print-directory SANITIZE=1 BUILD=$(SANITIZED) all unit
	$(Q)$(SANITIZING) $(MAKE) --no-print-directory e2e

test-valgrind: setup-test ## run every command under valgrind
	$(Q)$(MAKE) --no-print-directory all $(UNFILTERED)
	$(Q)$(PYTEST) -n 2 $(VALGRIND:%=tests/e2e/%)

soak: setup-test ## run the daemon under mixed load for ten minutes, then start and stop it 100 times
	$(Q)$(MAKE) --no-print-directory all
	$(Q)SOAK_SECONDS=$(SOAK_SECONDS) KEEPWATCH_STARTS=100 KEEPWATCH_FUZZED=5000 $(PYTEST) tests/e2e/test_soak.py \
		tests/e2e/test_fuzzed.py tests/e2e/test_faults.py

test-kernels: ## run the same connections on each kernel of tools/vm/kernels.tsv, in virtual machines, or with KERNELS=arm64 on those
	$(Q)tools/setup.sh build test vm
	$(Q)$(MAKE) --no-print-directory all guest $(FACTS)
	$(Q)$(PYTHON) tests/kernels/matrix.py $(KERNELS)

guest: $(BUILD)/keepwatch $(PEERS) $(BUILD)/verifier

bench: ## measure the cost of keepwatch and of other tools; some 25 minutes, or PARTS="throughput daemon"
	$(Q)tools/setup.sh build bench
	$(Q)$(MAKE) --no-print-directory all $(BENCH)
	$(Q)$(PYTHON) -B tools/bench/bench.py --out $(BUILD)/bench.json $(PARTS)

verifier: $(BUILD)/verifier $(BUILD)/calls ## print the verifier's statistics of each program, and the calls that a plain message takes
	$(Q)$(BUILD)/verifier
	$(Q)echo
	$(Q)$(BUILD)/calls

man: $(PAGES) ## build the manual pages

install: $(BUILD)/keepwatch $(PAGES) ## install below PREFIX (/usr/local) and DESTDIR; keeps an existing configuration
	$(Q)install -D -m 755 $(BUILD)/keepwatch $(DESTDIR)$(BINDIR)/keepwatch
	$(Q)for page in $(notdir $(PAGES)); do \
		$(FILL_IN) $(BUILD)/man/$$page | \
			install -D -m 644 /dev/stdin $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
	$(Q)install -D -m 644 tools/packaging/keepwatch.bash $(DESTDIR)$(COMPLETIONDIR)/keepwatch
	$(Q)install -D -m 644 -t $(DESTDIR)$(SHAREDIR) $(SHARED)
	$(Q)mkdir -p $(DESTDIR)$(UNITDIR)
	$(Q)$(FILL_IN) tools/packaging/keepwatch.service.in > $(DESTDIR)$(UNITDIR)/keepwatch.service
	$(Q)test -e $(DESTDIR)$(CONFIG) || install -D -m 644 tools/packaging/keepwatch.conf $(DESTDIR)$(CONFIG)

uninstall: ## remove the installed files; keeps a configuration that was edited
	$(Q)for page in $(notdir $(PAGES)); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
	$(Q)rm -f $(DESTDIR)$(BINDIR)/keepwatch $(DESTDIR)$(COMPLETIONDIR)/keepwatch \
		$(DESTDIR)$(UNITDIR)/keepwatch.service $(addprefix $(DESTDIR)$(SHAREDIR)/,$(notdir $(SHARED)))
	$(Q)rmdir --ignore-fail-on-non-empty $(DESTDIR)$(SHAREDIR) 2>/dev/null || true
	$(Q)if cmp -s tools/packaging/keepwatch.conf $(DESTDIR)$(CONFIG); then \
		rm $(DESTDIR)$(CONFIG) && rmdir --ignore-fail-on-non-empty $(dir $(DESTDIR)$(CONFIG)); fi

lint: $(BUILD)/keepwatch.skel.h $(BUILD)/keepwatch_old.skel.h $(BUILD)/reference.skel.h $(BUILD)/calls.skel.h ## check the sources: clang-format, words, clang-tidy, cppcheck, shellcheck, pyflakes
	$(Q)tools/setup.sh build test lint
	$(Q)$(MAKE) --no-print-directory check-format
	$(call say,LINT,includes)awk -f tools/includes.awk $(filter user/%,$(C_FILES))
	$(call say,LINT,tours)$(PYTHON) tools/tour.py
	$(call say,LINT,words)awk -f tools/words.awk $(PROSE)
	$(call say,LINT,shellcheck)shellcheck $(SCRIPTS)
	$(call say,LINT,pyflakes)$(PYTHON) -m pyflakes $(shell find tests tools -name '*.py')
	$(call say,LINT,cppcheck)cppcheck $(CPPCHECK_FLAGS) $(addprefix -i,$(filter tools/%.bpf.c,$(C_FILES))) user tests tools
	$(call say,LINT,clang-tidy)printf '%s\n' $(filter %.bpf.c,$(C_FILES)) | $(TIDY) $(TIDY_BPF) FILE -- $(BPF_CFLAGS) 2>/dev/null
	$(Q)printf '%s\n' $(filter user/%.c tests/%.c tools/%.c,$(filter-out %caller32.c %.bpf.c,$(C_FILES))) | \
		$(TIDY) FILE -- $(KW_CFLAGS) 2>/dev/null

format: ## format all C sources
	$(Q)for file in $(C_FILES); do $(FORMAT) > $$file.new && cat $$file.new > $$file && rm $$file.new; done

deb: $(BUILD)/keepwatch $(PAGES) ## build a Debian package into build/deb/, or with ARCH=arm64 into build/arm64/deb/
	$(Q)STRIP=$(STRIP) tools/packaging/build-deb.sh $(BUILD) $(DEBIAN_ARCH) $(SYSROOT)

clean: ## remove all output
	$(Q)rm -rf $(BUILD)

# ---- libraries of another processor ----------------------------------------------------------------

# The libraries that the program is linked with, and all that a guest runs beside it: packages that are only unpacked.
SYSROOT_PACKAGES = $(filter %-dev,$(shell tools/setup.sh --list build)) $(shell tools/setup.sh --list guest)

ifdef SYSROOT
$(SYSROOT)/made: tools/sysroot.py tools/setup.sh
	$(call say,UNPACK,$(@D))$(PYTHON) -B tools/sysroot.py $(@D) $(DEBIAN_ARCH) $(SYSROOT_PACKAGES)
	$(Q)touch $@

$(BUILD): | $(SYSROOT)/made
endif

# ---- the kernel side -------------------------------------------------------------------------------

$(BUILD)/keepwatch.bpf.o: bpf/keepwatch.bpf.c Makefile | $(BUILD)
	$(call say,CLANG,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

# The same for kernels before 5.17, by helpers that they have.
$(BUILD)/keepwatch_old.bpf.o: bpf/keepwatch.bpf.c Makefile | $(BUILD)
	$(call say,CLANG,$@)$(CLANG) $(BPF_CFLAGS) -DKW_OLD_KERNEL -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/keepwatch_old.skel.h: $(BUILD)/keepwatch_old.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name keepwatch_old_bpf > $@

$(BUILD)/keepwatch.skel.h: $(BUILD)/keepwatch.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name keepwatch_bpf > $@

# ---- the user side ---------------------------------------------------------------------------------

# Of the Makefile too, because it says how they are built.
$(BUILD)/%.o: %.c Makefile | $(BUILD)
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(KW_CFLAGS) $(PREFIX_MAP) $(HARDEN) $(CFLAGS) -MMD -MP -c $< -o $@

# The skeleton is generated: it must be there before its includers' dependencies are known.
$(OBJECTS): | $(BUILD)/keepwatch.skel.h $(BUILD)/keepwatch_old.skel.h

$(BUILD)/user/output/page/assets.o: user/output/page/page.css user/output/page/page.js

$(BUILD)/keepwatch: $(OBJECTS)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/http1-parse: $(PARSE_SRC:%.c=$(BUILD)/%.o) $(BUILD)/user/event/http1_names.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ljansson

$(BUILD)/http2-parse: $(PARSE2_SRC:%.c=$(BUILD)/%.o) $(BUILD)/user/event/http2_names.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ljansson

$(BUILD)/tls-records: $(BUILD)/tools/tls-records/main.o $(BUILD)/user/event/tls_names.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ljansson

# Chooses and links the programs for the kernel, for tools and tests that load them too.
CHOOSING := $(addprefix $(BUILD)/user/observe/,front_end.o programs.o tail_calls.o uring.o)

$(BUILD)/tools/verifier/main.o: | $(BUILD)/keepwatch.skel.h

$(BUILD)/verifier: $(BUILD)/tools/verifier/main.o $(CHOOSING)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf

# A macro for each of libbpf's helpers, `#define bpf_NAME(...)`, that counts and then calls it: see tools/verifier/calls.bpf.c.
COUNTED := s/^static .*\(\*(const )?(bpf_[a-z0-9_]+)\)\(.*\) = \(void \*\) ?([0-9]+);/$(HASH)define \2(...) (kw_called(\3), \2(__VA_ARGS__))/p

$(BUILD)/counted.h: Makefile | $(BUILD)
	$(call say,GEN,$@)echo '$(HASH)include <bpf/bpf_helpers.h>' | $(CLANG) $(BPF_CFLAGS) -include vmlinux.h -E -P - | sed -nE '$(COUNTED)' > $@

$(BUILD)/tools/verifier/calls.bpf.o: tools/verifier/calls.bpf.c | $(BUILD)/counted.h
	$(Q)mkdir -p $(@D)
	$(call say,CLANG,$@)$(CLANG) $(BPF_CFLAGS) -finstrument-function-entry-bare -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/calls.skel.h: $(BUILD)/tools/verifier/calls.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name calls_bpf > $@

$(BUILD)/tools/verifier/calls.o: | $(BUILD)/calls.skel.h

$(BUILD)/calls: $(BUILD)/tools/verifier/calls.o $(CHOOSING)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf

$(BUILD)/tools/bench/reference.bpf.o: tools/bench/reference.bpf.c
	$(Q)mkdir -p $(@D)
	$(call say,CLANG,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/reference.skel.h: $(BUILD)/tools/bench/reference.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name reference_bpf > $@

$(BUILD)/tools/bench/reference.o: | $(BUILD)/reference.skel.h

$(BUILD)/reference: $(BUILD)/tools/bench/reference.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf

$(BUILD)/load: $(BUILD)/tools/bench/load.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(filter-out $(BUILD)/user/main.o,$(OBJECTS))
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

$(BUILD)/tests/differential/facts: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/differential/*.c))
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lhttp_parser

$(BUILD)/tests/differential/http2_facts: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/differential/http2/*.c))
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lnghttp2 -ljansson

$(PEERS): $(BUILD)/tests/kernels/peers.o $(BUILD)/tests/kernels/carry.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^

$(BUILD)/tests/e2e/lib/within_read: $(BUILD)/tests/e2e/lib/within_read.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -luring

$(BUILD)/tests/e2e/lib/rings.so: tests/e2e/lib/rings.c tests/e2e/lib/ring_server.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(KW_CFLAGS) $(CFLAGS) -shared -fPIC -o $@ $^ -luring

$(UNFILTERED): tests/e2e/lib/unfiltered.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(KW_CFLAGS) $(CFLAGS) -shared -fPIC -o $@ $<

$(BUILD)/tests/e2e/lib/unseen.o $(BUILD)/tests/unit/observe/test_front_end.o $(BUILD)/tests/unit/observe/test_programs.o: | $(BUILD)/keepwatch.skel.h

$(UNSEEN): $(BUILD)/tests/e2e/lib/unseen.o $(CHOOSING) $(addprefix $(BUILD)/user/,base/clock.o event/decode.o observe/witness.o event/http2_names.o event/tls_names.o judge/judge.o judge/facts.o judge/http2.o judge/tls.o)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka -lbpf

$(MADE): $(BUILD)/tests/e2e/lib/recordings.o $(filter-out $(BUILD)/user/main.o,$(OBJECTS))
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/node-%:
	$(Q)mkdir -p $(@D)
	$(call say,NPM,$@)npm pack --silent --pack-destination $(@D) node-linux-$(if $(filter arm64,$(MACHINE)),arm64,x64)@$* >/dev/null
	$(Q)tar -xzOf $(@D)/node-linux-*-$*.tgz package/bin/node >$@
	$(Q)chmod 755 $@ && rm $(@D)/node-linux-*-$*.tgz

# A library that is linked into a program: its functions are exported, as node does it, or only known to the table of symbols.
$(STATIC): $(BUILD)/tests/e2e/lib/static_tls.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) $(if $(findstring exported,$@),-rdynamic) -o $@ $< -Wl,-Bstatic -lssl -lcrypto -Wl,-Bdynamic

$(BUILD)/tests/e2e/lib/caller32: tests/e2e/lib/caller32.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu11 -Wall -Wextra -O2 -m32 -ffreestanding -fno-stack-protector -fno-pic -no-pie \
		-nostdlib -static -o $@ $<

# ---- the manual ------------------------------------------------------------------------------------

# In steps, so that neither a failing step nor two makes at the same time leave a broken page. Paths are filled in when it is
# installed, because only then it is known where to.
$(BUILD)/man/%: tools/packaging/%.scd tools/packaging/man.awk $(CHANGELOG)
	$(Q)mkdir -p $(@D)
	$(call say,MAN,$@)sed 's|@VERSION@|$(VERSION)|g' $< | scdoc > $@.$$$$ && awk -f tools/packaging/man.awk $@.$$$$ > $@.$$$$.page && \
		mv $@.$$$$.page $@ && rm $@.$$$$

.SECONDARY: $(UNITS:%=%.o)

$(BUILD):
	$(Q)mkdir -p $@

include tests/fuzz/fuzz.mk

# Without those of other processors, and those below deb/, where folders have such names too.
-include $(shell find $(BUILD) \( -path $(BUILD)/deb -o -path '$(BUILD)/arm64*' -o -path '$(BUILD)/x86*' \) -prune -o -type f -name '*.d' -print 2>/dev/null)
