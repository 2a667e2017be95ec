# SPDX-License-Identifier: BSD-2-Clause
# All output goes to build/. V=1 shows the commands. `make help` lists what there is.

BUILD := build
CLANG ?= clang
BPFTOOL ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool)
PYTHON ?= /usr/bin/python3
PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider
CFLAGS ?= -O2 -g
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
VERSION := $(shell cat VERSION)

KW_CFLAGS := -std=gnu11 -Wall -Wextra -D_GNU_SOURCE -DKEEPWATCH_VERSION='"$(VERSION)"' -I$(BUILD)
BPF_CFLAGS := -std=gnu11 -Wall -Wextra -Wno-unused-parameter -O2 -g -mcpu=v3 --target=bpf \
	-D__TARGET_ARCH_$(ARCH) $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH)) -Ivmlinux
ifdef SANITIZE
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
endif
LIBS := -lbpf -lelf -lz -lmicrohttpd -ljansson -lm

PARSE_SRC := $(wildcard user/http1_parse*.c)
MAIN_SRC := $(filter-out $(PARSE_SRC),$(wildcard user/*.c))
OBJECTS := $(MAIN_SRC:%.c=$(BUILD)/%.o)
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))

FUZZ := $(BUILD)/tests/fuzz
FUZZER := $(FUZZ)/fuzz_http1
FUZZ_SECONDS ?= 60
FUZZ_FLAGS := -max_len=4096 -timeout=5 -verbosity=0 -dict=tests/fuzz/http1.dict -artifact_prefix=$(FUZZ)/
ALONE := test_race.py test_no_false_alarm.py # their many ports come back in tests that run beside them
FACTS := $(BUILD)/tests/differential/facts
VALGRIND := test_valgrind.py # has a target of its own: it takes minutes
SANITIZED := $(BUILD)/sanitized
SANITIZING := KEEPWATCH_BUILD=$(SANITIZED) UBSAN_OPTIONS=print_stacktrace=1 \
	ASAN_OPTIONS=exitcode=99:quarantine_size_mb=4:verify_asan_link_order=0
SOAK_SECONDS ?= 600
PEERS := $(BUILD)/tests/kernels/peers
CARRIERS := $(BUILD)/tests/e2e/uring $(BUILD)/tests/e2e/caller32

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2);)

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all run test test-sanitized test-valgrind test-kernels soak help setup setup-test unit fuzz fuzz-short e2e \
	verifier clean

all: $(BUILD)/keepwatch $(BUILD)/http1-parse ## build everything

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install what building and running needs
	$(Q)tools/setup.sh build

setup-test:
	$(Q)tools/setup.sh build test

run: setup ## install what is missing, build, run the daemon on its defaults
	$(Q)$(MAKE) --no-print-directory all
	$(BUILD)/keepwatch

test: setup-test ## install what is missing, build, run every test that needs no VM
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(MAKE) --no-print-directory unit
	$(Q)$(MAKE) --no-print-directory fuzz-short
	$(Q)$(MAKE) --no-print-directory e2e

unit: $(UNITS) ## run the unit tests
	$(Q)for unit in $(UNITS); do echo "$$unit"; $$unit || exit 1; done

fuzz: $(FUZZER) ## feed the HTTP/1.x machine what it knows, then random streams for a minute
	$(Q)mkdir -p $(FUZZ)/corpus
	$(Q)$(PYTHON) tests/fuzz/make_corpus.py tests/cases $(FUZZ)/seeds
	$(Q)$(FUZZER) -runs=0 $(FUZZ_FLAGS) $(FUZZ)/seeds tests/fuzz/found
	$(Q)$(FUZZER) -max_total_time=$(FUZZ_SECONDS) $(FUZZ_FLAGS) -print_final_stats=1 \
		$(FUZZ)/corpus $(FUZZ)/seeds tests/fuzz/found

fuzz-short: ## the same for ten seconds
	$(Q)$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=10

e2e: all $(FACTS) $(CARRIERS) $(BUILD)/verifier ## run the tests that need the programs
	$(Q)$(PYTEST) -n 3 $(foreach test,$(ALONE) $(VALGRIND),--ignore-glob='*/$(test)') tests
	$(Q)$(PYTEST) $(ALONE:%=tests/e2e/%)

test-sanitized: setup-test ## run the unit tests and those that need the programs, built with ASan and UBSan
	$(Q)$(MAKE) --no-print-directory SANITIZE=1 BUILD=$(SANITIZED) all unit
	$(Q)$(SANITIZING) $(MAKE) --no-print-directory e2e

test-valgrind: setup-test ## run every command under valgrind
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(PYTEST) -n 2 $(VALGRIND:%=tests/e2e/%)

soak: setup-test ## run the daemon under mixed load for ten minutes, then start and stop it 100 times
	$(Q)$(MAKE) --no-print-directory all
	$(Q)SOAK_SECONDS=$(SOAK_SECONDS) KEEPWATCH_STARTS=100 KEEPWATCH_FUZZED=5000 $(PYTEST) tests/e2e/test_soak.py \
		tests/e2e/test_fuzzed.py tests/e2e/test_faults.py

test-kernels: ## run the same connections on each kernel of tools/vm/kernels.tsv, in virtual machines
	$(Q)tools/setup.sh build test vm
	$(Q)$(MAKE) --no-print-directory all $(PEERS) $(FACTS)
	$(Q)$(PYTHON) tests/kernels/matrix.py $(KERNELS)

verifier: $(BUILD)/verifier ## what the kernel's verifier makes of each program
	$(Q)$<

clean: ## remove all output
	$(Q)rm -rf $(BUILD)

# ---- the kernel side -------------------------------------------------------------------------------

$(BUILD)/keepwatch.bpf.o: bpf/keepwatch.bpf.c | $(BUILD)
	$(call say,CLANG,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/keepwatch.skel.h: $(BUILD)/keepwatch.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name keepwatch_bpf > $@

# ---- the user side ---------------------------------------------------------------------------------

$(BUILD)/%.o: %.c | $(BUILD)
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(KW_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The skeleton is generated: it must be there before its includers' dependencies are known.
$(OBJECTS): | $(BUILD)/keepwatch.skel.h

$(BUILD)/user/page_assets.o: user/page.css user/page.js

$(BUILD)/keepwatch: $(OBJECTS)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/http1-parse: $(PARSE_SRC:%.c=$(BUILD)/%.o) $(BUILD)/user/http1_names.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ljansson

$(BUILD)/tools/verifier.o: | $(BUILD)/keepwatch.skel.h

$(BUILD)/verifier: $(BUILD)/tools/verifier.o $(BUILD)/user/front_end.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(filter-out $(BUILD)/user/main.o,$(OBJECTS))
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

$(FUZZER): tests/fuzz/fuzz_http1.c
	$(Q)mkdir -p $(@D)
	$(call say,CLANG,$@)$(CLANG) -std=gnu11 -Wall -Wextra -O1 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -MMD -MP $< -o $@

$(FACTS): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/differential/*.c))
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lhttp_parser

$(PEERS): $(BUILD)/tests/kernels/peers.o $(BUILD)/tests/kernels/carry.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^

$(BUILD)/tests/e2e/uring: $(BUILD)/tests/e2e/uring.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -luring

$(BUILD)/tests/e2e/caller32: tests/e2e/caller32.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu11 -Wall -Wextra -O2 -m32 -ffreestanding -fno-stack-protector -fno-pic -no-pie \
		-nostdlib -static -o $@ $<

.SECONDARY: $(UNITS:%=%.o)

$(BUILD):
	$(Q)mkdir -p $@

-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d $(BUILD)/tests/*/*.d)
