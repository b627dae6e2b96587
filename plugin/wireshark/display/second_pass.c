/* second_pass.c
 * Which fields of a connection are asked for, what was shown of them in a first pass, and what they have come to.
 *
 * Two sorts of frames are never seen a second time: all of them, in a run of one pass; and in a run of two those that a
 * read filter rejected, which is seen by their number being given to the next frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "display/second_pass.h"

#include "capture/primed_filter.h"
#include "display/gui.h"

enum field {
    VERDICT,
    FAILED,
    CLOSE,
    CLOSED_BY,
    NO_DATA,
    ZEEK_STATE,
    ZEEK_HISTORY,
    ESTABLISHED_FRAME,
    END_FRAME,
    ICMP_FRAME,
    FINAL,
    FIELDS
};

#define BIT(field) (1u << (field))
#define OF_ZEEK (BIT(ZEEK_STATE) | BIT(ZEEK_HISTORY))

static const char *const names[FIELDS] = {
    [VERDICT] = "tcphs.conn.verdict",
    [FAILED] = "tcphs.conn.failed",
    [CLOSE] = "tcphs.conn.close",
    [CLOSED_BY] = "tcphs.conn.closed_by",
    [NO_DATA] = "tcphs.conn.no_data",
    [ZEEK_STATE] = "tcphs.conn.zeek.state",
    [ZEEK_HISTORY] = "tcphs.conn.zeek.history",
    [ESTABLISHED_FRAME] = "tcphs.conn.established_frame",
    [END_FRAME] = "tcphs.conn.end_frame",
    [ICMP_FRAME] = "tcphs.conn.icmp_frame",
    [FINAL] = "tcphs.conn.final",
};

static const header_field_info *infos[FIELDS], *event_info; /* Lifetime: forever */

/* What a connection, ours or Zeek's, showed in first visits to its frames. Lifetime: file. */
struct shown {
    struct tcphs_tracked *tracked;
    struct tcphs_zeek_tracked *zeek; /* one of the two is NULL */
    guint32 last[FIELDS];
    unsigned asked, changed; /* bits by field; changed: two visits showed different values */
    guint32 visits;
};

/* Lifetime: file. */
static wmem_map_t *shown;    /* connection -> struct shown, in frames that no second visit is known to come to */
static wmem_map_t *rejected; /* likewise, in frames that a read filter rejected */
static bool is_seen_again;   /* a second visit to the frames that were kept has been or will be */
static unsigned asked_again; /* fields, in second visits */

static bool is_told; /* Lifetime: forever; it is said once in a run of the program */

/* The last frame that was visited for the first time; whether it is rejected shows with the next one. Lifetime: file.
 */
static struct {
    struct tcphs_match matches[TCPHS_SHOWN_HEADERS];
    unsigned count, asked;
    guint32 number;
    gint64 offset;
} last;

/* What is asked for ---------------------------------------------------------------------------------------------- */

static bool is_asked_for(const header_field_info *info)
{
    return info != NULL && info->ref_type == HF_REF_TYPE_DIRECT;
}

static unsigned asked_fields(void)
{
    unsigned asked = 0;
    for (unsigned f = 0; f < FIELDS; f++)
        if (is_asked_for(infos[f]))
            asked |= BIT(f);
    return asked;
}

static void look_for_fields(void *asked)
{
    *(unsigned *)asked = asked_fields();
}

bool tcphs_second_pass_is_needed_by(const char *filter)
{
    unsigned asked = 0;
    tcphs_with_primed_filter(filter, look_for_fields, &asked);
    return asked != 0;
}

/* What is shown -------------------------------------------------------------------------------------------------- */

static void values_of(struct tcphs_tracked *tracked, bool final, guint32 *values)
{
    const struct tcphs_horizon horizon = { .final = final, .end_time = tcphs_tracker_quality()->last_time };
    const struct tcphs_connection *c = &tcphs_connection_record_read(tracked)->connection;
    struct tcphs_summary sum;
    tcphs_summarise(c, horizon, &sum);
    values[VERDICT] = sum.verdict;
    values[FAILED] = sum.failed;
    values[CLOSE] = sum.close;
    values[CLOSED_BY] = sum.closed_by;
    values[NO_DATA] = sum.no_data;
    values[ESTABLISHED_FRAME] = c->established_frame;
    values[END_FRAME] = c->end_frame;
    values[ICMP_FRAME] = c->icmp_frame;
    values[FINAL] = final;
}

static void values_of_zeek(struct tcphs_zeek_tracked *zeek, guint32 *values)
{
    const struct tcphs_zeek *z = tcphs_zeek_record_read(zeek);
    values[ZEEK_STATE] = g_str_hash(tcphs_zeek_state(z));
    values[ZEEK_HISTORY] = g_str_hash(tcphs_zeek_history(z));
}

static struct shown *shown_of(wmem_map_t *all, const void *connection)
{
    struct shown *s = (struct shown *)wmem_map_lookup(all, connection);
    if (s == NULL) {
        s = wmem_new0(wmem_file_scope(), struct shown);
        wmem_map_insert(all, connection, s);
    }
    return s;
}

static unsigned differences(const struct shown *s, const guint32 *values, unsigned fields)
{
    unsigned different = 0;
    for (unsigned f = 0; f < FIELDS; f++)
        if ((fields & BIT(f)) && s->last[f] != values[f])
            different |= BIT(f);
    return different;
}

static void remember(struct shown *s, const guint32 *values, unsigned asked)
{
    s->changed |= differences(s, values, s->asked & asked);
    s->asked |= asked;
    s->visits++;
    memcpy(s->last, values, sizeof s->last);
}

