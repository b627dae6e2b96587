/* test_zeek.c
 * Zeek's words, case by case: above all the rules that no published trace tells apart. A case is a list of packets and
 * what Zeek would log of them, one "conn_state history" for each of its connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "tcp/connection.h"
#include "zeek/zeek.h"

/* A packet: "@seconds" sets the clock (else it moves on by a millisecond), then ">" or "<", flags (S A F R P U, or
 * "-"), sequence number, acknowledgment number where A is among the flags, then any of: +n payload, w=n window, s=n
 * scale offered, cut (payload not captured), header (options cut off), bad (checksum). Packets are separated by ";". */
struct zeek_case {
    const char *name;
    guint16 port[2];
    const char *packets;
    const char *logged;
};

#define OPEN "> S 100; < SA 500 101; > A 101 501; "

static const struct zeek_case cases[] = {
    /* conn_state, section 9 of the rules */
    { "orderly",
      { 0 },
      OPEN "> PA 101 501 +10; < PA 501 111 +20; > FA 111 521; < FA 521 112; > A 112 522",
      "SF ShADdFf" },
    { "with acks",
      { 0 },
      OPEN "> PA 101 501 +10; < A 501 111; < PA 501 111 +20; > A 111 521; > FA 111 521; < FA 521 112; > A 112 522",
      "SF ShADadFf" },
    { "no answer", { 0 }, "> S 100", "S0 S" },
    { "open at the end", { 0 }, OPEN, "S1 ShA" },
    { "established by the SYN-ACK alone", { 0 }, "> S 100; < SA 500 101", "S1 Sh" },
    { "a wrong SYN-ACK is as good", { 0 }, "> S 100; < SA 500 50", "S1 Sh" },
    { "originator closed", { 0 }, OPEN "> FA 101 501", "S2 ShAF" },
    { "responder closed", { 0 }, OPEN "< FA 501 101", "S3 ShAf" },
    { "refused", { 0 }, "> S 100; < RA 0 101", "REJ Sr" },
    { "originator resets", { 0 }, OPEN "> R 101", "RSTO ShAR" },
    { "responder resets", { 0 }, OPEN "< R 501", "RSTR ShAr" },
    { "SYN then RST", { 0 }, "> S 100; > R 101", "RSTOS0 SR" },
    { "SYN, stray ACK, RST", { 0 }, "> S 100; < A 900 50; > R 50", "RSTOS0 SaR" },
    { "a FIN before the RST", { 0 }, "> S 100; > FA 101 1; > R 102", "OTH SFR" },
    { "SYN then FIN", { 0 }, "> S 100; > FA 101 1", "SH SF" },
    { "a FIN of nothing, from a server port", { 0 }, "< FA 500 100", "SHR ^f" },
    { "only data", { 0 }, "> PA 100 500 +10", "OTH D" },
    { "RST of nothing", { 0 }, "> R 100", "OTH R" },
    { "midstream from both sides",
      { 0 },
      "> PA 100 500 +5; < A 500 105; > FA 105 500; < FA 500 106; > A 106 501",
      "SF DaFfA" },
    { "midstream reset by the responder", { 0 }, "> PA 100 500 +5; < R 500", "RSTRH Dr" },
    { "SYN and data without an answer", { 0 }, "> S 100; > A 101 1; > PA 101 1 +9", "S0 SAD" },

    /* Who is the originator, 1.5 and the H rule */
    { "from a server port", { 80, 40000 }, "> PA 100 500 +5", "OTH ^d" },
    { "a SYN-ACK first", { 80, 40000 }, "> SA 500 101; < A 101 501", "S1 ^hA" },
    { "both are server ports, the lower sends", { 80, 443 }, "> PA 100 500 +5", "OTH ^d" },
    { "both are server ports, the higher sends", { 443, 80 }, "> PA 100 500 +5", "OTH D" },
    { "both are server ports, with a SYN", { 80, 443 }, "> SA 100 500", "OTH H" },
    { "no server port: the H rule", { 5000, 40000 }, "> SA 500 101; < A 101 501", "OTH ^hA" },
    { "the H rule when the sender goes on", { 5000, 40000 }, "> SA 500 101; > PA 501 101 +5", "OTH ^hd" },
    { "SYN and SYN-ACK in the wrong order", { 5000, 40000 }, "> SA 500 101; < S 100; < A 101 501", "S1 Hs^A" },

    /* Letters come once, and again at another number */
    { "a repeated SYN", { 0 }, "> S 100; > S 100; < SA 500 101; < SA 500 101", "S1 Sh" },
    { "a RST again at another number", { 0 }, OPEN "> R 101; > R 150; > R 150", "RSTO ShARR" },
    { "a FIN again, the same", { 0 }, OPEN "> FA 101 501; > FA 101 501", "S2 ShAF" },
    { "a FIN again, farther", { 0 }, OPEN "> FA 101 501; > FA 111 501", "S2 ShAFF" },
    { "FIN with data ends where it ended before", { 0 }, OPEN "> FA 101 501 +10; > FA 111 501", "S2 ShAF" },
    { "S and H share their bit", { 0 }, "> S 100; > SA 100 500", "S0 S" },
    { "a SYN of a reset responder", { 0 }, OPEN "< R 501; < SA 900 101", "RSTR ShArh" },
    { "SYN and FIN", { 0 }, "> SF 100; > SF 100", "SH Q | SH Q" },
    { "FIN and RST", { 0 }, OPEN "> FRA 101 501; > FRA 101 501", "RSTO ShAI" },
    { "no flags, no data", { 0 }, OPEN "> - 101", "S1 ShA" },
    { "no flags, data", { 0 }, OPEN "> - 101 +3", "S1 ShAD" },
    { "data on FIN and RST are no D", { 0 }, OPEN "> FA 101 501 +5; < RA 501 107 +5", "RSTR ShAFrt" },

    /* T, W, C and G */
    { "retransmissions, 1st and 10th",
      { 0 },
      OPEN "> PA 101 501 +5; > PA 101 501 +5; > PA 101 501 +5; > PA 101 501 +5; > PA 101 501 +5; > PA 101 501 +5; > PA "
           "101 501 +5; > PA 101 501 +5; > PA 101 501 +5; > PA 101 501 +5; > PA 101 501 +5",
      "S1 ShADTT" },
    { "out of order is T", { 0 }, OPEN "> PA 106 501 +5; > PA 101 501 +5", "S1 ShADT" },
    { "old data that extends is no T", { 0 }, OPEN "> PA 101 501 +5; > PA 101 501 +9", "S1 ShAD" },
    { "a closed window", { 0 }, OPEN "< A 501 101 w=0", "S1 ShAaw" },
    { "a RST has no window", { 0 }, OPEN "< RA 501 101 w=0", "RSTR ShAr" },
    { "no window once the other has closed", { 0 }, OPEN "> FA 101 501; < A 501 102 w=0", "S2 ShAFa" },
    { "a closed window in the SYN", { 0 }, "> S 100 w=0", "S0 SW" },
    { "a small window is open with scale", { 0 }, "> S 100 s=7; < SA 500 101 s=7; > A 101 501 w=1", "S1 ShA" },
    { "a wrong checksum changes nothing", { 0 }, OPEN "> R 101 bad; > A 101 501", "S1 ShAC" },
    { "and begins a connection", { 0 }, "> S 100 bad", "OTH C" },
    { "a header cut short logs nothing", { 0 }, "> S 100 header", "OTH " },
    { "an acknowledged hole", { 0 }, OPEN "> PA 101 501 +5; > PA 116 501 +5; < A 501 121", "S1 ShADaG" },
    { "a hole not acknowledged", { 0 }, OPEN "> PA 101 501 +5; > PA 116 501 +5; < A 501 106", "S1 ShADa" },
    { "two holes, one letter", { 0 }, OPEN "> PA 111 501 +5; > PA 121 501 +5; < A 501 126", "S1 ShADaG" },
    { "payload that was cut off is a hole", { 0 }, OPEN "> PA 101 501 +5 cut; < A 501 106", "S1 ShADaG" },
    { "too far ahead before anything is acknowledged",
      { 0 },
      OPEN "> PA 101 501 +100; > PA 20000 501 +5; < A 501 20005",
      "S1 ShADa" },
    { "no hole is told of an end that was reset", { 0 }, OPEN "> PA 106 501 +5; > R 111; < A 501 111", "RSTO ShADRa" },
    { "no hole is told of midstream", { 0 }, "> PA 100 500 +5; < A 500 200", "OTH Da" },
    { "payload of a RST does not fill", { 0 }, OPEN "> RA 101 501 +5; < A 501 106", "RSTO ShARTa" },
    { "acknowledged as far ahead as a number can be", { 0 }, OPEN "< A 501 2147483747", "S1 ShAaG" },
    { "one farther lies before the SYN", { 0 }, OPEN "< A 501 2147483748", "S1 ShAa" },
    { "by a FIN, one farther too", { 0 }, OPEN "> FA 101 2147484148", "S2 ShAF" },
    { "unless numbers begin anew on the way: then it lies ahead",
      { 0 },
      "> S 100; < SA 3221225472 101; > A 101 3221225473; > FA 101 1073741824",
      "S2 ShAFg" },
    { "FIN acknowledged, no hole", { 0 }, OPEN "> FA 101 501; < A 501 102", "S2 ShAFa" },

    /* States that do not ask for numbers, and those that are kept */
    { "a RST far off is believed", { 0 }, OPEN "< R 99999", "RSTR ShAr" },
    { "a bare ACK before the SYN-ACK", { 0 }, "> S 100; < A 900 50; < SA 500 101", "S1 Sah" },
    { "RST after both FINs", { 0 }, OPEN "> FA 101 501; < FA 501 102; < R 502", "SF ShAFfr" },
    { "RST after one FIN", { 0 }, OPEN "> FA 101 501; > R 102", "RSTO ShAFR" },
    { "FIN after the other's FIN and RST", { 0 }, OPEN "> FA 101 501; > R 102; < FA 501 102", "SF ShAFRf" },
    { "FIN of a reset end", { 0 }, OPEN "> R 101; > FA 101 501", "RSTO ShARF" },
    { "SYN, then data: the responder never spoke", { 0 }, "> S 100; < PA 500 101 +5", "OTH Sd" },

    /* Timers and reuse */
    { "a SYN again after 6 seconds", { 0 }, "@0 > S 100; @6 > S 100", "S0 S | S0 S" },
    { "a SYN again after 4 seconds", { 0 }, "@0 > S 100; @4 > S 100", "S0 S" },
    { "data 6 seconds after a SYN without answer", { 0 }, "@0 > S 100; > A 101 1; @6 > PA 101 1 +5", "S0 SA | OTH D" },
    { "answered in time", { 0 }, "@0 > S 100; @1 < SA 500 101; @50 > A 101 501", "S1 ShA" },
    { "silent for a minute before the end of the handshake",
      { 0 },
      "@0 > S 100; @1 < A 900 50; @2 > A 101 501; @70 > A 101 501",
      "S0 SaA | OTH A" },
    { "silent for 299 seconds", { 0 }, "@0 " OPEN "@299 > A 101 501", "S1 ShA" },
    { "silent for 301 seconds", { 0 }, "@0 " OPEN "@301 > A 101 501", "S1 ShA | OTH A" },
    { "silent for half an hour on a login port", { 40000, 22 }, "@0 " OPEN "@1800 > A 101 501", "S1 ShA" },
    { "and on the one of rlogin", { 40000, 513 }, "@0 " OPEN "@1800 > A 101 501", "S1 ShA" },
    { "of two ends that have said nothing", { 0 }, "@0 > S 100 header; @30 > S 100", "OTH  | S0 S" },
    { "after the close, within 5 seconds", { 0 }, "@0 " OPEN "> FA 101 501; < FA 501 102; @4 > A 102 502", "SF ShAFf" },
    { "after the close, later", { 0 }, "@0 " OPEN "> FA 101 501; < FA 501 102; @6 > A 102 502", "SF ShAFf | OTH A" },
    { "after a RST, later", { 0 }, "@0 " OPEN "< R 501; @6 < R 501", "RSTR ShAr | RSTRH ^r" },
    { "a RST before all of the data, half closed already, later",
      { 0 },
      "@0 " OPEN "< FA 501 101; > R 200; @12 > A 200 502",
      "RSTO ShAfR | OTH A" },
    { "half closed for a minute", { 0 }, "@0 " OPEN "> FA 101 501; @60 < FA 501 102", "SF ShAFf" },
    { "a close that waits for data is no close",
      { 0 },
      "@0 " OPEN "> PA 101 501 +10; < FA 501 101; > FA 111 502; < A 502 112; @10 > A 112 502",
      "SF ShADfFa" },
    { "a close in which all was acknowledged",
      { 0 },
      "@0 " OPEN "> PA 101 501 +10; < A 501 111; < FA 501 111; > FA 111 502; < A 502 112; @10 > A 112 502",
      "SF ShADafF | OTH A" },
    { "another ISN", { 0 }, "> S 100; > S 200", "S0 S | S0 S" },
    { "another ISN into the connection", { 0 }, OPEN "> S 9000", "S1 ShA | S0 S" },
    { "the same ISN after a refusal", { 0 }, "> S 100; < RA 0 101; > S 100; < RA 0 101", "REJ Sr | REJ Sr" },
    { "the other end opens", { 0 }, "> S 100; < S 500", "S0 S | S0 S" },
    { "a SYN-ACK does not begin another", { 0 }, OPEN "< SA 900 101", "S1 ShA" },
    { "the clock runs backwards", { 0 }, "@10 > S 100; @2 > S 100", "S0 S" },

    /* Numbers */
    { "across the end of the numbers",
      { 0 },
      "> S 4294967200; < SA 4294967290 4294967201; > A 4294967201 4294967291; > PA 4294967201 4294967291 +200; < A "
      "4294967291 105; < PA 4294967291 105 +20; > A 105 15; > FA 105 15; < FA 15 106; > A 106 16",
      "SF ShADadFf" },
    { "two leaps to beyond half of the numbers, and on from there",
      { 0 },
      OPEN "> A 2147483000 501; > PA 2147484000 501 +5; > PA 2147484005 501 +5",
      "S1 ShAD" },
    { "a RST far ahead leaves the size alone", { 0 }, "> S 100; < RA 90000000 101", "REJ Sr" },
};

