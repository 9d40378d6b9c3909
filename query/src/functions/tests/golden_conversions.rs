//! Casts and constants.
//! MySQL rounds a fraction that a `DATETIME` or `TIME` has no digits for; MariaDB cuts it.

use super::check;

#[test]
fn casts_and_constants() {
    check(
        r#"
        CAST('12.9' AS SIGNED) => 12
        CAST(12.5 AS SIGNED) => 13
        CAST(-12.5 AS SIGNED) => -13
        CAST(2.5e0 AS SIGNED) => 2
        CAST('abc' AS SIGNED) => 0
        CAST(-1 AS UNSIGNED) => 18446744073709551615
        CAST('18446744073709551615' AS UNSIGNED) => 18446744073709551615
        CAST(1.5 AS UNSIGNED) => 2
        CAST(12 AS CHAR) => 12
        CAST(1.50 AS CHAR) => 1.50
        CAST('abcdef' AS CHAR(3)) => abc
        CAST(1e20 AS CHAR) => 1e20
        CAST(0.1e0 AS CHAR) => 0.1
        CAST(DATE '2024-01-02' AS CHAR) => 2024-01-02
        CAST('a' AS BINARY) => a
        CAST('1.239' AS DECIMAL(10,2)) => 1.24
        CAST(1.235 AS DECIMAL(10,2)) => 1.24
        CAST(123456 AS DECIMAL(5,2)) => 999.99
        CAST('abc' AS DECIMAL(5,2)) => 0.00
        CAST(1 AS DECIMAL(10,4)) => 1.0000
        CAST(1.5e0 AS DECIMAL) => 2
        CAST(12345678901234567890123456789012345678901234567890 AS DECIMAL(65,5)) => 12345678901234567890123456789012345678901234567890.00000
        CAST('2024-1-2' AS DATE) => 2024-01-02
        CAST(20240102 AS DATE) => 2024-01-02
        CAST('2024-01-02 03:04:05' AS DATE) => 2024-01-02
        CAST('x' AS DATE) => NULL
        CAST('2024-01-02 03:04:05.678' AS DATETIME) => 2024-01-02 03:04:06
        CAST('2024-01-02 03:04:05.678' AS DATETIME(3)) => 2024-01-02 03:04:05.678
        CAST('2024-01-02' AS DATETIME) => 2024-01-02 00:00:00
        CAST('10:11:12' AS TIME) => 10:11:12
        CAST(101112 AS TIME) => 10:11:12
        CAST('10:11:12.55' AS TIME(1)) => 10:11:12.6
        CAST('1.5' AS DOUBLE) => 1.5
        CAST(1 AS DOUBLE) => 1
        CONVERT('12', SIGNED) => 12
        CONVERT('abc' USING utf8mb4) => abc
        CONVERT(1.5, CHAR) => 1.5
        CAST(NULL AS SIGNED) => NULL
        CAST(TRUE AS CHAR) => 1
        CAST('1' AS UNSIGNED) - 1 => 0
        1.0 => 1.0
        1.50 => 1.50
        1e3 => 1000
        1.5e-10 => 0.00000000015
        123456789.123456789 => 123456789.123456789
        0.00001 => 0.00001
        00012 => 12
        .5 => 0.5
        NULL => NULL
        TRUE => 1
        FALSE => 0
        -0.0 => 0.0
        "#,
    );
}

#[test]
fn nothing_at_all() {
    check(
        r#"
        NO_SUCH_FUNCTION(1) => ERROR 1305
        ABS() => ERROR 1582
        LEFT('a') => ERROR 1582
        "#,
    );
}

#[test]
fn branches_of_different_types_become_text() {
    check(
        r#"
        IFNULL(1, 'x') => 1
        IFNULL(NULL, 'x') => x
        IFNULL(DATE '2024-01-02', 'none') => 2024-01-02
        IFNULL(1.50, '') => 1.50
        IFNULL('x', 0) => x
        COALESCE(NULL, 1, 'x') => 1
        IF(TRUE, DATE '2024-01-02', '') => 2024-01-02
        CASE WHEN FALSE THEN 1.5 ELSE 'x' END => x
        IFNULL(1, 'x') = '1' => 1
        IFNULL(NULL, 2) + 1 => 3
        "#,
    );
}
