#!/usr/bin/perl
# What the compiler looked for and did not find: headers that appear earlier on the
# search path, __has_include, precompiled headers; and names of every odd kind.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use Test::More;

both {
	# C11: a header appears
	my $s;
	for (['angle', '#include <h.h>', 'a/h.h'], ['quote beside', '#include "h.h"', 'h.h'], ['quote dir', '#include "h.h"', 'q/h.h'],
		['deep', '#include <d/h.h>', 'a/d/h.h'], ['by a header', '#include <i.h>', 'a/h.h'], ['beside a header', '#include <i.h>', 'b/k.h'],
		['computed', "#define N <h.h>\n#include N", 'a/h.h'], ['computed, split', "#define N\\\nM <h.h>\n#include NM", 'a/h.h'],
		['computed by a header', "#include <def.h>\n#ifdef N\n#include N\n#endif", 'a/h.h'],
		['computed by an option', "#ifdef OPTION\n#include OPTION\n#endif", 'a/h.h', '-DOPTION=<h.h>'],
		['computed and hidden', "#ifdef NEVER\n#include NEVER\n#endif\n#include <h.h>", 'a/h.h'], ['a missing directory', '#include <h.h>', 'late/h.h'],
		['split name', "#inc\\\nlude <\\\nh.h>", 'a/h.h'], ['a comment between', '# /* x */ include /* y */ <h.h>', 'a/h.h'],
		['include_next', '#include <n.h>', 'c/n.h'], ['before a system header', '#include <stddef.h>', 'a/stddef.h'],
		['before one by a system header', "#include <stdint.h>", 'a/bits/wordsize.h']) {
		my ($name, $text, $new, $option) = @$_;
		$s = scene(name => 'c11_shadow', source => "$text\n", files => {'b/def.h' => "#define N <h.h>\n",
			'b/h.h' => "int h = 1;\n", 'b/i.h' => qq{#include <h.h>\n#include "k.h"\n}, 'z/k.h' => "int k = 1;\n", 'b/d/h.h' => "int h = 2;\n",
			'b/n.h' => "#include_next <n.h>\n", 'z/n.h' => "int n = 1;\n", 'b/e/keep' => '', 'a/keep' => '', 'q/keep' => '', 'c/keep' => ''});
		my $cmd = [qw(CC -iquote q -Ilate -Ia -Ib -Ic -Iz), $option // (), qw(-c x.c)];
		$s->step("$name: without", $cmd, 'miss');
		$s->step("$name: again", $cmd, 'hit');
		$s->put($new, "int shadow = 5;\n");
		$s->step("$name: a header appears", $cmd, $name =~ /by a system/ ? 'bypass:compile_failed' : 'miss:input_shadowed');
		$s->step("$name: a hit with it", $cmd, 'hit') unless $name =~ /by a system/;
		$s->remove($new);
		$s->step("$name: it goes", $cmd, 'hit');
	}
	# The same search path in other words: what a depfile calls the header is not how the directory is spelled.
	for (['dots', '-Ia -I././b'], ['dots and slashes', '-I.//a -I.//b/./'], ['through another', '-Ia -Ia/../b'], ['slash', '-Ia/ -Ib/']) {
		my ($name, $path) = @$_;
		for (['a name', '#include <h.h>'], ['computed', "#define N <h.h>\n#include N"], ['a dotted name', '#include <./h.h>'],
			['asked for', "#if __has_include(<h.h>)\n#include <h.h>\n#endif"]) {
			my ($what, $text) = @$_;
			$s = scene(name => 'c11_spelling', source => "$text\n", files => {'b/h.h' => "int h = 1;\n", 'a/keep' => ''});
			$s->step("$name, $what: without", "CC $path -c x.c", 'miss');
			$s->step("$name, $what: again", "CC $path -c x.c", 'hit');
			$s->put('a/h.h', "int shadow = 5;\n");
			$s->step("$name, $what: a header appears", "CC $path -c x.c", 'miss');
		}
	}
	$s = scene(name => 'c11_spelling', source => "#include <u.h>\n", files => {'a/keep' => ''});
	$s->step('cwd: without', 'CC -Ia -I. -c x.c', 'miss');
	$s->put('a/u.h', "int shadow = 5;\n");
	$s->step('cwd: a header appears', 'CC -Ia -I. -c x.c', 'miss');
	my $through = scene(name => 'c11_through_directory', source => "#include <e/../h.h>\n", files => {'a/h.h' => "int h = 1;\n", 'b/h.h' => "int h = 2;\n",
		'b/e/keep' => ''});
	$through->step('without', 'CC -Ia -Ib -c x.c', 'miss');
	mkdir $through->dir . '/a/e';
	$through->step('a directory appears', 'CC -Ia -Ib -c x.c', 'miss');
	for (['quoted', '"opt.h"', 'opt.h'], ['angle', '<opt.h>', 'a/opt.h'], ['angle last', '<opt.h>', 'z/opt.h'], ['deep', '<d/opt.h>', 'a/d/opt.h'],
		['macro', 'OPT', 'a/opt.h'], ['function macro', 'HAS', 'a/opt.h'], ['renamed', 'ALIAS', 'a/opt.h'], ['by a header', '<has.h>', 'a/opt.h']) {
		my ($name, $what, $new) = @$_;
		my $text = $what eq '<has.h>' ? "#include <has.h>\n" :
			$what eq 'HAS' ? "#define HAS(x) __has_include(x)\n#if HAS(<opt.h>)\nint opt = 4;\n#endif\n" :
			$what eq 'ALIAS' ? "#define ALIAS __has_include\n#if ALIAS(<opt.h>)\nint opt = 4;\n#endif\n" :
			"#define OPT <opt.h>\n#if __has_include($what)\n#include $what\n#else\nint none;\n#endif\n";
		$s = scene(name => 'c11_has_include', source => $text, files => {'a/keep' => '', 'z/keep' => '',
			'a/has.h' => "#if defined __has_include\n# if __has_include ( \"opt.h\" )\nint has;\n# endif\n#endif\n"});
		my $computed = $name eq 'macro' || $name eq 'renamed' ? 'bypass:inputs_unknown' : undef;
		$s->step("$name: not there", 'CC -Ia -Iz -c x.c', $computed // 'miss:not_seen');
		$s->put($new, "int opt = 1;\n");
		$s->step("$name: there", 'CC -Ia -Iz -c x.c', $computed // 'miss:input_shadowed');
		$s->step("$name: again", 'CC -Ia -Iz -c x.c', $computed // 'hit');
		$s->remove($new);
		$s->step("$name: gone", 'CC -Ia -Iz -c x.c', $computed // 'hit');
	}
	$s = scene(name => 'c11_has_include_guarded', files => {'a/keep' => ''}, source => "#ifndef __has_include\n#define __has_include(x) 0\n#endif\n" .
		"#if defined(__has_include) && __has_include(<opt.h>)\nint opt;\n#endif\n#ifdef __has_include\nint yes;\n#endif\n");
	$s->step('not there', 'CC -Ia -c x.c', 'miss');
	$s->step('again', 'CC -Ia -c x.c', 'hit');
	$s->put('a/opt.h', "int opt = 1;\n");
	$s->step('there', 'CC -Ia -c x.c', 'miss');
	$s->step('there again', 'CC -Ia -c x.c', 'hit');
	$s->remove('a/opt.h');
	$s->step('gone', 'CC -Ia -c x.c', 'hit');
	$s = scene(name => 'c11_has_include_wrapped', files => {'a/keep' => '', 'w.h' => "#ifdef __has_include\n#  define HAS(a, x) \\\n  (a && __has_include(x))\n#else\n" .
		"#  define HAS(a, x) 0\n#endif\n"}, source => "#include \"w.h\"\n#if HAS(1, <opt.h>)\nint opt;\n#endif\n");
	$s->step('two parameters', 'CC -Ia -c x.c', 'bypass:inputs_unknown');
	$s = scene(name => 'c11_has_include_wrapped', files => {'a/keep' => '', 'w.h' => "#ifdef __has_include\n#  define HAS(x) \\\n  (1 && __has_include(x))\n#else\n" .
		"#  define HAS(x) 0\n#endif\n"}, source => "#include \"w.h\"\n#if HAS(<opt.h>) || HAS(\"b.h\")\nint opt;\n#endif\n");
	$s->step('not there', 'CC -Ia -c x.c', 'miss');
	$s->step('again', 'CC -Ia -c x.c', 'hit');
	$s->put('a/opt.h', "int opt = 1;\n");
	$s->step('there', 'CC -Ia -c x.c', 'miss');
	$s->step('there again', 'CC -Ia -c x.c', 'hit');
	$s->put('b.h', "int b = 1;\n");
	$s->step('the other too', 'CC -Ia -c x.c', 'miss:input_shadowed');
	$s->remove('b.h');
	$s->remove('a/opt.h');
	$s->step('gone', 'CC -Ia -c x.c', 'hit');
	for (['of a wrapper', "#define HAS(x) __has_include(x)\n#define TWICE(x) HAS(x)\n#if TWICE(<opt.h>)\nint opt;\n#endif\n"],
		['of a name', "#define HAS(x) __has_include(x)\n#define OPT <opt.h>\n#if HAS(OPT)\nint opt;\n#endif\n"],
		['of a string made', "#define HAS(x) __has_include(#x)\n#if HAS(opt.h)\nint opt;\n#endif\n"]) {
		my ($name, $text) = @$_;
		$s = scene(name => "c11_has_include_wrapped", files => {'a/keep' => ''}, source => $text);
		$s->step($name, 'CC -Ia -w -c x.c', 'bypass:inputs_unknown');
		$s->put('a/opt.h', "int opt = 1;\n");
		$s->step("$name, there", 'CC -Ia -w -c x.c', 'bypass:inputs_unknown');
	}
	$s = scene(name => 'c11_has_include_by_option', files => {'a/keep' => ''}, source => "#if HAS\nint opt;\n#endif\n");
	$s->step('not there', ['CC', '-Ia', '-DHAS=__has_include(<opt.h>)', '-c', 'x.c'], 'bypass:inputs_unknown');
	$s->put('a/opt.h', "int opt = 1;\n");
	$s->step('there', ['CC', '-Ia', '-DHAS=__has_include(<opt.h>)', '-c', 'x.c'], 'bypass:inputs_unknown');
	$s = scene(name => 'c11_forced_include', files => {'a/p.h' => "int p = 1;\n"});
	$s->step('found on the path', 'CC -Ia -include p.h -c x.c', 'miss');
	$s->put('p.h', "int p = 2;\n");
	$s->step('one appears in the working directory', 'CC -Ia -include p.h -c x.c', 'miss');
	$s = scene(name => 'c11_environment', files => {'e/h.h' => "int h = 1;\n", 'a/keep' => ''}, source => "#include <h.h>\n", env => {CPATH => 'a:e'});
	$s->step('CPATH', 'CC -c x.c', 'miss');
	$s->put('a/h.h', "int h = 2;\n");
	$s->step('a header appears in it', 'CC -c x.c', 'miss');
	$s = scene(name => 'c11_c_include_path', files => {'e/h.h' => "int h = 1;\n", 'a/keep' => ''}, source => "#include <h.h>\n",
		env => {C_INCLUDE_PATH => 'a:e'});
	$s->step('C_INCLUDE_PATH', 'CC -c x.c', 'miss');
	$s->put('a/h.h', "int h = 2;\n");
	$s->step('a header appears in it', 'CC -c x.c', 'miss');
	$s->put('i/h.h', "int h = 3;\n");
	$s->step('another value', 'CC -c x.c', 'miss', env => {C_INCLUDE_PATH => 'i:e'});
	$s = scene(name => 'c11_link_directory', files => {'v1/h.h' => "int h = 1;\n", 'v2/h.h' => "int h = 2;\n"}, source => "#include <h.h>\n");
	symlink 'v1', $s->dir . '/now';
	$s->step('v1', 'CC -Inow -c x.c', 'miss');
	unlink $s->dir . '/now';
	symlink 'v2', $s->dir . '/now';
	$s->step('v2', 'CC -Inow -c x.c', 'miss');

	# What leads to an input otherwise than by a name that is spelled where it is included.
	my $shadow = "#define V 7\nint shadow = 5;\n";
	my $one = "extern int one;\n";
	my $once = "#pragma once\n$one";
	my $alike = sub { utime 1e9, 1e9, map { "$_[0]/$_" } @_[1 .. $#_] };
	my $move = sub { rename "$_[0]/h.h", "$_[0]/there.h"; symlink 'there.h', "$_[0]/h.h" };
	my ($shadowed, $equal) = ('miss:input_shadowed', 'bypass:time_comparison');
	my $dots = 'b/s/../../b/s/../../b/s/../../b/s/..';
	my @unspelled = (
		# name, source, files, command, what the first compile is, what is done, what the next one is, what is done before all
		['the header of GCC itself', "int a;\n", {}, '-Ia -c x.c', 'miss', 'a/stdc-predef.h', {gcc => $shadowed, clang => 'hit'}],
		['the header of GCC itself, in assembly', '', {'y.S' => ".long 1\n"}, '-Ia -c y.S', 'miss', ['a/stdc-predef.h', "#define long byte\n"],
			{gcc => $shadowed, clang => 'hit'}],
		['nothing behind the last', "#include <n.h>\n", {'c/n.h' => "#if __has_include_next(<n.h>)\n#include_next <n.h>\n#endif\nint c;\n"},
			'-Ia -Ic -Iz -c x.c', 'miss', 'z/n.h', $shadowed],
		['nothing behind the last, by a wrapper', "#define NEXT(x) __has_include_next(x)\n#include <n.h>\n",
			{'c/n.h' => "#if NEXT(<n.h>)\nint next;\n#endif\nint c;\n"}, '-Ia -Ic -Iz -c x.c', 'miss', 'z/n.h', $shadowed],
		['between the first and the next', "#include <n.h>\n", {'c/n.h' => "#include_next <n.h>\nint c;\n", 'z/n.h' => $one}, '-Ic -Ia -Iz -c x.c',
			'miss', 'a/n.h', $shadowed],
		['nothing, and passed over', "#if __has_include(<q.h>)\n#include <q.h>\n#endif\n#include \"q.h\"\n", {}, '-iquote quote -Ib -c x.c',
			{gcc => 'miss', clang => 'bypass:compile_failed'}, 'quote/q.h', {gcc => $shadowed, clang => 'miss:not_seen'}],
		['a full path asked for', "#if __has_include(\"DIR/a/opt.h\")\nint a;\n#endif\n", {}, '-c x.c', 'miss', 'a/opt.h', $shadowed],
		['a system directory with dots', "#include <h.h>\n", {'b/h.h' => $one, 'b/s/keep' => ''}, "-Ia -isystem DIR/$dots -c x.c", 'miss', 'a/h.h', $shadowed],
		['a system directory with dots, by a macro', "#define N <h.h>\n#include N\n", {'b/h.h' => $one, 'b/s/keep' => ''},
			"-Ia -isystem DIR/$dots -c x.c", 'miss', 'a/h.h', $shadowed],
		['a system directory by a link', "#include <h.h>\n", {'b/h.h' => $one}, '-Ia -isystem DIR/a_link_with_a_long_name -c x.c', 'miss', 'a/h.h', $shadowed,
			sub { symlink 'b', "$_[0]/a_link_with_a_long_name" }],
		['a directory by a link that is changed', "#include <h.h>\n", {'b/h.h' => $one, 'z/h.h' => "$one\n"}, '-isystem DIR/a_link_with_a_long_name -c x.c',
			'miss', sub { unlink "$_[0]/a_link_with_a_long_name"; symlink 'z', "$_[0]/a_link_with_a_long_name" }, 'miss',
			sub { symlink 'b', "$_[0]/a_link_with_a_long_name" }],
		['one directory by two names', "#include <h.h>\n", {'b/h.h' => $one, 'z/h.h' => $one}, '-Inow -isystem b -c x.c',
			'miss', sub { unlink "$_[0]/now"; symlink 'z', "$_[0]/now" }, {gcc => $shadowed, clang => version() < 19 ? 'hit' : $shadowed}, sub { symlink 'b', "$_[0]/now" }],
		['one directory twice', "#include <h.h>\n", {'b/h.h' => $one}, '-Ib -Ia -isystem DIR/b -c x.c', 'miss', 'a/h.h', $shadowed],
		['one directory twice, with dots', "#include <h.h>\n", {'b/h.h' => $one}, '-Ib -Ia -isystem a/../b -c x.c', 'miss', 'a/h.h', $shadowed],
		['a name put together', "#define S(x) #x\n#define T(x) S(x)\n#include T(D)\n", {'b/d/h.h' => $one}, '-DD=d/h.h -Ia -Ib -c x.c', 'miss', 'd/h.h', $shadowed],
		['a name put together, on the path', "#define S(x) #x\n#define T(x) S(x)\n#include T(D)\n", {'b/d/h.h' => $one}, '-DD=d/h.h -Ia -Ib -c x.c',
			'miss', 'a/d/h.h', $shadowed],
		['a name by a macro of another header', "#include <i.h>\n#include <j.h>\n", {'b/i.h' => "#define N \"k.h\"\n", 'c/j.h' => "#include N\n", 'z/k.h' => $one},
			'-Ib -Ic -Iz -c x.c', 'miss', 'c/k.h', $shadowed],
		['a name by a macro, under another line', "#line 1 \"c/q.y\"\n#define N \"k.h\"\n#include N\n", {'z/k.h' => $one, 'c/keep' => ''}, '-Iz -c x.c',
			'miss', 'k.h', $shadowed],
		['a full path by a macro', "#include N\n", {'z/k.h' => $one}, ['-DN="DIR/z/k.h"', '-c', 'x.c'], 'miss', 'k.h', 'hit'],
		['a name by a macro of an option', "#include N\nint a = V;\n", {'z/k.h' => "#define V 1\n", 'f.h' => "#define N <k.h>\n#include N\n"},
			'-imacros f.h -Ia -Iz -c x.c', 'miss', 'a/k.h', $shadowed],
		['a trigraph in the name', "#include <h??-.h>\n", {'b/h~.h' => $one}, '-w -std=c99 -Ia -Ib -c x.c', 'miss', 'a/h~.h', $shadowed],
		['a raw string where there is none', "#define R\nconst char *a = R\"(\";\n#include <h.h>\nconst char *b = \")\";\n", {'b/h.h' => $one},
			'-w -std=c99 -Ia -Ib -c x.c', 'miss', 'a/h.h', $shadowed],
		['another name for a header', "#pragma include_alias(<q.h>, <h.h>)\n#include <q.h>\n", {'b/q.h' => "int q;\n", 'b/h.h' => $one},
			'-w -fms-extensions -Ia -Ib -c x.c', 'miss', 'a/h.h', {gcc => 'hit', clang => $shadowed}],
		['a backslash for a slash', "#include <d\\h.h>\n", {'b/d/h.h' => $one, 'b/d\\h.h' => $one}, '-w -fms-extensions -Ia -Ib -c x.c', 'miss', 'a/d/h.h',
			{gcc => 'hit', clang => $shadowed}],
		['a directory in the place of a header', "#include <h.h>\n", {'a/h.h/keep' => '', 'b/h.h' => $one}, '-Ia -Ib -c x.c', 'miss',
			sub { unlink "$_[0]/a/h.h/keep"; rmdir "$_[0]/a/h.h"; spew("$_[0]/a/h.h", $shadow) }, $shadowed],
		['a link to nothing in the place of a header', "#include <h.h>\n", {'b/h.h' => $one}, '-Ia -Ib -c x.c', 'miss', 't.h', $shadowed,
			sub { symlink '../t.h', "$_[0]/a/h.h" }],
		['a link to nothing above a header', "#include <d/h.h>\n", {'b/d/h.h' => $one}, '-Ia -Ib -c x.c', 'miss', 't/h.h', $shadowed,
			sub { symlink '../t', "$_[0]/a/d" }],
		['a link to nothing for a directory', "#include <h.h>\n", {'b/h.h' => $one}, '-Il -Ib -c x.c', 'miss', 't/h.h', $shadowed, sub { symlink 't', "$_[0]/l" }],
		['a header by two names', "#include \"h.h\"\n#include \"l.h\"\n", {'h.h' => "#ifndef H\n#define H\n$one#endif\n"}, '-c x.c', 'miss',
			sub { unlink "$_[0]/l.h"; spew("$_[0]/l.h", $shadow) }, 'miss', sub { symlink 'h.h', "$_[0]/l.h" }],
		['a header by two names, by a macro', "#include \"h.h\"\n#define L \"l.h\"\n#include L\n", {'h.h' => "#ifndef H\n#define H\n$one#endif\n"}, '-c x.c', 'miss',
			sub { unlink "$_[0]/l.h"; spew("$_[0]/l.h", $shadow) }, 'miss', sub { link "$_[0]/h.h", "$_[0]/l.h" }],
		['beside the other name of a header', "#include \"l/h.h\"\n#include \"m/h.h\"\n", {'r/h.h' => "#include \"k.h\"\n", 'l/k.h' => "#define A\n", 'z/k.h' => $one,
			'm/keep' => ''}, '-Iz -c x.c', 'miss', 'm/k.h', {gcc => 'miss', clang => 'hit'}, sub { symlink '../r/h.h', "$_[0]/$_/h.h" for 'l', 'm' }],
		# C10: files that are read once are told apart by content and time.
		['read once, by a macro', "#include \"h.h\"\n#define L \"l.h\"\n#include L\n", {'h.h' => $once, 'l.h' => $once}, '-w -c x.c', $equal, ['l.h', $shadow],
			'miss', sub { $alike->($_[0], 'h.h', 'l.h') }],
		['read once, by a macro, two names', "#include \"h.h\"\n#define L \"l.h\"\n#include L\n", {'h.h' => $once}, '-w -c x.c', 'miss',
			sub { unlink "$_[0]/l.h"; spew("$_[0]/l.h", $shadow) }, 'miss', sub { symlink 'h.h', "$_[0]/l.h" }],
		['read once, the next', "#include <n.h>\n", {map { ("$_/n.h" => "${once}#if $_\n#include_next <n.h>\n#endif\n") } 'b', 'z'}, '-w -Db=1 -Ib -Iz -c x.c',
			$equal, ['z/n.h', $shadow], 'miss', sub { spew("$_[0]/$_/n.h", "${once}#ifndef N\n#define N\n#include_next <n.h>\n#endif\n") for 'b', 'z';
			$alike->($_[0], 'b/n.h', 'z/n.h') }],
		['imported', "#import \"h.h\"\n#import \"l.h\"\n", {'h.h' => $one, 'l.h' => $one}, '-w -c x.c', $equal, ['l.h', $shadow], 'miss',
			sub { $alike->($_[0], 'h.h', 'l.h') }],
		['read once by an option', "#include \"h.h\"\n#include \"l.h\"\n", {map { ("$_.h" => "O $one") } 'h', 'l'}, ['-w', '-DO=_Pragma("once")', '-c', 'x.c'], $equal,
			['l.h', $shadow], 'miss', sub { $alike->($_[0], 'h.h', 'l.h') }],
		['read once by a pragma put together', "#define P(x) _Pragma(#x)\n#include \"h.h\"\n#include \"l.h\"\n", {map { ("$_.h" => "P(once) $one") } 'h', 'l'},
			'-w -c x.c', $equal, ['l.h', $shadow], 'miss', sub { $alike->($_[0], 'h.h', 'l.h') }],
		['a directory that is warned of', "int a;\n", {}, '-Wmissing-include-dirs -Inope -c x.c', 'miss', sub { mkdir "$_[0]/nope" }, $shadowed],
		['a directory that is warned of later', "int a;\n", {}, '-Wmissing-include-dirs -Inope -c x.c', 'miss', sub { rmdir "$_[0]/nope" },
			'miss:input_missing', sub { mkdir "$_[0]/nope" }],
		['a directory that all warnings tell of', "int a;\n", {}, '-Weverything -Inope -c x.c', {gcc => 'bypass', clang => 'miss'},
			sub { mkdir "$_[0]/nope" }, {gcc => 'bypass', clang => $shadowed}],
		# Clang says where a link leads.
		['a name resolved in a message', "#include \"h.h\"\n", {'h.h' => "#warning of h\n"}, '-fdiagnostics-absolute-paths -c x.c',
			{gcc => 'bypass', clang => 'bypass:unsupported_option'}, sub { $move->($_[0]) }, {gcc => 'bypass', clang => 'bypass:unsupported_option'}],
		['a name resolved, without messages', "#include \"h.h\"\n", {'h.h' => $one}, '-fdiagnostics-absolute-paths -c x.c',
			{gcc => 'bypass', clang => 'miss'}, sub { $move->($_[0]) }, {gcc => 'bypass', clang => 'hit'}],
		['text that is not ASCII', "int a;\n", {}, '-finput-charset=UTF-16LE -c x.c', {gcc => 'bypass:unsupported_option', clang => 'bypass:unsupported_option'}, 'h.h',
			'bypass:unsupported_option'],
		['UTF-8', "int a;\n", {}, '-finput-charset=utf-8 -c x.c', 'miss', 'h.h', 'hit'],
	);
	for (@unspelled) {
		my ($name, $text, $files, $options, $first, $change, $then, $before) = @$_;
		$s = scene(name => 'c11_unspelled', files => {'a/keep' => '', %$files}, source => '');
		my $dir = $s->dir;
		$s->put('x.c', $text =~ s/DIR/$dir/gr);
		my $cmd = ['CC', map { s/DIR/$dir/r } ref $options ? @$options : split ' ', $options];
		$before->($dir) if $before;
		$s->{dirty} = 1;
		$s->step("$name: without", $cmd, $first);
		my $stored = ref $first ? $first->{$CC} : $first;
		$s->step("$name: again", $cmd, $stored eq 'miss' ? 'hit' : $stored);
		ref $change eq 'CODE' ? $change->($dir) : $s->put(ref $change ? @$change : ($change, $shadow));
		$s->{dirty} = 1;
		$s->step("$name: changed", $cmd, $then);
	}
	# C21: a comment to one compiler is none to the other, and what is behind it is code to both.
	for my $std ('-std=c89', '--std=c90', '-ansi', '-std=c11 -std=c89', '-std=c89 -std=c11') {
		$s = scene(name => 'c21_comment_in_line', files => {'b/h.h' => "// /*\nstatic const char *now = __TIME__;\n// */\nstatic int a;\n"},
			source => "#include <h.h>\nconst char *x(void) { return now; }\n", hide => ['src/x.o']);
		$s->step($std, "CC $std -isystem b -c x.c", 'bypass:time_macro');
	}
	# Clang takes a file for a map of names, GCC passes over it.
	$s = scene(name => 'c11_header_map', files => {'m.hmap' => 'x', 'b/h.h' => $one}, source => "#include <h.h>\n");
	$s->step('a header map', 'CC -w -Im.hmap -Ib -c x.c', {gcc => $_, clang => 'bypass:inputs_unknown'}) for 'miss:not_seen', 'hit';

	# C22: a precompiled header appears, is newer or older than its header
	$s = scene(name => 'c22_pch', source => "#include \"u.h\"\nint a = U;\n", hide => ['src/u.h.gch', 'src/u.h.pch']);
	$s->step('without', 'CC -c x.c', 'miss');
	$s->step('again', 'CC -c x.c', 'hit');
	$s->put('pch.h', "#define U 44\n");
	Parity::run_one([Parity::words('CC -x c-header pch.h -o u.h.gch')], cwd => $s->dir);
	$s->{dirty} = 1;
	# Clang looks for no .gch beside an #include, but beside a header that an option names.
	my $gch = sub { my ($clang) = @_; return {gcc => 'bypass:precompiled_header', clang => $clang} };
	$s->step('one appears', 'CC -c x.c', $gch->('hit')) for 1 .. 2;
	$s->step('one appears, depfile', "CC $_ -c x.c", $gch->('miss:not_seen')) for '-MD', '-MMD';
	$s->put('u.h', "#define U 45\n");
	$s->step('older than the header', 'CC -c x.c', $gch->('miss:input_changed'));
	$s->remove('u.h.gch');
	$s->step('gone', 'CC -c x.c', {gcc => 'miss:input_changed', clang => 'hit'});
	mkdir $s->dir . '/u.h.gch';
	Parity::run_one([Parity::words('CC -x c-header pch.h -o u.h.gch/c.gch')], cwd => $s->dir);
	$s->{dirty} = 1;
	$s->step('a directory of them', 'CC -c x.c', $gch->('hit')) for 1 .. 2;
	$s->step('forced', 'CC -include u.h -c x.c', 'bypass:precompiled_header') for 1 .. 2;
	$s = scene(name => 'c22_pch_on_path', source => "#include <p.h>\nint a = U;\n", files => {'a/keep' => '', 'b/p.h' => "#define U 1\n", 'q.h' => "#define U 2\n"});
	$s->step('without', 'CC -Ia -Ib -c x.c', 'miss');
	Parity::run_one([Parity::words('CC -x c-header q.h -o a/p.h.gch')], cwd => $s->dir);
	$s->{dirty} = 1;
	$s->step('in an earlier directory, without its header', 'CC -Ia -Ib -c x.c', $gch->('hit')) for 1 .. 2;
	$s->step('forced, without the .pch of Clang', 'CC -Ib -include b/p.h -c x.c', $_) for 'miss:not_seen', 'hit';
	Parity::run_one([Parity::words('CC -x c-header q.h -o b/p.h.pch')], cwd => $s->dir);
	$s->{dirty} = 1;
	$s->step('forced, the .pch of Clang', 'CC -Ib -include b/p.h -c x.c', {gcc => 'hit', clang => 'bypass:precompiled_header'}) for 1 .. 2;
	rename $s->dir . '/b/p.h.pch', $s->dir . '/b/p.h.gch';
	$s->{dirty} = 1;
	$s->step('forced, the same under the name of GCC', 'CC -Ib -include b/p.h -c x.c', 'bypass:precompiled_header') for 1 .. 2;

	# Beside a system header as well, where the depfile's filter tells which these are.
	for my $forced ('-include sys/s.h', '') {
		my $sys = scene(name => 'c22_pch_of_system_header', source => ($forced ? '' : "#include <s.h>\n") . "int a = S;\n", files => {'sys/s.h' => "#define S 1\n"});
		my $cmd = "CC -isystem sys $forced -MMD -c x.c";
		$sys->step("without $forced", $cmd, 'miss');
		Parity::run_one([Parity::words('CC -x c-header sys/s.h -o sys/s.h.gch')], cwd => $sys->dir);
		$sys->{dirty} = 1;
		$sys->step("one appears $forced", $cmd, $forced ? 'bypass:precompiled_header' : $gch->('hit'));
	}

	# Of one that was not made through soldr nobody knows what it holds; those that were are in 27-precompiled.t.
	if ($CC eq 'gcc') {
		$s = scene(name => 'c22_pch_with_time', source => "#include \"u.h\"\nconst char *t = NOW;\n", hide => ['src/u.h.gch', 'src/x.o'],
			files => {'pch.h' => "#define NOW __TIME__\n"});
		Parity::run_one([Parity::words('CC -x c-header pch.h -o u.h.gch')], cwd => $s->dir);
		$s->put('u.h', "#define NOW \"never\"\n");
		$s->step('made from another text', 'CC -c x.c', 'bypass:precompiled_header') for 1 .. 2;
	} else {
		$s = scene(name => 'c22_include_pch', source => "int a = U;\n", hide => ['src/u.pch']);
		Parity::run_one([Parity::words('CC -x c-header u.h -o u.pch')], cwd => $s->dir);
		$s->{dirty} = 1;
		$s->step('used', 'CC -include-pch u.pch -c x.c', 'bypass:precompiled_header') for 1 .. 2;
		utime 1, 1, $s->dir . '/u.h';
		my $run = $s->step('its header touched', 'CC -include-pch u.pch -c x.c', 'bypass:compile_failed');
		isnt($run->{status}, 0, 'c22: clang: a touched header makes it fail');
	}

	# C27: odd paths
	my $bytes = "\xff\xfe\x80";
	for my $name ('with blank', "quo'te\"s", 'a$b', 'a#b', 'a\\b', "bytes$bytes", '-dash', '@at', 'back`tick', 'semi;colon', 'a%b', '*', "new\nline", "t\tab", "umlaut\xc3\xa4") {
		(my $label = $name) =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;
		for my $options ('', '-g -MMD') {
			# Clang's depfile does not tell which name was meant, and nobody's one with a line feed in it.
			my $clang = $options && $name =~ /[\\\t]/ ? 'bypass:input_unreadable' : $options && $name =~ /\n/ ? 'bypass:inputs_unknown' : 'hit';
			same "c27_$label", ['CC', split(' ', $options), '-c', "./$name.c", '-o', "./$name.o"], {gcc => 'hit', clang => $clang},
				files => {"$name.c" => qq{#include "$name.h"\nint a;\n}, "$name.h" => "int h;\n"} if $name !~ /["\n]/;
			same "c27_dir_$label", ['CC', split(' ', $options), '-I', "./$name", '-c', "./$name/x.c", '-o', "./$name/x.o"], {gcc => $name =~ /\n/ ? 'bypass:inputs_unknown' : 'hit', clang => $clang},
				files => {"$name/x.c" => qq{#include <h.h>\nint a;\n}, "$name/h.h" => "int h;\n"};
			same "c27_cwd_$label", ['CC', split(' ', $options), '-c', 'x.c'], 'hit', dir => "src/$name",
				files => {"$name/x.c" => qq{#include "h.h"\nint a;\n}, "$name/h.h" => "int h;\n"};
		}
	}
	my $long = join '/', ('d' x 200) x 14;
	same 'c27_long_path', ['CC', '-MMD', "-I$long", '-c', "$long/x.c", '-o', "$long/x.o"], 'hit',
		files => {"$long/x.c" => "#include <h.h>\nint a;\n", "$long/h.h" => "int h;\n"};
	same 'c27_long_dots', ['CC', '-MMD', '-c', './' x 1700 . 'x.c'], 'hit';
	same 'c27_too_long', ['CC', '-c', './' x 2100 . 'x.c'], 'bypass:input_unreadable';
};

done_testing();
