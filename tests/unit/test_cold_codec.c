/* test_cold_codec.c
 * Whatever is packed comes back to the bit, whatever it is held against, in no more room than promised; and what is
 * much like its model takes little.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <glib.h>

#include "tracker/cold_codec.h"

enum { MOST = 300 };

/* Words as structs have them: zero, small, near one of a few large ones, as in the model, or anything. */
static guint32 any_word(GRand *rand, const guint32 *large, guint32 model)
{
    switch (g_rand_int_range(rand, 0, 6)) {
    case 0:
        return 0;
    case 1:
        return (guint32)g_rand_int_range(rand, 0, 0x20000);
    case 2:
        return large[g_rand_int_range(rand, 0, 4)] + (guint32)g_rand_int_range(rand, -0x9000, 0x9000);
    case 3:
        return large[g_rand_int_range(rand, 0, 4)];
    case 4:
        return model;
    default:
        return g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);
    }
}

static void check_round_trip(const guint32 *words, const guint32 *model, gsize count)
{
    static guint8 packed[TCPHS_COLD_MOST_BYTES(MOST) + 1];
    static guint32 again[MOST];
    const gsize most = TCPHS_COLD_MOST_BYTES(count);
    packed[most] = 0xA5;
    const gsize length = tcphs_cold_encode(words, model, count, packed);
    g_assert_cmpuint(length, <=, most);
    g_assert_cmpuint(packed[most], ==, 0xA5);
    memset(packed + length, 0xFF, most - length); /* nothing behind the end is read for good */
    tcphs_cold_decode(packed, model, again, count);
    for (gsize i = 0; i < count; i++)
        g_assert_cmphex(again[i], ==, words[i]);
}

static void test_round_trip(void)
{
    GRand *rand = g_rand_new_with_seed(64);
    static guint32 words[MOST], model[MOST];
    for (int round = 0; round < 20000; round++) {
        const gsize count = (gsize)g_rand_int_range(rand, 0, MOST + 1);
        guint32 large[4];
        for (int i = 0; i < 4; i++)
            large[i] = g_rand_int(rand);
        for (gsize i = 0; i < count; i++) {
            model[i] = any_word(rand, large, 0);
            words[i] = any_word(rand, large, model[i]);
        }
        check_round_trip(words, model, count);
    }
    g_rand_free(rand);
}

static void test_worst_words(void)
{
    static guint32 words[MOST], model[MOST];
    for (guint32 i = 0; i < MOST; i++)
        words[i] = 0x80000000 + i * 0x1234567; /* far from each other */
    check_round_trip(words, model, MOST);
    memset(words, 0xFF, sizeof words);
    check_round_trip(words, model, MOST);
}

static void test_likeness_takes_no_room(void)
{
    guint8 packed[TCPHS_COLD_MOST_BYTES(MOST)];
    static guint32 words[MOST];
    for (guint32 i = 0; i < MOST; i++)
        words[i] = i * 2654435761u;
    g_assert_cmpuint(tcphs_cold_encode(words, words, MOST, packed), <=, MOST / 8 + 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pack/round trip", test_round_trip);
    g_test_add_func("/pack/worst words", test_worst_words);
    g_test_add_func("/pack/likeness takes no room", test_likeness_takes_no_room);
    return g_test_run();
}