static void *grow(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    return g_realloc(old, size);
}

static bool is_server_port(uint16_t port)
{
    return port == 80 || port == 443 || port == 22;
}

static guint16 flags_in(const char *word)
{
    guint16 flags = 0;
    for (; *word != '\0'; word++)
        flags |= *word == 'S'   ? TCPHS_SYN
                 : *word == 'A' ? TCPHS_ACK
                 : *word == 'F' ? TCPHS_FIN
                 : *word == 'R' ? TCPHS_RST
                 : *word == 'P' ? TCPHS_PSH
                                : 0;
    return flags;
}

struct packet {
    struct tcphs_segment segment;
    struct tcphs_zeek_input in;
};

static void read_modifier(const char *word, struct packet *p)
{
    struct tcphs_segment *s = &p->segment;
    if (word[0] == '+') {
        s->length = (guint32)g_ascii_strtoull(word + 1, NULL, 10);
    } else if (g_str_has_prefix(word, "w=")) {
        s->window = (guint16)g_ascii_strtoull(word + 2, NULL, 10);
    } else if (g_str_has_prefix(word, "s=")) {
        s->wscale = (guint8)g_ascii_strtoull(word + 2, NULL, 10);
        s->options |= TCPHS_OPT_WSCALE;
    } else if (strcmp(word, "cut") == 0) {
        p->in.is_whole = false;
    } else if (strcmp(word, "header") == 0) {
        s->options = TCPHS_OPTIONS_CUT;
    } else {
        g_assert_cmpstr(word, ==, "bad");
        p->in.bad_checksum = true;
    }
}

