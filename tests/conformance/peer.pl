# A peer for `conversation`, through IPC::SysV and IPC::Msg.
use strict;
use warnings;
use IPC::Msg;
use IPC::SysV qw(IPC_NOWAIT);

binmode $_ for *STDIN, *STDOUT;
my ($verb, @words) = @ARGV;
if ($verb eq 'ftok') {
    print IPC::SysV::ftok($words[0], ord $words[1]), "\n";
    exit;
}
my $queue = IPC::Msg->new(oct $words[0], 0) or die "msgget: $!\n";

if ($verb eq 'send') {
    my $body = do { local $/; <STDIN> } // '';
    $queue->snd($words[1], $body) or die "msgsnd: $!\n";
} elsif ($verb eq 'receive') {
    my $body;
    defined $queue->rcv($body, 65536, $words[1], IPC_NOWAIT) or die "msgrcv: $!\n";
    print $body;
} elsif ($verb eq 'stat') {
    my $stat = $queue->stat or die "msgctl: $!\n";
    print "$_:", $stat->$_, "\n" for qw(cuid cgid);
    print "msg_perm.$_:", $stat->$_, "\n" for qw(uid gid mode);
    print "msg_$_:", $stat->$_, "\n" for qw(stime rtime ctime qnum qbytes lspid lrpid);
} else {
    die "peer.pl: $verb: no such verb\n";
}
