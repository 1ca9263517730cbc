package Parity;

# Parity: what the end-to-end correctness tests (20-*.t and on) are written in.
#
# The bare compiler is the oracle. Each case runs its command bare in a
# directory, takes the directory back to what it was, and runs it through soldr
# in the same directory: every file that is there afterwards (type, mode,
# content, target of a link), standard output, standard error and exit status
# must be the same, TMPDIR must be as empty, and soldr must have counted the
# outcome that the case names. Each scene has a store of its own; what soldr
# knows about the compilers is carried over, so that they are asked only once.
#
#	same(NAME, CMD, WANT, OPTIONS)   a scene, then CMD cold, warm, and over its own outputs
#	scene(OPTIONS)                   a directory; then ->put ->remove ->step(NAME, CMD, WANT, OPTIONS)
#	both { … }                       the block for gcc and for clang
#	version                          the major version of that compiler
#
# CMD: a string cut at blanks, or a list; the words CC and CXX stand for the compiler.
# WANT: "hit" (same: a miss, then two hits; step: a hit), "miss" or "miss:REASON",
#	"bypass:REASON", "fallback:REASON", "none" (no compile was counted), "any",
#	or {gcc => …, clang => …}.
# OPTIONS: files => {NAME => TEXT}, source => TEXT of x.c, dir => working directory below
#	the scene, env => {NAME => VALUE or undef}, umask, tty => "out", "err" or "both",
#	columns, closed => [1, 2], before => sub run before every run, child => sub run in
#	the child before the exec, user => 1 (not as root), soldr => words put between soldr
#	and CMD, prefix => words put before all, hide => names below the scene whose content
#	the compiler does not repeat (it is not compared), mute => 1 (nor are its messages).

use strict;
use warnings;

use Cwd qw(abs_path);
use Errno qw(EINTR EIO);
use Exporter qw(import);
use Fcntl qw(:mode O_RDWR O_NOCTTY);
use File::Basename qw(dirname);
use File::Copy ();
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes ();

our @EXPORT = qw(same scene both version have settle slurp spew run_one stats describe $CC $T $SOLDR);

our ($CC, $T, $SOLDR);
my ($carried, $scenes, %base_env);

sub begin
{
	my $here = dirname(abs_path(__FILE__));
	$SOLDR = abs_path($ENV{SOLDR_BIN} || "$here/../../build/bin/soldr");
	BAIL_OUT("no soldr: run make, or set SOLDR_BIN") unless $SOLDR && -x $SOLDR;
	$SIG{$_} = 'DEFAULT' for qw(HUP INT QUIT TERM PIPE); # under nohup, what is sent would be ignored
	$T = abs_path(tempdir('soldr-e2e.XXXXXX', TMPDIR => 1, CLEANUP => 1));
	chmod 0755, $T; # other users' cases pass through it
	$base_env{$_} = $ENV{$_} for grep { defined $ENV{$_} } qw(PATH ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS LSAN_OPTIONS);
	%base_env = (%base_env, HOME => "$T/home", XDG_CONFIG_HOME => "$T/config", XDG_CACHE_HOME => "$T/xdg-cache",
		LC_ALL => 'C', TMPDIR => "$T/tmp");
	make_path("$T/home", "$T/config", "$T/xdg-cache", "$T/tmp");
	chmod 01777, "$T/tmp";
	$CC = 'gcc';
}
begin();

# The environment of every run, with additions.
sub environment { return (%base_env, @_) }

sub have { my ($program) = @_; return grep { -x "$_/$program" } split /:/, $ENV{PATH} }

sub both(&)
{
	my ($block) = @_;
	for my $cc (qw(gcc clang)) {
		$CC = $cc; # not local: the tests hold the same variable under another name
		have($cc) ? $block->() : pass("$cc # SKIP not installed");
	}
	$CC = 'gcc';
}

# The major version of the compiler in turn.
sub version { return qx($CC -dumpversion) =~ /^(\d+)/ ? $1 : 0 }

# ---- files -------------------------------------------------------------------------

sub slurp
{
	my ($path) = @_;
	open my $f, '<:raw', $path or return undef;
	local $/;
	my $text = <$f>;
	return defined $text ? $text : '';
}

sub spew
{
	my ($path, $text) = @_;
	make_path(dirname($path));
	open my $f, '>:raw', $path or die "$path: $!";
	print {$f} $text;
	close $f or die "$path: $!";
}

# Waits until the clock that stamps files is past now: soldr rightly keeps nothing that a change in the same tick could spoil.
sub settle
{
	my $now = Time::HiRes::clock_gettime(0); # CLOCK_REALTIME
	Time::HiRes::usleep(500) until Time::HiRes::clock_gettime(5) > $now; # CLOCK_REALTIME_COARSE
}

