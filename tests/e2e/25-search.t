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
		['computed', "#define N <h.h>\n#include N", 'a/h.h'], ['a missing directory', '#include <h.h>', 'late/h.h'],
		['split name', "#inc\\\nlude <\\\nh.h>", 'a/h.h'], ['a comment between', '# /* x */ include /* y */ <h.h>', 'a/h.h'],
		['include_next', '#include <n.h>', 'c/n.h'], ['before a system header', '#include <stddef.h>', 'a/stddef.h'],
		['before one by a system header', "#include <stdint.h>", 'a/bits/wordsize.h']) {
		my ($name, $text, $new) = @$_;
		$s = scene(name => 'c11_shadow', source => "$text\n", files => {
			'b/h.h' => "int h = 1;\n", 'b/i.h' => qq{#include <h.h>\n#include "k.h"\n}, 'z/k.h' => "int k = 1;\n", 'b/d/h.h' => "int h = 2;\n",
			'b/n.h' => "#include_next <n.h>\n", 'z/n.h' => "int n = 1;\n", 'b/e/keep' => '', 'a/keep' => '', 'q/keep' => '', 'c/keep' => ''});
		my $cmd = 'CC -iquote q -Ilate -Ia -Ib -Ic -Iz -c x.c';
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
