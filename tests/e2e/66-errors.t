#!/bin/sh
# Every message is a row of the table of core/util/messages.h, has an id that the user sees, and is triggered by a test.
. "$(dirname "$0")/lib.sh"

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
done_testing