static void read_packet(const char *text, const struct zeek_case *c, gint64 *clock, struct packet *p)
{
    char **words = g_strsplit(text, " ", -1), **word = words;
    struct tcphs_segment *s = &p->segment;
    const guint16 port[2] = { c->port[0] ? c->port[0] : 40000, c->port[1] ? c->port[1] : 80 };
    *p = (struct packet){ .in = { s, false, true, grow }, .segment = { .window = 1000 } };
    *clock += 1000000;
    if (**word == '@')
        *clock = (gint64)g_ascii_strtoull(*word++ + 1, NULL, 10) * TCPHS_SECOND;
    s->time = *clock;
    s->from = **word++ == '<';
    s->source_port = port[s->from];
    s->destination_port = port[!s->from];
    s->flags = flags_in(*word++);
    s->seq = (guint32)g_ascii_strtoull(*word++, NULL, 10);
    if (s->flags & TCPHS_ACK)
        s->ack = (guint32)g_ascii_strtoull(*word++, NULL, 10);
    for (; *word != NULL; word++)
        read_modifier(*word, p);
    g_strfreev(words);
}

static void forget(struct tcphs_zeek *z)
{
    g_free(z->history);
    g_free(z->end[0].bytes.ahead);
    g_free(z->end[1].bytes.ahead);
}

