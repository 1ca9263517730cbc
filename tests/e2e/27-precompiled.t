#!/usr/bin/perl
# Precompiled headers (C22), made and used. GCC's hold addresses and differ from
# run to run, so what is compared is what they are for: objects, depfiles and messages of their
# users. Clang's are compared byte for byte.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use Test::More;

my $inline = "static inline int twice(int a) { return a + a; }\n";
my $suffix;

# A scene with a header and its user. The header is made and kept by make().
sub pair
{
	my ($name, $header, $source, %o) = @_;
	my $s = scene(name => "c22_$name", source => $source, hide => [$CC eq 'gcc' ? ('src/p.h.gch') : ()], %o,
		files => {'p.h' => $header, 'keep/x' => '', %{$o{files} // {}}});
	$s->{use} = $CC eq 'gcc' ? 'CC -Ikeep -I.' : "CC -Ikeep -I. -include-pch p.h.$suffix";
	return $s;
}

sub make
{
	my ($s, $name, $want, $options) = @_;
	$options //= '';
	return $s->step($name, "CC $options -x c-header p.h -o p.h.$suffix", $want, keep => 1);
}

sub touch
{
	my ($path) = @_;
	utime 1e9, 1e9, $path or die "$path: $!";
}

sub records { my ($s) = @_; return glob "$s->{cache}/embedded/v1/*/*.p" }

# GCC takes the .gch for the first #include; with Clang the source does not include the header again.
sub source { my ($text) = @_; return $CC eq 'gcc' ? "#include \"p.h\"\n$text" : $text }

both {
	$suffix = $CC eq 'gcc' ? 'gch' : 'pch';
	my @hide = $CC eq 'gcc' ? map { "src/$_" } 'u.h.gch', 'u.gch', 'x.gch' : ();

	# Making one
	for (['plain', 'CC -x c-header u.h -o u.gch'], ['dash_c', 'CC -c -x c-header u.h -o u.gch'], ['cxx', 'CXX -x c++-header u.h -o u.gch'],
		['by_extension', 'CC u.h -o u.gch'], ['debug', 'CC -g -gsplit-dwarf -x c-header u.h -o u.gch'],
		['usage', 'CC -c -fstack-usage -x c-header u.h -o u.gch'],
		['forced', 'CC -include u.h -x c-header x.c -o x.gch'], (map { ["depfile$_", "CC -MD$_ -x c-header u.h -o u.gch"] } '', ' -MP', ' -MF d', ' -MT a'),
		['user_depfile', 'CC -MMD -x c-header x.c -o x.gch'], ['listed_depfile', 'CC -Wp,-MMD,d -x c-header x.c -o x.gch']) {
		my ($name, $cmd) = @$_;
		same "c22_make_$name", $cmd, 'hit', source => "#include <stddef.h>\n#include \"v.h\"\n$inline", hide => \@hide,
			files => {'v.h' => "#define V 1\n", 'sub/k' => ''};
	}
	same 'c22_make_warned', 'CC -Wall -x c-header u.h -o u.gch', 'hit', hide => \@hide, files => {'u.h' => "#warning look\nstatic int f(void) { int unused; return 1; }\n"};
	same 'c22_make_beside', 'CC -c u.h', {gcc => 'hit', clang => 'bypass:precompiled_header'}, hide => [@hide, 'src/u.h.pch'];
	same 'c22_make_temporaries', 'CC -save-temps=obj -x c-header u.h -o u.gch', 'bypass:precompiled_header', hide => [@hide, 'src/u.s', 'src/u.h.s'];
	same 'c22_make_syntax', 'CC -fsyntax-only -x c-header u.h', 'bypass:precompiled_header';
	same 'c22_make_with_source', 'CC -c u.h x.c', {gcc => 'bypass:multiple_inputs', clang => 'bypass:precompiled_header'}, hide => ['src/u.h.gch', 'src/u.h.pch'];
	same 'c22_make_failing', 'CC -x c-header u.h -o u.gch', 'bypass:compile_failed', files => {'u.h' => "#error no\n"};
	same 'c22_make_with_time', 'CC -x c-header u.h -o u.gch', 'bypass:time_macro', files => {'u.h' => "static const char *t = __TIME__;\n"}, hide => ['src/u.gch'];
	same 'c22_make_with_file', 'CC -x c-header u.h -o u.gch', 'bypass:embedded_file', hide => \@hide,
		files => {'u.h' => qq{static inline void f(void) { __asm__(".incbin \\"u.h\\""); }\n}};
	same 'c22_make_header_unit', 'CXX -x c++-user-header u.h -o u.gch', 'bypass:modules', hide => ['src/u.gch'];

	# The output is written as the compiler does it.
	for (['mode', sub { chmod 0600, shift }], ['link', sub { my ($p) = @_; link $p, "$p.other" }], ['symlink', sub { my ($p) = @_; rename $p, "$p.target"; symlink 'u.gch.target', $p }]) {
		my ($name, $change) = @$_;
		my $s = scene(name => "c22_output_$name", hide => [@hide, map { "src/$_" } 'u.gch.other', 'u.gch.target']);
		$s->put('u.gch', 'old');
		$change->($s->dir . '/u.gch');
		$s->step($name, 'CC -x c-header u.h -o u.gch', 'any') for 1 .. 2;
	}

	# Using one
	my $s = pair('use', "#include <stddef.h>\n$inline#define P 1\n", source("int f(int a) { return twice(a) + P; }\n"));
	make($s, 'made', 'miss');
	for my $options ('', '-g', '-O2', '-MD', '-MMD', '-Winvalid-pch', '-fsyntax-only', '-S', '-save-temps') {
		next if $options eq '-O2' && $CC eq 'clang'; # an error there
		$s->step("used $options", "$s->{use} $options -c x.c", $_) for 'miss:not_seen', 'hit';
	}
	unlink $s->dir . "/p.h.$suffix";
	$s->{dirty} = 1;
	$s->step('gone', "$s->{use} -c x.c", {gcc => 'miss:input_missing', clang => 'bypass:compile_failed'});
	make($s, 'made again, from the store', 'hit');
	$s->step('used again', "$s->{use} -c x.c", 'hit');
	my $time = (stat $s->dir . '/p.h')[9];
	touch($s->dir . '/p.h');
	$s->{dirty} = 1;
	my $run = $s->step('its header touched', "$s->{use} -c x.c", {gcc => 'hit', clang => 'bypass:compile_failed'});
	isnt($run->{status}, 0, 'c22: a touched header makes Clang fail') if $CC eq 'clang';
	make($s, 'made with the header touched', {gcc => 'hit', clang => 'miss:input_changed'});
	$s->step('used with the header touched', "$s->{use} -c x.c", {gcc => 'hit', clang => 'miss:input_changed'});
	$s->step('and again', "$s->{use} -c x.c", 'hit');
	utime $time, $time, $s->dir . '/p.h';
	$s->{dirty} = 1;
	make($s, 'made with the first time', 'any');
	touch($s->dir . '/p.h');
	$s->{dirty} = 1;
	make($s, 'made with the other time', 'hit');
	$s->put('p.h', "#include <stddef.h>\n$inline#define P 2\n");
	$s->step('its header edited', "$s->{use} -c x.c", {gcc => 'miss:input_changed', clang => 'bypass:compile_failed'});
	make($s, 'made anew', 'miss');
	$s->step('the new one', "$s->{use} -c x.c", 'miss:input_changed');
	$s->step('the new one again', "$s->{use} -c x.c", 'hit');
	unlink $s->dir . "/p.h.$suffix";
	Parity::run_one([Parity::words("CC -DOTHER -x c-header p.h -o p.h.$suffix")], cwd => $s->dir);
	$s->{dirty} = 1;
	$s->step('made by the compiler alone', "$s->{use} -DOTHER -c x.c", 'bypass:precompiled_header') for 1 .. 2;

	# Found by name
	$s = pair('forced', "$inline#define P 1\n", "int f(int a) { return twice(a) + P; }\n");
	make($s, 'made', 'miss');
	$s->step('forced', 'CC -Ikeep -include p.h -c x.c', $_) for 'miss', 'hit';
	unlink $s->dir . "/p.h.$suffix";
	$s->{dirty} = 1;
	$s->step('forced, gone', 'CC -Ikeep -include p.h -c x.c', 'miss:input_missing');
	make($s, 'made again', 'hit');
	$s->step('forced, there again', 'CC -Ikeep -include p.h -c x.c', 'hit');
	$s->step('by its full name', ['CC', '-include', $s->dir . '/p.h', '-c', 'x.c'], $_) for 'miss', 'hit';
	mkdir $s->dir . '/d.h.gch';
	$s->put('d.h', $s->get('p.h'));
	rename $s->dir . "/p.h.$suffix", $s->dir . '/d.h.gch/one';
	$s->{dirty} = 1;
	$s->step('a directory of them', 'CC -include d.h -c x.c', 'bypass:precompiled_header', mute => 1);

	# What a macro in it may say later
	$s = pair('time', "#define NOW __TIME__\n#define BYTES __asm__(\".incbin \\\"p.h\\\"\")\n#define HAS(f) __has_include(f)\n",
		source("const char *t = NOW;\n"), mute => 1);
	push @{$s->{o}{hide}}, 'src/x.o';
	make($s, 'made', 'miss');
	$s->step('the time is used', "$s->{use} -c x.c", 'bypass:time_macro') for 1 .. 2;
	pop @{$s->{o}{hide}};
	$s->put('x.c', source("int n;\n"));
	$s->step('and not used', "$s->{use} -c x.c", $_) for 'miss', 'hit';
	$s->put('x.c', source("int n;\nBYTES;\n"));
	$s->step('a file is put in', "$s->{use} -c x.c", 'bypass:embedded_file') for 1 .. 2;
	$s->put('x.c', source("#if HAS(\"opt.h\")\nint n = 1;\n#else\nint n = 2;\n#endif\n"));
	$s->step('a file is asked for', "$s->{use} -c x.c", $_) for 'miss', 'hit';
	$s->put('keep/opt.h', '');
	$s->step('it appears', "$s->{use} -c x.c", $_) for 'miss:input_shadowed', 'hit';
	if ($CC eq 'gcc') { # its preprocessor reads the text, which is another one now
		$s->put('p.h', "/* */\n");
		$s->put('x.c', source("const char *t = \"\";\n"));
		$s->step('suspected, the text is gone', "$s->{use} -c x.c", 'bypass:precompiled_header');
		unlink $s->dir . '/p.h';
		$s->{dirty} = 1;
		$s->step('suspected, the header is gone', "$s->{use} -c x.c", 'bypass:time_macro');
	}

	# Headers that are in it, and included once more
	for (['once', "#pragma once\n"], ['guarded', "#ifndef Q_H\n#define Q_H\n"]) {
		my ($name, $head) = @$_;
		my $tail = $name eq 'guarded' ? "#endif\n" : '';
		$s = pair("again_$name", "#include \"q.h\"\n", source("#include \"q.h\"\nint n = Q;\n"), files => {'q.h' => "$head#define Q 1\n$tail"});
		make($s, "$name: made", 'miss');
		$s->step("$name: used", "$s->{use} -c x.c", $_) for 'miss', 'hit';
		$s->put('keep/q.h', "#undef Q\n#define Q 2\n");
		$s->put('x.c', source("#include <q.h>\nint n = Q;\n"));
		$s->step("$name: another", "$s->{use} -c x.c", 'miss');
		unlink $s->dir . '/keep/q.h';
		$s->{dirty} = 1;
		$s->step("$name: the same", "$s->{use} -c x.c", $_) for 'miss', 'hit';
		$s->put('keep/q.h', "#undef Q\n#define Q 3\n");
		$s->step("$name: one appears before it", "$s->{use} -c x.c", 'miss');
		unlink $s->dir . '/keep/q.h';
		$s->{dirty} = 1;
		$s->step("$name: and goes", "$s->{use} -c x.c", 'hit');
		$s->put('q.h', "$head#undef Q\n#define Q 4\n$tail");
		$s->step("$name: edited", "$s->{use} -c x.c", {gcc => 'miss', clang => 'bypass:compile_failed'});
	}
	$s = pair('computed', "#include \"q.h\"\n#define NAME \"q.h\"\n", source("#include NAME\nint n = Q;\n"), files => {'q.h' => "#pragma once\n#define Q 1\n"});
	make($s, 'made', 'miss');
	$s->step('a name that is computed', "$s->{use} -c x.c", 'bypass:inputs_unknown') for 1 .. 2;

	# Messages quote headers as they are now.
	$s = pair('quoted', "#include \"w.h\"\n", source("int f(int *p) { return odd(p); }\nint g(int a) { return a == \"\"; }\n"),
		files => {'w.h' => "static inline int odd(int *p) { return p == 3; }\n"});
	make($s, 'made', 'miss');
	$s->step('warned', "$s->{use} -c x.c", $_) for 'miss', 'hit';
	$s->put('w.h', "static inline int odd(int *q) { return q == 3; }\n");
	touch($s->dir . '/w.h');
	$s->step('the text is another one', "$s->{use} -c x.c", {gcc => 'miss:input_changed', clang => 'bypass:compile_failed'});

	# The record outlives the eviction of everything but the entry.
	$s = pair('record', "#define P 1\n", source("int n = P;\n"));
	make($s, 'made', 'miss');
	unlink records($s);
	$s->step('without a record', "$s->{use} -c x.c", 'bypass:precompiled_header');
	unlink $s->dir . "/p.h.$suffix";
	make($s, 'made again', 'hit');
	is(scalar(my @r = records($s)), 1, "c22_record: $CC: a hit brings the record back");
	$s->step('with a record', "$s->{use} -c x.c", $_) for 'miss', 'hit';
	Parity::spew($_, 'damaged') for records($s);
	$s->step('a damaged one', "$s->{use} -DX -c x.c", 'bypass:precompiled_header');
	is(scalar(@r = records($s)), 0, "c22_record: $CC: a damaged record is removed");

	# Verified hits
	$s = pair('verified', "#define P 1\n", source("int n = P;\n"), env => {SOLDR_VERIFY => 100});
	make($s, 'made', 'miss');
	make($s, 'made again', {gcc => 'hit', clang => 'miss:verified'});
	$s->step('used', "$s->{use} -c x.c", $_) for 'miss:not_seen', 'miss:verified';
};

# GCC alone
$CC = 'gcc';
$suffix = 'gch';
if (have('gcc')) {
	my $s = pair('dependencies', "#include \"q.h\"\n", source("int n = Q;\n"), files => {'q.h' => "#define Q 1\n"});
	# Whether the list of dependencies is in it is the user's choice.
	for my $options ('', '-MD', '-MMD') {
		unlink $s->dir . '/p.h.gch';
		make($s, "made with '$options'", 'miss', $options);
		for my $list ('-MD', '-MMD') {
			my $run = $s->step("listed: $list", "CC -fpch-deps $list -c x.c", 'miss');
			is($run->{tree}{'/src/x.d'}[1] =~ /q\.h/ ? 'listed' : 'not', $options ? 'listed' : 'not', "c22_dependencies: made with '$options': $list");
		}
		$s->step("listed: $_", "CC -fpch-deps $_ -c x.c", 'hit') for '-MD', '-MMD';
	}
	# Not valid for these options, it is passed by, and its header read.
	$s = pair('invalid', "#define P 1\n", source("int n = P;\n"));
	make($s, 'made', 'miss', '-O2');
	$s->step('not used', 'CC -Winvalid-pch -c x.c', $_) for 'miss', 'hit';
	$s->put('p.h', "#define P 2\n");
	$s->step('not used, the header edited', 'CC -Winvalid-pch -c x.c', 'miss:input_changed');
	$s->put('y.c', "#include <stddef.h>\n#include \"p.h\"\nint n = P;\n");
	$s->step('not the first', 'CC -O2 -c y.c', $_) for 'miss', 'hit';
	# One appears, first on the path.
	$s = pair('path', "#define P 1\n", "#include <p.h>\nint n = P;\n", files => {'late/p.h' => "#define P 2\n"}, hide => ['src/late/p.h.gch', 'src/keep/p.h.gch']);
	$s->step('made', 'CC -x c-header late/p.h -o late/p.h.gch', 'miss', keep => 1);
	$s->step('used', 'CC -Ikeep -Ilate -c x.c', $_) for 'miss', 'hit';
	$s->step('another is made', 'CC -x c-header p.h -o keep/p.h.gch', 'miss', keep => 1);
	$s->step('before the other', 'CC -Ikeep -Ilate -c x.c', $_) for 'miss', 'hit';
	unlink $s->dir . '/keep/p.h.gch';
	$s->put('keep/p.h', "#define P 3\n");
	$s->step('a header before it', 'CC -Ikeep -Ilate -c x.c', 'miss');
	mkdir $s->dir . '/sub';
	$s->step('from another directory', 'CC -I../late -c ../x.c', $_, dir => 'src/sub') for 'miss', 'hit';
}

# Clang alone
$CC = 'clang';
$suffix = 'pch';
if (have('clang')) {
	my $s = pair('timeless', "#define P 1\n", "int n = P;\n");
	make($s, 'made', 'miss', '-Xclang -fno-pch-timestamp');
	$s->step('used', "$s->{use} -c x.c", $_) for 'miss', 'hit';
	touch($s->dir . '/p.h');
	$s->{dirty} = 1;
	make($s, 'touched', 'hit', '-Xclang -fno-pch-timestamp');
	$s->step('used, touched', "$s->{use} -c x.c", 'hit');
	$s->step('another compiler option', "$s->{use} -Xclang -include-pch -Xclang p.h.pch -c x.c", 'bypass:precompiled_header');
	# One on top of another: both are inputs.
	$s = pair('chained', "#define P 1\n", "int n = P + R;\n", files => {'r.h' => "#define R P\n"});
	make($s, 'made', 'miss');
	$s->step('the second', 'CC -include-pch p.h.pch -x c-header r.h -o r.pch', 'miss', keep => 1);
	$s->step('used', 'CC -include-pch r.pch -c x.c', $_) for 'miss', 'hit';
	touch($s->dir . '/p.h.pch');
	$s->{dirty} = 1;
	$s->step('the first touched', 'CC -include-pch r.pch -c x.c', 'any', mute => 1);
	# As CMake has it.
	$s = scene(name => 'c22_front_end', source => "int n = U;\n", files => {'e.c' => ''});
	my @front = map { ('-Xclang', $_) } '-include', $s->dir . '/u.h';
	my @words = ('CC', qw(-fpch-instantiate-templates -Xclang -emit-pch), @front, qw(-x c-header -MD -MF u.h.pch.d -o u.h.pch -c e.c));
	$s->step('made', \@words, $_, keep => 1) for 'miss', 'hit';
	@words = ('CC', qw(-Winvalid-pch -Xclang -include-pch -Xclang u.h.pch), @front, qw(-MMD -c x.c));
	$s->step('used', \@words, $_) for 'miss', 'hit';
	$s->put('u.h', "#define NOW __TIME__\n");
	$s->step('spells the time', 'CC -Xclang -emit-pch -x c-header u.h -o t.pch', $_) for 'miss', 'hit';
	$s->step('without its language', 'CC -Xclang -emit-pch -c x.c', 'bypass:precompiled_header', mute => 1);
}

done_testing();
