/* test_unanswered_syns.c
 * The table of unanswered SYNs held to a plain list: what was added is found until it is answered or 4,096 more have
 * come, and chains stay whole whatever is taken out of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <glib.h>

#include "tcp/state.h"
#include "unanswered_syns.h"

static struct tcphs_unanswered_syns table;

static void test_one(void)
{
    memset(&table, 0, sizeof table);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 7, 0), ==, 0);
    for (guint32 isn = 0; isn < 3 * TCPHS_UNANSWERED_SYNS; isn++) /* one of them in the chain of the first */
        g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 7, isn), ==, 0);
    tcphs_unanswered_syns_add(&table, 7, 0xFFFFFFFF, 3);
    tcphs_unanswered_syns_add(&table, 7, 0xFFFFFFFF, 4); /* sent again */
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 7, 0xFFFFFFFF), ==, 3);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 8, 0xFFFFFFFF), ==, 0);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 7, 0), ==, 0);
    tcphs_unanswered_syns_remove(&table, 7, 0xFFFFFFFF);
    tcphs_unanswered_syns_remove(&table, 7, 0xFFFFFFFF);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 7, 0xFFFFFFFF), ==, 0);
    tcphs_unanswered_syns_add(&table, 7, 0xFFFFFFFF, 9);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 7, 0xFFFFFFFF), ==, 9);
    tcphs_unanswered_syns_forget_frame(&table, 8);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 7, 0xFFFFFFFF), ==, 9);
    tcphs_unanswered_syns_forget_frame(&table, 9);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 7, 0xFFFFFFFF), ==, TCPHS_UNNUMBERED_FRAME);
}

static void test_the_latest_are_kept(void)
{
    const guint32 all = 3 * TCPHS_UNANSWERED_SYNS + 5;
    memset(&table, 0, sizeof table);
    for (guint32 i = 1; i <= all; i++)
        tcphs_unanswered_syns_add(&table, i * 7919, i, i);
    for (guint32 i = 1; i <= all; i++)
        g_assert_cmpuint(tcphs_unanswered_syns_find(&table, i * 7919, i), ==, i > all - TCPHS_UNANSWERED_SYNS ? i : 0);
}

/* All SYNs of a frame lose its number, and none of the frames before. */
static void test_forgotten_frame(void)
{
    memset(&table, 0, sizeof table);
    tcphs_unanswered_syns_add(&table, 1, 10, 5);
    tcphs_unanswered_syns_forget_frame(&table, 5);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 1, 10), ==, TCPHS_UNNUMBERED_FRAME);
    tcphs_unanswered_syns_add(&table, 2, 20, 5);
    tcphs_unanswered_syns_add(&table, 3, 30, 6);
    tcphs_unanswered_syns_add(&table, 4, 40, 6);
    tcphs_unanswered_syns_forget_frame(&table, 6);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 2, 20), ==, 5);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 3, 30), ==, TCPHS_UNNUMBERED_FRAME);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 4, 40), ==, TCPHS_UNNUMBERED_FRAME);
    for (guint32 i = 0; i <= TCPHS_UNANSWERED_SYNS; i++) /* all there is room for, in one frame */
        tcphs_unanswered_syns_add(&table, 5, i, 7);
    tcphs_unanswered_syns_forget_frame(&table, 7);
    g_assert_cmpuint(tcphs_unanswered_syns_find(&table, 5, 1), ==, TCPHS_UNNUMBERED_FRAME);
}

/* Few senders, so that most are there already, and drawn ones, so that some sit in one chain and are taken out of its
 * middle. */
static void test_any_order(void)
{
    enum { SENDERS = 1500, STEPS = 200000 };
    static guint32 frames[SENDERS], isns[SENDERS];
    GRand *rand = g_rand_new_with_seed(4096);
    memset(&table, 0, sizeof table);
    memset(frames, 0, sizeof frames);
    for (guint32 i = 0; i < SENDERS; i++)
        isns[i] = g_rand_int(rand);
    for (guint32 frame = 1; frame <= STEPS; frame++) {
        const guint32 sender = (guint32)g_rand_int_range(rand, 0, SENDERS);
        if (g_rand_boolean(rand)) {
            const guint32 before = tcphs_unanswered_syns_find(&table, sender, isns[sender]);
            tcphs_unanswered_syns_add(&table, sender, isns[sender], frame);
            frames[sender] = before != 0 ? before : frame;
        } else {
            tcphs_unanswered_syns_remove(&table, sender, isns[sender]);
            frames[sender] = 0;
        }
        const guint32 other = (guint32)g_rand_int_range(rand, 0, SENDERS);
        const guint32 found = tcphs_unanswered_syns_find(&table, other, isns[other]);
        g_assert_true(found == frames[other] || (found == 0 && table.count > TCPHS_UNANSWERED_SYNS));
        frames[other] = found; /* it may have been written over */
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/unanswered syns/one", test_one);
    g_test_add_func("/unanswered syns/the latest are kept", test_the_latest_are_kept);
    g_test_add_func("/unanswered syns/forgotten frame", test_forgotten_frame);
    g_test_add_func("/unanswered syns/any order", test_any_order);
    return g_test_run();
}