static void append_logged(GString *out, struct tcphs_zeek *z)
{
    g_string_append_printf(out, "%s%s %s", out->len ? " | " : "", tcphs_zeek_state(z), tcphs_zeek_history(z));
    forget(z);
}

/* Both were zeroed as a whole and are only ever assigned to: what lies between their members is the same. */
static gboolean same_bytes(const void *a, const void *b, gsize size)
{
    return memcmp(a, b, size) == 0;
}

/* A copy that shares nothing. */
static void copy_zeek(struct tcphs_zeek *to, const struct tcphs_zeek *from)
{
    *to = *from;
    to->history = g_memdup2(from->history, from->history_room);
    for (int i = 0; i < 2; i++)
        to->end[i].bytes.ahead =
            g_memdup2(from->end[i].bytes.ahead, from->end[i].bytes.room * sizeof *from->end[i].bytes.ahead);
}

/* Equal, and what they point to is. Takes the pointers of both. */
static void check_same_zeek(struct tcphs_zeek *a, struct tcphs_zeek *b)
{
    g_assert_cmpstr(tcphs_zeek_history(a), ==, tcphs_zeek_history(b));
    for (int i = 0; i < 2; i++) {
        struct tcphs_zeek_bytes *x = &a->end[i].bytes, *y = &b->end[i].bytes;
        g_assert_cmpuint(x->count, ==, y->count);
        for (guint32 k = 0; k < x->count; k++)
            g_assert_true(x->ahead[k][0] == y->ahead[k][0] && x->ahead[k][1] == y->ahead[k][1]);
        x->ahead = y->ahead = NULL;
    }
    a->history = b->history = NULL;
    g_assert_true(same_bytes(a, b, sizeof *a));
}

