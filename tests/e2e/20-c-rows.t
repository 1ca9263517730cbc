#!/usr/bin/perl
# C and C++ through the embedded cache against the bare compiler: outputs,
# languages, response files, messages, and every option whose effect must be
# kept or refused. The numbers are the rows of the project's correctness list.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use Test::More;

my %sub = ('out/keep' => '');

both {
	# C01: where the object goes
	same 'c01_no_o', 'CC -c x.c', 'hit';
	same 'c01_no_o_source_elsewhere', 'CC -c sub/y.c', 'hit', files => {'sub/y.c' => 'int y;'};
	same 'c01_o_in_directory', 'CC -c x.c -o out/y.o', 'hit', files => {%sub};
	same 'c01_o_joined', 'CC -c x.c -oy.o', 'hit';
	same 'c01_o_is_directory', 'CC -c x.c -o out', 'bypass:output_special', files => {%sub};
	same 'c01_o_with_slash', 'CC -c x.c -o out/', 'bypass:output_special', files => {%sub};
	same 'c01_o_directory_missing', 'CC -c x.c -o gone/y.o', 'bypass';
	same 'c01_o_stdout', 'CC -S x.c -o -', 'bypass:stdout_output';
	same 'c01_o_null', 'CC -c x.c -o /dev/null', 'hit';
	ok(-c '/dev/null', "c01_o_null: $CC: /dev/null is still a device");
	same 'c01_o_twice', 'CC -c x.c -o a.o -o b.o', 'bypass:unsupported_option';
	same 'c01_o_without_value', 'CC -c x.c -o', 'bypass';
	same 'c01_o_is_source', 'CC -c x.c -o x.c', 'bypass', once => 1;
	same 'c01_dotted_stem', 'CC -c a.b.c', 'hit', files => {'a.b.c' => 'int y;'};
	same 'c01_hidden_source', 'CC -c .h.c', 'hit', files => {'.h.c' => 'int y;'};
	same 'c01_source_missing', 'CC -c gone.c', 'bypass:input_unreadable';
	same 'c01_source_is_directory', 'CC -c out', 'bypass', files => {%sub};

	# C03: kinds of calls
	same 'c03_assembly', 'CC -S -O1 x.c', 'hit';
	same 'c03_assembly_and_c', 'CC -c -S x.c', 'hit';
	same 'c03_preprocess', 'CC -E x.c', 'bypass:preprocess_only';
	same 'c03_preprocess_to_file', 'CC -E x.c -o x.i', 'bypass:preprocess_only';
	same 'c03_m', 'CC -M x.c', 'bypass:preprocess_only';
	same 'c03_mm', 'CC -MM x.c', 'bypass:preprocess_only';
	same 'c03_syntax_only', 'CC -fsyntax-only x.c', 'hit';
	same 'c03_two_sources', 'CC -c x.c y.c', 'hit', files => {'y.c' => 'int y;'};
	same 'c03_link', 'CC x.c -shared -fPIC -o libx.so', 'bypass:link', once => 1;
	same 'c03_link_object', 'CC -nostdlib -r y.o -o z.o', 'bypass';
	same 'c03_stdin', 'CC -xc -c - -o x.o', 'bypass:stdin_input', stdin => "$T/in.c", before => sub { spew("$T/in.c", 'int a;') };
	same 'c03_unknown_extension', 'CC -c x.zz', 'bypass', files => {'x.zz' => 'int y;'};
	same 'c03_no_input', 'CC -c', 'bypass:no_input';
	same 'c03_nothing', 'CC', 'bypass:no_input';
	same 'c03_version', 'CC --version', 'bypass:probe';
	same 'c03_v', 'CC -v', 'bypass:probe';
	same 'c03_dumpmachine', 'CC -dumpmachine', 'bypass:probe';
	same 'c03_hash_hash_hash', 'CC -### -c x.c', 'bypass:probe', mute => 1;

	# C04: response files
	same 'c04_response', 'CC @args', 'hit', files => {args => "-c x.c\n-DQ='a b' -o \"y y.o\"\n"};
	same 'c04_nested', 'CC @args -c', 'hit', files => {args => '@more -O1', more => 'x.c -DA\\ B=1'};
	same 'c04_missing', 'CC -c x.c @gone', 'bypass:response_file';
	same 'c04_empty', 'CC -c x.c @args', 'hit', files => {args => ''};
	same 'c04_endless', 'CC -c x.c @args', 'bypass:response_file', files => {args => '@args'};

	# C05: languages
	same 'c05_x_cxx', 'CC -xc++ -c x.c', 'hit', source => 'extern "C" int f(void); int g() { return f(); }';
	same 'c05_x_separate', 'CC -x c -c x.txt', 'hit', files => {'x.txt' => 'int y;'};
	same 'c05_x_none', 'CC -x c++ -x none -c x.c', 'hit', source => 'int class;';
	same 'c05_x_after_input', 'CC -c x.c -x c++', 'bypass:unsupported_option', source => 'int class;';
	same 'c05_cc', 'CC -c y.cc', 'hit', files => {'y.cc' => 'template <class T> T f(T a) { return a; } int g() { return f(1); }'};
	same 'c05_cxx_driver_reads_c', 'CXX -c x.c', 'hit', source => 'int g(bool a) { return a; }';
	same 'c05_i', 'CC -c y.i', 'hit', files => {'y.i' => "# 1 \"q.c\"\nint y;\n"};
	same 'c05_ii', 'CC -c y.ii', 'hit', files => {'y.ii' => "# 1 \"q.cc\"\nbool y;\n"};
	same 'c05_i_with_warning', 'CC -Wall -c y.i', 'bypass:inputs_unknown', files => {'y.i' => "# 1 \"q.c\"\nstatic int y;\n", 'q.c' => "static int y;\n"};
	same 'c05_asm', 'CC -c y.s', 'hit', files => {'y.s' => ".globl a\na: .long 1\n"};
	same 'c05_asm_cpp', 'CC -c y.S', 'hit', files => {'y.S' => "#include \"u.h\"\n.globl a\na: .long U\n"};
	same 'c05_header', 'CC -c u.h', {gcc => 'hit', clang => 'bypass:precompiled_header'}, hide => ['src/u.h.gch'];
	same 'c05_x_header', 'CC -x c-header u.h -o u.h.gch', 'hit', hide => ['src/u.h.gch'];

	# C06: messages
	my $warns = "int f(int a) { int unused; return a == 3; }\n#warning look\n";
	same 'c06_warning', 'CC -Wall -c x.c', 'hit', source => $warns;
	same 'c06_warning_in_header', 'CC -Wall -c x.c', 'hit', source => qq{#include "w.h"\n}, files => {'w.h' => $warns};
	same 'c06_no_warnings', 'CC -w -c x.c', 'hit', source => $warns;
	same 'c06_error', 'CC -c x.c -o y.o', 'bypass:compile_failed', source => 'int f(void) { return g }';
	same 'c06_werror', 'CC -Wall -Werror -c x.c', 'bypass:compile_failed', source => $warns;
	same 'c06_error_takes_old_object', 'CC -c x.c', 'bypass:compile_failed', source => '#error no', files => {'x.o' => 'old'};
	same 'c06_error_and_depfile', 'CC -MD -c x.c', 'bypass:compile_failed', source => qq{#include "u.h"\nint f(void) { return g }};
	same 'c06_error_and_user_depfile', 'CC -MMD -c x.c', 'bypass:compile_failed', source => qq{#include "u.h"\nint f(void) { return g }};
	same 'c06_missing_header', 'CC -MMD -c x.c', 'bypass:compile_failed', source => qq{#include "u.h"\n#include "gone.h"\n};
	same 'c06_h_to_stderr', 'CC -H -c x.c', 'hit';
	same 'c06_option_unknown', 'CC -fno-such-option -c x.c', 'bypass:compile_failed';
	same 'c06_unused_option', 'CC -c x.c -lfoo -Wl,-z,now', 'hit';

	# C13: prefix maps
	same 'c13_g', 'CC -g -c x.c', 'hit';
	same 'c13_debug_prefix_map', ['CC', '-g', "-fdebug-prefix-map=$T=/src", '-c', 'x.c'], 'hit';
	same 'c13_file_prefix_map', ['CC', '-g', "-ffile-prefix-map=$T=/src", '-c', 'x.c'], 'hit';

	# C14 – C16: further outputs that are refused; those that are restored are in 26-side-outputs.t
	same 'c14_dumpdir', 'CC -c x.c -dumpdir out/', {gcc => 'hit', clang => 'bypass'}, files => {%sub};
	same 'c16_listing', 'CC -Wa,-a=x.lst -c x.c', 'bypass:side_output';
	same 'c16_time_trace', 'CC -ftime-trace -c x.c', {gcc => 'bypass', clang => 'bypass:side_output'}, hide => ['src/x.json'];
	same 'c16_assembler_depfile', 'CC -Wa,--MD,x.ad -c x.c', 'bypass:side_output';

	# C17: options that name files
	same 'c17_include', 'CC -include p.h -c x.c', 'hit', files => {'p.h' => '#define P 1'};
	same 'c17_imacros', 'CC -imacros p.h -c x.c', 'hit', files => {'p.h' => '#define P 1'};
	same 'c17_include_searched', 'CC -Iinc -include p.h -c x.c', 'hit', files => {'inc/p.h' => '#define P 1'};
	same 'c17_plugin', 'CC -fplugin=./p.so -c x.c', 'bypass:unsupported_option';
	same 'c17_b', 'CC -B. -c x.c', 'bypass:unsupported_option';
	same 'c17_unknown_with_path', 'CC -fno-such-file=./u.h -c x.c', 'bypass:unknown_file_option';
	same 'c17_unknown_with_file_name', 'CC -fno-such-file=keep -c x.c', 'bypass:unknown_file_option', files => {keep => ''};
	same 'c17_assembler_response', 'CC -Wa,@as.args -c x.c', 'bypass:unsupported_option', files => {'as.args' => ''};

	# C20
	my $loop = "int f(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i] * i; return s; }\n";
	same 'c20_march_native', 'CC -O3 -march=native -c x.c', 'hit', source => $loop;
	same 'c20_mtune_native', 'CC -O3 -mtune=native -c x.c', 'hit', source => $loop;
	same 'c20_mcpu_native', 'CC -O3 -mcpu=native -c x.c', {gcc => 'hit', clang => version() < 17 ? 'hit' : 'bypass:unknown_compiler'}, source => $loop;
	my $cores = scene(name => 'c20_another_core');
	$cores->step('the first', 'CC -march=native -c x.c', 'miss', prefix => ['taskset', '-c', '0']);
	$cores->step('the last', 'CC -march=native -c x.c', 'hit', prefix => ['taskset', '-c', qx(nproc --all) - 1]);
	same 'c20_native_in_a_list', 'CC -march=native+nothing -c x.c', {gcc => 'bypass', clang => 'bypass'};
	same 'c20_march_named', 'CC -march=haswell -mtune=generic -c x.c', 'hit';

	# C21
	same 'c21_incbin_in_source', 'CC -c x.c', 'bypass:embedded_file', files => {blob => 'abc'},
		source => '__asm__(".section .data\n.incbin \"blob\"\n");';
	same 'c21_incbin_split', 'CC -c x.c', 'bypass:embedded_file', files => {blob => 'abc'},
		source => '__asm__(".section .data\n.inc" "bin \"blob\"\n");';
	same 'c21_incbin_in_section', 'CC -c x.c', 'bypass:embedded_file', files => {blob => 'abc'},
		source => "int x __attribute__((section(\".data\\n.incbin \\\"blob\\\"\\n#\")));\n";
	same 'c21_name_that_begins_alike', 'CC -c x.c', 'hit', source => qq{#define NAME "brackets.tab.i"\nint f(void);\nint f(void) { return *NAME; }\n};
	same 'c21_incbin_not_compiled', 'CC -c x.c', 'hit',
		source => qq{#ifdef EMBED\n__asm__(".incbin \\"blob\\"\\n");\n#endif\nint x;\n};
	same 'c21_incbin_assembler', 'CC -c y.s', 'bypass:embedded_file', files => {'y.s' => ".incbin \"blob\"\n", blob => 'abc'};
	same 'c21_include_assembler', 'CC -c y.S', 'bypass:embedded_file', files => {'y.S' => ".include \"b.s\"\n", 'b.s' => ".long 1\n"};

	# C24
	same 'c24_record_switches', 'CC -frecord-gcc-switches -c x.c -o y.o', 'hit';
	same 'c24_grecord_switches', 'CC -g -grecord-gcc-switches -c x.c -o y.o', 'hit';
	same 'c24_record_switches_md', 'CC -frecord-gcc-switches -MMD -c x.c', 'hit';

	# C25
	same 'c25_lto', 'CC -O2 -flto -c x.c', 'hit', hide => $CC eq 'gcc' ? ['src/x.o'] : [];
	same 'c25_lto_seeded', 'CC -O2 -flto -frandom-seed=1 -c x.c', 'hit';

	# C36: the order of options
	my $s = scene(name => 'c36_order', source => "int f(void) { int unused; return N; }\n");
	for (['-DN=1 -UN -DN=2', 'miss'], ['-UN -DN=2 -DN=2', 'miss'], ['-DN=1 -UN -DN=2', 'hit']) {
		$s->step("$_->[0]", "CC $_->[0] -c x.c", $_->[1]);
	}
	$s->step("$_->[0]", "CC -DN=1 $_->[0] -c x.c", $_->[1]) for
		['-O0 -O2', 'miss'], ['-O2 -O0', 'miss'], ['-Wall -Wno-unused-variable', 'miss'], ['-Wno-unused-variable -Wall', 'miss'],
		['-Werror -Wall -Wno-error', 'miss'], ['-Wno-error -Wall -Werror', 'bypass:compile_failed'], ['-O0 -O2', 'hit'];
};

# One compiler's own
$CC = 'gcc';
same 'c03_cpp', [(have('cpp'))[0] . '/cpp', 'x.c'], 'bypass';
same 'c16_dump', 'CC -fdump-tree-original -c x.c', 'bypass:side_output';
same 'c16_dump_rtl', 'CC -da -c x.c', 'bypass:side_output', hide => [];
same 'c16_json', 'CC -Wall -fdiagnostics-format=json -c x.c', 'hit', source => 'static int a;';
same 'c17_specs', 'CC -specs=s.specs -c x.c', 'bypass:unsupported_option', files => {'s.specs' => "\n"};
same 'c17_wrapper', 'CC -wrapper env -c x.c', 'bypass:unsupported_option';
same 'c23_modules', 'CXX -std=c++20 -fmodules-ts -c y.cc', 'bypass:modules', files => {'y.cc' => 'int f() { return 1; }'};
same 'c26_offload', 'CC -fopenmp -foffload=disable -c x.c', 'bypass';
same 'c06_report', 'CC -Q -c x.c', 'bypass:unsupported_option', mute => 1;
same 'c05_sx', 'CC -c y.sx', 'hit', files => {'y.sx' => "#define A 1\n.long A\n"};

SKIP: {
	skip 'clang is not installed', 1 unless have('clang');
	$CC = 'clang';
	same 'c17_config', 'CC --config ./c.cfg -c x.c', 'bypass', files => {'c.cfg' => '-DA'};
	same 'c17_ignorelist', 'CC -fsanitize=address -fsanitize-ignorelist=i.txt -c x.c', 'hit', files => {'i.txt' => "fun:f\n"};
	same 'c17_vfs', 'CC -ivfsoverlay v.yaml -c x.c', 'bypass', files => {'v.yaml' => "{'version': 0, 'roots': []}\n"};
	same 'c23_modules', 'CC -fmodules -c x.c', 'bypass:modules';
	same 'c25_emit_llvm', 'CC -emit-llvm -c x.c', 'hit';
	same 'c25_emit_llvm_text', 'CC -emit-llvm -S x.c', 'hit';
	same 'c25_thin', 'CC -flto=thin -O2 -c x.c', 'hit';
	same 'c26_arch_twice', 'CC -arch x86_64 -arch i386 -c x.c', 'bypass';
	same 'c03_integrated_as_off', 'CC -fno-integrated-as -c x.c', 'hit';
	same 'c16_xclang_depfile', 'CC -Xclang -dependency-file -Xclang x.dep -Xclang -MT -Xclang q -c x.c', 'bypass';
}

done_testing();
