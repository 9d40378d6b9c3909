//! Numbers, comparisons, logic.
//! MySQL and DeltaTree compare by `utf8mb4_bin`, so case matters.

use super::check;

#[test]
fn arithmetic_and_its_types() {
    check(
        r#"
        1 + 1 => 2
        1 / 3 => 0.3333
        10 / 2 => 5.0000
        7 / 0 => NULL
        7 DIV 2 => 3
        -7 DIV 2 => -3
        7 DIV 0 => NULL
        7.5 DIV 2 => 3
        7 % 3 => 1
        -7 % 3 => -1
        7.5 % 2 => 1.5
        MOD(29, 9) => 2
        29 MOD 9 => 2
        5 MOD 0 => NULL
        2 + 3 * 4 DIV 5 - 1 => 3
        1.5 + 1 => 2.5
        1.50 * 2.25 => 3.3750
        0.1 + 0.2 => 0.3
        1e0 + 1 => 2
        1e0 / 3 => 0.3333333333333333
        1.0 / 3 => 0.33333
        100.00 * 7 / 3 => 233.333333
        (1 / 3) * 3 => 1.0000
        1 / 3 * 100 => 33.3333
        100 * (1 / 3) + 0.5 => 33.8333
        10 / 3 / 3 => 1.11111111
        2 / 3 - 1 / 3 => 0.3333
        1.00 / 3 * 100 => 33.333333
        '1' + 1 => 2
        '1.5abc' + 1 => 2.5
        'abc' + 1 => 1
        '3' * '4' => 12
        -'5' => -5
        - -5 => 5
        -(3) => -3
        NULL + 1 => NULL
        9223372036854775807 + 1 => ERROR 1690
        9223372036854775807 - 1 => 9223372036854775806
        9223372036854775807 * 2 => ERROR 1690
        18446744073709551615 - 1 => 18446744073709551614
        1 - CAST(2 AS UNSIGNED) => ERROR 1690
        -9223372036854775808 => -9223372036854775808
        TRUE + TRUE => 2
        (1 = 1) + 1 => 2
        5 & 3 => 1
        5 | 3 => 7
        5 ^ 3 => 6
        1 << 4 => 16
        256 >> 4 => 16
        ~0 => 18446744073709551615
        1 << 64 => 0
        BIT_COUNT(255) => 8
        "#,
    );
}

#[test]
fn comparisons() {
    check(
        r#"
        1 = 1.0 => 1
        '1' = 1 => 1
        '1.0' = 1 => 1
        'a' = 0 => 1
        '10' > 9 => 1
        'abc' = 'ABC' => 0
        1 <=> NULL => 0
        NULL <=> NULL => 1
        1 <> 2 => 1
        1 != 1 => 0
        2 BETWEEN 1 AND 3 => 1
        '2' BETWEEN 1 AND 3 => 1
        2 NOT BETWEEN 1 AND 3 => 0
        2 IN (1, 2, 3) => 1
        '2' IN (1, 2, 3) => 1
        2 IN ('1', '2') => 1
        4 NOT IN (1, NULL) => NULL
        2 IN ('x', 2.0) => 1
        (1, 2) = (1, 2) => 1
        (1, 2) < (1, 3) => 1
        (1, 2) IN ((3, 4), (1, 2)) => 1
        1 IS NULL => 0
        NULL IS NULL => 1
        1 IS TRUE => 1
        0 IS NOT TRUE => 1
        NULL IS UNKNOWN => 1
        "#,
    );
}

#[test]
fn logic() {
    check(
        r#"
        1 AND 0 => 0
        2 AND 3 => 1
        1 OR NULL => 1
        0 AND NULL => 0
        1 XOR 1 => 0
        1 XOR NULL => NULL
        NOT 0 => 1
        NOT 5 => 0
        ! 1 => 0
        '1' AND 1 => 1
        'a' OR 0 => 0
        2 || 0 => 1
        1 && 1 => 1
        "#,
    );
}

#[test]
fn choice() {
    check(
        r#"
        IF(1 > 2, 'a', 'b') => b
        IF(NULL, 1, 2) => 2
        IF('0', 1, 2) => 2
        IFNULL(NULL, 5) => 5
        IFNULL(1, 5) => 1
        NULLIF(1, 1) => NULL
        NULLIF(1, 2) => 1
        NULLIF('1', 1) => NULL
        COALESCE(NULL, NULL, 3) => 3
        CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE 'c' END => b
        CASE '2' WHEN 2 THEN 'x' END => x
        CASE WHEN 0 THEN 1 END => NULL
        GREATEST(1, 3, 2) => 3
        GREATEST(1, 2.5) => 2.5
        GREATEST('a', 'c', 'b') => c
        LEAST(4, 2, 3) => 2
        LEAST(1, NULL) => NULL
        ISNULL(NULL) => 1
        ISNULL(1) => 0
        "#,
    );
}

#[test]
fn rounding() {
    check(
        r#"
        ROUND(1.5) => 2
        ROUND(2.5) => 3
        ROUND(-1.5) => -2
        ROUND(1.298, 1) => 1.3
        ROUND(1.298, 0) => 1
        ROUND(23.298, -1) => 20
        ROUND(2.5e0) => 2
        ROUND(3.5e0) => 4
        ROUND(1.25e0, 1) => 1.2
        ROUND(125, -1) => 130
        ROUND(-125, -1) => -130
        ROUND(1.005, 2) => 1.01
        ROUND('1.5') => 2
        ROUND(NULL) => NULL
        TRUNCATE(1.999, 1) => 1.9
        TRUNCATE(-1.999, 1) => -1.9
        TRUNCATE(122, -2) => 100
        TRUNCATE(10.28 * 100, 0) => 1028
        CEIL(1.23) => 2
        CEIL(-1.23) => -1
        CEILING(5) => 5
        FLOOR(1.23) => 1
        FLOOR(-1.23) => -2
        FLOOR(1.9e0) => 1
        FLOOR('1.9') => 1
        "#,
    );
}

#[test]
fn functions_of_numbers() {
    check(
        r#"
        ABS(-32) => 32
        ABS(-1.50) => 1.50
        ABS('-2') => 2
        SIGN(-32) => -1
        SIGN(0) => 0
        SIGN(2.5) => 1
        SQRT(4) => 2
        SQRT(-1) => NULL
        POW(2, 10) => 1024
        POWER(2, -2) => 0.25
        EXP(0) => 1
        LN(1) => 0
        LN(0) => NULL
        LOG(2, 65536) => 16
        LOG(100) => 4.605170185988092
        LOG2(8) => 3
        LOG10(1000) => 3
        LOG10(-1) => NULL
        PI() > 3.14 => 1
        SIN(0) => 0
        COS(0) => 1
        ATAN2(1, 1) => 0.7853981633974483
        DEGREES(0) => 0
        CONV('a', 16, 2) => 1010
        CONV(-17, 10, -18) => -H
        BIN(12) => 1100
        OCT(12) => 14
        CRC32('MySQL') => 3259397556
        RAND(3) < 1 => 1
        "#,
    );
}
