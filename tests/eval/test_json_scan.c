/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON reader: what it accepts and refuses (as jansson does), numbers to the last bit (as strtod), strings, and
 * arrays read in parts by several threads.
 */
#include "eval/json_array.h"
#include "eval/json_scan.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/rng.h"
#include "util/strbuf.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static int accepts(const char *text, size_t size)
{
    /* An exact copy, so that a sanitizer sees a read past the end. */
    char *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, text, size);
    od_json j;
    od_json_init(&j, exact, size);
    int ok = od_json_skip(&j) && od_json_finish(&j);
    assert_true(ok || j.problem);
    free(exact);
    return ok;
}

static void test_grammar_as_jansson(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}", "[]", "[1,2]", "[1,]", "[,1]", "{\"a\":1}", "{\"a\":1,}", "{\"a\"}", "{1:2}", "{\"a\":}", "[1 2]", "true",
        "tru", "null", "nulll", "[true,false,null]", "\"x\"", "\"x", "\"\\n\\u0041\"", "\"\\x\"", "\"\\u00g1\"", "\"\\u12\"",
        "1", "01", "-1", "-", "1.", ".5", "1.5", "1e5", "1e", "1e+", "1E-2", "-0", "[[[[]]]]", "[[[]]", "]", "{]", "[}",
        "{\"a\":{\"b\":[1,{\"c\":2}]}}", " [ 1 , 2 ] ", "[1]x", "", " ", "\"\t\"", "{\"a\":1 \"b\":2}", "[\"\\ud83d\\ude00\"]",
        "+1", "0x10", "[1.0e+3,-2.5E-3]", "{\"a\":[],\"b\":{}}", "[nan]", "\"\xc3\xa9\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xff\"",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *want = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        if (accepts(texts[i], strlen(texts[i])) != (want != NULL)) fail_msg("differs from jansson on: %s", texts[i]);
        json_decref(want);
    }
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    char deep[2000];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    assert_false(accepts(deep, 2000));
    assert_true(accepts(deep + 600, 800));
}

static double read_number(const char *text, int *is_integer, int64_t *integer)
{
    od_json j;
    od_json_number n;
    od_json_init(&j, text, strlen(text));
    if (!od_json_read_number(&j, &n)) fail_msg("refused %s", text);
    assert_ptr_equal(j.p, j.end);
    *is_integer = n.is_integer;
    *integer = n.integer;
    return n.value;
}

static void assert_as_strtod(const char *text)
{
    int is_integer;
    int64_t integer;
    double got = read_number(text, &is_integer, &integer), want = strtod(text, NULL);
    if (memcmp(&got, &want, sizeof got)) fail_msg("%s: %.17g, strtod %.17g", text, got, want);
}

static void test_numbers_to_the_last_bit(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0", "-0", "0.0", "1", "0.1", "123456789012345678", "9007199254740993", "9007199254740993.0", "0.30000000000000004",
        "1e22", "1e23", "8.5e-20", "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "1e400", "1e-400",
        "0.000000000000000000000000001", "179.49999999999997", "9.5367431640625e-7", "18446744073709551615",
        "1844674407370955161.5", "0.9999999999999999999", "123456789012345678901234567890.123", "4503599627370496.5",
        "4503599627370497.5", "0.5000000000000001110", "9223372036854775807", "9223372036854775808", "1e999999999",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_as_strtod(texts[i]);
    od_rng rng;
    od_rng_init(&rng, 1, 1);
    char text[64];
    for (int i = 0; i < 200000; i++) {
        double v = od_rng_uniform(&rng) * pow(10, (double)od_rng_int(&rng, -6, 6));
        snprintf(text, sizeof text, "%.*g", (int)od_rng_int(&rng, 1, 20), v);
        assert_as_strtod(text);
        snprintf(text, sizeof text, "-%.*f", (int)od_rng_int(&rng, 0, 19), v);
        assert_as_strtod(text);
    }
}

static void test_whole_numbers(void **state)
{
    (void)state;
    int is_integer;
    int64_t integer;
    read_number("-9223372036854775807", &is_integer, &integer);
    assert_true(is_integer);
    assert_true(integer == -INT64_MAX);
    read_number("12.0", &is_integer, &integer);
    assert_true(is_integer && integer == 12);
    read_number("12.5", &is_integer, &integer);
    assert_false(is_integer);
    read_number("1e300", &is_integer, &integer);
    assert_false(is_integer);
    assert_true(isnan(read_number("NaN", &is_integer, &integer)));
    assert_true(read_number("-Infinity", &is_integer, &integer) < 0);
}

