/* shelf.c
 * Things in use form a list by their last use; its end is put away. Rest is capture time, not a number of other
 * things: however many connections are busy at once, none is packed between one segment and the next.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "shelf.h"

#define REST G_GINT64_CONSTANT(1000000000) /* a second without use: then it is put away … */
#define LEAST_IN_USE 128                   /* … but never the last few, which may be in somebody's hands */
#define MOST_IN_USE 65536                  /* a capture whose clock stands still must not fill the memory */
#define MOST_AGAIN 1024                    /* frames seen again may come in any order of time */

struct tcphs_slot {
    struct tcphs_slot *newer, *older;
    struct tcphs_item *item;
    guint8 *packed; /* as it was put away last; NULL = never, or changed since */
    gint64 used;
    guint64 thing[];
};

/* Room -------------------------------------------------------------------------------------------------------------
 * Packed things are small and many: a header for each, as general allocators have, would cost a tenth more. Room that
 * is given back is kept by size, in steps of eight bytes. */

enum { STEP = 8, SIZES = 128, CHUNK = 32 << 10 };

static guint8 *chunk;
static gsize chunk_left;
static void *given_back[SIZES + 1]; /* by size; each begins with a pointer to the next */

static void *take_room(gsize steps)
{
    if (steps > SIZES)
        return wmem_alloc(wmem_file_scope(), steps * STEP);
    void *room = given_back[steps];
    if (room != NULL) {
        memcpy(&given_back[steps], room, sizeof(void *));
        return room;
    }
    if (chunk_left < steps * STEP) {
        chunk = (guint8 *)wmem_alloc(wmem_file_scope(), CHUNK);
        chunk_left = CHUNK;
    }
    room = chunk;
    chunk += steps * STEP;
    chunk_left -= steps * STEP;
    return room;
}

static void give_back(void *room, gsize steps)
{
    if (steps > SIZES) {
        wmem_free(wmem_file_scope(), room);
        return;
    }
    memcpy(room, &given_back[steps], sizeof(void *));
    given_back[steps] = room;
}

void *tcphs_room(gsize size)
{
    const gsize steps = (size + STEP - 1) / STEP;
    return memset(take_room(steps), 0, steps * STEP);
}

/* A packed thing begins with its size in steps. */
static guint8 *keep_packed(const guint8 *bytes, gsize length)
{
    const guint16 steps = (guint16)((sizeof steps + length + STEP - 1) / STEP);
    guint8 *room = (guint8 *)take_room(steps);
    memcpy(room, &steps, sizeof steps);
    memcpy(room + sizeof steps, bytes, length);
    return room;
}

static const guint8 *bytes_of_packed(const guint8 *packed)
{
    return packed + sizeof(guint16);
}

static void forget_packed(guint8 *packed)
{
    guint16 steps;
    if (packed == NULL)
        return;
    memcpy(&steps, packed, sizeof steps);
    give_back(packed, steps);
}

/* Items: the address of a slot, or of a packed thing plus one ---------------------------------------------------- */

static struct tcphs_slot *slot_of(const struct tcphs_item *item)
{
    return (item->content & 1) == 0 ? (struct tcphs_slot *)item->content : NULL;
}

static void unlink_slot(struct tcphs_shelf *shelf, struct tcphs_slot *slot)
{
    *(slot->newer != NULL ? &slot->newer->older : &shelf->newest) = slot->older;
    *(slot->older != NULL ? &slot->older->newer : &shelf->oldest) = slot->newer;
}

static void link_newest(struct tcphs_shelf *shelf, struct tcphs_slot *slot)
{
    slot->newer = NULL;
    slot->older = shelf->newest;
    *(slot->older != NULL ? &slot->older->newer : &shelf->oldest) = slot;
    shelf->newest = slot;
}

static void put_away(struct tcphs_shelf *shelf, struct tcphs_slot *slot)
{
    if (slot->packed == NULL) {
        slot->packed = keep_packed(shelf->scratch, shelf->kind->pack(slot->thing, shelf->scratch));
    } else {
        shelf->kind->drop(slot->thing);
    }
    slot->item->content = (guintptr)slot->packed | 1;
    unlink_slot(shelf, slot);
    slot->older = shelf->unused;
    shelf->unused = slot;
    shelf->in_use--;
}

static bool is_at_rest(const struct tcphs_shelf *shelf)
{
    const guint32 most = shelf->again ? MOST_AGAIN : MOST_IN_USE;
    return shelf->in_use > LEAST_IN_USE && (shelf->now - shelf->oldest->used > REST || shelf->in_use > most);
}

/* A slot for a thing that comes into use; for each, at most two go. */
static struct tcphs_slot *new_slot(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    for (int i = 0; i < 2 && is_at_rest(shelf); i++)
        put_away(shelf, shelf->oldest);
    struct tcphs_slot *slot = shelf->unused;
    if (slot != NULL)
        shelf->unused = slot->older;
    else
        slot = (struct tcphs_slot *)wmem_alloc(wmem_file_scope(), sizeof *slot + shelf->kind->size);
    slot->item = item;
    slot->packed = NULL;
    slot->used = shelf->now;
    item->content = (guintptr)slot;
    link_newest(shelf, slot);
    shelf->in_use++;
    return slot;
}

static struct tcphs_slot *bring(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    struct tcphs_slot *slot = slot_of(item);
    if (slot == NULL) {
        guint8 *packed = (guint8 *)(item->content - 1);
        slot = new_slot(shelf, item);
        slot->packed = packed;
        shelf->kind->unpack(bytes_of_packed(packed), slot->thing);
    } else if (slot != shelf->newest) {
        unlink_slot(shelf, slot);
        link_newest(shelf, slot);
    }
    slot->used = shelf->now;
    return slot;
}

void tcphs_shelf_begin(struct tcphs_shelf *shelf, const struct tcphs_shelf_kind *kind)
{
    *shelf = (struct tcphs_shelf){ .kind = kind };
    shelf->scratch = (guint8 *)wmem_alloc(wmem_file_scope(), kind->packed_most);
    chunk_left = 0; /* went with the file */
    memset(given_back, 0, sizeof given_back);
}

void *tcphs_shelf_add(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    return memset(new_slot(shelf, item)->thing, 0, shelf->kind->size);
}

void *tcphs_shelf_open(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    struct tcphs_slot *slot = bring(shelf, item);
    forget_packed(slot->packed);
    slot->packed = NULL;
    return slot->thing;
}

const void *tcphs_shelf_look(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    return bring(shelf, item)->thing;
}
