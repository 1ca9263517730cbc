#!/usr/bin/perl
# Depfiles (C02): what a hit, and a miss, leaves for make and ninja is byte for
# byte what the compiler itself writes for these options now.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use Test::More;

my %tree = (
	'inc/a.h' => qq{#include "b.h"\n#include <stddef.h>\n},
	'inc/b.h' => "int b;\n",
	'sys/s.h' => qq{#include "t.h"\n#include <a.h>\n},
	'sys/t.h' => "int t;\n",
	'out/keep' => '',
);
my $all = qq{#include <a.h>\n#include <s.h>\n#include "u.h"\nsize_t f(void) { return sizeof(b) + U; }\n};

# Both forms of one option list: with and without system headers.
sub forms
{
	my ($name, $cmd, $want, %o) = @_;
	for my $form (qw(-MD -MMD)) {
		(my $text = ref $cmd ? join("\0", @$cmd) : join("\0", split ' ', $cmd)) =~ s/MODE/$form/g;
		(my $label = "c02_${name}_$form") =~ s/-//;
		same $label, [split /\0/, $text], $want, files => {%tree, %{$o{files} // {}}}, source => $o{source} // $all,
			map { $_ => $o{$_} } grep { !/^(files|source)$/ } keys %o;
	}
}

both {
	my $i = '-Iinc -isystem sys';
	forms 'plain', "CC MODE $i -c x.c", 'hit';
	forms 'o', "CC MODE $i -c x.c -o out/y.o", 'hit';
	forms 'o_no_suffix', "CC MODE $i -c x.c -o out/y", 'hit';
	forms 'o_dots', "CC MODE $i -c x.c -o out/y.a.b", 'hit';
	forms 'mf', "CC MODE -MF y.dep $i -c x.c -o out/y.o", 'hit';
	forms 'mf_joined', "CC MODE -MFy.dep $i -c x.c", 'hit';
	forms 'mf_null', "CC MODE -MF /dev/null $i -c x.c", 'bypass:output_special';
	forms 'mf_stdout', "CC MODE -MF - $i -c x.c", 'bypass:depfile_unclear';
	forms 'mf_missing_directory', "CC MODE -MF gone/y.d $i -c x.c", 'bypass';
	forms 'mf_is_output', "CC MODE -MF x.o $i -c x.c", 'bypass:depfile_unclear', mute => 1;
	forms 'mt', "CC MODE -MT target $i -c x.c", 'hit';
	forms 'mq', ['CC', 'MODE', '-MQ', 'a b$c#d', qw(-Iinc -isystem sys -c x.c)], 'hit';
	forms 'mt_odd', ['CC', 'MODE', '-MT', 'a b$c#d', qw(-Iinc -isystem sys -c x.c)], 'hit';
	forms 'mt_several', "CC MODE -MT one -MTtwo -MQ three\$ $i -c x.c", 'hit';
	forms 'mt_mf', "CC MODE -MT t -MF y.d $i -c x.c -o out/y.o", 'hit';
	forms 'mp', "CC MODE -MP $i -c x.c", 'hit';
	forms 'mp_mt_mf', "CC -MP MODE -MF q.d -MT q $i -c x.c", 'hit';
	forms 'wp', "CC -Wp,MODE,y.d $i -c x.c", 'hit';
	forms 'wp_o', "CC -Wp,MODE,y.d $i -c x.c -o out/y.o", 'hit';
	forms 'wp_mt', "CC -Wp,MODE,y.d,-MT,z $i -c x.c", 'bypass';
	forms 'wp_and_mt', "CC -Wp,MODE,y.d -MT z -MP $i -c x.c", 'hit';
	forms 'wp_d', "CC -Wp,-DA,MODE,y.d $i -c x.c", {gcc => 'hit', clang => 'bypass:depfile_unclear'};
	forms 'wp_and_plain', "CC -Wp,MODE,y.d -MD $i -c x.c", 'bypass:depfile_unclear';
	# GCC names one file twice that two searches found, but once in what -MMD writes, where it was a system header the second time.
	same 'c02_found_twice', "CC $_ -I./b -c x.c", 'hit', source => "#include \"h3.h\"\n", files => {'b/h3.h' => "#include <h4.h>\n#include \"h4.h\"\n",
		'b/h4.h' => "#ifndef G4\n#define G4\n#pragma GCC system_header\n#if __has_include(\"maybe\")\n#include \"maybe\"\n#endif\n#endif\n"} for qw(-MD -MMD);
	# GCC names the target twice in what -MMD -MMD writes.
	same 'c02_twice_MD', "CC -MD -MD $i -c x.c", 'hit', files => \%tree, source => $all;
	same 'c02_twice_MMD', "CC -MMD -MMD $i -c x.c", {gcc => 'bypass:depfile_unclear', clang => 'hit'}, files => \%tree, source => $all;
	forms 'assembly', "CC MODE -S $i x.c", 'hit';
	forms 'mg', "CC MODE -MG $i -c x.c", 'bypass', mute => 1;
	forms 'defines', ['CC', 'MODE', '-DX="a b"', "-DY=.../ '", qw(-Iinc -isystem sys -c x.c)], 'hit';
	forms 'include', "CC MODE -include inc/b.h -imacros u.h -c x.c", 'hit', source => 'int f;';
	forms 'absolute', ['CC', 'MODE', "-I$T", '-isystem', 'sys', '-I', './inc/../inc', '-c', 'x.c'], 'hit';
	forms 'absolute_source', ['CC', 'MODE', qw(-Iinc -isystem sys -I. -c), './x.c'], 'hit';
	forms 'no_headers', "CC MODE -c x.c", 'hit', source => 'int a;';
	forms 'preprocessed', "CC MODE -c y.i", {gcc => 'hit', clang => 'bypass:inputs_unknown'}, files => {'y.i' => "int a;\n"};
	forms 'asm', "CC MODE -c y.s", {gcc => 'hit', clang => 'bypass:inputs_unknown'}, files => {'y.s' => ".long 1\n"};
	forms 'asm_cpp', "CC MODE -c y.S", 'hit', files => {'y.S' => qq{#include "u.h"\n.long U\n}};
	forms 'cxx', "CXX MODE -c y.cc", 'hit', files => {'y.cc' => "#include <cstddef>\n#include \"u.h\"\nint a;\n"};
	forms 'response', 'CC MODE @args -c x.c', 'hit', files => {args => '-MF "out/d d.d" -Iinc -isystem sys'};
	forms 'old_depfile', "CC MODE $i -c x.c", 'hit', files => {'x.d' => "stale: stale.h\n"};
	forms 'depfile_is_link', "CC MODE $i -c x.c", 'bypass:output_special', files => {'real.d' => ''},
		before => sub { symlink 'real.d', $_[0]->dir . '/x.d' unless -l $_[0]->dir . '/x.d' };

	# What counts as a system header
	forms 'same_header_both_ways', "CC MODE $i -Isys -c x.c", 'hit';
	forms 'user_header_by_system_header', "CC MODE $i -c x.c", 'hit', source => qq{#include <s.h>\nint q;\n};
	forms 'user_header_first_by_system', "CC MODE $i -c x.c", 'hit', source => qq{#include <s.h>\n#include "a.h"\nint q;\n};
	forms 'system_pragma', "CC MODE -c x.c", 'hit', source => qq{#include "p.h"\n#include "u.h"\nint q;\n},
		files => {'p.h' => "#pragma GCC system_header\n#include \"q.h\"\n", 'q.h' => "int z;\n"};
	forms 'idirafter', "CC MODE -Iinc -idirafter sys -c x.c", 'hit';
	forms 'iquote', "CC MODE -iquote inc -isystem sys -c x.c", 'hit', source => qq{#include "a.h"\n#include <s.h>\n},
		files => {'sys/s.h' => "int s;\n"};
	forms 'sanitizer_lists', 'CC MODE -fsanitize=address -c x.c', 'hit', source => qq{#include "u.h"\n};
	forms 'shows_headers', 'CC MODE -H -Iinc -isystem sys -c x.c', 'hit';
	forms 'dotted_directories', 'CC MODE -I./inc -isystem ././sys -isystem .//sys/deep -c x.c', 'hit', source => qq{#include <s.h>\n#include <t.h>\n#include "u.h"\n};
	forms 'system_directory_is_cwd', 'CC MODE -Iinc -isystem . -c x.c', 'hit', source => qq{#include <u.h>\n};
	forms 'beside_the_source', 'CC MODE -isystem sys -c sys/y.c', 'hit', files => {'sys/y.c' => qq{#include "t.h"\n}};
	forms 'beside_a_header', 'CC MODE -isystem sys -c x.c', 'hit', source => qq{#include "sys/e.h"\n}, files => {'sys/e.h' => qq{#include "t.h"\n}};
	forms 'beside_computed', 'CC MODE -isystem sys -c sys/y.c', 'hit', files => {'sys/y.c' => qq{#define H "t.h"\n#include H\n}};
	forms 'forced', 'CC MODE -isystem . -include u.h -c sys/y.c', 'hit', files => {'sys/y.c' => qq{int y = U;\n}};
	forms 'nested_directories', "CC MODE -Isys -isystem sys/deep -c x.c", 'hit', source => qq{#include <d.h>\n#include <deep/d.h>\n#include <t.h>\n},
		files => {'sys/deep/d.h' => "typedef int d;\n"};
	forms 'computed', 'CC MODE -Iinc -isystem sys -DH=<s.h> -c x.c', 'hit', source => qq{#include H\n#include "u.h"\nint q;\n};
	forms 'include_next', 'CC MODE -Iinc -isystem sys -c x.c', 'hit', source => qq{#include <n.h>\nint q;\n},
		files => {'inc/n.h' => "#include_next <n.h>\n", 'sys/n.h' => "int n;\n"};
	forms 'cpath', "CC MODE -Iinc -c x.c", 'hit', env => {CPATH => 'sys'};
	forms 'c_include_path', "CC MODE -Iinc -c x.c", 'hit', env => {C_INCLUDE_PATH => 'sys'};
	forms 'by_absolute_path', 'CC MODE -c x.c', 'hit', before => sub {
		my ($s) = @_;
		return if -e $s->dir . '/inc/z.h';
		$s->put('inc/z.h', "int z;\n");
		$s->put('x.c', '#include "' . $s->dir . "/inc/z.h\"\n#include \"u.h\"\nint q;\n");
	};

	# Names that make rules must escape
	my %odd = ('in c/a b.h' => "int ab;\n", 'in c/d$e.h' => "int de;\n", 'in c/h#i.h' => "int hi;\n", 'in c/:n.h' => "int n;\n", "in c/\xff\xfe.h" => "int o;\n", 'in c/%p*.h' => "int p;\n");
	my $odd = join '', map { s/^in c\///; "#include <$_>\n" } sort map { "$_" } keys %odd;
	forms 'odd_names', ['CC', 'MODE', '-I', 'in c', '-c', 'x.c'], 'hit', files => \%odd, source => $odd . "#include \"u.h\"\n";
	forms 'odd_system_names', ['CC', 'MODE', '-isystem', 'in c', '-c', 'x.c'], 'hit', files => \%odd, source => $odd . "#include \"u.h\"\n";
	forms 'odd_mp', ['CC', 'MODE', '-MP', '-I', 'in c', '-c', 'x.c'], 'hit', files => \%odd, source => $odd;
	for my $name ('j\\k.h', 'l\\ m.h', 'l\\\\#m.h') { # Clang's depfile does not tell which name was meant
		forms 'backslash', ['CC', 'MODE', '-I', 'in c', '-c', 'x.c'], {gcc => 'hit', clang => 'bypass:input_unreadable'},
			files => {"in c/$name" => "int h;\n"}, source => "#include <$name>\n#include \"u.h\"\n";
	}
	forms 'odd_source', ['CC', 'MODE', '-c', 'a $b#c.c', '-o', 'o $o#o.o'], 'hit', files => {'a $b#c.c' => qq{#include "u.h"\nint a;\n}};
	forms 'odd_mf', ['CC', 'MODE', '-MF', 'd $d#d.d', '-c', 'x.c'], 'hit', source => 'int a;';
	my %many = map { ("inc/a_rather_long_name_of_a_header_$_.h" => "int v$_;\n") } 1 .. 12;
	my $many = join('', map { "#include <a_rather_long_name_of_a_header_$_.h>\n" } 1 .. 12) . "#include <stddef.h>\n";
	forms 'long_lines', 'CC MODE -MP -Iinc -c x.c', 'hit', files => \%many, source => $many;
	for my $n (50 .. 53) { # around the column where lines break
		my $name = 'h' x $n . '.h';
		forms "column_$n", 'CC MODE -Iinc -c x.c', 'hit', files => {"inc/$name" => "int h;\n"}, source => "#include <$name>\n#include \"u.h\"\n";
	}
	my $longest = 'n' x 80 . '.h';
	forms 'longer_than_a_line', 'CC MODE -Iinc -c x.c', 'hit', files => {"inc/$longest" => "int h;\n"},
		source => "#include <$longest>\n#include \"u.h\"\n";

	# One directory, named as the system's and, by a link, as the user's: Clang lists it by the user's name and takes it for the system's
	forms 'linked_directory', 'CC MODE -isystem sys -Icur -Iinc -c x.c', 'hit', source => "#include <s.h>\nint x = sizeof t;\n",
		before => sub { symlink 'sys', $_[0]->dir . '/cur' unless -l $_[0]->dir . '/cur' };

	# The file that Clang's depfile names in place of the one that was read is there, too
	for my $form (qw(-MD -MMD), '') {
		my $s = scene(name => "c02_backslash_in_name$form", files => {'b/c.h' => "int c;\n", 'b\\c.h' => "int x;\n"},
			source => "#include \"b\\c.h\"\n");
		$s->step('first', "CC $form -c x.c", 'miss');
		$s->put('b\\c.h', "long x;\n");
		$s->step('edited', "CC $form -c x.c", 'miss');
		$s->step('again', "CC $form -c x.c", 'hit');
	}

	# One entry, other names: the depfile is that of this command
	for my $form (qw(-MD -MMD)) {
		my $s = scene(name => "c02_renamed_$form", files => \%tree, source => $all);
		my $base = "CC $form $i -c x.c";
		$s->step('first', "$base -o out/a.o", 'miss');
		$s->step('another -o', "$base -o out/b.o", 'miss');
		$s->step('another -MF', "$base -o out/a.o -MF z.d", 'miss:not_seen');
		$s->step('a target', "$base -MT t -o out/a.o -MF a.d", 'miss');
		$s->step('the same target, other names', "$base -MT t -o out/b.o -MF b.d", 'hit');
		$s->step('another target', "$base -MT u -o out/b.o -MF b.d", 'miss');
		$s->step('quoted target', "$base -MQ t -o out/b.o -MF b.d", 'miss:not_seen');
		$s->step('phony', "$base -MP -MT t -o out/b.o -MF b.d", 'miss');
		$s->step('no depfile', "CC $i -c x.c -o out/a.o", 'miss:not_seen');
		$s->step('first again', "$base -o out/a.o", 'hit');
		$s->step('the other form', 'CC ' . ($form eq '-MD' ? '-MMD' : '-MD') . " $i -c x.c -o out/a.o", 'miss');
		$s->put('inc/b.h', "/* moved */ int b;\n");
		$s->step('a header edited', "$base -o out/a.o", 'miss');
		$s->put('sys/t.h', "#include \"v.h\"\n");
		$s->put('sys/v.h', "int v;\n");
		$s->step('a header more', "$base -o out/a.o", 'miss');
		$s->step('a hit after it', "$base -o out/a.o", 'hit');
	}
	same 'c02_mm_side', 'CC -MM -MF y.d x.c', 'bypass:preprocess_only';
	same 'c02_mt_alone', 'CC -MT t -c x.c', 'bypass:depfile_unclear';
	same 'c02_mf_alone', 'CC -MF t.d -c x.c', 'bypass';

	# The compiler writes into a depfile that is there, so into its other name as well, before soldr mends it.
	my $s = scene(name => 'c28_linked_depfile', fresh => 1, source => "#include <stddef.h>\nint x;\n");
	my %rules;
	for my $how (qw(bare soldr)) {
		unlink map { $s->dir . "/$_" } qw(d.d other.d x.o);
		$s->put('d.d', 'old');
		link $s->dir . '/d.d', $s->dir . '/other.d';
		settle();
		$how eq 'bare' ? $s->run_bare('CC -MMD -MF d.d -c x.c') : $s->run_soldr('CC -MMD -MF d.d -c x.c');
		$rules{$how} = join '|', map { $s->get($_) } qw(d.d other.d);
	}
	is($rules{soldr}, $rules{bare}, "c28_linked_depfile: $CC: both names of a depfile hold the compiler's rule");
};

done_testing();