/* The long way, and the short way held to it. */
static guint feed_both_ways(struct tcphs_zeek *z, const struct tcphs_zeek_input *in)
{
    struct tcphs_zeek shorter, longer;
    copy_zeek(&shorter, z);
    const bool plain = tcphs_zeek_fast_path(&shorter, in);
    struct tcphs_zeek kept = shorter;
    tcphs_zeek_segment(z, in);
    longer = *z;
    if (plain)
        check_same_zeek(&shorter, &longer);
    forget(&kept);
    return plain;
}

static void test_case(gconstpointer data)
{
    const struct zeek_case *c = data;
    char **packets = g_strsplit(c->packets, ";", -1);
    GString *logged = g_string_new(NULL);
    struct tcphs_zeek z = { .history = NULL };
    gint64 clock = 0, now = 0;
    bool any = false;
    for (char **text = packets; *text != NULL; text++) {
        struct packet p;
        if (*g_strstrip(*text) == '\0')
            continue;
        read_packet(*text, c, &clock, &p);
        now = MAX(now, clock);
        if (!any || tcphs_zeek_is_over(&z, &p.segment, now)) {
            if (any)
                append_logged(logged, &z);
            tcphs_zeek_begin(&z, &p.in, is_server_port);
            any = true;
        }
        feed_both_ways(&z, &p.in);
    }
    append_logged(logged, &z);
    if (strcmp(logged->str, c->logged) != 0) { /* all of them are told in one run */
        g_test_message("%s: %s, Zeek would log %s", c->name, logged->str, c->logged);
        g_test_fail();
    }
    g_string_free(logged, TRUE);
    g_strfreev(packets);
}

