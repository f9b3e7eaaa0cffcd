# send.pl KEY TYPE BODY
use strict;
use warnings;

my ($key, $type, $body) = @ARGV;
$key = oct $key if $key =~ /^0/;
my $queue = msgget($key, 0);
defined $queue or die "send.pl: $!\n";
msgsnd($queue, pack('l! a*', $type, $body), 0) or die "send.pl: $!\n";
