# soldr: build, test, install. `make help` lists the targets.
#
# Variables: CC, AR, OBJCOPY, CFLAGS, LDFLAGS, PREFIX, DESTDIR; EMULATOR runs the
# unit tests of another machine (EMULATED=1: as user emulation does); V=1 shows commands; WERROR=
# (empty) lets warnings pass; SAN=address,undefined or SAN=thread builds with
# sanitizers, into a directory of its own; STATIC= (empty) links soldr
# dynamically, where there is no static C library.

VERSION := 1.0.0
comma := ,
space := $() $()

CC ?= cc
AR ?= ar
OBJCOPY ?= objcopy
EMULATOR ?=
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
LDFLAGS ?=
SAN ?=
V ?= 0
WERROR ?= -Werror
STATIC ?= $(if $(SAN),,1)
BUILD := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-4s %s\n' $(1) '$(2)')

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
# An option where the compiler has it.
have = $(shell $(CC) -Werror $(1) -x c -c -o /dev/null /dev/null 2>/dev/null && echo '$(1)')
HARDEN := -fstack-protector-strong $(call have,-fstack-clash-protection) $(if $(SAN),,-D_FORTIFY_SOURCE=2)
BASE := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -DSOLDR_VERSION='"$(VERSION)"' -fPIC -fvisibility=hidden -ffunction-sections \
	-fdata-sections $(WARN) $(WERROR) $(HARDEN) $(SANFLAGS)
LINK := -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now $(SANFLAGS)

# ---- rooms: what is in each, and what each may include ---------------------------

UTIL := buf digest err fs json path redact sys worktree
SERVICE := audit audit_run config config_options config_settings config_values config_yaml counters dispatch drain embed exec host_api \
	ids journal load loader log permits plugin_check run_manifest service session sink sink_read
CLI := analysis analysis_events analysis_show analysis_times audit_about audit_record export export_html export_junit export_timeline export_trace findings help_errors verb_audit verb_logs \
	build cargo cli compiler conform conform_compile conform_elf conform_host conform_open conform_process conform_scene front main parity_check parity_compare parity_report parity_requests parity_run parity_scene rescue runs signals text verb_backends verb_cache verb_config verb_doctor verb_help \
	verb_parity verb_plugin verb_report verb_stats verb_status verb_why why wrap
EMBEDDED := archive args_gcc args_names args_rustc args_sides args_table backend check crates depfile depinfo differ digests \
	entry evict evidence expansion explain files guards header_record history identity inputs key link lookup manifest match materialise miss \
	native object package phase precompiled remap response rust rust_inputs scan scan_names script sealed several shadow store toolchain verify \
	witness
WRAPPED := backend command outcome profile statslog
NULL := null
PLUGINS := embedded wrapped null

# Arrows (docs/architecture.md): core/include includes libc only, util that, service and the plugins both.
INC_UTIL := -Icore/include -Icore/util
INC_SERVICE := $(INC_UTIL) -Icore/service
INC_CLI := $(INC_SERVICE) -Icore/cli
INC_PLUGIN := $(INC_UTIL)

OBJ_UTIL := $(UTIL:%=$(BUILD)/obj/core/util/%.o)
OBJ_SERVICE := $(SERVICE:%=$(BUILD)/obj/core/service/%.o)
OBJ_CLI := $(CLI:%=$(BUILD)/obj/core/cli/%.o)
OBJ_EMBEDDED := $(EMBEDDED:%=$(BUILD)/obj/plugins/embedded/%.o)
OBJ_WRAPPED := $(WRAPPED:%=$(BUILD)/obj/plugins/wrapped/%.o)
OBJ_NULL := $(NULL:%=$(BUILD)/obj/plugins/null/%.o)
OBJ_PLUGINS := $(OBJ_EMBEDDED) $(OBJ_WRAPPED) $(OBJ_NULL)
OBJ_STATIC := $(BUILD)/obj/core/cli/program_static.o
OBJ_DYNAMIC := $(BUILD)/obj/core/cli/program_dynamic.o
OBJ_ALL := $(OBJ_UTIL) $(OBJ_SERVICE) $(OBJ_CLI) $(OBJ_STATIC) $(OBJ_DYNAMIC) $(OBJ_PLUGINS)

