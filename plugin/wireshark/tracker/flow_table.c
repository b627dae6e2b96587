/* flow_table.c
 * A hash table of all tuples.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker/flow_table.h"

/* A path beyond the first of its flow. Lifetime: file. */
struct tcphs_other_flow_path {
    guint64 key; /* of its flow and path */
    struct tcphs_flow_path flow_path;
    struct tcphs_flow_path *same_as; /* this path carries the other direction of that one; NULL = it stands alone */
    struct tcphs_other_flow_path *older;
    guint32 first_frame;
};

/* Lifetime: file. */
static struct {
    struct tcphs_flow **slots; /* open addressing, linear probing; room is a power of two */
    guint32 count, room;
} table;
static struct tcphs_flow *newest; /* of the last segment: the next is often of the same connection */
static wmem_map_t *other_paths;   /* by their key: a hostile capture takes another tunnel for every segment */

/* Another in every process: no capture can be made to collide on purpose. Lifetime: forever. */
static struct {
    guint32 keys[sizeof(struct tcphs_tuple) / 4];
    guint64 spread;
} chance;

G_STATIC_ASSERT(sizeof(struct tcphs_tuple) % 8 == 0);

enum { LEAST_ROOM = 1024, LEAST_MANY = 4, MOST_WAITING = 16 };

static void *file_room(gsize size)
{
    return wmem_alloc0(wmem_file_scope(), size);
}

void tcphs_flow_table_begin(void)
{
    if (chance.spread == 0) {
        for (unsigned i = 0; i < G_N_ELEMENTS(chance.keys); i++)
            chance.keys[i] = g_random_int();
        chance.spread = (guint64)g_random_int() << 32 | g_random_int() | 1;
    }
    other_paths = wmem_map_new(wmem_file_scope(), wmem_int64_hash, g_int64_equal);
    newest = NULL;
    table.count = 0;
    table.room = LEAST_ROOM;
    table.slots = (struct tcphs_flow **)file_room(LEAST_ROOM * sizeof *table.slots);
}

/* Paths --------------------------------------------------------------------------------------------------------- */

void tcphs_flow_path_append(struct tcphs_flow_path *flow_path, struct tcphs_record_handle *handle)
{
    const guint32 count = flow_path->count;
    if (count == 0) {
        flow_path->of.one = handle;
    } else if (count == 1) {
        struct tcphs_record_handle *const one = flow_path->of.one;
        flow_path->of.many = (struct tcphs_record_handle **)wmem_alloc(wmem_file_scope(), LEAST_MANY * sizeof one);
        flow_path->of.many[0] = one;
    } else if (count >= LEAST_MANY && (count & (count - 1)) == 0) {
        flow_path->of.many = (struct tcphs_record_handle **)wmem_realloc(wmem_file_scope(), flow_path->of.many,
                                                                         (gsize)count * 2 * sizeof *flow_path->of.many);
    }
    if (count > 0)
        flow_path->of.many[count] = handle;
    flow_path->count++;
}

