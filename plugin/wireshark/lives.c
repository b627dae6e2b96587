/* lives.c
 * Two kinds of things on shelves, and how each becomes words that can be packed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "lives.h"

#include "pack.h"

/* Histories up to this long are packed with their connection; longer ones stay where they are, so that bringing a
 * connection back never takes longer the longer it has lived. */
enum { PACKED_CHANGES = 32, PACKED_NOTES = 64 };

enum {
    LIFE_WORDS = sizeof(struct tcphs_life) / 4,
    CHANGE_WORDS = sizeof(struct tcphs_change) / 4,
    NOTE_WORDS = sizeof(struct tcphs_note) / 4,
    MOST_WORDS = LIFE_WORDS + PACKED_CHANGES * CHANGE_WORDS + PACKED_NOTES * NOTE_WORDS,
    ZEEK_WORDS = sizeof(struct tcphs_zeek) / 4
};

G_STATIC_ASSERT(sizeof(struct tcphs_life) % 4 == 0 && sizeof(struct tcphs_zeek) % 4 == 0);

/* Half a second of capture time without a segment, a whole one at most, and a connection is packed. */
#define REST G_GINT64_CONSTANT(500000000)

static struct tcphs_shelf lives, zeeks;
static gint64 aged; /* when they last did */

/* What is packed is held against the first of its kind in this file: connections of one kind share half their words.
 * The kind is what its size tells, as that is known before it is unpacked. */
enum { MODELS = 32 };
static struct models {
    guint32 *of[MODELS];
} life_models, zeek_models;

static const guint32 *model_for(struct models *models, unsigned kind, const guint32 *words, gsize most)
{
    guint32 **model = &models->of[kind % MODELS];
    if (*model == NULL)
        *model = (guint32 *)wmem_memdup(wmem_file_scope(), words, most * sizeof *words);
    return *model;
}

void *tcphs_lives_grow(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    return wmem_realloc(wmem_file_scope(), old, size);
}

static bool is_packed_with_history(const struct tcphs_history *h)
{
    return h->change_count <= PACKED_CHANGES && h->note_count <= PACKED_NOTES;
}

static void drop_life(void *thing)
{
    struct tcphs_history *h = &((struct tcphs_life *)thing)->history;
    if (!is_packed_with_history(h))
        return;
    wmem_free(wmem_file_scope(), h->changes);
    wmem_free(wmem_file_scope(), h->notes);
}

/* The words of the struct, then those of its history; their count comes first, as a history is found behind them. */
static gsize pack_life(void *thing, guint8 *out)
{
    guint32 words[MOST_WORDS] = { 0 };
    const struct tcphs_life *life = (const struct tcphs_life *)thing;
    struct tcphs_life bare = *life;
    const struct tcphs_history *h = &life->history;
    guint16 count = LIFE_WORDS;
    if (is_packed_with_history(h)) {
        const gsize changes = (gsize)h->change_count * CHANGE_WORDS, notes = (gsize)h->note_count * NOTE_WORDS;
        bare.history.changes = NULL;
        bare.history.notes = NULL;
        bare.history.change_room = h->change_count;
        bare.history.note_room = h->note_count;
        if (changes > 0)
            memcpy(words + count, h->changes, changes * 4);
        if (notes > 0)
            memcpy(words + count + changes, h->notes, notes * 4);
        count = (guint16)(count + changes + notes);
    }
    memcpy(words, &bare, sizeof bare);
    memcpy(out, &count, sizeof count);
    drop_life(thing);
    const guint32 *model = model_for(&life_models, count, words, MOST_WORDS);
    return sizeof count + tcphs_pack(words, model, count, out + sizeof count);
}

static void unpack_life(const guint8 *packed, void *thing)
{
    guint32 words[MOST_WORDS];
    guint16 count;
    struct tcphs_life *life = (struct tcphs_life *)thing;
    struct tcphs_history *h = &life->history;
    memcpy(&count, packed, sizeof count);
    tcphs_unpack(packed + sizeof count, life_models.of[count % MODELS], words, count);
    memcpy(life, words, sizeof *life);
    if (!is_packed_with_history(h))
        return;
    const gsize changes = (gsize)h->change_count * CHANGE_WORDS, notes = (gsize)h->note_count * NOTE_WORDS;
    if (changes > 0)
        h->changes = (struct tcphs_change *)wmem_memdup(wmem_file_scope(), words + LIFE_WORDS, changes * 4);
    if (notes > 0)
        h->notes = (struct tcphs_note *)wmem_memdup(wmem_file_scope(), words + LIFE_WORDS + changes, notes * 4);
}

/* What it points to is rare, and stays where it is. The length of its history comes first. */
static gsize pack_zeek(void *thing, guint8 *out)
{
    guint32 words[ZEEK_WORDS];
    memcpy(words, thing, sizeof words);
    out[0] = (guint8)(((const struct tcphs_zeek *)thing)->history_length % MODELS);
    return 1 + tcphs_pack(words, model_for(&zeek_models, out[0], words, ZEEK_WORDS), ZEEK_WORDS, out + 1);
}

static void unpack_zeek(const guint8 *packed, void *thing)
{
    guint32 words[ZEEK_WORDS];
    tcphs_unpack(packed + 1, zeek_models.of[packed[0]], words, ZEEK_WORDS);
    memcpy(thing, words, sizeof words);
}

static void drop_zeek(void *thing)
{
    (void)thing;
}

void tcphs_lives_begin(void)
{
    static const struct tcphs_shelf_kind life = { sizeof(struct tcphs_life), 2 + TCPHS_PACKED_MOST(MOST_WORDS),
                                                  pack_life, unpack_life, drop_life };
    static const struct tcphs_shelf_kind zeek = { sizeof(struct tcphs_zeek), 1 + TCPHS_PACKED_MOST(ZEEK_WORDS),
                                                  pack_zeek, unpack_zeek, drop_zeek };
    memset(&life_models, 0, sizeof life_models);
    memset(&zeek_models, 0, sizeof zeek_models);
    aged = 0;
    tcphs_shelf_begin(&lives, &life);
    tcphs_shelf_begin(&zeeks, &zeek);
}

void tcphs_lives_tick(gint64 now, bool again)
{
    lives.again = zeeks.again = again;
    if (now - aged <= REST)
        return;
    aged = now;
    tcphs_shelf_age(&lives);
    tcphs_shelf_age(&zeeks);
}

struct tcphs_life *tcphs_life_add(struct tcphs_tracked *t)
{
    return (struct tcphs_life *)tcphs_shelf_add(&lives, &t->item);
}

struct tcphs_zeek *tcphs_zeek_add(struct tcphs_zeek_tracked *z)
{
    return (struct tcphs_zeek *)tcphs_shelf_add(&zeeks, &z->item);
}

struct tcphs_life *tcphs_life_open(struct tcphs_tracked *t)
{
    return (struct tcphs_life *)tcphs_shelf_open(&lives, &t->item);
}

struct tcphs_zeek *tcphs_zeek_open(struct tcphs_zeek_tracked *z)
{
    return (struct tcphs_zeek *)tcphs_shelf_open(&zeeks, &z->item);
}

const struct tcphs_life *tcphs_life_of(const struct tcphs_tracked *t)
{
    return (const struct tcphs_life *)tcphs_shelf_look(&lives, (struct tcphs_item *)(guintptr)&t->item);
}

const struct tcphs_zeek *tcphs_zeek_of(const struct tcphs_zeek_tracked *z)
{
    return (const struct tcphs_zeek *)tcphs_shelf_look(&zeeks, (struct tcphs_item *)(guintptr)&z->item);
}