# Libraries that a plugin needs are linked into it: a shared libcrypto and
# libzstd cost a process a millisecond (docs/architecture.md).
static = $(shell f=$$($(CC) -print-file-name=lib$(1).a); [ -f "$$f" ] && echo "$$f" || echo "-l$(1)")
LIBS_CORE = $(call static,ltdl) $(call static,yaml) $(call static,crypto) -ldl -lpthread
# Debian's libltdl.a holds no position-independent code: fit for a program, not for a shared library.
LIBS_SHARED = -lltdl -lyaml $(call static,crypto) -ldl -lpthread
LIBS_EMBEDDED = $(call static,crypto) $(call static,zstd)

# A static program that can be loaded at any address, where the C library has the start file for it.
LINK_STATIC = $(if $(filter /%,$(shell $(CC) -print-file-name=rcrt1.o)),-static-pie,-static)

BINARY := $(BUILD)/bin/soldr
HOST := $(BUILD)/bin/soldr-host
LIBDIR := $(BUILD)/lib
PLUGIN_FILES := $(PLUGINS:%=$(LIBDIR)/soldr/%.so)
PRODUCTS := $(BINARY) $(HOST) $(PLUGIN_FILES) $(LIBDIR)/libsoldr.a $(LIBDIR)/libsoldr.so

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all help docs deps check check-unit check-e2e demo parity soak-diff bench bench-builds bench-scale install uninstall clean
.PHONY: fault crash corrupt soak limits
.PHONY: dist deb check-dist check-deb check-clean-root check-port

all: $(PRODUCTS)

help:
	@echo 'make               build everything into build/'
	@echo 'make demo          install what is missing, build a project through every backend, compare every byte'
	@echo '                   (DEMO_SRC=dir DEMO_CMD="make -j2": another project)'
	@echo 'make check         install what is missing, then every test'
	@echo 'make check-unit    unit tests only;  make check-e2e: end-to-end tests only (T=tests/e2e/10-forms.t: one)'
	@echo 'make coverage      which lines the tests run (LINES=1: also which they do not); make valgrind; make analyze (TOOLS="cppcheck gcc clang clang-tidy")'
	@echo 'make fuzz          every target of tests/fuzz for TIME=60 seconds (TARGET="config depfile": these alone)'
	@echo 'make parity        the corpus of tests/parity through every backend'
	@echo 'make soak-diff     random edits and compiles, bare against soldr, until stopped'
	@echo '                   (COMPILER=gcc, g++, clang or clang++; SEED=n STEPS=n MINUTES=n KEEP=dir)'
	@echo 'make fault crash corrupt soak limits   system calls that fail, kills and lost power, damaged files, load, sizes'
	@echo '                   (N=n MINUTES=n SEED=n; docs/reliability.md)'
	@echo 'make bench         what one compile costs, beside the floor, the compiler, ccache and sccache'
	@echo '                   (RUNS=n SCENARIOS=small,cxx,… PEERS=name=path,…); make bench-builds: whole projects'
	@echo '                   (PROJECTS=lua,redis,fmt,cargo WAYS=plain,soldr,… PHASES=cold,warm,touched,noop,test ROUNDS=n)'
	@echo 'make bench-scale   what a store costs by its number of entries (SIZES=1000,10000,… RUNS=n)'
	@echo 'make docs          man pages and completions, into build/man and build/completions'
	@echo 'make install       to PREFIX ($(PREFIX)), below DESTDIR; make uninstall'
	@echo 'make dist          build/$(DIST).tar.gz; make check-dist: it builds and passes the unit tests by itself'
	@echo 'make deb           Debian packages, into build/deb; make check-deb: in a clean root (debootstrap, as root)'
	@echo 'make check-clean-root  from nothing to a warm build in a clean root (debootstrap, as root)'
	@echo 'make check-port    32 bits, the other byte order, musl: built, unit tests, one store (MACHINES="i386 s390x musl")'
	@echo 'make clean'
	@echo 'SAN=address,undefined or SAN=thread: with sanitizers, e.g. make check SAN=address,undefined'

# ---- compile ---------------------------------------------------------------------

