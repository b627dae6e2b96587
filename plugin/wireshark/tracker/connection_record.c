/* connection_record.c
 * The two kinds of records in their caches, and how each becomes words that cold_codec.c can encode.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker/connection_record.h"

#include "tracker/cold_codec.h"

/* Histories up to this long are encoded with their connection; longer ones stay where they are, so that decoding a
 * connection does not take longer the longer it has lasted. */
enum { COLD_CHANGES = 32, COLD_ENTRIES = 64 };

enum {
    RECORD_WORDS = sizeof(struct tcphs_connection_record) / 4,
    CHANGE_WORDS = sizeof(struct tcphs_state_change) / 4,
    ENTRY_WORDS = sizeof(struct tcphs_log_entry) / 4,
    MOST_WORDS = RECORD_WORDS + COLD_CHANGES * CHANGE_WORDS + COLD_ENTRIES * ENTRY_WORDS,
    ZEEK_WORDS = sizeof(struct tcphs_zeek) / 4
};

G_STATIC_ASSERT(sizeof(struct tcphs_connection_record) % 4 == 0 && sizeof(struct tcphs_zeek) % 4 == 0);

/* Half a second of capture time without a segment, a whole one at most, and a record is cold. */
#define COLD_AFTER G_GINT64_CONSTANT(500000000)

/* Lifetime: file. */
static struct tcphs_record_cache connections, zeek_connections;
static gint64 aged; /* when the caches last did */

/* A record is encoded as its difference from the first of its kind in this file: connections of one kind share half
 * their words. The kind is taken from the number of words, as that is known before it is decoded. Lifetime: file. */
enum { MODELS = 32 };
static struct models {
    guint32 *of[MODELS];
} connection_models, zeek_models;

static const guint32 *model_for(struct models *models, unsigned kind, const guint32 *words, gsize most)
{
    guint32 **model = &models->of[kind % MODELS];
    if (*model == NULL)
        *model = (guint32 *)wmem_memdup(wmem_file_scope(), words, most * sizeof *words);
    return *model;
}

void *tcphs_connection_records_grow(void *old, size_t old_size, size_t size)
{
    return tcphs_arena_resize(old, old_size, size);
}

static bool has_cold_history(const struct tcphs_history *h)
{
    return h->change_count <= COLD_CHANGES && h->entry_count <= COLD_ENTRIES;
}

static void release_connection(void *hot)
{
    struct tcphs_history *h = &((struct tcphs_connection_record *)hot)->history;
    if (!has_cold_history(h))
        return;
    tcphs_arena_free(h->changes, h->change_room * sizeof *h->changes);
    tcphs_arena_free(h->entries, h->entry_room * sizeof *h->entries);
}

/* The words of the struct, then those of its history; their count comes first, as a history is found behind them. */
static gsize encode_connection(void *hot, guint8 *out)
{
    guint32 words[MOST_WORDS] = { 0 };
    const struct tcphs_connection_record *record = (const struct tcphs_connection_record *)hot;
    struct tcphs_connection_record bare = *record;
    const struct tcphs_history *h = &record->history;
    guint16 count = RECORD_WORDS;
    if (has_cold_history(h)) {
        const gsize changes = (gsize)h->change_count * CHANGE_WORDS, entries = (gsize)h->entry_count * ENTRY_WORDS;
        bare.history.changes = NULL;
        bare.history.entries = NULL;
        bare.history.change_room = h->change_count;
        bare.history.entry_room = h->entry_count;
        if (changes > 0)
            memcpy(words + count, h->changes, changes * 4);
        if (entries > 0)
            memcpy(words + count + changes, h->entries, entries * 4);
        count = (guint16)(count + changes + entries);
    }
    memcpy(words, &bare, sizeof bare);
    memcpy(out, &count, sizeof count);
    release_connection(hot);
    const guint32 *model = model_for(&connection_models, count, words, MOST_WORDS);
    return sizeof count + tcphs_cold_encode(words, model, count, out + sizeof count);
}

