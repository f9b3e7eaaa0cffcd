<?php
// send.php KEY TYPE BODY
[, $key, $type, $body] = $argv;
$key = intval($key, 0);
if (!msg_queue_exists($key)) {
    fwrite(STDERR, "send.php: there is no such queue\n");
    exit(69);
}
// false: the body as it is, not serialized.
if (!msg_send(msg_get_queue($key), (int)$type, $body, false, true, $error)) {
    fwrite(STDERR, 'send.php: ' . posix_strerror($error) . "\n");
    exit(1);
}
