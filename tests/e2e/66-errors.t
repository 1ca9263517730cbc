#!/bin/sh
# Every message is a row of the table of core/util/messages.h, has an id that the user sees, and is triggered by a test.
unit=${SOLDR_TEST_UNIT:-} faults=${SOLDR_TEST_FAULT:-} fixtures=${SOLDR_TEST_FIXTURES:-} # lib.sh clears the environment
. "$(dirname "$0")/lib.sh"

build=$lib_dir/../../build/tests
unit=${unit:-$build/unit} faults=${faults:-$build/fault} fixtures=${fixtures:-$build/fixtures}
top=$(cd "$lib_dir/../.." && pwd)

# Lines PASS NAME or FAIL NAME: WHY.
verdicts() {
	while IFS= read -r verdict; do
		case $verdict in
		PASS*) lib_result 0 "${verdict#PASS }" ;;
		*) lib_result 1 "${verdict#FAIL }" ;;
		esac
	done <"$1"
}

python3 "$lib_dir/errors.py" table "$top" >table 2>&1 || echo "FAIL errors.py table" >>table
verdicts table

# The unit tests and soldr-faulty write the ids of what they make the code say to the file that SOLDR_TEST_IDS names.
[ -x "$unit" ] && [ -x "$faults/soldr-faulty" ] || { skip "every message is triggered by a test" "make check-e2e builds what it needs"; done_testing; }
SOLDR_TEST_IDS=$T/ids SOLDR_TEST_FIXTURES=$fixtures SOLDR_TEST_PLUGINS=$(dirname "$SOLDR")/../lib/soldr "$unit" >unit.log 2>&1
ok "the unit tests say some of them" test "$(sort -u ids | wc -l)" -gt 100

mkdir runs
FAULTY=$faults/soldr-faulty FIXTURES=$fixtures SOLDR=$SOLDR
export FAULTY FIXTURES SOLDR
python3 "$lib_dir/errors.py" run "$top" "$T/runs" "$T/ids" >said 2>&1 || echo "FAIL errors.py run" >>said
verdicts said
python3 "$lib_dir/errors.py" covered "$top" "$T/ids" >covered 2>&1 || echo "FAIL errors.py covered" >>covered
verdicts covered
done_testing
