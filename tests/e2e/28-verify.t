#!/usr/bin/perl
# verify.percent: hits that are compiled anyway and compared. The store is made
# wrong in two ways: by an entry with another one's content and right checksums,
# and by a compiler that reads a file (the knob) of which it tells nobody.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use File::Basename qw(dirname);
use File::Find ();
use File::Path qw(remove_tree);
use lib dirname(__FILE__);
use Parity;
use Test::More;

my $warns = "#include \"u.h\"\nint f(int a) { int unused; return a + U; }\n";

sub evidence { my ($s) = @_; my @all = sort glob "$s->{cache}/evidence/*"; return @all }
sub entries { my ($s) = @_; my @all = sort glob "$s->{cache}/embedded/v1/??/*.e"; return @all }

# step() with a percentage of hits to verify.
sub check
{
	my ($s, $percent, $name, $cmd, $want, %o) = @_;
	return $s->step($name, $cmd, $want, %o, env => {%{$s->{o}{env} // {}}, %{$o{env} // {}}, SOLDR_VERIFY => $percent});
}

# The entry `at` gets the content of the entry `from` (docs/formats.md): key and checksum are right, the result is not.
sub plant
{
	my ($from, $at) = @_;
	my $head = substr slurp($at), 0, 44;
	my $body = substr slurp($from), 76;
	spew($at, $head . sha256($head . $body) . $body);
}

# A compiler that does what the knob says before it runs the real one.
sub knob_compiler
{
	my ($dir) = @_;
	my ($real) = map { "$_/$CC" } have($CC);
	spew("$dir/knob.c", <<"CODE");
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char word[64] = "", text[80];
	char **words = calloc((size_t)argc + 2, sizeof *words);
	int compiles = 0;
	FILE *f = fopen("$dir/knob", "r");
	if (!words || !f || !fgets(word, sizeof word, f))
		return 126;
	fclose(f);
	for (int i = 0; i < argc; i++) {
		words[i] = argv[i];
		compiles |= !strcmp(argv[i], "-c");
	}
	words[0] = "$real"; /* GCC finds its parts beside that name */
	struct stat before = {0};
	if (compiles && (strstr(word, "edit") || strstr(word, "flip"))) {
		f = fopen("u.h", "a");
		if (!f || fstat(fileno(f), &before) != 0)
			return 126;
		fputs("int edited;\\n", f);
		fclose(f);
	}
	if (compiles && strstr(word, "warn"))
		fputs("knob: a warning\\n", stderr);
	if (compiles && strstr(word, "fail")) {
		fputs("knob: no\\n", stderr);
		return 3;
	}
	snprintf(text, sizeof text, "-DKNOB=%d", atoi(word));
	if (compiles)
		words[argc] = text;
	if (compiles && strstr(word, "flip") && fork() > 0) { /* the parent puts the header back */
		wait(NULL);
		return truncate("u.h", before.st_size) != 0;
	}
	execv("$real", words);
	return 126;
}
CODE
	system('gcc', '-O1', '-o', "$dir/$CC", "$dir/knob.c") == 0 or die;
}

sub text_below
{
	my ($dir) = @_;
	my $all = '';
	File::Find::find({no_chdir => 1, wanted => sub { $all .= slurp($_) if -f $_ }}, $dir);
	return $all;
}

both {
	# A cache that is right stays as it is, and the build gets the compiler's bytes.
	for my $case (['plain', 'CC -O2 -c x.c'], ['depfile', 'CC -MD -c x.c -o y.o'], ['user_depfile', 'CC -MMD -MF y.dep -c x.c'],
		['warning', 'CC -Wall -MMD -c x.c'], ['assembly', 'CC -S x.c'], ['preprocessed', 'CC -c p.i'],
		['terminal', 'CC -Wall -c x.c', tty => 'both']) {
		my ($name, $cmd, %o) = @$case;
		my $s = scene(name => "verify_$name", source => $warns, files => {'p.i' => "int f(void) { return 3; }\n"}, %o);
		check($s, 100, 'first', $cmd, 'miss:not_seen');
		my @before = map { slurp($_) } entries($s);
		check($s, 100, 'verified', $cmd, 'miss:verified');
		check($s, 100, 'verified again', $cmd, 'miss:verified');
		check($s, 0, 'served', $cmd, 'hit');
		is_deeply([map { slurp($_) } entries($s)], \@before, "verify_$name: $CC: the store stays as it is");
		is_deeply([evidence($s)], [], "verify_$name: $CC: no evidence");
		is($s->stats->{verified}, 2, "verify_$name: $CC: counted");
	}

	# Several sources in one call: a wrong entry of one speaks for all.
	my $several = scene(name => 'verify_several', files => {'a.c' => 'int a;', 'b.c' => 'long b;', 'c.c' => 'short c;'});
	check($several, 0, 'one', 'CC -c b.c', 'miss');
	my ($of_b) = entries($several);
	check($several, 0, 'all', 'CC -c a.c b.c c.c', 'miss');
	check($several, 100, 'all right', 'CC -c a.c b.c c.c', 'miss:verified');
	my ($of_another) = grep { $_ ne $of_b } entries($several);
	plant($of_another, $of_b);
	check($several, 100, 'one wrong', 'CC -c a.c b.c c.c', 'miss:verify_mismatch');

	# A wrong entry.
	my $s = scene(name => 'verify_planted', files => {'other.c' => "int g(void) { return 9; }\n"}, env => {TOKEN => 's3cr3t'});
	check($s, 0, 'first', 'CC -c x.c', 'miss');
	my ($at) = entries($s);
	my $right = slurp($at);
	check($s, 0, 'another', 'CC -c other.c -o x.o', 'miss', keep => 1);
	my $wrong = $s->get('x.o');
	my ($from) = grep { $_ ne $at } entries($s);
	plant($from, $at);
	isnt($s->run_soldr('CC -c x.c')->{tree}{'/src/x.o'}, undef, "verify_planted: $CC: it is served");
	is($s->get('x.o'), $wrong, "verify_planted: $CC: and wrong");
	my $log = "$s->{root}.log";
	check($s, 100, 'it is caught', 'CC -c x.c', 'miss:verify_mismatch', keep => 1, env => {SOLDR_LOG => $log});
	my ($dir, @more) = evidence($s);
	is(@more, 0, "verify_planted: $CC: one piece of evidence");
	like($dir, qr{/\d{8}T\d{6}Z-[0-9a-f]{16}$}, "verify_planted: $CC: its name");
	is(slurp("$dir/stored/object"), $wrong, "verify_planted: $CC: it holds what was stored");
	is(slurp("$dir/compiled/object"), $s->get('x.o'), "verify_planted: $CC: and what was compiled");
	ok(-s "$dir/entry" && -s "$dir/manifest", "verify_planted: $CC: and the files of the store");
	like(slurp("$dir/README.txt"), qr/^object: \d+ bytes stored, \d+ compiled; the first difference is at offset \d+$/m,
		"verify_planted: $CC: and says what differs");
	like(slurp("$dir/key.txt"), qr/^direct [0-9a-f]{64}\n(?:[a-z]+ [0-9a-f]{64}\n){7}\z/, "verify_planted: $CC: and the key");
	like(slurp("$dir/request.txt"), qr/^variable TOKEN$/m, "verify_planted: $CC: the variable is named");
	unlike(text_below($dir), qr/s3cr3t/, "s11: verify_planted: $CC: its value is nowhere");
	like(slurp($log), qr/warn embedded: a hit would have been wrong: object: .*; evidence is in \Q$dir\E \[E739\]$/m, "verify_planted: $CC: it is logged");
	unlike(slurp($log), qr/s3cr3t/, "s11: verify_planted: $CC: nor in the log");
	check($s, 0, 'mended', 'CC -c x.c', 'hit');
	check($s, 100, 'and right', 'CC -c x.c', 'miss:verified');
	is($s->stats->{verify_mismatches}, 1, "verify_planted: $CC: counted once");

	# Nothing looked up, nothing verified.
	check($s, 100, 'recache', 'CC -c x.c', 'miss:recache', env => {SOLDR_RECACHE => 1});

	# A read-only store: the build gets the right bytes, and the store stays as it is.
	plant($from, $at);
	my $planted = slurp($at);
	unlink $log;
	check($s, 100, 'read-only, wrong', 'CC -c x.c', 'none', env => {SOLDR_READONLY => 1, SOLDR_LOG => $log});
	is(slurp($at), $planted, "verify_planted: $CC: read-only: the entry stays");
	is_deeply([evidence($s)], [$dir], "verify_planted: $CC: read-only: no evidence");
	like(slurp($log), qr/would have been wrong: object: .*read-only/, "verify_planted: $CC: read-only: it is logged");

	# Evidence that cannot be kept is no reason to keep the entry.
	remove_tree("$s->{cache}/evidence");
	spew("$s->{cache}/evidence", 'in the way');
	check($s, 100, 'no room for evidence', 'CC -c x.c', 'miss:verify_mismatch');
	check($s, 0, 'mended all the same', 'CC -c x.c', 'hit');

	# Several outputs and messages: the depfile and the warning of another compile.
	$s = scene(name => 'verify_parts', source => $warns, files => {'v.h' => "#define U 4\n"});
	check($s, 0, 'first', 'CC -Wall -MMD -c x.c', 'miss');
	($at) = entries($s);
	$s->put('y.c', "#include \"v.h\"\n" . $warns =~ s/unused/nobody/r =~ s/.*\n//r);
	check($s, 0, 'another', 'CC -Wall -MMD -c y.c', 'miss');
	($from) = grep { $_ ne $at } entries($s);
	plant($from, $at);
	check($s, 100, 'it is caught', 'CC -Wall -MMD -c x.c', 'miss:verify_mismatch');
	($dir) = evidence($s);
	like(slurp("$dir/README.txt"), qr/^$_: \d+ bytes stored/m, "verify_parts: $CC: $_") for qw(depfile object stderr);
	like(slurp("$dir/stored/stderr"), qr/nobody/, "verify_parts: $CC: stored messages");
	like(slurp("$dir/compiled/stderr"), qr/unused/, "verify_parts: $CC: compiled messages");
	check($s, 0, 'mended', 'CC -Wall -MMD -c x.c', 'hit');

	# A compiler that reads a file of which it tells nobody.
	my $bin = "$T/knob-$CC";
	mkdir $bin;
	spew("$bin/knob", '1');
	knob_compiler($bin);
	my $set = sub { my ($word) = @_; return (before => sub { spew("$bin/knob", $word) }) };
	$s = scene(name => 'verify_knob', fresh => 1, env => {PATH => "$bin:$ENV{PATH}"}, source => "#include \"u.h\"\nint a = KNOB + U;\n",
		files => {'p.i' => "int b;\n"});
	check($s, 0, 'first', 'CC -c x.c', 'miss');
	check($s, 0, 'other header', 'CC -c x.c', 'miss:input_changed', before => sub { $_[0]->put('u.h', "#define U 5\n") });
	check($s, 100, 'nothing changed', 'CC -c x.c', 'miss:verified');
	check($s, 100, 'the knob was turned', 'CC -c x.c', 'miss:verify_mismatch', $set->('2'));
	is(scalar evidence($s), 1, "verify_knob: $CC: evidence");
	check($s, 0, 'the result is new', 'CC -c x.c', 'hit');
	check($s, 100, 'the other header has its candidate still', 'CC -c x.c', 'miss:verified',
		before => sub { spew("$bin/knob", '1'); $_[0]->put('u.h', "#define U 5\n") });
	check($s, 100, 'a new warning', 'CC -c x.c', 'miss:verify_mismatch', $set->('2 warn'));
	check($s, 100, 'no list of inputs, a new warning', 'CC -c p.i', 'miss', $set->('1'));
	check($s, 100, 'no list of inputs, a new warning', 'CC -c p.i', 'bypass:verify_mismatch', $set->('1 warn'));
	check($s, 0, 'it was dropped', 'CC -c p.i', 'miss:not_seen', $set->('1'));

	# A compiler that does not agree with itself (GCC's stamps) is no fault of the cache.
	my $stamped = scene(name => 'verify_stamp', fresh => 1);
	for my $run ([0, 'miss:not_seen'], [100, $CC eq 'gcc' ? 'miss:verify_undecided' : 'miss:verified'], [0, 'hit']) {
		my $r = $stamped->run_soldr('CC --coverage -c x.c', env => {SOLDR_VERIFY => $run->[0]});
		like($r->{outcome}, qr/^$run->[1]/, "verify_stamp: $CC: $run->[1]");
	}
	is(scalar evidence($stamped), 0, "verify_stamp: $CC: no evidence");

	# A compile that fails where the store has a result.
	check($s, 100, 'failing', 'CC -c x.c', 'bypass:verify_mismatch', $set->('2 fail'));
	check($s, 0, 'it was dropped', 'CC -c x.c', 'miss', $set->('2'));

	# A secret among the arguments does not get into the evidence.
	check($s, 0, 'with a secret', 'CC -DDB_PASSWORD=hunter2hunter -c x.c', 'miss', $set->('1'));
	check($s, 100, 'with a secret, the knob was turned', 'CC -DDB_PASSWORD=hunter2hunter -c x.c', 'miss:verify_mismatch', $set->('2'));
	my ($with) = grep { slurp("$_/request.txt") =~ /DB_PASSWORD/ } evidence($s);
	ok($with, "s11: verify_knob: $CC: the option is in the evidence");
	unlike(text_below($with), qr/hunter2/, "s11: verify_knob: $CC: its secret is not");

	# Inputs that move: no verdict.
	my $count = evidence($s);
	check($s, 100, 'a header is edited meanwhile', 'CC -c x.c', 'bypass:input_modified', $set->('3 edit'));
	check($s, 100, 'a header is edited meanwhile, and back', 'CC -c x.c', 'bypass:input_modified', $set->('3 flip'));
	check($s, 100, 'a header is edited meanwhile, and the compile fails', 'CC -c x.c', 'bypass:compile_failed', $set->('3 edit fail'));
	is(scalar evidence($s), $count, "verify_knob: $CC: no evidence of that");
};

# The front door sums up.
my $s = scene(name => 'verify_door', files => {Makefile => "all: x.o y.o\n%.o: %.c\n\tgcc -c \$<\n", 'y.c' => "int y;\n", 'z.c' => "int z;\n"});
my %env = (SOLDR_CACHE_DIR => $s->{cache}, SOLDR_VERIFY => 100);
sub build { unlink map { $s->dir . "/$_.o" } qw(x y); settle(); return run_one([$SOLDR, 'make', '-s'], cwd => $s->dir, env => \%env) }
my $r = build();
unlike($r->{err}, qr/verified/, 'front door: nothing verified, nothing said');
$r = build();
like($r->{err}, qr/^soldr:   hit rate 0\.0 %, time saved 0 ms, verified 2$/m, 'front door: how many were verified');
unlike($r->{err}, qr/evidence/, 'front door: no word of evidence');
is(() = $r->{err} =~ /\n/g, 5, 'front door: five lines');
my ($at) = entries($s);
$s->run_soldr('gcc -c z.c');
my ($from) = grep { my $e = $_; $e ne $at } reverse entries($s);
plant($from, $at);
$r = build();
like($r->{err}, qr/, verified 2$/m, 'front door: a mismatch is verified too');
like($r->{err}, qr{^soldr:   1 of the verified would have been wrong: see \Q$s->{cache}\E/evidence$}m, 'front door: where the evidence is');
is(() = $r->{err} =~ /\n/g, 5, 'front door: five lines then too');
my ($summary) = reverse sort glob "$s->{cache}/runs/*/summary.json";
my $counts = JSON::PP::decode_json(slurp($summary))->{counts};
is("$counts->{verified}/$counts->{verify_mismatches}", '1/1', 'summary.json has both counts');
$r = run_one([$SOLDR, 'stats'], cwd => $s->dir, env => \%env);
like($r->{out}, qr{^verified +3 hits compiled anyway and the same\n +1 were not the same: see \Q$s->{cache}\E/evidence$}m, 'stats has both counts');

done_testing;