static void assert_text(const char *json, const char *want)
{
    od_json j;
    od_json_text text;
    od_json_init(&j, json, strlen(json));
    assert_true(od_json_string(&j, &text));
    char *copy = od_json_text_copy(&text);
    if (want)
        assert_string_equal(copy, want);
    else
        assert_null(copy);
    if (want) assert_true(od_json_text_is(&text, want));
    od_free(copy);
}

static void test_strings(void **state)
{
    (void)state;
    assert_text("\"abc\"", "abc");
    assert_text("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t");
    assert_text("\"\\u0062box \\u00e9 \\u20ac \\ud83d\\ude00\"", "bbox \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    assert_text("\"\\ud83d!\"", "\xef\xbf\xbd!");
    assert_text("\"a\\u0000b\"", NULL);
}

/* One value "n" of an object that may hold misleading strings. */
static int read_item(od_json *j, void *item, const void *user, char *message, size_t size)
{
    (void)user;
    od_json_text key;
    int more = od_json_enter(j, '{');
    for (; more > 0; more = od_json_next(j, '}')) {
        od_json_number n;
        if (!od_json_key(j, &key)) return 0;
        if (!od_json_text_is(&key, "n")) {
            if (!od_json_skip(j)) return 0;
            continue;
        }
        if (od_json_peek(j) != '0') return snprintf(message, size, "n is bad"), 0;
        if (!od_json_read_number(j, &n)) return 0;
        *(double *)item = n.value;
    }
    return more == 0;
}

static void fill_array(od_strbuf *b, int count, const char *filler)
{
    od_strbuf_puts(b, "[");
    for (int i = 0; i < count; i++) od_strbuf_printf(b, "%s{\"n\": %d, \"x\": %s}", i ? ", " : "", i, filler);
    od_strbuf_puts(b, "]");
}

static void test_parts_join_whatever_the_guesses(void **state)
{
    (void)state;
    /* Plain, and with text and nested objects that look like element boundaries. */
    static const char *const fillers[] = {"0", "\"}, {\\\"n\\\": 7}, {\"", "[{\"n\": 1}, {\"n\": 2}, {\"n\": 3}]", "{\"a\": [{}, {}]}"};
    for (size_t f = 0; f < 4; f++) {
        od_strbuf b = {0};
        fill_array(&b, 60000, fillers[f]);
        for (int threads = 1; threads <= 5; threads += 2) {
            od_json j;
            od_json_items items;
            od_error err = {0};
            od_json_init(&j, b.data, b.size);
            assert_int_equal(od_json_read_array(&j, "f", "item", sizeof(double), read_item, NULL, threads, &items, &err), OD_OK);
            assert_int_equal(items.count, 60000);
            for (size_t i = 0; i < items.count; i++) assert_true(((double *)items.items)[i] == (double)i);
            assert_true(od_json_finish(&j));
            od_free(items.items);
        }
        od_strbuf_deinit(&b);
    }
}

static void test_errors_name_the_element(void **state)
{
    (void)state;
    od_strbuf b = {0};
    fill_array(&b, 60000, "0");
    char *at = strstr(b.data, "{\"n\": 51234,");
    assert_non_null(at);
    memcpy(at + 6, "\"a\"  ", 5);
    for (int threads = 1; threads <= 4; threads++) {
        od_json j;
        od_json_items items;
        od_error err = {0};
        od_json_init(&j, b.data, b.size);
        assert_int_equal(od_json_read_array(&j, "f.json", "item", sizeof(double), read_item, NULL, threads, &items, &err),
                         OD_ERR_FORMAT);
        assert_non_null(strstr(err.message, "f.json: item 51234 (counted from 0; byte "));
        assert_non_null(strstr(err.message, "n is bad"));
    }
    od_strbuf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar_as_jansson),  cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_numbers_to_the_last_bit), cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_strings),             cmocka_unit_test(test_parts_join_whatever_the_guesses),
        cmocka_unit_test(test_errors_name_the_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
