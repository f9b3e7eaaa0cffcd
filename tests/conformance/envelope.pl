# A sender of envelopes that knows docs/wire-format.md and nothing else of myq.
#
# print [OPTION=VALUE...]          the envelope around standard input, to standard output
# send KEY TYPE [OPTION=VALUE...]  the same, into a queue
# confirm KEY TYPE [...]           the same, and prints the status that the daemon confirms it with
# call KEY TYPE [...]              the same, and prints the handler's reply; exits with the status of its end
# blob KEY TYPE [OPTION=VALUE...]  as send, with the body in shared memory
#
# Options: id (32 hexadecimal digits), due, delay, expires (milliseconds), unique (a text).
use strict;
use warnings;
use IPC::Msg;
use IPC::SysV qw(IPC_CREAT IPC_PRIVATE IPC_RMID IPC_SET IPC_STAT memread memwrite shmat shmdt);

my @table = map {
    my $value = $_;
    $value = $value >> 1 ^ ($value & 1 ? 0x82F63B78 : 0) for 1 .. 8;
    $value;
} 0 .. 255;

sub crc32c {
    my $crc = 0xFFFFFFFF;
    $crc = $crc >> 8 ^ $table[($crc ^ $_) & 0xFF] for unpack 'C*', $_[0];
    return $crc ^ 0xFFFFFFFF;
}

sub random_bytes {
    open my $random, '<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
    read $random, my $bytes, $_[0];
    return $bytes;
}

sub option {
    my ($tag, $value) = @_;
    return pack('v v', $tag, length $value) . $value;
}

sub envelope {
    my ($body, $options, $id, $kind) = @_;
    $id ||= random_bytes(16);
    my $head = sub {
        return pack 'a8 C C v V V V a16',
            "\x89myq\r\n\x1a\n", 1, $kind // 1, 40 + length $options, length $body, $_[0], 0, $id;
    };
    return $head->(crc32c($head->(0) . $options . $body)) . $options . $body;
}

sub make_reply_queue {
    my ($daemon_uid) = @_;
    my $queue = IPC::Msg->new(IPC_PRIVATE, IPC_CREAT | 0600) or die "msgget: $!\n";
    $queue->snd(1, '') or die "msgsnd: $!\n";    # sign it: the kernel keeps who received last
    defined $queue->rcv(my $nothing, 0, 1, 0) or die "msgrcv: $!\n";
    my $token = (unpack('Q<', random_bytes(8)) >> 2) || 1;
    $queue->snd($token + 1, '') or die "msgsnd: $!\n";    # the proof, which stays
    $queue->set(uid => $daemon_uid) or die "msgctl: $!\n";
    return ($queue, $token);
}

sub wait_for_confirm {
    my ($queue, $token, $sequence) = @_;
    while (1) {
        defined $queue->rcv(my $answer, 8192, $token, 0) or die "msgrcv: $!\n";
        next unless length $answer >= 40;
        my ($kind, $head_size) = unpack 'x9 C v', $answer;
        next unless $kind == 5;
        for (unpack '(a16)*', substr $answer, $head_size) {
            my ($first, $count, $status) = unpack 'Q< V V', $_;
            return $status if $first <= $sequence && $sequence < $first + $count;
        }
    }
}

sub fetch_reply {
    my ($id, $checksum, $size, $token) = unpack 'l< V Q< a16', $_[0];
    my $memory = shmat($id, undef, 0) // die "shmat: $!\n";
    memread($memory, my $head, 0, 40) or die "memread: $!\n";
    my $is_ours = $head eq pack 'a12 a4 a16 Q<', "\x89myqrepl" . pack('V', 1),
        substr($head, 12, 4), $token, $size;
    if ($is_ours) {
        memread($memory, my $reply, 64, $size) or die "memread: $!\n";
        shmctl($id, IPC_RMID, 0);
        shmdt($memory);
        return $reply if crc32c($reply) == $checksum;
    }
    die "the reply is not where it should be\n";
}

