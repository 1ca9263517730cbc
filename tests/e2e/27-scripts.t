#!/usr/bin/perl
# Compilers that are shell scripts: followed where their text leaves no doubt,
# declared in the config, or refused. Row C19 of the project's correctness list.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Parity;
use Test::More;

both {
	# A script that leaves no doubt stands for its command, here with the driver's own messages in its name.
	my $driver = (have($CC))[0] . "/$CC";
	my $named = "$T/named-$CC";
	my $script = sub {
		my ($name, $text) = @_;
		spew("$named/$name", $text);
		chmod 0755, "$named/$name";
		return "$named/$name";
	};
	my $plain = $script->('cc', "#!/bin/sh\n# plain\nset -e\nexec $driver -g '-DSCRIPT=\"a b\"' \"\$@\" -DAFTER\n");
	my $warns = "#ifndef AFTER\n#error\n#endif\nstatic int a; const char *s = SCRIPT, *f = __FILE__;\n";
	for my $options ('-c x.c', '-Wall -MMD -c x.c -o y.o', '-c x.c -lfoo') {
		same 'c19_plain_script', [$plain, split / /, $options], 'hit', source => $warns;
	}
	same 'c19_plain_script_fails', [$plain, '-c', 'x.c'], 'bypass:compile_failed', source => "int a\n";
	same 'c19_plain_script_bypassed', [$plain, '--version'], 'bypass:probe';
	same 'c19_shell_is_swayed', [$plain, '-c', 'x.c'], 'bypass:compiler_script', source => $warns, env => {BASH_ENV => '/dev/null'};
	my $two = scene(name => 'c19_two_directories', files => {'a/x.c' => $warns, 'b/x.c' => $warns});
	$two->step('in one', [$plain, '-c', 'x.c'], 'miss', dir => 'src/a');
	$two->step('in another: -g stands in the script', [$plain, '-c', 'x.c'], 'miss', dir => 'src/b');
	$two->step('in the first again', [$plain, '-c', 'x.c'], 'hit', dir => 'src/a');
	my $edited = scene(name => 'c19_script_edited', source => "int a = SCRIPT;\n");
	my $cc = $script->("edited-$CC", "#!/bin/sh\nexec $driver -DSCRIPT=1 \"\$@\"\n");
	$edited->step('one', [$cc, '-c', 'x.c'], 'miss');
	$edited->step('the same', [$cc, '-c', 'x.c'], 'hit');
	$edited->step('by its command', [$driver, '-DSCRIPT=1', '-c', 'x.c'], 'hit');
	$script->("edited-$CC", "#!/bin/sh\nexec $driver -DSCRIPT=2 \"\$@\"\n");
	$edited->step('edited', [$cc, '-c', 'x.c'], 'miss');
	my $outer = $script->("outer-$CC", "#!/bin/sh\nexec $cc -DOUTER \"\$@\"\n");
	same 'c19_script_of_a_script', [$outer, '-c', 'x.c'], 'hit', source => "int a = SCRIPT;\n#ifndef OUTER\n#error\n#endif\n";
	my $nested = $script->("nested-$CC", "#!/bin/sh\nexec $named/distcc $driver \"\$@\"\n");
	$script->('distcc', "#!/bin/sh\nexec \"\$@\"\n");
	same 'c19_script_of_a_wrapper', [$nested, '-c', 'x.c'], 'bypass:nested_wrapper';
	same 'c19_script_of_nothing', [$script->("gone-$CC", "#!/bin/sh\nexec $named/none \"\$@\"\n"), '-c', 'x.c'], 'bypass:compiler_script';
	my $other = $script->("other-$CC", "#!/bin/sh\nCC=$driver\nexec \"\$CC\" -DSCRIPT=1 \"\$@\"\n");
	my $config = "$T/scripts-$CC.yaml";
	spew($config, "backends: {embedded: {plugin: embedded, options: {compiler_scripts: {\"$other\": '$driver -DSCRIPT=1'}}}}\n");
	same 'c19_script_undeclared', [$other, '-c', 'x.c'], 'bypass:compiler_script', source => "int a = SCRIPT;\n";
	same 'c19_script_declared', [$other, '-c', 'x.c'], 'hit', source => "int a = SCRIPT;\n", env => {SOLDR_CONFIG => $config};
	spew($config, "backends: {embedded: {plugin: embedded, options: {compiler_scripts: {\"$other\": \"$CC -m32\"}}}}\n");
	my $wrong = scene(name => 'c19_declared_without_path', source => "int a = SCRIPT;\n", env => {SOLDR_CONFIG => $config});
	my $run = $wrong->run_soldr([$other, '-c', 'x.c']);
	is($run->{status} >> 8, 111, "c19: $CC: a declared command without a path is an error");
	like($run->{err}, qr{compiler_scripts: \Q$other\E: .*absolute path}, "c19: $CC: that says what to write");
};

done_testing();