/* Whatever comes: one of Zeek's words, and a history of its letters. */
static void test_anything(void)
{
    static const char *const states[] = { "S0",   "S1",    "S2",     "S3", "SF",  "REJ", "RSTO",
                                          "RSTR", "RSTRH", "RSTOS0", "SH", "SHR", "OTH", NULL };
    GRand *rand = g_rand_new_with_seed(9293);
    for (int talk = 0; talk < 5000; talk++) {
        struct tcphs_zeek z;
        for (int i = 0; i < 40; i++) {
            const guint32 wild = g_rand_int_range(rand, 0, 20) == 0 ? g_rand_int(rand) : 0;
            struct tcphs_segment s = { .time = i * TCPHS_SECOND / 10,
                                       .seq = 1000 + (guint32)g_rand_int_range(rand, 0, 50) + wild,
                                       .ack = 1000 + (guint32)g_rand_int_range(rand, 0, 50) + wild,
                                       .length = (guint32)g_rand_int_range(rand, 0, 3) * 20,
                                       .flags = (guint16)g_rand_int_range(rand, 0, 64),
                                       .window = (guint16)g_rand_int_range(rand, 0, 3),
                                       .from = (guint8)g_rand_int_range(rand, 0, 2) };
            const struct tcphs_zeek_input in = { &s, g_rand_int_range(rand, 0, 30) == 0, true, grow };
            if (i == 0)
                tcphs_zeek_begin(&z, &in, is_server_port);
            feed_both_ways(&z, &in);
            g_assert_true(g_strv_contains(states, tcphs_zeek_state(&z)));
        }
        g_assert_cmpuint(strspn(tcphs_zeek_history(&z), "^SHADFRCGTWIQshadfrcgtwiq"), ==, z.history_length);
        forget(&z);
    }
    g_rand_free(rand);
}

/* An open connection in which nearly everything goes on in sequence, now and then across the end of the numbers; in
 * some only one end speaks, and much. */
static void test_short_way(void)
{
    GRand *rand = g_rand_new_with_seed(793);
    guint short_ways = 0;
    for (int talk = 0; talk < 2000; talk++) {
        guint32 next[2] = { g_rand_int_range(rand, 0, 4) ? g_rand_int(rand) : (guint32)-200, g_rand_int(rand) };
        const guint8 speakers = talk % 4 == 0 ? 1 : 2;
        const guint32 each = talk % 3 == 0 ? 6000 : 40;
        struct tcphs_zeek z;
        for (int i = 0; i < 60; i++) {
            const guint8 from = i < 2 ? (guint8)i : (guint8)g_rand_int_range(rand, 0, speakers);
            const guint32 odd = g_rand_int_range(rand, 0, 15) == 0 ? (guint32)g_rand_int_range(rand, -50, 50) : 0;
            const guint16 often = (guint16)(i == 0 ? TCPHS_SYN : i == 1 ? TCPHS_SYN | TCPHS_ACK : TCPHS_ACK);
            struct tcphs_segment s = { .time = i * TCPHS_SECOND / 10,
                                       .seq = next[from] + odd,
                                       .ack = next[!from] - (odd != 0 ? 7 : 0),
                                       .length = i < 2 ? 0 : (guint32)g_rand_int_range(rand, 0, 3) * each,
                                       .flags = g_rand_int_range(rand, 0, 40)
                                                    ? often
                                                    : (guint16)(often | g_rand_int_range(rand, 0, 8)),
                                       .window = (guint16)g_rand_int_range(rand, 0, 30),
                                       .options = g_rand_int_range(rand, 0, 40) ? 0 : TCPHS_OPTIONS_CUT,
                                       .from = from };
            const struct tcphs_zeek_input in = { &s, g_rand_int_range(rand, 0, 30) == 0,
                                                 g_rand_int_range(rand, 0, 30) != 0, grow };
            if (i == 0)
                tcphs_zeek_begin(&z, &in, is_server_port);
            short_ways += feed_both_ways(&z, &in);
            next[from] = s.seq + tcphs_segment_space(&s);
        }
        forget(&z);
    }
    g_assert_cmpuint(short_ways, >, 30000);
    g_rand_free(rand);
}

