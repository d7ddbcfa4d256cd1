.DEFAULT_GOAL := help
.PHONY: help demo check kernels docs coverage faults fuzz labs bench golden guests setup clean

help:    ## list these targets
	@sed -n 's/^\([a-z]*\): *## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
demo:    ## show a lab of five lines, its picture, and what it measures
	@./dev demo
check:   ## everything that must pass: lint, types, shellcheck, tests on this kernel and a guest's
	@./dev check
kernels: ## live tests in all guests (root; `./dev guests` fetches them; about half an hour)
	@./dev kernels
docs:    ## the documentation in build/docs/docs/index.html, and manual pages in build/man
	@./dev docs
coverage: ## what the tests leave out of the compiler
	@./dev coverage
faults:  ## every fault of the scripts, and signals at 100 moments each (root; about five minutes)
	@./dev faults
fuzz:    ## try a million hostile labs, about an hour (`./dev fuzz 60s 7` for a minute, with another seed)
	@./dev fuzz
labs:    ## bring up 300 random labs, check them, change them, check that (root; `./dev labs 20 7` for 20 of another seed)
	@./dev labs
bench:   ## measure: compile time, bring-up, multipath (root; `./dev bench compile` for one part)
	@./dev bench
golden:  ## write anew what the compiler makes: tests/golden, tests/errors, out
	@./dev golden
guests:  ## fetch other kernels for the live tests (root; 100 MB, kept in ~/.cache/mpc/guests)
	@./dev guests
setup:   ## make .venv
	@./dev setup
clean:   ## remove .venv and all caches
	@./dev clean
