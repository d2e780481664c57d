# Every target does its own set-up, on a Debian machine that has Swift.
SHELL := /bin/bash
ROUNDS ?= 200
SEEDS ?= 20000
SECONDS ?= 86400
RUNS ?= 200

.PHONY: run demo test bench crash linearizability faults simulate bitflips fuzz fuzz-live mutants \
	setup clean

setup:
	@scripts/setup build

run: setup
	@scripts/run

demo: setup
	@scripts/demo

test: setup
	@scripts/test

bench:
	@scripts/setup bench
	@scripts/bench

# The crash test of `make test`, for longer: make crash ROUNDS=10000
crash: setup
	swift build --build-tests
	III_CRASH_ROUNDS=$(ROUNDS) swift test --skip-build --filter CrashTests

# Histories of conditional writes through kills of the engine, each checked: RUNS=200
linearizability: setup
	swift build --build-tests
	III_LINEARIZABILITY_RUNS=$(RUNS) swift test --skip-build --filter LinearizabilityTests

# Seeds through the simulator: make simulate SEEDS=200000 SECONDS=3600
simulate: setup
	@scripts/simulate $(SEEDS) $(SECONDS)

# Flips every bit of two small log directories, one at a time. Millions of logs are opened for it:
# their buffers are to come from memory that is there, not from the kernel each time.
bitflips: setup
	MALLOC_MMAP_THRESHOLD_=67108864 MALLOC_TRIM_THRESHOLD_=268435456 \
		"$$(scripts/release simulate)/simulate" --bit-flips

# Feeds every decoder with anything, under libFuzzer: make fuzz SECONDS=60 TARGETS="log event"
fuzz: setup
	@scripts/fuzz $(if $(filter 86400,$(SECONDS)),60,$(SECONDS)) $(TARGETS)

# Sends damaged frames to a live engine, beside clients that behave: make fuzz-live SECONDS=600
fuzz-live: setup
	swift build --build-tests
	III_FUZZ_SECONDS=$(if $(filter 86400,$(SECONDS)),60,$(SECONDS)) \
		swift test --skip-build --filter LiveFuzzTests

# Plants bugs, one after the other, and sees that the simulator finds each.
mutants: setup
	@scripts/mutants $(SEEDS)

# kill -9, power cuts, EIO, full and slow disks under the release build. All kinds with small
# counts, or some with others: make faults KINDS="kill9=2000 powercut=1000 eio=100" SEED=7
faults:
	@scripts/setup faults || true
	@scripts/faults/run $(if $(SEED),--seed $(SEED)) $(KINDS)

clean:
	rm -rf .build .build-mutants .build-fuzz .build-venvs
