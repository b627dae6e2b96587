/* shelf.h
 * Things of one size, of which few are in use at a time: those that were not looked at for a while are packed and put
 * away, and come back as they were when they are asked for. Knows nothing of what they are; lives as long as the file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SHELF_H
#define TCPHS_SHELF_H

#include "compat.h"

/** Where a thing is, in use or packed. What the numbers mean is its owner's business. */
struct tcphs_item {
    guintptr content;
    guint32 first_frame;
    guint32 id;
};

/** What a shelf needs to know of its things. */
struct tcphs_shelf_kind {
    gsize size;                                        /**< of a thing in use */
    gsize packed_most;                                 /**< no packed one is larger */
    gsize (*pack)(void *thing, guint8 *out);           /**< and gives back what the thing holds beside itself */
    void (*unpack)(const guint8 *packed, void *thing); /**< takes such room again */
    void (*drop)(void *thing);                         /**< gives it back; the packed form is still good */
};

/** Where a thing in use lies. */
struct tcphs_slot {
    struct tcphs_slot *next; /**< came into use later, or was found in use later */
    struct tcphs_item *item;
    guint8 *packed; /**< as it was put away last; NULL = never, or changed since */
    guint64 asked;  /**< the number of the request that asked for it last */
    guint64 thing[];
};

struct tcphs_shelf {
    const struct tcphs_shelf_kind *kind;
    struct tcphs_slot *oldest, *newest, *unused;
    guint8 *scratch; /* where things are packed */
    guint64 asked;   /* requests so far */
    guint64 resting; /* what no later request has asked for has had its rest */
    guint64 aged;    /* the requests when the shelf last aged */
    guint32 in_use;
    bool again; /**< set by the owner: what is asked for was known before, and need not stay in use for long */
};

/** An empty shelf; whatever it held is gone with the file that was closed. */
void tcphs_shelf_begin(struct tcphs_shelf *shelf, const struct tcphs_shelf_kind *kind);

/** A span of time is over, its length is the owner's choice: what nobody asked for in the last one has had its rest. */
void tcphs_shelf_age(struct tcphs_shelf *shelf);

/** A new thing, all zero, for an item that has none. */
void *tcphs_shelf_add(struct tcphs_shelf *shelf, struct tcphs_item *item);

/** Brings a thing into use, or unpacks it anew; see tcphs_shelf_open and _look, which ask only where that is needed. */
struct tcphs_slot *tcphs_shelf_bring(struct tcphs_shelf *shelf, struct tcphs_item *item);

/** Forgets the packed form of a thing that is about to be changed. */
void tcphs_shelf_unpacked(struct tcphs_slot *slot);

/** Where an item's thing lies; NULL = packed. */
static inline struct tcphs_slot *tcphs_slot_of(const struct tcphs_item *item)
{
    return (item->content & 1) == 0 ? (struct tcphs_slot *)item->content : NULL;
}

/** The thing, to be looked at. Good until 100 more requests were made. */
static inline const void *tcphs_shelf_look(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    struct tcphs_slot *slot = tcphs_slot_of(item);
    if (slot == NULL)
        slot = tcphs_shelf_bring(shelf, item);
    slot->asked = ++shelf->asked;
    return slot->thing;
}

/** The thing, to be changed; good as long. */
static inline void *tcphs_shelf_open(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    struct tcphs_slot *slot = tcphs_slot_of(item);
    if (slot == NULL)
        slot = tcphs_shelf_bring(shelf, item);
    if (slot->packed != NULL)
        tcphs_shelf_unpacked(slot);
    slot->asked = ++shelf->asked;
    return slot->thing;
}

/** Room for something small that lasts as long as the file, zeroed, with no bookkeeping of its own. */
void *tcphs_room(gsize size);

#endif
