/* history.c
 * Packs outcomes into the two logs and unpacks them again. What can be worked out from the connection or from the
 * standing state is not stored.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "history.h"

#include <string.h>

enum entry_kind {
    ENTRY_FINDINGS = 1, /**< value: one word of the set, small: which */
    ENTRY_ACCEPTED,     /**< small: judgement, where it is not the usual one */
    ENTRY_STEP,         /**< small: step, count: SYNs, value: see step_value */
    ENTRY_CLOSE,        /**< small: close steps */
    ENTRY_RST,          /**< small: kind, count: see pack_ttl_delta, value: nanoseconds of silence, or -1 */
    ENTRY_EVENT,        /**< small: event */
    ENTRY_DUE,          /**< value: due and seen acknowledgment */
    ENTRY_EXPLAINED,    /**< small: finding, count: the acknowledgment is right, value: due and seen */
    ENTRY_BACK,         /**< value: frame at fault */
    ENTRY_TIME_SYNACK,  /**< value: nanoseconds, as are the next two */
    ENTRY_TIME_ACK,
    ENTRY_TIME_SETUP,
    ENTRY_BACKWARD, /**< as ENTRY_FINDINGS: those that accuse the frame of ENTRY_BACK */
    ENTRY_WAITED,   /**< value: nanoseconds since the first SYN, small: something has come back */
    ENTRY_OPTIONS,  /**< value: see pack_options */
    ENTRY_FULL,     /* the last: from this frame on nothing but changes is kept */
};

/* The packed word, from the lowest bit: stage 3, two states 4 each, client 2, two usual judgements 2 each, assumed 1.
 */
static uint32_t pack(const struct tcphs_outcome *o)
{
    return (uint32_t)o->stage | (uint32_t)o->state[0] << 3 | (uint32_t)o->state[1] << 7 | (uint32_t)o->client << 11 |
           (uint32_t)o->usual[0] << 13 | (uint32_t)o->usual[1] << 15 | (uint32_t)o->assumed << 17;
}

static void unpack(uint32_t packed, struct tcphs_outcome *o)
{
    o->stage = packed & 7;
    o->state[0] = packed >> 3 & 15;
    o->state[1] = packed >> 7 & 15;
    o->client = packed >> 11 & 3;
    o->usual[0] = packed >> 13 & 3;
    o->usual[1] = packed >> 15 & 3;
    o->assumed = packed >> 17 & 1;
}

static void add_change(struct tcphs_history *h, uint32_t frame, uint32_t packed, tcphs_grow grow)
{
    if (h->change_count > 0) {
        struct tcphs_state_change *last = &h->changes[h->change_count - 1];
        if (last->packed == packed)
            return;
        if (last->position == frame * 2) {
            last->packed = packed;
            return;
        }
    }
    if (h->change_count == h->change_room) {
        const uint32_t room = h->change_room ? h->change_room * 2 : 4;
        h->changes = grow(h->changes, h->change_room * sizeof *h->changes, room * sizeof *h->changes);
        h->change_room = room;
    }
    h->changes[h->change_count++] = (struct tcphs_state_change){ frame * 2, packed };
}

static bool is_full(const struct tcphs_history *h)
{
    return h->entry_count > 0 && h->entries[h->entry_count - 1].kind == ENTRY_FULL;
}

static void add_entry(struct tcphs_history *h, struct tcphs_log_entry entry, tcphs_grow grow)
{
    if (h->entry_count == h->entry_room) {
        const uint32_t room = h->entry_room ? h->entry_room * 2 : 8; /* a handshake leaves more than four */
        h->entries = grow(h->entries, h->entry_room * sizeof *h->entries, room * sizeof *h->entries);
        h->entry_room = room;
    }
    h->entries[h->entry_count++] = entry;
}

static void add_link_changes(struct tcphs_history *h, const struct tcphs_outcome *o, tcphs_grow grow)
{
    for (unsigned i = 0; i < TCPHS_LINKS; i++) {
        if (!(o->links_changed & 1u << i))
            continue;
        if (h->link_change_count == h->link_change_room) {
            const uint32_t room = h->link_change_room ? h->link_change_room * 2 : 2;
            h->link_changes =
                grow(h->link_changes, h->link_change_room * sizeof *h->link_changes, room * sizeof *h->link_changes);
            h->link_change_room = room;
        }
        h->link_changes[h->link_change_count++] =
            (struct tcphs_link_change){ o->frame * 2, o->links_before[i], (uint8_t)i };
    }
}