/* A history that grows twice: the letters of a RST at ever another number. */
static void test_long_history(void)
{
    enum { RESETS = 200 };
    struct tcphs_segment s = { .seq = 100, .flags = TCPHS_SYN, .window = 1000 };
    const struct tcphs_zeek_input in = { &s, false, true, grow };
    struct tcphs_zeek z;
    tcphs_zeek_begin(&z, &in, is_server_port);
    tcphs_zeek_segment(&z, &in);
    s.flags = TCPHS_RST;
    for (guint i = 0; i < RESETS; i++, s.seq++)
        tcphs_zeek_segment(&z, &in);
    const char *history = tcphs_zeek_history(&z);
    g_assert_cmpuint(strlen(history), ==, 1 + RESETS);
    g_assert_cmpuint(strspn(history + 1, "R"), ==, RESETS);
    forget(&z);
}

/* So much in order without any acknowledgment that Zeek gives the stream up: by the short way as by the long one. */
static void test_nothing_acknowledged(void)
{
    struct tcphs_segment s = { .seq = 100, .flags = TCPHS_SYN, .window = 1000 };
    const struct tcphs_zeek_input in = { &s, false, true, grow };
    struct tcphs_zeek z;
    tcphs_zeek_begin(&z, &in, is_server_port);
    feed_both_ways(&z, &in);
    s = (struct tcphs_segment){ .seq = 500, .ack = 101, .flags = TCPHS_SYN | TCPHS_ACK, .window = 1000, .from = 1 };
    feed_both_ways(&z, &in);
    s = (struct tcphs_segment){ .seq = 101, .ack = 501, .flags = TCPHS_ACK, .window = 1000, .length = 1000 };
    feed_both_ways(&z, &in);
    s = (struct tcphs_segment){ .seq = 501, .ack = 1101, .flags = TCPHS_ACK, .window = 1000, .from = 1 };
    feed_both_ways(&z, &in);
    s = (struct tcphs_segment){ .seq = 1101, .ack = 501, .flags = TCPHS_ACK, .window = 1000, .length = 60000 };
    for (; s.seq < 11 << 20; s.seq += s.length) {
        g_assert_true(feed_both_ways(&z, &in));
        g_assert_cmpint(z.end[0].bytes.skip, ==, s.seq + s.length - 1101 > 10 << 20);
    }
    g_assert_cmpstr(tcphs_zeek_history(&z), ==, "ShDa");
    forget(&z);
}

/* However many holes somebody makes in a stream, what is kept of it stays small: at some point it is given up. */
static void test_holes_on_purpose(void)
{
    enum { PIECES = 20000 };
    struct tcphs_zeek_bytes falling = { .next = 1, .trim = 1 }, rising = falling, few = falling;
    for (guint64 i = 0; i < PIECES; i++) {
        tcphs_zeek_bytes_add(&falling, 4 * (PIECES - i), 4 * (PIECES - i) + 1, grow);
        tcphs_zeek_bytes_add(&rising, 4 * i + 4, 4 * i + 5, grow);
    }
    for (guint64 i = 0; i < 1000; i++)
        tcphs_zeek_bytes_add(&few, 4 * (1000 - i), 4 * (1000 - i) + 1, grow);
    g_assert_true(falling.skip && rising.skip && !few.skip);
    g_assert_cmpuint(MAX(falling.room, rising.room), <, PIECES);
    g_assert_cmpuint(tcphs_zeek_bytes_trim(&falling, 4 * PIECES + 1, false), ==, 0);
    g_assert_cmpuint(tcphs_zeek_bytes_trim(&few, 4 * 1000 + 1, false), ==, 1000);
    g_free(falling.ahead);
    g_free(rising.ahead);
    g_free(few.ahead);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *path = g_strdup_printf("/zeek/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_case);
        g_free(path);
    }
    g_test_add_func("/zeek/anything", test_anything);
    g_test_add_func("/zeek/short way", test_short_way);
    g_test_add_func("/zeek/long history", test_long_history);
    g_test_add_func("/zeek/nothing acknowledged", test_nothing_acknowledged);
    g_test_add_func("/zeek/holes on purpose", test_holes_on_purpose);
    return g_test_run();
}
