#!/usr/bin/perl
# What a result depends on: time macros, headers that change, move or are replaced
# unseen, the working directory, options that name files, the environment. Each
# step compares with what the bare compiler gives now.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use Test::More;

# A pair of edits with nothing to tell them by but content.
sub unseen_edit
{
	my ($name, $file, $one, $two, $cmd, %o) = @_;
	my $s = scene(name => $name, %o, files => {%{$o{files} // {}}, $file => $one});
	$s->step('first', $cmd, 'miss');
	$s->step('again', $cmd, 'hit');
	$s->put_unseen($file, $two);
	$s->step('edited, times put back', $cmd, 'miss');
	$s->put_unseen($file, $one);
	$s->step('edited back', $cmd, 'hit');
	return $s;
}

both {
	# C08: time
	for my $word (qw(__DATE__ __TIME__)) {
		my $text = "const char t[] = $word;\n";
		my %o = (hide => ['src/x.o']);
		same "c08_$word", 'CC -c x.c', 'bypass:time_macro', source => $text, %o;
		same "c08_header_$word", 'CC -c x.c', 'bypass:time_macro', source => qq{#include "t.h"\n}, files => {'t.h' => $text}, %o;
		same "c08_define_$word", "CC -DNOW=$word -c x.c", 'bypass:time_macro', source => 'const char t[] = NOW;', %o;
		same "c08_define_separate_$word", "CC -D NOW=$word -c x.c", 'bypass:time_macro', source => 'const char t[] = NOW;', %o;
		same "c08_define_Wp_$word", "CC -Wp,-DNOW=$word -c x.c", 'bypass:time_macro', source => 'const char t[] = NOW;', %o;
		same "c08_define_response_$word", 'CC @args -c x.c', 'bypass:time_macro', source => 'const char t[] = NOW;',
			files => {args => "-DNOW=$word"}, %o;
		same "c08_include_$word", 'CC -include t.h -c x.c', 'bypass:time_macro', files => {'t.h' => $text}, %o;
		same "c08_imacros_$word", 'CC -imacros t.h -c x.c', 'bypass:time_macro', source => 'const char t[] = NOW;',
			files => {'t.h' => "#define NOW $word\n"}, %o;
		(my $splice = $word) =~ s/^(....)/$1\\\n/;
		same "c08_splice_$word", 'CC -c x.c', 'bypass:time_macro', source => "const char t[] = $splice;\n", %o;
		(my $crlf = $word) =~ s/^(....)/$1\\\r\n/;
		same "c08_splice_crlf_$word", 'CC -c x.c', 'bypass:time_macro', source => "const char t[] = $crlf;\r\n", %o;
		(my $blank = $word) =~ s/^(....)/$1\\ \t\n/;
		same "c08_splice_blank_$word", 'CC -w -c x.c', 'bypass:time_macro', source => "const char t[] = $blank;\n", %o;
		(my $trigraph = $word) =~ s/^(....)/"$1??\/\n"/e;
		same "c08_splice_trigraph_$word", 'CC -std=c99 -c x.c', 'bypass:time_macro', source => "const char t[] = $trigraph;\n", %o;
		my ($head, $tail) = $word =~ /^(__..)(.*)$/;
		same "c08_paste_$word", 'CC -c x.c', 'bypass:time_macro',
			source => "#define P(a, b) a ## b\nconst char t[] = P($head, $tail);\n", %o;
		same "c08_paste_digraph_$word", 'CC -c x.c', 'bypass:time_macro',
			source => "%:define P(a, b) a %:%: b\nconst char t[] = P($head, $tail);\n", %o;
		same "c08_paste_pieces_$word", 'CC -c x.c', 'bypass:time_macro', files => {'p.h' => "#define P(a, b) P_(a, b)\n#define P_(a, b) a ## b\n"},
			source => qq{#include "p.h"\n#define H $head\nconst char t[] = P(H, $tail);\n}, %o;
		same "c08_paste_define_$word", "CC -DH=$head -DT=$tail -c x.c", 'bypass:time_macro',
			source => "#define P(a, b) P_(a, b)\n#define P_(a, b) a ## b\nconst char t[] = P(H, T);\n", %o;
		same "c08_comment_$word", 'CC -c x.c', 'hit', source => "/* $word */ int a; // $word\n";
		same "c08_spelled_only_$word", 'CC -c x.c', 'hit', source => "#define NOW $word\n#define S(x) #x\nconst char t[] = S($word);\n", %o;
		same "c08_users_own_$word", "CC -w -D$word=7 -c x.c", 'hit', source => "int t = $word;\n", %o;
		same "c08_epoch_$word", 'CC -c x.c', {gcc => 'hit', clang => 'bypass:time_macro'}, source => $text,
			env => {SOURCE_DATE_EPOCH => 1000000}, hide => $CC eq 'gcc' ? [] : ['src/x.o'];
		my $s = scene(name => "c08_epochs_$word", source => $text, %o);
		for (['1', 'miss:not_seen'], ['86400', 'miss:not_seen'], ['1', 'hit'], ['', 'bypass:compile_failed']) {
			my ($epoch, $gcc) = @$_;
			$s->step("SOURCE_DATE_EPOCH=$epoch", 'CC -c x.c', {gcc => $gcc, clang => $epoch eq '' && version() >= 16 ? $gcc : 'bypass:time_macro'}, env => {SOURCE_DATE_EPOCH => $epoch});
		}
	}
	# C09: the modification time of the main file, wherever the word stands
	my $stamp = scene(name => 'c09_timestamp', source => qq{#include "t.h"\n}, files => {'t.h' => "const char t[] = __TIMESTAMP__;\n"});
	$stamp->step('first', 'CC -c x.c', 'bypass:time_macro');
	utime 1000000000, 1000000000, $stamp->dir . '/x.c';
	$stamp->step('another time', 'CC -c x.c', 'bypass:time_macro');
	$stamp->step('with a fixed epoch', 'CC -c x.c', 'bypass:time_macro', env => {SOURCE_DATE_EPOCH => 5});

	# C10: headers change
	unseen_edit('c10_header', 'u.h', "#define U 3\n", "#define U 4\n", 'CC -c x.c');
	unseen_edit('c10_source', 'x.c', "int a = 1;\n", "int a = 2;\n", 'CC -c x.c');
	unseen_edit('c10_included_by_header', 'b/c.h', "int a[1];\n", "int a[2];\n", 'CC -c x.c', source => qq{#include "b.h"\n},
		files => {'b.h' => qq{#include "b/c.h"\n}});
	unseen_edit('c10_imacros', 'm.h', "#define M 1\n", "#define M 2\n", 'CC -imacros m.h -c x.c', source => "int m = M;\n");
	unseen_edit('c10_system_header', 'sys/s.h', "int a[1];\n", "int a[2];\n", 'CC -MMD -isystem sys -c x.c', source => "#include <s.h>\n");
	unseen_edit('c10_computed', 'n.h', "#define N \"v1.h\"\n", "#define N \"v2.h\"\n", 'CC -c x.c', source => "#include \"n.h\"\n#include N\n",
		files => {'v1.h' => "int v = 1;\n", 'v2.h' => "int v = 2;\n"});
	unseen_edit('c10_in_comment_for_warning', 'w.h', "static int a; // one\n", "static int a; // two\n", 'CC -Wall -c x.c', source => qq{#include "w.h"\n});
	unseen_edit('c35_fallthrough', 'w.h', "/* fall through */\n", "/* nothing here */\n", 'CC -Wextra -Wimplicit-fallthrough -c x.c',
		source => "int f(int a) {\n\tswitch (a) {\n\tcase 1: a++;\n#include \"w.h\"\n\tcase 2: a++;\n\t}\n\treturn a;\n}\n");

	my $s = scene(name => 'c10_moved', source => qq{#include "h.h"\nconst char *f = F;\n},
		files => {'a/h.h' => "#define F __FILE__\nstatic const char *const g = __FILE__; const char *h(void) { return g; }\n"});
	$s->step('in a', 'CC -Ia -Ib -c x.c', 'miss');
	$s->put('b/h.h', $s->get('a/h.h'));
	$s->remove('a/h.h');
	$s->step('moved to b', 'CC -Ia -Ib -c x.c', 'miss');
	$s->put('a/h.h', $s->get('b/h.h'));
	$s->step('in both', 'CC -Ia -Ib -c x.c', 'hit');
	$s->remove('b/h.h');
	$s->step('back in a', 'CC -Ia -Ib -c x.c', 'hit');
	$s->remove('a/h.h');
	$s->step('gone', 'CC -Ia -Ib -c x.c', 'bypass:compile_failed');
	$s->put('a/h.h', "#define F 0\n");
	$s->step('another one', 'CC -Ia -Ib -c x.c', 'miss');

	$s = scene(name => 'c10_replaced', files => {'u2.h' => "#define U 7\n"});
	$s->step('first', 'CC -c x.c', 'miss');
	utime 1000000000, 1000000000, map { $s->dir . "/$_" } qw(u.h u2.h);
	rename $s->dir . '/u2.h', $s->dir . '/u.h';
	$s->{dirty} = 1;
	$s->step('renamed over', 'CC -c x.c', 'miss');
	$s->put('real/u.h', "#define U 8\n");
	unlink $s->dir . '/u.h';
	symlink 'real/u.h', $s->dir . '/u.h';
	$s->{dirty} = 1;
	$s->step('now a link', 'CC -c x.c', 'miss');
	$s->put('real2/u.h', "#define U 9\n");
	unlink $s->dir . '/u.h';
	symlink 'real2/u.h', $s->dir . '/u.h';
	$s->{dirty} = 1;
	$s->step('the link points elsewhere', 'CC -c x.c', 'miss');
	$s->put('real2/u.h', "#define U 1\n");
	$s->step("the link's target is edited", 'CC -c x.c', 'miss');
	$s->step('again', 'CC -c x.c', 'hit');
	rename $s->dir . '/real', $s->dir . '/aside';
	rename $s->dir . '/real2', $s->dir . '/real';
	rename $s->dir . '/aside', $s->dir . '/real2';
	$s->step('directories swapped', 'CC -c x.c', 'hit');

	$s = scene(name => 'c10_touched', source => qq{#include "u.h"\nint a = U;\n});
	$s->step('first', 'CC -c x.c', 'miss');
	$s->put('u.h', $s->get('u.h'));
	$s->step('written again', 'CC -c x.c', 'hit');
	utime 1, 1, $s->dir . '/u.h';
	$s->{dirty} = 1;
	$s->step('an old time', 'CC -c x.c', 'hit');
	$s->put('u.h', "#define U 77\n");
	$s->step('edited after both', 'CC -c x.c', 'miss');

	# #pragma once takes files of equal content and time for one
	$s = scene(name => 'c10_once', source => qq{#include "a/o.h"\n#include "b/o.h"\n}, files => {
		map { ("$_/o.h" => "#pragma once\n#ifdef SEEN\nint second;\n#endif\n#define SEEN\nint COUNT;\n") } qw(a b)});
	utime 1000000000, 1000000000, map { $s->dir . "/$_/o.h" } qw(a b);
	$s->{dirty} = 1;
	$s->step('equal times', 'CC -DCOUNT=x -c x.c', 'bypass:time_comparison');
	utime 1000000001, 1000000001, $s->dir . '/b/o.h';
	$s->{dirty} = 1;
	$s->step('other times', 'CC -DCOUNT=x -c x.c', 'bypass:time_comparison');
	utime 1000000000, 1000000000, $s->dir . '/b/o.h';
	$s->{dirty} = 1;
	$s->step('equal again', 'CC -DCOUNT=x -c x.c', 'bypass:time_comparison');

	# GCC does not list the file that it passes over, Clang not if it is the same by another name.
	my @passed_over = (['quoted', '#include "b/o.h"'], ['by a search', '#include <w.h>'], ['by an absolute name', 'ABSOLUTE'], ['by an option', '', '-include b/o.h'],
		['by a link', '#include "l/o.h"']);
	for (@passed_over) {
		my ($name, $text, @option) = @$_;
		my $once = "#pragma once\n#ifdef SEEN\nint second;\n#endif\n#define SEEN\n";
		$s = scene(name => 'c10_once_passed_over', files => {'a/o.h' => $once, 'b/o.h' => $once, 'b/w.h' => "#include \"o.h\"\n", 'l/keep' => ''});
		$text = '#include "' . $s->dir . '/b/o.h"' if $text eq 'ABSOLUTE';
		symlink '../a/o.h', $s->dir . '/l/o.h';
		$s->put('x.c', "$text\nint x;\n");
		utime 1000000000, 1000000000, map { $s->dir . "/$_/o.h" } qw(a b);
		my @cmd = ('CC', '-Ib', '-include', 'a/o.h', map({ split ' ' } @option), '-c', 'x.c');
		my $twin = $name =~ /link/ ? 'miss:not_seen' : 'bypass:time_comparison';
		$s->step($name, \@cmd, $twin);
		$s->remove('l/o.h');
		$s->put($_, "int edited;\n") for 'b/o.h', 'l/o.h';
		$s->step("$name, edited", \@cmd, 'miss');
		$s->step("$name, again", \@cmd, 'hit');
	}

	$s = scene(name => 'c10_dependency', source => qq{#pragma GCC dependency "u.h" look\nint a;\n});
	utime 1000000000, 1000000000, map { $s->dir . "/$_" } qw(u.h x.c);
	$s->{dirty} = 1;
	$s->step('not newer', 'CC -c x.c', 'bypass:time_comparison');
	utime 1000000009, 1000000009, $s->dir . '/u.h';
	$s->{dirty} = 1;
	$s->step('newer', 'CC -c x.c', 'bypass:time_comparison');

	# C13: the working directory
	$s = scene(name => 'c13_directories', files => {map { ("$_/u.h" => "#define U 3\n", "$_/x.c" => "#include \"u.h\"\nint a = U;\n") } qw(one two)});
	for my $options ('-g', '-g -O2 -gdwarf-4', '-g0', '') {
		$s->step("$options in one", "CC $options -c x.c", 'miss', dir => 'src/one') if $options ne '';
		$s->step("$options in two", "CC $options -c x.c", $options eq '-g0' ? 'hit' : 'miss:not_seen', dir => 'src/two');
		$s->step("$options in one again", "CC $options -c x.c", 'hit', dir => 'src/one');
	}
	symlink 'one', $s->dir . '/link';
	$s->step('through a link', 'CC -g -c x.c', 'miss:not_seen', dir => 'src/link', env => {PWD => $s->dir . '/link'});
	$s->step('the same, PWD says the truth', 'CC -g -c x.c', 'hit', dir => 'src/link', env => {PWD => $s->dir . '/one'});
	$s->step('PWD lies', 'CC -g -c x.c', 'hit', dir => 'src/one', env => {PWD => $s->dir . '/two'});
	$s->step('PWD is not set', 'CC -g -c x.c', 'hit', dir => 'src/one', env => {PWD => undef});
	$s->step('PWD through dots', 'CC -g -c x.c', 'miss:not_seen', dir => 'src/one', env => {PWD => $s->dir . '/two/../one'});
	$s->step('PWD with a slash', 'CC -g -c x.c', 'miss:not_seen', dir => 'src/one', env => {PWD => $s->dir . '/one/'});
	for my $map ('-fdebug-prefix-map', '-ffile-prefix-map', '-fmacro-prefix-map') {
		$s->step("$map=$_->[0]", ['CC', '-g', "$map=" . $s->dir . "=$_->[0]", '-c', 'x.c'], $_->[1], dir => 'src/one')
			for ['/a', 'miss:not_seen'], ['/b', 'miss:not_seen'], ['/a', 'hit'];
	}
	for ('-g -Wa,--debug-prefix-map,/a=/b', '-Wa,-g', '-pg', '-fsanitize=undefined', '-fsanitize=address') {
		my $want = /-Wa/ ? {gcc => 'miss:not_seen', clang => 'bypass:compile_failed'} : 'miss:not_seen';
		$s->step("$_", "CC $_ -c x.c", $want, dir => 'src/two');
		$s->step("$_ elsewhere", "CC $_ -c x.c", /-Wa/ ? $want : 'hit', dir => 'src/one');
	}
	for my $asm ('-g', '-Wa,-g', '-Wa,--gdwarf-5') {
		$s->put("$_/y.S", "#include \"u.h\"\n.globl a\na: nop\n") for qw(one two);
		$s->step("assembler $asm in $_->[0]", "CC $asm -c y.S", $asm eq '-g' ? $_->[1] : {gcc => $_->[1], clang => 'bypass:compile_failed'}, dir => "src/$_->[0]")
			for ['one', 'miss:not_seen'], ['two', 'miss:not_seen'], ['one', 'hit'];
	}
	# C34: two checkouts, results that name neither
	$s->step("plain in $_->[0]", 'CC -O1 -c x.c', $_->[1], dir => "src/$_->[0]") for ['one', 'miss'], ['two', 'hit'], ['one', 'hit'];

	# C17: what options name, and what those files name
	$s = scene(name => 'c17_nested', files => {'p.h' => qq{#include "q.h"\n}, 'q.h' => "#define Q 1\n"}, source => "int q = Q;\n");
	$s->step('first', 'CC -include p.h -c x.c', 'miss');
	$s->put_unseen('q.h', "#define Q 2\n");
	$s->step('the file that it includes changes', 'CC -include p.h -c x.c', 'miss');
	# C04: response files that change
	$s = scene(name => 'c04_changed', files => {args => '@more', more => '-DN=1'}, source => "int n = N;\n");
	$s->step('first', 'CC @args -c x.c', 'miss');
	$s->put_unseen('more', '-DN=2');
	$s->step('the inner one changes', 'CC @args -c x.c', 'miss');
	$s->put_unseen('more', '-DN=1');
	$s->step('back', 'CC @args -c x.c', 'hit');
	$s->step('the same without files', 'CC -DN=1 -c x.c', 'hit');

	# C18: environment
	$s = scene(name => 'c18_environment', files => {'e/u.h' => "#define U 9\n", 'e2/u.h' => "#define U 8\n"},
		source => "#include <u.h>\nint a = U; int f(void) { int unused; return 0; }\n");
	my $cmd = 'CC -Wall -c x.c';
	my $cpath = sub { my ($value, $want) = @_; $s->step("CPATH=$value", $cmd, $want, env => {CPATH => $value}) };
	$cpath->($_, 'miss:not_seen') for 'e', 'e2', 'e:e2', 'e2:e';
	$cpath->('', 'bypass:compile_failed');
	$cpath->($_, 'miss:not_seen') for '.', ':e';
	$cpath->('e', 'hit');
	my @twice = (['e', 'miss:not_seen'], ['e2', 'miss:not_seen'], ['e', 'hit']);
	$s->step("C_INCLUDE_PATH=$_->[0]", $cmd, $_->[1], env => {C_INCLUDE_PATH => $_->[0]}) for @twice;
	$s->step('CPLUS_INCLUDE_PATH in C', $cmd, 'bypass:compile_failed', env => {CPLUS_INCLUDE_PATH => 'e'});
	$s->put('y.cc', $s->get('x.c'));
	$s->step("CPLUS_INCLUDE_PATH=$_->[0]", 'CXX -c y.cc', $_->[1], env => {CPLUS_INCLUDE_PATH => $_->[0]}) for @twice;
	$s->step("LC_ALL=$_", $cmd, $_ eq 'C' ? 'hit' : 'miss:not_seen', env => {CPATH => 'e', LC_ALL => $_}) for 'C.UTF-8', 'C', 'de_DE.UTF-8', '';
	$s->step('LANG', $cmd, 'miss:not_seen', env => {CPATH => 'e', LC_ALL => undef, LANG => 'C.UTF-8'});
	$s->step('DEPENDENCIES_OUTPUT', $cmd, {gcc => 'bypass:environment', clang => 'bypass'}, env => {CPATH => 'e', DEPENDENCIES_OUTPUT => 'dep.out target'});
	$s->step('SUNPRO_DEPENDENCIES', $cmd, {gcc => 'bypass:environment', clang => 'bypass'}, env => {CPATH => 'e', SUNPRO_DEPENDENCIES => 'dep.out'});
	$s->step('CC_PRINT_HEADERS', $cmd, 'bypass:environment', env => {CPATH => 'e', CC_PRINT_HEADERS => 1, CC_PRINT_HEADERS_FILE => 'headers.out'});
	$s->step('CC_PRINT_OPTIONS', $cmd, 'bypass:environment', env => {CPATH => 'e', CC_PRINT_OPTIONS => 1, CC_PRINT_OPTIONS_FILE => 'options.out'});
	$s->step('CCC_OVERRIDE_OPTIONS', $cmd, 'bypass:environment', env => {CPATH => 'e', CCC_OVERRIDE_OPTIONS => '# +-DU=5 O2'});
	$s->step('COMPILER_PATH', $cmd, 'miss:not_seen', env => {CPATH => 'e', COMPILER_PATH => '/nowhere'});
	$s->step('TMPDIR', $cmd, 'hit', env => {CPATH => 'e', TMPDIR => "$T/home"});
	$s->step('GCC_EXEC_PREFIX', $cmd, 'miss:not_seen', env => {CPATH => 'e', GCC_EXEC_PREFIX => '/usr/lib/gcc/'});
	$s->step('SOURCE_DATE_EPOCH is no number', $cmd, {gcc => 'miss:not_seen', clang => version() < 16 ? 'miss:not_seen' : 'bypass:compile_failed'}, env => {CPATH => 'e', SOURCE_DATE_EPOCH => 'x'});

	# C35: white space
	$s = scene(name => 'c35_white_space', source => "int f(int a) { return a; }\n");
	$s->step('first', 'CC -c x.c', 'miss');
	$s->put('x.c', "int f(int a)  { return a; }\n");
	$s->step('a blank more', 'CC -c x.c', 'miss');
	$s->put('x.c', "\nint f(int a) { int u; return a; }\n");
	$s->step('a line down', 'CC -Wall -c x.c', 'miss');
	$s->put('x.c', "\n\nint f(int a) { int u; return a; }\n");
	$s->step('two lines down', 'CC -Wall -c x.c', 'miss');
	$s = scene(name => 'c35_line_macro', source => "#include \"u.h\"\nint a = __LINE__;\n#include \"l.h\"\n", files => {'l.h' => "int b = __LINE__;\n"});
	$s->step('first', 'CC -g3 -c x.c', 'miss');
	$s->put('l.h', "\nint b = __LINE__;\n");
	$s->step('the header a line down', 'CC -g3 -c x.c', 'miss');
};

done_testing();
