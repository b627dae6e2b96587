/* show.c
 * Writes inputs of the fuzzers in the trace notation of tests/scripts/NOTATION.md, with what is told of each segment:
 * the way from a finding to a trace that shows it. Usage: show FILE...
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "observer.h"

#define TCPHS_STATE(number, name, text, meaning) [number] = text,
static const char *const states[] = {
#include "enums.def"
};
#define TCPHS_STAGE(number, name, text, meaning) [number] = text,
static const char *const stages[] = {
#include "enums.def"
};
#define TCPHS_ANOMALY(name, ...) [TCPHS_FINDS_##name] = #name,
#define TCPHS_NOTE(name, ...) [TCPHS_FINDS_##name] = #name,
static const char *const findings[] = {
#include "findings/findings.def"
};

static const guint32 starts[2] = { 100000, 500000 };

static void show_segment(const struct fuzz_step *step, gint64 before)
{
    static const char letters[] = "FSRP.UEWA";
    const struct tcphs_segment *s = &step->segment;
    printf("%c ", s->from ? '<' : '>');
    for (unsigned i = 0; i < strlen(letters); i++)
        if (s->flags & 1u << i)
            putchar(letters[i]);
    if (s->flags == 0)
        putchar('-');
    const gint32 left = (gint32)(s->seq - starts[s->from]);
    printf(" %d:%" G_GINT64_FORMAT "(%u)", left, left + (gint64)s->length, s->length);
    if (tcphs_has(s, TCPHS_ACK) || s->ack != 0)
        printf(" ack %d", (gint32)(s->ack - starts[!s->from]));
    printf(" win %u", s->window);
    if (s->urgent)
        printf(" urg %u", s->urgent);
    if (s->options & TCPHS_OPT_SACK)
        printf(" sack %d", (gint32)(s->sack_right - starts[!s->from]));
    if (s->options & TCPHS_OPT_WSCALE)
        printf(" <wscale %u>", s->wscale);
    if (s->options & ~(TCPHS_OPT_SACK | TCPHS_OPT_WSCALE))
        printf(" options 0x%x", s->options);
    if (s->ip_id || s->ttl)
        printf(" ipid %u ttl %u", s->ip_id, s->ttl);
    printf(" +%.3f%s%s%s%s", (double)(s->time - before) / 1e9, s->to_itself ? " itself" : "",
           step->is_quote ? " quote" : "", step->loses_number ? " loses-number" : "", step->payload_cut ? " cut" : "");
}

static void show_told(const struct fuzz_told *told)
{
    const struct tcphs_outcome *o = &told->outcome;
    if (!told->is_fed) {
        puts(" | not fed");
        return;
    }
    printf(" | %s %s | frame %u id %u stage %s accepted %u", states[o->state[0]], states[o->state[1]], o->frame,
           told->connection, stages[o->stage] ? stages[o->stage] : "none", o->accepted);
    if (o->step || o->close_steps || o->event || o->back)
        printf(" step %u close 0x%x event %u link %u", o->step, o->close_steps, o->event, o->back);
    for (unsigned i = tcphs_findings_next(&o->findings, 0); i != 0; i = tcphs_findings_next(&o->findings, i))
        printf(" %s", findings[i]);
    puts(o->assumed ? " assumed" : "");
}

static void show(const char *path)
{
    static const struct fuzz_view as_it_is = { .mirrored = false };
    static struct fuzz_script script;
    static struct fuzz_observer observer;
    char *bytes = NULL;
    gsize size = 0;
    GError *error = NULL;
    if (!g_file_get_contents(path, &bytes, &size, &error))
        g_error("%s", error->message);
    fuzz_decode((const guint8 *)bytes, size, &script);
    fuzz_observe(&observer, &script, &as_it_is, NULL);
    printf("== %s\n", path);
    for (unsigned i = 0; i < script.count; i++) {
        show_segment(&script.step[i], i > 0 ? script.step[i - 1].segment.time : 1000 * TCPHS_SECOND);
        show_told(&observer.told[i]);
    }
    fuzz_forget();
    g_free(bytes);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        show(argv[i]);
    return argc < 2;
}
