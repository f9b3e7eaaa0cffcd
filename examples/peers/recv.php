<?php
// recv.php KEY TYPE
[, $key, $type] = $argv;
$key = intval($key, 0);
if (!msg_queue_exists($key)) {
    fwrite(STDERR, "recv.php: there is no such queue\n");
    exit(69);
}
// As large as the kernel lets a message be: a smaller buffer would refuse, or cut, the long ones.
$size = (int)file_get_contents('/proc/sys/kernel/msgmax');
if (!msg_receive(msg_get_queue($key), (int)$type, $received, $size, $body, false, 0, $error)) {
    fwrite(STDERR, 'recv.php: ' . posix_strerror($error) . "\n");
    exit(1);
}
echo $body;
