#!/usr/bin/perl
# soldr as a process: what lies at the output's place, closed and broken streams,
# signals, descriptors, limits, wrappers in wrappers, many at once, and files
# that change while the compiler runs.
use strict;
use warnings;
use Fcntl;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use POSIX ();
use Test::More;
use Time::HiRes ();

# A compiler that can be held: it tells that it runs by making a file, and goes
# on when another is there. gcc-held runs the real one before or after that.
my $gate = "$T/gate";
sub held_compiler
{
	my ($dir, $when) = @_;
	my ($real) = map { "$_/$CC" } have($CC);
	my $ext = $CC eq 'gcc' ? 'gcc' : 'clang';
	spew("$dir/held.c", <<"CODE");
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void hold(void)
{
	FILE *f = fopen("$gate.tmp", "w");
	if (f) {
		fprintf(f, "%ld\\n", (long)getpid());
		fclose(f);
	}
	rename("$gate.tmp", "$gate.in");
	while (access("$gate.go", F_OK) != 0)
		usleep(1000);
}
int main(int argc, char **argv)
{
	int compiles = 0;
	for (int i = 1; i < argc; i++)
		compiles |= !strcmp(argv[i], "-c");
	argv[0] = "$real"; /* GCC finds its parts beside that name */
	if (!compiles || !getenv("HOLD")) {
		execv("$real", argv);
		return 126;
	}
	if (!strcmp(getenv("HOLD"), "before")) {
		hold();
		execv("$real", argv);
		return 126;
	}
	pid_t pid = fork();
	if (!pid) {
		execv("$real", argv);
		_exit(126);
	}
	int status;
	waitpid(pid, &status, 0);
	hold();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
CODE
	system('gcc', '-O1', '-o', "$dir/$ext", "$dir/held.c") == 0 or die;
	return "$dir/$ext";
}

sub wait_for
{
	my ($path) = @_;
	for (1 .. 20000) {
		return 1 if -e $path;
		Time::HiRes::usleep(1000);
	}
	return 0;
}

# Waits for the end of a process that need not be a child of ours.
sub wait_for_end
{
	my ($pid) = @_;
	for (1 .. 20000) {
		return 1 if !kill(0, $pid) || (slurp("/proc/$pid/stat") // '') =~ /\) Z/;
		Time::HiRes::usleep(1000);
	}
	return 0;
}

sub gate_close { unlink "$gate.in", "$gate.go" }
sub gate_open { spew("$gate.go", '') }

# Runs soldr with a held compiler in the background: the pid.
sub start_held
{
	my ($s, $words, $when, %o) = @_;
	gate_close();
	settle();
	my $pid = fork // die;
	if (!$pid) {
		chdir $s->dir;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$T/.held-out";
		open STDERR, '>', "$T/.held-err";
		setpgrp if $o{group};
		%ENV = Parity::environment(HOLD => $when, SOLDR_CACHE_DIR => $s->{cache}, PWD => $s->dir);
		exec {$words->[0]} @$words or POSIX::_exit(127);
	}
	ok(wait_for("$gate.in"), 'the compiler runs') or kill 'KILL', $pid;
	return $pid;
}

both {
	# C28: what lies at the output's place
	for my $umask (0, 022, 027, 077, 0777) {
		same sprintf('c28_umask_%03o', $umask), 'CC -MMD -c x.c -o y.o', 'hit', umask => $umask, once => 1 if $umask != 0777 || $> == 0;
	}
	my %at = (
		'file' => [sub { spew($_[0], 'old') }, 'hit'],
		'executable file' => [sub { spew($_[0], 'old'); chmod 0755, $_[0] }, 'hit'],
		'read-only file' => [sub { spew($_[0], 'old'); chmod 0444, $_[0] }, 'hit'],
		'link' => [sub { spew("$_[0].real", 'old'); symlink 'y.o.real', $_[0] }, 'bypass:output_special'],
		'dangling link' => [sub { symlink 'nowhere.o', $_[0] }, 'bypass:output_special'],
		'link to nowhere' => [sub { symlink 'gone/nowhere.o', $_[0] }, 'bypass:output_special'],
		'link to a device' => [sub { symlink '/dev/null', $_[0] }, 'bypass:output_special'],
		'hard link' => [sub { spew("$_[0].other", 'old'); link "$_[0].other", $_[0] }, 'hit'],
		'directory' => [sub { mkdir $_[0] }, 'bypass:output_special'],
	);
	for my $kind (sort keys %at) {
		for my $options ('', '-MMD') {
			my $s = scene(name => "c28_output$options");
			$s->step("$kind: before", "CC $options -c x.c -o y.o", 'miss');
			$at{$kind}[0]->($s->dir . '/y.o');
			$s->{dirty} = 1;
			$s->step("$kind at the output", "CC $options -c x.c -o y.o", $at{$kind}[1]);
			ok(-c '/dev/null', '/dev/null is still a device');
			next unless $options;
			$s = scene(name => 'c28_depfile');
			$s->step("$kind: before", 'CC -MMD -MF y.o -MT q -c x.c -o z.o', 'miss');
			$at{$kind}[0]->($s->dir . '/y.o');
			$s->{dirty} = 1;
			# A compiler writes through the other name of a hard link; a hit must not.
			$s->{o}{hide} = ['src/y.o.other'] if $kind eq 'hard link';
			$s->step("$kind at the depfile", 'CC -MMD -MF y.o -MT q -c x.c -o z.o', $at{$kind}[1]);
		}
	}
	# The assembler writes into an empty file and makes others anew. Without its profile the inputs are not all known, so that GCC runs twice.
	my $empty = scene(name => 'c28_empty_output');
	spew($empty->dir . '/y.o', '');
	$empty->{dirty} = 1;
	$empty->step('keeps its mode', 'CC -MMD -fprofile-use -c x.c -o y.o', {gcc => 'bypass:input_unreadable', clang => 'bypass'}, umask => 077);
	my $linked = scene(name => 'c28_depfile_linked');
	$linked->step('stored under its other name too', 'CC -MMD -c x.c', 'miss', before => sub {
		my $at = $_[0]->dir . '/x.d';
		unlink $at, "$at.other";
		spew($at, 'old');
		link $at, "$at.other";
	});
	my $s = scene(name => 'c28_no_permission', files => {'out/keep' => ''}, user => 1);
	$s->step('stored', 'CC -c x.c -o out/y.o', 'miss');
	$s->step('directory read-only', 'CC -c x.c -o out/y.o', 'bypass:output_special', before => sub { chmod 0555, $_[0]->dir . '/out' }, after => sub { chmod 0755, $_[0]->dir . '/out' });
	$s->step('directory read-only, a file is there', 'CC -c x.c -o out/y.o', 'bypass:output_special',
		before => sub { spew($_[0]->dir . '/out/y.o', 'old'); chown 65534, 65534, $_[0]->dir . '/out/y.o'; chmod 0555, $_[0]->dir . '/out' },
		after => sub { chmod 0755, $_[0]->dir . '/out' });
	$s->step('depfile stored', 'CC -MMD -c x.c', 'miss');
	$s->step('depfile read-only', 'CC -MMD -c x.c', 'bypass:output_special', before => sub { spew($_[0]->dir . '/x.d', 'old'); chmod 0444, $_[0]->dir . '/x.d' });
	$s->step("depfile of another mode, $_->[0]", "CC $_->[0] -c x.c", $_->[1], before => sub { spew($_[0]->dir . '/x.d', 'old'); chmod 0640, $_[0]->dir . '/x.d' })
		for ['-MMD', 'hit'], ['-MD', 'miss:not_seen'], ['-MMD -MP', 'miss:not_seen'], ['-MMD -MP', 'hit'];
	for my $old ('old', '') {
		my $label = $old ? '' : ', empty';
		my $chmod = sub { my ($name) = @_; sub { spew($_[0]->dir . "/$name", $old); chmod 0640, $_[0]->dir . "/$name" } };
		$s->step("object stored$label", 'CC -c x.c', 'hit');
		$s->step("object of another mode$label", 'CC -c x.c', 'hit', before => $chmod->('x.o'));
		$s->step("assembly stored$label", 'CC -S x.c', $old ? 'miss:not_seen' : 'hit');
		$s->step("assembly of another mode$label", 'CC -S x.c', 'hit', before => $chmod->('x.s'));
	}
	# The compiler writes into an empty file, which keeps its mode; a file made by the hit has that of a new one.
	my $e = scene(name => 's03_empty_output', source => "int empty_output;\n");
	$e->step('object in an empty executable file', 'CC -c x.c', 'miss', before => sub { spew($_[0]->dir . '/x.o', ''); chmod 0755, $_[0]->dir . '/x.o' });
	$e->step('then in none', 'CC -c x.c', 'hit', before => sub { unlink $_[0]->dir . '/x.o' });
	$s->step('source unreadable', 'CC -c x.c -o out/y.o', 'bypass:input_unreadable', before => sub { chmod 0, $_[0]->dir . '/x.c' }, after => sub { chmod 0644, $_[0]->dir . '/x.c' });
	$s->step('header unreadable', 'CC -c x.c -o out/y.o', 'bypass:compile_failed', before => sub { chmod 0, $_[0]->dir . '/u.h' }, after => sub { chmod 0644, $_[0]->dir . '/u.h' });
	$s->step('directory not to be searched', 'CC -Iout -c x.c', 'bypass:compile_failed', before => sub { chmod 0, $_[0]->dir . '/out' }, after => sub { chmod 0755, $_[0]->dir . '/out' });

	# A FIFO: a reader gets the bytes
	$s = scene(name => 'c28_fifo');
	$s->step('stored', 'CC -c x.c -o y.o', 'miss', keep => 1);
	my $want = $s->get('y.o');
	$s->remove('y.o');
	POSIX::mkfifo($s->dir . '/y.o', 0600);
	if ($CC eq 'clang') { # GCC's assembler seeks in its output, and fails
		my $reader = fork // die;
		if (!$reader) { spew("$T/fifo", Parity::slurp($s->dir . '/y.o')); POSIX::_exit(0) }
		my $r = $s->run_soldr('CC -c x.c -o y.o');
		waitpid $reader, 0;
		is(slurp("$T/fifo"), $want, "c28_fifo: $CC: the reader gets the object");
	}
	ok(-p $s->dir . '/y.o', "c28_fifo: $CC: it is still a FIFO");

	# C29: streams
	my $warns = "int f(int a) { int unused; return a == 3; }\n";
	for my $closed ([1], [2], [1, 2], [0], [0, 1, 2]) {
		my $refused = "@$closed" ne '0' ? 'bypass:stdio_closed' : undef; # a compile reads nothing from stdin
		same 'c29_closed_' . join('', @$closed), 'CC -Wall -c x.c', $refused // 'hit', closed => $closed, source => $warns;
		same 'c29_closed_silent_' . join('', @$closed), 'CC -MMD -c x.c', $refused // 'hit', closed => $closed;
		same 'c29_closed_error_' . join('', @$closed), 'CC -c x.c', $refused // 'bypass:compile_failed', closed => $closed, source => '#error no';
	}
	for my $case (['full device', sub { POSIX::dup2(POSIX::open('/dev/full', O_WRONLY), 2) }],
		['broken pipe', sub { my ($r, $w) = POSIX::pipe(); POSIX::close($r); POSIX::dup2($w, 2) }],
		['read-only descriptor', sub { POSIX::dup2(POSIX::open('/dev/null', O_RDONLY), 2) }],
		['SIGPIPE ignored', sub { $SIG{PIPE} = 'IGNORE'; my ($r, $w) = POSIX::pipe(); POSIX::close($r); POSIX::dup2($w, 2) }]) {
		same "c29_stderr: $case->[0]", 'CC -Wall -c x.c', 'bypass:stdio_closed', child => $case->[1], source => $warns;
		same "c29_stderr silent: $case->[0]", 'CC -Wall -c x.c', 'bypass:stdio_closed', child => $case->[1];
	}

	# C31: what the child is given
	for my $case (['nice', sub { POSIX::nice(5) }], ['ignored signals', sub { $SIG{$_} = 'IGNORE' for qw(INT TERM HUP CHLD) }],
		['blocked signals', sub { POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(POSIX::SIGTERM(), POSIX::SIGCHLD())) }],
		['another group', sub { setpgrp }]) {
		same "c31_$case->[0]", 'CC -c x.c', 'hit', child => $case->[1];
	}
	same 'c31_jobserver', 'CC -c x.c', 'hit', env => {MAKEFLAGS => ' -j2 --jobserver-auth=3,4'};
	POSIX::mkfifo("$T/jobs-$CC", 0600) or die;
	same 'c31_jobserver_fifo', 'CC -c x.c', 'hit', env => {MAKEFLAGS => " -j2 --jobserver-auth=fifo:$T/jobs-$CC"};

	# C32: wrappers in wrappers
	same 'c32_soldr_soldr', 'CC -c x.c', 'hit', soldr => $SOLDR;
	same 'c32_three', 'CC -c x.c', 'hit', soldr => "$SOLDR $SOLDR";
	if (have('ccache')) {
		# The outer one serves what it knows; what it asks for, soldr serves.
		my %own = (prefix => ['ccache'], env => {CCACHE_DIR => "$T/ccache-$CC"});
		my $both = scene(name => 'c32_ccache_soldr', %own);
		$both->step('neither knows', 'CC -c x.c', 'miss');
		$both->step('both know', 'CC -c x.c', 'none');
		$own{env} = {CCACHE_DIR => "$T/ccache-$CC-other"};
		$both->step('soldr knows', 'CC -c x.c', 'hit bypass:preprocess_only', %own);
		same 'c32_soldr_ccache', 'CC -c x.c', 'bypass:nested_wrapper', soldr => 'ccache', env => {CCACHE_DIR => "$T/ccache"};
	}
	# What distcc and icecc do when no other machine takes the job: they run the words that follow. The name alone tells soldr.
	mkdir "$T/spread-$CC";
	for my $name (qw(distcc icecc)) {
		my $program = "$T/spread-$CC/$name";
		spew("$program.c", "#include <unistd.h>\nint main(int c, char **v) { return c < 2 || execvp(v[1], v + 1); }\n");
		system('gcc', '-o', $program, "$program.c") == 0 or die;
		my %path = (env => {PATH => "$T/spread-$CC:$ENV{PATH}"});
		same "c32_soldr_$name", 'CC -c x.c', 'bypass:nested_wrapper', soldr => $name, %path;
		same "c32_${name}_soldr", 'CC -c x.c', 'hit', prefix => [$name], %path;
		same "c32_${name}_soldr_$name", 'CC -c x.c', 'bypass:nested_wrapper', prefix => [$name], soldr => $name, %path;
	}
	mkdir "$T/shims-$CC";
	symlink $SOLDR, "$T/shims-$CC/$CC";
	same 'c32_shim', [(have($CC))[0] . "/$CC", '-c', 'x.c'], 'hit', env => {PATH => "$T/shims-$CC:$ENV{PATH}"};

	# C19: the compiler is replaced
	my $bin = "$T/bin-$CC";
	mkdir $bin;
	my $held = held_compiler($bin, 'before');
	$s = scene(name => 'c19_replaced', files => {}, fresh => 1, env => {PATH => "$bin:$ENV{PATH}"});
	$s->step('first', 'CC -c x.c', 'miss:not_seen');
	$s->step('second', 'CC -c x.c', 'hit');
	my $wrapper = slurp("$bin/held.c");
	(my $other = $wrapper) =~ s/argv\[0\] = /setenv("CPATH", "$bin\/inc", 1);\n\targv[0] = /;
	spew("$bin/inc/u.h", "#define U 99\n");
	$s->put('x.c', "#include <u.h>\nint a = U;\n");
	rename $s->dir . '/u.h', $s->dir . '/v.h';
	spew("$bin/held.c", $other);
	system('gcc', '-O1', '-o', "$bin/new", "$bin/held.c") == 0 or die;
	rename "$bin/new", $held;
	settle();
	$s->step('replaced', 'CC -c x.c', $_) for 'miss:not_seen', 'hit'; # the source is another, too
	spew("$bin/inc/u.h", "#define U 98\n");
	settle();
	$s->step('its header edited', 'CC -c x.c', $_) for 'miss:input_changed', 'hit';
	if ($CC eq 'gcc') { # as alone
		my ($as) = map { "$_/as" } have('as');
		my $tools = "$T/tools";
		mkdir $tools;
		my $code = "#include <unistd.h>\nint main(int c, char **v) { (void)c; execv(\"$as\", v); return 1; }\n";
		spew("$tools/as.c", $code);
		system('gcc', '-o', "$tools/as", "$tools/as.c") == 0 or die;
		my $a = scene(name => 'c19_assembler', fresh => 1, env => {PATH => "$tools:$ENV{PATH}"});
		settle();
		$a->step('first', 'CC -c x.c', 'miss');
		$a->step('again', 'CC -c x.c', 'hit');
		$code =~ s/execv\(.*?\);/char *n[64] = {v[0], "--defsym", "added=7"}; for (int i = 1; i < c; i++) n[i + 2] = v[i]; execv("$as", n);/;
		spew("$tools/as.c", $code);
		system('gcc', '-o', "$tools/as.new", "$tools/as.c") == 0 or die;
		rename "$tools/as.new", "$tools/as";
		settle();
		$a->step('as replaced', 'CC -c x.c', 'miss');
		$a->step('again', 'CC -c x.c', 'hit');
		$a->step('as of the system', 'CC -c x.c', 'miss', env => {PATH => $ENV{PATH}});
		spew("$tools/early/as.c", $code);
		system('gcc', '-o', "$tools/early/as", '-xc', "$tools/early/as.c") == 0 or die;
		$a->step('another one earlier on PATH', 'CC -c x.c', 'miss:not_seen', env => {PATH => "$tools/early:$tools:$ENV{PATH}"});
		spew("$tools/script/as", "#!/bin/sh\nexec $as --defsym script=1 \"\$@\"\n");
		chmod 0755, "$tools/script/as";
		$a->step('a script', 'CC -c x.c', $_, env => {PATH => "$tools/script:$ENV{PATH}"}) for 'miss:not_seen', 'hit';
		spew("$tools/script/as", "#!/bin/sh\nexec $as --defsym script=2 \"\$@\"\n");
		settle();
		$a->step('the script edited', 'CC -c x.c', $_, env => {PATH => "$tools/script:$ENV{PATH}"}) for 'miss:compiler_changed', 'hit';
	}
	my $named = "$T/named-$CC";
	mkdir $named;
	spew("$named/one.sh", "#!/bin/sh\nexec $CC -DSCRIPT=1 \"\$@\"\n");
	spew("$named/script-$CC", slurp("$named/one.sh"));
	chmod 0755, "$named/script-$CC";
	same 'c19_script', ["$named/script-$CC", '-c', 'x.c'], 'bypass:compiler_script', source => "int a = SCRIPT;\n";
	symlink((have($CC))[0] . "/$CC", "$named/linked-$CC");
	same 'c19_link', ["$named/linked-$CC", '-c', 'x.c'], 'hit';

	# C12: files change while the compiler runs. The held compiler reads before or after the change.
	my $compiler = held_compiler("$T/bin-$CC", 'before');
	for my $when (qw(before after)) {
		for my $case (
			['nothing changes', sub { }],
			['header edited', sub { $_[0]->put('u.h', "#define U 4\n") }],
			['header edited, time put back', sub { $_[0]->put_unseen('u.h', "#define U 4\n") }],
			['header replaced', sub { spew($_[0]->dir . '/n.h', "#define U 4\n"); rename $_[0]->dir . '/n.h', $_[0]->dir . '/u.h' }],
			['header edited and edited back', sub { $_[0]->put_unseen('u.h', "#define U 4\n"); $_[0]->put_unseen('u.h', "#define U 3\n") }],
			['source edited', sub { $_[0]->put('x.c', "#include \"u.h\"\nlong f = U;\n") }],
			['source edited, time put back', sub { my $t = $_[0]->get('x.c'); $t =~ s/int f\(/int g(/; $_[0]->put_unseen('x.c', $t) }],
			['a header appears before', sub { $_[0]->put('first/s.h', "int s = 2;\n") }],
			['a header appears before and goes', sub { $_[0]->put('first/s.h', "int s = 2;\n"); }, sub { $_[0]->remove('first/s.h') }],
			['a .gch appears', sub { $_[0]->put('u.h.gch', "no such thing\n") }],
			['the response file changes', sub { $_[0]->put_unseen('args', '-DN=2') }],
			['the object is taken away', sub { $_[0]->remove('x.o') }],
			['the object is written by another', sub { spew($_[0]->dir . '/x.o', 'not an object') }],
		) {
			my ($name, $change, $undo) = @$case;
			my $s = scene(name => "c12_$when", fresh => 0, files => {'first/keep' => '', 'second/s.h' => "int s = 1;\n", args => '-DN=1'},
				source => "#include \"u.h\"\n#include <s.h>\nint f(int a) { return a + U + N; }\n");
			my @words = ($compiler, qw(-w -Ifirst -Isecond @args -c x.c));
			# The compiler is known already: no question of soldr's is held.
			my $pid = start_held($s, [$SOLDR, @words], $when);
			$change->($s);
			if ($undo && $when eq 'after') { $undo->($s) }
			gate_open();
			waitpid $pid, 0;
			unlink map { $s->dir . "/$_" } qw(x.o);
			$s->{dirty} = 1;
			# Taken away before the compiler wrote it, or come and gone before anybody looked for it again: no harm was done.
			my $harmless = $name =~ /nothing/ || ($name =~ /taken/ && $when eq 'before') || ($name =~ /goes/ && $when eq 'after');
			my $gch = $name =~ /gch/ ? {gcc => 'bypass:precompiled_header', clang => 'hit'} : undef;
			$s->step($name, \@words, $gch // ($harmless ? 'hit' : 'miss'));
			$s->step("$name, again", \@words, $gch // 'hit');
		}
	}

	# C30: signals
	for my $signal (qw(TERM INT HUP KILL)) {
		my $s = scene(name => "c30_$signal");
		my @words = ($compiler, qw(-MMD -c x.c -o y.o));
		my $pid = start_held($s, [$SOLDR, @words], 'before');
		my $child = slurp("$gate.in");
		chomp $child;
		kill $signal, $pid;
		waitpid $pid, 0;
		my $status = $?;
		is($status & 127, POSIX->can("SIG$signal")->(), "c30_$signal: $CC: soldr died of it");
		# While the gate is shut the compiler is still the program that holds, without children of its own.
		kill 'KILL', $child if $signal eq 'KILL';
		ok(wait_for_end($child), "c30_$signal: $CC: the compiler is gone");
		gate_open();
		ok(!-e $s->dir . '/y.o', "c30_$signal: $CC: no object");
		$s->{dirty} = 1;
		$s->step('nothing was stored', \@words, 'miss');
		is(join(' ', glob "$s->{cache}/embedded/v1/tmp/* $s->{cache}/embedded/v1/*/.soldr*"), '', "c30_$signal: $CC: no temporary file is left") if $signal ne 'KILL';
	}
	# The compiler dies of a signal
	for my $signal (qw(TERM SEGV KILL)) {
		my $s = scene(name => "c30_child_$signal");
		my $pid = start_held($s, [$SOLDR, $compiler, qw(-c x.c)], 'before');
		chomp(my $child = slurp("$gate.in"));
		kill $signal, $child;
		waitpid $pid, 0;
		is($? & 127, POSIX->can("SIG$signal")->(), "c30_child_$signal: $CC: soldr dies of the same");
		gate_open();
		is($s->stats->{reasons}{compiler_killed}, 1, "c30_child_$signal: $CC: it says why");
	}
	# Stopped and continued
	{
		my $s = scene(name => 'c30_stop');
		my $pid = start_held($s, [$SOLDR, $compiler, qw(-c x.c)], 'before', group => 1);
		kill 'STOP', -$pid;
		gate_open();
		kill 'CONT', -$pid;
		waitpid $pid, 0;
		is($?, 0, "c30_stop: $CC: goes on");
		ok(-s $s->dir . '/x.o', "c30_stop: $CC: the object is there");
	}

	# C33: many at once
	{
		my $many = 500;
		my $s = scene(name => 'c33', source => join('', map { "int f$_(int a) { return a * $_ + $_; }\n" } 1 .. 20));
		my $bare = $s->run_bare('CC -O1 -c x.c');
		my $want = $s->get('x.o');
		$s->remove('x.o');
		settle();
		my %pids;
		pipe my $start, my $go or die; # all wait until the last one is there
		for my $i (1 .. $many) {
			my $pid = fork // die;
			if (!$pid) {
				close $go;
				sysread $start, my $nothing, 1;
				close $start;
				chdir $s->dir;
				%ENV = Parity::environment(SOLDR_CACHE_DIR => $s->{cache}, PWD => $s->dir);
				exec {$SOLDR} $SOLDR, Parity::words('CC -O1 -c x.c -o ' . ($i % 2 ? 'x.o' : "x$i.o")) or POSIX::_exit(127);
			}
			$pids{$pid} = 1;
		}
		close $go;
		my $bad = 0;
		for (keys %pids) {
			waitpid $_, 0;
			$bad++ if $?;
		}
		is($bad, 0, "c33: $CC: $many compiles of one unit succeed");
		my @wrong = grep { $s->get($_) ne $want } 'x.o', map { 'x' . 2 * $_ . '.o' } 1 .. $many / 2;
		is("@wrong", '', "c33: $CC: every object is right");
		my $stats = $s->stats;
		is($stats->{compilations}, $many, "c33: $CC: each was counted once");
		my @left = grep { !/^(x\d*\.o|x\.c|u\.h)$/ } map { s{.*/}{}r } glob $s->dir . '/* ' . $s->dir . '/.[a-z]*';
		is("@left", '', "c33: $CC: nothing else is left");
	}
	# Two compiles of different meaning write to one name: whichever wins, neither may be stored under the other's key
	{
		my $s = scene(name => 'c33_same_output', source => "int f(int a) { return a + N; }\n");
		$s->step('known compiler', 'CC -DN=0 -c x.c', 'miss');
		settle();
		for my $i (1 .. 12) {
			my @pids = map {
				my $n = 2 * $i + $_;
				my $pid = fork // die;
				if (!$pid) {
					chdir $s->dir;
					%ENV = Parity::environment(SOLDR_CACHE_DIR => $s->{cache}, PWD => $s->dir);
					exec {$SOLDR} $SOLDR, Parity::words("CC -DN=$n -c x.c") or POSIX::_exit(127);
				}
				$pid;
			} 0, 1;
			waitpid $_, 0 for @pids;
		}
		my $wrong = 0;
		for my $n (2 .. 25) {
			$s->remove('x.o');
			my $bare = $s->run_bare("CC -DN=$n -c x.c");
			my $want = $s->get('x.o');
			$s->remove('x.o');
			$s->run_soldr("CC -DN=$n -c x.c");
			$wrong++ if $s->get('x.o') ne $want;
		}
		is($wrong, 0, "c33_same_output: $CC: no result under another's key");
	}
};

# C31: the descriptors that are open in the caller are open in the compiler, and no other
for my $backend ('embedded', 'null') {
	for my $name (qw(gcc clang)) {
		my ($real) = map { "$_/$name" } have($name);
		my $dir = "$T/fds-$backend-$name";
		if (!$real) {
			pass("c31_descriptors_$backend: $name # SKIP not installed");
			next;
		}
		$CC = $name;
		# Writes down what it was given each time it compiles, then becomes the compiler.
		spew("$dir/fds.c", <<"CODE");
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int compiles = 0;
	for (int i = 1; i < argc; i++)
		compiles |= !strcmp(argv[i], "-c");
	argv[0] = "$real"; /* GCC finds its parts beside that name */
	FILE *f = compiles ? fopen("$dir/report", "ae") : NULL;
	if (!f) {
		execv("$real", argv);
		return 126;
	}
	for (int i = 0; i < 64; i++)
		if (i != fileno(f) && fcntl(i, F_GETFD) >= 0)
			fprintf(f, "fd %d\\n", i);
	struct rlimit l;
	getrlimit(RLIMIT_NOFILE, &l);
	fprintf(f, "files %ld\\nnice %d\\ngroup %d\\n", (long)l.rlim_cur, nice(0), getpgrp() == getppid() || getpgrp() == getpid());
	const char *flags = getenv("MAKEFLAGS"), *fifo = flags ? strstr(flags, "auth=fifo:") : NULL;
	fprintf(f, "MAKEFLAGS %s\\n", flags ? flags : "(unset)");
	char token;
	int jobs = fifo ? open(fifo + strlen("auth=fifo:"), O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
	if (fifo)
		fprintf(f, "token %c\\n", read(jobs, &token, 1) == 1 && write(jobs, &token, 1) == 1 ? token : '-');
	fclose(f);
	execv("$real", argv);
	return 126;
}
CODE
		system('gcc', '-o', "$dir/$name", "$dir/fds.c") == 0 or die;
		# GNU make 4.4 names a FIFO. It is held open here, as by make, with one token in it.
		my $fifo = "$dir/jobs";
		POSIX::mkfifo($fifo, 0600) or die;
		sysopen my $jobs, $fifo, O_RDWR or die;
		syswrite $jobs, '+';
		my $open = sub {
			POSIX::dup2(0, $_) for 9, 10;
			$^F = 20;
		};
		for (['descriptors', $open, '-j --jobserver-auth=9,10', "fd 9\nfd 10\n"], ['fifo', undef, "-j2 --jobserver-auth=fifo:$fifo", "token +\n"]) {
			my ($kind, $child, $flags, $line) = @$_;
			unlink "$dir/report";
			spew("$dir/normal.yaml", "limits: {priority: normal}\n"); # by itself a busy machine would be another nice level
			spew("$dir/normal.yaml", "limits: {priority: normal}\n"); # by itself a busy machine would be another nice level
			# The null backend counts in statistics of its own; the embedded one compiles once and then hits twice.
			same "c31_${kind}_$backend", ["$dir/$name", '-c', 'x.c'], $backend eq 'null' ? 'none' : 'hit', child => $child,
				env => {MAKEFLAGS => $flags, SOLDR_BACKEND => $backend, SOLDR_CONFIG => "$dir/normal.yaml"};
			my $report = slurp("$dir/report");
			my $bare = substr $report, 0, length($report) / 2;
			is($report, $bare x 2, "c31_${kind}_$backend: $name: run bare and once by soldr, with the same");
			like($bare, qr/^\Q$line\E/m, "c31_${kind}_$backend: $name: it got them");
			sysread $jobs, my $token, 1 if $kind eq 'fifo';
			is($token, '+', "c31_${kind}_$backend: $name: the token is left") if $kind eq 'fifo';
		}
	}
}
$CC = 'gcc';

done_testing();
