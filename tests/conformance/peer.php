<?php
// A peer for `conversation`, with nothing but PHP's own System V functions.
$verb = $argv[1];
if ($verb === 'ftok') {
    echo ftok($argv[2], $argv[3]), "\n";
    exit;
}
$queue = msg_get_queue(intval($argv[2], 0));

// Whatever went wrong was already said as a warning.
function must(bool $worked): void
{
    if (!$worked) {
        exit(1);
    }
}

switch ($verb) {
    case 'send':
        must(msg_send($queue, intval($argv[3]), stream_get_contents(STDIN), false));
        break;
    case 'receive':
        must(msg_receive($queue, intval($argv[3]), $type, 65536, $body, false, MSG_IPC_NOWAIT));
        echo $body;
        break;
    case 'stat':
        foreach (msg_stat_queue($queue) as $name => $value) {
            echo "$name:$value\n";
        }
        break;
    case 'send-values':
        // What msg_send() makes of the types it takes unserialized, and of one it serializes.
        foreach ([-42, 1.5, true, false] as $value) {
            must(msg_send($queue, 1, $value, false));
        }
        must(msg_send($queue, 1, ['id' => 7, 'tags' => ["\0é", null, 0.1]]));
        break;
    case 'receive-values':
        while (msg_receive($queue, 0, $type, 65536, $value, true, MSG_IPC_NOWAIT)) {
            echo json_encode($value), "\n";
        }
        break;
    default:
        fwrite(STDERR, "peer.php: $verb: no such verb\n");
        exit(64);
}
