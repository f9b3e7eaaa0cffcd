# recv.pl KEY TYPE
use strict;
use warnings;

my ($key, $type) = @ARGV;
$key = oct $key if $key =~ /^0/;
my $queue = msgget($key, 0);
defined $queue or die "recv.pl: $!\n";
# As large as the kernel lets a message be: a smaller buffer would refuse, or cut, the long ones.
open my $limit, '<', '/proc/sys/kernel/msgmax' or die "recv.pl: msgmax: $!\n";
my $largest = <$limit>;
my $message;
defined msgrcv($queue, $message, $largest, $type, 0) or die "recv.pl: $!\n";
my (undef, $body) = unpack 'l! a*', $message;
binmode STDOUT;
print $body;
