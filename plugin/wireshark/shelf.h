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

struct tcphs_slot;

struct tcphs_shelf {
    const struct tcphs_shelf_kind *kind;
    struct tcphs_slot *newest, *oldest, *unused;
    guint8 *scratch; /* where things are packed */
    guint32 in_use;
    gint64 now; /**< capture time, kept by the owner: rest is measured with it */
    bool again; /**< what is asked for was known before: it need not stay in use for long */
};

/** An empty shelf; whatever it held is gone with the file that was closed. */
void tcphs_shelf_begin(struct tcphs_shelf *shelf, const struct tcphs_shelf_kind *kind);

/** A new thing, all zero, for an item that has none. */
void *tcphs_shelf_add(struct tcphs_shelf *shelf, struct tcphs_item *item);

/** The thing, to be changed. Good until 100 others were asked for. */
void *tcphs_shelf_open(struct tcphs_shelf *shelf, struct tcphs_item *item);

/** The thing, to be looked at; good as long. */
const void *tcphs_shelf_look(struct tcphs_shelf *shelf, struct tcphs_item *item);

/** Room for something small that lasts as long as the file, zeroed, with no bookkeeping of its own. */
void *tcphs_room(gsize size);

#endif
