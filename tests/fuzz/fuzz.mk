# SPDX-License-Identifier: BSD-2-Clause
# Fuzz targets: each is tests/fuzz/fuzz_NAME.c, with its own first inputs in seeds/NAME/, and inputs that once failed in found/NAME/.

FUZZ := $(BUILD)/tests/fuzz
FUZZERS := http1 http2 tls recording events options web_config request names libraries code
FUZZ_SECONDS ?= 60
FUZZ_SANITIZE := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
FUZZ_CFLAGS := -O2 -g -Wno-missing-field-initializers -fno-omit-frame-pointer $(FUZZ_SANITIZE)
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ)/%.o,$(filter-out user/main.c,$(MAIN_SRC)))
FUZZ_FLAGS = -max_len=$(or $(FUZZ_LENGTH_$*),4096) -timeout=10 -rss_limit_mb=1024 -verbosity=0 -close_fd_mask=2 \
	$(addprefix -dict=,$(wildcard tests/fuzz/$*.dict)) -artifact_prefix=$(FUZZ)/$*-
FUZZ_INPUTS = $(wildcard tests/fuzz/seeds/$* tests/fuzz/found/$*) $(addprefix $(FUZZ)/seeds/,$(filter $*,http1 recording events libraries code))
FUZZ_LENGTH_http2 := 8192
FUZZ_LENGTH_tls := 8192
FUZZ_LENGTH_recording := 16384
FUZZ_LENGTH_events := 16384
FUZZ_LENGTH_options := 1024
FUZZ_LENGTH_web_config := 1024
FUZZ_LENGTH_names := 1000
FUZZ_LENGTH_code := 257
FUZZ_LENGTH_libraries := 8192

.PHONY: $(FUZZERS:%=fuzz-%)

fuzz: ## feed each fuzz target all known inputs, then random ones for a minute; two run side by side
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) $(FUZZERS:%=$(FUZZ)/fuzz_%)
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) $(FUZZERS:%=fuzz-%)

fuzz-short: ## make fuzz, for ten seconds each
	$(Q)$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=10

# All known inputs come first, whatever the time is. The target's own output is shown only if it fails.
$(FUZZERS:%=fuzz-%): fuzz-%: $(FUZZ)/fuzz_% $(FUZZ)/seeds/made
	$(Q)mkdir -p $(FUZZ)/corpus/$*
	$(Q)ASAN_OPTIONS=quarantine_size_mb=1 $< -max_total_time=$(FUZZ_SECONDS) $(FUZZ_FLAGS) -print_final_stats=1 \
		$(FUZZ)/corpus/$* $(FUZZ_INPUTS) > $(FUZZ)/$*.log 2>&1 || { tail -n 60 $(FUZZ)/$*.log >&2; exit 1; }
	$(Q)sed -n 's/^stat::number_of_executed_units: */  FUZZED   $*: executions: /p' $(FUZZ)/$*.log

# Made anew by what writes them, because their layout is that of the events.
$(FUZZ)/seeds/made: $(FUZZ)/make_events $(FUZZ)/make_go tests/fuzz/make_corpus.py tests/fuzz/make_libraries.py $(wildcard tests/cases/*/*.http)
	$(Q)$(PYTHON) tests/fuzz/make_corpus.py tests/cases $(FUZZ)/seeds/http1
	$(Q)mkdir -p $(FUZZ)/seeds/recording $(FUZZ)/seeds/events
	$(Q)$(PYTHON) tests/fuzz/make_libraries.py $(FUZZ)/seeds/libraries $(FUZZ)/seeds/code
	$(Q)$(FUZZ)/make_go $(FUZZ)/seeds/libraries
	$(Q)$(FUZZ)/make_events $(FUZZ)/seeds/recording $(FUZZ)/seeds/events
	$(Q)touch $@

$(FUZZ)/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,CLANG,$@)$(CLANG) $(KW_CFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp -MMD -MP -c $< -o $@

$(FUZZ_OBJECTS): | $(BUILD)/keepwatch.skel.h

$(FUZZ)/user/output/page/assets.o: user/output/page/page.css user/output/page/page.js

# The linker takes from it what a target needs.
$(FUZZ)/keepwatch.a: $(FUZZ_OBJECTS)
	$(call say,AR,$@)$(RM) $@ && $(AR) rc $@ $^

$(FUZZ)/fuzz_%: $(FUZZ)/tests/fuzz/fuzz_%.o $(FUZZ)/keepwatch.a
	$(call say,LD,$@)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# Alone, because the machines have no other code to be linked with: the fewer there is to look at, the faster they run.
$(FUZZ)/fuzz_http1 $(FUZZ)/fuzz_http2 $(FUZZ)/fuzz_tls: $(FUZZ)/fuzz_%: tests/fuzz/fuzz_%.c
	$(Q)mkdir -p $(@D)
	$(call say,CLANG,$@)$(CLANG) -std=gnu11 -Wall -Wextra -D_GNU_SOURCE $(FUZZ_CFLAGS) -fsanitize=fuzzer -I. -MMD -MP $< -o $@

$(FUZZ)/make_events: $(FUZZ)/tests/fuzz/make_events.o $(FUZZ)/keepwatch.a
	$(call say,LD,$@)$(CLANG) $(FUZZ_CFLAGS) -o $@ $^ $(LIBS)

$(FUZZ)/make_go: $(FUZZ)/tests/fuzz/make_go.o
	$(call say,LD,$@)$(CLANG) $(FUZZ_CFLAGS) -o $@ $^

.SECONDARY: $(FUZZERS:%=$(FUZZ)/tests/fuzz/fuzz_%.o)

-include $(wildcard $(FUZZ)/*.d $(FUZZ)/*/*/*.d $(FUZZ)/*/*/*/*.d)
