/* core.c
 * Feeds the core alone with connections of 50 segments, many at a time, and says how long a segment took. Memory and
 * order are those of the plugin's tracker; the making of the segments is not in the time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tcp/connection.h"
#include "capture_duplicates.h"
#include "history.h"
#include "zeek/zeek.h"
#include "tcp/fast_path.h"
#include "tcp/port_reuse.h"

enum { PACKETS = 50, ANSWER = 3, MSS = 1448, REQUEST = 80, SIDE_BY_SIDE = 500 };

struct tracked {
    struct tcphs_connection connection;
    struct tcphs_history history;
    struct tcphs_zeek zeek;
};

/* What both ends of a connection in the making send next. */
struct talk {
    struct tcphs_segment next;
    uint32_t sent[2];
};

static void *grow(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    void *room = realloc(old, size);
    if (room == NULL)
        abort();
    return room;
}

static bool is_server_port(uint16_t port)
{
    return port == 80;
}

static struct tcphs_segment say(struct talk *t, uint8_t from, uint16_t flags, uint32_t length)
{
    struct tcphs_segment s = t->next;
    s.from = from;
    s.flags = flags;
    s.length = length;
    s.seq = t->sent[from];
    s.ack = flags & TCPHS_ACK ? t->sent[!from] : 0;
    s.source_port = from ? 80 : 40000;
    s.destination_port = from ? 40000 : 80;
    s.ts_value = (uint32_t)(s.time / 1000000) + 1;
    s.ts_echo = s.ts_value;
    s.options = flags & TCPHS_SYN ? TCPHS_OPT_WSCALE | TCPHS_OPT_TIMESTAMP : TCPHS_OPT_TIMESTAMP;
    s.wscale = 7;
    t->sent[from] += length + ((flags & (TCPHS_SYN | TCPHS_FIN)) != 0);
    return s;
}

/* Segment number `at` of a connection: handshake, five exchanges of eight or nine segments, close. */
static struct tcphs_segment segment(struct talk *t, unsigned at)
{
    enum { OPENED = 3, CLOSING = PACKETS - 3, EXCHANGE = 2 + 2 * ANSWER };
    if (at == 0)
        return say(t, 0, TCPHS_SYN, 0);
    if (at == 1)
        return say(t, 1, TCPHS_SYN | TCPHS_ACK, 0);
    if (at == 2 || at == PACKETS - 1)
        return say(t, 0, TCPHS_ACK, 0);
    if (at >= CLOSING)
        return say(t, at != CLOSING, TCPHS_FIN | TCPHS_ACK, 0);
    const unsigned step = (at - OPENED) % EXCHANGE;
    if (step == 0)
        return say(t, 0, TCPHS_PSH | TCPHS_ACK, REQUEST);
    return step % 2 == 1 ? say(t, 1, TCPHS_ACK, step == 1 ? 0 : MSS) : say(t, 0, TCPHS_ACK, 0);
}

/* All segments in the order of the capture; source ports tell no connections apart here, their place does. */
static struct tcphs_segment *make(uint32_t connections)
{
    struct tcphs_segment *all = (struct tcphs_segment *)calloc((size_t)connections * PACKETS, sizeof *all);
    struct talk *talks = (struct talk *)calloc(SIDE_BY_SIDE, sizeof *talks);
    if (all == NULL || talks == NULL)
        abort();
    for (uint32_t i = 0; i < connections * PACKETS; i++) {
        struct talk *t = &talks[i % SIDE_BY_SIDE];
        const unsigned at = i / SIDE_BY_SIDE % PACKETS;
        if (at == 0)
            t->sent[0] = i * 7919, t->sent[1] = i * 104729;
        t->next = (struct tcphs_segment){ .time = i * INT64_C(100000), .frame = i + 1, .window = 64240, .ttl = 64 };
        all[i] = segment(t, at);
        all[i].ip_id = (uint16_t)i;
    }
    free(talks);
    return all;
}

static void feed(struct tracked *t, const struct tcphs_segment *s, struct tcphs_duplicates *copies)
{
    const struct tcphs_capture_point sight = { .tuple = (uintptr_t)t, .ip_id = s->ip_id, .ttl = s->ttl };
    const struct tcphs_zeek_input in = { .segment = s, .is_whole = true, .grow = grow };
    struct tcphs_outcome o;
    if (tcphs_duplicates_find(copies, s, &sight) != 0)
        abort(); /* there is none */
    if (s->flags == TCPHS_SYN) {
        tcphs_connection_init(&t->connection, NULL);
        tcphs_zeek_begin(&t->zeek, &in, is_server_port);
    } else if (tcphs_connection_fast_path(&t->connection, s)) {
        if (!tcphs_zeek_fast_path(&t->zeek, &in))
            tcphs_zeek_segment(&t->zeek, &in);
        return;
    } else if (tcphs_connection_is_port_reuse(&t->connection, s)) {
        abort(); /* nor this */
    }
    tcphs_connection_segment(&t->connection, s, &o);
    tcphs_history_add(&t->history, &o, s->from, grow);
    tcphs_zeek_segment(&t->zeek, &in);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const uint32_t connections =
        (argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000) / SIDE_BY_SIDE * SIDE_BY_SIDE;
    struct tcphs_segment *segments = make(connections);
    struct tracked *tracked = (struct tracked *)calloc(connections, sizeof *tracked);
    struct tcphs_duplicates *copies = (struct tcphs_duplicates *)calloc(1, sizeof *copies);
    if (tracked == NULL || copies == NULL)
        abort();
    const double start = now();
    for (uint32_t i = 0; i < connections * PACKETS; i++)
        feed(&tracked[i / (SIDE_BY_SIDE * PACKETS) * SIDE_BY_SIDE + i % SIDE_BY_SIDE], &segments[i], copies);
    const double took = now() - start;
    uint32_t closed = 0;
    for (uint32_t i = 0; i < connections; i++)
        closed += tcphs_connection_stage(&tracked[i].connection) == TCPHS_STAGE_CLOSED;
    printf("segments %u closed %u seconds %.6f\n", connections * PACKETS, closed, took);
    free(segments);
    free(tracked);
    free(copies);
    return closed == connections ? 0 : 1;
}
