# Every target does its own set-up, on a Debian machine that has Swift.
SHELL := /bin/bash
ROUNDS ?= 200

.PHONY: run demo test bench crash setup clean

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

clean:
	rm -rf .build .build-venvs
