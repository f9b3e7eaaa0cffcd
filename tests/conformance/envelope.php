<?php
// A sender of envelopes that knows docs/wire-format.md and nothing else of myq.
//
// print [OPTION=VALUE...]          the envelope around standard input, to standard output
// send KEY TYPE [OPTION=VALUE...]  the same, into a queue
// confirm KEY TYPE [...]           the same, and prints the status that the daemon confirms it with
// call KEY TYPE [...]              the same, and prints the handler's reply; exits with the status of its end
// blob KEY TYPE [OPTION=VALUE...]  as send, with the body in shared memory
//
// Options: id (32 hexadecimal digits), due, delay, expires (milliseconds), unique (a text).

function option(int $tag, string $value): string
{
    return pack('vv', $tag, strlen($value)) . $value;
}

function envelope(string $body, string $options = '', string $id = '', int $kind = 1): string
{
    $start = "\x89myq\r\n\x1a\n" . pack('CCvV', 1, $kind, 40 + strlen($options), strlen($body));
    $end = pack('V', 0) . ($id ?: random_bytes(16)) . $options . $body;
    $crc = hash('crc32c', $start . "\0\0\0\0" . $end, true);
    return $start . strrev($crc) . $end;
}

function fetchReply(string $reference): string
{
    ['id' => $id, 'size' => $size] = unpack('Vid/Vcrc/Psize', $reference);
    $libc = FFI::cdef('
        char *shmat(int id, const void *address, int flags);
        int shmdt(const void *address);
        int shmctl(int id, int command, void *buffer);
    ');
    $memory = $libc->shmat($id, null, 0);
    if (FFI::cast('long', $memory)->cdata === -1) {
        throw new RuntimeException('the reply is gone');
    }
    $head = FFI::string($memory, 40);
    $reply = '';
    $expected = substr($reference, 16) . pack('P', $size);
    if (str_starts_with($head, "\x89myqrepl") && substr($head, 16) === $expected) {
        $reply = FFI::string($memory + 64, $size);
        $libc->shmctl($id, 0, null); // IPC_RMID
    }
    $libc->shmdt($memory);
    if (strrev(hash('crc32c', $reply, true)) !== substr($reference, 4, 4)) {
        throw new RuntimeException('the reply is not what it should be');
    }
    return $reply;
}

// PHP's own functions do not tell the id of a queue, so this needs FFI, which the command line has.
final class ReplyQueue
{
    public readonly int $id;
    public readonly int $token;
    private FFI $libc;

    public function __construct(int $daemonUid)
    {
        $this->libc = FFI::cdef('
            int msgget(int key, int flags);
            int msgctl(int id, int command, void *buffer);
            int msgsnd(int id, const void *message, size_t size, int flags);
            long msgrcv(int id, void *message, size_t size, long type, int flags);
        ');
        $this->id = $this->libc->msgget(0, 0600); // IPC_PRIVATE
        $this->token = random_int(1, PHP_INT_MAX - 1);
        // Sign it: the kernel keeps who received last.
        $message = $this->libc->new('long[1]');
        $message[0] = 1;
        $this->libc->msgsnd($this->id, $message, 0, 0);
        $this->libc->msgrcv($this->id, $message, 0, 0, 0);
        $message[0] = $this->token + 1; // the proof, which stays
        $this->libc->msgsnd($this->id, $message, 0, 0);
        // struct msqid_ds is smaller than this, and begins with the key and the uid of the owner.
        $status = $this->libc->new('unsigned int[64]');
        $this->libc->msgctl($this->id, 2, $status); // IPC_STAT
        $status[1] = $daemonUid;
        $this->libc->msgctl($this->id, 1, $status); // IPC_SET
    }

    public function __destruct()
    {
        $this->libc->msgctl($this->id, 0, null); // IPC_RMID
    }

    public function waitForConfirm(int $sequence): int
    {
        $message = $this->libc->new('long[1025]');
        for (;;) {
            $size = $this->libc->msgrcv($this->id, $message, 8192, $this->token, 0);
            if ($size < 40) {
                continue;
            }
            $answer = substr(FFI::string(FFI::cast('char *', FFI::addr($message)), 8 + $size), 8);
            $head = unpack('@9/Ckind/vsize', $answer);
            if ($head['kind'] !== 5) {
                continue;
            }
            foreach (str_split(substr($answer, $head['size']), 16) as $run) {
                ['first' => $first, 'count' => $count, 'status' => $status] =
                    unpack('Pfirst/Vcount/Vstatus', $run);
                if ($first <= $sequence && $sequence < $first + $count) {
                    return $status;
                }
            }
        }
    }

    /** @return array{status: int, text: string, reply: string} */
    public function waitForReply(int $sequence, callable $progress): array
    {
        $message = $this->libc->new('long[1025]');
        $reply = '';
        for (;;) {
            $size = $this->libc->msgrcv($this->id, $message, 8192, $this->token, 0);
            if ($size < 72) {
                continue;
            }
            $answer = substr(FFI::string(FFI::cast('char *', FFI::addr($message)), 8 + $size), 8);
            $head = unpack('@9/Ckind/vsize', $answer);
            if ($head['kind'] !== 4) {
                continue;
            }
            $body = substr($answer, $head['size']);
            ['number' => $number, 'status' => $status, 'size' => $size, 'first' => $first,
                'second' => $second] = unpack('Pnumber/Vstatus/Vsize/Pfirst/Psecond', $body);
            $text = substr($body, 32, $size);
            if ($number !== $sequence) {
                continue;
            }
            if ($status >= 16) { // news
                if ($status === 17) {
                    $progress($first, $second, $text);
                }
                continue;
            }
            if ($status === 1) { // done, but its reply has no room in this queue
                $reference = substr($body, 32 + $size);
                return $reference === ''
                    ? ['status' => $status, 'text' => $text, 'reply' => '']
                    : ['status' => 0, 'text' => '', 'reply' => fetchReply($reference)];
            }
            if ($first === 0) {
                $reply = '';
            }
            if ($first === strlen($reply)) {
                $reply .= substr($body, 32 + $size);
            }
            if (strlen($reply) >= $second) {
                return ['status' => $status, 'text' => $text, 'reply' => $reply];
            }
        }
    }
}

// A body in shared memory. Keep the object until the message is sent.
final class Blob
{
    public readonly string $reference; // the body of the envelope
    private FFI $libc;
    private FFI\CData $memory;

    public function __construct(string $body, int $queueKey, int $daemonUid)
    {
        $this->libc = FFI::cdef('
            int shmget(int key, size_t size, int flags);
            char *shmat(int id, const void *address, int flags);
            int shmdt(const void *address);
            int shmctl(int id, int command, void *buffer);
        ');
        $token = random_bytes(16);
        $id = $this->libc->shmget(0, 64 + strlen($body), 0700); // IPC_PRIVATE
        if ($id < 0) {
            throw new RuntimeException('no shared memory: see ipcs -lm');
        }
        $this->memory = $this->libc->shmat($id, null, 0);
        $head = "\x89myqblob" . pack('VV', 1, $queueKey) . $token . pack('P', strlen($body));
        FFI::memcpy($this->memory, $head, strlen($head));
        // struct shmid_ds is smaller than this, and begins with the key, the uid of the owner, three
        // more ids and the mode.
        $status = $this->libc->new('unsigned int[64]');
        $this->libc->shmctl($id, 2, $status); // IPC_STAT
        $status[1] = $daemonUid;
        $status[5] = 0600;
        $this->libc->shmctl($id, 1, $status); // IPC_SET
        FFI::memcpy($this->memory + 64, $body, strlen($body));
        $crc = strrev(hash('crc32c', $body, true));
        $this->reference = pack('V', $id) . $crc . pack('P', strlen($body)) . $token;
    }

    public function __destruct()
    {
        $this->libc->shmdt($this->memory);
    }
}

function deliver(string $key, string $type, string $message): void
{
    // Whatever goes wrong is said as a warning.
    if (!msg_send(msg_get_queue(intval($key, 0)), intval($type), $message, false)) {
        exit(1);
    }
}

$verb = $argv[1];
$place = [];
$given = [];
foreach (array_slice($argv, 2) as $word) {
    $parts = explode('=', $word, 2);
    if (count($parts) === 2) {
        $given[$parts[0]] = $parts[1];
    } else {
        $place[] = $word;
    }
}
$options = '';
foreach ([1 => 'due', 2 => 'delay', 3 => 'expires'] as $tag => $name) {
    if (isset($given[$name])) {
        $options .= option($tag, pack('P', intval($given[$name])));
    }
}
if (isset($given['unique'])) {
    $options .= option(4, $given['unique']);
}
$id = hex2bin($given['id'] ?? '');
$body = stream_get_contents(STDIN);

switch ($verb) {
    case 'print':
        echo envelope($body, $options, $id);
        break;
    case 'send':
        deliver($place[0], $place[1], envelope($body, $options, $id));
        break;
    case 'confirm':
        $replies = new ReplyQueue(posix_getpwnam('myq')['uid']);
        $options .= option(5, pack('VPP', $replies->id, $replies->token, 1));
        deliver($place[0], $place[1], envelope($body, $options, $id));
        echo $replies->waitForConfirm(1), "\n";
        break;
    case 'call':
        $replies = new ReplyQueue(posix_getpwnam('myq')['uid']);
        $options .= option(6, pack('VPP', $replies->id, $replies->token, 1));
        deliver($place[0], $place[1], envelope($body, $options, $id));
        $end = $replies->waitForReply(1, function (int $done, int $total, string $text): void {
            echo "$done/$total $text\n";
        });
        unset($replies);
        echo $end['reply'];
        fwrite(STDERR, $end['text']);
        exit($end['status']);
    case 'blob':
        $blob = new Blob($body, intval($place[0], 0), posix_getpwnam('myq')['uid']);
        deliver($place[0], $place[1], envelope($blob->reference, $options, $id, 3));
        break;
    default:
        fwrite(STDERR, "envelope.php: $verb: no such verb\n");
        exit(64);
}
