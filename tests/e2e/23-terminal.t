#!/usr/bin/perl
# Messages on terminals (C07): a terminal gets the bytes that it would have got
# from the compiler, whatever kind of terminal the result was stored for.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use Test::More;

my $warns = "int f(int a) { int unused_variable_with_a_long_name = a + a + a + a + a + a + a + a + a + a + a + a + a; }\n";
my @kinds = (
	['pipes'],
	['stderr', tty => 'err'],
	['stdout', tty => 'out'],
	['both', tty => 'both'],
	['narrow', tty => 'err', columns => 30],
	['wide', tty => 'err', columns => 300],
	['no width', tty => 'err', columns => 0],
	['COLUMNS', tty => 'err', env => {COLUMNS => 40}],
	['COLUMNS in a pipe', env => {COLUMNS => 40}],
	['dumb', tty => 'err', env => {TERM => 'dumb'}],
	['xterm', tty => 'err', env => {TERM => 'xterm-256color'}],
	['no TERM', tty => 'err', env => {TERM => undef}],
	['NO_COLOR', tty => 'err', env => {NO_COLOR => 1}],
	['GCC_COLORS', tty => 'err', env => {GCC_COLORS => 'warning=01;36'}],
	['GCC_COLORS empty', tty => 'err', env => {GCC_COLORS => ''}],
	['CLICOLOR_FORCE', env => {CLICOLOR_FORCE => 1}],
	['no links', tty => 'err', env => {TERM_URLS => 'no'}],
	['links', tty => 'err', env => {GCC_URLS => 'bel'}],
	['links to a pipe', env => {GCC_URLS => 'st'}],
	['UTF-8', tty => 'err', env => {LC_ALL => 'C.UTF-8'}],
);

both {
	for my $options ('', '-fdiagnostics-color=auto', '-fdiagnostics-color=always', '-fdiagnostics-color=never', '-fdiagnostics-color',
		'-fno-diagnostics-color', '-fdiagnostics-urls=always', '-fmessage-length=50', '-fcolor-diagnostics', '-fno-caret-diagnostics') {
		next if $CC eq 'gcc' && $options =~ /^-fcolor|no-caret/;
		next if $CC eq 'clang' && $options =~ /urls/;
		my $s = scene(name => "c07$options", source => $warns, env => {TERM => 'xterm'});
		my @use = $options eq '' ? @kinds : @kinds[0, 1, 4];
		my %stored;
		for (@use, $options eq '' ? reverse @use : ()) { # the second round meets what the first one stored
			my ($name, %o) = @$_;
			# LC_ALL is in the key. A manifest holds 16 candidates: the three oldest have gone.
			my $want = !%stored || $name eq 'UTF-8' ? 'miss:not_seen' : 'miss:terminal_differs';
			$want = 'hit' if $stored{$name}++ && $name !~ /^(pipes|stderr|stdout)$/;
			$s->step($name, "CC -Wall $options -c x.c", $want, %o, env => {TERM => 'xterm', %{$o{env} // {}}});
		}
		$s->step('the same terminal again', "CC -Wall $options -c x.c", 'hit', tty => 'err') if $options eq '';
	}
	# No messages: one result serves every terminal
	my $s = scene(name => 'c07_silent');
	$s->step('pipes', 'CC -Wall -c x.c', 'miss');
	for (@kinds) {
		my ($name, %o) = @$_;
		$s->step($name, 'CC -Wall -c x.c', $name eq 'UTF-8' ? 'miss:not_seen' : 'hit', %o);
	}
	# Errors, and what is not cached, straight to the terminal
	$s = scene(name => 'c07_error', source => "int f(void) { return g }\n", env => {TERM => 'xterm'});
	$s->step("error: $_->[0]", 'CC -Wall -c x.c', 'bypass:compile_failed', %{{@$_[1 .. $#$_]}}, env => {TERM => 'xterm'}) for @kinds[0, 1, 3, 4];
	$s = scene(name => 'c07_bypass', source => $warns, env => {TERM => 'xterm'});
	$s->step("not cached: $_->[0]", 'CC -Wall -E x.c', 'bypass:preprocess_only', %{{@$_[1 .. $#$_]}}) for @kinds[0, 1, 3];
	# A depfile that has to be filtered, or asked for twice
	$s = scene(name => 'c07_depfile', source => "#include \"s.h\"\n#include <stddef.h>\n$warns", files => {'s.h' => "#pragma GCC system_header\n#include \"u.h\"\n"});
	for my $round (1, 2) {
		$s->step("depfile: $_->[0]", 'CC -Wall -MMD -c x.c', $round == 1 ? 'miss' : 'hit', %{{@$_[1 .. $#$_]}}) for @kinds[0, 1, 3, 4];
	}
};

done_testing();