$(OBJ_UTIL): INC := $(INC_UTIL)
$(OBJ_SERVICE): INC := $(INC_SERVICE)
$(OBJ_CLI) $(OBJ_STATIC) $(OBJ_DYNAMIC): INC := $(INC_CLI)
$(OBJ_PLUGINS): INC := $(INC_PLUGIN)

$(OBJ_ALL): $(BUILD)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(INC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

-include $(OBJ_ALL:.o=.d)

# ---- link --------------------------------------------------------------------------

# Two programs of the same objects, the backends' among them (core/cli/front.h).
PROGRAM := $(OBJ_CLI) $(OBJ_SERVICE) $(OBJ_UTIL) $(OBJ_PLUGINS)
LIBS_PROGRAM = $(LIBS_CORE) $(LIBS_EMBEDDED) $(call static,jansson)

$(BINARY): $(PROGRAM) $(if $(STATIC),$(OBJ_STATIC),$(OBJ_DYNAMIC))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(if $(STATIC),$(LINK_STATIC),-pie) $(LINK) $^ $(LIBS_PROGRAM) -o $@

$(HOST): $(PROGRAM) $(OBJ_DYNAMIC)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pie $(LINK) $^ $(LIBS_PROGRAM) -o $@

PLUGIN_LINK = $(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared $(LINK) -Wl,-Bsymbolic -Wl,--exclude-libs,ALL \
	-Wl,--version-script=plugins/null/null.map $(filter %.o,$^)

$(LIBDIR)/soldr/embedded.so: $(OBJ_EMBEDDED) $(OBJ_UTIL) plugins/null/null.map
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(PLUGIN_LINK) $(LIBS_EMBEDDED) -o $@

$(LIBDIR)/soldr/wrapped.so: $(OBJ_WRAPPED) $(filter-out %/digest.o,$(OBJ_UTIL)) plugins/null/null.map
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(PLUGIN_LINK) -o $@

$(LIBDIR)/soldr/null.so: $(OBJ_NULL) plugins/null/null.map
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(PLUGIN_LINK) -o $@

# One relocatable object in which only the public functions stay global.
$(LIBDIR)/libsoldr.a: $(OBJ_SERVICE) $(OBJ_UTIL)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -r -nostdlib $^ -o $(BUILD)/obj/libsoldr.o
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/obj/libsoldr.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/obj/libsoldr.o

$(LIBDIR)/libsoldr.so: $(OBJ_SERVICE) $(OBJ_UTIL) core/service/libsoldr.map
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared $(LINK) -Wl,-soname,libsoldr.so.1 -Wl,-Bsymbolic -Wl,--exclude-libs,ALL \
		-Wl,--version-script=core/service/libsoldr.map $(filter %.o,$^) $(LIBS_SHARED) -o $@
	$(Q)ln -sf libsoldr.so $(LIBDIR)/libsoldr.so.1

# ---- pages and completions --------------------------------------------------------------

# Both are made from what the program says of itself (docs/gen-man.sh, docs/gen-completions.sh).
MAN_PAGES := $(patsubst docs/man/%.in,$(BUILD)/man/%,$(wildcard docs/man/*.in))
COMPLETIONS := $(addprefix $(BUILD)/completions/,soldr.bash soldr.zsh soldr.fish)

docs: $(MAN_PAGES) $(COMPLETIONS)

$(MAN_PAGES): $(BUILD)/man/%: docs/man/%.in docs/gen-man.sh docs/config.md config/soldr.yaml core/include/soldr/backend.h \
		core/include/soldr/service.h $(BINARY)
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)docs/gen-man.sh $(BINARY) $< >$@

$(COMPLETIONS): $(BUILD)/completions/soldr.%: docs/gen-completions.sh $(BINARY)
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)docs/gen-completions.sh $(BINARY) $* >$@

# ---- test ----------------------------------------------------------------------------

UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_OBJ := $(UNIT_SRC:%.c=$(BUILD)/obj/%.o)
FIXTURES := $(patsubst tests/abi/fixtures/%.c,$(BUILD)/tests/fixtures/%.so,$(wildcard tests/abi/fixtures/*.c))
UNIT_INC := $(INC_SERVICE) -Iplugins/embedded -Iplugins/wrapped -Itests/unit
FAULT_PROGRAMS := $(BUILD)/tests/fault/soldr-faulty $(BUILD)/tests/fault/soldr-other $(BUILD)/tests/fault/killat
T ?= tests/e2e
TEST_JOBS ?= 2

# Unit tests reach inside: they link the objects of every room but the plugins' tables.
UNIT_LINKED := $(OBJ_UTIL) $(OBJ_SERVICE) $(filter-out %/backend.o,$(OBJ_EMBEDDED) $(OBJ_WRAPPED))

$(UNIT_OBJ): $(BUILD)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(UNIT_INC) -DSOLDR_SOURCE_DIR='"$(CURDIR)"' $(CFLAGS) -MMD -MP -c $< -o $@

-include $(UNIT_OBJ:.o=.d)

$(BUILD)/tests/unit: $(UNIT_OBJ) $(BUILD)/obj/tests/fault/ids.o $(UNIT_LINKED)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(LINK) -Wl,--wrap=err_set $^ $(LIBS_CORE) $(LIBS_EMBEDDED) -lcunit -o $@

$(FIXTURES): $(BUILD)/tests/fixtures/%.so: tests/abi/fixtures/%.c tests/abi/fixtures/fixture.h tests/abi/fixtures/fault.h core/include/soldr/backend.h
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -fPIC -fvisibility=hidden -shared -O1 -Wl,-z,now -Icore/include $< -o $@

# ---- fuzzing (tests/fuzz/fuzz.h) ---------------------------------------------------------

# One program for all targets; without libFuzzer it replays files.
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
FUZZ_OBJ := $(FUZZ_SRC:%.c=$(BUILD)/obj/%.o)
FUZZ_INC := $(INC_CLI) -iquote plugins/embedded -iquote plugins/wrapped -Itests/fuzz
FUZZ_LINKED := $(filter-out %/main.o %/loader.o,$(OBJ_CLI) $(OBJ_SERVICE)) $(OBJ_UTIL) $(OBJ_PLUGINS) $(OBJ_DYNAMIC)
.PHONY: fuzz
FUZZ_ENGINE ?=
TARGET ?=
TIME ?= 60

$(FUZZ_OBJ): $(BUILD)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(FUZZ_INC) $(if $(FUZZ_ENGINE),-DFUZZ_LIBFUZZER) $(CFLAGS) -MMD -MP -c $< -o $@

-include $(FUZZ_OBJ:.o=.d)

$(BUILD)/tests/fuzz $(BUILD)/tests/fuzz-replay: $(FUZZ_OBJ) $(FUZZ_LINKED)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(LINK) $(FUZZ_ENGINE) $^ $(LIBS_PROGRAM) -o $@

check-e2e: $(BUILD)/tests/fuzz-replay $(BUILD)/tests/unit
check-e2e: export SOLDR_TEST_REPLAY := $(CURDIR)/$(BUILD)/tests/fuzz-replay

# Each target for TIME seconds; TARGET="config depfile": these alone. Finds go to build/fuzz/finds.
fuzz: $(BUILD)/tests/fuzz-replay
	@$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,address,undefined BUILD=build/fuzz FUZZ_ENGINE=-fsanitize=fuzzer \
		build/fuzz/tests/fuzz
	@tests/fuzz/run.sh build/fuzz/tests/fuzz $(BUILD)/tests/fuzz-replay $(TIME) $(TARGET)

# ---- analysis ------------------------------------------------------------------------------

.PHONY: coverage valgrind analyze
# Which lines of core and plugins the tests run (docs/reliability.md). ADD=1 keeps the counts of the runs before, T= leaves the
# end-to-end tests out. Those that count system calls, instructions or exported symbols fail in it.
COVERAGE := build/coverage
COVERAGE_END := $(CURDIR)/$(COVERAGE)/obj/tests/coverage.o
COVERAGE_MAKE = GCOV_ERROR_FILE=/dev/null $(MAKE) --no-print-directory -k BUILD=$(COVERAGE) HARDEN= CFLAGS='-O0 -g --coverage' \
	LDFLAGS='--coverage $(COVERAGE_END) -Wl,--wrap=_exit,--wrap=raise'

$(COVERAGE_END): tests/coverage.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -fPIC -O1 -c $< -o $@

# Some tests run soldr as another user: the files of counts are made first, for everybody.
coverage: $(COVERAGE_END)
	$(if $(ADD),,@find $(COVERAGE) -name '*.gcda' -delete)
	@$(COVERAGE_MAKE) all check-unit >build/coverage.log 2>&1 || failed=1; \
	$(COVERAGE)/bin/soldr version >>build/coverage.log || failed=1; \
	find $(COVERAGE) -name '*.gcda' -exec chmod a+w {} +; \
	$(if $(T),$(COVERAGE_MAKE) check-e2e >>build/coverage.log 2>&1 || failed=1;) \
	[ -z "$$failed" ] || echo 'coverage: some tests failed; build/coverage.log has them'
	@tests/coverage.py $(COVERAGE) $(if $(LINES),--lines)

# The tests of processes are left out: what memcheck makes of their limits and signals is its own.
valgrind: $(BUILD)/tests/unit $(FIXTURES) $(PLUGIN_FILES)
	@SOLDR_TEST_FIXTURES=$(CURDIR)/$(BUILD)/tests/fixtures SOLDR_TEST_PLUGINS=$(CURDIR)/$(LIBDIR)/soldr \
		valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
		$(BUILD)/tests/unit $(or $(SUITES),args_gcc args_rustc buf depfile depinfo digest entry err files header_record history json key \
		manifest match object path plugin_check redact remap response scan script verify worktree)

# An unexplained finding fails. TOOLS="cppcheck gcc clang clang-tidy" are all that there are.
TOOLS ?= cppcheck gcc
analyze:
	@tests/analyze/run.py $(TOOLS)

deps:
	@.ci/install-deps

check: deps
	@$(MAKE) --no-print-directory check-unit check-e2e

check-unit: $(BUILD)/tests/unit $(FIXTURES) $(PLUGIN_FILES)
	@SOLDR_TEST_FIXTURES=$(CURDIR)/$(BUILD)/tests/fixtures SOLDR_TEST_PLUGINS=$(CURDIR)/$(LIBDIR)/soldr $(if $(EMULATED),SOLDR_TEST_EMULATED=1) \
		$(EMULATOR) $(BUILD)/tests/unit $(SUITES)

check-e2e: all docs $(FIXTURES) $(BUILD)/tests/fill $(FAULT_PROGRAMS)
	@SOLDR_BIN=$(CURDIR)/$(BINARY) SOLDR_TEST_FIXTURES=$(CURDIR)/$(BUILD)/tests/fixtures SOLDR_TEST_SAN='$(SAN)' \
		SOLDR_TEST_UNIT=$(CURDIR)/$(BUILD)/tests/unit SOLDR_TEST_FILL=$(CURDIR)/$(BUILD)/tests/fill SOLDR_TEST_FAULT=$(CURDIR)/$(BUILD)/tests/fault \
		prove -j$(TEST_JOBS) --timer $(T)

# Programs for the tests of faults, crashes and load (docs/reliability.md): soldr with system calls that fail, soldr whose store
# has another format, and a killer at a system call.
FAULT_OBJ := $(BUILD)/obj/tests/fault/faulty.o $(BUILD)/obj/tests/fault/ids.o $(BUILD)/obj/tests/fault/other_version.o

$(FAULT_OBJ): $(BUILD)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(INC_PLUGIN) -Iplugins/embedded $(CFLAGS) -MMD -MP -c $< -o $@

-include $(FAULT_OBJ:.o=.d)

$(BUILD)/tests/fault/soldr-faulty: $(BUILD)/obj/tests/fault/faulty.o $(BUILD)/obj/tests/fault/ids.o
$(BUILD)/tests/fault/soldr-other: $(BUILD)/obj/tests/fault/other_version.o
$(BUILD)/tests/fault/soldr-faulty: LINK += $(foreach f,err_set malloc calloc realloc strdup strndup,-Wl,--wrap=$(f))
$(BUILD)/tests/fault/soldr-other: LINK += -Wl,--wrap=sealed_begin,--wrap=sealed_open
$(BUILD)/tests/fault/soldr-%: $(PROGRAM) $(if $(STATIC),$(OBJ_STATIC),$(OBJ_DYNAMIC))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(if $(STATIC),$(LINK_STATIC),-pie) $(LINK) $^ $(LIBS_PROGRAM) -o $@

$(BUILD)/tests/fault/killat: tests/fault/killat.c
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(WERROR) $(CFLAGS) $(LDFLAGS) $< -o $@

FAULT_RUN = @SOLDR_BIN=$(CURDIR)/$(BINARY) SOLDR_TEST_FAULT=$(CURDIR)/$(BUILD)/tests/fault python3
fault: all $(FAULT_PROGRAMS)
	$(FAULT_RUN) tests/fault/faults.py

crash: all $(FAULT_PROGRAMS)
	$(FAULT_RUN) tests/fault/crash.py $(if $(SEED),--seed $(SEED))

soak: all $(FAULT_PROGRAMS)
	$(FAULT_RUN) tests/fault/soak.py $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

limits: all
	$(FAULT_RUN) tests/fault/limits.py

corrupt: all
	$(FAULT_RUN) tests/fault/corrupt.py $(if $(N),--number $(N)) $(if $(SEED),--seed $(SEED))

parity: all
	@SOLDR_BIN=$(CURDIR)/$(BINARY) tests/parity/run.sh

COMPILER ?= gcc
soak-diff: all
	@SOLDR_BIN=$(CURDIR)/$(BINARY) tests/parity/soak_diff.py --compiler $(COMPILER) $(if $(SEED),--seed $(SEED)) \
		$(if $(STEPS),--steps $(STEPS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(KEEP),--keep $(KEEP))

# What one compile costs, beside the floor, the compiler and other caches; what whole builds cost.
bench: all
	@SOLDR_BIN=$(CURDIR)/$(BINARY) tests/bench/bench.py $(if $(RUNS),--runs $(RUNS)) $(if $(SCENARIOS),--scenarios $(SCENARIOS)) \
		$(if $(PEERS),--peers $(PEERS)) --out $(BUILD)/bench

bench-builds: all
	@SOLDR_BIN=$(CURDIR)/$(BINARY) tests/bench/builds.py $(if $(PROJECTS),--projects $(PROJECTS)) $(if $(WAYS),--ways $(WAYS)) \
		$(if $(PHASES),--phases $(PHASES)) $(if $(ROUNDS),--rounds $(ROUNDS)) --out $(BUILD)/bench

# Fills stores by the backend's own code.
$(BUILD)/tests/fill: tests/bench/fill.c $(filter-out %/backend.o,$(OBJ_EMBEDDED)) $(OBJ_UTIL)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(INC_PLUGIN) -Iplugins/embedded $(CFLAGS) $(LDFLAGS) $(LINK) $^ $(LIBS_EMBEDDED) -o $@

bench-scale: all $(BUILD)/tests/fill
	@SOLDR_BIN=$(CURDIR)/$(BINARY) tests/bench/scale.py --fill $(BUILD)/tests/fill $(if $(SIZES),--sizes $(SIZES)) \
		$(if $(RUNS),--runs $(RUNS)) --out $(BUILD)/bench

demo:
	@.ci/install-deps demo
	@$(MAKE) --no-print-directory all
	@SOLDR_BIN=$(CURDIR)/$(BINARY) tests/demo.sh

# ---- install ---------------------------------------------------------------------------

INSTALL := install
dest := $(DESTDIR)$(PREFIX)
# Below PREFIX. Plugins are in lib/soldr wherever libraries are: soldr finds them from its own place.
LIB_DIR ?= lib
MAN_DIR := share/man
BASH_DIR := share/bash-completion/completions
ZSH_DIR ?= share/zsh/site-functions
FISH_DIR := share/fish/vendor_completions.d
DOC_DIR := share/doc/soldr
DOC_PAGES := $(wildcard docs/*.md docs/*.svg docs/schema/*.json)

# FROM=BELOW for everything that is installed: a file of the tree, and the place below PREFIX; both directions of install.
INSTALLED := $(BINARY)=bin/soldr $(HOST)=bin/soldr-host $(foreach p,$(PLUGINS),$(LIBDIR)/soldr/$(p).so=lib/soldr/$(p).so) \
	$(LIBDIR)/libsoldr.a=$(LIB_DIR)/libsoldr.a $(LIBDIR)/libsoldr.so=$(LIB_DIR)/libsoldr.so.$(VERSION) \
	$(foreach h,$(wildcard core/include/soldr/*.h),$(h)=include/soldr/$(notdir $(h))) \
	$(BUILD)/soldr.pc=$(LIB_DIR)/pkgconfig/soldr.pc \
	config/soldr.yaml=share/soldr/soldr.yaml config/soldr.schema.json=share/soldr/soldr.schema.json \
	$(foreach m,$(MAN_PAGES),$(m)=$(MAN_DIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
	$(BUILD)/completions/soldr.bash=$(BASH_DIR)/soldr $(BUILD)/completions/soldr.zsh=$(ZSH_DIR)/_soldr \
	$(BUILD)/completions/soldr.fish=$(FISH_DIR)/soldr.fish \
	$(foreach d,README.md CHANGELOG.md LICENSE $(DOC_PAGES),$(d)=$(DOC_DIR)/$(d))
PROGRAMS := bin/soldr bin/soldr-host

$(BUILD)/soldr.pc: config/soldr.pc.in Makefile
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)sed 's,@version@,$(VERSION),; s,@libdir@,$(LIB_DIR),; s,@up@,$(subst $(space),,$(patsubst %,../,$(subst /, ,$(LIB_DIR))))..,' $< >$@

install: all docs $(BUILD)/soldr.pc
	@for pair in $(INSTALLED); do \
		to=$${pair#*=}; mode=644; \
		case " $(PROGRAMS) " in *" $$to "*) mode=755 ;; esac; \
		$(INSTALL) -D -m $$mode "$${pair%%=*}" "$(dest)/$$to" || exit 1; \
	done
	ln -sf libsoldr.so.$(VERSION) $(dest)/$(LIB_DIR)/libsoldr.so.1
	ln -sf libsoldr.so.1 $(dest)/$(LIB_DIR)/libsoldr.so

# Directories of soldr alone go with their last file; others stay.
uninstall:
	@for pair in $(INSTALLED); do rm -f "$(dest)/$${pair#*=}"; done
	rm -f $(dest)/$(LIB_DIR)/libsoldr.so.1 $(dest)/$(LIB_DIR)/libsoldr.so
	-rmdir $(dest)/lib/soldr $(dest)/include/soldr $(dest)/share/soldr $(dest)/$(DOC_DIR)/docs/schema $(dest)/$(DOC_DIR)/docs $(dest)/$(DOC_DIR)

# ---- packages ------------------------------------------------------------------------------

DIST := soldr-$(VERSION)
# What git tracks, or of an unpacked tarball everything but what was built.
DIST_FILES = git ls-files -z 2>/dev/null || find . -path ./build -prune -o -type f -printf '%P\0'
DIST_DATE = $${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile)}

# The same bytes from the same files, whoever makes it and when.
dist:
	@mkdir -p $(BUILD)
	@{ $(DIST_FILES); } | LC_ALL=C sort -z | tar -c --no-recursion --format=ustar --mtime="@$(DIST_DATE)" --owner=0 --group=0 \
		--numeric-owner --mode='u+rw,go=rX,a-s' --transform='s,^,$(DIST)/,' --null -T - | gzip -n9 >$(BUILD)/$(DIST).tar.gz
	@echo $(BUILD)/$(DIST).tar.gz

# From the tarball, so that the package cannot hold what the tarball lacks.
deb: dist
	@rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb
	@tar -xzf $(BUILD)/$(DIST).tar.gz -C $(BUILD)/deb && cp -R $(BUILD)/deb/$(DIST)/config/debian $(BUILD)/deb/$(DIST)/debian
	cd $(BUILD)/deb/$(DIST) && dpkg-buildpackage --build=binary --no-sign
	@ls $(BUILD)/deb/*.deb

# Minutes each, the last two as root and with a network: none is part of `make check`.
check-dist:
	@SOLDR_BIN=/bin/true prove --timer -v tests/package/dist.t

check-deb:
	@SOLDR_BIN=/bin/true prove --timer -v tests/package/deb.t

check-clean-root:
	@SOLDR_BIN=/bin/true prove --timer -v tests/package/clean_root.t

# Other machines and musl: MACHINES="i386 s390x musl". What they link with is fetched, built and kept in build/port.
check-port: all
	@SOLDR_BIN=$(CURDIR)/$(BINARY) SOLDR_TEST_MACHINES='$(MACHINES)' prove --timer -v tests/package/port.t

clean:
	rm -rf build
