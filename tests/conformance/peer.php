<?php
// A peer for `conversation`, with nothing but PHP's own System V functions.
$verb = $argv[1];
if ($verb === 'ftok') {
    echo ftok($argv[2], $argv[3]), "\n";
    exit;
}
$key = intval($argv[2], 0);
if ($verb === 'exists') {
    exit(msg_queue_exists($key) ? 0 : 1);
}
$queue = msg_get_queue($key);

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
    case 'set': // NAME NUMBER, one at a time
        must(msg_set_queue($queue, [$argv[3] => intval($argv[4], 0)]));
        break;
    case 'remove':
        must(msg_remove_queue($queue));
        break;
    case 'outlive': // COMMAND..., which removes the queue
        passthru(implode(' ', array_map('escapeshellarg', array_slice($argv, 3))), $status);
        must($status === 0);
        must(msg_stat_queue($queue) === false);
        must(msg_set_queue($queue, ['msg_perm.mode' => 0600]) === false);
        must(msg_remove_queue($queue) === false);
        must(msg_receive($queue, 0, $type, 100, $body, true, MSG_IPC_NOWAIT, $error) === false);
        must($error === 22); // EINVAL
        must(@msg_send($queue, 1, 'to nobody', true, false, $error) === false);
        must($error === 22);
        break;
    default:
        fwrite(STDERR, "peer.php: $verb: no such verb\n");
        exit(64);
}
