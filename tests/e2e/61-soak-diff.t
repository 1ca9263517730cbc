#!/bin/sh
# 61-soak-diff: the differential tester over fixed seeds, and that it sees a wrong backend.
fixtures=${SOLDR_TEST_FIXTURES:-} # lib.sh clears the environment
san=${SOLDR_TEST_SAN:-}
. "$(dirname "$0")/lib.sh"

fixtures=${fixtures:-$lib_dir/../../build/tests/fixtures}
soak() {
	SOLDR_BIN=$SOLDR run python3 "$lib_dir/../parity/soak_diff.py" --keep "$T/kept" "$@"
}

for compiler in gcc g++ clang clang++; do
	if ! command -v $compiler >/dev/null; then
		skip "$compiler" "not installed"
		continue
	fi
	steps=400 enough=80
	[ -z "$san" ] || { steps=60 enough=5; }
	soak --compiler $compiler --seed 61 --steps $steps
	is "$status" 0 "$compiler: $steps random edits and compiles give the compiler's results"
	[ "$status" = 0 ] || lib_note report "$out$err"
	printf '%s\n' "$out" | sed 's/^/# /'
	hits=$(printf '%s\n' "$out" | sed -n 's/^through soldr: \([0-9]*\) hits.*/\1/p')
	ok "$compiler: and enough of them were hits" test "${hits:-0}" -ge $enough
done

if [ -r "$fixtures/broken.so" ]; then
	chmod go-w "$fixtures/broken.so"
	# One is reduced. What stale_object gives hangs on a file outside of the tree: it cannot be.
	reduce=
	for fault in drop_depfile stale_object wrong_mode extra_file wrong_status swap_stderr; do
		cat >broken.yaml <<-END_OF_YAML
			backends:
			  broken:
			    plugin: $fixtures/broken.so
			    options: {fault: $fault, store: "$T/first.o"}
		END_OF_YAML
		chmod 600 broken.yaml
		rm -rf "$T/first.o" "$T/kept"
		export SOLDR_CONFIG="$T/broken.yaml" SOLDR_BACKEND=broken
		soak --compiler gcc --seed 61 --steps 60 $reduce
		reduce=--no-reduce
		is "$status" 1 "a backend that does $fault is caught"
		like "$out" "^gcc: seed 61, step [0-9]+: soldr differs from the compiler" "and the report names seed and step"
		script=$(ls "$T/kept"/gcc-61-*.sh)
		rm -f "$T/first.o"
		SOLDR=$SOLDR run sh "$script"
		is "$status" 1 "and the script shows it again"
		unset SOLDR_CONFIG SOLDR_BACKEND
		SOLDR=$SOLDR run sh "$script"
		is "$status" 0 "which the embedded backend does not do"
	done
else
	skip "broken backends" "the fixtures are not built: make check-e2e builds them"
fi
done_testing
