#!/usr/bin/perl
# Several sources in one call: each is looked up by itself, the call stays one.
# Row C03 of the project's correctness list.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use POSIX ();
use Test::More;

my %three = (
	'a.c' => "#include \"u.h\"\nstatic int unused;\nint a = U;\n",
	'b.c' => "#warning look\nint b(int x) { return x; }\n",
	'sub/c.cc' => "namespace { struct hidden { int x; }; }\nint c(hidden *p) { return p->x; }\n",
);
my %asm = (%three, 's.S' => "#include \"u.h\"\n.globl s\ns: .long U\n");

both {
	for my $options ('', '-Wall -O2', '-g', '-MD', '-MMD -MP', '-MD -MT target', '-frandom-seed=1 -flto', '-march=native -O3', '-pipe', '-DA=1 -Isub') {
		same "c03_several $options", "CC $options -c a.c b.c sub/c.cc", 'hit', files => \%three;
	}
	same 'c03_several_assembly', 'CC -S a.c b.c', 'hit', files => \%three;
	same 'c03_several_language', 'CC -x c++ -c a.c b.c', 'hit', files => \%three;
	same 'c03_several_with_assembler', 'CC -c a.c s.S', 'hit', files => \%asm;
	same 'c03_several_options_between', 'CC a.c -O2 -c b.c -include u.h', 'hit', files => \%three;
	same 'c03_several_value_like_a_source', 'CC -include i.c a.c -c i.c', 'hit', files => {%three, 'i.c' => 'extern int i;'};
	same 'c03_several_response', 'CC @args', 'hit', files => {%three, args => "-c a.c\n\@more", more => '-O1 b.c'};
	same 'c03_several_recorded', 'CC -frecord-gcc-switches -c a.c b.c', {gcc => 'hit', clang => 'bypass:multiple_inputs'}, files => \%three;
	same 'c03_several_on_a_terminal', 'CC -Wall -c a.c b.c', 'hit', files => \%three, tty => 'both', env => {TERM => 'xterm'};
	same 'c03_several_quiet_driver', 'CC -c a.c b.c -Wl,-z,now -Qunused-arguments', {gcc => 'bypass:compile_failed', clang => 'hit'}, files => \%three;

	# What is the driver's own: its names for outputs, its messages, its way with failures.
	same 'c03_several_o', 'CC -c a.c b.c -o y.o', 'bypass:multiple_inputs', files => \%three;
	same 'c03_several_mf', 'CC -MD -MF y.d -c a.c b.c', 'bypass:multiple_inputs', files => \%three;
	same 'c03_several_wp', 'CC -Wp,-MD,y.d -c a.c b.c', 'bypass:multiple_inputs', files => \%three;
	same 'c03_several_one_name', 'CC -c a.c sub/a.c', 'bypass:multiple_inputs', files => {%three, 'sub/a.c' => 'int q;'};
	same 'c03_several_output_is_source', 'CC -S -x c sub/a.s a.c', 'bypass:multiple_inputs', files => {%three, 'sub/a.s' => 'int q;'}, once => 1;
	same 'c03_several_one_unknown', 'CC -c a.c b.zz', 'bypass', files => {%three, 'b.zz' => ''};
	same 'c03_several_one_missing', 'CC -c a.c gone.c b.c', 'bypass:input_unreadable', files => \%three;
	same 'c03_several_first_fails', 'CC -c x.c a.c b.c', 'bypass:compile_failed', files => \%three, source => "int f(\n";
	same 'c03_several_middle_fails', 'CC -Wall -MMD -c a.c x.c b.c', 'bypass:compile_failed', files => {%three, 'x.o' => 'old'}, source => "int f(\n";
	same 'c03_several_last_fails', 'CC -c a.c b.c x.c', 'bypass:compile_failed', files => \%three, source => "int f(\n";
	same 'c03_several_werror', 'CC -Werror -c a.c b.c', 'bypass:compile_failed', files => \%three;
	same 'c03_several_driver_speaks', 'CC -c a.c b.c -lnone', {gcc => 'hit', clang => 'bypass:multiple_inputs'}, files => \%three;
	same 'c03_several_driver_speaks_of_one', 'CXX -iquote sub -c a.c s.s', {gcc => 'hit', clang => 'bypass:multiple_inputs'},
		files => {%three, 's.s' => ".globl s\ns: .long 1\n"};
	my $unused = $CC eq 'gcc' ? '-mcpu=native' : '-Wl,-z,now';
	same 'c03_several_driver_speaks_in_colour', "CC $unused -c a.c b.c", 'bypass:multiple_inputs',
		files => \%three, tty => 'both', env => {TERM => 'xterm'};
	same 'c03_several_link', 'CC -shared -fPIC a.c b.c -o liba.so', 'bypass:link', files => \%three, once => 1;
	same 'c03_several_too_many', ['CC', '-c', map { "n$_.c" } 1 .. 65], 'bypass:multiple_inputs', files => {map { ("n$_.c" => "int n$_;\n") } 1 .. 65};

	# Some hit, some do not.
	my $s = scene(name => 'c03_some', files => \%three);
	$s->step('one alone', 'CC -Wall -c a.c', 'miss');
	$s->step('it and another', 'CC -Wall -c a.c b.c', 'miss');
	$s->step('another alone', 'CC -Wall -c b.c', 'hit');
	$s->step('in the other order', 'CC -Wall -c b.c a.c', 'hit');
	$s->put('b.c', "#warning other\nint b;\n");
	$s->step('one edited', 'CC -Wall -c a.c b.c sub/c.cc', 'miss');
	$s->step('all again', 'CC -Wall -c a.c b.c sub/c.cc', 'hit');
	$s->put('b.c', "int b(\n");
	$s->step('one broken', 'CC -Wall -c a.c b.c sub/c.cc', 'bypass:compile_failed');
	$s->put('u.h', "#define U 4\n");
	$s->put('b.c', "#warning other\nint b;\n");
	$s->step('a header edited', 'CC -Wall -c a.c b.c', 'miss:input_changed');
	my $run = $s->run_soldr('CC -Wall -c a.c b.c sub/c.cc', env => {SOLDR_LOG => 'info'});
	like($run->{err}, qr/hit 3 of 3 hit/, "c03: $CC: the log says how many hit");
	$s->put('sub/c.cc', "int c;\n");
	$run = $s->run_soldr('CC -Wall -c a.c sub/c.cc b.c', env => {SOLDR_LOG => 'info'});
	like($run->{err}, qr/miss not_seen 2 of 3 hit/, "c03: $CC: and how many did not");
	my %readonly = (SOLDR_READONLY => 1, SOLDR_LOG => 'info');
	$run = $s->run_soldr('CC -Wall -c b.c a.c', env => \%readonly);
	like($run->{err}, qr/hit 2 of 2 hit/, "c03: $CC: a read-only store serves all");
	$run = $s->run_soldr('CC -Wall -DN -c b.c a.c', env => \%readonly);
	like($run->{err}, qr/bypass readonly, becomes/, "c03: $CC: or leaves all to the compiler");

	# A source is edited while the one before it is compiled: the compiler waits for its header, a FIFO.
	my $edited = scene(name => 'c03_edited_meanwhile', files => {'a.c' => qq{#include "pipe.h"\nint a;\n}, 'b.c' => "int b = 1;\n"});
	$edited->step('the later source alone', 'CC -c b.c', 'miss');
	POSIX::mkfifo($edited->dir . '/pipe.h', 0644) or die;
	$edited->step('edited', 'CC -c a.c b.c', 'bypass', meanwhile => sub {
		open my $pipe, '>', $edited->dir . '/pipe.h' or die;
		$edited->put('b.c', "int b = 2;\n");
		Parity::settle();
		print {$pipe} "int p;\n";
	});
};

done_testing();