/* The links as they stood at the frame: from those of now, back through all changes since. */
static void recall_links(const struct tcphs_history *h, const struct tcphs_connection *c, uint32_t frame,
                         uint32_t *links)
{
    memcpy(links, c->links, sizeof c->links);
    for (uint32_t i = h->link_change_count; i-- > 0 && h->link_changes[i].position > frame * 2;)
        links[h->link_changes[i].link] = h->link_changes[i].before;
    for (unsigned i = 0; i < TCPHS_LINKS; i++)
        links[i] = links[i] <= frame ? links[i] : 0;
}

/* From the lowest bit: two MSS 16 each, two shifts 8 each, which of them are there 2 each, agreed 6. */
static uint64_t pack_options(const struct tcphs_handshake_options *o)
{
    return o->mss[0] | (uint64_t)o->mss[1] << 16 | (uint64_t)o->window_scale[0] << 32 |
           (uint64_t)o->window_scale[1] << 40 | (uint64_t)o->has_mss << 48 | (uint64_t)o->has_scale << 50 |
           (uint64_t)o->agreed << 52;
}

static struct tcphs_handshake_options unpack_options(uint64_t packed)
{
    return (struct tcphs_handshake_options){
        .mss = { (uint16_t)packed, (uint16_t)(packed >> 16) },
        .window_scale = { (uint8_t)(packed >> 32), (uint8_t)(packed >> 40) },
        .has_mss = packed >> 48 & 3,
        .has_scale = packed >> 50 & 3,
        .agreed = packed >> 52 & 63,
    };
}

/* 0 = absent; else from 1, which stands for -255, up. */
static uint16_t pack_ttl_delta(const struct tcphs_outcome *o)
{
    return o->has_ttl_delta ? (uint16_t)(o->rst_ttl_delta + 256) : 0;
}

static void unpack_ttl_delta(uint16_t packed, struct tcphs_outcome *o)
{
    o->has_ttl_delta = packed != 0;
    o->rst_ttl_delta = (int16_t)(packed != 0 ? packed - 256 : 0);
}

/* SYN-ACKs, and above them where the note is that holds what both ends offer as of this step: its number + 1. */
static uint64_t step_value(const struct tcphs_history *h, const struct tcphs_outcome *o)
{
    return o->synack_count | (uint64_t)(o->step ? h->last_options : 0) << 16;
}

static uint64_t pair(uint32_t due, uint32_t seen)
{
    return (uint64_t)due << 32 | seen;
}

static void add_small(struct tcphs_history *h, uint32_t frame, enum entry_kind kind, uint8_t small, tcphs_grow grow)
{
    if (small != 0)
        add_entry(h, (struct tcphs_log_entry){ frame, (uint8_t)kind, small, 0, 0 }, grow);
}

static void add_value(struct tcphs_history *h, uint32_t frame, enum entry_kind kind, uint64_t value, tcphs_grow grow)
{
    add_entry(h, (struct tcphs_log_entry){ frame, (uint8_t)kind, 0, 0, value }, grow);
}

static void add_time(struct tcphs_history *h, uint32_t frame, enum entry_kind kind, int64_t time, tcphs_grow grow)
{
    if (time >= 0)
        add_value(h, frame, kind, (uint64_t)time, grow);
}

void tcphs_history_forget_frame(struct tcphs_history *h, uint32_t frame)
{
    while (h->entry_count > 0 && h->entries[h->entry_count - 1].frame == frame)
        h->entry_count--;
    if (h->last_options > h->entry_count) /* the one before it is found no more: the next step says all again */
        h->last_options = 0;
    if (h->change_count > 0 && h->changes[h->change_count - 1].position == frame * 2)
        h->changes[h->change_count - 1].position--;
    for (uint32_t i = h->link_change_count; i-- > 0 && h->link_changes[i].position == frame * 2;)
        h->link_changes[i].position--;
}

