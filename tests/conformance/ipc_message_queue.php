<?php
// What a PHP program of the old kind looks like, with what was wrong with it mended: a class around one
// queue and one type. The mode is a number, errors are returned, nothing is cut, and settings are made
// once, by whoever makes the queue.

class IpcMessageQueue
{
    private SysvMessageQueue $queue;

    public function __construct(int $key, private int $type, int $mode = 0600, bool $create = false)
    {
        if (!$create && !msg_queue_exists($key)) {
            throw new RuntimeException('there is no such queue');
        }
        $this->queue = msg_get_queue($key, $mode);
    }

    // Returns 0 or the errno.
    public function sendMessage(string $text): int
    {
        return msg_send($this->queue, $this->type, $text, false, false, $error) ? 0 : $error;
    }

    // One message to $handler, waiting for it.
    public function processMessage(callable $handler): void
    {
        $size = (int)file_get_contents('/proc/sys/kernel/msgmax');
        if (!msg_receive($this->queue, $this->type, $type, $size, $text, false, 0, $error)) {
            throw new RuntimeException(posix_strerror($error));
        }
        $handler($type, $text);
    }
}
