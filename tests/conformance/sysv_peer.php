<?php
// A peer for sysv_family_test: every line of standard input is an expression, and a line with what
// became of it is the answer: its value, then what PHP warned of.
$_warning = '';
set_error_handler(function (int $level, string $text) use (&$_warning): bool {
    $_warning .= " | $text";
    return true;
});
while (($_line = fgets(STDIN)) !== false) {
    $_warning = '';
    try {
        $_value = eval("return $_line;");
        $_answer = is_object($_value) ? get_class($_value) : json_encode($_value);
    } catch (Throwable $error) {
        $_answer = get_class($error) . ': ' . $error->getMessage();
    }
    $_value = null;  // a semaphore that nobody else has ends here
    echo $_answer, $_warning, "\n";
}
