use super::check;

#[test]
fn documents_are_read() {
    check(
        r#"
        json_extract('{"a": [1, 2, {"b": "x"}]}', '$.a[2].b') => "x"
        json_extract('{"a": 1}', '$.b') => NULL
        json_extract('{"a": 1, "b": 2}', '$.a', '$.b') => [1, 2]
        json_extract('{"a": 1, "b": 2}', '$.*') => [1, 2]
        json_extract('{"a": 1}', 'a') => ERROR 3143
        json_extract('{', '$') => ERROR 3141
        json_extract(NULL, '$') => NULL
        json_unquote('"a\\tb"') = concat('a', char(9), 'b') => 1
        json_unquote('abc') => abc
        json_extract('{"a": "x"}', '$.a') = 'x' => 1
        json_extract('{"a": 3}', '$.a') = 3 => 1
        json_valid('{"a": 1}') => 1
        json_valid('{a: 1}') => 0
        json_valid(NULL) => NULL
        json_type('[1]') => ARRAY
        json_type('1.5') => DOUBLE
        json_type('null') => NULL
        json_length('{"a": 1, "b": [1, 2, 3]}') => 2
        json_length('{"a": 1, "b": [1, 2, 3]}', '$.b') => 3
        json_depth('[1, [2]]') => 3
        json_keys('{"bb": 1, "a": {"c": 2}}') => ["a", "bb"]
        json_contains('[1, 2, 3]', '2') => 1
        json_contains('{"a": 1, "b": 2}', '{"a": 1}') => 1
        json_contains('{"a": [1, 2]}', '3', '$.a') => 0
        json_contains_path('{"a": 1}', 'one', '$.a', '$.b') => 1
        json_contains_path('{"a": 1}', 'all', '$.a', '$.b') => 0
        json_overlaps('[1, 2]', '[2, 3]') => 1
        "#,
    );
}

#[test]
fn documents_are_made_and_changed() {
    check(
        r#"
        json_object('b', 1, 'aa', json_array(1.5, 'x', NULL)) => {"b": 1, "aa": [1.5, "x", null]}
        json_object('a') => ERROR 1582
        json_array() => []
        json_quote('a"b') => "a\"b"
        cast('{"bb":1,"a":[1,2]}' as json) => {"a": [1, 2], "bb": 1}
        cast(1 as json) => 1
        json_set('{"a": 1}', '$.a', 2, '$.b', 'x') => {"a": 2, "b": "x"}
        json_set('{"a": 1}', '$.b', cast('[1]' as json)) => {"a": 1, "b": [1]}
        json_insert('{"a": 1}', '$.a', 2, '$.b', 3) => {"a": 1, "b": 3}
        json_replace('{"a": 1}', '$.a', 2, '$.b', 3) => {"a": 2}
        json_array_append('{"a": [1]}', '$.a', 2) => {"a": [1, 2]}
        json_remove('{"a": 1, "b": 2}', '$.a') => {"b": 2}
        json_remove('{"a": 1}', '$.*') => ERROR 3149
        json_merge_patch('{"a": 1, "b": 2}', '{"b": null, "c": 3}') => {"a": 1, "c": 3}
        json_merge_preserve('{"a": 1}', '{"a": 2}', '3') => [{"a": [1, 2]}, 3]
        "#,
    );
}