static void remember_match(wmem_map_t *all, const struct tcphs_match *match, unsigned asked)
{
    guint32 values[FIELDS] = { 0 };
    if (asked & ~OF_ZEEK) {
        struct shown *s = shown_of(all, match->tracked);
        s->tracked = match->tracked;
        values_of(match->tracked, false, values);
        remember(s, values, asked & ~OF_ZEEK);
    }
    if ((asked & OF_ZEEK) && match->zeek != NULL) {
        struct shown *s = shown_of(all, match->zeek);
        s->zeek = match->zeek;
        values_of_zeek(match->zeek, values);
        remember(s, values, asked & OF_ZEEK);
    }
}

/* What has changed ----------------------------------------------------------------------------------------------- */

static unsigned changed_fields(const struct shown *s)
{
    guint32 values[FIELDS] = { 0 };
    if (s->tracked != NULL)
        values_of(s->tracked, true, values);
    else
        values_of_zeek(s->zeek, values);
    return s->changed | differences(s, values, s->asked);
}

static void add_shown(gpointer connection, gpointer value, gpointer data)
{
    (void)connection;
    *(unsigned *)data |= changed_fields((const struct shown *)value);
}

/* Which filter asked in the first pass, -R or -Y, shows in the second, which knows -Y alone. Where both may have, a
 * read filter that chooses by something else, as a port, mostly rejects a connection whole. */
static void add_rejected(gpointer connection, gpointer value, gpointer data)
{
    const struct shown *s = (const struct shown *)value;
    const struct shown *all = (const struct shown *)wmem_map_lookup(shown, connection);
    const bool as_a_whole = all == NULL || all->visits == s->visits;
    *(unsigned *)data |= changed_fields(s) & ~(as_a_whole ? asked_again : 0);
}

static unsigned changes(wmem_map_t *all, GHFunc add)
{
    unsigned changed = 0;
    wmem_map_foreach(all, add, &changed);
    return changed;
}

static void tell(unsigned changed, const char *what_happened)
{
    GString *list = g_string_new(NULL);
    for (unsigned f = 0; f < FIELDS; f++)
        if (changed & BIT(f))
            g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", names[f]);
    fprintf(stderr, "tcphs: %s %s\n", list->str, what_happened);
    g_string_free(list, TRUE);
    is_told = true;
}

void tcphs_second_pass_was_told(void)
{
    is_told = true;
}

/* The file is closed, or tshark forgets what it has read so far (-M). */
static void end_of_file(void)
{
    const unsigned of_shown = is_seen_again || tcphs_gui_exists() ? 0 : changes(shown, add_shown);
    const unsigned of_rejected = of_shown ? 0 : changes(rejected, add_rejected);
    if (is_told)
        return;
    if (of_shown != 0)
        tell(of_shown, "changed after it was asked for, and is final in a second pass only: read the capture with -2");
    else if (of_rejected != 0)
        tell(of_rejected,
             "changed after the read filter (-R) had rejected packets by it, and is final in a second pass "
             "only: choose packets by it with a display filter (-2 -Y)");
}

static void show_again(void)
{
    if (!is_seen_again && changes(shown, add_shown) != 0)
        tcphs_gui_filter_again();
    is_seen_again = true;
}

/* tshark calls this only with -2, between its passes. A window calls it when it has read a file, and at the end of a
 * live capture, when it is too early to go through the packets. */
static void end_of_first_pass(void)
{
    if (!tcphs_gui_exists())
        is_seen_again = true;
    else if (tcphs_gui_defers_filter())
        show_again();
}

/* Visits --------------------------------------------------------------------------------------------------------- */

/* Who asks for events too has chosen his moment: the end of the attempt or of the connection, by which its values are
 * mostly what they will be. */
static bool is_looked_at(const packet_info *pinfo, const struct tcphs_match *match)
{
    struct tcphs_outcome outcome;
    if (!is_asked_for(event_info))
        return true;
    tcphs_tracker_outcome(match, pinfo->num, &outcome);
    return outcome.event == TCPHS_EVENT_FAILED || outcome.event == TCPHS_EVENT_ENDED;
}

void tcphs_second_pass_visit(const packet_info *pinfo)
{
    const frame_data *fd = pinfo->fd;
    if (fd->visited || last.count == 0)
        return;
    if (fd->num == last.number && fd->file_off != last.offset)
        for (unsigned i = 0; i < last.count; i++)
            remember_match(rejected, &last.matches[i], last.asked);
    last.count = 0;
}

void tcphs_second_pass_show(const packet_info *pinfo, const struct tcphs_match *match)
{
    const unsigned asked = asked_fields();
    if (pinfo->fd->visited)
        asked_again |= asked;
    if (pinfo->fd->visited || asked == 0 || !is_looked_at(pinfo, match))
        return;
    remember_match(shown, match, asked);
    tcphs_gui_when_read(show_again);
    last.matches[last.count++] = *match;
    last.asked = asked;
    last.number = pinfo->num;
    last.offset = pinfo->fd->file_off;
}

static void start_of_file(void)
{
    memset(&last, 0, sizeof last);
    is_seen_again = false;
    asked_again = 0;
}

void tcphs_second_pass_register(void)
{
    shown = wmem_map_new_autoreset(wmem_epan_scope(), wmem_file_scope(), g_direct_hash, g_direct_equal);
    rejected = wmem_map_new_autoreset(wmem_epan_scope(), wmem_file_scope(), g_direct_hash, g_direct_equal);
    register_init_routine(start_of_file);
    register_cleanup_routine(end_of_file);
    register_postseq_cleanup_routine(end_of_first_pass);
}

void tcphs_second_pass_look_up(void)
{
    for (unsigned f = 0; f < FIELDS; f++)
        infos[f] = proto_registrar_get_byname(names[f]);
    event_info = proto_registrar_get_byname("tcphs.event");
}
