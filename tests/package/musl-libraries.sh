#!/bin/sh
# musl-libraries.sh DIR: builds the libraries whose sources are in DIR/src by musl-gcc, into DIR/include and DIR/lib.
# Static; the small ones file by file.
set -e
cd "$1"
top=$PWD
cc="musl-gcc -O2 -fPIC -w -I$top/include"
jobs=-j2

archive() { # NAME FILE…: one library
	name=$1
	shift
	rm -rf objects && mkdir objects
	for file in "$@"; do
		$cc $flags -c "$file" -o "objects/$(echo "$file" | tr / _).o"
	done
	ar rcs "$top/lib/lib$name.a" objects/*.o
}

cd "$top/src/libyaml"
flags='-Iinclude -DYAML_VERSION_MAJOR=0 -DYAML_VERSION_MINOR=2 -DYAML_VERSION_PATCH=5 -DYAML_VERSION_STRING="0.2.5"' archive yaml src/*.c
cp include/yaml.h "$top/include"

cd "$top/src/cunit"
sed 's/@[A-Z_]*@//' CUnit/Headers/CUnit.h.in >CUnit/Headers/CUnit.h 2>/dev/null || :
flags='-ICUnit/Headers -DVERSION="2.1" -DRELEASE="3"' archive cunit CUnit/Sources/Framework/*.c CUnit/Sources/Basic/*.c
mkdir -p "$top/include/CUnit" && cp CUnit/Headers/*.h "$top/include/CUnit"

cd "$top/src/libzstd"
make $jobs -C lib CC="$cc" libzstd.a >/dev/null
cp lib/libzstd.a "$top/lib" && cp lib/zstd.h lib/zstd_errors.h "$top/include"

cd "$top/src/jansson"
cat >src/jansson_config.h <<'END_OF_H'
#define JSON_INLINE inline
#define JSON_INTEGER_IS_LONG_LONG 1
#define JSON_HAVE_LOCALECONV 1
#define JSON_HAVE_ATOMIC_BUILTINS 1
#define JSON_HAVE_SYNC_BUILTINS 1
#define JSON_PARSER_MAX_DEPTH 2048
END_OF_H
printf '#define %s 1\n' HAVE_STDINT_H HAVE_SYS_TYPES_H HAVE_UNISTD_H HAVE_FCNTL_H USE_URANDOM >src/jansson_private_config.h
flags='-Isrc -DHAVE_CONFIG_H=1 -DINITIAL_HASHTABLE_ORDER=3' archive jansson src/*.c
cp src/jansson.h src/jansson_config.h "$top/include"

cd "$top/src/libtool/libltdl"
./configure CC="$cc" --disable-shared --enable-static --enable-ltdl-install --prefix="$top" >/dev/null
make $jobs install >/dev/null

cd "$top/src/openssl"
./Configure linux-generic64 CC="$cc" --prefix="$top" no-shared no-asm no-engine no-dso no-tests no-async no-legacy no-sock no-autoload-config >/dev/null
# SHA-256 is all that soldr takes of it, and the whole takes minutes.
make build_generated crypto/sha/libcrypto-lib-sha256.o crypto/libcrypto-lib-mem_clr.o >/dev/null
ar rcs "$top/lib/libcrypto.a" crypto/sha/libcrypto-lib-sha256.o crypto/libcrypto-lib-mem_clr.o
cp -R include/openssl "$top/include"