# Everything below a directory: {name => [kind and mode, content, stat]}.
sub snapshot
{
	my ($root, $below, $into) = (@_, '', {});
	opendir my $d, "$root$below" or die "$root$below: $!";
	for my $name (grep { !/^\.\.?\z/ } readdir $d) {
		my $at = "$below/$name";
		my @st = lstat "$root$at" or next;
		my $kind = S_IFMT($st[2]);
		my $text = S_ISLNK($st[2]) ? readlink "$root$at" : S_ISREG($st[2]) ? slurp("$root$at") // '(unreadable)' :
			S_ISCHR($st[2]) ? "device $st[6]" : '';
		# The compiler's own temporary files have random names.
		$text =~ s/\bcc\w{6}\.([a-z])/ccXXXXXX.$1/g;
		$into->{$at} = [sprintf('%06o', $st[2]), $text];
		snapshot($root, $at, $into) if S_ISDIR($st[2]);
	}
	return $into;
}

# Takes a directory back to a snapshot.
sub reset_to
{
	my ($root, $was) = @_;
	die "not below the temporary root: $root" unless index($root, "$T/") == 0;
	my $is = snapshot($root, '', {});
	for my $at (sort { $b cmp $a } keys %$is) {
		next if $was->{$at} && $was->{$at}[0] eq $is->{$at}[0] && ($was->{$at}[1] // '') eq ($is->{$at}[1] // '');
		next if S_ISDIR(oct $is->{$at}[0]) && $was->{$at} && S_ISDIR(oct $was->{$at}[0]);
		S_ISDIR(oct $is->{$at}[0]) ? rmdir "$root$at" : unlink "$root$at";
	}
	for my $at (sort keys %$was) {
		next if lstat "$root$at";
		my ($mode, $text) = ($was->{$at}[0], $was->{$at}[1]);
		if (S_ISLNK(oct $mode)) { symlink $text, "$root$at" }
		elsif (S_ISREG(oct $mode)) { spew("$root$at", $text); chmod oct($mode) & 07777, "$root$at" }
		elsif (S_ISDIR(oct $mode)) { mkdir "$root$at" }
		elsif (S_ISFIFO(oct $mode)) { POSIX::mkfifo("$root$at", oct($mode) & 07777) }
		else { die "$root$at: cannot be made again" }
	}
}

# ---- running -------------------------------------------------------------------------

# A terminal: (master, slave). Its modes stay the default ones, as a user has them.
sub open_terminal
{
	my ($columns) = @_;
	sysopen my $master, '/dev/ptmx', O_RDWR | O_NOCTTY or die "/dev/ptmx: $!";
	my $unlock = pack 'i', 0;
	ioctl $master, 0x40045431, $unlock or die "TIOCSPTLCK: $!";
	my $number = pack 'I', 0;
	ioctl $master, 0x80045430, $number or die "TIOCGPTN: $!";
	my $name = '/dev/pts/' . unpack 'I', $number;
	sysopen my $slave, $name, O_RDWR | O_NOCTTY or die "$name: $!";
	my $size = pack 'S4', 24, $columns, 0, 0;
	ioctl $master, 0x5414, $size or die "TIOCSWINSZ: $!";
	return ($master, $slave);
}

sub read_all
{
	my ($fd) = @_;
	my $all = '';
	for (;;) {
		my $n = sysread $fd, $all, 65536, length $all;
		next if !defined $n && $! == EINTR;
		return $all if !$n; # the end, or EIO: nobody holds the terminal any more
	}
}

# Runs a list of words; {status (of wait), out, err}. $o{cwd}: absolute.
sub run_one
{
	my ($words, %o) = @_;
	my ($master, $slave) = $o{tty} ? open_terminal($o{columns} // 80) : ();
	my %env = (%base_env, PWD => $o{cwd}, %{$o{env} // {}});
	my ($out, $err) = ("$T/.out", "$T/.err");
	open my $to, '>', $out or die;
	open my $et, '>', $err or die;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		$SIG{__DIE__} = sub { print STDERR @_; POSIX::_exit(126) };
		chdir $o{cwd} or die "$o{cwd}: $!";
		umask($o{umask} // 022);
		open STDIN, '<', $o{stdin} // '/dev/null' or die;
		my $tty = $o{tty} // '';
		POSIX::dup2(fileno($tty =~ /out|both/ ? $slave : $to), 1);
		POSIX::dup2(fileno($tty =~ /err|both/ ? $slave : $et), 2);
		$o{child}->() if $o{child};
		if ($o{user} && $> == 0) { $( = 65534; $) = '65534 65534'; ($<, $>) = (65534, 65534) }
		POSIX::close($_) for @{$o{closed} // []};
		%ENV = map { $_ => $env{$_} } grep { defined $env{$_} } keys %env;
		exec {$words->[0]} @$words or POSIX::_exit(127);
	}
	close $to;
	close $et;
	my $screen = '';
	if ($master) { close $slave; $screen = read_all($master) }
	my $status;
	if ($o{meanwhile}) { $o{meanwhile}->($pid) }
	waitpid $pid, 0;
	$status = $?;
	return {status => $status, out => slurp($out), err => slurp($err), screen => $screen, pid => $pid};
}

# ---- scenes ---------------------------------------------------------------------------

sub scene
{
	my (%o) = @_;
	$scenes++;
	my $s = bless {name => $o{name} // "s$scenes", root => "$T/w$scenes", cache => "$T/c$scenes", o => \%o}, __PACKAGE__;
	make_path("$s->{root}/src", "$s->{cache}/embedded/v1");
	chmod 0700, $s->{cache}, "$s->{cache}/embedded", "$s->{cache}/embedded/v1";
	if ($carried && -d "$carried/embedded/v1/compilers" && !$o{fresh}) {
		rename "$carried/embedded/v1/compilers", "$s->{cache}/embedded/v1/compilers";
	}
	$carried = $s->{cache} unless $o{fresh};
	$s->put('u.h', "#define U 3\n");
	$s->put('x.c', $o{source} // "#include \"u.h\"\n#include <stddef.h>\nint f(int a) { return a + U; }\n");
	$s->put($_, $o{files}{$_}) for sort keys %{$o{files} // {}};
	return $s;
}

sub dir { my ($s) = @_; return "$s->{root}/src" }
sub put { my ($s, $name, $text) = @_; spew($s->dir . "/$name", $text); $s->{dirty} = 1 }
sub remove { my ($s, $name) = @_; unlink $s->dir . "/$name"; $s->{dirty} = 1 }
sub get { my ($s, $name) = @_; return slurp($s->dir . "/$name") }

# New text of the same length, with the old modification time put back.
sub put_unseen
{
	my ($s, $name, $text) = @_;
	my $path = $s->dir . "/$name";
	my @st = Time::HiRes::stat($path);
	die "$name: another length" unless length $text == $st[7];
	spew($path, $text);
	Time::HiRes::utime($st[8], $st[9], $path);
	$s->{dirty} = 1;
}

sub words
{
	my ($cmd) = @_;
	my %cxx = (gcc => 'g++', clang => 'clang++');
	return map { $_ eq 'CC' ? $CC : $_ eq 'CXX' ? $cxx{$CC} : $_ } ref $cmd ? @$cmd : split ' ', $cmd;
}

sub stats
{
	my ($s) = @_;
	my %env = (%base_env, SOLDR_CACHE_DIR => $s->{cache});
	local %ENV = %env;
	open my $p, '-|', $SOLDR, 'stats', '--json' or die;
	local $/;
	my $all = JSON::PP::decode_json(<$p>);
	close $p;
	return $all;
}

# What soldr counted between two statistics: "hit", "miss:not_seen", …, several joined by a blank.
sub describe
{
	my ($before, $after) = @_;
	my @what;
	my %grown;
	for my $reason (keys %{$after->{reasons}}) {
		my $n = $after->{reasons}{$reason} - ($before->{reasons}{$reason} // 0);
		$grown{$reason} = $n if $n;
	}
	my $reasons = join '+', sort keys %grown;
	for (['hits', 'hit'], ['misses', 'miss'], ['non_cacheable', 'bypass'], ['passthrough', 'passthrough'], ['fallbacks', 'fallback']) {
		my ($key, $word) = @$_;
		my $n = $after->{$key} - $before->{$key};
		next unless $n;
		push @what, ($word eq 'hit' || !$reasons ? $word : "$word:$reasons") . ($n > 1 ? "*$n" : '');
	}
	return join(' ', @what) || 'none';
}

sub show
{
	my ($text) = @_;
	return 'nothing' unless defined $text;
	$text = length($text) . ' bytes: ' . substr $text, 0, 300;
	$text =~ s/([^\x20-\x7e\n])/sprintf '\\x%02x', ord $1/ge;
	return $text;
}

sub compare_trees
{
	my ($want, $got, $what, @hide) = @_;
	my %hidden = map { ("/$_" => 1) } @hide;
	my @bad;
	my %all = (%$want, %$got);
	for my $at (sort keys %all) {
		my ($w, $g) = ($want->{$at}, $got->{$at});
		if (!$g) { push @bad, "$what$at is missing" }
		elsif (!$w) { push @bad, "$what$at should not be there" }
		elsif ($w->[0] ne $g->[0]) { push @bad, "$what$at: mode $g->[0], want $w->[0]" }
		elsif (!$hidden{$at} && $w->[1] ne $g->[1]) { push @bad, "$what$at differs:\n got " . show($g->[1]) . "\nwant " . show($w->[1]) }
	}
	return @bad;
}

sub compare_runs
{
	my ($want, $got, $mute, @hide) = @_;
	my @bad;
	push @bad, "status $got->{status}, want $want->{status}" if $got->{status} != $want->{status};
	for my $stream ($mute ? () : qw(out err screen)) {
		push @bad, "std$stream:\n got " . show($got->{$stream}) . "\nwant " . show($want->{$stream})
			if $got->{$stream} ne $want->{$stream};
	}
	push @bad, compare_trees($want->{tree}, $got->{tree}, '.', @hide);
	push @bad, compare_trees($want->{temp}, $got->{temp}, 'TMPDIR');
	return @bad;
}

sub options { my ($s, %o) = @_; return (%{$s->{o}}, %o, cwd => $s->{root} . '/' . ($o{dir} // $s->{o}{dir} // 'src')) }

sub run_in
{
	my ($s, $words, %o) = @_;
	$o{before}->($s) if $o{before};
	if ($o{user} && $> == 0) { chown 65534, 65534, $s->{root}, map { "$s->{root}$_" } keys %{snapshot($s->{root}, '', {})}; $s->{dirty} = 1 }
	settle() if $s->{dirty};
	$s->{dirty} = 0;
	my $r = run_one($words, %o);
	$r->{tree} = snapshot($s->{root}, '', {});
	$r->{temp} = snapshot("$T/tmp", '', {});
	$o{after}->($s) if $o{after};
	return $r;
}

sub run_bare
{
	my ($s, $cmd, %o) = @_;
	%o = $s->options(%o);
	return $s->run_in([@{$o{prefix} // []}, words($cmd)], %o);
}

sub run_soldr
{
	my ($s, $cmd, %o) = @_;
	%o = $s->options(%o);
	$o{env} = {SOLDR_CACHE_DIR => $s->{cache}, %{$o{env} // {}}};
	chown 65534, 65534, grep { -e } $s->{cache}, glob "$s->{cache}/* $s->{cache}/*/* $s->{cache}/*/*/*" if $o{user} && $> == 0;
	my $before = $s->stats;
	my $r = $s->run_in([@{$o{prefix} // []}, $SOLDR, words($o{soldr} // []), words($cmd)], %o);
	$r->{outcome} = describe($before, $s->stats);
	return $r;
}

sub wanted
{
	my ($want) = @_;
	return ref $want eq 'HASH' ? $want->{$CC} : $want;
}

sub outcome_fits
{
	my ($outcome, $want) = @_;
	return 1 if $want eq 'any' || $outcome eq $want;
	return $want !~ /:/ && $outcome =~ /^\Q$want\E:/;
}

sub verdict
{
	my ($s, $name, $want, $bare, $run) = @_;
	my %o = %{$s->{o}};
	my @bad = compare_runs($bare, $run, $o{mute}, @{$o{hide} // []});
	push @bad, "outcome $run->{outcome}, want $want" unless outcome_fits($run->{outcome}, $want);
	return if !@bad;
	return map { "$name: $_" } @bad;
}

# One command, bare and through soldr, on the files as they are now.
sub step
{
	my ($s, $name, $cmd, $want, %o) = @_;
	my $was = snapshot($s->{root}, '', {});
	my $bare = $s->run_bare($cmd, %o);
	reset_to($s->{root}, $was);
	my $run = $s->run_soldr($cmd, %o);
	my @bad = $s->verdict($run->{outcome}, wanted($want), $bare, $run);
	reset_to($s->{root}, $was) unless $o{keep};
	ok(!@bad, "$s->{name}: $CC: $name") or diag("command: @{[words($cmd)]}\n", join "\n", @bad);
	return $run;
}

sub same
{
	my ($name, $cmd, $want, %o) = @_;
	my $s = scene(name => $name, %o);
	my $expect = wanted($want);
	my @wants = $expect eq 'hit' ? ('miss', 'hit', 'hit') : ($expect);
	@wants = ($expect) x 3 if $expect eq 'any';
	my $was = snapshot($s->{root}, '', {});
	my $bare = $s->run_bare($cmd);
	reset_to($s->{root}, $was);
	my @bad = $s->verdict('cold', $wants[0], $bare, $s->run_soldr($cmd));
	return $s->report($name, $cmd, @bad) if @wants == 1;
	reset_to($s->{root}, $was);
	push @bad, $s->verdict('warm', $wants[1], $bare, $s->run_soldr($cmd));
	push @bad, $s->verdict('again', $wants[2], $bare, $s->run_soldr($cmd)) unless $o{once};
	return $s->report($name, $cmd, @bad);
}

sub report
{
	my ($s, $name, $cmd, @bad) = @_;
	ok(!@bad, "$name: $CC: @{[map { length > 60 ? '…' : s/[^\x20-\x7e]/?/gr } words($cmd)]}")
		or diag("command: @{[words($cmd)]}\n", join "\n", @bad);
	return $s;
}

1;
