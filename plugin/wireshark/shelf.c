/* shelf.c
 * Things in use stand in a row. One that comes into use goes to its end; from its beginning those are put away that
 * have had their rest, and those asked for since go to the end again. So asking for a thing in use costs next to
 * nothing. Rest is time, not a number of other things: as long as no more than MOST_IN_USE are busy at once, none is
 * packed between one use and the next.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "shelf.h"

#define LEAST_IN_USE 128  /* never are there fewer, nor is what was asked for so lately put away */
#define MOST_IN_USE 65536 /* more are put away without a rest: a capture's clock may stand still */
#define MOST_AGAIN 1024   /* frames seen again may come in any order of time */
#define LOOKED_AT 4       /* for each that comes into use, so many are looked at … */
#define PUT_AWAY 2        /* … and so many put away at most */

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
    memcpy(&steps, packed, sizeof steps);
    give_back(packed, steps);
}

/* Items: the address of a slot, or of a packed thing plus one ---------------------------------------------------- */

static struct tcphs_slot *take_oldest(struct tcphs_shelf *shelf)
{
    struct tcphs_slot *slot = shelf->oldest;
    shelf->oldest = slot->next;
    return slot;
}

static void put_newest(struct tcphs_shelf *shelf, struct tcphs_slot *slot)
{
    slot->next = NULL;
    *(shelf->oldest != NULL ? &shelf->newest->next : &shelf->oldest) = slot;
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
    slot->next = shelf->unused;
    shelf->unused = slot;
    shelf->in_use--;
}

static bool is_at_rest(const struct tcphs_shelf *shelf, const struct tcphs_slot *slot)
{
    const guint32 most = shelf->again ? MOST_AGAIN : MOST_IN_USE;
    return slot->asked + LEAST_IN_USE < shelf->asked && (slot->asked <= shelf->resting || shelf->in_use > most);
}

static void make_room(struct tcphs_shelf *shelf)
{
    int put_away_so_far = 0;
    for (int i = 0; i < LOOKED_AT && put_away_so_far < PUT_AWAY && shelf->in_use > LEAST_IN_USE; i++) {
        struct tcphs_slot *slot = take_oldest(shelf);
        if (is_at_rest(shelf, slot)) {
            put_away(shelf, slot);
            put_away_so_far++;
        } else {
            put_newest(shelf, slot);
        }
    }
}

/* A slot for a thing that comes into use. */
static struct tcphs_slot *new_slot(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    make_room(shelf);
    struct tcphs_slot *slot = shelf->unused;
    if (slot != NULL)
        shelf->unused = slot->next;
    else
        slot = (struct tcphs_slot *)wmem_alloc(wmem_file_scope(), sizeof *slot + shelf->kind->size);
    slot->item = item;
    slot->packed = NULL;
    slot->asked = shelf->asked;
    item->content = (guintptr)slot;
    put_newest(shelf, slot);
    shelf->in_use++;
    return slot;
}

struct tcphs_slot *tcphs_shelf_bring(struct tcphs_shelf *shelf, struct tcphs_item *item)
{
    guint8 *packed = (guint8 *)(item->content - 1);
    struct tcphs_slot *slot = new_slot(shelf, item);
    slot->packed = packed;
    shelf->kind->unpack(bytes_of_packed(packed), slot->thing);
    return slot;
}

void tcphs_shelf_unpacked(struct tcphs_slot *slot)
{
    forget_packed(slot->packed);
    slot->packed = NULL;
}

void tcphs_shelf_age(struct tcphs_shelf *shelf)
{
    shelf->resting = shelf->aged;
    shelf->aged = shelf->asked;
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
    struct tcphs_slot *slot = new_slot(shelf, item);
    slot->asked = ++shelf->asked;
    return memset(slot->thing, 0, shelf->kind->size);
}
