<?php
// picture.php put KEY FILE: what a page does with a picture that is too large for a message: into shared
// memory under a semaphore, and only word of it into the queue.
// picture.php get FILE: what a worker does with that word, which comes as JSON on standard input.

[, $verb] = $argv;
if ($verb === 'put') {
    [, , $key, $file] = $argv;
    $key = intval($key, 0);
    $picture = file_get_contents($file);
    $lock = sem_get($key);
    $memory = shm_attach($key, strlen($picture) + 1000);
    sem_acquire($lock);
    shm_put_var($memory, 1, $picture);
    sem_release($lock);
    $queue = msg_get_queue(ftok(__FILE__, 'A'));
    msg_send($queue, 1, 'a text');
    msg_send($queue, 2, ['an' => 'array', 'of' => [3, 4.5]]);
    msg_send($queue, 3, ['key' => $key, 'variable' => 1, 'bytes' => strlen($picture)]);
} else {
    [, , $file] = $argv;
    $word = json_decode(stream_get_contents(STDIN), true);
    $lock = sem_get($word['key']);
    $memory = shm_attach($word['key']);
    sem_acquire($lock);
    $picture = shm_get_var($memory, $word['variable']);
    sem_release($lock);
    // In one step, so that whoever waits for it finds all of it.
    file_put_contents("$file.new", $picture);
    rename("$file.new", $file);
    exit(strlen($picture) === $word['bytes'] ? 0 : 1);
}
