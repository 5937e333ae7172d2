/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTML writer: whatever stands in a file or class name, no markup comes of it.
 */
#define _GNU_SOURCE
#include "report/html.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/rng.h"

#include <expat.h>
#include <string.h>

static void check(od_html *h, const char *expected)
{
    assert_string_equal(h->out.data, expected);
    od_strbuf_deinit(&h->out);
}

static void test_conversions(void **state)
{
    (void)state;
    od_html h = {0};
    od_html_printf(&h, "<b title=\"%s\">%d %5.2f %zu %lld %-4d|%x %c 100%%</b>", "a\"b", -3, 2.345, (size_t)7, -8000000000LL, 5, 255u, 'y');
    check(&h, "<b title=\"a&quot;b\">-3  2.35 7 -8000000000 5   |ff y 100%</b>");
    od_html_printf(&h, "<td>%.3f</td><td>%.3s</td>", .5, "<<<<");
    check(&h, "<td>0.500</td><td>&lt;&lt;&lt;</td>");
    od_html_textf(&h, "%s < %d", "<i>", 3);
    check(&h, "&lt;i&gt; &lt; 3");
}

static void test_prose(void **state)
{
    (void)state;
    od_html h = {0};
    od_html_prose(&h, "choose by --cost_fn=<X> (--a_b), a-b");
    check(&h, "choose by <span class=\"opt\">--cost_fn=</span>&lt;X&gt; (<span class=\"opt\">--a_b</span>), a-b");
    od_html_prose(&h, "no \"option\"");
    check(&h, "no &quot;option&quot;");
}

static void test_hostile(void **state)
{
    (void)state;
    static const char *const names[] = {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x", "</title></style></script>", "]]>", "&amp;&lt;", "%s%n%d", "\xff\xfe\x80<", "a\0b", "-->"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        od_html h = {0};
        od_html_printf(&h, "<p title=\"%s\" data-x='%s'>%s</p>", names[i], names[i], names[i]);
        assert_null(strstr(h.out.data + 3, "<img"));
        assert_null(strstr(h.out.data, "<script"));
        XML_Parser parser = XML_ParserCreate(NULL);
        assert_int_equal(XML_Parse(parser, h.out.data, (int)h.out.size, 1), XML_STATUS_OK);
        XML_ParserFree(parser);
        od_strbuf_deinit(&h.out);
    }
}

/* Elements seen, and whether one of them isn't <p>. */
static void count_element(void *user, const XML_Char *name, const XML_Char **attributes)
{
    int *count = user;
    assert_string_equal(name, "p");
    assert_string_equal(attributes[0], "title");
    assert_null(attributes[2]);
    ++*count;
}

static void test_random_bytes(void **state)
{
    (void)state;
    od_rng rng;
    od_rng_init(&rng, 5, 0);
    static const char likely[] = "<>&\"'/=- \t\n!%;#x";
    for (int round = 0; round < 3000; round++) {
        char text[40];
        size_t n = (size_t)od_rng_int(&rng, 0, sizeof text - 1);
        for (size_t i = 0; i < n; i++) text[i] = od_rng_int(&rng, 0, 2) ? likely[od_rng_int(&rng, 0, sizeof likely - 1)] : (char)od_rng_int(&rng, 1, 256);
        text[n] = 0;
        od_html h = {0};
        od_html_printf(&h, "<p title=\"%s\">%s</p>", text, text);
        int count = 0;
        XML_Parser parser = XML_ParserCreate("UTF-8");
        XML_SetUserData(parser, &count);
        XML_SetStartElementHandler(parser, count_element);
        assert_int_equal(XML_Parse(parser, h.out.data, (int)h.out.size, 1), XML_STATUS_OK);
        XML_ParserFree(parser);
        assert_int_equal(count, 1);
        od_strbuf_deinit(&h.out);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    od_html h = {0};
    od_alloc_fail_after(1);
    od_html_printf(&h, "<p>%s</p>", "text");
    od_alloc_fail_after(0);
    assert_true(od_strbuf_failed(&h.out));
    od_strbuf_deinit(&h.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conversions), cmocka_unit_test(test_prose), cmocka_unit_test(test_hostile), cmocka_unit_test(test_random_bytes), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
