#!/usr/bin/perl
# Files that a compile writes besides its output and depfile (C14, C15, C16), and
# calls that leave no output at all (C01, C03): a hit leaves exactly the files that
# the compiler leaves, each with the compiler's bytes and mode.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use Test::More;

my $code = <<'END';
#include "u.h"
int g(int *);
static inline int square(int a) { return a * a; }
int f(int n) { int s = U; for (int i = 0; i < n; i++) s += square(i); return s + g(&n); }
END
my %sub = ('out/keep' => '', 'sub/y.c' => $code, 'sub/u.h' => "#define U 3\n", 'a.b.c' => $code);
my $main = "int f(int);\nint g(int *a) { return *a; }\nint main(void) { return f(3) > 100; }\n";

# As same(), for results that differ from one run of the compiler to the next: what the miss left is what the hit restores.
sub restored
{
	my ($name, $cmd, %o) = @_;
	my $s = same($name, $cmd, 'hit', %o);
	my $first = scene(name => $name, %o);
	my $was = Parity::snapshot($first->{root});
	my $cold = $first->run_soldr($cmd);
	Parity::reset_to($first->{root}, $was);
	my $warm = $first->run_soldr($cmd);
	my @bad = Parity::compare_runs($cold, $warm);
	push @bad, "outcomes $cold->{outcome}, $warm->{outcome}" if $cold->{outcome} !~ /^miss/ || $warm->{outcome} ne 'hit';
	ok(!@bad, "$name: $CC: the hit restores the miss") or diag(join "\n", @bad);
	return $s;
}

