/* unanswered_syns.c
 * A ring of SYNs, chained by the hash of what they are found by.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "unanswered_syns.h"

#include "tcp/state.h"

static unsigned hash_of(uint32_t sender, uint32_t isn)
{
    const uint64_t mixed = ((uint64_t)sender << 32 | isn) * UINT64_C(0x9E3779B97F4A7C15);
    return (unsigned)(mixed >> 52) % TCPHS_UNANSWERED_SYNS;
}

/* Place + 1, or 0. */
static unsigned place_of(const struct tcphs_unanswered_syns *u, uint32_t sender, uint32_t isn)
{
    unsigned place = u->first[hash_of(sender, isn)];
    while (place != 0 && (u->syns[place - 1].sender != sender || u->syns[place - 1].isn != isn))
        place = u->syns[place - 1].next;
    return place;
}

/* Takes a place in use out of its chain. */
static void unlink_place(struct tcphs_unanswered_syns *u, unsigned place)
{
    uint16_t *link = &u->first[hash_of(u->syns[place - 1].sender, u->syns[place - 1].isn)];
    while (*link != place)
        link = &u->syns[*link - 1].next;
    *link = u->syns[place - 1].next;
    u->syns[place - 1].frame = 0;
}

void tcphs_unanswered_syns_add(struct tcphs_unanswered_syns *u, uint32_t sender, uint32_t isn, uint32_t frame)
{
    if (place_of(u, sender, isn) != 0)
        return;
    const unsigned place = u->count++ % TCPHS_UNANSWERED_SYNS + 1;
    if (u->syns[place - 1].frame != 0)
        unlink_place(u, place);
    uint16_t *first = &u->first[hash_of(sender, isn)];
    u->syns[place - 1].sender = sender;
    u->syns[place - 1].isn = isn;
    u->syns[place - 1].frame = u->last_frame = frame;
    u->syns[place - 1].next = *first;
    *first = (uint16_t)place;
}

void tcphs_unanswered_syns_remove(struct tcphs_unanswered_syns *u, uint32_t sender, uint32_t isn)
{
    const unsigned place = place_of(u, sender, isn);
    if (place != 0)
        unlink_place(u, place);
}

uint32_t tcphs_unanswered_syns_find(const struct tcphs_unanswered_syns *u, uint32_t sender, uint32_t isn)
{
    const unsigned place = place_of(u, sender, isn);
    return place != 0 ? u->syns[place - 1].frame : 0;
}

void tcphs_unanswered_syns_forget_frame(struct tcphs_unanswered_syns *u, uint32_t frame)
{
    if (frame != u->last_frame)
        return; /* what was added before is of earlier frames */
    u->last_frame = 0;
    for (uint32_t back = 1; back <= u->count && back <= TCPHS_UNANSWERED_SYNS; back++) {
        const unsigned place = (u->count - back) % TCPHS_UNANSWERED_SYNS + 1;
        if (u->syns[place - 1].frame == frame)
            u->syns[place - 1].frame = TCPHS_UNNUMBERED_FRAME;
        else if (u->syns[place - 1].frame != 0)
            return;
    }
}
