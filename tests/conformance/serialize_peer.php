<?php
// PHP's own serialize(), unserialize(), json_encode() and json_decode(), for php_value_test. On
// standard input come frames, each a length (32 bits, little-endian) and so many bytes: a letter for
// what to do, then a frame for each thing to do it with. The answer is a frame with a frame for each.
error_reporting(0); // what is refused is asked for

const JSON = JSON_PRESERVE_ZERO_FRACTION | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE
    | JSON_UNESCAPED_LINE_TERMINATORS;

enum Suit
{
    case Hearts;
    case Spades;
}

class Point
{
    public $x;
    protected $y;
    private $z;
    public function __construct($x, $y, $z)
    {
        [$this->x, $this->y, $this->z] = [$x, $y, $z];
    }
}

// Its properties are whatever entries there are, with numbers for names too.
class Bag
{
    public function __construct(public array $content) {}
    public function __serialize(): array
    {
        return $this->content;
    }
    public function __unserialize(array $content): void
    {
        $this->content = $content;
    }
}

class Custom implements Serializable
{
    public function __construct(public string $bytes) {}
    public function serialize()
    {
        return $this->bytes;
    }
    public function unserialize($bytes)
    {
        $this->bytes = $bytes;
    }
}

final class AnyValue
{
    private array $objects = [];
    private array $variables = [];

    public function value(int $depth)
    {
        $kind = mt_rand(0, $depth > 0 ? 16 : 8);
        switch ($kind) {
            case 0: return null;
            case 1: return (bool) mt_rand(0, 1);
            case 2: return mt_rand(-20, 20);
            case 3: return [PHP_INT_MAX, PHP_INT_MIN, 1 << mt_rand(0, 62), mt_rand()][mt_rand(0, 3)];
            case 4: return $this->real();
            case 5:
            case 6:
            case 7: return $this->text();
            case 8: return Suit::cases()[mt_rand(0, 1)];
            case 9:
            case 10:
            case 11:
            case 12: return $this->entries($depth - 1);
            case 13: return new Custom($this->text());
            default: return $this->object($depth - 1);
        }
    }

    private function real(): float
    {
        switch (mt_rand(0, 3)) {
            case 0: return unpack('d', pack('VV', mt_rand(0, 0xffffffff), mt_rand(0, 0xffffffff)))[1];
            case 1: return mt_rand(-1000, 1000) / 100;
            case 2: return [0.0, -0.0, INF, -INF, NAN, 5e-324, 1.7976931348623157e308, 1e15, 1e17, 1e-4, 1e-5][mt_rand(0, 10)];
            default: return mt_rand() * 10.0 ** mt_rand(-30, 30);
        }
    }

    private function text(): string
    {
        switch (mt_rand(0, 4)) {
            case 0: return (string) mt_rand(-100, 100);
            case 1: return ['', '05', '-0', '+5', ' 5', '1.5', '9223372036854775807', '9223372036854775808',
                '-9223372036854775808', '-9223372036854775809', '";i:5;', "\0", "\0*\0y"][mt_rand(0, 12)];
            case 2: return mt_rand(0, 9) ? random_text(mt_rand(0, 40)) : '';
            case 3: return str_repeat("\u{e9}\u{4e2d}/\"\\\n", mt_rand(0, 4));
            default: return ['id', 'name', 'price', 'tags', 'a longer name than fifteen bytes'][mt_rand(0, 4)];
        }
    }

    private function entries(int $depth): array
    {
        $all = [];
        $is_list = mt_rand(0, 1);
        for ($count = mt_rand(0, mt_rand(0, 9) ? 5 : 30); $count > 0; --$count) {
            $key = $is_list ? count($all) : (mt_rand(0, 2) ? $this->text() : mt_rand(-5, 1000));
            if (mt_rand(0, 9) == 0 && $this->variables) {
                $all[$key] = &$this->variables[array_rand($this->variables)];
            } else {
                $all[$key] = $this->value($depth);
                if (mt_rand(0, 9) == 0) {
                    $this->variables[] = &$all[$key];
                }
            }
        }
        return $all;
    }

    private function object(int $depth): object
    {
        if ($this->objects && mt_rand(0, 2) == 0) {
            return $this->objects[array_rand($this->objects)]; // again, or within itself
        }
        switch (mt_rand(0, 3)) {
            case 0:
                $object = new stdClass();
                $this->objects[] = $object;
                foreach ($this->entries($depth) as $name => $value) {
                    if (($name . ' ')[0] !== "\0") {
                        $object->$name = $value;
                    }
                }
                return $object;
            case 1: $object = new Point($this->value($depth), $this->value($depth), $this->value($depth)); break;
            case 2: $object = new Bag($this->entries($depth)); break;
            default: $object = new ArrayObject($this->entries($depth));
        }
        return $this->objects[] = $object;
    }
}

function random_text(int $length): string
{
    $text = '';
    while (strlen($text) < $length) {
        $text .= chr(mt_rand(0, 255));
    }
    return $text;
}

// What a text means, whoever wrote it; null when it means nothing.
function normal(string $text): ?string
{
    $value = unserialize($text, ['allowed_classes' => false]);
    return $value === false && substr($text, 0, 4) !== 'b:0;' ? null : serialize($value);
}

function answer(string $verb, string $text): ?string
{
    switch ($verb) {
        case 'S': // the seed of a value
            mt_srand((int) $text);
            return serialize((new AnyValue())->value(4));
        case 'N':
            return normal($text);
        case 'X': // of an expression
            return serialize(eval("return $text;"));
        case 'D': // whether a text is the value of an expression: "LENGTH EXPRESSION TEXT"
            [$length, $rest] = explode(' ', $text, 2);
            $expected = eval('return ' . substr($rest, 0, (int) $length) . ';');
            $value = unserialize(substr($rest, (int) $length + 1));
            return var_export($value === $expected || (is_object($value) && $value == $expected)
                || (is_float($value) && is_nan($value) && is_nan($expected)), true);
        case 'E':
            $json = json_encode(unserialize($text, ['allowed_classes' => false]), JSON);
            return $json === false ? null : $json;
        case 'J': // a JSON of the same kinds of values
            mt_srand((int) $text);
            $json = json_encode((new AnyValue())->value(4), JSON | JSON_PARTIAL_OUTPUT_ON_ERROR);
            return $json === false ? 'null' : $json;
        case 'P':
            $value = json_decode($text, true);
            return json_last_error() === JSON_ERROR_NONE ? serialize($value) : null;
    }
    exit(64);
}

function read_exactly(int $length): string
{
    $bytes = '';
    while (strlen($bytes) < $length) {
        $more = fread(STDIN, $length - strlen($bytes));
        if ($more === false || $more === '') {
            exit(0);
        }
        $bytes .= $more;
    }
    return $bytes;
}

function frame(string $bytes): string
{
    return pack('V', strlen($bytes)) . $bytes;
}

for (;;) {
    $request = read_exactly(unpack('V', read_exactly(4))[1]);
    $replies = '';
    for ($at = 1; $at < strlen($request); $at += 4 + $length) {
        $length = unpack('V', $request, $at)[1];
        $reply = answer($request[0], substr($request, $at + 4, $length));
        $replies .= frame($reply === null ? '-' : '+' . $reply);
    }
    fwrite(STDOUT, frame($replies));
}