static void add_findings(struct tcphs_history *h, uint32_t frame, enum entry_kind kind,
                         const struct tcphs_findings *findings, tcphs_grow grow)
{
    for (unsigned i = 0; i < TCPHS_FINDING_WORDS; i++)
        if (findings->words[i] != 0)
            add_entry(h, (struct tcphs_log_entry){ frame, (uint8_t)kind, (uint8_t)i, 0, findings->words[i] }, grow);
}

static void add_explanations(struct tcphs_history *h, const struct tcphs_outcome *o, tcphs_grow grow)
{
    for (unsigned i = 0; i < o->explained_count; i++) {
        const struct tcphs_explanation *e = &o->explained[i];
        const uint64_t numbers = pair(e->due, e->seen);
        add_entry(h, (struct tcphs_log_entry){ o->frame, ENTRY_EXPLAINED, e->finding, e->ack_is_right, numbers }, grow);
    }
}

/* What a step shows of the offers is mostly what the step before it did. */
static void add_options(struct tcphs_history *h, const struct tcphs_outcome *o, tcphs_grow grow)
{
    const uint64_t options = pack_options(&o->options);
    const uint64_t last = h->last_options != 0 ? h->entries[h->last_options - 1].value : 0;
    if (!o->step || options == last)
        return;
    add_value(h, o->frame, ENTRY_OPTIONS, options, grow);
    h->last_options = h->entry_count;
}

void tcphs_history_add(struct tcphs_history *h, const struct tcphs_outcome *o, unsigned from, tcphs_grow grow)
{
    const uint32_t frame = o->frame;
    add_change(h, frame, pack(o), grow);
    add_link_changes(h, o, grow);
    if (is_full(h))
        return;
    if (h->entry_count >= TCPHS_MOST_LOG_ENTRIES) {
        add_entry(h, (struct tcphs_log_entry){ frame, ENTRY_FULL, 0, 0, 0 }, grow);
        return;
    }
    if (o->accepted != o->usual[from]) /* the value may be "unknown", which is 0: stored as it is */
        add_entry(h, (struct tcphs_log_entry){ frame, ENTRY_ACCEPTED, o->accepted, 0, 0 }, grow);
    add_findings(h, frame, ENTRY_FINDINGS, &o->findings, grow);
    add_options(h, o, grow);
    if (o->step || o->syn_count || o->synack_count)
        add_entry(h, (struct tcphs_log_entry){ frame, ENTRY_STEP, o->step, o->syn_count, step_value(h, o) }, grow);
    add_small(h, frame, ENTRY_CLOSE, o->close_steps, grow);
    if (o->rst_kind)
        add_entry(h,
                  (struct tcphs_log_entry){ frame, ENTRY_RST, o->rst_kind, pack_ttl_delta(o), (uint64_t)o->rst_idle },
                  grow);
    add_small(h, frame, ENTRY_EVENT, o->event, grow);
    if (o->has_due)
        add_value(h, frame, ENTRY_DUE, pair(o->due, o->seen), grow);
    add_explanations(h, o, grow);
    if (o->back)
        add_value(h, frame, ENTRY_BACK, o->back, grow);
    add_findings(h, frame, ENTRY_BACKWARD, &o->backward, grow);
    if (o->waited >= 0)
        add_entry(h, (struct tcphs_log_entry){ frame, ENTRY_WAITED, o->came_back, 0, (uint64_t)o->waited }, grow);
    add_time(h, frame, ENTRY_TIME_SYNACK, o->time_synack, grow);
    add_time(h, frame, ENTRY_TIME_ACK, o->time_ack, grow);
    add_time(h, frame, ENTRY_TIME_SETUP, o->time_setup, grow);
}

/* The last change at or before the frame, or NULL. */
static const struct tcphs_state_change *state_change_at(const struct tcphs_history *h, uint32_t frame)
{
    uint32_t low = 0, high = h->change_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (h->changes[middle].position <= frame * 2)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &h->changes[low - 1] : NULL;
}

