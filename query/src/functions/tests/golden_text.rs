//! Text.

use super::check;

#[test]
fn text() {
    check(
        r#"
        CONCAT('My', 'S', 'QL') => MySQL
        CONCAT('a', NULL) => NULL
        CONCAT(1, 2.50, '3') => 12.503
        CONCAT(1e0, 'x') => 1x
        CONCAT_WS(',', 'a', NULL, 'b') => a,b
        CONCAT_WS(NULL, 'a') => NULL
        SUBSTRING('Quadratically', 5) => ratically
        SUBSTRING('foobarbar' FROM 4) => barbar
        SUBSTRING('Quadratically', 5, 6) => ratica
        SUBSTRING('Sakila', -3) => ila
        SUBSTRING('Sakila', -5, 3) => aki
        SUBSTRING('Sakila' FROM -4 FOR 2) => ki
        SUBSTR('abc', 0) => 
        SUBSTR('abc', 2, -1) => 
        MID('abcdef', 2, 3) => bcd
        SUBSTRING(12345, 2, 2) => 23
        LEFT('foobarbar', 5) => fooba
        LEFT('abc', 0) => 
        LEFT('abc', -1) => 
        RIGHT('foobarbar', 4) => rbar
        RIGHT('ab', 5) => ab
        SUBSTRING_INDEX('www.mysql.com', '.', 2) => www.mysql
        SUBSTRING_INDEX('www.mysql.com', '.', -2) => mysql.com
        LENGTH('text') => 4
        LENGTH('äö') => 4
        CHAR_LENGTH('äö') => 2
        CHARACTER_LENGTH('abc') => 3
        BIT_LENGTH('text') => 32
        LENGTH(123) => 3
        LOCATE('bar', 'foobarbar') => 4
        LOCATE('xbar', 'foobar') => 0
        LOCATE('bar', 'foobarbar', 5) => 7
        INSTR('foobarbar', 'bar') => 4
        POSITION('bar' IN 'foobar') => 4
        REPLACE('www.mysql.com', 'w', 'Ww') => WwWwWw.mysql.com
        LPAD('hi', 4, '??') => ??hi
        LPAD('hi', 1, '??') => h
        RPAD('hi', 5, '?!') => hi?!?
        RPAD('hi', 5, '') => NULL
        TRIM('  bar   ') => bar
        TRIM(LEADING 'x' FROM 'xxxbarxxx') => barxxx
        TRIM(BOTH 'x' FROM 'xxxbarxxx') => bar
        TRIM(TRAILING 'xyz' FROM 'barxxyz') => barx
        LTRIM('  barbar') => barbar
        RTRIM('barbar   ') => barbar
        REVERSE('abc') => cba
        REPEAT('MySQL', 3) => MySQLMySQLMySQL
        REPEAT('a', 0) => 
        HEX('abc') => 616263
        HEX(255) => FF
        UNHEX('4D7953514C') => MySQL
        ASCII('2') => 50
        ASCII('') => 0
        ORD('2') => 50
        ORD('é') => 50089
        CHAR(77, 121, 83, 81, '76') => MySQL
        UPPER('Hej') => HEJ
        LCASE('QUADRATICALLY') => quadratically
        UCASE('a') => A
        LOWER('ABC') => abc
        FIELD('Bb', 'Aa', 'Bb', 'Cc') => 2
        FIELD('Gg', 'Aa', 'Bb') => 0
        FIELD(2, 1, 2) => 2
        FIND_IN_SET('b', 'a,b,c,d') => 2
        FIND_IN_SET('x', 'a,b') => 0
        ELT(1, 'Aa', 'Bb') => Aa
        ELT(3, 'Aa', 'Bb') => NULL
        FORMAT(12332.123456, 4) => 12,332.1235
        FORMAT(12332.1, 4) => 12,332.1000
        FORMAT(12332.2, 0) => 12,332
        FORMAT(-1234567.891, 2) => -1,234,567.89
        INSERT('Quadratic', 3, 4, 'What') => QuWhattic
        INSERT('Quadratic', -1, 4, 'What') => Quadratic
        INSERT('Quadratic', 3, 100, 'What') => QuWhat
        QUOTE('Don\'t!') => 'Don\'t!'
        STRCMP('text', 'text2') => -1
        STRCMP('a', 'a') => 0
        MAKE_SET(1 | 4, 'hello', 'nice', 'world') => hello,world
        TO_BASE64('abc') => YWJj
        FROM_BASE64('YWJj') => abc
        MD5('testing') => ae2b1fca515949e5d54fb22b8ed95575
        SHA1('abc') => a9993e364706816aba3e25717850c26c9cd0d89d
        SHA2('abc', 256) => ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
        'David!' LIKE 'David_' => 1
        'David!' LIKE '%D%v%' => 1
        'David_' LIKE 'David\_' => 1
        'a%b' LIKE 'a|%b' ESCAPE '|' => 1
        'abc' NOT LIKE 'b%' => 1
        'fo\nfo' REGEXP '^fo' => 1
        'Michael!' REGEXP '.*' => 1
        'abc' REGEXP 'B' => 0
        'abc' RLIKE '^a' => 1
        'a' 'b' => ab
        "double" => double
        N'text' => text
        _utf8mb4'text' => text
        X'4D7953514C' => MySQL
        0x41 => A
        b'1000001' => A
        BINARY 'a' = 'a' => 1
        'it''s' => it's
        'a\tb' => a	b
        "#,
    );
}