/* The last one that began at or before a frame, or NULL. */
static struct tcphs_record_handle *last_begun_by(const struct tcphs_flow_path *flow_path, guint32 frame)
{
    guint32 low = 0, high = flow_path->count;
    while (low < high) {
        const guint32 middle = low + (high - low) / 2;
        if (tcphs_flow_path_at(flow_path, middle)->first_frame <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? tcphs_flow_path_at(flow_path, low - 1) : NULL;
}

static bool is_first_path(const struct tcphs_flow *flow, guint32 path, guint32 frame)
{
    const struct tcphs_flow_path *flow_path = &flow->first_path;
    return flow_path->count > 0 && flow_path->path == path && tcphs_flow_path_at(flow_path, 0)->first_frame <= frame;
}

static guint64 flow_path_key(const struct tcphs_flow *flow, guint32 path)
{
    return (guint64)flow->number << 32 | path;
}

/* The connections on a path as it was known at a frame; NULL when there was none. */
static struct tcphs_flow_path *flow_path_on(struct tcphs_flow *flow, guint32 path, guint32 frame)
{
    if (is_first_path(flow, path, frame))
        return &flow->first_path;
    if (flow->others == NULL)
        return NULL;
    const guint64 key = flow_path_key(flow, path);
    struct tcphs_other_flow_path *other = (struct tcphs_other_flow_path *)wmem_map_lookup(other_paths, &key);
    if (other == NULL || other->first_frame > frame)
        return NULL;
    return other->same_as != NULL ? other->same_as : &other->flow_path;
}

static struct tcphs_other_flow_path *add_flow_path(struct tcphs_flow *flow, guint32 path, guint32 frame)
{
    struct tcphs_other_flow_path *other = (struct tcphs_other_flow_path *)tcphs_arena_alloc(sizeof *other);
    other->key = flow_path_key(flow, path);
    other->flow_path.path = path;
    other->first_frame = frame;
    other->older = flow->others;
    flow->others = other;
    wmem_map_insert(other_paths, &other->key, other);
    return other;
}

/* The other direction of a path that has only ever been seen one way: a trunk may tag each direction on its own. The
 * one that has waited longest is answered first. Where there are many paths it is something else that makes them, and
 * only the latest are examined. */
static struct tcphs_flow_path *flow_path_waiting_for(struct tcphs_flow *flow, guint8 from)
{
    struct tcphs_flow_path *waiting = NULL;
    int looked_at = 0;
    for (struct tcphs_other_flow_path *other = flow->others; other != NULL && looked_at < MOST_WAITING; looked_at++) {
        if (other->same_as == NULL && other->flow_path.seen_from == 1u << !from)
            waiting = &other->flow_path;
        other = other->older;
    }
    return looked_at < MOST_WAITING && flow->first_path.seen_from == 1u << !from ? &flow->first_path : waiting;
}

struct tcphs_flow_path *tcphs_flow_path_beyond_first(struct tcphs_flow *flow, const struct tcphs_observed *seen)
{
    const guint32 frame = seen->segment.frame, path = seen->point.path;
    struct tcphs_flow_path *flow_path = flow_path_on(flow, path, frame);
    if (flow_path != NULL)
        return flow_path;
    if (flow->first_path.count == 0) {
        flow->first_path.path = path;
        return &flow->first_path;
    }
    const bool opens = (seen->segment.flags & (TCPHS_SYN | TCPHS_ACK)) == TCPHS_SYN;
    struct tcphs_flow_path *waiting = opens ? NULL : flow_path_waiting_for(flow, seen->from);
    struct tcphs_other_flow_path *other = add_flow_path(flow, path, frame);
    other->same_as = waiting;
    return waiting != NULL ? waiting : &other->flow_path;
}

struct tcphs_tracked *tcphs_flow_connection(struct tcphs_flow *flow, guint32 path, guint32 frame)
{
    const struct tcphs_flow_path *flow_path = flow_path_on(flow, path, frame);
    return (struct tcphs_tracked *)last_begun_by(flow_path != NULL ? flow_path : &flow->first_path, frame);
}

struct tcphs_zeek_tracked *tcphs_flow_zeek(const struct tcphs_flow *flow, guint32 frame)
{
    return (struct tcphs_zeek_tracked *)last_begun_by(&flow->zeek, frame);
}

/* Flows --------------------------------------------------------------------------------------------------------- */

static gsize address_length(guint16 type)
{
    return type == AT_IPv4 ? 4 : 16;
}

struct tcphs_tuple tcphs_flow_tuple(const struct tcphs_flow *flow)
{
    const gsize length = address_length(flow->address_type);
    struct tcphs_tuple tuple = { .port = { flow->port[0], flow->port[1] }, .address_type = flow->address_type };
    memcpy(tuple.address[0], flow->address, length);
    memcpy(tuple.address[1], flow->address + length, length);
    return tuple;
}

static inline bool is_of(const struct tcphs_flow *flow, const struct tcphs_tuple *tuple)
{
    if (flow->port[0] != tuple->port[0] || flow->port[1] != tuple->port[1] || flow->address_type != tuple->address_type)
        return false;
    if (tuple->address_type == AT_IPv4)
        return memcmp(flow->address, tuple->address[0], 4) == 0 && memcmp(flow->address + 4, tuple->address[1], 4) == 0;
    return memcmp(flow->address, tuple->address, sizeof tuple->address) == 0;
}

/* The hash NH (RFC 4418 section 5.2): two tuples share a number by no more than chance, whoever chose them. */
static guint32 hash_of_tuple(const struct tcphs_tuple *tuple)
{
    guint32 words[G_N_ELEMENTS(chance.keys)];
    guint64 sum = 0;
    memcpy(words, tuple, sizeof words);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i += 2)
        sum += (guint64)(words[i] + chance.keys[i]) * (words[i + 1] + chance.keys[i + 1]);
    return (guint32)(sum * chance.spread >> 32);
}

/* The slot of a tuple, empty when there is none. */
static struct tcphs_flow **slot_for(const struct tcphs_tuple *tuple)
{
    guint32 at = hash_of_tuple(tuple);
    for (;; at++) {
        struct tcphs_flow **slot = &table.slots[at & (table.room - 1)];
        if (*slot == NULL || is_of(*slot, tuple))
            return slot;
    }
}

static void grow_table(void)
{
    struct tcphs_flow **old = table.slots;
    const guint32 room = table.room;
    table.room *= 2;
    table.slots = (struct tcphs_flow **)file_room(table.room * sizeof *table.slots);
    for (guint32 i = 0; i < room; i++)
        if (old[i] != NULL) {
            const struct tcphs_tuple tuple = tcphs_flow_tuple(old[i]);
            *slot_for(&tuple) = old[i];
        }
    wmem_free(wmem_file_scope(), old);
}

struct tcphs_flow *tcphs_flow_find(const struct tcphs_tuple *tuple)
{
    return *slot_for(tuple);
}

static struct tcphs_flow *find_or_make(const struct tcphs_tuple *tuple)
{
    struct tcphs_flow **slot = slot_for(tuple);
    if (*slot != NULL)
        return *slot;
    if (table.count + table.count / 4 >= table.room) {
        grow_table();
        slot = slot_for(tuple);
    }
    const gsize length = address_length(tuple->address_type);
    struct tcphs_flow *flow = (struct tcphs_flow *)tcphs_arena_alloc(offsetof(struct tcphs_flow, address) + 2 * length);
    memcpy(flow->port, tuple->port, sizeof flow->port);
    memcpy(flow->address, tuple->address[0], length);
    memcpy(flow->address + length, tuple->address[1], length);
    flow->address_type = tuple->address_type;
    flow->number = table.count++;
    return *slot = flow;
}

struct tcphs_flow *tcphs_flow_for(const struct tcphs_observed *seen)
{
    if (newest == NULL || !is_of(newest, &seen->tuple))
        newest = find_or_make(&seen->tuple);
    return newest;
}
