# A peer for sysv_family_test: every line of standard input is an expression, and a line with its
# value, `undef` and the reason when it has none, is the answer.
use IPC::SysV qw(:all);
use IPC::Semaphore;
use IPC::SharedMem;

$| = 1;
while (my $line = <STDIN>) {
    my $value = eval $line;
    print defined $value ? $value : 'undef | ' . ($@ || $!), "\n";
}