my @forms = ('-c x.c', '-c sub/y.c', '-c a.b.c', '-c x.c -o out/q.z.o', '-MMD -c sub/y.c -o out/q', '-S x.c', '-S x.c -o out/q.s');
sub each_form
{
	my ($name, $options, %o) = @_;
	for my $form (@{$o{forms} // \@forms}) {
		(my $label = "${name}_$form") =~ s/[^\w.]+/_/g;
		same $label, "CC $options $form", 'hit', files => {%sub}, source => $code;
	}
}

my @objects = grep { !/-S/ } @forms;

both {
	my $gcc = $CC eq 'gcc';

	# Names: each option with each way to say where the output goes
	each_form 'c14_split_dwarf', '-g -gsplit-dwarf', $gcc ? (forms => \@objects) : ();
	each_form 'c16_stack_usage', '-fstack-usage';
	each_form 'c16_save_temps', '-save-temps';
	each_form 'c16_save_temps_obj', '-g -save-temps=obj';
	same 'c16_save_temps_argument_file', 'CC @t.rsp -c x.c', {gcc => 'bypass:side_output', clang => 'hit'}, files => {'t.rsp' => "-save-temps=obj\n"};
	each_form 'c16_save_temps_cwd', '-O1 -save-temps=cwd';
	same "c16_save_temps_response_$_", "CC \@args $_ -c x.c", {gcc => 'bypass:side_output', clang => 'hit'}, source => $code, files => {args => "-g -I.\n"}
		for '-save-temps', '-save-temps=cwd -MD';
	each_form 'c14_and_c16_together', '-g -gsplit-dwarf -fstack-usage -save-temps=obj', forms => \@objects;
	if ($gcc) {
		each_form 'c16_call_graph', '-fcallgraph-info=su,da';
		same 'c16_bitcode', 'CC -flto -fstack-usage -fcallgraph-info -frandom-seed=1 -c x.c', 'hit', source => $code, hide => ['src/x.o'];
		each_form 'c16_aux_info', '-aux-info out/x.aux';
		each_form 'c16_listing', '-g -Wa,-acdlmn=out/x.lst', forms => \@objects;
		restored 'c15_coverage', 'CC --coverage -c x.c -o out/q.z.o', files => {%sub}, hide => ['src/out/q.z.o', 'src/out/q.z.gcno'];
		restored 'c15_coverage_here', 'CC -ftest-coverage -fprofile-arcs -c a.b.c', files => {%sub}, hide => ['src/a.b.o', 'src/a.b.gcno'];
		restored 'c15_coverage_assembly', 'CC -coverage -S sub/y.c', files => {%sub}, hide => ['src/y.s', 'src/y.gcno'];
		restored 'c15_profile_arcs', 'CC -fprofile-arcs -MD -c x.c', source => $code, hide => ['src/x.o'];
		restored 'c15_profile_generate', 'CC -fprofile-generate=p -c x.c', source => $code, hide => ['src/x.o'];
		restored 'c16_optimization_record', 'CXX -O2 -fsave-optimization-record -c y.cc -o out/q.o', files => {%sub, 'y.cc' => $code},
			hide => ['src/out/q.cc.opt-record.json.gz'];
		restored 'c16_optimization_record_here', 'CC -O2 -fsave-optimization-record -c a.b.c', files => {%sub}, hide => ['src/a.b.c.opt-record.json.gz'];
		for my $o ('-dumpdir D', '-dumpdir out/', '-dumpbase foo', '-dumpbase foo.c -dumpbase-ext .c', '-dumpdir out/ -dumpbase foo.c', '-dumpbase out/foo') {
			each_form 'c14_dump_names', "-g -gsplit-dwarf -fstack-usage -save-temps -MD $o", forms => ['-c x.c', '-c a.b.c -o r.o', '-c sub/y.c -o out/q.z.o'];
		}
		same 'c14_dump_base_empty', ['CC', qw(-MD -fstack-usage -dumpbase), '', qw(-c sub/y.c -o out/q.z.o)], 'hit', files => {%sub};
		same 'c14_dump_dir_missing', 'CC -fstack-usage -dumpdir gone/ -c x.c', 'bypass:compile_failed';
	} else {
		each_form 'c15_coverage', '--coverage';
		each_form 'c15_coverage_arcs', '-fprofile-arcs', forms => ['-MD -c x.c'];
		each_form 'c15_coverage_mapping', '-fprofile-instr-generate -fcoverage-mapping', forms => \@objects;
		each_form 'c15_profile_generate', '-fprofile-generate=p -fprofile-update=atomic', forms => \@objects;
		each_form 'c16_optimization_record', '-O2 -fsave-optimization-record';
		each_form 'c16_optimization_record_file', '-O2 -foptimization-record-file=out/r.yaml', forms => ['-c x.c'];
		each_form 'c16_diagnostics', '-Weverything --serialize-diagnostics out/x.dia';
		each_form 'c14_split_dwarf_single', '-g -gsplit-dwarf=single', forms => \@objects;
		each_form 'c14_external_assembler', '-g -gsplit-dwarf -fno-integrated-as', forms => \@objects;
		each_form 'c16_external_assembler', '-save-temps -fno-integrated-as', forms => \@objects;
		same 'c15_coverage_bitcode', 'CC --coverage -flto -c x.c', 'hit', source => $code;
		same 'c14_split_dwarf_bitcode', 'CC -g -gsplit-dwarf -flto -c x.c', 'hit', source => $code;
	}

	# Languages: what is not compiled has fewer of them
	my %text = ('y.S' => "#include \"u.h\"\n.globl a\na: .long U\n", 'y.s' => ".globl a\na: .long 1\n", 'y.i' => "# 1 \"y.c\"\nint y;\n",
		'y.ii' => "# 1 \"y.cc\"\nbool y;\n", 'y.cc' => "bool y() { return true; }\n");
	for my $file (sort keys %text) {
		(my $label = "c16_language_$file") =~ s/\./_/;
		# Clang warns of some combinations, and a message for a preprocessed source is not stored
		my $split = $file =~ /i$/ ? '' : '-g -gsplit-dwarf';
		my $stack = $file eq 'y.s' ? '' : '-fstack-usage';
		same $label, "CC $split $stack -save-temps=obj -c $file -o out/z.o", 'hit', files => {$file => $text{$file}, 'out/keep' => ''};
	}
	same 'c15_assembler', 'CC --coverage -O2 -fsave-optimization-record -c y.S', 'hit', files => {'y.S' => $text{'y.S'}};

	# Sources without code: a file that is not written, or is empty
	for my $source ('', "extern int a;\n") {
		same 'c16_no_code', 'CC -g -gsplit-dwarf -fstack-usage -save-temps -c x.c', 'hit', source => $source;
	}
	same 'c15_no_code', 'CC --coverage -c x.c', 'hit', source => '', hide => $gcc ? ['src/x.o', 'src/x.gcno'] : [];

	# Old files: a mode that stays, a file that is left alone, one that cannot be an output
	my @old = map { "x.$_" } qw(o dwo su i s bc gcno d);
	my $make_old = sub { my ($s) = @_; $s->put($_, 'old') for @old; chmod 0604, map { $s->dir . "/$_" } @old };
	for my $o ('-g -gsplit-dwarf', '-fstack-usage', '-MMD -save-temps', '-save-temps -S', '-S') {
		(my $label = "c28_old_files_$o") =~ s/[^\w]+/_/g;
		same $label, "CC $o " . ($o =~ /-S/ ? '' : '-c ') . 'x.c', 'hit', source => $code, before => $make_old;
	}
	same 'c28_old_files_unused', 'CC -fstack-usage -c x.c', 'hit', source => "extern int a;\n", before => $make_old;
	same 'c28_old_assembled', 'CC -c x.S', 'hit', files => {'x.S' => $text{'y.S'}}, before => $make_old;
	same 'c28_side_is_link', 'CC -fstack-usage -c x.c', 'bypass:output_special', source => $code, files => {real => ''},
		before => sub { symlink 'real', $_[0]->dir . '/x.su' unless -l $_[0]->dir . '/x.su' };
	if ($gcc) { # Clang crashes
		same 'c28_side_unwritable', 'CC -fstack-usage -c x.c', 'bypass:output_special', source => $code, user => 1,
			before => sub { my ($s) = @_; $s->put('x.su', 'old') unless -e $s->dir . '/x.su'; chmod 0444, $s->dir . '/x.su' };
	}
	same 'c16_umask', 'CC -g -gsplit-dwarf -save-temps -fstack-usage -c x.c', 'hit', source => $code, umask => 027;
	same 'c16_failed', 'CC -save-temps -fstack-usage -MMD -c x.c', 'bypass:compile_failed', source => "int f(void) { return g }\n";
	same 'c16_warning', 'CC -Wall -save-temps -fstack-usage -c x.c', 'hit', source => "static int a;\n";

	# Depfiles along with them
	for my $form ('-MD', '-MMD -MP', '-MMD -MF out/x.dep -MT t', '-Wp,-MD,out/x.dep', '-Wp,-MMD,out/x.dep') {
		each_form 'c02_with_sides', "-g -gsplit-dwarf -fstack-usage -save-temps=obj $form", forms => ['-c x.c -o out/q.o'];
	}
	# GCC's own -MMD is asked by a second run, which writes all files again
	same 'c02_second_run', 'CC -MMD -Isys -isystem sys/deep -g -gsplit-dwarf -fstack-usage -save-temps -c x.c', 'hit', source => "#include <d.h>\n#include \"u.h\"\nint q(void) { return U; }\n",
		files => {'sys/deep/d.h' => "typedef int d;\n"};

	# The time is asked for in a run that must not write them again
	my $suspect = "#define NOW __TIME__\n$code";
	same 'c08_with_sides', 'CC -MMD -g -gsplit-dwarf -fstack-usage -save-temps -c x.c', 'hit', source => $suspect;
	if ($gcc) {
		same 'c08_aux_info', 'CC -aux-info x.aux -c x.c', 'hit', source => $suspect;
	} else {
		same 'c08_diagnostics', 'CC -Wall --serialize-diagnostics x.dia -c x.c', 'hit', source => "$suspect\nstatic int unused;\n";
	}
	same 'c08_time_with_sides', 'CC -fstack-usage -save-temps -c x.c', 'bypass:time_macro', source => "const char *t(void) { return __TIME__; }\n",
		hide => [map { "src/x.$_" } qw(o s i bc)];

	# C14: the names are in the object
	my $s = scene(name => 'c14_names', source => $code, files => {'a/keep' => '', 'b/keep' => ''});
	$s->step('a/x.o', 'CC -g -gsplit-dwarf -c x.c -o a/x.o', 'miss');
	$s->step('b/x.o', 'CC -g -gsplit-dwarf -c x.c -o b/x.o', 'miss');
	$s->step('a/x.o again', 'CC -g -gsplit-dwarf -c x.c -o a/x.o', 'hit');
	$s->step('without', 'CC -g -c x.c -o a/x.o', 'miss');
	$s->put('u.h', "#define U 4\n");
	$s->step('a header edited', 'CC -g -gsplit-dwarf -c x.c -o a/x.o', 'miss');
	# C15: so is the directory
	my @hide = map { my $d = $_; map { "src/$d/x.$_" } qw(o gcno) } qw(one two);
	my $c = scene(name => 'c15_directory', files => {map { ("$_/x.c" => $code, "$_/u.h" => "#define U 3\n") } qw(one two)}, hide => $gcc ? \@hide : []);
	$c->step('one', 'CC --coverage -c x.c', 'miss', dir => 'src/one');
	$c->step('two', 'CC --coverage -c x.c', 'miss', dir => 'src/two');
	$c->step('one again', 'CC --coverage -c x.c', 'hit', dir => 'src/one');
	# A side file is not what makes an object of the same content another's
	my $t = scene(name => 'c16_set', source => $code);
	$t->step('one', 'CC -fstack-usage -c x.c', 'miss');
	$t->step('two', 'CC -fstack-usage -save-temps -c x.c', 'miss');
	$t->step('none', 'CC -c x.c', 'miss');
	$t->step('one again', 'CC -fstack-usage -c x.c', 'hit');

	# Two names for one file, and no name
	same 'c16_side_is_output', 'CC -save-temps -c x.c -o x.s', 'bypass:side_output', mute => 1;
	$gcc and same 'c16_side_is_source', 'CC -save-temps -c -x c x.i', 'bypass:side_output', files => {'x.i' => "int a;\n"}, mute => 1, hide => ['src/x.i'], once => 1;
	same 'c16_side_is_output_otherwise', 'CC -save-temps -c x.c -o ./x.s', 'bypass', mute => 1;

	# C03: messages alone
	my $warns = "int f(int a) { int unused; return a == 3; }\n";
	same 'c03_syntax', 'CC -Wall -fsyntax-only x.c', 'hit', source => $warns;
	same "c03_syntax_$_", "CC -fsyntax-only -c a.$_ -o x.o", 'bypass:unsupported_option', files => {"a.$_" => "nop\n", 'x.o' => 'old'} for 's', 'S';
	same 'c03_syntax_quiet', 'CC -fsyntax-only x.c', 'hit';
	same 'c03_syntax_leaves_output', 'CC -fsyntax-only -c x.c -o x.o', 'hit', files => {'x.o' => 'old'};
	same 'c03_syntax_depfile', 'CC -fsyntax-only -MMD -MF x.dep x.c', 'hit';
	same 'c03_syntax_depfile_by_output', 'CC -fsyntax-only -MD -c x.c -o out/y.o', 'hit', files => {%sub};
	same 'c03_syntax_depfile_default', 'CC -fsyntax-only -MD x.c', {gcc => 'bypass:depfile_unclear', clang => 'hit'};
	same 'c03_syntax_error', 'CC -fsyntax-only x.c', 'bypass:compile_failed', source => 'int f(void) { return g }';
	same 'c03_syntax_sides', 'CC -fsyntax-only -fstack-usage --coverage x.c', 'bypass:side_output', hide => ['src/a-x.gcno'];
	my $y = scene(name => 'c03_syntax_inputs', source => "#include \"u.h\"\n$warns");
	$y->step('first', 'CC -Wall -fsyntax-only x.c', 'miss');
	$y->step('again', 'CC -Wall -fsyntax-only x.c', 'hit');
	$y->put('u.h', "static int n;\n");
	$y->step('a header edited', 'CC -Wall -fsyntax-only x.c', 'miss');
	$y->step('an object', 'CC -Wall -c x.c', 'miss');

	# C01: an output that is thrown away
	same 'c01_null', 'CC -Wall -c x.c -o /dev/null', 'hit', source => $warns;
	same 'c01_null_assembly', 'CC -S x.c -o /dev/null', 'hit';
	same 'c01_null_depfile', 'CC -MMD -MF x.dep -c x.c -o /dev/null', 'hit';
	same 'c01_null_sides', 'CC -fstack-usage -c x.c -o /dev/null', 'bypass:side_output', source => $code;
	ok(-c '/dev/null', "c01_null: $CC: /dev/null is still a device");
	my $n = scene(name => 'c01_null_and_file');
	$n->step('a file', 'CC -c x.c -o x.o', 'miss');
	$n->step('thrown away', 'CC -c x.c -o /dev/null', 'miss');
	$n->step('thrown away again', 'CC -c x.c -o /dev/null', 'hit');
	$n->step('a file again', 'CC -c x.c -o x.o', 'hit');

	# What cannot be restored in full, or would hold a time, is refused
	same 'c16_refused_save_temps_twice', 'CC -save-temps -save-temps=obj -c x.c', 'bypass:side_output';
	same 'c16_refused_hidden_name', 'CC -fstack-usage -c .x.c', 'bypass:side_output', files => {'.x.c' => $code};
	same 'c16_refused_listing', "CC -Wa,-$_=x.lst -c x.c", 'bypass:side_output', mute => 1, hide => ['src/x.lst'] for qw(al alns alnh alng);
	if ($gcc) {
		same 'c15_refused_seed', 'CC --coverage -frandom-seed=1 -c x.c', 'bypass:profile', files => {'x.gcda' => 'old counts'};
		same 'c15_refused_note', 'CC --coverage -fprofile-note=n -c x.c', 'bypass:profile', hide => ['src/x.o', 'src/n.gcno', 'src/n'];
		same 'c16_refused_dump_names', 'CC -fsave-optimization-record -dumpbase foo -c x.c', 'bypass:side_output',
			hide => [map { "src/foo$_.opt-record.json.gz" } '', '.c'];
	} else {
		same 'c16_refused_database', 'CC -MJ x.json -c x.c', 'bypass:side_output';
		same 'c16_refused_bitcode', 'CC -save-temps -flto -c x.c', 'bypass:side_output';
		same 'c16_refused_bitcode_only', 'CC -save-temps -emit-llvm -c x.c', 'bypass:side_output';
		same 'c14_no_debug', 'CC -gsplit-dwarf -c x.c', 'hit', files => {'x.dwo' => 'old'};
		same 'c14_compilation_dir', 'CC -g -gsplit-dwarf -fdebug-compilation-dir=out -c x.c', 'bypass:side_output', files => {%sub};
	}
};

# Profiles that are read: their contents count, and one that is not there is not cached
$CC = 'gcc';
{
	my $s = scene(name => 'c15_gcc_profile', source => $code, files => {'m.c' => $main});
	my $use = 'CC -O2 -fprofile-use -c x.c';
	my $profile = sub {
		my ($argument) = @_;
		my $dir = $s->dir;
		$s->put('m.c', $main =~ s/f\(3\)/f($argument)/r);
		system("cd '$dir' && rm -f *.gcda && gcc -O2 -fprofile-generate -c x.c && gcc -fprofile-generate x.o m.c -o m && { ./m || :; } && rm -f x.o m m-m.gcda") == 0 or die;
		$s->{dirty} = 1;
	};
	$s->step('no profile', $use, 'bypass:input_unreadable');
	$profile->(3);
	$s->step('first', $use, 'miss');
	$s->step('again', $use, 'hit');
	$s->step('for another output', "$use -o y.o", 'bypass:input_unreadable');
	$s->step('by another option', 'CC -O2 -fbranch-probabilities -c x.c', 'miss');
	$profile->(1000);
	$s->step('another profile', $use, 'miss');
	$s->step('another profile again', $use, 'hit');
	$s->remove('x.gcda');
	$s->step('the profile is gone', $use, 'bypass:input_unreadable');
	$s->step('a directory of profiles', 'CC -O2 -fprofile-use=. -c x.c', 'bypass:profile');
	$s->step('a directory, otherwise', 'CC -O2 -fprofile-use -fprofile-dir=. -c x.c', 'bypass:profile');
}

# objcopy has a hand in it
{
	my ($objcopy) = map { "$_/objcopy" } have('objcopy');
	my $tools = "$T/objcopy";
	my $put = sub {
		my ($more) = @_;
		spew("$tools/objcopy.c", "#include <unistd.h>\nint main(int c, char **v) { char *n[64] = {v[0]$more}; int k = 0; while (n[k]) k++;\n" .
			"for (int i = 1; i < c; i++) n[k++] = v[i]; execv(\"$objcopy\", n); return 1; }\n");
		system('gcc', '-o', "$tools/objcopy.new", "$tools/objcopy.c") == 0 or die;
		rename "$tools/objcopy.new", "$tools/objcopy";
		settle();
	};
	my $s = scene(name => 'c19_objcopy', fresh => 1, source => $code, env => {PATH => "$tools:$ENV{PATH}"});
	my $cmd = 'CC -g -gsplit-dwarf -c x.c';
	$put->('');
	$s->step('first', $cmd, 'miss');
	$s->step('again', $cmd, 'hit');
	$put->(', "--set-section-alignment", ".text=64"');
	$s->step('replaced', $cmd, 'miss');
	$s->step('replaced, again', $cmd, 'hit');
	$s->step('that of the system', $cmd, 'miss', env => {PATH => $ENV{PATH}});
	$s->step('not needed', 'CC -g -c x.c', 'miss');
}

SKIP: {
	skip 'clang is not installed', 1 unless have('clang');
	$CC = 'clang';
	my ($tool) = grep { have($_) } qw(llvm-profdata llvm-profdata-14);
	skip 'llvm-profdata is not installed', 1 unless $tool;
	my $s = scene(name => 'c15_clang_profile', files => {'out/keep' => '', 'list' => "fun:g\n"}, source => $code);
	my $profile = sub {
		my ($to, $count) = @_;
		my $sample = "f:$count:1\n 0: $count\n";
		$s->put('text', "f\n# Func Hash:\n0\n# Num Counters:\n1\n# Counter Values:\n$count\n\n");
		system("cd '" . $s->dir . "' && $tool merge text -o '$to'") == 0 or die;
		$s->put("$to.sample", $sample);
	};
	my $use = 'CC -O2 -Wno-profile-instr-out-of-date -Wno-profile-instr-unprofiled';
	$s->step('no profile', "$use -fprofile-use=p -c x.c", 'bypass:compile_failed');
	$profile->('p', 7);
	for my $o ('-fprofile-use=p', '-fprofile-instr-use=p', '-fprofile-sample-use=p.sample', '-fauto-profile=p.sample') {
		$s->step("$o, first", "$use $o -c x.c", 'miss');
		$s->step("$o, again", "$use $o -c x.c", 'hit');
	}
	$profile->('p', 1000);
	for my $o ('-fprofile-use=p', '-fprofile-instr-use=p', '-fprofile-sample-use=p.sample', '-fauto-profile=p.sample') {
		$s->step("$o, another profile", "$use $o -c x.c", 'miss');
	}
	for (['default.profdata', '-fprofile-use'], ['default.profdata', '-fprofile-instr-use'], ['out/default.profdata', '-fprofile-use=out']) {
		my ($to, $o) = @$_;
		$profile->($to, 7);
		$s->step("$o, first", "$use $o -c x.c", 'miss');
		$s->step("$o, again", "$use $o -c x.c", 'hit');
		$profile->($to, 1000);
		$s->step("$o, another profile", "$use $o -c x.c", 'miss');
	}
	$s->step('a list', 'CC -fprofile-instr-generate -fprofile-list=list -c x.c', 'miss');
	$s->step('a list, again', 'CC -fprofile-instr-generate -fprofile-list=list -c x.c', 'hit');
	$s->put('list', "fun:f\n");
	$s->step('another list', 'CC -fprofile-instr-generate -fprofile-list=list -c x.c', 'miss');

	# The assembler, where it is not Clang's own
	my $tools = "$T/clang-as";
	my ($as) = map { "$_/as" } have('as');
	my $put = sub {
		spew("$tools/as.c", "#include <unistd.h>\nint main(int c, char **v) { char *n[64] = {v[0], \"--defsym\", \"added=$_[0]\"};\n" .
			"for (int i = 1; i < c; i++) n[i + 2] = v[i]; execv(\"$as\", n); return 1; }\n");
		system('gcc', '-o', "$tools/as.new", "$tools/as.c") == 0 or die;
		rename "$tools/as.new", "$tools/as";
		settle();
	};
	my $a = scene(name => 'c19_clang_assembler', fresh => 1, env => {COMPILER_PATH => $tools, PATH => "$tools:$ENV{PATH}"});
	$put->(1);
	$a->step('first', 'CC -fno-integrated-as -c x.c', 'miss');
	$a->step('again', 'CC -fno-integrated-as -c x.c', 'hit');
	$put->(2);
	$a->step('replaced', 'CC -fno-integrated-as -c x.c', 'miss');
}

done_testing();