static uint32_t first_entry_of(const struct tcphs_history *h, uint32_t frame)
{
    uint32_t low = 0, high = h->entry_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (h->entries[middle].frame < frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A frame may hold more than one segment of a connection: the last one's numbers are shown. */
static void recall_explanation(const struct tcphs_log_entry *entry, struct tcphs_outcome *o)
{
    unsigned i = 0;
    while (i < o->explained_count && o->explained[i].finding != entry->small)
        i++;
    if (i == TCPHS_MOST_EXPLAINED)
        return;
    o->explained[i] = (struct tcphs_explanation){ (uint32_t)entry->value, (uint32_t)(entry->value >> 32), entry->small,
                                                  entry->count != 0 };
    if (i == o->explained_count)
        o->explained_count++;
}

static void recall_step(const struct tcphs_history *h, const struct tcphs_log_entry *entry, struct tcphs_outcome *o)
{
    const uint64_t options = entry->value >> 16;
    o->step = entry->small;
    o->syn_count = entry->count;
    o->synack_count = (uint16_t)entry->value;
    if (options != 0)
        o->options = unpack_options(h->entries[options - 1].value);
}

static void recall_rst(const struct tcphs_log_entry *entry, struct tcphs_outcome *o)
{
    o->rst_kind = entry->small;
    o->rst_idle = (int64_t)entry->value;
    unpack_ttl_delta(entry->count, o);
}

/* One case for each kind of entry, and the compiler misses none: split, that would be lost. */
static void recall_entry(const struct tcphs_history *h, const struct tcphs_log_entry *entry, struct tcphs_outcome *o)
{
    switch ((enum entry_kind)entry->kind) {
    case ENTRY_FINDINGS:
        o->findings.words[entry->small] = entry->value;
        break;
    case ENTRY_ACCEPTED:
        o->accepted = entry->small;
        break;
    case ENTRY_STEP:
        recall_step(h, entry, o);
        break;
    case ENTRY_CLOSE:
        o->close_steps = entry->small;
        break;
    case ENTRY_RST:
        recall_rst(entry, o);
        break;
    case ENTRY_EVENT:
        o->event = entry->small;
        break;
    case ENTRY_DUE:
        o->has_due = true;
        o->due = (uint32_t)(entry->value >> 32);
        o->seen = (uint32_t)entry->value;
        break;
    case ENTRY_EXPLAINED:
        recall_explanation(entry, o);
        break;
    case ENTRY_BACK:
        o->back = (uint32_t)entry->value;
        break;
    case ENTRY_BACKWARD:
        o->backward.words[entry->small] = entry->value;
        break;
    case ENTRY_WAITED:
        o->waited = (int64_t)entry->value;
        o->came_back = entry->small != 0;
        break;
    case ENTRY_TIME_SYNACK:
        o->time_synack = (int64_t)entry->value;
        break;
    case ENTRY_TIME_ACK:
        o->time_ack = (int64_t)entry->value;
        break;
    case ENTRY_TIME_SETUP:
        o->time_setup = (int64_t)entry->value;
        break;
    case ENTRY_FULL:
        o->unkept_begins = true;
        break;
    case ENTRY_OPTIONS: /* of the step in this frame, which says so */
        break;
    }
}

void tcphs_history_recall(const struct tcphs_history *h, const struct tcphs_connection *c, uint32_t frame,
                          unsigned from, struct tcphs_outcome *o)
{
    memset(o, 0, sizeof *o);
    o->frame = frame;
    o->time_synack = o->time_ack = o->time_setup = o->waited = o->rst_idle = -1;
    o->client = TCPHS_NO_END;
    o->state[0] = o->state[1] = TCPHS_UNKNOWN;
    const struct tcphs_state_change *change = state_change_at(h, frame);
    if (change) {
        struct tcphs_outcome before = { .assumed = false };
        unpack(change->packed, o);
        if (change != h->changes)
            unpack(change[-1].packed, &before);
        o->assumption_begins = change->position == frame * 2 && o->assumed && !before.assumed;
    }
    o->accepted = o->usual[from];
    recall_links(h, c, frame, o->links);
    for (uint32_t i = first_entry_of(h, frame); i < h->entry_count && h->entries[i].frame == frame; i++)
        recall_entry(h, &h->entries[i], o);
    o->unkept = is_full(h) && h->entries[h->entry_count - 1].frame <= frame;
    if (o->unkept)
        o->accepted = TCPHS_ACCEPT_UNKNOWN;
}
