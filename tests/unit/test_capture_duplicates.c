/* test_capture_duplicates.c
 * Which repetitions of a segment are capture copies: by place, time, IP identification, and what is between them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <glib.h>

#include "capture_duplicates.h"

#define US INT64_C(1000)

static struct tcphs_duplicates copies;

/* A SYN-ACK of end 1; what differs is set by the test. */
static struct tcphs_segment syn_ack(guint32 frame, gint64 time)
{
    return (struct tcphs_segment){ .time = time,
                                   .frame = frame,
                                   .seq = 5000,
                                   .ack = 1001,
                                   .flags = TCPHS_SYN | TCPHS_ACK,
                                   .window = 1000,
                                   .from = 1 };
}

static guint32 find(const struct tcphs_segment *s, guint64 tuple, guint16 ip_id, guint8 ttl)
{
    const struct tcphs_capture_point point = { .tuple = tuple, .ip_id = ip_id, .ttl = ttl };
    return tcphs_duplicates_find(&copies, s, &point);
}

/* The SYN-ACK once more after `apart`, with the given IP id; answered: the other end has sent something between. */
static guint32 again(gint64 apart, guint16 ip_id, gboolean answered)
{
    memset(&copies, 0, sizeof copies);
    const struct tcphs_segment first = syn_ack(1, 0), second = syn_ack(3, apart);
    struct tcphs_segment between = syn_ack(2, apart / 2);
    between.seq = 77;
    between.from = answered ? 0 : 1;
    g_assert_cmpuint(find(&first, 7, ip_id, 64), ==, 0);
    g_assert_cmpuint(find(&between, answered ? 7 : 8, 9, 64), ==, 0);
    return find(&second, 7, ip_id, 64);
}

static void test_same_place(void)
{
    g_assert_cmpuint(again(50 * US, 5, FALSE), ==, 1);
    g_assert_cmpuint(again(50 * US, 5, TRUE), ==, 1);
    g_assert_cmpuint(again(63 * US, 5, FALSE), ==, 1); /* a bridge */
    g_assert_cmpuint(again(63 * US, 5, TRUE), ==, 0);  /* made twice by the network */
    g_assert_cmpuint(again(1000 * US, 5, FALSE), ==, 1);
    g_assert_cmpuint(again(1001 * US, 5, FALSE), ==, 0);
    g_assert_cmpuint(again(50 * US, 0, FALSE), ==, 1);
    g_assert_cmpuint(again(51 * US, 0, FALSE), ==, 0);
    g_assert_cmpuint(again(8 * US, 0, TRUE), ==, 0); /* the answer to two SYNs */
}

/* The same SYN-ACK behind a box that has changed its options, which only another place can show. */
static void test_rewritten(void)
{
    struct tcphs_segment first = syn_ack(1, 0), second = syn_ack(2, 10 * US);
    first.options = second.options = TCPHS_OPT_MSS | TCPHS_OPT_SACK_PERMITTED;
    first.mss = 1460;
    second.mss = 1380;
    memset(&copies, 0, sizeof copies);
    g_assert_cmpuint(find(&first, 7, 5, 64), ==, 0);
    g_assert_cmpuint(find(&second, 7, 5, 63), ==, 1);
    g_assert_true(copies.rewritten);
    second.mss = 1460;
    g_assert_cmpuint(find(&second, 7, 5, 63), ==, 1);
    g_assert_false(copies.rewritten);
    second.options = TCPHS_OPT_MSS;
    g_assert_cmpuint(find(&second, 7, 5, 63), ==, 1);
    g_assert_true(copies.rewritten);
    second.options = TCPHS_OPTIONS_CUT; /* one place captured less */
    second.mss = 0;
    g_assert_cmpuint(find(&second, 7, 5, 63), ==, 1);
    g_assert_false(copies.rewritten);
}

static void test_other_place(void)
{
    memset(&copies, 0, sizeof copies);
    const struct tcphs_segment first = syn_ack(1, 0), second = syn_ack(2, 99000 * US), third = syn_ack(3, 200000 * US);
    g_assert_cmpuint(find(&first, 7, 5, 64), ==, 0);
    g_assert_cmpuint(find(&second, 7, 5, 63), ==, 1);
    g_assert_cmpuint(find(&third, 7, 5, 63), ==, 0);
}

static void test_details(void)
{
    memset(&copies, 0, sizeof copies);
    const struct tcphs_segment first = syn_ack(1, 0);
    struct tcphs_segment second = syn_ack(2, 1 * US);
    second.options = TCPHS_OPT_SACK;
    second.sack_right = 9000;
    g_assert_cmpuint(find(&first, 7, 5, 64), ==, 0);
    g_assert_cmpuint(find(&second, 7, 5, 64), ==, 0); /* not the same packet … */
    memset(&copies, 0, sizeof copies);
    g_assert_cmpuint(find(&first, 7, 5, 64), ==, 0);
    g_assert_cmpuint(find(&second, 7, 5, 63), ==, 1); /* … but a box between two places may have changed it */
}

/* Where another connection has taken the room of what was last sent, nothing is known of what is between. */
static void test_pushed_out(void)
{
    for (guint16 ip_id = 0; ip_id < 2; ip_id++) {
        memset(&copies, 0, sizeof copies);
        const struct tcphs_segment first = syn_ack(1, 0), other = syn_ack(2, 1 * US), second = syn_ack(3, 2 * US);
        g_assert_cmpuint(find(&first, 7, ip_id, 64), ==, 0);
        g_assert_cmpuint(find(&other, 7 + TCPHS_DUPLICATES_TUPLES, 9, 64), ==, 0);
        g_assert_cmpuint(find(&second, 7, ip_id, 64), ==, ip_id != 0 ? 1 : 0);
    }
    memset(&copies, 0, sizeof copies);
    const struct tcphs_segment first = syn_ack(1, 0), other = syn_ack(2, 1 * US), late = syn_ack(3, 60 * US);
    g_assert_cmpuint(find(&first, 7, 5, 64), ==, 0);
    g_assert_cmpuint(find(&other, 7 + TCPHS_DUPLICATES_TUPLES, 9, 64), ==, 0);
    g_assert_cmpuint(find(&late, 7, 5, 64), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/copies/same place", test_same_place);
    g_test_add_func("/copies/other place", test_other_place);
    g_test_add_func("/copies/rewritten", test_rewritten);
    g_test_add_func("/copies/details", test_details);
    g_test_add_func("/copies/pushed out", test_pushed_out);
    return g_test_run();
}