static void decode_connection(const guint8 *cold, void *hot)
{
    guint32 words[MOST_WORDS];
    guint16 count;
    struct tcphs_connection_record *record = (struct tcphs_connection_record *)hot;
    struct tcphs_history *h = &record->history;
    memcpy(&count, cold, sizeof count);
    tcphs_cold_decode(cold + sizeof count, connection_models.of[count % MODELS], words, count);
    memcpy(record, words, sizeof *record);
    if (!has_cold_history(h))
        return;
    const gsize changes = (gsize)h->change_count * CHANGE_WORDS, entries = (gsize)h->entry_count * ENTRY_WORDS;
    if (changes > 0)
        h->changes =
            (struct tcphs_state_change *)memcpy(tcphs_arena_alloc(changes * 4), words + RECORD_WORDS, changes * 4);
    if (entries > 0)
        h->entries = (struct tcphs_log_entry *)memcpy(tcphs_arena_alloc(entries * 4), words + RECORD_WORDS + changes,
                                                      entries * 4);
}

/* What it points to is rare, and stays where it is. The length of its history comes first. */
static gsize encode_zeek(void *hot, guint8 *out)
{
    guint32 words[ZEEK_WORDS];
    memcpy(words, hot, sizeof words);
    out[0] = (guint8)(((const struct tcphs_zeek *)hot)->history_length % MODELS);
    return 1 + tcphs_cold_encode(words, model_for(&zeek_models, out[0], words, ZEEK_WORDS), ZEEK_WORDS, out + 1);
}

static void decode_zeek(const guint8 *cold, void *hot)
{
    guint32 words[ZEEK_WORDS];
    tcphs_cold_decode(cold + 1, zeek_models.of[cold[0]], words, ZEEK_WORDS);
    memcpy(hot, words, sizeof words);
}

static void release_zeek(void *hot)
{
    (void)hot;
}

void tcphs_connection_records_begin(void)
{
    static const struct tcphs_record_kind record = { sizeof(struct tcphs_connection_record),
                                                     2 + TCPHS_COLD_MOST_BYTES(MOST_WORDS), encode_connection,
                                                     decode_connection, release_connection };
    static const struct tcphs_record_kind zeek = { sizeof(struct tcphs_zeek), 1 + TCPHS_COLD_MOST_BYTES(ZEEK_WORDS),
                                                   encode_zeek, decode_zeek, release_zeek };
    memset(&connection_models, 0, sizeof connection_models);
    memset(&zeek_models, 0, sizeof zeek_models);
    aged = 0;
    tcphs_record_cache_begin(&connections, &record);
    tcphs_record_cache_begin(&zeek_connections, &zeek);
}

void tcphs_connection_records_tick(gint64 now, bool again)
{
    connections.again = zeek_connections.again = again;
    if (now - aged <= COLD_AFTER)
        return;
    aged = now;
    tcphs_record_cache_age(&connections);
    tcphs_record_cache_age(&zeek_connections);
}

struct tcphs_connection_record *tcphs_connection_record_add(struct tcphs_tracked *t)
{
    return (struct tcphs_connection_record *)tcphs_record_cache_add(&connections, &t->handle);
}

struct tcphs_zeek *tcphs_zeek_record_add(struct tcphs_zeek_tracked *z)
{
    return (struct tcphs_zeek *)tcphs_record_cache_add(&zeek_connections, &z->handle);
}

struct tcphs_connection_record *tcphs_connection_record_modify(struct tcphs_tracked *t)
{
    return (struct tcphs_connection_record *)tcphs_record_cache_modify(&connections, &t->handle);
}

struct tcphs_zeek *tcphs_zeek_record_modify(struct tcphs_zeek_tracked *z)
{
    return (struct tcphs_zeek *)tcphs_record_cache_modify(&zeek_connections, &z->handle);
}

const struct tcphs_connection_record *tcphs_connection_record_read(struct tcphs_tracked *t)
{
    return (const struct tcphs_connection_record *)tcphs_record_cache_read(&connections, &t->handle);
}

const struct tcphs_zeek *tcphs_zeek_record_read(struct tcphs_zeek_tracked *z)
{
    return (const struct tcphs_zeek *)tcphs_record_cache_read(&zeek_connections, &z->handle);
}