sub wait_for_reply {
    my ($queue, $token, $sequence, $progress) = @_;
    my $reply = '';
    while (1) {
        defined $queue->rcv(my $answer, 8192, $token, 0) or die "msgrcv: $!\n";
        next unless length $answer >= 72;
        my ($kind, $head_size) = unpack 'x9 C v', $answer;
        next unless $kind == 4;
        my ($number, $status, $text_size, $first, $second) =
            unpack 'Q< V V Q< Q<', substr $answer, $head_size;
        my $text = substr $answer, $head_size + 32, $text_size;
        next unless $number == $sequence;
        if ($status >= 16) {    # news
            $progress->($first, $second, $text) if $status == 17;
            next;
        }
        if ($status == 1) {    # done, but its reply has no room in this queue
            my $reference = substr $answer, $head_size + 32 + $text_size;
            return length $reference ? (0, '', fetch_reply($reference)) : ($status, $text, '');
        }
        $reply = '' if $first == 0;
        $reply .= substr $answer, $head_size + 32 + $text_size if $first == length $reply;
        return ($status, $text, $reply) if length $reply >= $second;
    }
}

sub make_blob {
    my ($body, $queue_key, $daemon_uid) = @_;
    my $token = random_bytes(16);
    my $id = shmget(IPC_PRIVATE, 64 + length $body, 0700) // die "shmget: $!\n";
    my $memory = shmat($id, undef, 0) // die "shmat: $!\n";
    memwrite($memory, pack('a8 V l< a16 Q<', "\x89myqblob", 1, $queue_key, $token, length $body),
        0, 48);
    # struct shmid_ds begins with the key, the uid of the owner, three more ids and the mode.
    shmctl($id, IPC_STAT, my $status) or die "shmctl: $!\n";
    substr $status, 4, 4, pack 'L', $daemon_uid;
    substr $status, 20, 2, pack 'S', 0600;
    shmctl($id, IPC_SET, $status) or die "shmctl: $!\n";
    memwrite($memory, $body, 64, length $body);
    # Keep the memory attached until the message is sent; the second is the envelope's body.
    return ($memory, pack 'l< V Q< a16', $id, crc32c($body), length $body, $token);
}

sub deliver {
    my ($key, $type, $message) = @_;
    my $queue = IPC::Msg->new(oct $key, 0) or die "msgget: $!\n";
    $queue->snd($type, $message) or die "msgsnd: $!\n";
}

binmode $_ for *STDIN, *STDOUT;
my ($verb, @words) = @ARGV;
my @place = grep { !/=/ } @words;
my %given = map { split /=/, $_, 2 } grep { /=/ } @words;
my $options = '';
my @times = ([1, 'due'], [2, 'delay'], [3, 'expires']);
for (grep { defined $given{$_->[1]} } @times) {
    $options .= option($_->[0], pack 'q<', $given{$_->[1]});
}
$options .= option(4, $given{unique}) if defined $given{unique};
my $id = pack 'H*', $given{id} // '';
my $body = do { local $/; <STDIN> } // '';

if ($verb eq 'print') {
    print envelope($body, $options, $id);
} elsif ($verb eq 'send') {
    deliver(@place, envelope($body, $options, $id));
} elsif ($verb eq 'confirm') {
    my ($replies, $token) = make_reply_queue(scalar getpwnam 'myq');
    $options .= option(5, pack 'l< q< Q<', $replies->id, $token, 1);
    deliver(@place, envelope($body, $options, $id));
    print wait_for_confirm($replies, $token, 1), "\n";
    $replies->remove;
} elsif ($verb eq 'call') {
    my ($replies, $token) = make_reply_queue(scalar getpwnam 'myq');
    $options .= option(6, pack 'l< q< Q<', $replies->id, $token, 1);
    deliver(@place, envelope($body, $options, $id));
    my ($status, $text, $reply) =
        wait_for_reply($replies, $token, 1, sub { print "$_[0]/$_[1] $_[2]\n" });
    $replies->remove;
    print $reply;
    print STDERR $text;
    exit $status;
} elsif ($verb eq 'blob') {
    my ($memory, $reference) = make_blob($body, oct $place[0], scalar getpwnam 'myq');
    deliver(@place, envelope($reference, $options, $id, 3));
    shmdt($memory);
} else {
    die "envelope.pl: $verb: no such verb\n";
}
